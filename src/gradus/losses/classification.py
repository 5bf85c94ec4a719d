"""Criteria for classes: those torch.nn.functional lacks, and cards for all.

They take raw logits (N, C), and as target the classes (N,) int64 or, of mixed examples, shares of classes (N, C). The
loss of a mixed example is the mean, by these shares, of its losses as one class and as another.

Weights and reductions are those of torch's ``cross_entropy``: `weight` (C,) multiplies the loss of an example by that
of its class, and "mean" divides by the sum of these, not by N. (For shares torch itself divides by N.)
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.losses import criteria
from gradus.losses.class_weights import ClassWeighted, ClassWeights, effective_weights, with_class_weights
from gradus.losses.reduction import Reduction, precise, reduce

# N examples, C classes

Criterion = Callable[[Tensor, Tensor], Tensor]
Focus = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Margin = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def focal_loss(
    output: Tensor, target: Tensor, *, gamma: float = 2.0, weight: Tensor | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """Cross-entropy in which an example counts the less the better it is known.

        -w_y (1 - p_y)^gamma log(p_y),  p = softmax(z)

    Args:
        gamma: 0 is cross-entropy.
        weight: (C,), the paper's alpha.
    Source: Lin, Goyal, Girshick, He, Dollar (2017), arXiv:1708.02002, equation 5, for C classes.
    """

    def focal(log_p: Tensor) -> Tensor:
        if gamma == 0:
            return -log_p
        # A root, gamma below 1, has no derivative at 0.
        doubt = (1 - log_p.exp()).clamp_min(torch.finfo(log_p.dtype).tiny)
        return -(doubt**gamma) * log_p

    _check(output, target, weight, "focal_loss")
    return _of_class(_log_softmax(output), focal, target, weight, reduction, "focal_loss")


def hinge_loss(
    output: Tensor,
    target: Tensor,
    *,
    margin: float = 1.0,
    squared: bool = False,
    weight: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """What the right class lacks of a lead of `margin` over the best other one; 0 where it has it.

        w_y max(0, margin - (z_y - max over c != y of z_c))

    Args:
        squared: the square of max(0, ...).
    Source: Crammer, Singer (2001), On the algorithmic implementation of multiclass kernel-based vector machines,
        JMLR 2.
    """
    _check(output, target, weight, "hinge_loss")
    if output.shape[1] < 2:
        raise InputError("hinge_loss", "needs two classes or more", output.shape[1])
    output = precise(output)
    best, place = output.topk(2, dim=1)
    # By place, not by value: where two are level, each is the other's rival and not its own.
    rivals = best[:, :1].expand_as(output).scatter(1, place[:, :1], best[:, 1:])
    leads = output - rivals

    def hinge(lead: Tensor) -> Tensor:
        lacking = functional.relu(margin - lead)
        return lacking**2 if squared else lacking

    return _of_class(leads, hinge, target, weight, reduction, "hinge_loss")


def exponential_loss(
    output: Tensor, target: Tensor, *, weight: Tensor | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """What boosting minimizes: grows exponentially with how far the right class lies below the mean.

        w_y exp(-(z_y - mean(z)))

    Least where z is log p but for a constant, so that softmax(z) are probabilities. Two classes: exp(-(z_y - z_c) / 2).
    Overflows where z_y lies further below the mean than 88 in float32.

    Source: Zou, Zhu, Hastie (2008), New multicategory boosting algorithms based on multicategory Fisher-consistent
        losses, arXiv:0901.3988.
    """
    _check(output, target, weight, "exponential_loss")
    output = precise(output)
    margins = output - output.mean(dim=1, keepdim=True)
    return _of_class(margins, lambda each: (-each).exp(), target, weight, reduction, "exponential_loss")


def kl_loss(output: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    """KL(q || softmax(z)), the nats lost by describing q with the model's probabilities; "mean" is over examples.

        sum over c of q_c (log q_c - log p_c)

    Cross-entropy less the entropy of the target: the same gradient, but 0 where the model is right.

    Args:
        target: shares of classes (N, C), or classes (N,), for which it is cross-entropy.
    Source: Kullback, Leibler (1951), On information and sufficiency.
    """
    _check(output, target, None, "kl_loss")
    cross = _of_class(_log_softmax(output), torch.neg, target, None, "none", "kl_loss")
    if target.is_floating_point():
        cross = cross + torch.special.xlogy(target, target).sum(dim=1)
    return reduce(cross, None, reduction, "kl_loss")


def _log_softmax(output: Tensor) -> Tensor:
    return functional.log_softmax(precise(output), dim=1)


def _check(output: Tensor, target: Tensor, weight: Tensor | None, owner: str) -> None:
    """Refuse what `gather` and `weight[target]` would take in part: too few targets, too many weights."""
    if output.dim() < 2:
        raise InputError(owner, "`output` must be logits (N, C)", tuple(output.shape))
    if target.is_floating_point():
        if target.shape != output.shape:
            raise InputError(owner, f"shares of classes must be {tuple(output.shape)}", tuple(target.shape))
    elif target.shape != output.shape[:1] + output.shape[2:]:
        wanted = tuple(output.shape[:1] + output.shape[2:])
        raise InputError(owner, f"classes must be {wanted}, one for each example", tuple(target.shape))
    if weight is not None and weight.shape != output.shape[1:2]:
        raise InputError(
            owner, f"`weight` must be {output.shape[1]} numbers, one for each class", f"shape {tuple(weight.shape)}"
        )


def _of_class(
    margins: Tensor,
    loss: Callable[[Tensor], Tensor],
    target: Tensor,
    weight: Tensor | None,
    reduction: Reduction,
    owner: str,
) -> Tensor:
    """The loss of each example's class, an elementwise function of its margin.

    Args:
        margins: (N, C), one for each class that may be right.
    """
    if target.is_floating_point():
        shares = target if weight is None else target * weight.view(-1, *[1] * (margins.dim() - 2))
        # What has no share must not count, be it infinite.
        losses = loss(margins.masked_fill(shares == 0, 0.0)) * shares
        total = losses.sum(dim=1)
        if reduction == "mean":
            return total.sum() / shares.sum()
        return reduce(total, None, reduction, owner)
    target = target.long()
    losses = loss(margins.gather(1, target[:, None])[:, 0])
    return reduce(losses, None if weight is None else weight[target], reduction, owner)


@criteria.register(
    source="Goodfellow, Bengio, Courville (2016), Deep Learning, 6.2.2.3; smoothing: Szegedy et al. (2016), "
    "arXiv:1512.00567, section 7",
    formula="-sum_c q_c log(p_c), q_c = (1 - s) [c = y] + s / C",
    tasks=("classification",),
    class_counts=True,
    elsewhere={"paper": {"label_smoothing": 0.1}},
)
def cross_entropy(
    counts: Tensor, *, label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0, class_weights: ClassWeights = None
) -> Criterion:
    """Minus the log-probability of the right class; takes raw logits (N, C) and classes (N,)."""
    return with_class_weights(partial(functional.cross_entropy, label_smoothing=label_smoothing), class_weights, counts)


@criteria.register(
    source="Lin, Goyal, Girshick, He, Dollar (2017), arXiv:1708.02002, equation 5",
    formula="-w_y (1 - p_y)^gamma log(p_y)",
    tasks=("classification",),
    class_counts=True,
    elsewhere={
        "paper": {"class_weights": "0.25 of what is looked for, 0.75 of the background"},
        "keras": {"class_weights": "0.25 of every class, as `alpha`"},
    },
    notes="The paper's alpha_t is `class_weights`. The paper is of two classes by a sigmoid; these are C by softmax.",
)
def focal(counts: Tensor, *, gamma: Focus = 2.0, class_weights: ClassWeights = None) -> Criterion:
    """Cross-entropy that counts an example the less the better it is known, for sets where most are easy."""
    return with_class_weights(partial(focal_loss, gamma=gamma), class_weights, counts)


@criteria.register(
    source="Cui, Jia, Lin, Song, Belongie (2019), arXiv:1901.05555, proposition 1 and section 4",
    formula="-w_y (1 - p_y)^gamma log(p_y), w_c proportional to (1 - beta) / (1 - beta^n_c)",
    tasks=("classification",),
    class_counts=True,
    notes="At gamma = 0 the paper's softmax form. A batch's mean divides by the sum of its weights, the paper's by N.",
)
def class_balanced(
    counts: Tensor, *, beta: Annotated[float, Field(ge=0, lt=1)] = 0.999, gamma: Focus = 0.0
) -> Criterion:
    """Cross-entropy, or focal loss, with classes weighted by the effective number of their examples."""
    return ClassWeighted(partial(focal_loss, gamma=gamma), effective_weights(counts, beta))


@criteria.register(
    source="Crammer, Singer (2001), JMLR 2, 265-292",
    formula="w_y max(0, margin - (z_y - max_{c != y} z_c))",
    tasks=("classification",),
    class_counts=True,
)
def hinge(counts: Tensor, *, margin: Margin = 1.0, class_weights: ClassWeights = None) -> Criterion:
    """What the right class lacks of a lead over the best other one: a support vector machine's loss."""
    return with_class_weights(partial(hinge_loss, margin=margin), class_weights, counts)


