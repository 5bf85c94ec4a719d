"""How much of the loss's gradient arrives at the first steps of a sequence."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gradus.diagnosis.measure import tensors_in

_MOST_ROWS = 8


class Sequence_:
    """A recurrent layer's input, and the gradient that comes back to its output."""

    def __init__(self, module: nn.RNNBase, place: str, inputs: Sequence[Any], result: Any) -> None:
        output, *hidden = tensors_in(result)
        self.module, self.place = module, place
        self.input: Tensor = inputs[0].detach()
        self.state = inputs[1] if len(inputs) > 1 else None
        self.gradient: Tensor | None = None
        self.hidden: dict[int, Tensor] = {}
        output.register_hook(self._note)
        for number, each in enumerate(hidden):
            each.register_hook(partial(self._note_hidden, number))

    def _note(self, gradient: Tensor) -> None:
        self.gradient = gradient.detach()

    def _note_hidden(self, number: int, gradient: Tensor) -> None:
        self.hidden[number] = gradient.detach()


def gradients_through_time(sequence: Sequence_) -> tuple[float, float] | None:
    """Norms of the loss's gradient with respect to the first and the last input of a sequence.

    The layer runs once more, on a few rows, from inputs that take a gradient: the run's own need not. Its weights have
    not changed since; dropout between layers is left out, so no random number is drawn.
    """
    module, inputs = sequence.module, sequence.input
    if inputs.dim() != 3 or (sequence.gradient is None and not sequence.hidden):
        return None
    batch, time = (0, 1) if module.batch_first else (1, 0)
    if inputs.shape[time] < 8:
        return None
    rows = slice(0, _MOST_ROWS)
    some = inputs[rows] if batch == 0 else inputs[:, rows]
    # Automatic mixed precision casts within the layer; here it is off.
    dtype = next(module.parameters()).dtype
    state = _rows_of(sequence.state, rows, dtype)
    some = some.clone().to(dtype).requires_grad_()
    # Not evaluation mode, in which cuDNN computes no gradients.
    dropout, module.dropout = module.dropout, 0.0
    try:
        with torch.enable_grad():
            # Past `__call__`, whose hooks would take this for a pass of the run.
            output, *hidden = tensors_in(module.forward(some, state) if state is not None else module.forward(some))
            reached, upstream = [], []
            if sequence.gradient is not None:
                reached.append(output)
                upstream.append(sequence.gradient[rows] if batch == 0 else sequence.gradient[:, rows])
            for number, gradient in sequence.hidden.items():
                reached.append(hidden[number])
                upstream.append(gradient[:, rows])
            (found,) = torch.autograd.grad(reached, some, [each.to(dtype) for each in upstream])
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
