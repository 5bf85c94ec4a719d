"""Digits that move about in a video and bounce off its edges.

Clips are drawn when they are asked for, from the digits and where each is in every frame: ten thousand of them would
fill a gigabyte, their paths fill a megabyte. Each has its own draws, keyed by seed and number (`core.randomness`).
"""

# N clips, T frames, S side of a frame, D side of a digit, K digits of a clip, C channels, M digits to choose from

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt

from gradus.core.errors import InputError
from gradus.core.randomness import Stream, uniform
from gradus.data.raw import Examples, RawData
from gradus.data.sources import sources
from gradus.data.sources.distorted_digits import Pictures, resized, square_images
from gradus.data.splits import split

Label = Literal["digit", "direction"]
Floats = NDArray[np.float64]
DIRECTIONS = ("right", "up right", "up", "up left", "left", "down left", "down", "down right")
SLOWEST, FASTEST = 1 / 32, 1 / 16
"""Of a frame's side, from one frame to the next; the code of Srivastava et al. has 1 / 17.8."""
_DRAWS = 7


@dataclass(frozen=True)
class _Rules:
    label: Label
    digits: int
    side: int
    frames: int
    seed: int


class Clips:
    """Videos (N, C, T, S, S) of 8 bits, drawn anew on every access.

    Args:
        digits: (M, C, D, D).
        which: (N, K) the digits of each clip.
        corners: (N, T, K, 2) row and column of each one's upper left pixel; all of it lies within the frame.
        side: S.
    """

    def __init__(self, digits: Pictures, which: NDArray[np.int64], corners: NDArray[np.int16], side: int) -> None:
        self.digits, self.which, self.corners = digits, which, corners
        count, frames = corners.shape[:2]
        self.shape = (count, digits.shape[1], frames, side, side)
        self.dtype = digits.dtype

    def __getitem__(self, index: Any, /) -> Pictures:
        numbers = np.arange(self.shape[0])[index]
        flat = numbers.reshape(-1)
        made = np.zeros((len(flat), *self.shape[1:]), np.uint8)
        clip, frame = np.arange(len(flat))[:, None, None, None], np.arange(self.shape[2])[:, None, None]
        step = np.arange(self.digits.shape[-1])
        for place in range(self.which.shape[1]):
            row, column = np.moveaxis(self.corners[flat, :, place].astype(np.int64), -1, 0)[..., None] + step
            where = clip, slice(None), frame, row[..., None], column[..., None, :]
            digit = np.moveaxis(self.digits[self.which[flat, place]], 1, -1)[:, None]  # (N, 1, D, D, C)
            made[where] = np.maximum(made[where], digit)
        return made.reshape(*numbers.shape, *self.shape[1:])


@sources.register(
    source="Srivastava, Mansimov, Salakhutdinov (2015), Unsupervised learning of video representations using LSTMs, "
    "arXiv:1502.04681, section 4.1",
    notes="The authors' clips are to be continued, of 20 frames, and both digits move. Here a clip has a class, and a "
    "second digit stands still, so that no frame by itself tells which of the two is meant.",
)
def moving_digits(
    *,
    of: str = "digits",
    label: Label = "digit",
    digits: Literal[1, 2] = 2,
    side: Annotated[int, Field(ge=16, le=256)] = 64,
    frames: Annotated[int, Field(ge=2, le=256)] = 16,
    examples: PositiveInt | None = None,
    test_examples: PositiveInt | None = None,
    seed: NonNegativeInt = 0,
) -> RawData:
    """Moving digits: videos in which a digit crosses the frame and bounces off its edges.

    Inputs are (N, C, T, S, S), the digits 28/64 of a side. They start anywhere, and move by 1/32 to 1/16 of the side
    from frame to frame. Where two overlap, the lighter pixel is seen.

    Args:
        of: the digits: "digits", or a path such as "$GRADUS_DATA/mnist".
        label: the class: "digit", which one moves; or "direction", to which of eight sides it moves at first, before
            it is turned back. Only then does it begin in one of these eight directions, else in any.
        digits: 1, or 2, of which the second stands still.
        side, frames: S and T.
        examples, test_examples: how many clips there are; by default as many as digits, of which each moves in one. If
            there are more, digits move again in others. No digit of the test is in another split.
        seed: of the paths, and, where the digits have no test split, of which fifth of them is the test's.
    """
    owner = "data `moving_digits`"
    raw = square_images(owner, of)
    if raw.task != "classification":
        raise InputError(owner, "`of` must be images of classes", raw.task, 'As "digits" or MNIST.')
    if raw.test is None:
        parts = split(raw, validation=0.0, test=None, seed=seed)
        assert parts.test is not None
        pools = [(part.examples.inputs[0][part.index], part.target) for part in (parts.train, parts.test)]
    else:
        pools = [(part.inputs[0][:], part.target) for part in (raw.train, raw.test)]
    rules = _Rules(label, digits, side, frames, seed)
    train, test = (
        _moved(pool, target, count or len(pool), rules, part)
        for part, ((pool, target), count) in enumerate(zip(pools, (examples, test_examples), strict=True))
    )
    classes = raw.classes if label == "digit" else DIRECTIONS
    # Validation is of clips of the training digits, as `validation` of [data] says.
    return replace(raw, kind="moving_digits", train=train, validation=None, test=test, classes=classes)


def bounce(place: Floats, room: float) -> Floats:
    """Where something is that would be at `place` if it did not bounce off 0 and `room`.

    Unfolded, a path between two mirrors is straight:  room - |room - (place mod 2 room)|.
    """
    return room - np.abs(room - np.mod(place, 2 * room))


def _moved(pool: Pictures, target: NDArray[np.int64], count: int, rules: _Rules, part: int) -> Examples:
    """So many clips of digits (M, C, H, W) and their classes (M,), with the draws of a part of the set."""
    side = rules.side
    small = resized(pool, round(side * 28 / 64))
    number = np.arange(count)
    heading, speed, row, column, still, still_row, still_column = uniform(
        rules.seed, Stream.DATA, part, number, _DRAWS
    ).T
    turns = np.floor(8 * heading) / 8 if rules.label == "direction" else heading
    angle, length = 2 * np.pi * turns, side * (SLOWEST + (FASTEST - SLOWEST) * speed)
    room = side - small.shape[-1]
    # Rows count downwards, directions turn upwards from the right.
    velocity = length[:, None] * np.stack([-np.sin(angle), np.cos(angle)], -1)
    moved = np.arange(rules.frames)[:, None] * velocity[:, None]  # (N, T, 2)
    path = bounce(room * np.stack([row, column], -1)[:, None] + moved, room)
    resting = np.broadcast_to(room * np.stack([still_row, still_column], -1)[:, None], path.shape)
    corners = np.stack([path, resting], 2).round().astype(np.int16)
    which = np.stack([number % len(pool), np.floor(still * len(pool)).astype(np.int64)], -1)
    clips = Clips(small, which[:, : rules.digits], corners[:, :, : rules.digits], side)
    classes = target[which[:, 0]] if rules.label == "digit" else np.floor(8 * heading).astype(np.int64)
    return Examples((clips,), classes)