@criteria.register(
    source="Crammer, Singer (2001), JMLR 2, 265-292, squared as in Tang (2013), arXiv:1306.0239",
    formula="w_y max(0, margin - (z_y - max_{c != y} z_c))^2",
    tasks=("classification",),
    class_counts=True,
    notes="Tang takes each class against the rest; this is of C classes at once, as `hinge` is.",
)
def squared_hinge(counts: Tensor, *, margin: Margin = 1.0, class_weights: ClassWeights = None) -> Criterion:
    """The hinge loss squared: differentiable where the lead is just reached, harder on gross errors."""
    return with_class_weights(partial(hinge_loss, margin=margin, squared=True), class_weights, counts)


@criteria.register(
    source="Weston, Watkins (1999), Support vector machines for multi-class pattern recognition",
    formula="w_y sum_{c != y} max(0, margin - (z_y - z_c))^p / C",
    tasks=("classification",),
    class_counts=True,
    notes="torch's: divided by C, and weighted examples by N. Takes classes only, no shares of mixed examples.",
)
def multi_margin(
    counts: Tensor,
    *,
    p: Annotated[int, Field(ge=1, le=2)] = 1,
    margin: Margin = 1.0,
    class_weights: ClassWeights = None,
) -> Criterion:
    """What the right class lacks of a lead over each other one, where `hinge` looks at the best of them only."""
    return with_class_weights(partial(functional.multi_margin_loss, p=p, margin=margin), class_weights, counts)


@criteria.register(
    source="Zou, Zhu, Hastie (2008), arXiv:0901.3988",
    formula="w_y exp(mean(z) - z_y)",
    tasks=("classification",),
    class_counts=True,
    notes="Overflows beyond a margin of -88 in float32; an outlier's weight in the gradient has no bound.",
)
def exponential(counts: Tensor, *, class_weights: ClassWeights = None) -> Criterion:
    """AdaBoost's loss, of C classes: exponential in how far the right one lies below the mean."""
    return with_class_weights(exponential_loss, class_weights, counts)


@criteria.register(
    source="Kullback, Leibler (1951), On information and sufficiency",
    formula="sum_c q_c (log(q_c) - log(p_c))",
    aliases=("kl",),
    tasks=("classification",),
    notes="Cross-entropy less the entropy of the targets, which differs from 0 for shares of mixed examples only. Mean "
    "over examples; torch's kl_div calls that `batchmean`.",
)
def kl_divergence() -> Criterion:
    """How far the model's probabilities are from the target's; for targets that are distributions."""
    return kl_loss
