import itertools
import math
import operator
from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gradus.analysis.curve import SPAN, Curve
from gradus.core.errors import InputError

HUNDREDTHS = st.integers(-300, 300).map(lambda n: n / 100)


@st.composite
def broken_lines(draw: st.DrawFn) -> tuple[list[float], list[float]]:
    """Knots from -15 to 15 at least 0.05 apart, and the slopes between them, no two neighbours alike."""
    knots = draw(st.lists(st.integers(-300, 300), min_size=1, max_size=5, unique=True))
    slopes = [draw(HUNDREDTHS)]
    for _ in knots:
        slopes.append(draw(HUNDREDTHS.filter(partial(operator.ne, slopes[-1]))))
    return sorted(each / 20 for each in knots), slopes


@given(broken_lines())
@settings(max_examples=25, deadline=None)
def test_broken_lines_are_seen_through(line: tuple[list[float], list[float]]) -> None:
    knots, slopes = line

    def function(z: Tensor) -> Tensor:
        bends = [
            (after - before) * (z - at).relu()
            for at, (before, after) in zip(knots, itertools.pairwise(slopes), strict=True)
        ]
        return slopes[0] * z + sum(bends)

    curve = Curve(function)
    assert [each.at for each in curve.breaks] == pytest.approx(knots, abs=1e-9)
    assert [each.slopes for each in curve.breaks] == [
        pytest.approx(pair, abs=1e-9) for pair in itertools.pairwise(slopes)
    ]
    assert not any(each.jumps for each in curve.breaks)
    assert curve.extent(curve.slope) == pytest.approx((min(slopes), max(slopes)), abs=1e-9)
    ends = (math.inf if slopes[0] < 0 else -math.inf, math.inf if slopes[-1] > 0 else -math.inf)
    values = [float(function(torch.tensor(at, dtype=torch.float64))) for at in knots]
    reached = values + [end for end, slope in zip(ends, (slopes[0], slopes[-1]), strict=True) if slope]
    assert curve.extent(curve.value) == pytest.approx((min(reached), max(reached)), abs=1e-9)
    signs = {math.copysign(1, each) for each in slopes if each}
    assert (curve.direction == "neither") == (len(signs) == 2)
    edges = [-math.inf, *knots, math.inf]
    level = [pair for pair, slope in zip(itertools.pairwise(edges), slopes, strict=True) if slope == 0]
    level = [(low, high) for low, high in level if high - low >= 0.25]
    found = [(each.low, each.high) for each in curve.flats(0.005) if each.dead]
    assert len(found) == len(level)
    assert [side for pair in found for side in pair] == pytest.approx(
        [side for pair in level for side in pair], abs=1e-9
    )


@pytest.mark.parametrize(
    ("function", "limits"),
    [
        (lambda z: z / (1 + z * z) ** 0.75, (-(2**0.5) / 3**0.75, 2**0.5 / 3**0.75)),
        (lambda z: 3 - 1 / (1 + z.abs()), (2, 3)),
        (lambda z: z.sigmoid() * 1e-3, (0, 1e-3)),
        (lambda z: (1 + z * z) ** 0.125, (1, math.inf)),
        (lambda z: torch.log1p(torch.log1p(z * z)) - 1, (-1, math.inf)),
        (lambda z: z.cos() * z, (-math.inf, math.inf)),
        (lambda z: z.cos() * 5, (-5, 5)),
    ],
)
def test_bounds_are_told_from_slow_growth(function: Callable[[Tensor], Tensor], limits: tuple[float, float]) -> None:
    curve = Curve(function)
    assert curve.extent(curve.value) == pytest.approx(limits, abs=1e-7)


def test_points_avoid_round_numbers_and_go_far() -> None:
    curve = Curve(torch.tanh)
    points = curve.points
    assert (points.diff() > 0).all()
    assert points[[0, -1]].tolist() == pytest.approx([-1e8, 1e8])
    near = points[points.abs() < SPAN] * 1000
    assert ((near - near.round()).abs() > 0.1).all()


def test_too_few_digits_are_refused() -> None:
    with pytest.raises(InputError, match="activation: must compute in float32 at least, got `bfloat16`"):
        Curve(lambda z: z.bfloat16())
