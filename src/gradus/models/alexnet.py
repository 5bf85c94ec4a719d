"""AlexNet: in the two columns of 2012, and the single one of 2014.

Sources: Krizhevsky, Sutskever, Hinton (2012), ImageNet classification with deep convolutional neural networks, NIPS;
Krizhevsky (2014), One weird trick for parallelizing convolutional neural networks, arXiv:1404.5997. New in the first:
a deep convolutional network learns a million photographs, by rectified units, dropout and two graphics cards.
"""

from collections import OrderedDict
from math import prod
from typing import Literal

import torch
from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import Published, models
from gradus.models.images import Reduction, Width, he_normal, strides
from gradus.models.inputs import image
from gradus.nn.convolution import divisible, relu

Window = tuple[int, int, int]
"""Kernel, stride and padding."""
UNITS = 4096
"""Of each hidden dense layer."""


@models.register(
    source="Krizhevsky, Sutskever, Hinton (2012), ImageNet classification with deep convolutional neural networks",
    family="alexnet",
    year=2012,
    input=(3, 227, 227),
    outputs=1000,
    published=Published(parameters=60e6, where="abstract"),
    headline="ImageNet top-1 57.1 %, top-5 80.2 % of the centre, as Caffe's bvlc_alexnet",
    notes="The paper says 224 pixels; its 55 x 55 maps are those of 227 without padding. Responses are normalized "
    "across both columns. Maps of other sizes are pooled to at most 6 x 6 before the dense layers.",
)
def alexnet(spec: DataSpec, *, columns: Literal[1, 2] = 2, width: Width = 1.0, reduction: Reduction = 32) -> nn.Module:
    """AlexNet of 2012: five convolutions, of which two normalize their responses, and three dense layers.

    The first weights are drawn as the paper says (section 5).

    Args:
        columns: 2 as on two graphics cards, where convolutions 2, 4 and 5 see the maps of their own card only; 1 is as
            wide and sees all.
        width: multiplies the channels and units of every layer, rounded to multiples of 8.
        reduction: how many times smaller than the image the last maps are: 32 for 224 pixels, 16 for 64, 8 for 32 or
            28, where the stem is a 3 x 3 convolution.

    Cost: 60,965,224 parameters and 724,406,816 multiply-adds for 1,000 classes.
    """
    model = _network(
        "model `alexnet`",
        spec,
        (96, 256, 384, 384, 256),
        _windows(reduction, padding=0),
        width,
        columns=columns,
        normalized=True,
        drop_inputs=False,
    )
    _as_published(model)
    return model


@models.register(
    source="Krizhevsky (2014), One weird trick for parallelizing convolutional neural networks, arXiv:1404.5997",
    family="alexnet",
    year=2014,
    input=(3, 224, 224),
    outputs=1000,
    headline="ImageNet top-1 56.522 %, top-5 79.066 %, as torchvision's weights",
    notes="Widths, padding and dropout are torchvision's, which drops the inputs of the hidden layers and not their "
    "outputs. Maps of other sizes are pooled to at most 6 x 6 before the dense layers.",
)
def alexnet_owt(spec: DataSpec, *, width: Width = 1.0, reduction: Reduction = 32) -> nn.Module:
    """AlexNet of 2014: one narrower column, without normalization.

    Args:
        width: multiplies the channels and units of every layer, rounded to multiples of 8.
        reduction: how many times smaller than the image the last maps are: 32 for 224 pixels, 16 for 64, 8 for 32 or
            28, where the stem is a 3 x 3 convolution.

    Cost: 61,100,840 parameters and 714,188,480 multiply-adds for 1,000 classes.
    """
    windows = _windows(reduction, padding=2)
    model = _network("model `alexnet_owt`", spec, (64, 192, 384, 256, 256), windows, width, drop_inputs=True)
    he_normal(model)
    return model


