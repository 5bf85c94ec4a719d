"""Distorted digits are what NumPy and SciPy make of the same draws, and depend on nothing but seed and number."""

import os
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import affine_transform

from gradus.core.errors import InputError
from gradus.core.randomness import Stream, uniform
from gradus.data.raw import Examples, RawData
from gradus.data.sources import open_data
from gradus.data.sources.distorted_digits import Kind, distorted, homography, spline_weights

KINDS = pytest.mark.parametrize("kind", get_args(Kind))
MNIST = Path(os.environ.get("GRADUS_DATA", "")) / "mnist"


def strokes(count: int) -> NDArray[np.uint8]:
    """Pictures (N, 1, 28, 28) of random smooth marks, black at the edge."""
    noise = np.random.default_rng(0).random((count, 1, 7, 7))
    enlarged = np.kron(noise, np.ones((1, 1, 4, 4)))
    enlarged[:, :, :5], enlarged[:, :, -5:], enlarged[..., :5], enlarged[..., -5:] = 0, 0, 0, 0
    return np.round(255 * enlarged).astype(np.uint8)


def opened(**options: Any) -> RawData:
    return open_data("distorted_digits", options)


def draws(count: int, seed: int = 0) -> NDArray[np.float64]:
    return uniform(seed, Stream.DATA, 0, np.arange(count), 4)


def by_scipy(image: NDArray[np.uint8], matrix: NDArray[np.float64], shift: Any, side: int) -> NDArray[np.float64]:
    """`image` read at  matrix (place - shift),  both measured from the centres, y before x."""
    offset = 13.5 - matrix @ (np.full(2, (side - 1) / 2) + shift)
    read: NDArray[np.float64] = affine_transform(
        image.astype(np.float64), matrix, offset, (side, side), order=1, mode="grid-constant"
    )
    return read


def test_rotations_are_those_of_scipy() -> None:
    images = strokes(5)
    angles = np.deg2rad(180 * draws(5)[:, 0] - 90)
    for image, made, angle in zip(images, distorted(images, "R", pool=images, seed=0), angles, strict=True):
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        np.testing.assert_allclose(made[0], by_scipy(image[0], turn, np.zeros(2), 28), atol=0.6)


def test_rotated_scaled_and_moved_digits_are_those_of_scipy() -> None:
    images = strokes(5)
    for image, made, u in zip(images, distorted(images, "RTS", pool=images, seed=0), draws(5), strict=True):
        angle, size = np.deg2rad(90 * u[0] - 45), 0.7 + 0.5 * u[1]
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / size
        shift = (42 - 28 * size) / 2 * (2 * u[[3, 2]] - 1)
        np.testing.assert_allclose(made[0], by_scipy(image[0], turn, shift, 42), atol=0.6)


def test_a_homography_takes_four_points_to_four() -> None:
    here, there = np.random.default_rng(0).normal(size=(2, 6, 4, 2))
    mapped = np.concatenate([here, np.ones((6, 4, 1))], -1) @ homography(here, there).transpose(0, 2, 1)
    np.testing.assert_allclose(mapped[..., :2] / mapped[..., 2:], there, rtol=1e-6)


def test_a_spline_is_that_of_scipy() -> None:
    knots, points = np.random.default_rng(0).normal(size=(16, 2)), np.random.default_rng(1).normal(size=(9, 2))
    moved = np.random.default_rng(2).normal(size=(16, 2))
    expected = RBFInterpolator(knots, moved, kernel="thin_plate_spline", degree=1)(points)
    np.testing.assert_allclose(spline_weights(points, knots) @ moved, expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["P", "E"])
def test_stretched_and_bent_digits_keep_about_their_ink(kind: Kind) -> None:
    images = strokes(500)
    made = distorted(images, kind, pool=images, seed=0)
    assert made.any(axis=(1, 2, 3)).all()
    ratio = made.sum(axis=(1, 2, 3)) / images.sum(axis=(1, 2, 3))
    assert 0.6 < np.median(ratio) < 0.95  # between 0.75 and 1 times the size, 0.77 times the area in the mean


