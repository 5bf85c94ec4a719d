"""Criteria for values against scikit-learn, SciPy and closed forms in float64; their gradients against formulas."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log1p
from sklearn import metrics
from torch import Tensor
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.losses.regression import log_cosh_loss, mbe_loss, quantile_loss, rmse_loss


def exactly(value: float) -> Any:
    return pytest.approx(value, rel=1e-12, abs=0)


def values(*shape: int, seed: int = 0, scale: float = 3.0) -> Tensor:
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


OUTPUT, TARGET = values(40, 3), values(40, 3, seed=1)
ROWS = torch.rand(40, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def gradient(loss: Tensor, output: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(loss, output)
    return found


@pytest.mark.parametrize("weight", [None, ROWS])
def test_root_mean_squared_error_is_scikit_learns(weight: Tensor | None) -> None:
    each = None if weight is None else weight[:, None]
    per_output = metrics.root_mean_squared_error(TARGET, OUTPUT, sample_weight=weight, multioutput="raw_values")
    np.testing.assert_allclose(rmse_loss(OUTPUT, TARGET, weight=each, reduction="none"), per_output, rtol=1e-12)
    expected = metrics.root_mean_squared_error(TARGET, OUTPUT, sample_weight=weight)
    assert rmse_loss(OUTPUT, TARGET, weight=each).item() == exactly(expected)


def test_gradient_of_the_root_is_the_errors_share_and_0_without_error() -> None:
    output = OUTPUT.clone().requires_grad_()
    with torch.no_grad():
        output[:, 2] = TARGET[:, 2]
    error = (output - TARGET).detach()
    expected = error / (40 * error.square().mean(0).sqrt()) / 3  # e / (N r), and a third of each of three outputs
    expected[:, 2] = 0
    torch.testing.assert_close(gradient(rmse_loss(output, TARGET), output), expected, rtol=1e-12, atol=0)


def test_mean_bias_error_has_a_sign_and_cancels() -> None:
    error = torch.tensor([3.0, -1.0, -1.0, -1.0])
    assert mbe_loss(error, torch.zeros(4)) == 0
    assert mbe_loss(torch.zeros(4), torch.ones(4)) == -1
    assert mbe_loss(error, torch.zeros(4), weight=torch.tensor([1.0, 1.0, 0.0, 0.0])) == 1


@pytest.mark.parametrize("error", [1e-12, 1e-8, 1e-3, 0.5, 0.999999, 1.0, 1.000001, 3.0, 19.0, 21.0, 300.0])
def test_log_cosh_and_its_slope_are_exact_at_any_size(error: float) -> None:
    """log cosh e = log1p(2 sinh^2(e/2)), whose derivative is tanh e."""
    for sign in (1.0, -1.0):
        output = torch.tensor([sign * error], dtype=torch.float64, requires_grad=True)
        loss = log_cosh_loss(output, torch.zeros_like(output))
        assert loss.item() == exactly(float(log1p(2 * np.sinh(error / 2) ** 2)))
        assert gradient(loss, output).item() == exactly(sign * math.tanh(error))


def test_log_cosh_is_half_the_square_near_0_and_the_absolute_error_far_away() -> None:
    zero = torch.zeros((), dtype=torch.float64)
    assert log_cosh_loss(zero + 1e-7, zero).item() == exactly(0.5e-14)
    huge = torch.tensor([1e4, -1e30], dtype=torch.float64, requires_grad=True)
    loss = log_cosh_loss(huge, torch.zeros_like(huge), reduction="none")
    np.testing.assert_allclose(loss.detach(), [1e4 - math.log(2), 1e30], rtol=1e-15)
    assert gradient(loss.sum(), huge).tolist() == [1.0, -1.0]


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_quantile_loss_is_scikit_learns(level: float) -> None:
    expected = metrics.mean_pinball_loss(TARGET, OUTPUT, alpha=level)
    assert quantile_loss(OUTPUT, TARGET, level).item() == exactly(expected)
    weighted = metrics.mean_pinball_loss(TARGET, OUTPUT, alpha=level, sample_weight=ROWS)
    assert quantile_loss(OUTPUT, TARGET, level, weight=ROWS[:, None]).item() == exactly(weighted)


def test_the_median_is_half_the_absolute_error() -> None:
    half = metrics.mean_absolute_error(TARGET, OUTPUT) / 2
    assert quantile_loss(OUTPUT, TARGET, 0.5).item() == exactly(half)


def test_several_quantiles_are_that_many_losses() -> None:
    levels = [0.1, 0.5, 0.9]
    output = values(40, 3, len(levels), seed=3)
    together = quantile_loss(output, TARGET, levels, reduction="none")
    for place, level in enumerate(levels):
        torch.testing.assert_close(
            together[..., place], quantile_loss(output[..., place], TARGET, level, reduction="none"), rtol=0, atol=0
        )


@pytest.mark.parametrize("level", [0.1, 0.75])
def test_the_quantile_minimizes_it(level: float) -> None:
    """Slope to the left below 0, to the right above 0: at the sample's quantile, and nowhere else."""
    sample = values(201, 1)
    at = torch.tensor(np.quantile(sample.numpy(), level, method="inverted_cdf"))

    def slope(where: Tensor) -> float:
        output = where.expand(201, 1).clone().requires_grad_()
        return float(gradient(quantile_loss(output, sample, level), output).sum())

    assert slope(at - 1e-9) < 0 < slope(at + 1e-9)


def test_limits_of_huber() -> None:
    """Divided by delta it tends to the absolute error, the difference at most delta / 2; and to half the square."""
    absolute, square = metrics.mean_absolute_error(TARGET, OUTPUT), metrics.mean_squared_error(TARGET, OUTPUT)
    for delta in (1e-2, 1e-5, 1e-9):
        assert abs(float(functional.huber_loss(OUTPUT, TARGET, delta=delta)) / delta - absolute) <= delta / 2
        assert abs(float(functional.smooth_l1_loss(OUTPUT, TARGET, beta=delta)) - absolute) <= delta / 2
    assert float(functional.huber_loss(OUTPUT, TARGET, delta=1e6)) == exactly(square / 2)


@pytest.mark.parametrize("loss", [rmse_loss, mbe_loss, log_cosh_loss])
def test_shapes_that_would_broadcast_are_refused(loss) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=r"`target` must have the shape of `output`, \(40, 1\), got \(40,\)"):
        loss(OUTPUT[:, :1], TARGET[:, 0])


def test_a_root_needs_examples() -> None:
    with pytest.raises(InputError, match="rmse_loss: needs an axis of examples"):
        rmse_loss(OUTPUT[0, 0], TARGET[0, 0])


def test_a_quantile_lies_between_0_and_1() -> None:
    for wrong in (0.0, 1.0, [0.5, 1.5]):
        with pytest.raises(InputError, match="quantile_loss: a quantile lies between 0 and 1"):
            quantile_loss(OUTPUT, TARGET, wrong)
