"""Second-order optimizers against SciPy and the counts of the literature on two hard valleys."""

import numpy as np
import pytest
import torch
from scipy import optimize

from gradus.optim import optimizers
from gradus.optim.second_order import (
    BFGS,
    GaussNewton,
    LevenbergMarquardt,
    NewtonCG,
    SecondOrder,
)
from tests.optim.second_order.problems import ALL, VALLEYS, closure_for, evaluations, iterations, parameter, rosenbrock


@pytest.mark.parametrize(
    ("kind", "valley", "most", "below"),
    [
        (BFGS, "rosenbrock", 50, 1e-8),
        (BFGS, "beale", 25, 1e-8),
        (NewtonCG, "rosenbrock", 30, 1e-8),
        (NewtonCG, "beale", 15, 1e-8),
        (LevenbergMarquardt, "rosenbrock", 30, 1e-12),
        (LevenbergMarquardt, "beale", 15, 1e-12),
        (GaussNewton, "rosenbrock", 3, 1e-20),  # the third evaluation finds the gradient to be zero
    ],
)
def test_evaluations_to_the_bottom_of_a_valley(kind: type[SecondOrder], valley: str, most: int, below: float) -> None:
    """Evaluations, of which an iteration makes at least one; at most 50 or 30 iterations in one step."""
    residuals, start, bottom = VALLEYS[valley]
    point = parameter(start)
    optimizer = kind([point], max_iter=50)
    before = residuals(point).square().sum().item()
    first = optimizer.step(closure_for(optimizer, lambda: residuals(point)))
    assert first.item() == pytest.approx(before, rel=1e-15)
    assert residuals(point).square().sum() < below
    assert evaluations(optimizer) <= most
    assert iterations(optimizer) <= most
    torch.testing.assert_close(point.detach(), torch.tensor(bottom, dtype=torch.float64), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("valley", "most"), [("rosenbrock", 50), ("beale", 25)])
def test_lbfgs_is_torchs_and_needs_no_more(valley: str, most: int) -> None:
    residuals, start, _ = VALLEYS[valley]
    point = parameter(start)
    optimizer = optimizers.get("lbfgs").build([point], max_iter=most)
    optimizer.step(closure_for(optimizer, lambda: residuals(point)))
    assert residuals(point).square().sum() < 1e-8
    assert optimizer.state[point]["n_iter"] <= most


@pytest.mark.parametrize("kind", ALL)
def test_iteration_by_iteration_it_is_the_same_descent(kind: type[SecondOrder]) -> None:
    once, by_steps = parameter([-1.2, 1.0]), parameter([-1.2, 1.0])
    together, apart = kind([once], max_iter=6), kind([by_steps])
    together.step(closure_for(together, lambda: rosenbrock(once)))
    for _ in range(6):
        apart.step(closure_for(apart, lambda: rosenbrock(by_steps)))
    assert torch.equal(once, by_steps)
    assert iterations(together) == iterations(apart)


@pytest.mark.parametrize("kind", ALL)
def test_scipy_finds_the_same_minimum_where_residuals_remain(kind: type[SecondOrder]) -> None:
    rng = np.random.default_rng(0)
    t = np.linspace(0, 3, 30)
    y = 2.5 * np.exp(-1.3 * t) + 0.5 + 0.1 * rng.normal(size=30)
    expected = optimize.least_squares(
        lambda p: p[0] * np.exp(-p[1] * t) + p[2] - y, [1.0, 1.0, 0.0], method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    time, values, point = torch.tensor(t), torch.tensor(y), parameter([1.0, 1.0, 0.0])
    optimizer = kind([point], max_iter=40, tolerance=1e-9)
    optimizer.step(closure_for(optimizer, lambda: point[0] * torch.exp(-point[1] * time) + point[2] - values))
    np.testing.assert_allclose(point.detach(), expected.x, rtol=1e-7)
    assert evaluations(optimizer) <= 3 * expected.nfev
