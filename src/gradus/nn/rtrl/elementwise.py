"""Recurrence without crossing: units that read themselves and the input, not each other."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from gradus.core.errors import InputError
from gradus.nn.rtrl.cells import Local

# N examples, T steps, H units, F inputs

Nonlinearity = Literal["tanh", "relu", "identity"]


class ElementwiseRNNCell(nn.Module):
    """A recurrent cell whose units read themselves and the input, not each other.

        h' = f(a * h + W x + b)

    Its RTRL is exact at the price of a forward step (`rtrl("diagonal", cell)`). Units of the next layer mix what these
    remember.

    Args:
        nonlinearity: "tanh", "relu", or "identity" for a linear memory.
    Source: Mozer (1989), A focused back-propagation algorithm for temporal pattern recognition; Li et al. (2018),
    Independently recurrent neural network, arXiv:1803.04831. `a`, here `weight_hh`, begins uniform in
    [0, 1], so that the units remember for various times.
    """

    def __init__(
        self, input_size: int, hidden_size: int, *, nonlinearity: Nonlinearity = "tanh", bias: bool = True
    ) -> None:
        super().__init__()
        if input_size < 1 or hidden_size < 1:
            raise InputError("ElementwiseRNN", "sizes must be 1 or more", (input_size, hidden_size))
        if nonlinearity not in ("tanh", "relu", "identity"):
            raise InputError("ElementwiseRNN", "`nonlinearity` must be tanh, relu or identity", nonlinearity)
        self.input_size, self.hidden_size, self.nonlinearity = input_size, hidden_size, nonlinearity
        self.weight_ih = nn.Parameter(torch.empty(hidden_size, input_size).uniform_(-1, 1) / input_size**0.5)
        self.weight_hh = nn.Parameter(torch.empty(hidden_size).uniform_())
        self.bias = nn.Parameter(torch.zeros(hidden_size)) if bias else None

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        """The state (N, H) after `x` (N, F) and the state `h` (N, H), zeros if None."""
        total = linear(x, self.weight_ih, self.bias)
        if h is not None:
            total = total + self.weight_hh * h
        if self.nonlinearity == "identity":
            return total
        return total.tanh() if self.nonlinearity == "tanh" else total.relu()

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}, nonlinearity={self.nonlinearity!r}"


class ElementwiseRNN(nn.Module):
    """An `ElementwiseRNNCell` over time, called as nn.RNN is: ``y, h = layer(x, h)``.

    Args:
        batch_first: whether x is (N, T, F); else (T, N, F).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        nonlinearity: Nonlinearity = "tanh",
        bias: bool = True,
        batch_first: bool = True,
    ) -> None:
        super().__init__()
        self.cell = ElementwiseRNNCell(input_size, hidden_size, nonlinearity=nonlinearity, bias=bias)
        self.batch_first = batch_first

    def forward(self, x: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """h at every step, (N, T, H) or (T, N, H), and the last one, (1, N, H); `h` as that, zeros if None."""
        if x.dim() != 3 or x.shape[2] != self.cell.input_size:
            rule = f"`x` must have three axes, the last of {self.cell.input_size} features"
            raise InputError("ElementwiseRNN", rule, tuple(x.shape))
        time = 1 if self.batch_first else 0
        if not x.shape[time]:
            raise InputError("ElementwiseRNN", "`x` must have a step or more", tuple(x.shape))
        wanted = (1, x.shape[1 - time], self.cell.hidden_size)
        if h is not None and h.shape != wanted:  # others would be broadcast
            raise InputError("ElementwiseRNN", f"`h` must be of shape {wanted}", tuple(h.shape))
        state, states = None if h is None else h[0], []
        for step in x.unbind(time):
            state = self.cell(step, state)
            states.append(state)
        return torch.stack(states, dim=time), states[-1][None]


class Elementwise:
    """A cell without crossing, read as what learns; a unit reads x, 1 if there is a bias, and its own h.

    Raises:
        InputError: if `cell` is another one.
    """

    parts = gates = 1

    def __init__(self, cell: nn.Module) -> None:
        if not isinstance(cell, ElementwiseRNNCell):
            raise InputError(
                "rtrl `diagonal`",
                "`cell` must be an ElementwiseRNNCell, whose units do not read each other",
                type(cell).__name__,
                "For other cells `snap1` costs as little, and `block` is exact.",
            )
        self._cell = cell
        self.inputs, self.units = cell.input_size, cell.hidden_size

    @property
    def dtype(self) -> torch.dtype:
        return self._cell.weight_ih.dtype

    @property
    def read(self) -> tuple[int, int]:
        return self.inputs + (self._cell.bias is not None), 1

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Local]:
        h = state[:, 0]
        new = self._cell(x, h)
        if self._cell.nonlinearity == "tanh":
            slope = 1 - new * new
        else:
            slope = torch.ones_like(new) if self._cell.nonlinearity == "identity" else (new > 0).to(new.dtype)
        if self._cell.bias is not None:
            x = torch.cat([x, x.new_ones(len(x), 1)], dim=1)
        by_sum = slope[:, None, None]
        return new[:, None], Local(x, h, by_sum, by_sum, by_sum * self._cell.weight_hh)

    def named(self, gradient: Tensor) -> dict[str, Tensor]:
        of_x, of_h = gradient[0].split(self.read, dim=-1)
        found = {"weight_ih": of_x[:, : self.inputs], "weight_hh": of_h[:, 0]}
        return found if self._cell.bias is None else {**found, "bias": of_x[:, -1]}
