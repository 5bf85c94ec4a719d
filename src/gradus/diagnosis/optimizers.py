"""What optimizers are set to, and whether their epsilon or decay drowns the gradient."""

import math
import statistics
from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from gradus.diagnosis.measure import figures, sample
from gradus.diagnosis.signs import OptimizerFacts

_DECOUPLED = ("AdamW", "SparseAdam", "Lion", "Muon")
_LOOKED_AT = 8


def parameters_of(optimizer: Optimizer) -> list[Tensor]:
    """All that an optimizer holds, in its order."""
    return [each for group in optimizer.param_groups for each in group["params"]]


def facts_of(optimizer: Optimizer) -> OptimizerFacts:
    """The settings of the first group that holds anything, and what a few of its parameters' states say of them."""
    name = type(optimizer).__name__
    group: dict[str, Any] = next((each for each in optimizer.param_groups if each["params"]), optimizer.param_groups[0])
    epsilon = group.get("eps", 0.0)
    epsilon = float(epsilon) if isinstance(epsilon, int | float) else 0.0
    decay = float(group.get("weight_decay", 0.0))
    # torch's flag, and that of pytorch_optimizer
    decoupled = name in _DECOUPLED or group.get("decoupled_weight_decay") or group.get("weight_decouple")
    coupled = not decoupled
    parameters = [each for each in group["params"] if each.dim() > 1 and each.grad is not None][:_LOOKED_AT]
    drowned, shortened = _drowned(optimizer, parameters, epsilon)
    return OptimizerFacts(
        name=name,
        rate=rate_of(optimizer),
        given=float(group.get("initial_lr", math.nan)),
        decay=decay,
        coupled=coupled,
        epsilon=epsilon,
        drowned=drowned,
        shortened=shortened,
        decay_over_gradient=_decay_share(parameters, decay) if decay and coupled else 0.0,
        maximizes=bool(group.get("maximize")),
        searches=bool(group.get("line_search_fn")) or hasattr(optimizer, "wants"),
    )


def rate_of(optimizer: Optimizer) -> float:
    """The first group's learning rate; NaN of an optimizer that calls it something else."""
    return float(optimizer.param_groups[0].get("lr", math.nan))


def _drowned(optimizer: Optimizer, parameters: list[Tensor], epsilon: float) -> tuple[float, float]:
    """Share of second moments whose root, corrected for its start at zero, lies below epsilon; and by how many times
    epsilon shortens a step, of the middle one of each tensor, all taken together by their logarithms.
    """
    if epsilon < 1e-7:
        return 0.0, 1.0
    shares, times = [], []
    for each in parameters:
        moment, step = _second_moment(optimizer.state.get(each, {}), each)
        if moment is not None:
            beta = optimizer.param_groups[0].get("betas", (0.9, 0.999))[1]
            correction = 1.0 if step is None else 1 - float(beta) ** step
            root = (sample(moment) / max(correction, 1e-12)).sqrt()
            shares.append((root < epsilon).float().mean())
            times.append((1 + epsilon / root.median().clamp_min(1e-12)).log())
    if not shares:
        return 0.0, 1.0
    return statistics.fmean(figures(shares)), math.exp(statistics.fmean(figures(times)))


def _second_moment(state: Mapping[str, Any], parameter: Tensor) -> tuple[Tensor | None, float | None]:
    """The mean of a gradient's squares, and the steps that it was taken over where it is corrected for its start at
    zero. One's own optimizer may call both what it likes: squares are of the parameter's shape, and never negative.
    """
    averaged = state.get("exp_avg_sq")
    moment = averaged if averaged is not None else state.get("square_avg", state.get("sum"))
    if isinstance(moment, Tensor):  # RMSprop and Adagrad do not correct
        step = state.get("step") if averaged is not None else None
        return moment, None if step is None else float(step)
    alike = [each for each in state.values() if isinstance(each, Tensor) and each.shape == parameter.shape]
    squares = [each for each in alike if each.is_floating_point() and bool((sample(each) >= 0).all())]
    counts = [float(each) for each in state.values() if isinstance(each, int | float) and not isinstance(each, bool)]
    return next(iter(squares), None), max(counts, default=None)


def _decay_share(parameters: list[Tensor], decay: float) -> float:
    """The decay term over the gradient, root mean squares of a sample; the largest of a few matrices."""
    ratios = []
    for each in parameters:
        assert each.grad is not None
        weight, gradient = figures([sample(each).square().mean(), sample(each.grad).square().mean()])
        if gradient > 0 and math.isfinite(gradient):
            ratios.append(decay * math.sqrt(weight / gradient))
    return max(ratios, default=0.0)
