"""Bias, variance and noise against closed forms, mlxtend and the identities they obey."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from mlxtend.evaluate import bias_variance_decomp
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes, load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from torch import nn

from gradus.analysis.bias_variance import Known, Resampled, decompose, sweep
from gradus.core.errors import InputError

Array = NDArray[Any]


def wave(x: Array) -> Array:
    found: Array = np.sin(2 * np.pi * x[:, 0])
    return found


def line(count: int) -> Array:
    return np.linspace(0, 1, count)[:, None]


def polynomial(degree: int) -> Any:
    return make_pipeline(PolynomialFeatures(degree), LinearRegression())


class Mean:
    """The least model there can be, where thousands must be trained."""

    def fit(self, x: Array, y: Array) -> None:
        self.mean = y.mean()

    def predict(self, x: Array) -> Array:
        return np.full(len(x), self.mean)


class Slope:
    """A line through 0."""

    def fit(self, x: Array, y: Array) -> None:
        self.slope = float(x[:, 0] @ y / (x[:, 0] @ x[:, 0]))

    def predict(self, x: Array) -> Array:
        found: Array = x[:, 0] * self.slope
        return found


class Drawn:
    """The training sets that mlxtend draws."""

    def __init__(self, x: Array, y: Array, seed: int) -> None:
        self.x, self.y, self.rng = x, y, np.random.RandomState(seed)

    def draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
        index = self.rng.choice(len(self.x), size=len(self.x), replace=True)
        return self.x[index], self.y[index]


def test_linear_regression_has_the_variance_of_its_hat_matrix() -> None:
    """sigma^2 h(x) at x, where h(x) = x^T (X^T X)^-1 x, and no bias where the truth is linear."""
    rng = np.random.default_rng(0)
    x, x_test = rng.normal(size=(25, 3)), rng.normal(size=(40, 3))
    source = Known(lambda x: x @ [1.0, -2.0, 0.5], 0.7, x)
    found = decompose(partial(LinearRegression, fit_intercept=False), source, x_test, models=400)
    leverage = np.einsum("mi,ij,mj->m", x_test, np.linalg.inv(x.T @ x), x_test)
    assert found.variance.value == pytest.approx(0.49 * leverage.mean(), rel=0.1)
    assert 0.49 * leverage.mean() in found.variance
    assert abs(found.bias.value) < 0.01 * found.variance.value * 3
    assert found.noise is not None
    assert found.noise.value == pytest.approx(0.49, rel=1e-12)


def test_ridge_has_the_bias_and_variance_of_its_shrinkage() -> None:
    """With S = X (X^T X + a I)^-1: E f(x) = x^T S^T X w, variance sigma^2 |S x|^2 (Hastie et al., section 3.4)."""
    rng = np.random.default_rng(1)
    x, x_test, w = rng.normal(size=(15, 4)), rng.normal(size=(30, 4)), np.array([2.0, -1.0, 0.5, 1.0])
    shrunk = x @ np.linalg.inv(x.T @ x + 20 * np.eye(4)) @ x_test.T
    bias = np.mean((shrunk.T @ (x @ w) - x_test @ w) ** 2)
    variance = 0.25 * np.mean((shrunk**2).sum(axis=0))
    make = partial(Ridge, alpha=20, fit_intercept=False)
    found = decompose(make, Known(lambda x: x @ w, 0.5, x), x_test, models=400)
    assert found.bias.value == pytest.approx(bias, rel=0.05)
    assert found.variance.value == pytest.approx(variance, rel=0.1)


@pytest.mark.parametrize("degree", [1, 3, 9])
def test_the_parts_make_up_the_error_within_its_interval(degree: int) -> None:
    """The error is measured on noisy targets of its own."""
    source = Known(wave, 0.3, line(20))
    found = decompose(partial(polynomial, degree), source, line(50), models=200)
    assert 0 in found.gap
    assert found.gap.high - found.gap.low < 0.1 * found.error.value
    assert found.noise is not None
    parts = found.bias.value + found.variance.value + found.noise.value
    assert parts in found.error
    assert parts == pytest.approx(found.error.value, rel=0.05)


def test_a_constant_has_the_bias_it_was_given_and_no_variance() -> None:
    found = decompose(partial(DummyRegressor, strategy="constant", constant=2.0), Known(wave, 0.1, line(9)), line(50))
    assert found.bias.value == pytest.approx(np.mean((2 - wave(line(50))) ** 2), rel=1e-12)
    assert found.variance.value == 0


def test_a_mean_of_n_numbers_has_an_nth_of_their_variance() -> None:
    found = decompose(Mean, Known(lambda x: 0 * x[:, 0], 2.0, line(16)), line(5), models=1000)
    assert found.variance.value == pytest.approx(4 / 16, rel=0.1)


def test_correction_takes_the_variance_out_of_the_bias() -> None:
    """Of five models' mean, a fifth of the variance is left, which would pass for bias."""
    source = Known(lambda x: 0 * x[:, 0], 1.0, line(10))
    corrected, plain = (
        np.mean([decompose(Mean, source, line(3), models=5, seed=seed, corrected=each).bias.value
                 for seed in range(100)])
        for each in (True, False)
    )  # fmt: skip
    assert abs(corrected) < 0.008
    assert plain == pytest.approx(0.1 / 5, abs=0.008)


