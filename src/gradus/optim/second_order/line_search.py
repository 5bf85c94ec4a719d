"""A step length that satisfies the strong Wolfe conditions.

torch has a search of this kind inside its L-BFGS, but under a private name, and it takes a loss that overflows along
the way for a number. Here such a trial counts as too far.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Trial:
    """A point along a direction.

    Attributes:
        length: how far along.
        value: the loss there; infinite where it, or its gradient, is not finite.
        slope: the derivative of the loss along the direction.
        gradient: of the loss there.
    """

    length: float
    value: float
    slope: float
    gradient: Tensor


def strong_wolfe(
    evaluate: Callable[[float], Trial],
    start: Trial,
    *,
    first: float = 1.0,
    decrease: float = 1e-4,
    flattening: float = 0.9,
    most: int = 25,
) -> Trial:
    """A point where the loss has fallen enough and its slope has flattened.

        f(t) <= f(0) + c1 t f'(0),   |f'(t)| <= c2 |f'(0)|

    Args:
        evaluate: the trial at a length.
        start: at length 0; must slope downwards.
        first: the length tried first.
        decrease, flattening: c1 and c2, 0 < c1 < c2 < 1.
        most: trials at most.
    Returns:
        The last trial that satisfied the first condition and was lower than those before it; `start` itself if none
        was.
    Source: Nocedal, Wright (2006), Numerical Optimization, algorithms 3.5 and 3.6.
    """

    def falls(trial: Trial) -> bool:
        return trial.value <= start.value + decrease * trial.length * start.slope

    def is_flat(trial: Trial) -> bool:
        return abs(trial.slope) <= -flattening * start.slope

    low, length = start, first
    trials = iter(range(most))  # both loops draw on these
    for _ in trials:
        trial = evaluate(length)
        if not falls(trial) or trial.value >= low.value:
            high = trial
            break
        low, before = trial, low
        if is_flat(trial):
            return trial
        if trial.slope >= 0:
            high = before
            break
        length = _between(2 * length, _minimum(before, trial), 10 * length)
    else:
        return low

    for _ in trials:  # `low` and `high` enclose lengths that satisfy both
        width = high.length - low.length
        length = _between(low.length + 0.1 * width, _minimum(low, high), low.length + 0.9 * width)
        if length in (low.length, high.length):  # no number lies between them
            break
        trial = evaluate(length)
        if not falls(trial) or trial.value >= low.value:
            high = trial
            continue
        if is_flat(trial):
            return trial
        if trial.slope * width >= 0:
            high = low
        low = trial
    return low


def _minimum(a: Trial, b: Trial) -> float:
    """Where the cubic through both, with their slopes, is least (equation 3.59); NaN where that is nowhere."""
    if not math.isfinite(a.value) or not math.isfinite(b.value):
        return math.nan
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.length - b.length)
    square = d1**2 - a.slope * b.slope
    if square < 0:
        return math.nan
    d2 = math.copysign(math.sqrt(square), b.length - a.length)
    down = b.slope - a.slope + 2 * d2
    return b.length - (b.length - a.length) * (b.slope + d2 - d1) / down if down else math.nan


def _between(one: float, value: float, other: float) -> float:
    """`value` kept between two bounds; their middle if it is NaN."""
    low, high = min(one, other), max(one, other)
    return (low + high) / 2 if math.isnan(value) else min(max(value, low), high)
