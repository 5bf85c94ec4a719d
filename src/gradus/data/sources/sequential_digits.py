"""Images read as sequences, a row or a pixel at a time."""

# N examples, C channels, H height, W width

from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gradus.core.errors import InputError
from gradus.core.randomness import Stream, hash_keys
from gradus.data.raw import Examples, RawData
from gradus.data.sources import open_data, sources

By = Literal["row", "pixel"]


@sources.register(
    source="Le, Jaitly, Hinton (2015), A simple way to initialize recurrent networks of rectified linear units, "
    "arXiv:1504.00941, section 4.2",
    notes="All pixels are scaled as one: by itself, a column at the edge that is black but for one image would be "
    "scaled to hundreds of deviations.",
)
def sequential_digits(
    *,
    of: str = "digits",
    by: By = "row",
    permuted: bool = False,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> RawData:
    """Digits read from top left to bottom right, a row or a pixel at each step.

    Inputs are (N, H, W C) by row and (N, H W, C) by pixel: (N, 28, 28) and (N, 784, 1) of MNIST.

    Args:
        of: the digits, or any other images: "digits", or a path such as "$GRADUS_DATA/mnist".
        by: what is seen at a step.
        permuted: pixels come in an order drawn once by `seed`, the same for every image; only by pixel.
    """
    owner = "data `sequential_digits`"
    if permuted and by == "row":
        raise InputError(owner, "`permuted` is of single pixels", repair='Set by = "pixel".')
    raw = open_data(of, {})
    if len(raw.spec.inputs) != 1 or len(raw.spec.inputs[0]) != 3:
        raise InputError(owner, "`of` must be images", raw.spec.inputs, 'As "digits" or MNIST.')
    _, height, width = raw.spec.inputs[0]
    order = pixel_order(height * width, seed) if permuted else None

    def read(part: Examples | None) -> Examples | None:
        return None if part is None else Examples((as_sequences(part.inputs[0][:], by, order),), part.target)

    train = read(raw.train)
    assert train is not None
    return replace(
        raw,
        kind="sequential_digits",
        train=train,
        validation=read(raw.validation),
        test=read(raw.test),
        alike=True,
    )


def pixel_order(pixels: int, seed: int) -> NDArray[np.int64]:
    """A permutation of so many pixels that depends on `seed` alone."""
    order: NDArray[np.int64] = np.argsort(hash_keys(seed, Stream.DATA, np.arange(pixels)), kind="stable")
    return order


def as_sequences(images: NDArray[Any], by: By, order: NDArray[np.int64] | None = None) -> NDArray[Any]:
    """Images (N, C, H, W) as (N, H, W C) or (N, H W, C), dtype kept.

    Args:
        order: (H W,) which pixel is seen at each step, instead of row by row.
    """
    count, channels, height, width = images.shape
    last = np.moveaxis(images, 1, -1)
    if by == "row":
        return np.ascontiguousarray(last.reshape(count, height, width * channels))
    pixels = last.reshape(count, height * width, channels)
    return np.ascontiguousarray(pixels if order is None else pixels[:, order])
