"""Two examples made one, their targets in the same shares."""

# N examples, C channels, H height, W width

from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from gradus.data.augmentation.changes import Mixing, Uniform, augmentations, blend

Concentration = Annotated[float, Field(gt=0)]
Shares = NDArray[np.float64]


@augmentations.register(
    source="Zhang, Cisse, Dauphin, Lopez-Paz (2018), mixup: beyond empirical risk minimization, arXiv:1710.09412, 2",
    notes="The other example is any of the training split, where the paper's code takes one of the same batch.",
    takes=("images", "numbers"),
)
def mixup(*, alpha: Concentration = 0.2) -> Mixing:
    """Take the weighted mean of two examples and of their targets; the weight is Beta(`alpha`, `alpha`) distributed."""

    def mix(one: Tensor, other: Tensor, u: Uniform) -> tuple[Tensor, Shares]:
        share = symmetric_beta(u, alpha)
        return blend(one, other, share), share

    return Mixing(3, mix)


@augmentations.register(
    source="Yun et al. (2019), CutMix: regularization strategy to train strong classifiers, arXiv:1905.04899, 3",
    notes="The other example is any of the training split, where the paper's code takes one of the same batch.",
)
def cutmix(*, alpha: Concentration = 1.0) -> Mixing:
    """Paste a rectangle of one image on another; its area, before the edges cut it, is Beta(`alpha`, `alpha`)."""

    def mix(one: Tensor, other: Tensor, u: Uniform) -> tuple[Tensor, Shares]:
        side = np.sqrt(1 - symmetric_beta(u[:, :2], alpha))  # of the rectangle, in sides of the image
        rows = _within(u[:, 2], side, one.shape[-2])
        columns = _within(u[:, 3], side, one.shape[-1])
        pasted = rows[:, :, None] & columns[:, None, :]
        mask = torch.from_numpy(pasted[:, None]).to(one.device)
        return torch.where(mask, other, one), 1 - pasted.mean(axis=(1, 2))

    return Mixing(5, mix)


def symmetric_beta(u: Uniform, alpha: float) -> Shares:
    """Beta(alpha, alpha) distributed numbers (N,) from two uniform ones each.

    With T of Student's t distribution with 2 alpha degrees of freedom, 1/2 + T / (2 sqrt(2 alpha + T^2)) is so
    distributed; T comes from the polar method.

    Source: Devroye (1996), Random variate generation in one line of code, Winter Simulation Conference, 3.
        Bailey (1994), Polar generation of random variates with the t-distribution, Mathematics of Computation 62.
    """
    side = np.cos(2 * np.pi * u[:, 1])
    with np.errstate(over="ignore", divide="ignore"):  # infinite where the result is 0, 1/2 or 1 to the last bit
        squared = np.expm1(-np.log1p(-u[:, 0]) / alpha) * side**2  # T^2 / (2 alpha)
        shares: Shares = 0.5 + np.copysign(0.5, side) / np.sqrt(1 + 1 / squared)
    return shares


def _within(u: Shares, share: Shares, side: int) -> NDArray[np.bool_]:
    """Which of `side` pixels lie in a stretch of so large a `share` of them about a centre drawn among them."""
    middle, half = u * side, share * side / 2
    first, end = np.rint(middle - half)[:, None], np.rint(middle + half)[:, None]
    pixels = np.arange(side)
    return (pixels >= first) & (pixels < end)
