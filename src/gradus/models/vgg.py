"""VGG networks.

Source: Simonyan, Zisserman (2015), Very deep convolutional networks for large-scale image recognition, arXiv:1409.1556
(ICLR). New in it: all convolutions are 3 x 3, two of which see as far as one of 5 x 5 with 28 % fewer weights, so that
networks of 16 and 19 layers can be afforded.
"""

from collections import OrderedDict
from typing import Literal

from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.alexnet import UNITS, dense_layers
from gradus.models.images import Reduction, Width, he_normal, strides
from gradus.models.inputs import image
from gradus.nn.convolution import divisible, relu

_PAPER = "Simonyan, Zisserman (2015), Very deep convolutional networks for large-scale image recognition"
_PHOTOGRAPHS = {
    "family": "vgg",
    "year": 2015,
    "input": (3, 224, 224),
    "outputs": 1000,
    "source": f"{_PAPER}, arXiv:1409.1556, table 1",
    "notes": "The paper begins with the weights of a shallower network; here they are drawn as by He et al. (2015). "
    "Maps of other sizes are pooled to at most 7 x 7 before the dense layers.",
}
_CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_WIDTHS = (64, 128, 256, 512, 512)


@models.register("vgg11", preset={"depth": 11}, **_PHOTOGRAPHS)
@models.register("vgg13", preset={"depth": 13}, **_PHOTOGRAPHS)
@models.register("vgg16", preset={"depth": 16}, **_PHOTOGRAPHS)
@models.register("vgg19", preset={"depth": 19}, **_PHOTOGRAPHS)
def vgg(
    spec: DataSpec,
    *,
    depth: Literal[11, 13, 16, 19],
    batch_norm: bool = False,
    width: Width = 1.0,
    reduction: Reduction = 32,
) -> nn.Module:
    """VGG network of {depth} layers: 3 x 3 convolutions in five stages, and three dense layers.

    Args:
        batch_norm: after each convolution, which keeps its bias as in torchvision.
        width: multiplies the channels and units of every layer, rounded to multiples of 8.
        reduction: how many times smaller than the image the last maps are: 32 for 224 pixels, 16 for 64, 8 for 32 or
            28; the first poolings go.
    """
    channels, *image_sides = image(f"model `vgg{depth}`", spec, reduction=reduction)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, stride in enumerate(strides(reduction, 5)):
        outputs = divisible(_WIDTHS[number] * width, 8)
        layers[f"stage{number + 1}"] = _stage(channels, outputs, _CONVOLUTIONS[depth][number], batch_norm)
        if stride == 2:
            layers[f"stage{number + 1}_pool"] = nn.MaxPool2d(2)
        channels = outputs
    rows, columns = (min(7, side // reduction) for side in image_sides)
    hidden = divisible(UNITS * width, 8)
    model = nn.Sequential(layers | dense_layers(channels, (rows, columns), spec.outputs, hidden))
    he_normal(model)
    return model


def _stage(inputs: int, outputs: int, convolutions: int, batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for number in range(convolutions):
        layers.append(nn.Conv2d(outputs if number else inputs, outputs, 3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(outputs))
        layers.append(relu())
    return nn.Sequential(*layers)
