"""What SqueezeNet is made of: Iandola et al. (2016), SqueezeNet, arXiv:1602.07360."""

from collections import OrderedDict
from typing import Literal

from torch import nn

from gradus.nn.blocks.residual import Residual
from gradus.nn.convolution import Concatenated, conv_norm, relu

Bypass = Literal["none", "simple", "complex"]


def fire(
    inputs: int, outputs: int, *, squeeze_ratio: float = 0.125, share_3x3: float = 0.5, bypass: Bypass = "none"
) -> nn.Module:
    """Squeeze to few channels with a 1 x 1 convolution, then expand them with 1 x 1 and 3 x 3 kernels side by side.

        H W S (M + N / 2 + 9 N / 2)  multiply-adds for M inputs, N outputs, half of them 3 x 3, and S = N / 8 between

    A 3 x 3 kernel has nine times as many weights as a 1 x 1 kernel, so only some are 3 x 3, and these see few channels.

    Shapes: (N, inputs, H, W) to (N, outputs, H, W).

    Args:
        squeeze_ratio: squeezed channels as a share of the outputs.
        share_3x3: of the outputs.
        bypass: the input is added, "simple" where it has as many channels as the output, "complex" also elsewhere,
            through a 1 x 1 convolution.

    Source: Iandola et al. (2016), SqueezeNet, arXiv:1602.07360, sections 3.2, 5.1 and 6, figures 1 and 2.
    """
    squeezed = max(1, round(outputs * squeeze_ratio))
    wide = min(max(1, round(outputs * share_3x3)), outputs - 1)
    # Both convolutions are followed by ReLU: the same of both side by side, in one operation.
    expanded = Concatenated(nn.Conv2d(squeezed, outputs - wide, 1), nn.Conv2d(squeezed, wide, 3, padding=1))
    squeeze = conv_norm(inputs, squeezed, 1, norm=None)
    branch = nn.Sequential(OrderedDict(squeeze=squeeze, expand=expanded, activation=relu()))
    if bypass == "none" or (bypass == "simple" and inputs != outputs):
        return branch
    return Residual(branch, None if inputs == outputs else nn.Conv2d(inputs, outputs, 1))
