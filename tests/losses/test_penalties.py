"""Penalties against closed forms and scikit-learn's Lasso, Ridge and ElasticNet on its diabetes data, in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from gradus.core.errors import InputError
from gradus.losses.penalties import (
    elastic_net_penalty,
    group_lasso_penalty,
    l1_penalty,
    l2_penalty,
    orthogonality_penalty,
    penalized,
)


def exactly(value: Any) -> Any:
    return pytest.approx(value, rel=1e-12, abs=0)


def weights(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def gradient(function: Callable[[Tensor], Tensor], weight: Tensor) -> Tensor:
    weight = weight.clone().requires_grad_()
    (found,) = torch.autograd.grad(function(weight), weight)
    return found


def test_values_are_norms() -> None:
    w = weights(6, 4, 3, 3)
    each = w.numpy()
    l1, l2 = np.abs(each).sum(), np.square(each).sum() / 2
    assert l1_penalty(w).item() == exactly(l1)
    assert l2_penalty(w).item() == exactly(l2)
    assert elastic_net_penalty(w, l1_ratio=0.3).item() == exactly(0.3 * l1 + 0.7 * l2)
    filters = sum(6 * np.linalg.norm(each[place].ravel()) for place in range(6))  # 6 = sqrt(4 * 3 * 3)
    channels = sum(54**0.5 * np.linalg.norm(each[:, place].ravel()) for place in range(4))
    assert group_lasso_penalty(w).item() == exactly(filters)
    assert group_lasso_penalty(w, axis=1).item() == exactly(channels)
    assert group_lasso_penalty(w[:, 0, 0, 0]).item() == exactly(np.abs(each[:, 0, 0, 0]).sum())
    assert group_lasso_penalty(w[0, 0, 0, 0]).item() == exactly(abs(each[0, 0, 0, 0]))


def test_nothing_pulls_at_0() -> None:
    w = weights(5, 3)
    w[2] = 0
    assert torch.equal(gradient(l1_penalty, w), w.sign())
    found = gradient(group_lasso_penalty, w)
    assert found[2].tolist() == [0, 0, 0]
    expected = 3**0.5 * w / w.norm(dim=1, keepdim=True)
    torch.testing.assert_close(found[[0, 1, 3, 4]], expected[[0, 1, 3, 4]], rtol=1e-12, atol=0)


def test_a_step_of_sgd_on_the_l2_penalty_is_its_weight_decay() -> None:
    w = weights(4, 3)
    penalty, decay = nn.Parameter(w.clone()), nn.Parameter(w.clone())
    (0.1 * l2_penalty(penalty)).backward()
    torch.optim.SGD([penalty], lr=0.5).step()
    decay.grad = torch.zeros_like(decay)
    torch.optim.SGD([decay], lr=0.5, weight_decay=0.1).step()
    torch.testing.assert_close(penalty, decay, rtol=1e-15, atol=0)


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (5, 5), (6, 2, 3, 3)])
def test_orthogonality_is_of_the_shorter_side(shape: tuple[int, ...]) -> None:
    w = weights(*shape)
    matrix = w.flatten(1).numpy()
    rows, columns = matrix.shape
    singular = np.linalg.svd(matrix, compute_uv=False)
    assert orthogonality_penalty(w).item() == pytest.approx(((singular**2 - 1) ** 2).sum(), rel=1e-11)
    # The gradient of ||W W^T - I||^2, 4 (W W^T - I) W, is that of the other side, 4 W (W^T W - I).
    expected = 4 * (matrix @ matrix.T - np.eye(rows)) @ matrix
    np.testing.assert_allclose(expected, 4 * matrix @ (matrix.T @ matrix - np.eye(columns)), atol=1e-11)
    np.testing.assert_allclose(gradient(orthogonality_penalty, w).flatten(1), expected, atol=1e-11)
    orthogonal = torch.linalg.qr(w.flatten(1).mT if rows <= columns else w.flatten(1)).Q
    assert orthogonality_penalty(orthogonal) == pytest.approx(0, abs=1e-25)


X, Y = load_diabetes(return_X_y=True)
INPUTS, TARGET = torch.from_numpy(X), torch.from_numpy(Y)


def mean_squared_error(w: Tensor, intercept: Tensor) -> Tensor:
    return mse_loss(INPUTS @ w + intercept, TARGET)


def test_minimum_with_the_l2_penalty_is_ridge_regression() -> None:
    """Ridge adds alpha ||w||^2 to the sum of N squares: strength 2 alpha / N beside their mean."""
    alpha = 0.5
    expected = Ridge(alpha=alpha, tol=1e-14).fit(X, Y)
    w, intercept = torch.zeros(10, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    parameters = [w.requires_grad_(), intercept.requires_grad_()]
    optimizer = torch.optim.LBFGS(
        parameters, max_iter=500, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = mean_squared_error(w, intercept) + 2 * alpha / len(Y) * l2_penalty(w)
        loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(w.detach(), expected.coef_, rtol=1e-6)
    assert intercept.item() == pytest.approx(expected.intercept_, rel=1e-6)


@pytest.mark.parametrize("ratio", [1.0, 0.6])
def test_scikit_learns_solution_minimizes_the_l1_penalty(ratio: float) -> None:
    """Lasso halves the mean square: no move from its solution lowers mean square / 2 + alpha * penalty."""
    alpha = 0.3
    settings = {"alpha": alpha, "tol": 1e-14, "max_iter": 100_000}
    model = Lasso(**settings) if ratio == 1 else ElasticNet(l1_ratio=ratio, **settings)
    solution = model.fit(X, Y)
    w = torch.from_numpy(solution.coef_)
    zero = w == 0
    assert 0 < zero.sum() < 10
    intercept = torch.tensor(solution.intercept_, dtype=torch.float64)
    smooth = gradient(lambda w: mean_squared_error(w, intercept) / 2, w)
    if ratio == 1:
        pull = gradient(lambda w: alpha * l1_penalty(w), w)
    else:
        pull = gradient(lambda w: alpha * elastic_net_penalty(w, l1_ratio=ratio), w)
    # Where a weight is not 0 the slopes cancel; where it is, the smooth part is too flat to move it.
    torch.testing.assert_close(smooth[~zero], -pull[~zero], rtol=0, atol=1e-6)
    assert smooth[zero].abs().max() <= alpha * ratio + 1e-6


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.LayerNorm((6, 6)), nn.Flatten(), nn.Linear(144, 5), nn.PReLU()
    )


def test_weights_are_matrices_and_kernels() -> None:
    assert list(penalized(network())) == ["0.weight", "4.weight"]


def test_frozen_parameters_cost_nothing() -> None:
    model = network()
    model[0].weight.requires_grad_(False)
    assert list(penalized(model)) == ["4.weight"]


def test_patterns_choose_by_name() -> None:
    assert list(penalized(network(), "4.*")) == ["4.weight", "4.bias"]
    assert list(penalized(network(), ["*.bias", "5.weight"])) == ["0.bias", "1.bias", "2.bias", "4.bias", "5.weight"]
    with pytest.raises(InputError, match=r"`on` fits no trainable parameter, got `linear.weight`"):
        penalized(network(), ["4.weight", "linear.weight"])


def test_a_model_without_weights_is_refused() -> None:
    with pytest.raises(InputError, match="no weights to penalize"):
        penalized(nn.BatchNorm1d(3))
