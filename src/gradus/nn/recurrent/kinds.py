"""The kinds of recurrence by name."""

from typing import Literal, get_args

from gradus.core.errors import InputError, nearest
from gradus.nn.recurrent.steps import GRUStep, LayerNormLSTMStep, LSTMStep, PeepholeLSTMStep, RNNStep, Step

Kind = Literal["rnn", "irnn", "lstm", "gru", "peephole_lstm", "layer_norm_lstm"]
Nonlinearity = Literal["tanh", "relu"]
Reset = Literal["before", "after"]
Biases = Literal[0, 1, 2]
KINDS: tuple[Kind, ...] = get_args(Kind)


def make_step(kind: Kind, *, nonlinearity: Nonlinearity = "tanh", reset: Reset = "after") -> Step:
    """The equations of a kind.

    Args:
        nonlinearity: of "rnn"; that of "irnn" is ReLU.
        reset: of "gru": whether the reset gate is applied before or after the product with the state.
    Raises:
        InputError: for another name.
    """
    if nonlinearity not in get_args(Nonlinearity):
        raise InputError("Recurrent", "`nonlinearity` must be `tanh` or `relu`", nonlinearity)
    if reset not in get_args(Reset):
        raise InputError("Recurrent", "`reset` must be `before` or `after`", reset)
    match kind:
        case "rnn":
            return RNNStep(nonlinearity)
        case "irnn":
            return RNNStep("relu")
        case "lstm":
            return LSTMStep()
        case "gru":
            return GRUStep(reset)
        case "peephole_lstm":
            return PeepholeLSTMStep()
        case "layer_norm_lstm":
            return LayerNormLSTMStep()
    raise InputError("Recurrent", "knows no such `kind`", kind, nearest(str(kind), KINDS))
