"""Clips are what a simulation step by step makes of the same draws, and depend on nothing but seed and number."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gradus.core.errors import InputError
from gradus.core.randomness import Stream, uniform
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import Examples, RawData
from gradus.data.sources import open_data
from gradus.data.sources.distorted_digits import resized
from gradus.data.sources.moving_digits import DIRECTIONS, Clips, bounce
from gradus.data.splits import split

MNIST = Path(os.environ.get("GRADUS_DATA", "")) / "mnist"


def opened(**options: Any) -> RawData:
    return open_data("moving_digits", options)


def clips(raw: RawData) -> Clips:
    found = raw.train.inputs[0]
    assert isinstance(found, Clips)
    return found


@pytest.fixture
def squares(monkeypatch: pytest.MonkeyPatch) -> RawData:
    """Six bright squares of 28 pixels, one of each of six classes, to train on and to test on, each of its own grey."""

    def part(grey: int) -> Examples:
        levels = np.arange(grey, grey + 6, dtype=np.uint8)
        return Examples((np.broadcast_to(levels[:, None, None, None], (6, 1, 28, 28)).copy(),), np.arange(6))

    raw = RawData(kind="x", task="classification", train=part(100), test=part(200), classes=tuple("abcdef"))
    monkeypatch.setattr("gradus.data.sources.distorted_digits.open_data", lambda *_: raw)
    return raw


def simulated(u: NDArray[np.float64], frames: int, side: int, angle: float) -> list[tuple[float, float]]:
    """Row and column of a digit's corner in each frame, one step after another, turned back at each wall."""
    room = side - round(side * 28 / 64)
    speed = side * (1 / 32 + u[1] / 32)
    position = [u[2] * room, u[3] * room]
    velocity = [-speed * math.sin(angle), speed * math.cos(angle)]
    path = []
    for _ in range(frames):
        path.append((position[0], position[1]))
        for axis in range(2):
            position[axis] += velocity[axis]
            while not 0 <= position[axis] <= room:
                position[axis] = -position[axis] if position[axis] < 0 else 2 * room - position[axis]
                velocity[axis] = -velocity[axis]
    return path


@pytest.mark.parametrize(("side", "frames"), [(64, 16), (32, 40)])
@pytest.mark.parametrize("label", ["digit", "direction"])
def test_a_digit_moves_straight_and_is_turned_back_at_the_edges(
    side: int, frames: int, label: str, squares: RawData
) -> None:
    raw = opened(label=label, digits=1, side=side, frames=frames, examples=50, seed=2)
    draws = uniform(2, Stream.DATA, 0, np.arange(50), 7)
    digit, bounced = round(side * 28 / 64), 0
    for number, u in enumerate(draws):
        eighth = int(8 * u[0])
        path = simulated(u, frames, side, 2 * math.pi * (eighth / 8 if label == "direction" else u[0]))
        clip = raw.train.inputs[0][number][0]
        assert clip.max() == 100 + number % 6
        seen = []
        for frame in clip:
            rows, columns = np.flatnonzero(frame.any(1)), np.flatnonzero(frame.any(0))
            assert (len(rows), len(columns)) == (digit, digit)  # all of it is within the frame
            seen.append((rows[0], columns[0]))
        np.testing.assert_allclose(seen, path, atol=0.5 + 1e-9)
        assert raw.train.target[number] == (eighth if label == "direction" else number % 6)
        bounced += len({tuple(np.sign(step)) for step in np.diff(path, axis=0).round(6)}) > 1
    assert bounced > 20


def test_bounces_are_reflections() -> None:
    assert bounce(np.array([-1.0, 0.0, 3.0, 10.0, 11.0, 19.0, 20.0, 21.0]), 10).tolist() == [1, 0, 3, 10, 9, 1, 0, 1]


def test_the_class_is_the_side_that_the_digit_moves_to_at_first(squares: RawData) -> None:
    raw = opened(label="direction", digits=1, side=256, frames=2, examples=400)
    assert raw.classes == DIRECTIONS
    towards = {"right": (0, 1), "left": (0, -1), "up": (-1, 0), "down": (1, 0)}
    checked = 0
    for corner, target in zip(clips(raw).corners[:, :, 0], raw.train.target, strict=True):
        if corner.min() < 20 or corner.max() > 256 - 112 - 20:
            continue  # it may have been turned back
        step = np.sign(np.diff(corner.astype(int), axis=0)[0])
        assert step.tolist() == np.sum([towards[each] for each in DIRECTIONS[target].split()], axis=0).tolist()
        checked += 1
    assert checked > 100
    assert set(raw.train.target.tolist()) == set(range(8))


def test_no_frame_by_itself_tells_which_digit_moves(squares: RawData) -> None:
    """Where the one that moves is in any frame has the law of where the other stands: uniform over the 37 places."""
    corners = clips(opened(examples=8000)).corners.astype(np.float64)
    np.testing.assert_allclose(corners.mean(0), 18, atol=0.7)  # 6 deviations of a mean of 8,000
    np.testing.assert_allclose(corners.std(0), 36 / math.sqrt(12), atol=0.4)
    np.testing.assert_allclose((corners[..., 0] * corners[..., 1]).mean(0), 18**2, atol=17)
    assert np.abs(np.diff(corners[:, :, 1], axis=1)).max() == 0
    assert np.abs(np.diff(corners[:, :, 0], axis=1)).max(axis=(1, 2)).min() >= 1


