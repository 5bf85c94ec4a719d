"""Networks that turn, enlarge and straighten an image themselves before they classify it.

Source: Jaderberg, Simonyan, Zisserman, Kavukcuoglu (2015), Spatial transformer networks, arXiv:1506.02025 (NIPS). New
in it: a layer, learned with the rest of the network and without further labels, that finds a map in an image and reads
the image through it; see `gradus.nn.blocks.spatial_transformer`.

The paper names kernels and layers but no counts. Here convolutions keep the sides, so that digits of 28 to 60 pixels,
and smaller ones, pass through one network.
"""

from collections import OrderedDict
from math import prod
from typing import Any, Literal

from pydantic import PositiveInt
from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.images import he_normal
from gradus.models.inputs import image
from gradus.nn.blocks.spatial_transformer import SpatialTransformer
from gradus.nn.convolution import conv_norm, relu

_COMMON: dict[str, Any] = {
    "family": "spatial_transformer",
    "year": 2015,
    "input": (1, 42, 42),
    "outputs": 10,
    "source": "Jaderberg, Simonyan, Zisserman, Kavukcuoglu (2015), Spatial transformer networks, arXiv:1506.02025",
    "notes": "The paper gives no counts. Convolutions keep the sides here, so that an image may have any.",
}
_DIGITS = "Distorted MNIST test error {} (R), {} (RTS), {} (P), {} % (E), affine"

Transform = Literal["affine", "projective", "none"]
Layers = OrderedDict[str, nn.Module]


@models.register(headline=_DIGITS.format(0.7, 0.5, 0.8, 1.2), **_COMMON)
def st_cnn(spec: DataSpec, *, transform: Transform = "affine", width: PositiveInt = 32) -> nn.Module:
    """Convolutional network for distorted digits behind a spatial transformer.

    Kernels of 9 x 9 and 7 x 7 after a localisation network of two convolutions of 5 x 5 and 20 maps, each followed by
    pooling.

    Args:
        transform: the map an image is read through; "none" for the network alone.
        width: maps of each convolution.
    """
    channels, height, side = image("model `st_cnn`", spec, smallest=4)
    places = (height // 4) * (side // 4)
    localisation = nn.Sequential(_convolutions(channels, 20, (5, 5)) | _dense(20 * places, 20))
    model = nn.Sequential(
        _transformer(localisation, 20, transform)
        | _convolutions(channels, width, (9, 7))
        | {"flatten": nn.Flatten(), "output": nn.Linear(width * places, spec.outputs)}
    )
    he_normal(model)
    return model


@models.register(headline=_DIGITS.format(1.2, 0.8, 1.5, 2.7), **_COMMON)
def st_fcn(spec: DataSpec, *, transform: Transform = "affine", width: PositiveInt = 256) -> nn.Module:
    """Dense network for distorted digits behind a spatial transformer.

    Two hidden layers after a localisation network of three, of 32 units each.

    Args:
        transform: the map an image is read through; "none" for the network alone.
        width: units of each hidden layer.
    """
    numbers = prod(image("model `st_fcn`", spec))
    localisation = nn.Sequential(_dense(numbers, 32, 32, 32))
    return nn.Sequential(
        _transformer(localisation, 32, transform)
        | _dense(numbers, width, width)
        | {"output": nn.Linear(width, spec.outputs)}
    )


def _transformer(localisation: nn.Module, features: int, transform: Transform) -> Layers:
    if transform == "none":
        return OrderedDict()
    return OrderedDict(transformer=SpatialTransformer(localisation, features, transform=transform))


def _convolutions(channels: int, width: int, kernels: tuple[int, ...]) -> Layers:
    """Convolutions with biases, each before a ReLU and a pooling that halves the sides."""
    layers: Layers = OrderedDict()
    for number, kernel in enumerate(kernels, 1):
        layers[f"conv{number}"] = conv_norm(channels, width, kernel, norm=None)
        layers[f"pool{number}"] = nn.MaxPool2d(2)
        channels = width
    return layers


def _dense(numbers: int, *widths: int) -> Layers:
    """Linear layers of all the numbers of an example, each before a ReLU."""
    layers: Layers = OrderedDict(flatten=nn.Flatten())
    for number, width in enumerate(widths, 1):
        layers[f"hidden{number}"] = nn.Sequential(OrderedDict(linear=nn.Linear(numbers, width), activation=relu()))
        numbers = width
    return layers
