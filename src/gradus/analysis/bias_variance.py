"""Bias, variance and noise of anything that is fitted: how far off it is on average, how much its sample matters.

Sources: Geman, Bienenstock, Doursat (1992), Neural networks and the bias/variance dilemma, Neural Computation 4; for
    zero-one loss Domingos (2000), A unified bias-variance decomposition, ICML; intervals: Owen (2007), The pigeonhole
    bootstrap, Annals of Applied Statistics 1.
"""

# B trained models, M test points, T targets of a point, C classes, R repetitions of the bootstrap

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gradus.analysis.resampling import Array, Known, Resampled, Source, predictions
from gradus.core.errors import InputError, nearest

__all__ = ["Decomposition", "Estimate", "Known", "Resampled", "Source", "Sweep", "decompose", "sweep"]
Floats = NDArray[np.float64]
Loss = Literal["squared", "zero_one"]
REPETITIONS = 500
"""Of the bootstrap that intervals are read off."""


@dataclass(frozen=True)
class Estimate:
    """A figure and its confidence interval."""

    value: float
    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True, kw_only=True)
class Decomposition:
    """Means over the test points.

    Attributes:
        error: the mean loss on targets as they come, with their noise.
        bias: of squared loss its square, of the models' mean prediction from the truth; of zero-one loss the share of
            points where most models are wrong. Where `noise` is None, from the targets: the noise is in it.
        variance: of predictions about their mean; of zero-one loss how often a model is not with most.
        noise: variance of targets about the truth; None where neither that nor repeated targets are known.
        net_variance: what variance adds to the error. Of zero-one loss less than `variance`, and perhaps below 0: a
            model that is not with most may be right where they are wrong.
        gap: error - (bias + net_variance + noise). Where the source is `Known` the error is measured on targets of its
            own, and the gap's interval should hold 0; otherwise the gap is 0 by construction.
        models, points: how many models were trained, and on how many points they were judged.
        confidence: of the intervals, which are over other trainings and other test points; they are wide, more so where
            the test points are no sample of others.
    """

    loss: Loss
    error: Estimate
    bias: Estimate
    variance: Estimate
    noise: Estimate | None
    net_variance: Estimate
    gap: Estimate
    models: int
    points: int
    confidence: float

    def __str__(self) -> str:
        rows: list[tuple[str, object]] = [("error", self.error), (_BIAS[self.loss], self.bias)]
        rows.append(("variance", self.variance))
        if self.loss == "zero_one":
            rows.append(("net variance", self.net_variance))
        rows.append(("noise", self.noise or f"unknown, within {_BIAS[self.loss]}"))
        return "\n".join(f"{name:<14}{value}" for name, value in rows)


_BIAS: dict[Loss, str] = {"squared": "bias^2", "zero_one": "bias"}


def decompose(
    make_model: Callable[[], Any],
    source: Source,
    x_test: Array,
    y_test: Array | None = None,
    *,
    loss: Loss = "squared",
    fit: Callable[[Any, Array, Array], object] | None = None,
    models: int = 100,
    seed: int = 0,
    confidence: float = 0.95,
    corrected: bool = True,
) -> Decomposition:
    """Train many models, each on a training set of its own, and take apart their error on the test points.

        E (y - f_D(x))^2 = (E f_D(x) - f(x))^2 + E (f_D(x) - E f_D(x))^2 + E (y - f(x))^2

    Args:
        make_model: an untrained model: anything with ``fit(x, y)`` and ``predict(x)``, such as scikit-learn's; or a
            torch Module, with `fit` given, which answers with values, or with logits (N, C) for zero-one loss.
        source: of training sets: `Resampled`, `Known`, or your own.
        x_test: (M, ...)
        y_test: targets (M,), or for squared loss (M, T), T of them for each point, from which the noise is told. Left
            out where the source is `Known`.
        loss: ``squared`` for values, ``zero_one`` for classes.
        fit: trains what `make_model` made, in place of its own ``fit``.
        models: B, how many are trained.
        seed: of everything random. torch's generator is seeded before each model is made, and a `random_state` of None
            is set.
        corrected: B models' mean still has a B-th of their variance in it, which is not bias; take it out. Without
            that the figures of squared loss are those of mlxtend.
    Raises:
        InputError: for targets that are missing or do not fit, fewer than two models, or predictions that are not
            finite.
    Example:
        >>> from sklearn.linear_model import LinearRegression
        >>> x = np.linspace(-1, 1, 20)[:, None]
        >>> found = decompose(LinearRegression, Known(lambda x: x[:, 0] ** 2, 0.1, x), x)
        >>> found.bias.value > 10 * found.variance.value  # a line does not bend
        True
    """
    if models < 2:
        raise InputError("decompose", "`models` must be at least 2", models)
    if loss not in _BIAS:
        raise InputError("decompose", "unknown `loss`", loss, nearest(loss, _BIAS))
    if not 0 < confidence < 1:
        raise InputError("decompose", "`confidence` must be between 0 and 1", confidence)
    if not len(x_test):
        raise InputError("decompose", "needs a test point")
    target = _target(source, x_test, y_test, loss)
    predictions_BM = predictions(
        make_model, source, x_test, fit=fit, classes=loss == "zero_one", models=models, seed=seed
    )
    if loss == "squared" and not np.isfinite(predictions_BM).all():
        raise InputError("decompose", "the models' predictions must be finite")
    judged = _judge(predictions_BM, source, x_test, target, loss, seed)

    rng = np.random.default_rng([seed, 2])
    other_trainings_RB = rng.multinomial(models, np.full(models, 1 / models), REPETITIONS) / models
    other_points_RM = rng.multinomial(len(x_test), np.full(len(x_test), 1 / len(x_test)), REPETITIONS) / len(x_test)
    found = judged.figures(np.full((1, models), 1 / models), np.full((1, len(x_test)), 1 / len(x_test)), corrected)
    spread = judged.figures(other_trainings_RB, other_points_RM, corrected)
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    estimates = {name: Estimate(float(found[name][0]), *map(float, np.quantile(spread[name], ends))) for name in found}
    noise = estimates.pop("noise")
    return Decomposition(
        loss=loss,
        noise=noise if judged.noise_known else None,
        models=models,
        points=len(x_test),
        confidence=confidence,
        **estimates,
    )


