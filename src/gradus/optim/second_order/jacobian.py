"""Jacobians of a vector that a closure computed, by as few batched passes as there are rows or columns."""

import torch
from torch import Tensor

from gradus.optim.second_order.base import flat

# m residuals, n parameters


def jacobian(residuals: Tensor, parameters: list[Tensor], chunk: int) -> Tensor:
    """The derivative of `residuals` (m,) by all parameters, (m, n); the graph is kept.

    A backward pass gives a row. Differentiating twice gives a column: the product J'u is linear in u, and its
    derivative by u is J'. That takes about twice as long, so it is done where n is below m / 2.

    Args:
        chunk: rows or columns that are computed at once, batched; 1 for operations that cannot be batched.
    """
    count = sum(each.numel() for each in parameters)
    if 2 * count >= len(residuals):
        return _rows(residuals, parameters, chunk)
    with torch.enable_grad():
        weights = torch.zeros_like(residuals, requires_grad=True)
        product = flat(torch.autograd.grad(residuals, parameters, weights, create_graph=True, materialize_grads=True))
    return _rows(product, [weights], chunk).T


def _rows(outputs: Tensor, inputs: list[Tensor], chunk: int) -> Tensor:
    """The derivative of a vector by tensors, (outputs, inputs)."""
    found = []
    for start in range(0, len(outputs), chunk):
        which = torch.arange(start, min(start + chunk, len(outputs)), device=outputs.device)
        picked = torch.zeros(len(which), len(outputs), dtype=outputs.dtype, device=outputs.device)
        picked[torch.arange(len(which)), which] = 1
        batched = len(which) > 1
        try:
            pieces = torch.autograd.grad(
                outputs,
                inputs,
                picked if batched else picked[0],
                retain_graph=True,
                allow_unused=True,
                is_grads_batched=batched,
            )
        except RuntimeError as error:
            if batched:
                error.add_note("If an operation's derivative cannot be batched, set the option `chunk` to 1.")
            raise
        rows = [
            outputs.new_zeros(len(which), each.numel()) if piece is None else piece.reshape(len(which), -1)
            for piece, each in zip(pieces, inputs, strict=True)
        ]
        found.append(torch.cat(rows, dim=1))
    return torch.cat(found)
