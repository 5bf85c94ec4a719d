"""One step of each kind of recurrence: the equations, without weights of their own.

A step is a Module so that what looks on, as the doctor does, sees every step of a sequence.
"""

from abc import abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

# N sequences, F features, H units, G matrices kept in one parameter: weight_ih (G H, F), weight_hh (G H, H)

Parts = tuple[Tensor, ...]
"""Of a state: (h,), or (h, c); each (N, H)."""


class Weights(NamedTuple):
    """What a step multiplies by, in torch's names and order of gates."""

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None
    own: Any = None
    """The cell that has what only its kind has: peepholes, normalizations."""


class Step(nn.Module):
    """From one step of a sequence to the next.

    Attributes:
        chunks: G, how many matrices lie one after the other in `weight_ih` and `weight_hh`.
        parts: tensors of a state: 1 for h, 2 for (h, c).
        gates: names of what `forward` hands back beside the state.
    """

    chunks: ClassVar[int]
    parts: ClassVar[int] = 1
    gates: ClassVar[tuple[str, ...]] = ()

    def project(self, x: Tensor, w: Weights) -> Tensor:
        """What a step takes of its input, for all steps at once: (..., F) to (..., G H)."""
        bias = w.bias_ih
        if w.bias_hh is not None:  # of two biases that are only ever added one addition is saved
            bias = w.bias_hh if bias is None else bias + w.bias_hh
        return functional.linear(x, w.weight_ih, bias)

    @abstractmethod
    def forward(self, projected: Tensor, state: Parts, w: Weights, mask: Tensor | None = None) -> tuple[Parts, Parts]:
        """The next state, and the gates on the way there.

        Args:
            projected: of this step, (N, G H).
            state: (h,) or (h, c).
            w: what it multiplies by.
            mask: (N, H), multiplies what of h meets `weight_hh`, and nothing else.
        """

    def extra(self, hidden_size: int) -> dict[str, nn.Module | nn.Parameter]:
        """Further parts of a cell, by name."""
        return {}


class RNNStep(Step):
    """Vanilla recurrence.

        h' = f(W x + b + U h)        f = tanh or relu

    Source: Elman (1990), Finding structure in time, Cognitive Science 14.
    """

    chunks = 1

    def __init__(self, nonlinearity: Literal["tanh", "relu"] = "tanh") -> None:
        super().__init__()
        self.nonlinearity = nonlinearity

    def forward(self, projected: Tensor, state: Parts, w: Weights, mask: Tensor | None = None) -> tuple[Parts, Parts]:
        total = _joined(projected, _masked(state[0], mask), w.weight_hh)
        return (total.relu() if self.nonlinearity == "relu" else total.tanh(),), ()


