"""Geometric changes: affine maps, of which one sampling of the image makes as many as stand in a row."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gradus.data.augmentation.changes import Degrees, Share, Uniform, Warp, augmentations

Map = NDArray[np.float64]
Size = tuple[int, int]
_DISTORTIONS = "LeCun et al. (1998), Gradient-based learning, III.C"


@augmentations.register(source=_DISTORTIONS)
def shift(*, by: Share = 0.1) -> Warp:
    """Move the image by up to `by` of its side along each axis."""

    def matrix(u: Uniform, size: Size) -> Map:
        map_ = _identity(len(u))
        map_[:, 0, 2] = (2 * u[:, 0] - 1) * by * size[1]
        map_[:, 1, 2] = (2 * u[:, 1] - 1) * by * size[0]
        return map_

    return Warp(2, matrix)


@augmentations.register(source=_DISTORTIONS)
def rotate(*, degrees: Annotated[float, Field(gt=0, le=180)] = 10.0) -> Warp:
    """Turn the image about its centre by up to `degrees` either way."""

    def matrix(u: Uniform, size: Size) -> Map:
        angle = np.deg2rad(degrees) * (2 * u[:, 0] - 1)
        map_ = _identity(len(u))
        map_[:, 0, 0] = map_[:, 1, 1] = np.cos(angle)
        map_[:, 0, 1], map_[:, 1, 0] = -np.sin(angle), np.sin(angle)
        return map_

    return Warp(1, matrix)


@augmentations.register(source=_DISTORTIONS)
def scale(*, by: Share = 0.1) -> Warp:
    """Enlarge the image by a factor between 1 - `by` and 1 + `by`."""

    def matrix(u: Uniform, size: Size) -> Map:
        map_ = _identity(len(u))
        map_[:, 0, 0] = map_[:, 1, 1] = 1 / (1 + by * (2 * u[:, 0] - 1))
        return map_

    return Warp(1, matrix)


@augmentations.register(source=_DISTORTIONS)
def shear(*, degrees: Degrees = 10.0) -> Warp:
    """Slant the image's upright lines by up to `degrees` either way; its centre and its rows stay."""

    def matrix(u: Uniform, size: Size) -> Map:
        map_ = _identity(len(u))
        map_[:, 0, 1] = np.tan(np.deg2rad(degrees) * (2 * u[:, 0] - 1))
        return map_

    return Warp(1, matrix)


@augmentations.register(source="Krizhevsky, Sutskever, Hinton (2012), ImageNet classification, 4.1")
def flip(*, vertical: bool = False) -> Warp:
    """Exchange left and right in every other image, or if `vertical` top and bottom."""

    def matrix(u: Uniform, size: Size) -> Map:
        map_ = _identity(len(u))
        axis = 1 if vertical else 0
        map_[:, axis, axis] = np.where(u[:, 0] < 0.5, -1, 1)
        return map_

    return Warp(1, matrix)


@augmentations.register(
    source="Szegedy et al. (2015), Going deeper with convolutions, arXiv:1409.4842, 6",
    notes="Sides are measured from the middle of the first pixel to that of the last, so that nothing comes in from "
    "outside; a side that would be longer than the image's is cut to it.",
)
def crop(*, least: Share = 0.5, aspect: Annotated[float, Field(ge=1)] = 4 / 3) -> Warp:
    """Fill the image with a part of it: of its area at least `least`, its sides in proportion up to `aspect` longer."""

    def matrix(u: Uniform, size: Size) -> Map:
        area = least + (1 - least) * u[:, 0]
        ratio = aspect ** (2 * u[:, 1] - 1)
        map_ = _identity(len(u))
        for axis, (side, wanted) in enumerate(zip(size[::-1], (area * ratio, area / ratio), strict=True)):
            share = np.minimum(np.sqrt(wanted), 1)
            map_[:, axis, axis] = share
            map_[:, axis, 2] = (2 * u[:, 2 + axis] - 1) * (1 - share) * (side - 1) / 2
        return map_

    return Warp(4, matrix)


def _identity(count: int) -> Map:
    return np.broadcast_to(np.eye(3), (count, 3, 3)).copy()
