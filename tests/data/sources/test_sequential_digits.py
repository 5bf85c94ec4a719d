"""Sequences hold the pixels of their images, in the order that is told."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradus.core.errors import InputError
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import Examples, RawData
from gradus.data.sources import open_data
from gradus.data.sources.sequential_digits import as_sequences, pixel_order
from gradus.data.splits import split

MNIST = Path(os.environ.get("GRADUS_DATA", "")) / "mnist"


def opened(**options: Any) -> RawData:
    return open_data("sequential_digits", options)


def test_rows_and_pixels_are_those_of_the_digits() -> None:
    digits, rows, pixels = open_data("digits", {}), opened(), opened(by="pixel")
    image = digits.train.inputs[0][5, 0]
    assert rows.spec.inputs == ((8, 8),)
    assert pixels.spec.inputs == ((64, 1),)
    for step in range(8):
        assert np.array_equal(rows.train.inputs[0][5, step], image[step])
        for column in range(8):
            assert pixels.train.inputs[0][5, 8 * step + column, 0] == image[step, column]
    for raw in (rows, pixels):
        assert np.array_equal(raw.train.target, digits.train.target)
        assert raw.classes == digits.classes


@pytest.mark.parametrize(("by", "shape"), [("row", (4, 5 * 3)), ("pixel", (4 * 5, 3))])
def test_colours_of_a_pixel_stay_together(by: Any, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5), dtype=np.uint8)
    read = as_sequences(images, by)
    assert read.shape == (2, *shape)
    for step, column in np.ndindex(4, 5):
        where = (1, step, slice(3 * column, 3 * column + 3)) if by == "row" else (1, 5 * step + column)
        assert np.array_equal(read[where], images[1, :, step, column])


def test_permuted_pixels_are_in_one_order_for_all() -> None:
    plain, permuted = (opened(by="pixel", permuted=each).train.inputs[0][:] for each in (False, True))
    order = pixel_order(64, 0)
    assert sorted(order.tolist()) == list(range(64))
    assert order.tolist() != list(range(64))
    assert np.array_equal(permuted[:, np.argsort(order)], plain)
    assert np.array_equal(order, pixel_order(64, 0))
    assert not np.array_equal(order, pixel_order(64, 1))
    other = opened(by="pixel", permuted=True, seed=3).train.inputs[0][:]
    assert np.array_equal(other, plain[:, pixel_order(64, 3)])


def edged() -> RawData:
    """Rows of three pixels, of which the first is black but in one example, and the last in all."""
    rows = np.zeros((400, 2, 3), np.uint8)
    rows[:, :, 1] = np.random.default_rng(0).integers(0, 256, (400, 2))
    rows[7, 0, 0] = 255
    target = np.arange(400) % 2
    return RawData(kind="x", task="classification", train=Examples((rows,), target), classes=("a", "b"), alike=True)


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust"])
def test_pixels_share_one_scale_so_that_a_rare_one_does_not_blow_up(scaling: Any) -> None:
    raw = edged()
    train = split(raw, validation=0.0, test=0.0, seed=0).train
    made = Preprocessing.fit(raw, train, scaling)
    (scaled,) = made.apply((raw.train.inputs[0][:],))
    numbers = raw.train.inputs[0][:].astype(np.float64)
    low, median, high = np.quantile(numbers, (0.25, 0.5, 0.75))
    expected = {
        "standard": (numbers - numbers.mean()) / numbers.std(),
        "minmax": numbers / 255,
        "robust": (numbers - median) / (high - low),
    }[scaling]
    np.testing.assert_allclose(scaled, expected, rtol=1e-5, atol=1e-6)
    assert Preprocessing.from_json(made.to_json()).to_json() == made.to_json()
    assert scaled.abs().max() < 10
    # The same numbers each by itself, which is what it is for.
    apart = Preprocessing.fit(RawData(**{**vars(raw), "alike": False}), train, "standard")
    assert apart.apply((raw.train.inputs[0][:],))[0].max() > 25


@pytest.mark.skipif(not MNIST.is_dir(), reason="needs $GRADUS_DATA")
def test_mnist_by_row_and_by_pixel() -> None:
    images = open_data(str(MNIST), {})
    rows, pixels = (opened(of="$GRADUS_DATA/mnist", by=by) for by in ("row", "pixel"))
    assert rows.spec.inputs == ((28, 28),)
    assert pixels.spec.inputs == ((784, 1),)
    assert rows.test is not None
    assert images.test is not None
    assert np.array_equal(rows.test.inputs[0][:][:, None], images.test.inputs[0][:])
    train = split(rows, validation=0.1, test=None, seed=0).train
    (scaled,) = Preprocessing.fit(rows, train).apply((rows.train.inputs[0][:1000],))
    assert scaled.abs().max() < 3  # as the images: (255 - 33) / 79


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"permuted": True}, "is of single pixels"),
        ({"of": "line"}, "must be images"),
        ({"of": "letters"}, "unknown name"),
        ({"by": "column"}, "by"),
        ({"seed": -1}, "seed"),
    ],
)
def test_options_are_checked(options: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        opened(**options)
    assert "\n" not in str(error.value)