@pytest.mark.parametrize("make", [LinearRegression, partial(DecisionTreeRegressor, random_state=0)])
def test_squared_loss_is_mlxtends(make: Any) -> None:
    x, y = load_diabetes(return_X_y=True)
    expected = bias_variance_decomp(
        make(), x[:300], y[:300], x[300:], y[300:], loss="mse", num_rounds=20, random_seed=3
    )
    source = Drawn(x[:300], y[:300], seed=3)
    found = decompose(make, source, x[300:], y[300:], models=20, corrected=False)
    assert (found.error.value, found.bias.value, found.variance.value) == pytest.approx(expected, rel=1e-12)
    assert found.noise is None


@pytest.mark.parametrize("depth", [1, 2, None])
def test_zero_one_loss_is_mlxtends(depth: int | None) -> None:
    x, y = load_iris(return_X_y=True)
    make = partial(DecisionTreeClassifier, max_depth=depth, random_state=0)
    train, test = np.arange(0, 150, 2), np.arange(1, 150, 2)
    expected = bias_variance_decomp(
        make(), x[train], y[train], x[test], y[test], loss="0-1_loss", num_rounds=25, random_seed=7
    )
    source = Drawn(x[train], y[train], seed=7)
    found = decompose(make, source, x[test], y[test], loss="zero_one", models=25)
    assert (found.error.value, found.bias.value, found.variance.value) == pytest.approx(expected, rel=1e-12)


def test_our_own_resampling_agrees_with_mlxtends_within_the_interval() -> None:
    x, y = load_diabetes(return_X_y=True)
    expected = bias_variance_decomp(
        LinearRegression(), x[:300], y[:300], x[300:], y[300:], loss="mse", num_rounds=200, random_seed=3
    )
    found = decompose(LinearRegression, Resampled(x[:300], y[:300]), x[300:], y[300:], models=200)
    for figure, value in zip((found.error, found.bias, found.variance), expected, strict=True):
        assert value in figure


def test_zero_one_variance_helps_where_most_are_wrong() -> None:
    """Domingos (2000), worked by hand for two classes: error = bias + V where most are right - V where they are not."""
    x, y = line(40), np.array([0] * 25 + [1] * 15)
    make = partial(DummyClassifier, strategy="stratified")
    found = decompose(make, Resampled(x, y), x, y, loss="zero_one", models=400)
    p = 15 / 40  # how often a model says 1, as often as it was drawn
    assert found.bias.value == pytest.approx(15 / 40)
    assert found.variance.value == pytest.approx(p, abs=0.02)
    assert found.net_variance.value == pytest.approx(25 / 40 * p - 15 / 40 * p, abs=0.02)
    assert found.error.value == pytest.approx(found.bias.value + found.net_variance.value, rel=1e-12)


def test_noise_is_told_from_repeated_targets() -> None:
    rng = np.random.default_rng(0)
    x, x_test = line(30), line(200)
    y_test = wave(x_test)[:, None] + 0.5 * rng.normal(size=(200, 3))
    source = Known(wave, 0.5, x)

    class Blind:
        """The same training sets from a source that does not know the truth."""

        def draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
            return source.draw(rng)

    known = decompose(partial(polynomial, 1), source, x_test)
    told = decompose(partial(polynomial, 1), Blind(), x_test, y_test)
    blind = decompose(partial(polynomial, 1), Blind(), x_test, y_test[:, 0])
    assert told.noise is not None
    assert told.noise.value == pytest.approx(0.25, rel=0.15)
    assert 0.25 in told.noise
    assert known.bias.value in told.bias
    assert told.variance.value == pytest.approx(known.variance.value, rel=1e-12)
    assert told.gap.value == pytest.approx(0, abs=1e-12)
    assert blind.noise is None
    assert known.bias.value + 0.25 in blind.bias


def test_intervals_hold_the_truth_at_least_as_often_as_they_say() -> None:
    """And are no wider than they need be: the spread of the figures themselves is of their order."""
    x = line(12)
    source = Known(lambda x: 0 * x[:, 0], 1.0, x)
    expected = float(np.mean(np.diag(x @ np.linalg.inv(x.T @ x) @ x.T)))
    found = [decompose(Slope, source, x, models=30, seed=seed, confidence=0.9) for seed in range(50)]
    assert np.mean([expected in each.variance for each in found]) > 0.85
    assert np.mean([0 in each.gap for each in found]) > 0.85
    spread = np.std([each.variance.value for each in found])
    widths = np.mean([each.variance.high - each.variance.low for each in found])
    assert 2.5 < widths / spread < 6  # 3.3 of a normal distribution