def test_a_second_digit_stands_still_and_the_lighter_pixel_is_seen(squares: RawData) -> None:
    alone, both = (opened(digits=digits, examples=30) for digits in (1, 2))
    draws = uniform(0, Stream.DATA, 0, np.arange(30), 7)
    for number, u in enumerate(draws):
        row, column = (round(36 * each) for each in u[5:])
        expected = alone.train.inputs[0][number]
        still = np.s_[:, :, row : row + 28, column : column + 28]
        expected[still] = np.maximum(expected[still], 100 + int(6 * u[4]))
        assert np.array_equal(both.train.inputs[0][number], expected)
    assert np.array_equal(both.train.target, np.arange(30) % 6)
    assert both.classes == tuple("abcdef")


@pytest.mark.parametrize("index", [3, -1, slice(2, 9, 3), slice(None), [5, 1, 1], np.arange(20) % 2 == 0])
def test_clips_are_indexed_like_an_array(index: Any) -> None:
    made = clips(opened(side=32, frames=4, examples=20))
    assert made.shape == (20, 1, 4, 32, 32)
    whole = np.stack([made[number] for number in range(20)])
    assert np.array_equal(made[index], whole[index])
    assert made[index].dtype == made.dtype == np.uint8


def test_an_example_depends_on_its_seed_and_number_alone() -> None:
    few, many, other = opened(examples=5), opened(examples=40), opened(examples=5, seed=1)
    assert np.array_equal(few.train.inputs[0][:], many.train.inputs[0][:5])
    assert few.test is not None
    assert many.test is not None
    assert np.array_equal(few.test.inputs[0][:9], many.test.inputs[0][:9])
    assert not np.array_equal(few.train.inputs[0][:], other.train.inputs[0][:])


def test_a_test_clip_has_digits_and_paths_that_no_other_split_has(squares: RawData) -> None:
    raw = opened(examples=300, test_examples=300)
    assert raw.test is not None
    assert raw.train.inputs[0][:].max() < 200
    assert raw.test.inputs[0][:].max(axis=(1, 2, 3, 4)).min() >= 200
    paths = [{each.tobytes() for each in part.inputs[0].corners} for part in raw.parts()]  # type: ignore[attr-defined]
    assert len(paths[0]) == len(paths[1]) == 300
    assert not paths[0] & paths[1]


def test_digits_without_a_test_set_are_parted(monkeypatch: pytest.MonkeyPatch) -> None:
    digits, raw = open_data("digits", {}), opened(digits=1)
    parts = split(digits, validation=0.0, test=0.2, seed=0)
    assert parts.test is not None
    assert raw.test is not None
    for part, expected in ((raw.train, parts.train), (raw.test, parts.test)):
        assert np.array_equal(part.target, expected.target)
        pool = resized(digits.train.inputs[0][expected.index], 28)
        assert np.array_equal(part.inputs[0][:8].max(axis=(1, 2, 3, 4)), pool[:8].max(axis=(1, 2, 3)))


def test_a_model_sees_pixels_of_one_scale() -> None:
    raw = opened(side=32, frames=4, examples=64)
    train = split(raw, validation=0.0, test=None, seed=0).train
    made = Preprocessing.fit(raw, train)
    (scaled,) = made.apply((raw.train.inputs[0][:],))
    numbers = raw.train.inputs[0][:].astype(np.float64)
    np.testing.assert_allclose(scaled, (numbers - numbers.mean()) / numbers.std(), rtol=1e-4, atol=1e-5)
    assert made.spec(raw.spec).inputs == ((1, 4, 32, 32),)


@pytest.mark.skipif(not MNIST.is_dir(), reason="needs $GRADUS_DATA")
def test_clips_of_mnist_are_not_kept_in_memory() -> None:
    raw = opened(of="$GRADUS_DATA/mnist")
    assert clips(raw).shape == (60_000, 1, 16, 64, 64)
    assert clips(raw).digits.nbytes + clips(raw).which.nbytes + clips(raw).corners.nbytes < 60e6
    assert raw.test is not None
    assert len(raw.test) == 10_000


@pytest.mark.parametrize(
    "options",
    [
        {"label": "speed"},
        {"digits": 3},
        {"side": 8},
        {"frames": 1},
        {"examples": 0},
        {"test_examples": 0},
        {"seed": -1},
        {"of": "line"},
        {"of": "letters"},
    ],
)
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(InputError) as told:
        opened(**options)
    assert "\n" not in str(told.value)


def test_digits_have_classes(tmp_path: Path) -> None:
    images = np.zeros((20, 8, 8), np.uint8)
    np.savez(tmp_path / "valued.npz", x=images, y=np.linspace(0.5, 1, 20))
    with pytest.raises(InputError, match="`of` must be images of classes"):
        opened(of=str(tmp_path / "valued.npz"))
