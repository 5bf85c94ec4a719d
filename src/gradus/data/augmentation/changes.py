"""What a change to examples can be, and the catalogue of them."""

# N examples, C channels, H height, W width

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from gradus.core.cards import Card, Registry

Uniform = NDArray[np.float64]
"""Numbers from [0, 1), (N, draws): some for each example."""
Kind = Literal["images", "numbers", "text"]
Share = Annotated[float, Field(gt=0, lt=1)]
Degrees = Annotated[float, Field(gt=0, lt=90)]


@dataclass(frozen=True)
class Warp:
    """A random affine map: `matrix` turns `draws` uniform numbers an example, (N, draws), and the image's (H, W) into
    (N, 3, 3) maps from output to input pixels, both measured from the centre, x before y.
    """

    draws: int
    matrix: Callable[[Uniform, tuple[int, int]], NDArray[np.float64]]


@dataclass(frozen=True)
class Retouch:
    """New values in place of the old: `change` turns (N, ...) and `draws` uniform numbers an example into as many.

    Of images, black is 0 there and white 1. Where `draws` is None every number of an example has a draw of its own.
    """

    draws: int | None
    change: Callable[[Tensor, Uniform], Tensor]


@dataclass(frozen=True)
class Mixing:
    """Two examples made one: `mix` turns both, each (N, ...), and (N, draws - 1) uniform numbers into the mixed ones,
    and the share (N,) that the first has in each. The first draw chooses the other example.
    """

    draws: int
    mix: Callable[[Tensor, Tensor, Uniform], tuple[Tensor, NDArray[np.float64]]]


@dataclass(frozen=True)
class Rewriting:
    """Another text of the same meaning: `rewrite` turns codes (N, T), a uniform number (N,) for each and the vocabulary
    into codes (N, T).
    """

    rewrite: Callable[[Tensor, NDArray[np.float64], tuple[str, ...]], Tensor]
    draws: int = 1


Change = Warp | Retouch | Mixing | Rewriting


@dataclass(frozen=True, kw_only=True)
class AugmentationCard(Card):
    """A change. `build` takes the options and returns a `Change`.

    Attributes:
        takes: the data it can be made to: images (C, H, W), text, or numbers of any other shape.
    """

    takes: tuple[Kind, ...] = ("images",)


augmentations: Registry[AugmentationCard] = Registry("augmentation", "gradus.data.augmentation", AugmentationCard)


def blend(one: Tensor, other: Tensor, share: NDArray[np.float64]) -> Tensor:
    """``share * one + (1 - share) * other``, a share (N,) for each example."""
    shares = torch.from_numpy(share).to(one).reshape(-1, *(1,) * (one.ndim - 1))
    # Not lerp, which a processor may round in one way for a few numbers and in another for many.
    return shares * one + (1 - shares) * other
