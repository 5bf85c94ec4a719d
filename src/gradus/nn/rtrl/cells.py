"""One step of a recurrent cell and its derivatives, written out.

Every gate of a unit reads the same inputs and reaches the state of its own unit only. So the derivative of a new state
with respect to the weights is sparse, and with respect to the old state it is a sum over gates of a diagonal matrix
times a weight matrix: `Local` holds the diagonals, and nothing here is ever larger than the state times the gates.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from gradus.core.errors import InputError

# N examples, R parts of a state (h, or h and c), G gates, H units, F inputs


class Weights(NamedTuple):
    """Of a cell, as torch stores them: (G H, F), (G H, H) and, or None, twice (G H,)."""

    input: Tensor
    hidden: Tensor
    input_bias: Tensor | None = None
    hidden_bias: Tensor | None = None


class Local(NamedTuple):
    """The derivatives of one step, unit by unit.

    Attributes:
        x, h: what the gates read: the input (N, F) and the old h (N, H), where there are biases with a column of ones.
        by_input: (N, R, G, H), of the new state with respect to W_x x + b_x of each gate.
        by_hidden: (N, R, G, H), with respect to W_h h + b_h; the same tensor where a gate adds the two.
        direct: (N, R, R, H), with respect to the unit's own old state, past all weights; None where there is no way.
    """

    x: Tensor
    h: Tensor
    by_input: Tensor
    by_hidden: Tensor
    direct: Tensor | None


Step = Callable[[Tensor, Tensor, Weights], tuple[Tensor, Local]]


def tanh_step(x: Tensor, state: Tensor, weights: Weights) -> tuple[Tensor, Local]:
    """h' = tanh(W_x x + b_x + W_h h + b_h); x (N, F), state (N, 1, H)."""
    h = state[:, 0]
    new = _sums(x, h, weights).tanh()
    slope = (1 - new * new)[:, None, None]
    return new[:, None], Local(_read(x, weights), _read(h, weights), slope, slope, None)


def relu_step(x: Tensor, state: Tensor, weights: Weights) -> tuple[Tensor, Local]:
    """h' = relu(W_x x + b_x + W_h h + b_h), an IRNN if W_h began as the identity; x (N, F), state (N, 1, H)."""
    h = state[:, 0]
    new = _sums(x, h, weights).relu()
    slope = (new > 0).to(new.dtype)[:, None, None]
    return new[:, None], Local(_read(x, weights), _read(h, weights), slope, slope, None)


