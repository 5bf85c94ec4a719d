"""The line search against the two conditions it promises."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gradus.optim.second_order.line_search import Trial, strong_wolfe


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 10.0, 1e3])
@pytest.mark.parametrize(
    "function",
    [
        lambda t: -t / (t**2 + 2),  # More & Thuente (1994), equation 5.1
        lambda t: (t + 0.4) ** 5 - 2 * (t + 0.4) ** 4,  # 5.2, steeper at the start
        lambda t: (t - 3) ** 2 + 3 * torch.cos(4 * t),  # many valleys
        lambda t: t - 4 * torch.log1p(t) - torch.log(5 - t),  # not a number beyond 5
    ],
)
def test_the_line_search_meets_both_conditions(function: Callable[[Tensor], Tensor], first: float) -> None:
    evaluate = along(function)
    start = evaluate(0.0)
    found = strong_wolfe(evaluate, start, first=first, flattening=0.1)
    assert found.value <= start.value + 1e-4 * found.length * start.slope
    assert abs(found.slope) <= 0.1 * abs(start.slope)


@pytest.mark.parametrize("first", [0.1, 10.0])
def test_where_rounding_hides_the_conditions_the_line_search_still_descends(first: float) -> None:
    evaluate = along(lambda t: (t + 0.004) ** 5 - 2 * (t + 0.004) ** 4)  # 5.2, whose slope at 0 is -5e-7
    found = strong_wolfe(evaluate, evaluate(0.0), first=first, flattening=0.1)
    assert found.value == pytest.approx(1.6**5 - 2 * 1.6**4, rel=1e-12)


def along(function: Callable[[Tensor], Tensor]) -> Callable[[float], Trial]:
    def evaluate(length: float) -> Trial:
        t = torch.tensor(length, dtype=torch.float64, requires_grad=True)
        value = function(t)
        (slope,) = torch.autograd.grad(value, t)
        shown = value.item() if value.isfinite() else math.inf
        return Trial(length, shown, slope.item(), slope[None])

    return evaluate
