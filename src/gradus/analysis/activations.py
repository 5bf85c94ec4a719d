"""What makes a good activation, measured: nine properties of any element-wise function."""

import statistics
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gradus.analysis.curve import Break, Curve, Flat
from gradus.analysis.moments import FixedPoint, SignalMap

_ELEMENTS, _ROUNDS = 2**16, 25
_ROUNDED = 1e-28
"""Of the mean's square: a variance below it is what rounding makes of a constant."""


@dataclass(frozen=True)
class Cost:
    """Nanoseconds for each number, in float32: of the value, and of value and derivative together."""

    value: float
    both: float
    relu_value: float
    relu_both: float

    @property
    def times_relu(self) -> float:
        """How much longer value and derivative take than ReLU's."""
        return self.both / self.relu_both


@dataclass(frozen=True)
class ActivationProperties:
    """Of an element-wise function f, as measured in float64. Kinks, jumps and turns are those between -20 and 20.

    Attributes:
        nonlinearity: the share of the variance of f(z), z ~ N(0, 1), that no straight line explains: 0 if linear.
        kinks, jumps: where f is not differentiable.
        surrogate: whether autograd computes something other than the derivative.
        cost: None if it was not asked for.
        flats: where it saturates, a derivative nearer to 0 than the bound given.
        direction: ``increasing``, ``decreasing``, ``constant`` or ``neither``.
        turns: where it goes from rising to falling or back.
        range, slopes: least and largest value and derivative, or what they tend to.
        finite: beyond these f or its derivative overflows.
        at_zero, slopes_at_zero: f(0), and its derivative from either side.
        parameters: that it learns itself.
        pieces: how many numbers it makes one of; the layer before has so many times the parameters.
        mean, variance: of f(z), z ~ N(0, 1).
        fixed_points: mean and variance that it hands on from layer to layer, for weights of mean 0, variance 1/n_in.
        depth_variance: where variance 1 goes in a deep network: 0, infinity or a fixed point's.
    """

    nonlinearity: float
    kinks: tuple[Break, ...]
    jumps: tuple[Break, ...]
    surrogate: bool
    cost: Cost | None
    flats: tuple[Flat, ...]
    direction: str
    turns: tuple[float, ...]
    range: tuple[float, float]
    slopes: tuple[float, float]
    finite: tuple[float, float]
    at_zero: float
    slopes_at_zero: tuple[float, float]
    parameters: int
    pieces: int
    mean: float
    variance: float
    fixed_points: tuple[FixedPoint, ...]
    depth_variance: float

    @property
    def linear(self) -> bool:
        return self.nonlinearity < 1e-9

    @property
    def saturates(self) -> str:
        """On which sides: ``left``, ``right``, ``both``, ``everywhere`` or ``no``."""
        infinity = float("inf")
        left, right = (any(side in (each.low, each.high) for each in self.flats) for side in (-infinity, infinity))
        if any((each.low, each.high) == (-infinity, infinity) for each in self.flats):
            return "everywhere"
        return {(True, True): "both", (True, False): "left", (False, True): "right"}.get((left, right), "no")

    @property
    def like_identity(self) -> bool:
        """Whether it is z near 0, to first order."""
        return abs(self.at_zero) < 1e-9 and all(abs(each - 1) < 1e-6 for each in self.slopes_at_zero)

    @property
    def zero_centred(self) -> bool:
        return abs(self.mean) < 1e-6

    @property
    def normalizes(self) -> bool:
        """Whether mean and variance are drawn to a fixed point, as with SELU."""
        return any(each.stable for each in self.fixed_points)

    def to_json(self) -> dict[str, Any]:
        """Every figure, and what follows from them."""
        judged = ("linear", "saturates", "like_identity", "zero_centred", "normalizes")
        document = asdict(self) | {name: getattr(self, name) for name in judged}
        document["fixed_points"] = [asdict(each) | {"stable": each.stable} for each in self.fixed_points]
        return document


def measure(function: Callable[[Tensor], Tensor], *, flat: float = 0.01, timed: bool = True) -> ActivationProperties:
    """The properties of an element-wise function: a Module, or any callable that takes (N,) to (N,).

    A Module that makes one number of k has an attribute `pieces` (`nn.activation.Maxout`), takes (N, k) to (N, 1), and
    is measured as a function of the first number with the others 0; its moments are of k independent numbers. The
    function is called on a copy in evaluation mode, and no random numbers are used.

    Args:
        flat: it saturates where its derivative is nearer to 0.
        timed: whether to measure its cost too, for some hundredths of a second.
    Raises:
        InputError: it mixes numbers (softmax), draws random ones, gives NaN, or cannot be called so.
    """
    with torch.random.fork_rng(devices=[]):
        curve = Curve(function)
        signal = SignalMap(curve)
        unit = signal.at(1.0)
        varies = unit.variance > _ROUNDED * unit.mean**2
        zero = torch.zeros(1, dtype=torch.float64)
        bent = [each.slopes for each in curve.breaks if each.at == 0]
        own = function.parameters() if isinstance(function, nn.Module) else ()
        return ActivationProperties(
            nonlinearity=max(0.0, 1 - unit.covariance**2 / unit.variance) if varies else 0.0,
            kinks=tuple(each for each in curve.breaks if not each.jumps),
            jumps=tuple(each for each in curve.breaks if each.jumps),
            surrogate=curve.surrogate,
            cost=cost(function) if timed else None,
            flats=curve.flats(flat),
            direction=curve.direction,
            turns=curve.turns,
            range=curve.extent(curve.value),
            slopes=curve.extent(curve.slope),
            finite=curve.finite,
            at_zero=curve.value(zero).item() + 0.0,
            slopes_at_zero=bent[0] if bent else (curve.slope(zero).item() + 0.0,) * 2,
            parameters=sum(each.numel() for each in own if each.requires_grad),
            pieces=curve.pieces,
            mean=unit.mean,
            variance=unit.variance,
            fixed_points=signal.fixed_points,
            depth_variance=signal.depth_variance,
        )


def cost(function: Callable[[Tensor], Tensor]) -> Cost:
    """How long it takes beside ReLU: medians of rounds in which both are timed in turn, on 65,536 numbers."""
    pieces = getattr(function, "pieces", 1)
    if isinstance(function, nn.Module):
        function = deepcopy(function).to("cpu", torch.float32).eval()
    shape = (_ELEMENTS // pieces, pieces) if pieces > 1 else (_ELEMENTS,)
    z = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    overwritten = z.clone()
    function(overwritten)
    # One that works in place would change what the next round is timed on.
    subject = function if torch.equal(overwritten, z) else lambda z: function(z.clone())
    timed: list[Callable[[], None]] = [
        partial(each, what, z) for what in (subject, torch.relu) for each in (_value, _both)
    ]
    seconds: list[list[float]] = [[] for _ in timed]
    for _ in range(_ROUNDS):
        for spent, each in zip(seconds, timed, strict=True):
            began = time.perf_counter()
            each()
            spent.append(time.perf_counter() - began)
    return Cost(*(1e9 * statistics.median(each) / z.numel() for each in seconds))


def _value(function: Callable[[Tensor], Tensor], z: Tensor) -> None:
    with torch.no_grad():
        function(z)


def _both(function: Callable[[Tensor], Tensor], z: Tensor) -> None:
    leaf = z.detach().requires_grad_()
    with torch.enable_grad():
        y = function(leaf)
    if y.requires_grad:
        torch.autograd.grad(y, leaf, torch.ones_like(y), allow_unused=True)
