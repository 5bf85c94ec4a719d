"""Looking for what a function of one number does: steps between points, peaks, and what it tends to."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

Reading = Callable[[Tensor], Tensor]
"""Numbers (N,) to numbers (N,), each by itself."""
PER_DECADE = 50
"""Points that a tail is read at, evenly in the logarithm."""


def apart(a: Tensor, b: Tensor) -> Tensor:
    """The step from `a` to `b`, in units of them or of 1."""
    return ((b - a).abs() / (1 + torch.maximum(a.abs(), b.abs()))).nan_to_num()


def steps(reading: Reading, points: Tensor, least: float) -> list[float]:
    """Where `reading` goes by a step of `least` (as `apart` measures it) from one number to the next.

    All intervals between points are halved at once, and of each the half kept over which more happens: over an interval
    without a step that soon is nothing.
    """
    left, right = points[:-1], points[1:]
    before, after = reading(left), reading(right)
    for turn in range(55):
        middle = (left + right) / 2
        between = reading(middle)
        in_left = apart(before, between) > apart(between, after)
        left, before = torch.where(in_left, left, middle), torch.where(in_left, before, between)
        right, after = torch.where(in_left, middle, right), torch.where(in_left, between, after)
        if turn > 10:  # before, a step might be made up for by what is smooth
            still = apart(before, after) > least
            left, right, before, after = left[still], right[still], before[still], after[still]
    found: list[float] = ((left + right) / 2).tolist()
    return found


def peak(reading: Reading, low: Tensor, high: Tensor) -> tuple[float, float]:
    """The largest of `reading` between two points: where, and how much."""
    x, best = low, torch.tensor(0)
    for _ in range(12):
        x = torch.linspace(float(low), float(high), 65, dtype=torch.float64)
        best = reading(x).argmax()
        low, high = x[max(int(best) - 1, 0)], x[min(int(best) + 1, 64)]
    return float(x[best]), float(reading(x[best][None]))


def tendency(outwards: Tensor) -> float:
    """The least upper bound of what continues these values, evenly spaced in the logarithm."""
    if not len(outwards):
        return -math.inf
    decades = torch.stack([each.max() for each in outwards.split(PER_DECADE)])
    growth = decades.diff()[-3:]
    if len(growth) and (growth > 1e-2).all():
        return math.inf
    largest = float(outwards.max())
    last = outwards[-2 * PER_DECADE - 1 :]
    if len(last) < 2 * PER_DECADE + 1 or (last.diff() < 0).any():
        return largest
    first, second = map(float, last[::PER_DECADE].diff())
    if 0 < second < 0.5 * first:
        # What remains is a geometric series, of a function that nears its limit like a power of 1/z.
        return largest + second**2 / (first - second)
    return largest


def tidy(number: float, digits: int = 10) -> float:
    """Without what rounding has left in the last digits, or before a 0."""
    return float(round(number, digits)) + 0.0
