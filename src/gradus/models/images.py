"""What networks for images share: by how much they make an image smaller, how they end, and their first weights."""

import math
from collections import OrderedDict
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

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
