"""Forecasting from what has changed since the last value."""

from pydantic import PositiveInt
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.activations import Activation, chosen
from gradus.nn.dropout import Chance

# N examples, T steps, F features, H steps ahead, K targets, which are the first K features


class NLinear(nn.Module):
    """What a network makes of the changes in a window, added to the targets' last values.

    Moving the whole window by a constant moves the forecast by it: a level that training never saw does no harm.

    Args:
        body: (N, T F) to (N, H K).
        horizon: H.
    """

    def __init__(self, body: nn.Module, horizon: int) -> None:
        super().__init__()
        self.body = body
        self.horizon = horizon

    def forward(self, window_NTF: Tensor) -> Tensor:
        last_NF = window_NTF[:, -1]
        change: Tensor = self.body((window_NTF - last_NF[:, None]).flatten(1))
        targets = change.shape[1] // self.horizon
        return change + last_NF[:, :targets].repeat(1, self.horizon)


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
    steps, wide = spec.inputs[0]
    if spec.outputs % horizon or spec.outputs // horizon > wide:
        raise InputError(
            owner, f"`horizon` must divide the {spec.outputs} outputs into targets among {wide} features", horizon
        )
    activate = chosen(owner, activation)
    layers: list[nn.Module] = [nn.Dropout(dropout)] if dropout else []
    features = steps * wide
    for units in hidden:
        layers += [nn.Linear(features, activate.pieces * units), activate(units)]
        layers += [nn.Dropout(dropout)] if dropout else []
        features = units
    return NLinear(nn.Sequential(*layers, nn.Linear(features, spec.outputs)), horizon)
