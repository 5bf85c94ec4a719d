"""What networks for images share: by how much they make an image smaller, how they end, and their first weights."""

import math
from collections import OrderedDict
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from gradus.nn.convolution import conv_norm

Reduction = Literal[4, 8, 16, 32]
"""How many times smaller than the image the last maps are; networks for 224 pixels were published with 32."""
Width = Annotated[float, Field(gt=0, le=16)]
"""Multiplies the channels of every layer, rounded to multiples of 8."""


def strides(reduction: int, published: int) -> list[int]:
    """The stride of each place where a network halves the sides, the first ones 1 where it is to reduce less.

    Args:
        published: how many such places there are, so that all of them reduce by 2 ** published.
    >>> strides(8, 5)
    [1, 1, 2, 2, 2]
    """
    halvings = reduction.bit_length() - 1
    return [1] * (published - halvings) + [2] * halvings


def stem(channels: int, outputs: int, steps: list[int], *, bare: bool = False) -> OrderedDict[str, nn.Module]:
    """How networks for photographs begin: a convolution, and a pooling where it is to halve the sides once more.

    Args:
        steps: as of `strides`; the first is of the convolution, of 7 x 7 where that is 2 and else of 3 x 3.
        bare: the convolution has neither normalization nor activation.
    """
    kernel = 7 if steps[0] == 2 else 3
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if bare:
        layers["stem"] = nn.Conv2d(channels, outputs, kernel, steps[0], kernel // 2, bias=False)
    else:
        layers["stem"] = conv_norm(channels, outputs, kernel, stride=steps[0])
    if steps[1] == 2:
        layers["stem_pool"] = nn.MaxPool2d(3, 2, 1)
    return layers


def ending(channels: int, outputs: int, *, dropout: float = 0.0) -> OrderedDict[str, nn.Module]:
    """The mean over each map, and a linear layer of these (Lin, Chen, Yan (2014), arXiv:1312.4400, section 3.2)."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    layers["output"] = nn.Linear(channels, outputs)
    return layers


@torch.no_grad()
def he_normal(model: nn.Module) -> None:
    """Weights of convolutions from a normal distribution of variance 2 / fan-out, their biases 0.

    Source: He, Zhang, Ren, Sun (2015), arXiv:1502.01852, equation 14.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            fan_out = module.weight[:, 0].numel() / module.groups  # which torch's own function takes for all groups
            module.weight.normal_(0, math.sqrt(2 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
