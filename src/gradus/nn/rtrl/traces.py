"""Influence that every unit keeps for itself: exact where units do not read each other, else an approximation."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from gradus.core.errors import InputError
from gradus.nn.rtrl.cells import Local, Recurrence
from gradus.nn.rtrl.learner import Learner

# N examples, R parts of a state (h, or h and c), G gates, H units, F inputs, P all that a gate reads


class Traced(Learner):
    """Keeps the influence of each weight on the state of its own unit: a trace, (N, R, G, H, P)."""

    def _start(self, examples: int, like: Tensor) -> None:
        self._trace = like.new_zeros(examples, self.recurrence.parts, *self._shape())

    @property
    def trace(self) -> Tensor:
        """(N, R, G, H, P): d (state of unit i) / d (weights of unit i)."""
        return self._trace

    @abstractmethod
    def _own(self, local: Local) -> Tensor:
        """(N, R, R, H): the derivative of a unit's new state with respect to its own old state."""

    @abstractmethod
    def _old(self, local: Local) -> Tensor:
        """What a unit's recurrent weights multiply, to be broadcast against (N, R, G, H, P')."""

    def _advance(self, local: Local) -> None:
        own = self._own(local)
        if own.shape[1] == 1:
            self._trace *= own[:, 0, :, None, :, None]
        else:
            self._trace = torch.einsum("nrqh,nqghp->nrghp", own, self._trace)
        # and the weights as they are used at this step
        width = local.x.shape[1]
        self._trace[..., :width].addcmul_(local.by_input[..., None], local.x[:, None, None, None])
        self._trace[..., width:].addcmul_(local.by_hidden[..., None], self._old(local))

    def _credit(self, dh: Tensor) -> None:
        assert self._sum is not None
        self._sum += (dh[:, None, :, None] * self._trace[:, 0]).sum(0)

    def _forget(self, rows: Tensor) -> None:
        self._trace = self._trace.masked_fill(rows[:, None, None, None, None], 0)

    def _memory(self) -> dict[str, Tensor]:
        return {"trace": self._trace}

    def _remember(self, saved: Mapping[str, Tensor]) -> None:
        self._trace = saved["trace"]


class SnAp1(Traced):
    """SnAp-1: of the influence matrix only what is not zero after one step, the influence on a weight's own unit.

    Exact where units do not read each other. Of an LSTM's output gate only the influence on h is kept, as within one
    step it does not reach c.

    Cost: O(H^2) time and memory for each example, as the forward step.
    Source: Menick, Elsen, Evci, Osindero, Simonyan, Graves (2020), A practical sparse approximation for real time
    recurrent learning, arXiv:2006.07232, section 3.
    """

    method = "snap1"
    recurrence: Recurrence

    def __init__(self, recurrence: Recurrence) -> None:
        super().__init__(recurrence)

    def _start(self, examples: int, like: Tensor) -> None:
        super()._start(examples, like)
        reach = torch.tensor(self.recurrence.kind.reach, device=like.device)
        self._cut = None if bool(reach.all()) else ~reach[:, :, None, None]

    def _own(self, local: Local) -> Tensor:
        gates, units = local.by_hidden.shape[2:]
        loops = self.recurrence.weights.hidden.view(gates, units, units).diagonal(dim1=1, dim2=2)  # (G, H)
        through = (local.by_hidden * loops).sum(2)
        if local.direct is None:
            return through[:, :, None]
        own = local.direct.clone()
        own[:, :, 0] += through
        return own

    def _old(self, local: Local) -> Tensor:
        return local.h[:, None, None, None]  # every unit's weights read all of h

    def _advance(self, local: Local) -> None:
        super()._advance(local)
        if self._cut is not None:
            self._trace.masked_fill_(self._cut, 0)


class ElementwiseRNN(nn.Module):
    """A recurrent cell whose units read themselves and the input, not each other.

        h' = f(a * h + W x + b)

    Its RTRL is exact at the price of a forward step (`rtrl("diagonal", ...)`). Units of the next layer mix what these
    remember.

    Args:
        nonlinearity: "tanh", "relu", or "identity" for a linear memory.
    Source: Mozer (1989), A focused back-propagation algorithm for temporal pattern recognition; Li et al. (2018),
    Independently recurrent neural network, arXiv:1803.04831, equation 2. `a` begins uniform in [0, 1], so that the
    units remember for various times; `weight_ih` and `bias` as torch's nn.Linear.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        nonlinearity: Literal["tanh", "relu", "identity"] = "tanh",
        bias: bool = True,
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


class Elementwise:
    """An `ElementwiseRNN` read as what learns; a unit reads x, 1 if there is a bias, and its own h."""

    parts = gates = 1

    def __init__(self, cell: nn.Module) -> None:
        if not isinstance(cell, ElementwiseRNN):
            raise InputError(
                "rtrl `diagonal`",
                "`cell` must be an ElementwiseRNN, whose units do not read each other",
                type(cell).__name__,
                "For other cells `snap1` costs as little, and `block` is exact.",
            )
        self._cell = cell
        self.inputs, self.units = cell.input_size, cell.hidden_size

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


class Diagonal(Traced):
    """RTRL of a cell whose units do not read each other: exact, and each weight has one number to carry.

        e' = f'(z) (a e + z_now)

    with z_now what the weight multiplies: an input, 1, or the unit's old state.

    Cost: O(H F) time and memory for each example, as the forward step.
    Source: Mozer (1989), as for `ElementwiseRNN`; Irie, Gopalakrishnan, Schmidhuber (2023), Exploring the promise and
    limits of real-time recurrent learning, arXiv:2305.19044, section 3.
    """

    method = "diagonal"

    def __init__(self, recurrence: Elementwise) -> None:
        super().__init__(recurrence)

    def _own(self, local: Local) -> Tensor:
        assert local.direct is not None
        return local.direct

    def _old(self, local: Local) -> Tensor:
        return local.h[:, None, None, :, None]
