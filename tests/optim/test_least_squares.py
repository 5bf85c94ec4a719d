"""Five methods against numpy.linalg.lstsq and scikit-learn."""

from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, Ridge

from gradus.core.errors import InputError
from gradus.optim.least_squares import Method, fit

Array = NDArray[np.float64]
METHODS = get_args(Method)
EXACT = [each for each in METHODS if each != "sgd"]


def problem(values: int | None = None, examples: int = 60, features: int = 5) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(examples, features)) * np.geomspace(1, 8, features) + 1
    shape = (features,) if values is None else (features, values)
    clean = x @ rng.normal(size=shape)
    return x, clean + 3 + rng.normal(size=clean.shape)


def reference(x: Array, y: Array) -> Array:
    return np.asarray(np.linalg.lstsq(x, y, rcond=None)[0], dtype=np.float64)


@pytest.mark.parametrize("values", [None, 3])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_the_answer_of_lstsq(method: Method, values: int | None) -> None:
    x, y = problem(values)
    found = fit(x, y, method=method)
    design = np.column_stack([x, np.ones(len(x))])
    expected = reference(design, y)
    tolerance: Any = {"rtol": 1e-5, "atol": 1e-6} if method == "sgd" else {"rtol": 1e-10, "atol": 1e-10}
    np.testing.assert_allclose(found.coefficients, expected[:-1], **tolerance)
    np.testing.assert_allclose(found.intercept, expected[-1], **tolerance)
    assert found.residual_sum == pytest.approx(((design @ expected - y) ** 2).sum(), rel=1e-10)
    np.testing.assert_allclose(found.predict(x), design @ expected, rtol=1e-4)
    assert found.converged
    assert found.rank == 6
    assert found.condition == pytest.approx(np.linalg.cond(design), rel=1e-10)


@pytest.mark.parametrize("method", EXACT)
def test_a_quadratic_takes_one_iteration_and_stochastic_descent_many(method: Method) -> None:
    x, y = problem()
    assert fit(x, y, method=method).iterations == 1
    assert fit(x, y, method="sgd").iterations > 10


@pytest.mark.parametrize("method", EXACT)
def test_weights_and_penalty_are_scikit_learns(method: Method) -> None:
    x, y = problem(2)
    weights = np.random.default_rng(1).uniform(0, 2, len(x))
    plain = LinearRegression().fit(x, y, sample_weight=weights)
    found = fit(x, y, method=method, weights=weights)
    np.testing.assert_allclose(found.coefficients.T, plain.coef_, rtol=1e-9)
    np.testing.assert_allclose(found.intercept, plain.intercept_, rtol=1e-9)
    expected = float((weights[:, None] * (plain.predict(x) - y) ** 2).sum())
    assert found.residual_sum == pytest.approx(expected, rel=1e-10)

    data = load_diabetes()
    ridge = Ridge(alpha=0.3, solver="svd").fit(data.data, data.target)
    found = fit(data.data, data.target, method=method, ridge=0.3)
    np.testing.assert_allclose(found.coefficients, ridge.coef_, rtol=1e-8)
    assert float(found.intercept) == pytest.approx(ridge.intercept_, rel=1e-10)


def test_without_an_intercept_the_line_goes_through_the_origin() -> None:
    x, y = problem()
    found = fit(x, y, intercept=False)
    np.testing.assert_allclose(found.coefficients, reference(x, y), rtol=1e-10)
    assert float(found.intercept) == 0
    assert float(found.predict(np.zeros((1, 5)))) == 0


@pytest.mark.parametrize("method", METHODS)
def test_without_full_rank_only_svd_and_descent_answer_with_the_shortest_weights(method: Method) -> None:
    x, y = problem()
    x[:, 1] = 2 * x[:, 0]
    if method in ("svd", "sgd"):
        found = fit(x, y, method=method, intercept=False)
        np.testing.assert_allclose(found.coefficients, reference(x, y), rtol=1e-4)
        assert found.rank == 4
        assert found.condition == float("inf")
    else:
        with pytest.raises(InputError, match=f"full rank for `{method}`, got `rank 5 of 6 columns`.*Use `svd`"):
            fit(x, y, method=method)
        assert fit(x, y, method=method, ridge=1e-3).rank == 6


def test_fewer_examples_than_features_have_the_shortest_exact_fit() -> None:
    x, y = problem(examples=4, features=9)
    found = fit(x, y, method="svd", intercept=False)
    np.testing.assert_allclose(found.coefficients, reference(x, y), rtol=1e-9)
    assert found.residual_sum < 1e-20


def test_batches_come_near_and_end_at_their_limit() -> None:
    x, y = problem()
    best = fit(x, y).residual_sum
    few, many = (fit(x, y, method="sgd", batch_size=10, max_iter=epochs) for epochs in (20, 300))
    assert best < many.residual_sum < few.residual_sum
    assert many.residual_sum < 1.25 * best
    assert not many.converged
    assert many.iterations == 300
    again = fit(x, y, method="sgd", batch_size=10, max_iter=20)
    assert torch.equal(again.coefficients, few.coefficients)
    other = fit(x, y, method="sgd", batch_size=10, max_iter=20, seed=1)
    assert not torch.equal(other.coefficients, few.coefficients)


def test_single_precision_stays_single() -> None:
    x, y = (torch.tensor(each, dtype=torch.float32) for each in problem())
    found = fit(x, y)
    assert found.coefficients.dtype == torch.float32
    np.testing.assert_allclose(found.predict(x), fit(*problem()).predict(problem()[0]), rtol=1e-4)


def test_lists_are_in_double_precision_as_numpy_has_them() -> None:
    assert fit([[1.0], [2.0]], [2.0, 4.0]).coefficients.dtype == torch.float64


@pytest.mark.parametrize("method", ["svd", "sgd"])
def test_features_that_are_all_zero_weigh_nothing(method: Method) -> None:
    found = fit([[0.0], [0.0]], [1.0, 2.0], method=method, intercept=False)
    assert (found.coefficients.item(), found.rank, found.converged) == (0.0, 0, True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"x": np.ones((3, 1)) * 1j}, "`x` must be real"),
        ({"batch_size": -1}, "`batch_size` and `max_iter` must be at least 1"),
        ({"max_iter": 0}, "`batch_size` and `max_iter` must be at least 1"),
        ({"method": "qt"}, r"unknown method, got `qt`. Known: gauss_newton, newton, qr"),
        ({"x": np.ones(60)}, r"`x` must be \(N, F\)"),
        ({"y": np.ones(59)}, r"`y` must be \(N,\) or \(N, K\) for the 60 examples of `x`, got \(59,\)"),
        ({"y": np.full(60, np.nan)}, "`y` must be finite"),
        ({"weights": -np.ones(60)}, "`weights` must be one number of at least 0"),
        ({"ridge": -1.0}, "`ridge` must be at least 0, got -1.0"),
    ],
)
def test_what_cannot_be_fitted_is_told(change: dict[str, Any], says: str) -> None:
    x, y = problem()
    with pytest.raises(InputError, match=says):
        fit(**({"x": x, "y": y} | change))
