"""The multilayer perceptron."""

from collections import OrderedDict

from pydantic import PositiveInt
from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.activations import Activation, chosen
from gradus.models.inputs import single_input
from gradus.models.layers import Names, dropping, following, with_dropped_weights, with_weights
from gradus.nn.dropout import Chance


@models.register(
    source="Rumelhart, Hinton, Williams (1986), Learning representations by back-propagating errors, Nature 323",
    family="mlp",
    year=1986,
    input=(1, 28, 28),
    outputs=10,
)
def mlp(
    spec: DataSpec,
    *,
    hidden: tuple[PositiveInt, ...] = (128,),
    activation: Activation = "relu",
    normalization: Names = "none",
    dropout: Chance = 0.0,
    dropout_kind: str = "dropout",
) -> nn.Module:
    """Multilayer perceptron: fully connected layers with an activation after each but the last.

    Takes any shape; everything in an example is one vector to it. The baseline that a structured network must beat.

    Args:
        hidden: units of each hidden layer, first to last.
        activation: a name, or a table of a name and options; Maxout makes each layer before it k times as wide.
        normalization: between a hidden layer and its activation, or of its weights; `gradus layers` lists them. A name,
            or a dict of ``name`` and options.
        dropout: the chance that a hidden unit is left out in a training step; 0 adds no such layer.
        dropout_kind: what is left out: units, their activations as SELU wants it, weights; `gradus layers` lists them.
    """
    owner = "model `mlp`"
    single_input(owner, spec)
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    activate = chosen(owner, activation)
    features = spec.features
    for number, units in enumerate(hidden, start=1):
        hidden_layer = with_weights(owner, normalization, nn.Linear(features, activate.pieces * units))
        layers[f"hidden{number}"] = with_dropped_weights(dropout_kind, dropout, hidden_layer)
        normalized = following(owner, normalization, activate.pieces * units, axes=0)
        if normalized is not None:
            layers[f"normalization{number}"] = normalized
        layers[f"activation{number}"] = activate(units)
        dropped = dropping(owner, dropout_kind, dropout, axes=0)
        if dropped is not None:
            layers[f"dropout{number}"] = dropped
        features = units
    layers["output"] = nn.Linear(features, spec.outputs)
    return nn.Sequential(layers)
