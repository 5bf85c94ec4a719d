"""Prices on weights, added to the loss: functions of one tensor that give a scalar, and their cards.

The l2 penalty has a half, so that its gradient is strength * w: what ``weight_decay = strength`` adds to the gradient
in SGD. Keras has no half.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gradus.core.cards import Card, Registry
from gradus.core.errors import InputError, nearest

Price = Callable[[Tensor], Tensor]
Strength = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, kw_only=True)
class PenaltyCard(Card):
    """A price on weights, added to the loss. `build` takes the options and returns ``weight -> scalar``."""


penalties: Registry[PenaltyCard] = Registry("penalty", "gradus.losses.penalties", PenaltyCard)


def l1_penalty(weight: Tensor) -> Tensor:
    """The sum of absolute values; the gradient at 0 is 0."""
    return weight.abs().sum()


def l2_penalty(weight: Tensor) -> Tensor:
    """Half the sum of squares."""
    return weight.square().sum() / 2


def elastic_net_penalty(weight: Tensor, *, l1_ratio: float = 0.5) -> Tensor:
    """r sum(abs(w)) + (1 - r) sum(w^2) / 2, as scikit-learn's ``ElasticNet`` has it."""
    return l1_ratio * l1_penalty(weight) + (1 - l1_ratio) * l2_penalty(weight)


def group_lasso_penalty(weight: Tensor, *, axis: int = 0) -> Tensor:
    """The sum over groups of sqrt(size) * norm, which drives whole groups to 0; the gradient of a group at 0 is 0.

    Each number of a vector is a group.

    Args:
        weight: (out, in, ...) as nn.Linear and nn.Conv2d have it.
        axis: a group is a slice across it: 0, what leads to one output (a row, a filter); 1, what leads from one input
            (a column, a channel). Transposed convolutions have the two the other way around.
    Source: Yuan, Lin (2006), Model selection and estimation in regression with grouped variables, JRSS B 68, eq. 2.1.
    """
    groups = weight.movedim(axis, 0).flatten(1) if weight.dim() > 1 else weight.reshape(-1, 1)
    norms: Tensor = torch.linalg.vector_norm(groups, dim=1)
    return math.sqrt(groups.shape[1]) * norms.sum()


def orthogonality_penalty(weight: Tensor) -> Tensor:
    """The squared distance of the weight's Gram matrix from identity, ||W W^T - I||_F^2, W being (out, in ...).

    Where there are more rows than columns the columns are taken: ||W^T W - I||_F^2 is less by rows - columns, a
    constant, has the same gradient and can reach 0. Both sides together ("double") are twice the strength.

    Source: Bansal, Chen, Wang (2018), arXiv:1810.09102, section 3.1.
    """
    matrix = weight.flatten(1) if weight.dim() > 1 else weight.reshape(-1, 1)
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    return (gram - torch.eye(len(gram), dtype=gram.dtype, device=gram.device)).square().sum()


@dataclass(frozen=True, eq=False)
class WeightPenalty:
    """A price on some of a network's parameters; called, it gives their sum."""

    price: Price
    parameters: tuple[Tensor, ...]

    def __call__(self) -> Tensor:
        return torch.stack([self.price(each) for each in self.parameters]).sum()


def penalized(model: nn.Module, on: str | Sequence[str] = "weights", owner: str = "penalty") -> dict[str, nn.Parameter]:
    """The trainable parameters that a penalty is on, by name.

    Args:
        on: "weights", the matrices, kernels and embeddings but no biases and norms; or patterns of names, such as
            ``"features.*.weight"``.
        owner: whose choice it is, for messages.
    Raises:
        InputError: if there are none, or a pattern fits no name.
    """
    trainable = {name: each for name, each in model.named_parameters() if each.requires_grad}
    if on == "weights":
        norms = {
            id(each)
            for module in model.modules()
            if isinstance(module, nn.LayerNorm | nn.RMSNorm)
            for each in module.parameters(recurse=False)
        }
        chosen = {name: each for name, each in trainable.items() if each.dim() > 1 and id(each) not in norms}
        if not chosen:
            raise InputError(owner, "the model has no weights to penalize", repair="Name parameters in `on`.")
        return chosen
    patterns = [on] if isinstance(on, str) else on
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in trainable):
            raise InputError(owner, "`on` fits no trainable parameter", pattern, nearest(pattern, trainable))
    return {name: each for name, each in trainable.items() if _fits(name, patterns)}


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@penalties.register(
    source="Tibshirani (1996), Regression shrinkage and selection via the lasso, JRSS B 58",
    formula="strength * sum(|w|)",
    elsewhere={"keras": {"strength": 0.01}},
    notes="By gradients weights hover about 0 and seldom reach it; a proximal optimizer sets them to 0.",
)
def l1(*, strength: Strength) -> Price:
    """A price on every weight however small, for weights that are sparse."""
    return lambda weight: strength * l1_penalty(weight)


@penalties.register(
    source="Hoerl, Kennard (1970), Ridge regression, Technometrics 12; Krogh, Hertz (1991)",
    formula="strength / 2 * sum(w^2)",
    elsewhere={"keras": {"strength": "0.02, as 0.01 without the half"}},
    notes="In SGD the same as weight_decay = strength, in Adam not as AdamW's, which the gradient's scale does not "
    "divide. Keras's L2(s) is strength 2 s.",
)
def l2(*, strength: Strength) -> Price:
    """Half the squared weights: all become smaller, none becomes 0."""
    return lambda weight: strength * l2_penalty(weight)


@penalties.register(
    source="Zou, Hastie (2005), Regularization and variable selection via the elastic net, JRSS B 67",
    formula="strength * (l1_ratio * sum(|w|) + (1 - l1_ratio) / 2 * sum(w^2))",
)
def elastic_net(*, strength: Strength, l1_ratio: Ratio = 0.5) -> Price:
    """Some of both: sparse, and alike for inputs that go together."""
    return lambda weight: strength * elastic_net_penalty(weight, l1_ratio=l1_ratio)


@penalties.register(
    source="Yuan, Lin (2006), JRSS B 68, equation 2.1; on networks Wen et al. (2016), arXiv:1608.03665",
    formula="strength * sum over groups of sqrt(size) * ||w_group||",
)
def group_lasso(*, strength: Strength, axis: Literal[0, 1] = 0) -> Price:
    """Sparse by rows and filters (`axis` 0) or columns and channels (1), so that whole units can go."""
    return lambda weight: strength * group_lasso_penalty(weight, axis=axis)


@penalties.register(
    source="Bansal, Chen, Wang (2018), arXiv:1810.09102, section 3.1",
    formula="strength * ||W W^T - I||_F^2, of the shorter side",
)
def orthogonality(*, strength: Strength) -> Price:
    """Filters of length 1 at right angles, which keep the length of what passes through them."""
    return lambda weight: strength * orthogonality_penalty(weight)
