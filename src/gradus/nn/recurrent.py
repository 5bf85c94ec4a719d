"""Recurrent layers unrolled step by step, for what torch's fused ones cannot do between two steps."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.nn.dropout import LockedDropout, locked_mask

# N sequences, T steps, F features, H units, L layers, D directions

State = Any
"""Of a cell: h (N, H), or (h, c)."""


class LayerNormLSTMCell(nn.RNNCellBase):
    """An LSTM cell that normalizes what goes into its gates, and its memory on the way out.

        i, f, g, o = LN(W_x x; a_1, b_1) + LN(W_h h; a_2, b_2) + b    (equation 20, in torch's order of gates)
        c' = sigmoid(f) c + sigmoid(i) tanh(g)                         (equation 21)
        h' = sigmoid(o) tanh(LN(c'; a_3, b_3))                         (equation 22)

    Each normalization is over all units of one example at one step, the four gates together.

    Source: Ba, Kiros, Hinton (2016), Layer normalization, arXiv:1607.06450, supplementary material.
    """

    chunks = 4

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, bias=True, num_chunks=4)
        del self.bias_hh  # of torch's two biases, which are added, one is enough
        self.norm_inputs = nn.LayerNorm(4 * hidden_size)
        self.norm_state = nn.LayerNorm(4 * hidden_size)
        self.norm_memory = nn.LayerNorm(hidden_size)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        h, c = state
        gates = self.norm_inputs(x @ self.weight_ih.mT) + self.norm_state(h @ self.weight_hh.mT) + self.bias_ih
        i, f, g, o = gates.chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * self.norm_memory(c).tanh(), c


class Unrolled(nn.Module):
    """Cells over time, layer on layer, with the interface of nn.LSTM, nn.GRU and nn.RNN.

    Dropout is variational: in training one mask is drawn for a sequence and holds at every step, for what enters a
    layer and for the state that it hands on.

    Args:
        cell: makes a cell from the numbers of inputs and units: nn.LSTMCell, nn.GRUCell, nn.RNNCell, LayerNormLSTMCell.
        input_size, hidden_size, num_layers, batch_first, bidirectional: as of nn.LSTM.
        dropout: the chance that an input of the first layer is left out.
        dropout_between: of an input of each further layer.
        dropout_state: of a unit of the state, at every step the same ones.

    Source of the dropout: Gal, Ghahramani (2016), A theoretically grounded application of dropout in recurrent neural
    networks, arXiv:1512.05287, equation 7, with tied weights.
    """

    def __init__(
        self,
        cell: Callable[[int, int], nn.Module],
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        batch_first: bool = False,
        bidirectional: bool = False,
        dropout: float = 0.0,
        dropout_between: float = 0.0,
        dropout_state: float = 0.0,
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise InputError("Unrolled", "`num_layers` must be 1 or more", num_layers)
        directions = 2 if bidirectional else 1
        widths = [input_size] + [directions * hidden_size] * (num_layers - 1)
        self.cells = nn.ModuleList(cell(width, hidden_size) for width in widths for _ in range(directions))
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers, self.directions = num_layers, directions
        self.batch_first = batch_first
        self.entering = nn.ModuleList(
            LockedDropout(dropout_between if layer else dropout) for layer in range(num_layers)
        )
        self.dropout_state = LockedDropout(dropout_state)
        self._has_memory = isinstance(self.cells[0], nn.LSTMCell | LayerNormLSTMCell)

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        """Outputs of the last layer at every step, and the last state of each layer and direction.

        Args:
            x: (T, N, F), or (N, T, F) if `batch_first`.
            state: (L D, N, H), of an LSTM a pair of them; zeros if None.
        Returns:
            (T, N, D H) or (N, T, D H); the state as it was given.
        Raises:
            InputError: if `x` or `state` is not of such tensors.
        """
        if not isinstance(x, Tensor) or x.dim() != 3 or x.shape[-1] != self.input_size:
            given = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise InputError("Unrolled", f"`x` must have three axes, the last of {self.input_size} features", given)
        x_TNF = x.transpose(0, 1) if self.batch_first else x
        if state is not None:
            self._check(state, x_TNF.shape[1])
        before = self._first(x_TNF) if state is None else self._split(state)
        last: list[State] = []
        for layer, entering in enumerate(self.entering):
            x_TNF = entering(x_TNF)
            ways = []
            for direction in range(self.directions):
                at = layer * self.directions + direction
                steps, final = self._run(self.cells[at], x_TNF, before[at], backwards=direction == 1)
                ways.append(steps)
                last.append(final)
            x_TNF = torch.cat(ways, dim=-1) if len(ways) > 1 else ways[0]
        return x_TNF.transpose(0, 1) if self.batch_first else x_TNF, self._joined(last)

    def _run(self, cell: nn.Module, x_TNF: Tensor, state: State, *, backwards: bool) -> tuple[Tensor, State]:
        """One cell over all steps."""
        h = state[0] if self._has_memory else state
        mask = locked_mask(h, self.dropout_state.p if self.training else 0.0)
        steps = x_TNF.flip(0).unbind() if backwards else x_TNF.unbind()
        outputs = []
        for x in steps:
            if mask is not None:
                state = (state[0] * mask, state[1]) if self._has_memory else state * mask
            state = cell(x, state)
            outputs.append(state[0] if self._has_memory else state)
        if backwards:
            outputs.reverse()
        return torch.stack(outputs), state

    def _first(self, x_TNF: Tensor) -> list[State]:
        zeros = x_TNF.new_zeros(x_TNF.shape[1], self.hidden_size)
        return [(zeros, zeros) if self._has_memory else zeros] * len(self.cells)

    def _check(self, state: State, examples: int) -> None:
        parts = state if self._has_memory else (state,)
        wanted = (len(self.cells), examples, self.hidden_size)
        if len(parts) != (2 if self._has_memory else 1) or any(each.shape != wanted for each in parts):
            rule = f"`state` must be {'a pair, both of' if self._has_memory else 'of'} shape {wanted}"
            raise InputError("Unrolled", rule, [tuple(each.shape) for each in parts])

    def _split(self, state: State) -> list[State]:
        return list(zip(*state, strict=True)) if self._has_memory else list(state)

    def _joined(self, last: Sequence[State]) -> State:
        if self._has_memory:
            return tuple(torch.stack(part) for part in zip(*last, strict=True))
        return torch.stack(list(last))

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}, num_layers={self.num_layers}, batch_first={self.batch_first}"


def layer_norm_lstm(input_size: int, hidden_size: int, num_layers: int = 1, **options: Any) -> Unrolled:
    """A layer-normalized LSTM, called as nn.LSTM is: ``y, (h, c) = lstm(x, (h, c))``; options as of `Unrolled`."""
    return Unrolled(LayerNormLSTMCell, input_size, hidden_size, num_layers, **options)
