"""BFGS against its equations, SciPy, and what may go wrong."""

import numpy as np
import pytest
import torch
from scipy import optimize
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.optim.second_order import (
    BFGS,
)
from tests.optim.second_order.problems import closure_for, iterations, network, parameter, sine


def test_bfgs_needs_about_as_many_iterations_as_scipys() -> None:
    start = np.zeros(10)
    scipy = optimize.minimize(optimize.rosen, start, jac=optimize.rosen_der, method="BFGS", options={"gtol": 1e-7})
    point = parameter(start)
    optimizer = BFGS([point], max_iter=500)

    def residuals() -> Tensor:
        return torch.cat([10 * (point[1:] - point[:-1] ** 2), 1 - point[:-1]])

    optimizer.step(closure_for(optimizer, residuals))
    np.testing.assert_allclose(point.detach(), scipy.x, atol=1e-6)
    assert iterations(optimizer) <= 1.5 * scipy.nit


def test_bfgs_learns_the_inverse_hessian_by_equations_6_17_and_6_20() -> None:
    (x, y), model = sine(), network()
    optimizer = BFGS(model.parameters(), lr=0.7)
    closure = closure_for(optimizer, lambda: model(x) - y)
    points, gradients = [], []
    for _ in range(5):
        closure()
        points.append(torch.cat([each.detach().flatten() for each in model.parameters()]).numpy())
        gradients.append(
            torch.cat([each.grad.flatten() for each in model.parameters() if each.grad is not None]).numpy()
        )
        optimizer.step(closure)
    first = points[1] - points[0], gradients[1] - gradients[0]
    identity = np.eye(len(points[0]))
    inverse = identity * (first[0] @ first[1]) / (first[1] @ first[1])
    for before in range(3):
        s, change = points[before + 1] - points[before], gradients[before + 1] - gradients[before]
        rho = 1 / (change @ s)
        left = identity - rho * np.outer(s, change)
        inverse = left @ inverse @ left.T + rho * np.outer(s, s)
        step, expected = points[before + 2] - points[before + 1], -inverse @ gradients[before + 1]
        np.testing.assert_allclose(step / np.linalg.norm(step), expected / np.linalg.norm(expected), rtol=1e-6)


def test_bfgs_first_tries_to_move_by_one_in_all() -> None:
    point, seen = parameter([3.0, -4.0]), []

    def residuals() -> Tensor:
        seen.append(point.detach().clone())
        return 1e4 * point

    optimizer = BFGS([point])
    optimizer.step(closure_for(optimizer, residuals))
    assert float((seen[1] - seen[0]).abs().sum()) == pytest.approx(1.0)


def test_bfgs_learns_nothing_where_the_gradient_does_not_change() -> None:
    point = parameter([1.0, 2.0])
    optimizer = BFGS([point])

    def closure() -> Tensor:
        point.grad = torch.ones_like(point)
        return point.detach().sum()

    before = closure().item()
    optimizer.step(closure)
    assert closure().item() < before
    assert "inverse" not in optimizer.state[point]


def test_bfgs_shuns_points_without_a_gradient() -> None:
    """The first trial ends where the loss is least but has no slope."""
    point = parameter([1.0])
    optimizer = BFGS([point])

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (point * point).sqrt().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert 0 < point.item() < 1
    assert point.grad is not None
    assert point.grad.isfinite().all()


def test_bfgs_takes_sparse_gradients() -> None:
    table = nn.Embedding(5, 2, sparse=True, dtype=torch.float64)
    before = table.weight.detach().clone()
    optimizer = BFGS(table.parameters(), max_iter=10)
    optimizer.step(closure_for(optimizer, lambda: table(torch.tensor([1, 3])) - 5))
    expected = before.clone()
    expected[[1, 3]] = 5.0
    torch.testing.assert_close(table.weight.detach(), expected)


def test_a_failed_line_search_falls_back_to_descent_and_else_stays() -> None:
    point = parameter([1.0, 1.0])
    optimizer = BFGS([point])
    closure = closure_for(optimizer, lambda: point * torch.tensor([1.0, 3.0], dtype=torch.float64))
    optimizer.step(closure)
    state = optimizer.state[point]
    before = closure().item()
    for wrong in (-1.0, 1e40):  # uphill; so far that no trial comes near enough
        state["inverse"] = wrong * torch.eye(2, dtype=torch.float64)
        optimizer.step(closure)
        assert closure().item() < before
        before = closure().item()
        assert 0 < state["inverse"].diagonal().max() < 1  # learnt anew from the step down

    stuck = parameter([1.0, 1.0])
    optimizer = BFGS([stuck])

    def rising() -> Tensor:  # a gradient that points the wrong way: no point along it is lower
        stuck.grad = -2 * stuck.detach()
        return stuck.detach().square().sum()

    optimizer.step(rising)
    assert stuck.tolist() == [1.0, 1.0]


def test_bfgs_refuses_a_matrix_that_does_not_fit() -> None:
    with pytest.raises(InputError, match=r"at most, got 30000. Use `lbfgs`"):
        BFGS([nn.Parameter(torch.zeros(30_000))])
