"""Convolutions as networks use them: with what follows, apart by space and channel, shuffled, and as matrices."""

from collections import OrderedDict
from collections.abc import Callable

from torch import nn

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
