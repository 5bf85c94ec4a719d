"""How much of the loss's gradient arrives at the first steps of a sequence."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

_MOST_ROWS = 8


class Sequence_:
    """A recurrent layer's input, and the gradient that comes back to its output."""

    def __init__(self, module: nn.RNNBase, place: str, inputs: Sequence[Any], output: Tensor) -> None:
        self.module, self.place = module, place
        self.input: Tensor = inputs[0].detach()
        self.state = inputs[1] if len(inputs) > 1 else None
        self.gradient: Tensor | None = None
        output.register_hook(self._note)

    def _note(self, gradient: Tensor) -> None:
        self.gradient = gradient.detach()


def gradients_through_time(sequence: Sequence_) -> tuple[float, float] | None:
    """Norms of the loss's gradient with respect to the first and the last input of a sequence.

    The layer runs once more, on a few rows, from inputs that take a gradient: the run's own need not. Its weights have
    not changed since; dropout between layers is left out, so no random number is drawn.
    """
    module, gradient = sequence.module, sequence.gradient
    inputs = sequence.input
    if gradient is None or inputs.dim() != 3 or gradient.shape[:2] != inputs.shape[:2]:
        return None
    batch, time = (0, 1) if module.batch_first else (1, 0)
    if inputs.shape[time] < 8:
        return None
    rows = slice(0, _MOST_ROWS)
    some = inputs[rows] if batch == 0 else inputs[:, rows]
    upstream = gradient[rows] if batch == 0 else gradient[:, rows]
    # Automatic mixed precision casts within the layer; here it is off.
    dtype = next(module.parameters()).dtype
    state = _rows_of(sequence.state, rows, dtype)
    some = some.clone().to(dtype).requires_grad_()
    # Not evaluation mode, in which cuDNN computes no gradients.
    dropout, module.dropout = module.dropout, 0.0
    try:
        with torch.enable_grad():
            # Past `__call__`, whose hooks would take this for a pass of the run.
            output, _ = module.forward(some, state) if state is not None else module.forward(some)
            (found,) = torch.autograd.grad(output, some, upstream.to(output.dtype))
    finally:
        module.dropout = dropout
    ends = found.select(time, 0).norm(), found.select(time, -1).norm()
    return float(ends[0]), float(ends[1])


def _rows_of(state: Any, rows: slice, dtype: torch.dtype) -> Any:
    """The hidden state of a few examples, without its graph."""
    if isinstance(state, Tensor):
        return state.detach()[:, rows].to(dtype).contiguous()
    if isinstance(state, tuple):
        return tuple(_rows_of(each, rows, dtype) for each in state)
    return None
