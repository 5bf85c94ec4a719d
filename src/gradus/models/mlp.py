"""The multilayer perceptron."""

from collections import OrderedDict
from typing import Annotated

from pydantic import Field, PositiveInt
from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.activations import Activation, chosen
from gradus.models.inputs import single_input


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
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
) -> nn.Module:
    """Multilayer perceptron: fully connected layers with an activation after each but the last.

    Takes any shape; everything in an example is one vector to it. The baseline that a structured network must beat.

    Args:
        hidden: units of each hidden layer, first to last.
        activation: a name, or a table of a name and options; Maxout makes each layer before it k times as wide.
        dropout: the chance that a hidden unit is left out in a training step; 0 adds no such layer.
    """
    single_input("model `mlp`", spec)
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    activate = chosen("model `mlp`", activation)
    features = spec.features
    for number, units in enumerate(hidden, start=1):
        layers[f"hidden{number}"] = nn.Linear(features, activate.pieces * units)
        layers[f"activation{number}"] = activate(units)
        if dropout:
            layers[f"dropout{number}"] = nn.Dropout(dropout)
        features = units
    layers["output"] = nn.Linear(features, spec.outputs)
    return nn.Sequential(layers)
