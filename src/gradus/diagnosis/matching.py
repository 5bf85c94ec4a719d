"""Generators without a judge: a loss of distances, each from what was made to each of real data, as of kernels."""

from typing import Any

from torch import Tensor

from gradus.diagnosis.operations import operands, short_name

_DISTANCES = frozenset({"Cdist", "EuclideanDist"})
_DEEPEST = 200


def matched(node: Any, made: Tensor | None) -> tuple[Tensor, Tensor] | None:
    """Real data (N, D) and what was made (M, D), where a loss computes the distances between them; else None.

    Args:
        node: what autograd made the loss with; None of a constant.
        made: what the model returned last.
    """
    if node is None or made is None or made.dim() != 2:
        return None
    stack, seen = [node], {node}
    while stack and len(seen) < _DEEPEST:
        node = stack.pop()
        if short_name(node) in _DISTANCES:
            sides = _sides(node, made)
            if sides is not None:
                return sides
        new = [each for each in operands(node) if each not in seen]
        seen.update(new)
        stack += new
    return None


def _sides(distances: Any, made: Tensor) -> tuple[Tensor, Tensor] | None:
    """Those of distances of which one is what was made, and the other was computed from nothing that learns."""
    if len(list(operands(distances))) != 1:
        return None
    try:
        sides: list[Tensor] = [distances._saved_x1, distances._saved_x2]
    except (RuntimeError, AttributeError):  # freed, or changed in place
        return None
    fake = [each for each in sides if each.grad_fn is not None]
    real = [each for each in sides if each.grad_fn is None and not each.requires_grad]
    if len(fake) != 1 or len(real) != 1 or fake[0].shape != made.shape or real[0].dim() != 2:
        return None
    return real[0].detach(), fake[0].detach()
