"""Residuals that are wide within and narrow between: Sandler et al. (2018), MobileNetV2, arXiv:1801.04381."""

from collections import OrderedDict

from torch import nn

from gradus.nn.blocks.residual import Residual
from gradus.nn.convolution import Layer, conv_norm


def relu6() -> nn.Module:
    """min(max(x, 0), 6), over what is before it: numbers of a known range, as arithmetic of few bits needs."""
    return nn.ReLU6(inplace=True)


def inverted_residual(
    inputs: int, outputs: int, *, stride: int = 1, expansion: float = 6, kernel: int = 3, activation: Layer = relu6
) -> nn.Module:
    """Expand with a 1 x 1 convolution, convolve each channel alone, and project with a linear 1 x 1 convolution.

        H W t M (M + K^2 + N)  multiply-adds at stride 1, for M inputs, N outputs and t times as many within

    That is more than a full convolution takes at equal width, 1.43 times at M = N = 64: it pays because the maps
    between blocks can be far narrower. There is no activation at the end: among few channels, what it cuts off is lost.
    The input is added where it has the shape of the output.

    Shapes: (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride)).

    Args:
        expansion: how many times as wide as the input it is within; at 1 nothing expands.

    Source: Sandler et al. (2018), MobileNetV2, arXiv:1801.04381, table 1 and section 3.
    """
    within = round(inputs * expansion)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if expansion != 1:
        layers["expand"] = conv_norm(inputs, within, 1, activation=activation)
    layers["depthwise"] = conv_norm(within, within, kernel, stride=stride, groups=within, activation=activation)
    layers["project"] = conv_norm(within, outputs, 1, activation=None)
    branch = nn.Sequential(layers)
    return Residual(branch) if (stride, inputs) == (1, outputs) else branch
