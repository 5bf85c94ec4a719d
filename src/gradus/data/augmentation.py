"""Label-preserving changes to training images, drawn anew for each example and epoch.

Draws are keyed by example (`core.randomness`), so an example is changed the same way in whichever batch or worker it
comes. The geometric changes in a row are multiplied into one affine map, and the image is sampled once.
"""

# N examples, C channels, H height, W width

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn.functional import grid_sample

from gradus.core.cards import Card, Registry
from gradus.core.errors import InputError
from gradus.core.randomness import Stream, uniform

Uniform = NDArray[np.float64]
Share = Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True)
class Warp:
    """A random affine map: `matrix` turns `draws` uniform numbers an example, (N, draws), and the image's (H, W) into
    (N, 3, 3) maps from output to input pixels, both measured from the centre, x before y.
    """

    draws: int
    matrix: Callable[[Uniform, tuple[int, int]], NDArray[np.float64]]


augmentations: Registry[Card] = Registry("augmentation", "gradus.data.augmentation", Card)


@augmentations.register(source="LeCun et al. (1998), Gradient-based learning, III.C")
def shift(*, by: Share = 0.1) -> Warp:
    """Move the image by up to `by` of its side along each axis."""

    def matrix(u: Uniform, size: tuple[int, int]) -> NDArray[np.float64]:
        map_ = _identity(len(u))
        map_[:, 0, 2] = (2 * u[:, 0] - 1) * by * size[1]
        map_[:, 1, 2] = (2 * u[:, 1] - 1) * by * size[0]
        return map_

    return Warp(2, matrix)


@augmentations.register(source="LeCun et al. (1998), Gradient-based learning, III.C")
def rotate(*, degrees: Annotated[float, Field(gt=0, le=180)] = 10.0) -> Warp:
    """Turn the image about its centre by up to `degrees` either way."""

    def matrix(u: Uniform, size: tuple[int, int]) -> NDArray[np.float64]:
        angle = np.deg2rad(degrees) * (2 * u[:, 0] - 1)
        map_ = _identity(len(u))
        map_[:, 0, 0] = map_[:, 1, 1] = np.cos(angle)
        map_[:, 0, 1], map_[:, 1, 0] = -np.sin(angle), np.sin(angle)
        return map_

    return Warp(1, matrix)


@augmentations.register(source="LeCun et al. (1998), Gradient-based learning, III.C")
def scale(*, by: Share = 0.1) -> Warp:
    """Enlarge the image by a factor between 1 - `by` and 1 + `by`."""

    def matrix(u: Uniform, size: tuple[int, int]) -> NDArray[np.float64]:
        map_ = _identity(len(u))
        map_[:, 0, 0] = map_[:, 1, 1] = 1 / (1 + by * (2 * u[:, 0] - 1))
        return map_

    return Warp(1, matrix)


class Augmentation:
    """The changes of a recipe, made in the order listed, ready for batches of images (N, C, H, W)."""

    def __init__(self, items: Sequence[str | Mapping[str, Any]], background: Tensor) -> None:
        """
        Args:
            items: names, or tables of a name and its options.
            background: what comes in from outside the image, (C, 1, 1) or ().
        Raises:
            InputError: for an unknown name or option.
        """
        self._items = tuple(items)
        self._warps = [_build(item) for item in self._items]
        self._draws = sum(warp.draws for warp in self._warps)
        self._background = background

    def __reduce__(self) -> Any:
        # Warps hold closures, which cannot be sent to a worker process; what they were made from can.
        return Augmentation, (self._items, self._background)

    def __call__(self, images: Tensor, seed: int, epoch: int, index: NDArray[np.int64]) -> Tensor:
        """The examples `index` as `epoch` sees them, same shape and dtype."""
        height, width = images.shape[-2:]
        u = uniform(seed, Stream.AUGMENTATION, epoch, index, self._draws)
        map_ = _identity(len(index))
        used = 0
        for warp in self._warps:
            # From output to input: the change listed last is the first to be undone.
            map_ = map_ @ warp.matrix(u[:, used : used + warp.draws], (height, width))
            used += warp.draws
        background = self._background.to(images)
        # grid_sample brings in zeros from outside, so the background is made zero meanwhile.
        grid = _grid(map_, height, width).to(images)
        return grid_sample(images - background, grid, align_corners=False) + background


def _build(item: str | Mapping[str, Any]) -> Warp:
    options = {} if isinstance(item, str) else {name: value for name, value in item.items() if name != "name"}
    name = item if isinstance(item, str) else item.get("name", "")
    if not isinstance(name, str) or not name:
        raise InputError("data.augment", "every item must be a name or have one", repr(item))
    card = augmentations.get(name, "data.augment")
    warp: Warp = card.build(**card.validate(options, f"data.augment `{name}`"))
    return warp


def _identity(count: int) -> NDArray[np.float64]:
    return np.broadcast_to(np.eye(3), (count, 3, 3)).copy()


def _grid(map_: NDArray[np.float64], height: int, width: int) -> Tensor:
    """Where each output pixel is read from, (N, H, W, 2), in grid_sample's units of half a side.

    Written out element by element: a matrix product could round differently from one batch size to another.
    """
    x = np.arange(width) - (width - 1) / 2
    y = (np.arange(height) - (height - 1) / 2)[:, None]
    a = map_[:, :2, :, None, None]
    grid = np.empty((len(map_), height, width, 2), dtype=np.float32)
    grid[..., 0] = (a[:, 0, 0] * x + a[:, 0, 1] * y + a[:, 0, 2]) * (2 / width)
    grid[..., 1] = (a[:, 1, 0] * x + a[:, 1, 1] * y + a[:, 1, 2]) * (2 / height)
    return torch.from_numpy(grid)
