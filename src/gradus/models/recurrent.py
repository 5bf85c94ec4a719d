"""Recurrent networks: read a sequence step by step, and say something of it at its end or at every step."""

from typing import Annotated, Any, NamedTuple

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.sequences import FromLast, check_forecast, entrance
from gradus.nn.dropout import Chance
from gradus.nn.recurrent import Kind, Recurrent, State

# N examples, T steps, F features, H units, L layers, D directions

_COMMON: dict[str, Any] = {
    "family": "recurrent",
    "input": (24, 7),
    "outputs": 1,
    "tasks": ("regression", "classification"),
}
_BIASES = "Two biases that are added, as torch has it."


class Carried(NamedTuple):
    """What a `Reader` gives where its state is to be carried on.

    Attributes:
        output: as without.
        state: h, or (h, c) of a kind of LSTM, each (L, N, H): what it needs to read on.
    """

    output: Tensor
    state: State


@torch.no_grad()
def begin_with_memory(recurrence: Recurrent, steps: int) -> None:
    """First biases with which a gate keeps a unit's memory for up to so many steps.

        b_f = log u,  b_i = -b_f  of an LSTM,   b_z = log u  of a GRU,   u ~ U(1, steps - 1) for each unit

    A memory that is multiplied by sigmoid(log u) = u / (1 + u) at each step lasts some 1 + u steps.

    Raises:
        InputError: for a recurrence without gates or biases, or fewer than 3 steps.
    Source: Tallec, Ollivier (2018), Can recurrent neural networks warp time?, arXiv:1804.11188, section 3, chrono
    initialization. Its GRU has 1 - z where torch's has z.
    """
    if steps < 3:
        raise InputError("model `recurrent`", "`memory` must be 3 steps or more", steps)
    hidden = recurrence.hidden_size
    biases = {name: each for name, each in recurrence.named_parameters() if ".bias_" in name}
    parts = max((each.numel() // hidden for each in biases.values()), default=0)  # i, f, g, o, or r, z, n
    if parts < 3:
        repair = "Leave it out, or choose `lstm` or `gru`."
        raise InputError("model `recurrent`", "`memory` is of gates that have biases", recurrence.kind, repair)
    for name, bias in biases.items():
        keeping = bias[hidden : 2 * hidden]
        if ".bias_hh" in name:  # added to the other
            bias[: 2 * hidden] = 0
            continue
        keeping.copy_(torch.empty_like(keeping).uniform_(1, steps - 1).log_())
        if parts == 4:
            bias[:hidden] = -keeping


class Reader(nn.Module):
    """A recurrence over a sequence, and what is to be said of it.

    Args:
        embedding: (N, T) codes or (N, T, F) numbers to (N, T, F).
        recurrence: (N, T, F) to outputs (N, T, D H) and a state.
        output: (N, T, D H) or (N, D H) to what is asked for.
        every_step: say it at every step, not only at the end.
    """

    def __init__(self, embedding: nn.Module, recurrence: Recurrent, output: nn.Module, *, every_step: bool) -> None:
        super().__init__()
        self.embedding, self.recurrence, self.output = embedding, recurrence, output
        self.every_step = every_step

    @property
    def carries(self) -> bool:
        """Whether it can read a sequence part by part: it does not read backwards."""
        return not self.recurrence.bidirectional

    def forward(self, window: Tensor, state: State | None = None, *, carry: bool = False) -> Tensor | Carried:
        """Logits or values of what it reads.

        Args:
            window: (N, T, F) numbers or (N, T) codes.
            state: what was read before, as `Carried` has it; by default nothing was.
            carry: give the state too.
        Returns:
            (N, classes), or (N, T, classes) where every step has one; `Carried` if `carry`.
        Raises:
            InputError: for a state, or one to carry, of a network that also reads backwards.
        """
        if (carry or state is not None) and not self.carries:
            rule = "a network that reads backwards has no state at the end to go on from"
            raise InputError("carry", rule, repair="Build it with `bidirectional` = false.")
        steps, state = self.recurrence(self.embedding(window), state)
        output: Tensor = self.output(steps if self.every_step else self._ends(state))
        return Carried(output, state) if carry else output

    def _ends(self, state: State) -> Tensor:
        """Each direction's last state, side by side, (N, D H)."""
        h_LNH = state[0] if isinstance(state, tuple) else state
        return h_LNH[-self.recurrence.directions :].transpose(0, 1).flatten(1)


@models.register(
    "rnn",
    preset={"kind": "rnn"},
    source="Elman (1990), Finding structure in time, Cognitive Science 14",
    year=1990,
    notes=f"With tanh. {_BIASES}",
    **_COMMON,
)
@models.register(
    "irnn",
    preset={"kind": "irnn"},
    source="Le, Jaitly, Hinton (2015), A simple way to initialize recurrent networks of rectified linear units, "
    "arXiv:1504.00941",
    year=2015,
    notes=f"ReLU, and a recurrent matrix that begins as the identity: it begins by handing on what it has. {_BIASES}",
    **_COMMON,
)
@models.register(
    "lstm",
    preset={"kind": "lstm"},
    source="Hochreiter, Schmidhuber (1997), Long short-term memory, Neural Computation 9; forget gate: Gers, "
    "Schmidhuber, Cummins (2000)",
    year=1997,
    notes=f"No peepholes. {_BIASES}",
    **_COMMON,
)
@models.register(
    "gru",
    preset={"kind": "gru"},
    source="Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, arXiv:1406.1078",
    year=2014,
    notes=f"The reset gate acts after the product with the state, where the paper has it before. {_BIASES}",
    **_COMMON,
)
@models.register(
    "peephole_lstm",
    preset={"kind": "peephole_lstm"},
    source="Gers, Schmidhuber (2000), Recurrent nets that time and count, IJCNN",
    year=2000,
    notes="Gates see the memory of their own unit. It runs cell by cell, for torch has no kernel of it.",
    **_COMMON,
)
@models.register(
    "layer_norm_lstm",
    preset={"kind": "layer_norm_lstm"},
    source="Ba, Kiros, Hinton (2016), Layer normalization, arXiv:1607.06450, supplementary material",
    year=2016,
    notes="Gates and memory are normalized, step by step. It runs cell by cell, for torch has no kernel of it.",
    **_COMMON,
)
def recurrent(
    spec: DataSpec,
    *,
    kind: Kind,
    hidden: PositiveInt = 64,
    layers: Annotated[int, Field(ge=1, le=8)] = 1,
    bidirectional: bool = False,
    dropout: Chance = 0.0,
    weight_drop: Chance = 0.0,
    embedding: PositiveInt = 24,
    memory: Annotated[int, Field(ge=3)] | None = None,
    horizon: PositiveInt | None = None,
) -> nn.Module:
    """Recurrent network ({kind}): of its state, linearly, come the classes or the values.

    Takes windows (N, T, F) of a series, or codes (N, T) of a vocabulary; gives a row for each, or for each of its steps
    where the data ask for that.

    Args:
        hidden: units of each layer.
        bidirectional: read backwards too; only where one thing is said of the whole.
        dropout: variational: the chance that an input, a unit between layers or a unit of the state is left out, the
            same ones at every step of a window.
        weight_drop: the chance that a weight from state to state is left out, the same ones at every step.
        embedding: numbers a symbol of text is given.
        memory: gates begin so that units keep what they have for up to so many steps, some longer than others; of
            networks with gates. Without it half of a memory is gone at every step at first.
        horizon: forecast changes from the last values, so many steps ahead, as in the recipe's [data]; by default the
            values themselves.
    """
    owner = "model `recurrent`"
    entering, features = entrance(owner, spec, embedding)
    if bidirectional and spec.steps is not None:
        rule = "`bidirectional` would read at each step the steps after it, which may be what it has to tell"
        raise InputError(owner, rule, repair="Leave it out.")
    if horizon is not None:
        check_forecast(owner, spec, horizon)
    recurrence = Recurrent(
        kind,
        features,
        hidden,
        layers,
        batch_first=True,
        bidirectional=bidirectional,
        variational=dropout,
        weight_drop=weight_drop,
    )
    if memory is not None:
        begin_with_memory(recurrence, memory)
    output = nn.Linear(recurrence.directions * hidden, spec.outputs)
    model = Reader(entering, recurrence, output, every_step=spec.steps is not None)
    return model if horizon is None else FromLast(model, horizon)
