"""Criteria for values: those torch.nn.functional lacks, and cards for all.

Weights and reductions are those of torch's ``mse_loss``: a weight counts an element so often, and "mean" is the
weighted mean. (torch's own ``huber_loss`` divides by the number of elements instead.)
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.losses import criteria
from gradus.losses.reduction import Reduction, check_shapes, reduce

# N examples, K values each

Criterion = Callable[[Tensor, Tensor], Tensor]
Threshold = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def rmse_loss(output: Tensor, target: Tensor, *, weight: Tensor | None = None, reduction: Reduction = "mean") -> Tensor:
    """The root mean squared error of each output; scikit-learn's ``root_mean_squared_error``.

        r_k = sqrt(sum_n w_nk (y_nk - t_nk)^2 / sum_n w_nk)

    The gradient where an output is right everywhere is 0.

    Args:
        output, target: (N, ...) of the same shape.
        weight: of a shape that broadcasts to theirs; counts an element so often.
        reduction: of the roots, one for each output.
    """
    check_shapes(output, target, "rmse_loss")
    if output.dim() == 0:
        raise InputError("rmse_loss", "needs an axis of examples, the first", "a single number")
    error = output - target
    if weight is None:
        roots = torch.linalg.vector_norm(error, dim=0) / len(error) ** 0.5
    else:
        weight = weight.expand_as(error)
        roots = torch.linalg.vector_norm(weight.sqrt() * error, dim=0) / weight.sum(dim=0).sqrt()
    return reduce(roots, None, reduction, "rmse_loss")


def mbe_loss(output: Tensor, target: Tensor, *, weight: Tensor | None = None, reduction: Reduction = "mean") -> Tensor:
    """The mean bias error, the mean of y - t: above 0 where outputs are too high on average.

    Errors of opposite sign cancel, and it has no minimum: its gradient never vanishes. Something to look at, not to
    train by.
    """
    check_shapes(output, target, "mbe_loss")
    return reduce(output - target, weight, reduction, "mbe_loss")


def log_cosh_loss(
    output: Tensor, target: Tensor, *, weight: Tensor | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """log(cosh(y - t)): e^2 / 2 for small errors and abs(e) - log 2 for large ones; its derivative is tanh(e)."""
    check_shapes(output, target, "log_cosh_loss")
    error = output - target
    # Near 0 the difference below would leave only rounding errors; far from it, sinh overflows.
    near = torch.log1p(2 * torch.sinh(error.clamp(-1, 1) / 2) ** 2)
    far = error.abs() + functional.softplus(-2 * error.abs()) - math.log(2)
    return reduce(torch.where(error.abs() < 1, near, far), weight, reduction, "log_cosh_loss")


def quantile_loss(
    output: Tensor,
    target: Tensor,
    quantile: float | Sequence[float],
    *,
    weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """The pinball loss, least where `output` is that quantile of the target's distribution.

        max(q e, (q - 1) e),  e = t - y

    Args:
        output: values of the target's shape; of several quantiles, one more axis, the last, with a value for each.
        quantile: between 0 and 1.
    Source: Koenker, Bassett (1978), Regression quantiles, Econometrica 46.
    """
    level: float | Tensor
    if isinstance(quantile, Sequence):
        level = output.new_tensor(quantile)
        target = target.unsqueeze(-1).expand(*target.shape, len(quantile))
    else:
        level = quantile
    if not all(0 < each < 1 for each in (quantile if isinstance(quantile, Sequence) else [quantile])):
        raise InputError("quantile_loss", "a quantile lies between 0 and 1", quantile)
    check_shapes(output, target, "quantile_loss")
    error = target - output
    return reduce(torch.maximum(level * error, (level - 1) * error), weight, reduction, "quantile_loss")


@criteria.register(
    source="Legendre (1805); Gauss (1809)",
    formula="mean((y - t)^2)",
    aliases=("mean_squared_error",),
    tasks=("regression",),
)
def mse() -> Criterion:
    """The mean squared error between outputs and targets, both (N, K)."""
    return functional.mse_loss


@criteria.register(
    source="the root of Gauss's (1809) mean squared error",
    formula="mean over outputs of sqrt(mean over examples of (y - t)^2)",
    aliases=("root_mean_squared_error",),
    tasks=("regression",),
    notes="No mean over examples: that of batches is a little below the root of the whole set.",
)
def rmse() -> Criterion:
    """The root mean squared error, in the target's units; its gradient does not fade as the error does."""
    return rmse_loss


@criteria.register(
    source="Laplace (1774)",
    formula="mean(|y - t|)",
    aliases=("mean_absolute_error",),
    tasks=("regression",),
)
def mae() -> Criterion:
    """The mean absolute error between outputs and targets, both (N, K); less moved by outliers than the square."""
    return functional.l1_loss


@criteria.register(
    source="Willmott (1982), Some comments on the evaluation of model performance",
    formula="mean(y - t)",
    aliases=("mean_bias_error",),
    tasks=("regression",),
    notes="It has no minimum: training by it sends outputs to minus infinity. Made to be measured.",
)
def mbe() -> Criterion:
    """The mean bias error, with its sign: whether outputs are too high or too low on average."""
    return mbe_loss


@criteria.register(
    source="Huber (1964), Robust estimation of a location parameter",
    formula="e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2)",
    tasks=("regression",),
    notes="Divided by delta it tends to the mean absolute error as delta tends to 0; as delta grows, to half the mean "
    "squared error.",
)
def huber(*, delta: Threshold = 1.0) -> Criterion:
    """Half the squared error up to an error of `delta`, and a straight line beyond it: outliers pull no harder."""
    return partial(functional.huber_loss, delta=delta)


@criteria.register(
    source="Girshick (2015), Fast R-CNN, arXiv:1504.08083, equation 3",
    formula="e^2 / (2 beta) where |e| < beta, else |e| - beta / 2",
    tasks=("regression",),
    notes="Huber's loss divided by its delta, so that the slope of large errors is 1 for any beta.",
)
def smooth_l1(*, beta: Threshold = 1.0) -> Criterion:
    """The absolute error, rounded off below `beta`."""
    return partial(functional.smooth_l1_loss, beta=beta)


@criteria.register(
    source="Green (1990), Bayesian reconstructions from emission tomography data, IEEE TMI 9",
    formula="mean(log(cosh(y - t)))",
    aliases=("logcosh",),
    tasks=("regression",),
)
def log_cosh() -> Criterion:
    """Like Huber's loss, without a threshold to choose and smooth to any order."""
    return log_cosh_loss


@criteria.register(
    source="Koenker, Bassett (1978), Regression quantiles, Econometrica 46",
    formula="mean(max(q (t - y), (q - 1) (t - y)))",
    aliases=("pinball",),
    tasks=("regression",),
    notes="At 0.5 it is half the mean absolute error, and outputs become medians.",
)
def quantile(*, quantile: Annotated[float, Field(gt=0, lt=1)] = 0.5) -> Criterion:
    """The pinball loss: outputs become that quantile of the targets, which share `quantile` of them lies below."""
    return partial(quantile_loss, quantile=quantile)
