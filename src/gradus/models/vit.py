"""Vision transformers: an image as a sequence of patches.

Source: Dosovitskiy et al. (2021), An image is worth 16 x 16 words: transformers for image recognition at scale,
arXiv:2010.11929 (ICLR). New in it: no convolution but the one that makes a token of each patch; what neighbours are is
learned, which takes many images. The tiny and the small one are of Touvron et al. (2021), Training data-efficient image
transformers, arXiv:2012.12877 (DeiT).
"""

from collections import OrderedDict
from math import gcd, sqrt
from typing import Any, Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.inputs import image
from gradus.nn.blocks.transformer import Positions, encoder_layer, xavier_uniform
from gradus.nn.dropout import Chance

_PAPER = "Dosovitskiy et al. (2021), An image is worth 16x16 words, arXiv:2010.11929"
_COMMON: dict[str, Any] = {"family": "vit", "year": 2021}
_PHOTOGRAPHS: dict[str, Any] = {**_COMMON, "input": (3, 224, 224), "outputs": 1000}
_NOTES = "The paper begins fine-tuning with an output layer of zeros; this one has weights as the others."
_DEIT = "Touvron et al. (2021), Training data-efficient image transformers, arXiv:2012.12877, table 1"
_SIZES = {"tiny": (192, 3), "small": (384, 6), "base": (768, 12)}

Pool = Literal["token", "mean"]


class Patches(nn.Module):
    """Each patch as a token, a linear function of its pixels, after a learned token of the class if there is one.

    Shapes: (N, C, H, W) to (N, T, width), T = H W / patch^2, or one more.
    """

    def __init__(self, channels: int, patch: int, width: int, *, token: bool) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, width)) if token else None
        self.linear = nn.Conv2d(channels, width, patch, patch)
        nn.init.trunc_normal_(self.linear.weight, std=1 / sqrt(channels * patch**2))
        if self.linear.bias is not None:
            nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        tokens: Tensor = self.linear(x).flatten(2).mT
        return tokens if self.token is None else torch.cat((self.token.expand(len(x), -1, -1), tokens), 1)


class FirstToken(nn.Module):
    """The token of the class: (N, T, width) to (N, width)."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]


class MeanToken(nn.Module):
    """The mean of the tokens: (N, T, width) to (N, width)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(1)


@models.register(input=(3, 32, 32), outputs=10, source=_PAPER, notes=_NOTES, **_COMMON)
def vit(
    spec: DataSpec,
    *,
    patch: PositiveInt = 4,
    depth: PositiveInt = 6,
    width: PositiveInt = 192,
    heads: PositiveInt = 3,
    ratio: PositiveInt = 4,
    pool: Pool = "token",
    dropout: Chance = 0.0,
) -> nn.Module:
    """Vision transformer of any size; its own is for small images.

    Args:
        patch: side of a patch, in pixels; a divisor of the image's sides.
        depth: layers, each of attention and two dense ones.
        width: numbers of a token, a multiple of `heads`.
        ratio: how many times as many numbers there are between the two dense layers.
        pool: what the output layer sees: a token of its own, or the mean of those of the patches (appendix D.3).
        dropout: share of the numbers after positions, attention and dense layers that is left out in training.
    """
    return _network("model `vit`", spec, patch, depth, width, heads, ratio * width, pool, dropout)


@models.register(
    "vit_tiny",
    preset={"size": "tiny"},
    source=_DEIT,
    notes=_NOTES,
    aliases=("vit_tiny_patch16_224",),
    **_PHOTOGRAPHS,
)
@models.register(
    "vit_small",
    preset={"size": "small"},
    source=_DEIT,
    notes=_NOTES,
    aliases=("vit_small_patch16_224",),
    **_PHOTOGRAPHS,
)
@models.register(
    "vit_base",
    preset={"size": "base"},
    source=f"{_PAPER}, table 1",
    notes=_NOTES,
    aliases=("vit_b_16", "vit_base_patch16_224"),
    **_PHOTOGRAPHS,
)
def photograph_vit(
    spec: DataSpec,
    *,
    size: Literal["tiny", "small", "base"],
    patch: PositiveInt = 16,
    depth: PositiveInt = 12,
    pool: Pool = "token",
    dropout: Chance = 0.0,
) -> nn.Module:
    """Vision transformer, {size}, of patches of 16 x 16 for photographs.

    Args:
        patch: side of a patch, in pixels; a divisor of the image's sides.
        depth: layers, each of attention and two dense ones.
        pool: what the output layer sees: a token of its own, or the mean of those of the patches (appendix D.3).
        dropout: share of the numbers after positions, attention and dense layers that is left out in training.
    """
    width, heads = _SIZES[size]
    return _network(f"model `vit_{size}`", spec, patch, depth, width, heads, 4 * width, pool, dropout)


def _network(
    owner: str,
    spec: DataSpec,
    patch: int,
    depth: int,
    width: int,
    heads: int,
    hidden: int,
    pool: Pool,
    dropout: float,
) -> nn.Sequential:
    channels, *sides = image(owner, spec, smallest=patch)
    if any(side % patch for side in sides):
        fitting = min(_divisors(gcd(*sides)), key=lambda each: abs(each - patch))
        rule = f"takes images of sides divisible by `patch` = {patch}"
        raise InputError(owner, rule, spec.inputs[0], f"Such as {fitting}.")
    if width % heads:
        fitting = min(_divisors(width), key=lambda each: abs(each - heads))
        raise InputError(owner, f"`width` must be divisible by `heads` = {heads}", width, f"Such as {fitting}.")
    tokens = sides[0] * sides[1] // patch**2 + (pool == "token")
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["stem"] = Patches(channels, patch, width, token=pool == "token")
    layers["positions"] = Positions(tokens, width)
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    for number in range(1, depth + 1):
        layers[f"layer{number}"] = encoder_layer(width, heads, hidden, dropout=dropout)
    norm = nn.LayerNorm(width, eps=1e-6)
    # Tokens are normalized one by one, so that of those that are not looked at none needs to be.
    layers |= {"pool": FirstToken(), "norm": norm} if pool == "token" else {"norm": norm, "pool": MeanToken()}
    layers["output"] = nn.Linear(width, spec.outputs)
    model = nn.Sequential(layers)
    xavier_uniform(model)
    return model


def _divisors(number: int) -> list[int]:
    return [each for each in range(1, number + 1) if number % each == 0]
