"""An element-wise function as a curve: its values and slopes in float64, where it breaks, turns, flattens and ends.

Seen in full are the numbers from -`SPAN` to `SPAN`, at steps of a hundredth: what is finer than that, or a break
further out, may be missed. Beyond them a point in every fiftieth of a decade shows where the curve tends to.
"""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor, nn

from gradus.analysis.searching import PER_DECADE, Reading, apart, peak, steps, tendency, tidy
from gradus.core.errors import InputError

# N points, K pieces

SPAN = 20.0
_STEP, _FARTHEST = 0.01, 8
_BREAK = 1e-6
"""The least step, of a value or slope of 1, that is a break and not rounding."""


@dataclass(frozen=True)
class Break:
    """A point where the function is not differentiable: a kink, or a jump if its values on both sides differ.

    Attributes:
        values, slopes: the limits from the left and from the right.
    """

    at: float
    values: tuple[float, float]
    slopes: tuple[float, float]

    @property
    def jumps(self) -> bool:
        return apart(*map(torch.tensor, self.values)).item() > _BREAK


@dataclass(frozen=True)
class Flat:
    """An interval on which the derivative is next to nothing; `dead` if it is 0 on most of what of it is near."""

    low: float
    high: float
    dead: bool


class Curve:
    """An element-wise function, called on float64 and in evaluation mode; what it came from is left as it was.

    One that makes one number of K (`pieces`, as Maxout) is seen as a function of the first, the others being 0.

    Raises:
        InputError: it is not element-wise, draws random numbers, gives NaN, or cannot be called on (N,), or (N, K).
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.pieces: int = getattr(function, "pieces", 1)
        if isinstance(function, nn.Module):
            function = deepcopy(function).to("cpu", torch.float64).eval()
        self._function = function
        self._precision = torch.finfo(torch.float64).eps
        self._check()

    def of(self, points_NK: Tensor) -> Tensor:
        """What it makes of each row; shape (N,)."""
        with torch.no_grad():
            return self._called(points_NK).detach().double()

    def value(self, x: Tensor) -> Tensor:
        """Shape (N,), as `x`."""
        return self.of(self._beside_zeros(x))

    def slope(self, x: Tensor) -> Tensor:
        """The derivative, as autograd has it; shape (N,)."""
        leaf = self._beside_zeros(x).requires_grad_()
        with torch.enable_grad():
            y = self._called(leaf)
        try:
            slopes = torch.autograd.grad(y.sum(), leaf, allow_unused=True)[0] if y.requires_grad else None
        except Exception as error:
            raise InputError("activation", f"has no derivative: {_said(error)}") from error
        return torch.zeros_like(x) if slopes is None else slopes[:, 0]

    @cached_property
    def near(self) -> Tensor:
        """Points from -`SPAN` to `SPAN`, none of them a number at which anybody would put a kink."""
        return torch.arange(-SPAN, SPAN, _STEP, dtype=torch.float64) + 0.382 * _STEP

    @cached_property
    def tails(self) -> tuple[Tensor, Tensor]:
        """Points on the left and on the right of those, outwards, as far as value and slope are finite."""
        count = round((_FARTHEST - math.log10(SPAN)) * PER_DECADE)
        away = torch.logspace(math.log10(SPAN), _FARTHEST, count, dtype=torch.float64)
        left, right = (side * away[: self._finite(side * away)] for side in (-1, 1))
        return left, right

    @cached_property
    def points(self) -> Tensor:
        """All of them, in order."""
        left, right = self.tails
        return torch.cat([left.flip(0), self.near, right])

    @cached_property
    def finite(self) -> tuple[float, float]:
        """Between which numbers value and slope are finite; infinite where no bound was found."""
        ends = [float(tail[-1]) if len(tail) else side * SPAN for side, tail in zip((-1, 1), self.tails, strict=True)]
        low, high = (end if abs(end) < 10.0**_FARTHEST * 0.99 else math.copysign(math.inf, end) for end in ends)
        return low, high

    @cached_property
    def breaks(self) -> tuple[Break, ...]:
        """Kinks and jumps, in order."""
        jumps = steps(self.value, self.near, _BREAK)
        kinks = [at for at in steps(self.slope, self.near, _BREAK) if all(abs(at - each) > 1e-9 for each in jumps)]
        found = torch.tensor(sorted(jumps + kinks), dtype=torch.float64)
        nudge = 1e-12 * found.abs().clamp(min=1)
        readings = [
            [list(map(tidy, reading(each).tolist())) for each in (found - nudge, found + nudge)]
            for reading in (self.value, self.slope)
        ]
        values, slopes = (zip(*each, strict=True) for each in readings)
        return tuple(map(Break, map(tidy, found.tolist()), values, slopes))

    @cached_property
    def surrogate(self) -> bool:
        """Whether what autograd computes is another function's derivative, as of a straight-through estimator."""
        h, x = 1e-5, self.near
        clear = torch.ones_like(x, dtype=torch.bool)
        for each in self.breaks:
            clear &= (x - each.at).abs() > 2 * h
        quotient = (self.value(x + h) - self.value(x - h)) / (2 * h)
        rounding = 1e-6 * (1 + x.abs() + self.value(x).abs()) / h  # of a function that computes in float32
        wrong = (quotient - self.slope(x)).abs() > 0.01 * (1 + quotient.abs()) + rounding
        return bool((wrong & clear).any())

    def extent(self, reading: Reading) -> tuple[float, float]:
        """The least and the largest that `value` or `slope` can be, or tends to; infinite if it grows on and on."""
        sides = [side for each in self.breaks for side in (each.values if reading == self.value else each.slopes)]
        more = torch.tensor(sides, dtype=torch.float64)
        bounds = -self._top(lambda x: -reading(x), -more), self._top(reading, more)
        low, high = (tidy(each) if abs(each) < 1e12 else math.copysign(math.inf, each) for each in bounds)  # at a pole
        return low, high

    @cached_property
    def turns(self) -> tuple[float, ...]:
        """Where it goes from rising to falling or back, from -`SPAN` to `SPAN`."""
        rises = self._rises(self.near).tolist()
        flips = [(a, b) for a, b in pairwise(n for n, rise in enumerate(rises) if rise) if rises[a] != rises[b]]
        found = [
            peak(self.value if rises[a] > 0 else lambda x: -self.value(x), self.near[a], self.near[b + 1])[0]
            for a, b in flips
        ]
        return tuple(tidy(each, digits=7) for each in found)  # where a curve is level, rounding hides the top

    @cached_property
    def direction(self) -> str:
        """``increasing``, ``decreasing``, ``constant``, or ``neither``; without regard to rounding."""
        rises = self._rises(self.points)
        up, down = bool((rises > 0).any()), bool((rises < 0).any())
        return {(True, False): "increasing", (False, True): "decreasing", (False, False): "constant"}.get(
            (up, down), "neither"
        )

    def flats(self, below: float, shortest: float = 0.25) -> tuple[Flat, ...]:
        """Where the slope is within `below` of 0, for so long that it is no mere turning point."""
        x, slopes = self.points, self.slope(self.points).abs()
        near = x.abs() < SPAN
        runs = torch.nn.functional.pad((slopes < below).int(), (1, 1)).diff()
        found = []
        for first, end in zip((runs == 1).nonzero().flatten(), (runs == -1).nonzero().flatten(), strict=True):
            run = slice(int(first), int(end))
            # Far out, points are too few to tell an interval from a coincidence; what goes on to the end is none.
            endless = (first == 0 or end == len(x)) and end - first >= PER_DECADE
            if not (endless or (near[run].any() and x[min(end, len(x) - 1)] - x[max(first - 1, 0)] > shortest)):
                continue
            low = -math.inf if first == 0 else self._edge(x[first], x[first - 1], below)
            high = math.inf if end == len(x) else self._edge(x[end - 1], x[end], below)
            if high - low >= shortest:
                dead = (slopes[run][near[run]] == 0).double().mean()
                found.append(Flat(low, high, bool(dead > 0.5)))
        return tuple(found)

    def _top(self, reading: Reading, more: Tensor) -> float:
        """The largest or, in the limit, least upper bound of `reading`."""
        near = reading(self.near)
        best = int(near.argmax())
        around = self.near[max(best - 1, 0)], self.near[min(best + 1, len(near) - 1)]
        ends = [tendency(reading(tail)) for tail in self.tails]
        sides: list[float] = more.tolist()
        return max(peak(reading, *around)[1], *ends, *sides)

    def _rises(self, points: Tensor) -> Tensor:
        """1, 0 or -1 from each point to the next."""
        values = self.value(points)
        moves = values.diff()
        noise = 100 * self._precision * (1 + values.abs())
        return moves.sign() * (moves.abs() > torch.maximum(noise[1:], noise[:-1]))

    def _edge(self, inside: Tensor, outside: Tensor, below: float) -> float:
        """Where, between a flat point and one that is not, the slope passes `below`."""
        for _ in range(12):
            x = torch.linspace(float(inside), float(outside), 65, dtype=torch.float64)
            steep = int((self.slope(x[1:-1]).abs() >= below).int().cumsum(0).eq(0).sum()) + 1
            inside, outside = x[steep - 1], x[steep]
        return tidy(float(inside))

    def _beside_zeros(self, x: Tensor) -> Tensor:
        return torch.nn.functional.pad(x.detach().double()[:, None], (0, self.pieces - 1))

    def _called(self, points_NK: Tensor) -> Tensor:
        # A copy, since activations may work in place.
        given = points_NK.clone() if self.pieces > 1 else points_NK[:, 0].clone()
        try:
            y = self._function(given)
        except Exception as error:
            shape = tuple(given.shape)
            raise InputError("activation", f"cannot be applied to numbers of shape {shape}: {_said(error)}") from error
        if not isinstance(y, Tensor):
            raise InputError("activation", "must make a tensor of a tensor", type(y).__name__)
        if y.shape not in ((len(given),), (len(given), 1)):
            repair = f"It was called on shape {tuple(given.shape)}."
            raise InputError("activation", "must make one number of each", tuple(y.shape), repair)
        if y.is_complex():
            raise InputError("activation", "must make real numbers", str(y.dtype).removeprefix("torch."))
        if y.is_floating_point():
            self._precision = torch.finfo(y.dtype).eps
        if self._precision > _BREAK:
            raise InputError("activation", "must compute in float32 at least", str(y.dtype).removeprefix("torch."))
        return y.reshape(-1)

    def _check(self) -> None:
        x = self.near[:: len(self.near) // 41]
        some = torch.arange(0, len(x), 3).flip(0)
        first, again, apart = self.value(x), self.value(x), self.value(x[some])
        if not torch.equal(first.nan_to_num(), again.nan_to_num()):
            raise InputError("activation", "must give the same numbers each time, and draws random ones")
        if not torch.allclose(first[some], apart, rtol=1e-6, atol=1e-6, equal_nan=True):
            raise InputError(
                "activation",
                "must treat each number by itself",
                repair="What it makes of one depends on others, or on its place.",
            )
        everywhere = torch.cat([self.near, torch.zeros(1, dtype=torch.float64)])
        for name, reading in (("", self.value), ("a derivative of ", self.slope)):
            wrong = reading(everywhere).isnan()
            if wrong.any():
                raise InputError("activation", f"gives {name}NaN at {float(everywhere[wrong][0]):.3g}")

    def _finite(self, outwards: Tensor) -> int:
        """How many points there are before the first at which value or slope is not finite."""
        whole = self.value(outwards).isfinite() & self.slope(outwards).isfinite()
        return int(whole.int().cumprod(0).sum())


def _said(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