def test_a_moved_digit_is_itself_elsewhere_and_clutter_comes_from_digits() -> None:
    images = strokes(40)
    alone = distorted(images, "T", pool=images, seed=0)
    corners = set()
    for image, made in zip(images, alone, strict=True):
        rows, columns = (np.flatnonzero(made[0].any(axis)) for axis in (1, 0))
        y, x = rows[0] - 5, columns[0] - 5
        assert np.array_equal(made[0, y : y + 28, x : x + 28], image[0])
        assert made.sum() == image.sum()
        corners.add((y, x))
    assert len(corners) > 30
    among = distorted(images, "TC", pool=images, patches=4, seed=0)
    added = (among != alone).sum(axis=(1, 2, 3))
    assert (among >= alone).all()
    assert 0 < np.median(added) <= added.max() <= 4 * 64
    assert np.array_equal(distorted(images, "TC", pool=images, patches=0, seed=0), alone)


@KINDS
def test_an_example_depends_on_its_seed_and_number_alone(kind: Kind) -> None:
    images = strokes(1100)
    whole = distorted(images, kind, pool=images, seed=3)
    assert np.array_equal(distorted(images[1030:1050], kind, pool=images, seed=3, first=1030), whole[1030:1050])
    assert not np.array_equal(distorted(images, kind, pool=images, seed=4), whole)


@KINDS
def test_scikit_learns_digits_become_pictures(kind: Kind) -> None:
    side = {"RTS": 42, "T": 60, "TC": 60}.get(kind, 28)
    raw, digits = opened(kind=kind), open_data("digits", {})
    assert raw.train.inputs[0].shape == (1797, 1, side, side)
    assert np.array_equal(raw.train.target, digits.train.target)
    assert raw.classes == digits.classes


def split_in_three(images: NDArray[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `images` be those that are distorted, as training, validation and test examples alike."""
    split = Examples((images,), np.arange(3))
    raw = RawData(kind="x", task="classification", train=split, validation=split, test=split, classes=("0", "1", "2"))
    monkeypatch.setattr("gradus.data.sources.distorted_digits.open_data", lambda *_: raw)


@pytest.mark.parametrize(
    "images",
    [strokes(3)[..., :20], strokes(3)[..., :20, :], strokes(3)[:, 0], strokes(3).astype(np.float32)],
    ids=["narrow", "low", "without channels", "of numbers"],
)
def test_only_square_images_of_8_bits_are_taken(images: NDArray[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    split_in_three(images, monkeypatch)
    with pytest.raises(InputError, match="must be square images of 8 bits"):
        opened()


def test_every_split_is_distorted_with_draws_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    images = strokes(3)
    split_in_three(images, monkeypatch)
    raw = opened(kind="RTS")
    for part, first in ((raw.train, 0), (raw.test, 3), (raw.validation, 6)):
        assert part is not None
        assert np.array_equal(part.inputs[0][:], distorted(images, "RTS", pool=images, seed=0, first=first))
        assert np.array_equal(part.target, np.arange(3))


@pytest.mark.skipif(not MNIST.is_dir(), reason="needs $GRADUS_DATA")
def test_mnist_has_a_test_set_with_draws_of_its_own() -> None:
    raw = opened(kind="R", of="$GRADUS_DATA/mnist")
    assert raw.test is not None
    assert raw.test.inputs[0].shape == (10_000, 1, 28, 28)
    images = open_data(str(MNIST), {}).test
    assert images is not None
    digits = images.inputs[0][:8]
    again = distorted(digits, "R", pool=digits, seed=0, first=60_000)
    assert np.array_equal(raw.test.inputs[0][:8], again)


@pytest.mark.parametrize("options", [{"kind": "X"}, {"patches": -1}, {"seed": -1}, {"of": "line"}, {"of": "letters"}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        opened(**options)
