"""How much each class counts in a criterion, where some are rarer than others."""

from collections.abc import Callable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.losses.reduction import precise

# C classes

ClassWeights = Literal["balanced"] | tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] | None
"""An option of criteria: "balanced", a weight for each class, or all the same."""


def balanced_weights(counts: Tensor) -> Tensor:
    """n / (C n_c): every class counts as much as any other, and an example 1 on average; float64 (C,).

    scikit-learn's ``class_weight="balanced"``.

    Args:
        counts: (C,) examples of each class.
    """
    return counts.sum() / (len(counts) * _present(counts))


def effective_weights(counts: Tensor, beta: float) -> Tensor:
    """(1 - beta) / (1 - beta^n_c), scaled to the sum C; float64 (C,).

    An example more of a class tells less the more there are: n of them are worth (1 - beta^n) / (1 - beta). All the
    same at beta = 0, inverse to the counts as beta tends to 1.

    Source: Cui, Jia, Lin, Song, Belongie (2019), arXiv:1901.05555, proposition 1 and section 4.
    """
    weights = (1 - beta) / -torch.expm1(_present(counts) * torch.log(torch.tensor(beta, dtype=torch.float64)))
    return weights * (len(weights) / weights.sum())


class ClassWeighted(nn.Module):
    """A loss whose classes have weights.

    Args:
        loss: a function of output, target and ``weight``, (C,), as torch's ``cross_entropy`` is.
        weight: (C,).
    """

    weight: Tensor

    def __init__(self, loss: Callable[..., Tensor], weight: Tensor) -> None:
        super().__init__()
        self.loss = loss
        # They come from the recipe and its data: no state to save.
        self.register_buffer("weight", weight.float(), persistent=False)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        output = precise(output)
        return self.loss(output, target, weight=self.weight.to(output))


def with_class_weights(
    loss: Callable[..., Tensor], class_weights: ClassWeights, counts: Tensor
) -> Callable[[Tensor, Tensor], Tensor]:
    """`loss` itself where all classes count the same, else with their weights.

    Raises:
        InputError: if there are not as many weights as classes, or a class to be balanced has no example.
    """
    if class_weights is None:
        return loss
    if class_weights == "balanced":
        return ClassWeighted(loss, balanced_weights(counts))
    if len(class_weights) != len(counts):
        raise InputError(
            "criterion.class_weights", f"must be {len(counts)} numbers, one for each class", len(class_weights)
        )
    return ClassWeighted(loss, torch.tensor(class_weights))


def _present(counts: Tensor) -> Tensor:
    missing = (counts == 0).nonzero().flatten().tolist()
    if missing:
        raise InputError(
            "criterion",
            f"weights by frequency need examples of every class, and the training split has none of {missing}",
            repair="Give class_weights as numbers.",
        )
    return counts.double()
