"""Properties of functions that can be worked out by hand."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import inf, pi, sqrt

import pytest
import torch
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit, lambertw
from scipy.stats import norm
from torch import Tensor, nn

from gradus.analysis.activations import ActivationProperties, measure
from gradus.core.errors import InputError

Function = Callable[[Tensor], Tensor]
_LAMBDA, _ALPHA = 1.0507009873554805, 1.6732632423543772
_SILU = float(lambertw(1 / math.e).real)
_FLAT = 0.01


def least(f: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    """Where `f` is least, and how much, by scipy."""
    found = minimize_scalar(f, bounds=(low, high), method="bounded", options={"xatol": 1e-11})
    return float(found.x), float(found.fun)


def where(f: Callable[[float], float], low: float, high: float) -> float:
    """Where `f` is the bound below which a derivative is next to nothing."""
    return float(brentq(lambda z: abs(f(z)) - _FLAT, low, high, xtol=1e-13))


def gelu(z: float) -> float:
    return float(z * norm.cdf(z))


def gelu_slope(z: float) -> float:
    return float(norm.cdf(z) + z * norm.pdf(z))


def silu_slope(z: float) -> float:
    return float(expit(z) + z * expit(z) * expit(-z))


def mish(z: float) -> float:
    return z * math.tanh(math.log1p(math.exp(z)))


def mish_slope(z: float) -> float:
    t = math.tanh(math.log1p(math.exp(z)))
    return t + z * (1 - t**2) * float(expit(z))


@dataclass(frozen=True)
class Truth:
    """What holds of a function; kinks with the slopes on both sides, jumps with the values."""

    function: Function
    range: tuple[float, float]
    slopes: tuple[float, float]
    kinks: tuple[tuple[float, float, float], ...] = ()
    jumps: tuple[tuple[float, float, float], ...] = ()
    flats: tuple[tuple[float, float, bool], ...] = ()
    saturates: str = "no"
    direction: str = "increasing"
    turns: tuple[float, ...] = ()
    at_zero: float = 0.0
    slope_at_zero: float | None = None
    mean: float | None = 0.0
    variance: float | None = None
    depth: float | None = 0.0


def _both(bound: float, *, dead: bool = False) -> tuple[tuple[float, float, bool], ...]:
    return (-inf, -bound, dead), (bound, inf, dead)


TRUTHS = {
    "identity": Truth(lambda z: z, (-inf, inf), (1, 1), slope_at_zero=1, variance=1, depth=1),
    "2z + 1": Truth(
        lambda z: 2 * z + 1, (-inf, inf), (2, 2), at_zero=1, slope_at_zero=2, mean=1, variance=4, depth=inf
    ),
    "constant": Truth(
        lambda z: 0 * z + 3,
        (3, 3),
        (0, 0),
        flats=((-inf, inf, True),),
        saturates="everywhere",
        direction="constant",
        at_zero=3,
        slope_at_zero=0,
        mean=3,
        variance=0,
    ),
    "relu": Truth(
        nn.ReLU(),
        (0, inf),
        (0, 1),
        kinks=((0, 0, 1),),
        flats=((-inf, 0, True),),
        saturates="left",
        mean=1 / sqrt(2 * pi),
        variance=1 / 2 - 1 / (2 * pi),
    ),
    "relu6": Truth(
        nn.ReLU6(),
        (0, 6),
        (0, 1),
        kinks=((0, 0, 1), (6, 1, 0)),
        flats=((-inf, 0, True), (6, inf, True)),
        saturates="both",
        mean=norm.pdf(0) - norm.pdf(6) + 6 * norm.sf(6),
    ),
    "leaky": Truth(
        nn.LeakyReLU(0.1),
        (-inf, inf),
        (0.1, 1),
        kinks=((0, 0.1, 1),),
        mean=0.9 / sqrt(2 * pi),
        variance=1.01 / 2 - 0.81 / (2 * pi),
    ),
    "absolute": Truth(
        torch.abs,
        (0, inf),
        (-1, 1),
        kinks=((0, -1, 1),),
        direction="neither",
        turns=(0,),
        mean=sqrt(2 / pi),
        variance=1 - 2 / pi,
    ),
    "squared relu": Truth(
        lambda z: z.relu() ** 2,
        (0, inf),
        (0, inf),
        flats=((-inf, 0.005, True),),
        saturates="left",
        slope_at_zero=0,
        mean=1 / 2,
        variance=3 / 2 - 1 / 4,
        depth=inf,
    ),
    "elu": Truth(
        nn.ELU(),
        (-1, inf),
        (0, 1),
        flats=((-inf, math.log(0.01), False),),
        saturates="left",
        slope_at_zero=1,
        mean=None,
    ),
    "selu": Truth(
        nn.SELU(),
        (-_LAMBDA * _ALPHA, inf),
        (0, _LAMBDA * _ALPHA),
        kinks=((0, _LAMBDA * _ALPHA, _LAMBDA),),
        flats=((-inf, math.log(0.01 / (_LAMBDA * _ALPHA)), False),),
        saturates="left",
        variance=1,
        depth=1,
    ),
    "gelu": Truth(
        nn.GELU(),
        (least(gelu, -2, 0)[1], inf),
        (norm.cdf(-sqrt(2)) - sqrt(2) * norm.pdf(sqrt(2)), norm.cdf(sqrt(2)) + sqrt(2) * norm.pdf(sqrt(2))),
        flats=((-inf, where(gelu_slope, -5, -2), False),),
        saturates="left",
        direction="neither",
        turns=(least(gelu, -2, 0)[0],),
        slope_at_zero=1 / 2,
        mean=1 / (2 * sqrt(pi)),
    ),
    "silu": Truth(
        nn.SiLU(),
        (-_SILU, inf),
        (least(silu_slope, -5, 0)[1], -least(lambda z: -silu_slope(z), 0, 5)[1]),
        flats=((-inf, where(silu_slope, -9, -4), False),),
        saturates="left",
        direction="neither",
        turns=(-1 - _SILU,),
        slope_at_zero=1 / 2,
        mean=None,
    ),
    "mish": Truth(
        nn.Mish(),
        (least(mish, -3, 0)[1], inf),
        (least(mish_slope, -5, 0)[1], -least(lambda z: -mish_slope(z), 0, 5)[1]),
        flats=((-inf, where(mish_slope, -9, -4), False),),
        saturates="left",
        direction="neither",
        turns=(least(mish, -3, 0)[0],),
        slope_at_zero=0.6,  # tanh(log 2)
        mean=None,
    ),
    "softplus": Truth(
        nn.Softplus(),
        (0, inf),
        (0, 1),
        flats=((-inf, -math.log(99), False),),
        saturates="left",
        at_zero=math.log(2),
        slope_at_zero=1 / 2,
        mean=None,
    ),
    "sigmoid": Truth(
        torch.sigmoid,
        (0, 1),
        (0, 1 / 4),
        flats=_both(math.log((1 + sqrt(0.96)) / (1 - sqrt(0.96)))),
        saturates="both",
        at_zero=1 / 2,
        slope_at_zero=1 / 4,
        mean=1 / 2,
    ),
    "tanh": Truth(torch.tanh, (-1, 1), (0, 1), flats=_both(math.acosh(10)), saturates="both", slope_at_zero=1),
    "arctangent": Truth(
        torch.atan, (-pi / 2, pi / 2), (0, 1), flats=_both(sqrt(99)), saturates="both", slope_at_zero=1
    ),
    "softsign": Truth(nn.Softsign(), (-1, 1), (0, 1), flats=_both(9), saturates="both", slope_at_zero=1),
    "hardtanh": Truth(
        nn.Hardtanh(),
        (-1, 1),
        (0, 1),
        kinks=((-1, 0, 1), (1, 1, 0)),
        flats=_both(1, dead=True),
        saturates="both",
        slope_at_zero=1,
        variance=1 - 2 * norm.pdf(1),  # E min(z^2, 1)
    ),
    "hardsigmoid": Truth(
        lambda z: (z + 3).clamp(0, 6) / 6,
        (0, 1),
        (0, 1 / 6),
        kinks=((-3, 0, 1 / 6), (3, 1 / 6, 0)),
        flats=_both(3, dead=True),
        saturates="both",
        at_zero=1 / 2,
        slope_at_zero=1 / 6,
        mean=1 / 2,
    ),
    "hardswish": Truth(
        nn.Hardswish(),
        (-3 / 8, inf),
        (-1 / 2, 3 / 2),
        kinks=((-3, 0, -1 / 2), (3, 3 / 2, 1)),
        flats=((-inf, -3, True),),
        saturates="left",
        direction="neither",
        turns=(-3 / 2,),
        slope_at_zero=1 / 2,
        mean=None,
    ),
    "hardshrink": Truth(
        nn.Hardshrink(),
        (-inf, inf),
        (0, 1),
        jumps=((-0.5, -0.5, 0), (0.5, 0, 0.5)),
        flats=((-0.5, 0.5, True),),
        slope_at_zero=0,
        variance=2 * (0.5 * norm.pdf(0.5) + norm.sf(0.5)),
    ),
    "softshrink": Truth(
        nn.Softshrink(),
        (-inf, inf),
        (0, 1),
        kinks=((-0.5, 1, 0), (0.5, 0, 1)),
        flats=((-0.5, 0.5, True),),
        slope_at_zero=0,
        variance=2 * (1.25 * norm.sf(0.5) - 0.5 * norm.pdf(0.5)),
    ),
    "step": Truth(
        lambda z: (z > 0).double(),
        (0, 1),
        (0, 0),
        jumps=((0, 0, 1),),
        flats=((-inf, inf, True),),
        saturates="everywhere",
        slope_at_zero=0,
        mean=1 / 2,
        variance=1 / 4,
        depth=1 / 4,
    ),
    "square": Truth(
        torch.square,
        (0, inf),
        (-inf, inf),
        direction="neither",
        turns=(0,),
        slope_at_zero=0,
        mean=1,
        variance=2,
        depth=inf,
    ),
    "z |z|": Truth(lambda z: z * z.abs(), (-inf, inf), (0, inf), slope_at_zero=0, variance=3, depth=inf),
    "cube": Truth(lambda z: z**3, (-inf, inf), (0, inf), slope_at_zero=0, variance=15, depth=inf),
    "exponential": Truth(
        torch.exp,
        (0, inf),
        (0, inf),
        flats=((-inf, math.log(0.01), False),),
        saturates="left",
        at_zero=1,
        slope_at_zero=1,
        mean=math.exp(0.5),
        variance=math.e * (math.e - 1),
        depth=inf,
    ),
    "sine": Truth(
        torch.sin,
        (-1, 1),
        (-1, 1),
        direction="neither",
        turns=tuple((k + 0.5) * pi for k in range(-6, 6)),
        slope_at_zero=1,
        variance=(1 - math.exp(-2)) / 2,
    ),
    "bell": Truth(
        lambda z: torch.exp(-(z**2)),
        (0, 1),
        (-sqrt(2 / math.e), sqrt(2 / math.e)),
        flats=_both(where(lambda z: 2 * z * math.exp(-(z**2)), 1, 5)),
        saturates="both",
        direction="neither",
        turns=(0,),
        at_zero=1,
        slope_at_zero=0,
        mean=1 / sqrt(3),
        variance=1 / sqrt(5) - 1 / 3,
    ),
    "logarithm of 1 + |z|": Truth(
        lambda z: torch.log1p(z.abs()),
        (0, inf),
        (-1, 1),
        kinks=((0, -1, 1),),
        flats=_both(99),
        saturates="both",
        direction="neither",
        turns=(0,),
        mean=None,
    ),
    "rounding": Truth(
        torch.round,
        (-inf, inf),
        (0, 0),
        jumps=tuple((k + 0.5, k, k + 1) for k in range(-20, 20)),
        flats=((-inf, inf, True),),
        saturates="everywhere",
        slope_at_zero=0,
        depth=None,  # it grows by 1/12 a layer, for ever; what is beyond 20 is not seen
    ),
}
EVERY = pytest.mark.parametrize("name", TRUTHS)


@cache
def measured(name: str) -> ActivationProperties:
    return measure(TRUTHS[name].function, timed=False)


@EVERY
def test_range_and_slopes(name: str) -> None:
    found, truth = measured(name), TRUTHS[name]
    assert found.range == pytest.approx(truth.range, rel=1e-9, abs=1e-9)
    assert found.slopes == pytest.approx(truth.slopes, rel=1e-8, abs=1e-8)


@EVERY
def test_kinks_and_jumps(name: str) -> None:
    found, truth = measured(name), TRUTHS[name]
    for breaks, true in ((found.kinks, truth.kinks), (found.jumps, truth.jumps)):
        assert [each.at for each in breaks] == pytest.approx([at for at, _, _ in true], abs=1e-9)
    assert [each.slopes for each in found.kinks] == [pytest.approx(sides, abs=1e-9) for _, *sides in truth.kinks]
    assert [each.values for each in found.jumps] == [pytest.approx(sides, abs=1e-9) for _, *sides in truth.jumps]
    assert not found.surrogate


@EVERY
def test_saturation(name: str) -> None:
    found, truth = measured(name), TRUTHS[name]
    assert len(found.flats) == len(truth.flats)
    for flat, (low, high, dead) in zip(found.flats, truth.flats, strict=True):
        assert [flat.low, flat.high] == pytest.approx([low, high], abs=1e-8)
        assert flat.dead == dead
    assert found.saturates == truth.saturates


@EVERY
def test_direction_and_turns(name: str) -> None:
    found, truth = measured(name), TRUTHS[name]
    assert found.direction == truth.direction
    assert found.turns == pytest.approx(truth.turns, abs=1e-6)


@EVERY
def test_near_zero(name: str) -> None:
    found, truth = measured(name), TRUTHS[name]
    assert found.at_zero == pytest.approx(truth.at_zero, abs=1e-15)
    bent = [(left, right) for at, left, right in truth.kinks if at == 0]
    slopes = bent[0] if truth.slope_at_zero is None else (truth.slope_at_zero, truth.slope_at_zero)
    assert found.slopes_at_zero == pytest.approx(slopes, abs=1e-9)
    assert found.like_identity == (found.at_zero == 0 and slopes == (1, 1))


@EVERY
def test_moments(name: str) -> None:
    found, truth = measured(name), TRUTHS[name]
    if truth.mean is not None:
        assert found.mean == pytest.approx(truth.mean, rel=1e-12, abs=1e-13)
        assert found.zero_centred == (truth.mean == 0)
    if truth.variance is not None:
        assert found.variance == pytest.approx(truth.variance, rel=1e-12, abs=1e-13)
    if truth.depth is not None:
        assert found.depth_variance == pytest.approx(truth.depth)


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("identity", 0),
        ("2z + 1", 0),
        ("constant", 0),
        ("absolute", 1),  # even functions are uncorrelated with z
        ("square", 1),
        ("relu", 1 - (1 / 4) / (1 / 2 - 1 / (2 * pi))),
        ("cube", 1 - 9 / 15),
        ("step", 1 - (1 / (2 * pi)) / (1 / 4)),
        ("sine", 1 - math.exp(-1) / ((1 - math.exp(-2)) / 2)),
    ],
)
def test_nonlinearity_is_what_no_line_explains(name: str, share: float) -> None:
    found = measured(name)
    assert found.nonlinearity == pytest.approx(share, abs=1e-12)
    assert found.linear == (share == 0)


def test_a_function_that_overflows_says_where() -> None:
    assert list(measured("exponential").finite) == pytest.approx([-inf, 709], rel=0.03)
    naive = measure(lambda z: z / (1 + torch.exp(-z)), timed=False)  # its derivative is NaN there
    assert list(naive.finite) == pytest.approx([-709, inf], rel=0.03)
    assert naive.range == pytest.approx(measured("silu").range)
    assert measured("sine").finite == (-inf, inf)


def test_a_pole_is_a_jump_without_bounds() -> None:
    found = measure(torch.reciprocal, timed=False)
    assert [each.at for each in found.jumps] == [0]
    assert (found.range, found.slopes) == ((-inf, inf), (-inf, 0))


def test_gradients_that_are_none_of_the_function_are_told() -> None:
    straight = measure(lambda z: (z.sign() - z).detach() + z, timed=False)
    assert straight.surrogate
    assert ([each.at for each in straight.jumps], straight.slopes) == ([0], (1, 1))
    assert measure(lambda z: 2 * z.detach(), timed=False).surrogate


def test_rounding_is_no_break() -> None:
    found = measure(lambda z: torch.tanh(z.float()), timed=False)
    assert (found.kinks, found.jumps, found.surrogate) == ((), (), False)
    assert found.direction == "increasing"


@pytest.mark.parametrize("bend", [0.01, 0.1])
def test_a_slight_kink_at_an_odd_place_is_found(bend: float) -> None:
    found = measure(lambda z: torch.tanh(z) + bend * (z - 1.234567).relu(), timed=False)
    (kink,) = found.kinks
    assert kink.at == pytest.approx(1.234567, abs=1e-9)
    assert kink.slopes[1] - kink.slopes[0] == pytest.approx(bend, abs=1e-8)


class PiecewiseMax(nn.Module):
    """The largest of `pieces` neighbours."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, z: Tensor) -> Tensor:
        largest: Tensor = z.unflatten(1, (-1, self.pieces)).amax(2)
        return largest