@dataclass(frozen=True)
class _Judged:
    """Predictions beside what they are judged by.

    Attributes:
        errors_BM: each model's mean loss on the targets of each point.
        truth_M: or the mean of the targets that stands for it, `off_M` away from it in mean square.
    """

    loss: Loss
    predictions_BM: Array
    errors_BM: Floats
    truth_M: Array
    noise_M: Floats
    off_M: Floats
    noise_known: bool

    def figures(self, weights_RB: Floats, weights_RM: Floats, corrected: bool) -> dict[str, Floats]:
        """Every figure (R,), each row of weights saying how much each model, and each point, counts."""
        parts = _squared if self.loss == "squared" else _zero_one
        bias_RM, variance_RM = parts(self.predictions_BM, self.truth_M, weights_RB, corrected)
        bias_RM = bias_RM - self.off_M
        error_RM = weights_RB @ self.errors_BM
        net_RM = variance_RM if self.loss == "squared" else error_RM - bias_RM
        per_point = {
            "error": error_RM,
            "bias": bias_RM,
            "variance": variance_RM,
            "net_variance": net_RM,
            "noise": self.noise_M,
            "gap": error_RM - bias_RM - net_RM - self.noise_M,
        }
        return {name: (each * weights_RM).sum(axis=1) for name, each in per_point.items()}


def _squared(predictions_BM: Array, truth_M: Array, weights_RB: Floats, corrected: bool) -> tuple[Floats, Floats]:
    """Squared bias and variance, (R, M)."""
    middle_M = predictions_BM.mean(axis=0)
    apart_BM = predictions_BM - middle_M  # or squares of large numbers would be subtracted from each other
    mean_RM = weights_RB @ apart_BM
    bias_RM = (mean_RM + middle_M - truth_M) ** 2
    variance_RM = np.maximum(weights_RB @ apart_BM**2 - mean_RM**2, 0.0)
    if corrected:
        # The share of pairs that are a model with itself: 1 / B, or more where some models count twice.
        same_R1 = (weights_RB**2).sum(axis=1, keepdims=True)
        variance_RM = variance_RM / np.maximum(1 - same_R1, np.finfo(np.float64).tiny)
        bias_RM = bias_RM - same_R1 * variance_RM
    return bias_RM, variance_RM


def _zero_one(predictions_BM: Array, truth_M: Array, weights_RB: Floats, corrected: bool) -> tuple[Floats, Floats]:
    """Whether most models are wrong, and how many are not with them, (R, M); of level votes the first class wins."""
    classes = np.unique(predictions_BM)
    votes_CRM = np.stack([weights_RB @ (predictions_BM == each) for each in classes])
    bias_RM = (classes[votes_CRM.argmax(axis=0)] != truth_M).astype(np.float64)
    return bias_RM, 1 - votes_CRM.max(axis=0)