def test_the_best_complexity_need_not_be_where_bias_and_variance_cross() -> None:
    """The mean of k neighbours on a grid of spacing h, of a parabola: bias h^2 (k^2 - 1) / 12, variance sigma^2 / k.

    They are equal at one k, and their sum is least at about that k times (1/4)^(1/5).
    """
    grid, neighbours, crossing = line(200), [45, 39, 35, 31, 25, 19, 15, 9], 33
    bias = (np.square(neighbours) - 1) / 199**2 / 12
    noise = np.sqrt(crossing) * (crossing**2 - 1) / 199**2 / 12
    found = sweep(KNeighborsRegressor, neighbours, Known(lambda x: x[:, 0] ** 2, noise, grid), grid[50:150], models=80)
    np.testing.assert_allclose([each.bias.value for each in found.found], bias**2, rtol=0.2, atol=1e-7)
    np.testing.assert_allclose([each.variance.value for each in found.found], noise**2 / np.array(neighbours), rtol=0.2)
    assert found.crossings == ((35, 31),)
    assert found.best == 25
    assert "best: 25; they cross between: 35 and 31" in str(found)


def fit_network(model: nn.Module, x: Array, y: Array, loss: Any = nn.functional.mse_loss, steps: int = 60) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    inputs = torch.as_tensor(x, dtype=torch.float32)
    target = torch.as_tensor(y)
    target = target.float()[:, None] if target.is_floating_point() else target
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model(inputs), target).backward()
        optimizer.step()


def test_a_network_has_variance_of_its_first_weights_alone() -> None:
    class Same:
        def draw(self, rng: np.random.Generator) -> tuple[Array, Array]:
            return line(20), wave(line(20))

    def make() -> nn.Module:
        return nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))

    before = torch.get_rng_state()
    found = decompose(make, Same(), line(10), wave(line(10)), fit=fit_network, models=6)
    again = decompose(make, Same(), line(10), wave(line(10)), fit=fit_network, models=6)
    assert found == again
    assert found.variance.value > 1e-4
    assert torch.equal(torch.get_rng_state(), before)
    straight = decompose(partial(nn.Linear, 1, 1), Same(), line(10), wave(line(10)), models=4,
                         fit=partial(fit_network, steps=400))  # fmt: skip
    assert straight.variance.value < 1e-3  # its loss has one minimum


def test_a_network_of_classes_answers_with_logits() -> None:
    x, y = load_iris(return_X_y=True)
    fit = partial(fit_network, loss=nn.functional.cross_entropy)
    make = partial(nn.Linear, 4, 3)
    found = decompose(make, Resampled(x, y), x, y, loss="zero_one", fit=fit, models=8)
    assert found.error.value < 0.15


def test_what_cannot_be_taken_apart_is_refused() -> None:
    x, y = line(20), wave(line(20))
    with pytest.raises(InputError, match=r"decompose: needs `y_test`"):
        decompose(LinearRegression, Resampled(x, y), x)
    with pytest.raises(InputError, match=r"takes no `y_test` where the source is `Known`"):
        decompose(LinearRegression, Known(wave, 0.1, x), x, y)
    with pytest.raises(InputError, match=r"`y_test` must be \(M,\) or \(M, T\) for the 20 points, got \(7,\)"):
        decompose(LinearRegression, Resampled(x, y), x, y[:7])
    with pytest.raises(InputError, match=r"`models` must be at least 2, got 1"):
        decompose(LinearRegression, Known(wave, 0.1, x), x, models=1)
    with pytest.raises(InputError, match=r"needs `fit`, which trains the model, got `Linear`"):
        decompose(partial(nn.Linear, 1, 1), Known(wave, 0.1, x), x)
    with pytest.raises(InputError, match=r"zero-one loss needs classes"):
        decompose(LinearRegression, Known(wave, 0.1, x), x, loss="zero_one")
    with pytest.raises(InputError, match=r"sweep: needs a setting"):
        sweep(polynomial, [], Known(wave, 0.1, x), x)


class Diverged(LinearRegression):  # type: ignore[misc]
    def predict(self, x: Array) -> Array:
        return np.full(len(x), np.nan)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"loss": "zero-one"}, "unknown `loss`, got `zero-one`. Did you mean `zero_one`"),
        ({"confidence": 1.0}, "`confidence` must be between 0 and 1"),
        ({"x_test": line(0)}, "needs a test point"),
        ({"make_model": Diverged}, "predictions must be finite"),
    ],
)
def test_bad_settings_are_refused(options: dict[str, Any], rule: str) -> None:
    x = line(20)
    known = {"make_model": LinearRegression, "source": Known(wave, 0.1, x), "x_test": x, "models": 2}
    with pytest.raises(InputError, match=rule):
        decompose(**(known | options))


def test_bad_samples_are_refused() -> None:
    x, y = line(20), wave(line(20))
    with pytest.raises(InputError, match="`y_test` must be finite"):
        decompose(LinearRegression, Resampled(x, y), x, np.where(x[:, 0] > 0, np.nan, y), models=2)
    with pytest.raises(InputError, match="as many targets as examples"):
        Resampled(x, y[:7])
    with pytest.raises(InputError, match="not below 0"):
        Known(wave, -0.1, x)
