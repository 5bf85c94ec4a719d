"""From one loss per element to what torch's functions call a reduction."""

from typing import Literal

import torch
from torch import Tensor

from gradus.core.errors import InputError

Reduction = Literal["mean", "sum", "none"]


def reduce(losses: Tensor, weight: Tensor | None, reduction: Reduction, owner: str) -> Tensor:
    """The weighted mean sum(w l) / sum(w), the sum of w l, or each w l.

    Args:
        losses: of any shape.
        weight: of a shape that broadcasts to that of `losses`; None for 1 everywhere.
        owner: whose reduction it is, for messages.
    """
    if reduction not in ("mean", "sum", "none"):
        raise InputError(owner, "`reduction` must be `mean`, `sum` or `none`", reduction)
    if weight is None:
        return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses
    weighted = losses * weight
    if reduction == "mean":
        return weighted.sum() / weight.expand_as(losses).sum()
    return weighted.sum() if reduction == "sum" else weighted


def check_shapes(output: Tensor, target: Tensor, owner: str) -> None:
    """Refuse what would broadcast: (N,) against (N, 1) is N x N differences, and learns nothing."""
    if output.shape != target.shape:
        raise InputError(owner, f"`target` must have the shape of `output`, {tuple(output.shape)}", tuple(target.shape))


def precise(output: Tensor) -> Tensor:
    """Logits as torch's own losses take them under autocast: differences of bfloat16 have few digits left."""
    return output.float() if output.dtype in (torch.bfloat16, torch.float16) else output
