"""Proximal descent against scikit-learn's coordinate descent, and its operators against their definition."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.optim import optimizers
from gradus.optim.proximal import ProximalSGD, shrink_rows, soften

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def diabetes() -> tuple[Array, Array]:
    x, y = load_diabetes(return_X_y=True, scaled=False)
    return (x - x.mean(0)) / x.std(0), y - y.mean()


def solve(
    x: Array, y: Array, make: Callable[[list[nn.Parameter], float], ProximalSGD], steps: int = 1500
) -> tuple[Array, Array]:
    """Minimize mean squared error / 2 plus penalties; the weights and the last ones but one."""
    inputs, targets = torch.tensor(x), torch.tensor(y)
    weight = nn.Parameter(torch.zeros(1, x.shape[1], dtype=torch.float64))
    optimizer = make([weight], len(x) / float(np.linalg.norm(x, 2)) ** 2)

    def closure() -> Tensor:
        weight.grad = None
        loss = 0.5 * (inputs @ weight[0] - targets).square().mean()
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return weight.detach().numpy()[0], y


@pytest.mark.parametrize(("alpha", "accelerate"), [(0.5, True), (5.0, True), (20.0, True), (20.0, False)])
def test_lasso_is_scikit_learns_with_the_same_zeros(
    diabetes: tuple[Array, Array], alpha: float, accelerate: bool
) -> None:
    ours, _ = solve(*diabetes, lambda each, lr: ProximalSGD(each, lr=lr, l1=alpha, accelerate=accelerate))
    theirs = Lasso(alpha=alpha, fit_intercept=False, tol=1e-14, max_iter=10**6).fit(*diabetes).coef_
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)
    assert ((ours == 0) == (theirs == 0)).all()
    assert 0 < (ours == 0).sum() < 10


def test_elastic_net_and_ridge_are_scikit_learns(diabetes: tuple[Array, Array]) -> None:
    alpha, ratio = 3.0, 0.7
    ours, _ = solve(*diabetes, lambda each, lr: ProximalSGD(each, lr=lr, l1=alpha * ratio, l2=alpha * (1 - ratio)))
    net = ElasticNet(alpha=alpha, l1_ratio=ratio, fit_intercept=False, tol=1e-14, max_iter=10**6).fit(*diabetes)
    np.testing.assert_allclose(ours, net.coef_, rtol=1e-6, atol=1e-9)
    assert ((ours == 0) == (net.coef_ == 0)).all()
    ridge = Ridge(alpha=0.1 * len(diabetes[0]), fit_intercept=False).fit(*diabetes)
    ours, _ = solve(*diabetes, lambda each, lr: ProximalSGD(each, lr=lr, l2=0.1))
    np.testing.assert_allclose(ours, ridge.coef_, rtol=1e-6)


def test_a_gradient_step_on_the_penalty_has_no_zeros(diabetes: tuple[Array, Array]) -> None:
    x, y = (torch.tensor(each) for each in diabetes)
    weight = nn.Parameter(torch.zeros(10, dtype=torch.float64))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    for _ in range(500):
        optimizer.zero_grad()
        (0.5 * (x @ weight - y).square().mean() + 20 * weight.abs().sum()).backward()
        optimizer.step()
    assert (weight != 0).all()


def test_acceleration_needs_fewer_steps(diabetes: tuple[Array, Array]) -> None:
    exact = Lasso(alpha=0.5, fit_intercept=False, tol=1e-14, max_iter=10**6).fit(*diabetes).coef_
    plain, quick = (
        np.abs(solve(*diabetes, lambda e, lr, a=a: ProximalSGD(e, lr=lr, l1=0.5, accelerate=a), 100)[0] - exact).max()  # type: ignore[misc]
        for a in (False, True)
    )
    assert quick < plain / 2


@pytest.mark.parametrize("l2", [0.0, 0.7])
def test_a_step_is_the_proximal_operator_of_all_penalties_together(l2: float) -> None:
    """Against a general minimizer of |p - z|^2 / (2 lr) + l1 |p| + l2 / 2 p^2 + group |row|."""
    lr, l1, group = 0.5, 0.4, 0.6
    z = np.random.default_rng(0).normal(size=(3, 4)) * np.array([[0.3], [1.0], [3.0]])
    weight = nn.Parameter(torch.tensor(z))
    weight.grad = torch.zeros_like(weight)
    ProximalSGD([weight], lr=lr, l1=l1, l2=l2, group=group).step()
    ours = weight.detach().numpy()

    def objective(p: Array) -> float:
        p = p.reshape(3, 4)
        rows = np.linalg.norm(p, axis=1).sum()
        return float(((p - z) ** 2).sum() / (2 * lr) + l1 * np.abs(p).sum() + l2 / 2 * (p**2).sum() + group * rows)

    best = min(
        minimize(objective, start.ravel(), method="Powell", options={"xtol": 1e-9, "ftol": 1e-14}).fun
        for start in (z, ours + 1e-3)
    )
    assert objective(ours) <= best + 1e-9
    assert (ours[0] == 0).all()
    assert (ours[2] != 0).any()


def test_the_operators_keep_zeros_signs_and_shapes() -> None:
    point = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0])
    soften([point], 1.0)
    assert point.tolist() == [-1.0, 0.0, 0.0, 0.0, 1.0]
    kernels = torch.zeros(2, 3, 3, 3)
    kernels[1] = 1.0
    shrink_rows(kernels, 0.5)
    assert (kernels[0] == 0).all()
    torch.testing.assert_close(kernels[1].norm(), torch.tensor(27.0).sqrt() - 0.5)


def test_a_recipe_penalizes_weights_and_not_biases() -> None:
    layer = nn.Linear(3, 2)
    optimizer = optimizers.get("proximal").build(layer.parameters(), lr=0.1, l1=100.0)
    for each in layer.parameters():
        each.grad = torch.zeros_like(each)
    bias = layer.bias.detach().clone()
    optimizer.step()
    assert (layer.weight == 0).all()
    assert torch.equal(layer.bias, bias)


def test_acceleration_without_a_closure_is_refused_and_a_failing_one_undone() -> None:
    point = nn.Parameter(torch.ones(2, 2))
    optimizer = ProximalSGD([point], lr=0.1, accelerate=True)
    with pytest.raises(InputError, match="`accelerate` needs a closure"):
        optimizer.step()

    def closure(fail: Any = None) -> Tensor:
        point.grad = torch.ones_like(point)
        return torch.zeros(()) if fail is None else fail[0]

    for _ in range(3):
        optimizer.step(closure)
    before = point.detach().clone()
    with pytest.raises(IndexError):
        optimizer.step(lambda: closure([]))
    assert torch.equal(point, before)
