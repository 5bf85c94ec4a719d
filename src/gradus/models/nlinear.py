"""Forecasting from what has changed since the last value."""

from collections import OrderedDict

from pydantic import PositiveInt
from torch import nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.activations import Activation, chosen
from gradus.models.sequences import FromLast, check_forecast
from gradus.nn.dropout import Chance


@models.register(
    source="Zeng, Chen, Zhang, Xu (2023), Are transformers effective for time series forecasting?, AAAI, NLinear",
    family="nlinear",
    year=2023,
    input=(96, 7),
    outputs=7,
    tasks=("regression",),
    notes="One network sees all series together, where the paper's treats each by itself; and has hidden layers where "
    "asked for. Inputs and targets must be scaled alike.",
)
def nlinear(
    spec: DataSpec,
    *,
    horizon: PositiveInt = 1,
    hidden: tuple[PositiveInt, ...] = (),
    activation: Activation = "relu",
    dropout: Chance = 0.0,
) -> nn.Module:
    """NLinear: what comes next from the changes within a window, added to its last step.

    Takes windows (N, T, F) of which the targets come first, as the source `series` gives them, and gives the values of
    every step ahead (N, H K).

    Args:
        horizon: steps ahead, as in the recipe's [data].
        hidden: units of each hidden layer, first to last.
        dropout: the chance that a change or a hidden unit is left out in a training step.
    """
    owner = "model `nlinear`"
    if len(spec.inputs) != 1 or len(spec.inputs[0]) != 2 or spec.vocabulary:
        raise InputError(owner, "takes windows of a series (steps, features)", spec.inputs, "`mlp` takes any shape.")
    check_forecast(owner, spec, horizon)
    activate = chosen(owner, activation)
    steps, wide = spec.inputs[0]
    layers: list[nn.Module] = [nn.Dropout(dropout)] if dropout else []
    features = steps * wide
    for units in hidden:
        layers += [nn.Linear(features, activate.pieces * units), activate(units)]
        layers += [nn.Dropout(dropout)] if dropout else []
        features = units
    layers.append(nn.Linear(features, spec.outputs))
    body: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    body |= {str(number): layer for number, layer in enumerate(layers)}
    return FromLast(nn.Sequential(body), horizon)