def dense_layers(
    channels: int, sides: tuple[int, int], outputs: int, units: int, *, drop_inputs: bool = False
) -> OrderedDict[str, nn.Module]:
    """Maps pooled to so many rows and columns, two hidden layers of so many units, and a linear layer.

    Args:
        drop_inputs: in training half of the inputs of each hidden layer are dropped, in place of half of its outputs.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(pool=nn.AdaptiveAvgPool2d(sides), flatten=nn.Flatten())
    for number, inputs in enumerate((channels * prod(sides), units), start=1):
        hidden = OrderedDict[str, nn.Module](linear=nn.Linear(inputs, units), activation=relu(), dropout=nn.Dropout())
        if drop_inputs:
            hidden.move_to_end("dropout", last=False)
        layers[f"dense{number}"] = nn.Sequential(hidden)
    layers["output"] = nn.Linear(units, outputs)
    return layers


def _network(
    owner: str,
    spec: DataSpec,
    widths: tuple[int, ...],
    windows: list[Window],
    multiplier: float,
    *,
    columns: int = 1,
    normalized: bool = False,
    drop_inputs: bool,
) -> nn.Sequential:
    reduction = prod(stride for _, stride, _ in windows)
    channels, height, width = image(owner, spec, smallest=_smallest(windows), reduction=reduction)
    stem, *pools = windows
    first, second, third, fourth, fifth = (divisible(each * multiplier, 8) for each in widths)
    last = nn.Sequential(
        _conv(second, third, (3, 1, 1)),
        _conv(third, fourth, (3, 1, 1), columns=columns),
        _conv(fourth, fifth, (3, 1, 1), columns=columns),
    )
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        stem=_conv(channels, first, stem, normalized=normalized),
        stem_pool=nn.MaxPool2d(*pools[0]),
        stage1=_conv(first, second, (5, 1, 2), columns=columns, normalized=normalized),
        stage1_pool=nn.MaxPool2d(*pools[1]),
        stage2=last,
        stage2_pool=nn.MaxPool2d(*pools[2]),
    )
    hidden = divisible(UNITS * multiplier, 8)
    sides = min(6, _side(height, windows)), min(6, _side(width, windows))
    return nn.Sequential(layers | dense_layers(fifth, sides, spec.outputs, hidden, drop_inputs=drop_inputs))


def _conv(inputs: int, outputs: int, window: Window, *, columns: int = 1, normalized: bool = False) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, *window, groups=columns)
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=conv, activation=relu())
    if normalized:  # torch divides alpha by the 5 channels, the paper's 1e-4 is of their sum
        layers["norm"] = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
    return nn.Sequential(layers)


def _windows(reduction: Reduction, *, padding: int) -> list[Window]:
    """Those of the stem, which halves the sides twice in one, and of the three poolings."""
    first, second, *rest = strides(reduction, 5)
    stem = {4: (11, 4, padding), 2: (5, 2, 2), 1: (3, 1, 1)}[first * second]
    return [stem, *((3, step, 0) for step in rest)]


def _side(side: int, windows: list[Window]) -> int:
    """What is left of a side after these windows."""
    for kernel, stride, padding in windows:
        side = (side + 2 * padding - kernel) // stride + 1
    return side


def _smallest(windows: list[Window]) -> int:
    """The side of which these windows leave 1."""
    side = 1
    for kernel, stride, padding in reversed(windows):
        side = (side - 1) * stride + kernel - 2 * padding
    return side


@torch.no_grad()
def _as_published(model: nn.Sequential) -> None:
    """Weights of deviation 0.01; biases of convolutions 2, 4, 5 and of hidden layers 1, so that they begin active."""
    layers = [each for each in model.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    for number, layer in enumerate(layers, start=1):
        nn.init.normal_(layer.weight, std=0.01)
        assert layer.bias is not None
        nn.init.constant_(layer.bias, float(number in {2, 4, 5, 6, 7}))
