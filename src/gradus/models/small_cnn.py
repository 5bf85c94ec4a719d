"""A small convolutional network of today."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.activations import Activate, Activation, chosen
from gradus.models.inputs import image
from gradus.models.layers import Names, dropping, following, with_dropped_weights, with_weights
from gradus.nn.dropout import Chance, DropPath, linear_decay

_OWNER = "model `small_cnn`"


@models.register(
    source="gradus; the pairs of 3 x 3 convolutions are from Simonyan, Zisserman (2015), arXiv:1409.1556, the "
    "normalization from Ioffe, Szegedy (2015), arXiv:1502.03167, the global pooling from Lin, Chen, Yan (2014), "
    "arXiv:1312.4400",
    family="small_cnn",
    year=2015,
    input=(1, 28, 28),
    outputs=10,
)
def small_cnn(
    spec: DataSpec,
    *,
    width: Annotated[int, Field(ge=1, le=512)] = 16,
    activation: Activation = "relu",
    normalization: Names = "batch",
    residual: bool = False,
    dropout: Chance = 0.0,
    dropout_kind: str = "dropout2d",
    drop_path: Chance = 0.0,
) -> nn.Module:
    """Small modern CNN: three stages of two 3 x 3 convolutions, then global average pooling.

    For images from 8 x 8 to 64 x 64. Each stage halves the sides and doubles the maps.

    Args:
        width: maps in the first stage; parameters and multiply-adds grow with its square.
        normalization: after each convolution, or of its weights; `gradus layers` lists them. A name, or
            a dict of ``name`` and options; several where some are of weights, as ["weight_standardization", "group"].
        residual: what enters a stage's second convolution is added to what it makes.
        dropout: the chance that something is left out after a stage in a training step; 0 adds no such layer.
        dropout_kind: what is left out: maps, single numbers, weights; `gradus layers` lists them.
        drop_path: the chance that the last stage's second convolution is left out; of earlier ones it is less.
    """
    channels, _, _ = image(_OWNER, spec, smallest=8, largest=64)
    if drop_path and not residual:
        raise InputError(_OWNER, "`drop_path` drops residual branches", drop_path, "Set residual = true.")
    layers = _Layers(chosen(_OWNER, activation), normalization, dropout_kind, dropout)
    if residual and layers.activate.pieces > 1:  # a branch would not be as wide as what it is added to
        rule = "with `residual`, `activation` must take one number for each that it gives"
        raise InputError(_OWNER, rule, activation)
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    before = channels
    for number, chance in enumerate(linear_decay(drop_path, 3)):
        after = width * 2**number
        stages[f"stage{number + 1}"] = layers.stage(before, after, residual, chance)
        stages[f"pool{number + 1}"] = nn.MaxPool2d(2) if number < 2 else nn.AdaptiveAvgPool2d(1)
        before = after
    return nn.Sequential(stages | OrderedDict(flatten=nn.Flatten(), output=nn.Linear(before, spec.outputs)))


@dataclass(frozen=True)
class _Layers:
    """What the layers of all stages have in common."""

    activate: Activate
    normalization: Names
    dropout_kind: str
    dropout: float

    def stage(self, before: int, after: int, residual: bool, drop_path: float) -> nn.Sequential:
        first, second = self.convolution(before, after, 1), self.convolution(after, after, 2)
        if residual:
            second = OrderedDict(branch=_Residual(nn.Sequential(second), drop_path))
        layers = OrderedDict(
            **first,
            activation1=_in_place(self.activate(after)),
            **second,
            activation2=_in_place(self.activate(after)),
        )
        dropped = dropping(_OWNER, self.dropout_kind, self.dropout, axes=2)
        if dropped is not None:
            layers["dropout"] = dropped
        return nn.Sequential(layers)

    def convolution(self, before: int, after: int, number: int) -> OrderedDict[str, nn.Module]:
        wide = self.activate.pieces * after
        normalized = following(_OWNER, self.normalization, wide, axes=2)
        # What normalizes subtracts the mean and has a shift of its own, so a bias before it would do nothing.
        shifted = getattr(normalized, "bias", None) is not None
        conv = with_weights(_OWNER, self.normalization, nn.Conv2d(before, wide, 3, padding=1, bias=not shifted))
        layers = OrderedDict({f"conv{number}": with_dropped_weights(self.dropout_kind, self.dropout, conv)})
        if normalized is not None:
            layers[f"norm{number}"] = normalized
        return layers


class _Residual(nn.Module):
    def __init__(self, branch: nn.Module, drop_path: float) -> None:
        super().__init__()
        self.branch = branch
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        branch: Tensor = self.drop_path(self.branch(x))
        return x + branch


def _in_place(activation: nn.Module) -> nn.Module:
    """ReLU may overwrite what is before it: neither normalization nor a sum needs that for the backward pass."""
    if isinstance(activation, nn.ReLU):
        activation.inplace = True
    return activation
