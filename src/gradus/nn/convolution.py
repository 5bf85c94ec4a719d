"""Convolutions as networks use them: with what follows, apart by space and channel, side by side and shuffled."""

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

Layer = Callable[[], nn.Module]
Norm = Callable[[int], nn.Module]


def relu() -> nn.Module:
    """ReLU that overwrites what is before it: neither normalization nor a sum needs that for the backward pass."""
    return nn.ReLU(inplace=True)


def conv_norm(
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    norm: Norm | None = nn.BatchNorm2d,
    activation: Layer | None = relu,
) -> nn.Sequential:
    """A convolution that keeps the sides (at stride 1), then a normalization, then an activation.

    Shapes: (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride)).

    Args:
        kernel: height and width of the kernels, odd.
        norm: makes the normalization of so many channels, which takes the place of the bias; None for a bias.
        activation: makes the activation; None for none.
    """
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=norm is None)
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=conv)
    if norm is not None:
        layers["norm"] = norm(outputs)
    if activation is not None:
        layers["activation"] = activation()
    return nn.Sequential(layers)


def norm_conv(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A batch normalization, then ReLU, then a convolution without bias that keeps the sides (at stride 1).

    The order of pre-activation: He, Zhang, Ren, Sun (2016), arXiv:1603.05027, figure 4 (e).

    Shapes: (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride)).
    """
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(OrderedDict(norm=nn.BatchNorm2d(inputs), activation=relu(), conv=conv))


def depthwise_separable(
    inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, activation: Layer | None = relu
) -> nn.Sequential:
    """A convolution in two: one kernel for each channel, then a 1 x 1 convolution that mixes channels.

        H W (M K^2 + M N)  multiply-adds for M inputs and N outputs,  1 / N + 1 / K^2  of what a full one takes

    Each is followed by a batch normalization and an activation.

    Shapes: (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride)).

    Source: Howard et al. (2017), MobileNets, arXiv:1704.04861, section 3.1 and figure 3.
    """
    depthwise = conv_norm(inputs, inputs, kernel, stride=stride, groups=inputs, activation=activation)
    pointwise = conv_norm(inputs, outputs, 1, activation=activation)
    return nn.Sequential(OrderedDict(depthwise=depthwise, pointwise=pointwise))


def divisible(width: float, by: int) -> int:
    """The multiple of `by` nearest to a number of channels, halves up, the next one where that is below 90 % of it.

    Source: Sandler et al. (2018), MobileNetV2, arXiv:1801.04381, as its authors' code rounds.

    >>> [divisible(width, 8) for width in (3, 11.2, 12, 33.6)]
    [8, 16, 16, 32]
    """
    near = max(by, int(width + by / 2) // by * by)
    return near if near >= 0.9 * width else near + by


class Concatenated(nn.Module):
    """What each branch makes of x, one after the other along the channels.

    Shapes: (N, C, H, W) to (N, sum of the branches' channels, H', W').
    """

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class ChannelShuffle(nn.Module):
    """Channels that came in groups, in turn one of each: of groups (a b c) (d e f), a d b e c f.

        y[n, j g + i] = x[n, i C / g + j]    for g groups, i < g, j < C / g

    So each group of the next grouped convolution sees channels of all groups of the one before. It is the transposed
    view of (g, C / g) as (C / g, g), copied once. Whatever works on each channel alone can change places with it, its
    weights in the other order; and before or after a convolution that is not grouped it is a mere order of weights.

    Shapes: (N, C, H, W) to the same; C a multiple of `groups`.

    Source: Zhang, Zhou, Lin, Sun (2017), ShuffleNet, arXiv:1707.01083, section 3.1 and figure 1.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        return functional.channel_shuffle(x, self.groups)

    def inverse(self, channels: int) -> "ChannelShuffle":
        """What puts so many channels back in order: the shuffle of the transposed view."""
        return ChannelShuffle(channels // self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


def interleaved(first: Tensor, second: Tensor) -> Tensor:
    """The channels of two tensors in turn: concatenation and shuffle of two groups, with one copy in place of two.

    Shapes: twice (N, C, H, W) to (N, 2 C, H, W).
    """
    return torch.stack((first, second), dim=2).flatten(1, 2)
