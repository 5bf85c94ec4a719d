"""The neural n-gram language model."""

from collections import OrderedDict

from pydantic import PositiveInt
from torch import nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.activations import Activation, chosen
from gradus.nn.dropout import Chance

_TEXT = tuple(chr(each) for each in range(32, 97))  # 65 symbols, as many as tiny Shakespeare has


@models.register(
    source="Bengio, Ducharme, Vincent, Jauvin (2003), A neural probabilistic language model, JMLR 3, equation 1",
    family="neural_lm",
    year=2003,
    input=(16,),
    outputs=65,
    vocabulary=_TEXT,
    tasks=("classification",),
    notes="Characters in place of words, several hidden layers where asked for, and no direct connection from the "
    "embedding to the output (W = 0 in the paper).",
)
def neural_lm(
    spec: DataSpec,
    *,
    embedding: PositiveInt = 24,
    hidden: tuple[PositiveInt, ...] = (256,),
    activation: Activation = "tanh",
    dropout: Chance = 0.0,
) -> nn.Module:
    """Neural n-gram language model: embeddings of the last symbols, side by side, through a perceptron.

    Takes codes (N, T) of a vocabulary of V symbols and gives the logits (N, V) of the next one.

    Args:
        embedding: numbers a symbol is given.
        hidden: units of each hidden layer, first to last.
    """
    if not spec.vocabulary or len(spec.inputs) != 1 or len(spec.inputs[0]) != 1:
        raise InputError("model `neural_lm`", "takes text, codes of a vocabulary", spec.inputs, "`mlp` takes numbers.")
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        embedding=nn.Embedding(len(spec.vocabulary), embedding), flatten=nn.Flatten()
    )
    activate = chosen("model `neural_lm`", activation)
    features = embedding * spec.inputs[0][0]
    for number, units in enumerate(hidden, start=1):
        layers[f"hidden{number}"] = nn.Linear(features, activate.pieces * units)
        layers[f"activation{number}"] = activate(units)
        if dropout:
            layers[f"dropout{number}"] = nn.Dropout(dropout)
        features = units
    layers["output"] = nn.Linear(features, spec.outputs)
    return nn.Sequential(layers)
