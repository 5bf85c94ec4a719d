"""Recurrent layers, stacked, in one direction or both."""

from collections.abc import Sequence
from typing import Any, Literal, cast, overload

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.nn.dropout import LockedDropout, checked_chance, locked_mask
from gradus.nn.recurrent.cell import Cell, check_biases, check_sizes
from gradus.nn.recurrent.kernels import fused as torchs
from gradus.nn.recurrent.kernels import has_kernel, run_packed, weights_of
from gradus.nn.recurrent.kinds import Biases, Kind, Nonlinearity, Reset, make_step
from gradus.nn.recurrent.steps import Parts, Step, Weights
from gradus.nn.recurrent.unrolled import unroll

# N sequences, T steps, F features, H units, L layers, D directions

State = Tensor | tuple[Tensor, Tensor]
"""h, or (h, c) of a kind of LSTM; each (L D, N, H)."""
Gates = dict[str, dict[str, Tensor]]
"""By layer and direction ("l0", "l0_reverse", ...), then by name; each (N, T, H), as `batch_first` has it."""


class Recurrent(nn.Module):
    """Recurrent layers of any kind, called as nn.LSTM is: ``y, state = layer(x, state)``.

    | kind | equations | runs on |
    |---|---|---|
    | "rnn" | `RNNStep`, tanh or ReLU | nn.RNN |
    | "irnn" | `RNNStep`, ReLU, that begins as the identity | nn.RNN |
    | "lstm" | `LSTMStep` | nn.LSTM |
    | "gru" | `GRUStep`, reset after the product or before | nn.GRU; "before" is unrolled |
    | "peephole_lstm" | `PeepholeLSTMStep` | unrolled |
    | "layer_norm_lstm" | `LayerNormLSTMStep` | unrolled |

    Where torch's fused layer has the same equations it holds the weights, as `kernel` in torch's names, and runs except
    where something happens between two steps: variational dropout of the state or between layers in training, or
    `return_gates`. Other kinds have `cells`, and so has every kind with `fused=False`. Results are the same either way.

    Args:
        kind: of recurrence.
        input_size: F.
        hidden_size: H.
        num_layers: L.
        batch_first: whether x is (N, T, F); else (T, N, F).
        bidirectional: also from the end to the beginning; D is then 2.
        biases: 2 that are added, as torch has; 1, as texts write it; or 0. By default 2 on torch's
            kernels, else 1.
        nonlinearity: of "rnn".
        reset: of "gru": whether its gate acts before or after the product with the state.
        dropout: between layers, each number by itself, as nn.LSTM has it.
        variational: the chance that a feature is left out, the same ones at every step of a sequence: of inputs,
            between layers, and of the state where it meets the recurrent matrix. One number is for all three.
        weight_drop: the chance that a weight from state to state is left out, the same ones at every step.
        fused: False for cells in the place of torch's layer, which torch.compile cannot look into.
    Raises:
        InputError: for an unknown kind, or a number out of range.
    Source: of variational dropout: Gal, Ghahramani (2016), arXiv:1512.05287, equation 7, with tied weights; of weight
        dropping: Merity, Keskar, Socher (2018), arXiv:1708.02182.
    """

    def __init__(
        self,
        kind: Kind,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        batch_first: bool = True,
        bidirectional: bool = False,
        biases: Biases | None = None,
        nonlinearity: Nonlinearity = "tanh",
        reset: Reset = "after",
        dropout: float = 0.0,
        variational: float | tuple[float, float, float] = 0.0,
        weight_drop: float = 0.0,
        fused: bool = True,
    ) -> None:
        super().__init__()
        check_sizes("Recurrent", input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        step = make_step(kind, nonlinearity=nonlinearity, reset=reset)
        if biases is None:
            biases = 2 if has_kernel(step) else 1
        check_biases(biases)
        self.kind, self.biases = kind, biases
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.batch_first, self.bidirectional = batch_first, bidirectional
        self.directions = 2 if bidirectional else 1
        self.dropout, self.weight_drop = checked_chance(dropout), checked_chance(weight_drop)
        chances = tuple(map(checked_chance, variational if isinstance(variational, Sequence) else (variational,) * 3))
        if len(chances) != 3:
            raise InputError("Recurrent", "`variational` must be a number, or three", variational)
        self.variational: tuple[float, float, float] = chances
        self.parts = step.parts
        self.entering = LockedDropout(chances[0], steps=1 if batch_first else 0)
        ends = ("", "_reverse")[: self.directions]
        self.places = tuple(f"l{layer}{end}" for layer in range(num_layers) for end in ends)
        self.kernel = None if not fused else torchs(
            kind, step, input_size, hidden_size, num_layers, biases=biases, bidirectional=bidirectional,
            batch_first=batch_first, dropout=dropout if num_layers > 1 else 0.0,
        )  # fmt: skip
        options: dict[str, Any] = {"nonlinearity": nonlinearity, "reset": reset}
        widths = [input_size] + [self.directions * hidden_size] * (num_layers - 1)
        self.cells = nn.ModuleList(
            make_step(kind, **options)
            if self.kernel is not None
            else Cell(kind, width, hidden_size, biases=biases, **options)
            for width in widths
            for _ in ends
        )
        self.register_load_state_dict_pre_hook(_from_torch)  # type: ignore[no-untyped-call]

    @overload
    def forward(
        self,
        x: Tensor,
        state: State | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        return_gates: Literal[False] = False,
    ) -> tuple[Tensor, State]: ...
    @overload
    def forward(
        self,
        x: Tensor,
        state: State | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        return_gates: Literal[True],
    ) -> tuple[Tensor, State, Gates]: ...
    def forward(
        self,
        x: Tensor,
        state: State | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        return_gates: bool = False,
    ) -> tuple[Tensor, State] | tuple[Tensor, State, Gates]:
        """Outputs of the last layer at every step, and the last state of each layer and direction.

        Args:
            x: (N, T, F), or (T, N, F) without `batch_first`.
            state: h, or (h, c) of a kind of LSTM, each (L D, N, H); zeros if None.
            lengths: (N,), steps of each sequence, 1 to T. What comes after has no influence; outputs there are 0, and
                the state is that after a sequence's own last step. Backwards, a sequence begins at its own end.
            return_gates: hand the gates back, too; the layer is then unrolled.
        Returns:
            (N, T, D H) or (T, N, D H); the state as it was given; with `return_gates` the gates, 0 beyond an end.
        Raises:
            InputError: if `x`, `state` or `lengths` is not so.
        """
        self._check(x, state)
        ends = None if lengths is None else self._ends(lengths, x)
        dropped = self._dropped()
        x = self.entering(x)
        if self.kernel is not None and not return_gates and self._undisturbed():
            return self._fused(self.kernel, x, state, ends, dropped)
        y, last, gates = self._unrolled(x, state, ends, dropped, gates=return_gates)
        return (y, last, gates) if return_gates else (y, last)

    def _undisturbed(self) -> bool:
        """Whether nothing happens between two steps, or between layers but what torch's kernel does itself."""
        _, between, of_state = self.variational
        return not (self.training and (of_state or (between and self.num_layers > 1)))

    def _fused(
        self, kernel: nn.RNNBase, x: Tensor, state: State | None, ends: Tensor | None, dropped: dict[str, Tensor]
    ) -> tuple[Tensor, State]:
        def run(x: Any, state: State | None) -> Any:
            if not dropped:
                return kernel(x, state)
            return functional_call(kernel, {f"weight_hh_{place}": each for place, each in dropped.items()}, (x, state))

        result: tuple[Tensor, State] = (
            run(x, state) if ends is None else run_packed(run, x, state, ends, batch_first=self.batch_first)
        )
        return result

    def _unrolled(
        self, x: Tensor, state: State | None, ends: Tensor | None, dropped: dict[str, Tensor], *, gates: bool
    ) -> tuple[Tensor, State, Gates]:
        x_TNF = x.transpose(0, 1) if self.batch_first else x
        valid_TN1 = None
        if ends is not None:
            valid_TN1 = (torch.arange(len(x_TNF), device=x.device)[:, None] < ends.to(x.device))[..., None]
            x_TNF = x_TNF.where(valid_TN1, 0.0)  # else what is not finite there would enter gradients as 0 * inf
        before = self._first(x_TNF) if state is None else (state,) if isinstance(state, Tensor) else state
        last: list[Parts] = []
        named: Gates = {}
        for layer in range(self.num_layers):
            if layer:
                x_TNF = self._between(x_TNF)
            ways = []
            for direction in range(self.directions):
                at = layer * self.directions + direction
                place = self.places[at]
                step, w = self._step(at)
                if place in dropped:
                    w = w._replace(weight_hh=dropped[place])
                start = tuple(part[at] for part in before)
                mask = locked_mask(start[0].detach(), self.variational[2] if self.training else 0.0)
                y, end, named[place] = unroll(
                    step, w, x_TNF, start, backwards=direction == 1, valid_TN1=valid_TN1, mask=mask, gates=gates
                )
                ways.append(y)
                last.append(end)
            x_TNF = torch.cat(ways, dim=-1) if len(ways) > 1 else ways[0]
        joined = tuple(torch.stack(part) for part in zip(*last, strict=True))
        if self.batch_first:
            named = {
                place: {name: each.transpose(0, 1) for name, each in some.items()} for place, some in named.items()
            }
        y = x_TNF.transpose(0, 1) if self.batch_first else x_TNF
        return y, joined[0] if len(joined) == 1 else (joined[0], joined[1]), named

    def _between(self, x_TNF: Tensor) -> Tensor:
        """What one layer gives, as the next one takes it."""
        if not self.training:
            return x_TNF
        mask = locked_mask(x_TNF.detach()[:1], self.variational[1])
        x_TNF = x_TNF if mask is None else x_TNF * mask
        return functional.dropout(x_TNF, self.dropout) if self.dropout else x_TNF

    def _step(self, at: int) -> tuple[Step, Weights]:
        cell = self.cells[at]
        if isinstance(cell, Cell):
            return cell.step, cell.weights()
        step, kernel = cast(Step, cell), cast(nn.RNNBase, self.kernel)
        return step, weights_of(kernel, self.places[at])

    def _dropped(self) -> dict[str, Tensor]:
        """The recurrent matrices of this pass, where some of their weights are left out."""
        if not (self.training and self.weight_drop):
            return {}
        matrices = {place: self._step(at)[1].weight_hh for at, place in enumerate(self.places)}
        return {place: functional.dropout(each, self.weight_drop) for place, each in matrices.items()}

    def _first(self, x_TNF: Tensor) -> Parts:
        zeros = x_TNF.new_zeros(len(self.places), x_TNF.shape[1], self.hidden_size)
        return (zeros,) * self.parts

    def _check(self, x: Tensor, state: State | None) -> None:
        if not isinstance(x, Tensor) or x.dim() != 3 or x.shape[-1] != self.input_size:
            given = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            rule = f"`x` must have three axes, the last of {self.input_size} features"
            raise InputError("Recurrent", rule, given, "Of sequences that end earlier give `lengths`.")
        if not x.shape[1 if self.batch_first else 0]:
            raise InputError("Recurrent", "`x` must have a step or more", tuple(x.shape))
        wanted_dtype = self._step(0)[1].weight_ih.dtype
        if x.dtype != wanted_dtype and not torch.is_autocast_enabled(x.device.type):
            raise InputError("Recurrent", f"`x` must be of {wanted_dtype}, as the weights are", str(x.dtype))
        if state is None:
            return
        parts = tuple(state) if isinstance(state, tuple | list) else (state,)
        wanted = (len(self.places), x.shape[0 if self.batch_first else 1], self.hidden_size)
        shapes = [tuple(each.shape) if isinstance(each, Tensor) else type(each).__name__ for each in parts]
        if shapes != [wanted] * self.parts:
            rule = f"`state` must be {'a pair, both of' if self.parts == 2 else 'of'} shape {wanted}"
            raise InputError("Recurrent", rule, shapes)

    def _ends(self, lengths: Tensor | Sequence[int], x: Tensor) -> Tensor:
        try:
            ends = torch.as_tensor(lengths)
        except (TypeError, ValueError, RuntimeError):
            raise InputError("Recurrent", "`lengths` must be whole numbers", lengths) from None
        count, steps = (x.shape[0], x.shape[1]) if self.batch_first else (x.shape[1], x.shape[0])
        if tuple(ends.shape) != (count,) or ends.is_floating_point():
            rule = f"`lengths` must be of shape ({count},) and whole numbers"
            raise InputError("Recurrent", rule, f"{tuple(ends.shape)} of {ends.dtype}")
        if not torch.compiler.is_compiling() and not bool(((ends >= 1) & (ends <= steps)).all()):
            raise InputError("Recurrent", f"`lengths` must be 1 to {steps}, the steps of `x`", ends.tolist())
        return ends

    def extra_repr(self) -> str:
        said = f"{self.kind}, {self.input_size}, {self.hidden_size}, num_layers={self.num_layers}"
        return f"{said}, batch_first={self.batch_first}, bidirectional={self.bidirectional}, biases={self.biases}"


def _from_torch(layer: Recurrent, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Weights by the names that nn.LSTM and the like give them become those of the same layer and direction."""
    for at, place in enumerate(layer.places):
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            if (theirs := f"{prefix}{name}_{place}") in state:
                ours = f"cells.{at}.{name}" if layer.kernel is None else f"kernel.{name}_{place}"
                state[prefix + ours] = state.pop(theirs)
