"""A small convolutional network of today."""

from collections import OrderedDict
from typing import Annotated

from pydantic import Field
from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.activations import Activate, Activation, chosen
from gradus.models.inputs import image


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
    spec: DataSpec, *, width: Annotated[int, Field(ge=1, le=512)] = 16, activation: Activation = "relu"
) -> nn.Module:
    """Small modern CNN: three stages of two 3 x 3 convolutions, then global average pooling.

    For images from 8 x 8 to 64 x 64. Each stage halves the sides and doubles the maps.

    Args:
        width: maps in the first stage; parameters and multiply-adds grow with its square.
    """
    channels, _, _ = image("model `small_cnn`", spec, smallest=8, largest=64)
    activate = chosen("model `small_cnn`", activation)
    return nn.Sequential(
        OrderedDict(
            stage1=_stage(channels, width, activate),
            pool1=nn.MaxPool2d(2),
            stage2=_stage(width, 2 * width, activate),
            pool2=nn.MaxPool2d(2),
            stage3=_stage(2 * width, 4 * width, activate),
            pool3=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            output=nn.Linear(4 * width, spec.outputs),
        )
    )


def _stage(before: int, after: int, activate: Activate) -> nn.Sequential:
    wide = activate.pieces * after
    return nn.Sequential(
        OrderedDict(
            # Normalization subtracts the mean, so a bias before it would do nothing.
            conv1=nn.Conv2d(before, wide, 3, padding=1, bias=False),
            norm1=nn.BatchNorm2d(wide),
            activation1=_in_place(activate(after)),
            conv2=nn.Conv2d(after, wide, 3, padding=1, bias=False),
            norm2=nn.BatchNorm2d(wide),
            activation2=_in_place(activate(after)),
        )
    )


def _in_place(activation: nn.Module) -> nn.Module:
    """ReLU may overwrite what normalization made: neither needs it for the backward pass."""
    if isinstance(activation, nn.ReLU):
        activation.inplace = True
    return activation