def _target(source: Source, x_test: Array, y_test: Array | None, loss: Loss) -> Array | None:
    """Targets (M, T); None where the source knows the truth."""
    if isinstance(source, Known):
        if loss == "zero_one":
            raise InputError("decompose", "zero-one loss needs classes", "a `Known` function of values")
        if y_test is not None:
            raise InputError("decompose", "takes no `y_test` where the source is `Known`, which makes its own")
        return None
    if y_test is None:
        raise InputError("decompose", "needs `y_test`, since the source does not know the truth")
    target = np.asarray(y_test)
    target = target[:, None] if target.ndim == 1 else target
    if target.ndim != 2 or len(target) != len(x_test) or (loss == "zero_one" and target.shape[1] != 1):
        wanted = "(M,)" if loss == "zero_one" else "(M,) or (M, T)"
        raise InputError("decompose", f"`y_test` must be {wanted} for the {len(x_test)} points", np.shape(y_test))
    if loss == "squared" and not np.isfinite(target).all():
        raise InputError("decompose", "`y_test` must be finite")
    return target


def _judge(
    predictions_BM: Array, source: Source, x_test: Array, target_MT: Array | None, loss: Loss, seed: int
) -> _Judged:
    nothing = np.zeros(len(x_test))
    if isinstance(source, Known):
        truth = np.asarray(source.function(x_test), np.float64)
        rng = np.random.default_rng([seed, 1])
        fresh_BM = truth + source.noise * rng.standard_normal(predictions_BM.shape)
        errors_BM = (predictions_BM - fresh_BM) ** 2
        return _Judged(loss, predictions_BM, errors_BM, truth, nothing + source.noise**2, nothing, noise_known=True)
    assert target_MT is not None
    if loss == "zero_one":
        truth = target_MT[:, 0]
        wrong_BM = (predictions_BM != truth).astype(np.float64)
        return _Judged(loss, predictions_BM, wrong_BM, truth, nothing, nothing, noise_known=False)
    truth, repeats = target_MT.mean(axis=1), target_MT.shape[1]
    noise = target_MT.var(axis=1, ddof=1) if repeats > 1 else nothing
    off = noise / repeats
    # The mean over the targets t of (p - y_t)^2 is (p - mean)^2 + their variance.
    errors_BM = (predictions_BM - truth) ** 2 + noise - off
    return _Judged(loss, predictions_BM, errors_BM, truth, noise, off, noise_known=repeats > 1)


@dataclass(frozen=True)
class Sweep:
    """One setting's values, in order of complexity, and what each comes to."""

    settings: tuple[Any, ...]
    found: tuple[Decomposition, ...]

    @property
    def best(self) -> Any:
        """The setting of the least error."""
        # The noise is the same for all, and not in these two, so they tell settings apart better than the error does.
        added = [each.bias.value + each.net_variance.value for each in self.found]
        return self.settings[int(np.argmin(added))]

    @property
    def crossings(self) -> tuple[tuple[Any, Any], ...]:
        """Neighbouring settings between which bias and variance change places: where they are equal.

        The best setting need not be there: it is where both change at the same rate, in opposite directions.
        """
        ahead = [each.bias.value > each.net_variance.value for each in self.found]
        pairs = zip(self.settings, self.settings[1:], ahead, ahead[1:], strict=False)
        return tuple((one, other) for one, other, before, after in pairs if before != after)

    def __str__(self) -> str:
        loss = self.found[0].loss
        head = ("setting", "error", _BIAS[loss], "variance" if loss == "squared" else "net variance")
        rows = [
            (str(setting), *(str(each) for each in (one.error, one.bias, one.net_variance)))
            for setting, one in zip(self.settings, self.found, strict=True)
        ]
        widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
        cross = ", ".join(f"{one} and {other}" for one, other in self.crossings) or "nowhere"
        return "\n".join([*(line.rstrip() for line in lines), f"best: {self.best}; they cross between: {cross}"])


def sweep(
    make_model: Callable[[Any], Any],
    settings: Sequence[Any],
    source: Source,
    x_test: Array,
    y_test: Array | None = None,
    **options: Any,
) -> Sweep:
    """`decompose` at each setting, on the same training sets.

    Args:
        make_model: an untrained model of a setting.
        settings: from the simplest model to the most complex.
        options: of `decompose`.
    """
    if not settings:
        raise InputError("sweep", "needs a setting")
    found = [decompose(partial(make_model, each), source, x_test, y_test, **options) for each in settings]
    return Sweep(tuple(settings), tuple(found))