def lstm_step(x: Tensor, state: Tensor, weights: Weights) -> tuple[Tensor, Local]:
    """c' = f c + i g, h' = o tanh(c'), gates i, f, g, o of W_x x + b_x + W_h h + b_h; state (N, 2, H) of h, c."""
    h, c = state.unbind(1)
    i, f, g, o = _sums(x, h, weights).unflatten(1, (4, -1)).unbind(1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    new_c = f * c + i * g
    seen = new_c.tanh()
    to_c = torch.stack([g * i * (1 - i), c * f * (1 - f), i * (1 - g * g), torch.zeros_like(c)], dim=1)
    out = o * (1 - seen * seen)  # how h' changes with c'
    to_h = out[:, None] * to_c
    to_h[:, 3] = seen * o * (1 - o)
    by_sum = torch.stack([to_h, to_c], dim=1)
    direct = by_sum.new_zeros(len(x), 2, 2, h.shape[1])  # nothing passes from h but through weights
    direct[:, 0, 1] = out * f
    direct[:, 1, 1] = f
    return torch.stack([o * seen, new_c], dim=1), Local(_read(x, weights), _read(h, weights), by_sum, by_sum, direct)


def gru_step(x: Tensor, state: Tensor, weights: Weights) -> tuple[Tensor, Local]:
    """h' = (1 - z) n + z h, n = tanh(W_xn x + b_xn + r (W_hn h + b_hn)): the reset after the product, as torch has it.

    The gates are r, z, n; state (N, 1, H).
    """
    h = state[:, 0]
    from_x = linear(x, weights.input, weights.input_bias).unflatten(1, (3, -1))
    from_h = linear(h, weights.hidden, weights.hidden_bias).unflatten(1, (3, -1))
    r, z = (from_x[:, :2] + from_h[:, :2]).sigmoid().unbind(1)
    n = (from_x[:, 2] + r * from_h[:, 2]).tanh()
    to_n = (1 - z) * (1 - n * n)
    to_r = to_n * from_h[:, 2] * r * (1 - r)
    to_z = (h - n) * z * (1 - z)
    by_input = torch.stack([to_r, to_z, to_n], dim=1)[:, None]
    by_hidden = torch.stack([to_r, to_z, to_n * r], dim=1)[:, None]
    new = n + z * (h - n)
    return new[:, None], Local(_read(x, weights), _read(h, weights), by_input, by_hidden, z[:, None, None])


class Kind(NamedTuple):
    """What sort of cell: its step, gates and parts, and which gate reaches which part within a step, R rows of G."""

    name: str
    step: Step
    gates: int
    reach: tuple[tuple[bool, ...], ...]

    @property
    def parts(self) -> int:
        return len(self.reach)


RNN = Kind("rnn", tanh_step, 1, ((True,),))
IRNN = Kind("irnn", relu_step, 1, ((True,),))
LSTM = Kind("lstm", lstm_step, 4, ((True, True, True, True), (True, True, True, False)))
GRU = Kind("gru", gru_step, 3, ((True, True, True),))


class Recurrence:
    """A cell, or one layer in one direction, read as what learns: weights that may change between steps.

    Args:
        cell: nn.RNNCell, nn.LSTMCell, nn.GRUCell; or nn.RNN, nn.LSTM, nn.GRU of one layer and one direction, among them
            the `kernel` of a `Recurrent`.
    Raises:
        InputError: for any other.
    """

    def __init__(self, cell: nn.Module) -> None:
        self.kind = _kind_of(cell)
        suffix = "_l0" if isinstance(cell, nn.RNNBase) else ""
        self.names = [f"{name}{suffix}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        self.has_bias = bool(cell.bias)
        if not self.has_bias:
            del self.names[2:]
        self._cell = cell
        self._learned = {name for name, _ in cell.named_parameters()}  # a single bias has a buffer of zeros beside it
        self.inputs = cell.get_parameter(self.names[0]).shape[1]
        self.units = cell.get_parameter(self.names[1]).shape[1]
        self.parts, self.gates = self.kind.parts, self.kind.gates

    @property
    def read(self) -> tuple[int, int]:
        """How many numbers a gate reads on the side of x and on that of h, the biases' ones among them."""
        return self.inputs + self.has_bias, self.units + self.has_bias

    @property
    def dtype(self) -> torch.dtype:
        return self._cell.get_parameter(self.names[0]).dtype

    @property
    def weights(self) -> Weights:
        """As they are now; later changes of the parameters show in them."""
        return Weights(*(getattr(self._cell, name).detach() for name in self.names))

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Local]:
        """The state (N, R, H) after x (N, F), and the derivatives of the step."""
        return self.kind.step(x, state, self.weights)

    def named(self, gradient: Tensor) -> dict[str, Tensor]:
        """A gradient (G, H, P), P in the order x, 1, h, 1, as those of the parameters by name."""
        of_x, of_h = gradient.split(self.read, dim=-1)
        found = [of_x[..., : self.inputs].flatten(0, 1), of_h[..., : self.units].flatten(0, 1)]
        if self.has_bias:
            found += [of_x[..., -1].flatten(), of_h[..., -1].flatten()]
        return {name: each for name, each in zip(self.names, found, strict=True) if name in self._learned}


def jacobian(local: Local, weights: Weights) -> Tensor:
    """The derivative of the new state with respect to the old h, (N, R, H, H)."""
    gates, units = local.by_hidden.shape[2:]
    scaled = local.by_hidden[..., None] * weights.hidden.view(gates, units, units)
    found = scaled[:, :, 0] if gates == 1 else scaled.sum(2)
    if local.direct is not None:
        found.diagonal(dim1=2, dim2=3).add_(local.direct[:, :, 0])
    return found


def push(local: Local, weights: Weights, tangent: Tensor) -> Tensor:
    """The Jacobian of a step times a change (N, R, H) of the old state, without the matrix."""
    sums = linear(tangent[:, 0], weights.hidden).view(len(tangent), 1, *local.by_hidden.shape[2:])
    found = (local.by_hidden * sums).sum(2)
    if local.direct is not None:
        found += (local.direct * tangent[:, None]).sum(2)
    return found


def pull(local: Local, weights: Weights, adjoint: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One step of backpropagation: `adjoint` (N, R, H) with respect to the new state, taken back.

    Returns:
        With respect to the gates' sums on the side of x and of h, (N, G, H) each, and to the old state, (N, R, H).
    """
    to_hidden = (local.by_hidden * adjoint[:, :, None]).sum(1)
    same = local.by_input is local.by_hidden
    to_input = to_hidden if same else (local.by_input * adjoint[:, :, None]).sum(1)
    to_h = to_hidden.flatten(1) @ weights.hidden
    if local.direct is None:
        return to_input, to_hidden, to_h[:, None]
    before = (local.direct * adjoint[:, :, None]).sum(1)
    before[:, 0] += to_h
    return to_input, to_hidden, before


def _sums(x: Tensor, h: Tensor, weights: Weights) -> Tensor:
    return linear(x, weights.input, weights.input_bias) + linear(h, weights.hidden, weights.hidden_bias)


def _read(values: Tensor, weights: Weights) -> Tensor:
    """With the ones that biases are weights of."""
    return values if weights.input_bias is None else torch.cat([values, values.new_ones(len(values), 1)], dim=1)


def _kind_of(cell: Any) -> Kind:
    found: Kind | None = None
    if isinstance(cell, nn.RNNCell | nn.RNN):
        found = IRNN if cell.nonlinearity == "relu" else RNN
    elif isinstance(cell, nn.LSTMCell | nn.LSTM):
        found = LSTM
    elif isinstance(cell, nn.GRUCell | nn.GRU):
        found = GRU
    if found is None:
        raise InputError(
            "rtrl", "`cell` must be an RNN, LSTM or GRU of torch's", type(cell).__name__, "Cells and layers both do."
        )
    if isinstance(cell, nn.RNNBase) and (cell.num_layers != 1 or cell.bidirectional or cell.proj_size or cell.dropout):
        raise InputError(
            "rtrl",
            "`cell` must be one layer in one direction, without projection and dropout",
            str(cell),
            "What comes from the future cannot be learned online.",
        )
    return found
