"""Inception: Szegedy et al. (2015), Going deeper with convolutions, arXiv:1409.4842."""

import torch
from torch import Tensor, nn

from gradus.nn.convolution import Norm, conv_norm

Widths = tuple[int, int, int, int, int, int]
"""Maps of the 1 x 1, before and of the 3 x 3, before and of the 5 x 5, and after the pooling: a row of table 1."""


class Inception(nn.Module):
    """What convolutions of several sizes and a pooling make of x, side by side (figure 2b).

        y = [conv1(x), conv3(conv1(x)), conv5(conv1(x)), conv1(max3(x))]

    The 1 x 1 convolutions before the larger ones have fewer maps than x, which makes those affordable. Each convolution
    is followed by ReLU.

    Shapes: (N, inputs, H, W) to (N, outputs, H, W), where `outputs` is the sum of what the four branches end with.

    Args:
        kernel: of the largest convolutions.
        norm: makes the normalization after each convolution; by default they have biases.
    """

    def __init__(self, inputs: int, widths: Widths, *, kernel: int = 5, norm: Norm | None = None) -> None:
        super().__init__()
        one, before_three, three, before_five, five, pooled = widths
        self.outputs = one + three + five + pooled
        self.branch1 = conv_norm(inputs, one, 1, norm=norm)
        self.branch3 = nn.Sequential(
            conv_norm(inputs, before_three, 1, norm=norm), conv_norm(before_three, three, 3, norm=norm)
        )
        self.branch5 = nn.Sequential(
            conv_norm(inputs, before_five, 1, norm=norm), conv_norm(before_five, five, kernel, norm=norm)
        )
        self.branch_pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv_norm(inputs, pooled, 1, norm=norm))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch3(x), self.branch5(x), self.branch_pool(x)], dim=1)