def test_one_number_of_several_is_seen_along_the_first() -> None:
    found = measure(PiecewiseMax(2), timed=False)
    assert (found.pieces, found.range, [each.at for each in found.kinks]) == (2, (0, inf), [0])
    # Of two independent normal numbers the larger has mean 1/sqrt(pi) and variance 1 - 1/pi.
    assert found.mean == pytest.approx(1 / sqrt(pi), abs=2e-3)
    assert found.variance == pytest.approx(1 - 1 / pi, abs=2e-3)
    assert (found.normalizes, found.depth_variance) == (False, 0)


def test_parameters_are_those_that_learn() -> None:
    assert measure(nn.PReLU(), timed=False).parameters == 1
    frozen = nn.PReLU().requires_grad_(False)
    assert measure(frozen, timed=False).parameters == 0


def test_what_is_measured_stays_as_it_was() -> None:
    module = nn.PReLU().train()
    before = torch.get_rng_state()
    measure(module)
    measure(nn.ReLU(inplace=True))
    measure(lambda z: z.mul_(2))
    assert (module.training, module.weight.dtype, module.weight.grad) == (True, torch.float32, None)
    assert torch.equal(torch.get_rng_state(), before)


def test_cost_is_of_both_beside_relu() -> None:
    found = measure(PiecewiseMax(3)).cost
    assert found is not None
    assert min(found.value, found.both, found.relu_value, found.relu_both) > 0
    assert found.times_relu == found.both / found.relu_both


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (nn.Softmax(0), "must treat each number by itself"),
        (lambda z: z - z.mean(), "must treat each number by itself"),
        (lambda z: z * torch.arange(len(z)), "must treat each number by itself"),
        (nn.functional.dropout, "must give the same numbers each time"),
        (torch.log, "gives NaN at -20"),
        (lambda z: torch.sin(z) / z, "gives NaN at 0"),
        (lambda z: z.abs().sqrt(), "gives a derivative of NaN at 0"),
        (lambda z: torch.heaviside(z, z.new_zeros(1)), "has no derivative: "),
        (lambda z: z.sum(), "must make one number of each"),
        (nn.GLU(0), "must make one number of each"),
        (nn.Linear(1, 1), "cannot be applied to numbers of shape (42,): "),
        (nn.PReLU(3), "cannot be applied to numbers of shape (42,): "),
        (lambda z: 3.0, "must make a tensor of a tensor, got `float`"),
    ],
)
def test_what_is_no_elementwise_function_is_refused(function: Function, message: str) -> None:
    with pytest.raises(InputError) as refused:
        measure(function)
    assert str(refused.value).startswith(f"activation: {message}")


def test_the_document_has_every_figure_and_verdict() -> None:
    document = measured("selu").to_json()
    assert document["fixed_points"][0]["stable"] is True
    assert (document["normalizes"], document["zero_centred"], document["saturates"]) == (True, True, "left")
    assert document["kinks"][0]["at"] == 0
