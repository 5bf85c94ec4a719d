"""Steps on residuals against closed forms; Levenberg-Marquardt on a network."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import mse_loss

from gradus.optim.second_order import (
    GaussNewton,
    LevenbergMarquardt,
    SecondOrder,
)
from tests.optim.second_order.problems import ALL, closure_for, network, parameter, sine


@pytest.mark.parametrize("kind", [GaussNewton, LevenbergMarquardt])
@pytest.mark.parametrize("columns", [9, 40])
def test_a_step_of_linear_residuals_is_in_closed_form(kind: type[SecondOrder], columns: int) -> None:
    """Fewer parameters than residuals, and more; Levenberg-Marquardt with its scaled damping."""
    torch.manual_seed(0)
    matrix, right = torch.randn(20, columns, dtype=torch.float64), torch.randn(20, dtype=torch.float64)
    point = parameter([0.0] * columns)
    options = {"damping": 0.5} if kind is LevenbergMarquardt else {}
    kind([point], **options).step(lambda: matrix @ point - right)
    if kind is GaussNewton:
        expected = np.linalg.lstsq(matrix, right, rcond=None)[0]
    else:
        scale = torch.diag(matrix.square().sum(dim=0))
        expected = torch.linalg.solve(matrix.T @ matrix + 0.5 * scale, matrix.T @ right).numpy()
    np.testing.assert_allclose(point.detach(), expected, rtol=1e-9, atol=1e-11)


def test_parameters_that_change_nothing_stay() -> None:
    used, unused = parameter([1.0, 2.0]), parameter([3.0])
    for kind in ALL:
        optimizer = kind([used, unused], max_iter=3)
        optimizer.step(closure_for(optimizer, lambda: used - 5))
        assert unused.item() == 3.0
        torch.testing.assert_close(used.detach(), torch.tensor([5.0, 5.0], dtype=torch.float64))
        with torch.no_grad():
            used.copy_(torch.tensor([1.0, 2.0]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_levenberg_marquardt_fits_a_network_in_far_fewer_steps_than_adam(dtype: torch.dtype) -> None:
    (x, y), fitted, slow = sine(dtype), network(dtype), network(dtype)
    optimizer = LevenbergMarquardt(fitted.parameters())
    for _ in range(40):
        optimizer.step(lambda: (fitted(x) - y) / math.sqrt(len(x)))
    adam = torch.optim.Adam(slow.parameters(), lr=0.02)
    for _ in range(400):
        adam.zero_grad()
        mse_loss(slow(x), y).backward()
        adam.step()
    assert mse_loss(fitted(x), y) < 0.1 * mse_loss(slow(x), y)
