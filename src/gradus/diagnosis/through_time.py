"""What happens through a sequence: how much gradient arrives at its first steps, how much memory is kept."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from gradus.diagnosis.measure import tensors_in

_MOST_ROWS = 8


class Sequence_:
    """A recurrent layer's input, and the gradient that comes back to its output; of packed ones the longest one's."""

    def __init__(self, module: nn.RNNBase, place: str, inputs: Sequence[Any], result: Any) -> None:
        self.module, self.place = module, place
        self._steps: Tensor | None = None
        self._rows = slice(None)
        given, (output, *hidden) = inputs[0], tensors_in(result)
        self.state = inputs[1] if len(inputs) > 1 else None
        if isinstance(given, PackedSequence):
            first = 0 if given.sorted_indices is None else int(given.sorted_indices[0])
            self._steps, self._rows = given.batch_sizes.cumsum(0) - given.batch_sizes, slice(first, first + 1)
            self.state = _rows_of(self.state, self._rows, given.data.dtype)
            given, output, hidden = given.data, result[0].data, tensors_in(result[1])
        self.input: Tensor = self._unpacked(given.detach())
        self.output = self._unpacked(output.detach())
        self.gradient: Tensor | None = None
        self.hidden: dict[int, Tensor] = {}
        output.register_hook(self._note)
        for number, each in enumerate(hidden):
            each.register_hook(partial(self._note_hidden, number))

    def _unpacked(self, values: Tensor) -> Tensor:
        if self._steps is None:
            return values
        return values[self._steps.to(values.device)].unsqueeze(0 if self.module.batch_first else 1)

    def _note(self, gradient: Tensor) -> None:
        self.gradient = self._unpacked(gradient.detach())

    def _note_hidden(self, number: int, gradient: Tensor) -> None:
        self.hidden[number] = gradient.detach()[:, self._rows]


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


def memory_kept(sequence: Sequence_) -> float | None:
    """Mean of the gate by which a layer keeps what it has: the forget gate of an LSTM, the update gate of a GRU.

    Over units, steps and a few rows, of one layer read forwards; None of stacked ones, whose inner states are not seen,
    and of layers without gates.
    """
    module, x = sequence.module, sequence.input
    if module.mode not in ("LSTM", "GRU") or module.num_layers > 1 or module.proj_size or x.dim() != 3:
        return None
    w_x, w_h = module.get_parameter("weight_ih_l0"), module.get_parameter("weight_hh_l0")
    dtype, units = w_h.dtype, module.hidden_size
    time = 1 if module.batch_first else 0
    x_TNF = x.movedim(time, 0)[:, :_MOST_ROWS].to(dtype)
    h_TNH = sequence.output.movedim(time, 0)[:, :_MOST_ROWS, :units].to(dtype)
    state = sequence.state[0] if isinstance(sequence.state, tuple) else sequence.state
    first_NH = torch.zeros_like(h_TNH[0]) if state is None else state.detach()[0, :_MOST_ROWS].to(dtype)
    before_TNH = torch.cat((first_NH[None], h_TNH[:-1]))
    rows = slice(units, 2 * units)  # in torch's order of gates the second one, of both
    with torch.no_grad():
        gate = x_TNF @ w_x[rows].mT + before_TNH @ w_h[rows].mT
        if module.bias:
            # The second may be a buffer, of a layer that learns one only.
            gate = gate + sum(getattr(module, f"bias_{part}_l0")[rows] for part in ("ih", "hh"))
    return float(gate.sigmoid().mean())


def largest_state(module: nn.Module, inputs: Sequence[Any]) -> float:
    """The largest number in the state that a layer is given whose own lie within 1, as those of gates and tanh do."""
    if not isinstance(module, nn.RNNBase | nn.RNNCellBase) or len(inputs) < 2:
        return 0.0
    if "relu" in (getattr(module, "nonlinearity", ""), getattr(module, "mode", "").rpartition("_")[2].lower()):
        return 0.0
    state = next(iter(tensors_in(inputs[1])), None)
    return float(state.detach().abs().max()) if state is not None and state.numel() else 0.0


def _rows_of(state: Any, rows: slice, dtype: torch.dtype) -> Any:
    """The hidden state of a few examples, without its graph."""
    if isinstance(state, Tensor):
        return state.detach()[:, rows].to(dtype).contiguous()
    if isinstance(state, tuple):
        return tuple(_rows_of(each, rows, dtype) for each in state)
    return None
