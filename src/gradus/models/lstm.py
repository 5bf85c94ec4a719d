"""Long short-term memory over a window of a series or of text."""

from typing import Annotated

from pydantic import Field, PositiveInt
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.nn.dropout import Chance
from gradus.nn.recurrent import Recurrent

# N examples, T steps, F features, H units, D directions


class LSTMReader(nn.Module):
    """Reads a window and says something of it at its end.

    Args:
        embedding: (N, T) codes to (N, T, F), or nothing for windows of numbers.
        recurrence: (N, T, F) to outputs (N, T, D H) and a state (h, c), h of shape (L D, N, H).
        output: (N, D H) to what is asked for.
    """

    def __init__(self, embedding: nn.Module, recurrence: Recurrent, output: nn.Module) -> None:
        super().__init__()
        self.embedding, self.recurrence, self.output = embedding, recurrence, output

    def forward(self, window: Tensor) -> Tensor:
        _, (h_LNH, _) = self.recurrence(self.embedding(window))
        ends_NH = h_LNH[-self.recurrence.directions :].transpose(0, 1).flatten(1)  # each direction's last state
        output: Tensor = self.output(ends_NH)
        return output


@models.register(
    source="Hochreiter, Schmidhuber (1997), Long short-term memory, Neural Computation 9; forget gate: Gers, "
    "Schmidhuber, Cummins (2000)",
    family="lstm",
    year=1997,
    input=(24, 7),
    outputs=1,
    tasks=("regression", "classification"),
    notes="No peepholes, and two biases that are added, as torch has it.",
)
def lstm(
    spec: DataSpec,
    *,
    hidden: PositiveInt = 64,
    layers: Annotated[int, Field(ge=1, le=8)] = 1,
    bidirectional: bool = False,
    layer_norm: bool = False,
    dropout: Chance = 0.0,
    weight_drop: Chance = 0.0,
    embedding: PositiveInt = 24,
) -> nn.Module:
    """LSTM over a window: its last state, linearly, gives the classes or the values.

    Takes windows (N, T, F) of a series, or codes (N, T) of a vocabulary.

    Args:
        hidden: units of each layer.
        bidirectional: read backwards too.
        layer_norm: normalize gates and memory, step by step.
        dropout: variational: the chance that an input, a unit between layers or a unit of the state is left out, the
            same ones at every step of a window.
        weight_drop: the chance that a weight from state to state is left out, the same ones at every step.
        embedding: numbers a symbol of text is given.
    """
    features = _features(spec, embedding)
    looked_up = nn.Embedding(len(spec.vocabulary), embedding) if spec.vocabulary else nn.Identity()
    recurrence = Recurrent(
        "layer_norm_lstm" if layer_norm else "lstm",
        features,
        hidden,
        layers,
        bidirectional=bidirectional,
        variational=dropout,
        weight_drop=weight_drop,
    )
    return LSTMReader(looked_up, recurrence, nn.Linear(recurrence.directions * hidden, spec.outputs))


def _features(spec: DataSpec, embedding: int) -> int:
    """Numbers of one step, as the recurrence sees it."""
    if len(spec.inputs) == 1 and spec.vocabulary and len(spec.inputs[0]) == 1:
        return embedding
    if len(spec.inputs) != 1 or len(spec.inputs[0]) != 2 or spec.vocabulary or "float" not in spec.input_dtypes[0]:
        raise InputError(
            "model `lstm`",
            "takes windows of a series (steps, features), or text",
            spec.inputs,
            "`mlp` takes any shape.",
        )
    return spec.inputs[0][1]