class LSTMStep(Step):
    """Long short-term memory with a forget gate, in torch's order of gates.

        i, f, g, o = W x + b + U h,  i, f, o = sigmoid(i, f, o),  g = tanh(g)
        c' = f c + i g
        h' = o tanh(c')

    Source: Hochreiter, Schmidhuber (1997), Neural Computation 9; forget gate: Gers, Schmidhuber, Cummins (2000).
    """

    chunks, parts = 4, 2
    gates = ("input", "forget", "candidate", "output", "memory")

    def forward(self, projected: Tensor, state: Parts, w: Weights, mask: Tensor | None = None) -> tuple[Parts, Parts]:
        h, c = state
        i, f, g, o = _joined(projected, _masked(h, mask), w.weight_hh).chunk(4, dim=-1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * c + i * g
        return (o * c.tanh(), c), (i, f, g, o, c)


class PeepholeLSTMStep(Step):
    """An LSTM whose gates see the memory: the output gate what it has become, the others what it was.

        i = sigmoid(W_i x + U_i h + p_i c + b_i),  f = sigmoid(W_f x + U_f h + p_f c + b_f)
        c' = f c + i tanh(W_g x + U_g h + b_g)
        o = sigmoid(W_o x + U_o h + p_o c' + b_o)
        h' = o tanh(c')

    `peepholes` holds p_i, p_f and p_o, (3, H): a number for each unit, which sees its own memory only.

    Source: Gers, Schmidhuber (2000), Recurrent nets that time and count, IJCNN.
    """

    chunks, parts = 4, 2
    gates = LSTMStep.gates

    def forward(self, projected: Tensor, state: Parts, w: Weights, mask: Tensor | None = None) -> tuple[Parts, Parts]:
        h, c = state
        p_i, p_f, p_o = w.own.peepholes.unbind()
        i, f, g, o = _joined(projected, _masked(h, mask), w.weight_hh).chunk(4, dim=-1)
        i, f, g = (i + p_i * c).sigmoid(), (f + p_f * c).sigmoid(), g.tanh()
        c = f * c + i * g
        o = (o + p_o * c).sigmoid()
        return (o * c.tanh(), c), (i, f, g, o, c)

    def extra(self, hidden_size: int) -> dict[str, nn.Module | nn.Parameter]:
        bound = hidden_size**-0.5 if hidden_size else 0.0  # as torch draws the other weights
        return {"peepholes": nn.Parameter(torch.empty(3, hidden_size).uniform_(-bound, bound))}


class LayerNormLSTMStep(Step):
    """An LSTM that normalizes what goes into its gates, and its memory on the way out.

        i, f, g, o = LN(W x; a_1, b_1) + LN(U h; a_2, b_2) + b         (equation 20, in torch's order of gates)
        c' = sigmoid(f) c + sigmoid(i) tanh(g)                          (equation 21)
        h' = sigmoid(o) tanh(LN(c'; a_3, b_3))                          (equation 22)

    Each normalization is over all units of one example at one step, the four gates together.

    Source: Ba, Kiros, Hinton (2016), Layer normalization, arXiv:1607.06450, supplementary material.
    """

    chunks, parts = 4, 2
    gates = LSTMStep.gates

    def project(self, x: Tensor, w: Weights) -> Tensor:
        normal: Tensor = w.own.norm_inputs(x @ w.weight_ih.mT)
        for bias in (w.bias_ih, w.bias_hh):
            normal = normal if bias is None else normal + bias
        return normal

    def forward(self, projected: Tensor, state: Parts, w: Weights, mask: Tensor | None = None) -> tuple[Parts, Parts]:
        h, c = state
        i, f, g, o = (projected + w.own.norm_state(_masked(h, mask) @ w.weight_hh.mT)).chunk(4, dim=-1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * c + i * g
        return (o * w.own.norm_memory(c).tanh(), c), (i, f, g, o, c)

    def extra(self, hidden_size: int) -> dict[str, nn.Module | nn.Parameter]:
        gates, memory = 4 * hidden_size, hidden_size
        return {
            "norm_inputs": nn.LayerNorm(gates),
            "norm_state": nn.LayerNorm(gates),
            "norm_memory": nn.LayerNorm(memory),
        }


class GRUStep(Step):
    """Gated recurrent unit, in torch's order of gates; z is the share of the old state that is kept.

        r = sigmoid(W_r x + U_r h + b_r),  z = sigmoid(W_z x + U_z h + b_z)
        n = tanh(W_n x + b_n + U_n (r h))             reset "before" the product, equation 8 of the paper
        n = tanh(W_n x + b_n + r (U_n h + b_hn))      reset "after" it, as torch and cuDNN have it
        h' = (1 - z) n + z h

    Some texts write z for 1 - z: the same function, its update weights negated.

    Source: Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, arXiv:1406.1078.
    """

    chunks = 3
    gates = ("reset", "update", "candidate")

    def __init__(self, reset: Literal["before", "after"] = "after") -> None:
        super().__init__()
        self.reset = reset

    def project(self, x: Tensor, w: Weights) -> Tensor:
        if self.reset == "before":
            return super().project(x, w)
        return functional.linear(x, w.weight_ih, w.bias_ih)  # b_hn is within the reset

    def forward(self, projected: Tensor, state: Parts, w: Weights, mask: Tensor | None = None) -> tuple[Parts, Parts]:
        (h,) = state
        seen = _masked(h, mask)
        if self.reset == "after":
            x_r, x_z, x_n = projected.chunk(3, dim=-1)
            h_r, h_z, h_n = functional.linear(seen, w.weight_hh, w.bias_hh).chunk(3, dim=-1)
            r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
            n = (x_n + r * h_n).tanh()
        else:
            width = h.shape[-1]
            x_rz, x_n = projected.split([2 * width, width], dim=-1)
            u_rz, u_n = w.weight_hh.split([2 * width, width])
            r, z = _joined(x_rz, seen, u_rz).sigmoid().chunk(2, dim=-1)
            n = _joined(x_n, r * seen, u_n).tanh()
        return (n + z * (h - n),), (r, z, n)


def _masked(h: Tensor, mask: Tensor | None) -> Tensor:
    return h if mask is None else h * mask


def _joined(projected: Tensor, h: Tensor, weight: Tensor) -> Tensor:
    """W x + b + U h, one kernel for product and sum."""
    return torch.addmm(projected, h, weight.mT)
