"""Highway networks for small images.

Sources: Srivastava, Greff, Schmidhuber (2015), Highway networks, arXiv:1505.00387; the same (2015), Training very deep
networks, arXiv:1507.06228 (NeurIPS). New in it: gates, as in an LSTM, that learn how much of its input a layer lets
pass, so that networks of a hundred layers learn by gradient descent alone. The layers are those of the authors' file
for CIFAR-10 (github.com/flukeskywalker/highway-networks), but for its 100 outputs, of which ten are used.
"""

from collections import OrderedDict
from functools import partial
from typing import Annotated

from pydantic import Field
from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.images import ending, he_normal
from gradus.models.inputs import image
from gradus.nn.blocks.highway import Highway
from gradus.nn.convolution import relu
from gradus.nn.dropout import Chance


@models.register(
    "highway19",
    family="highway",
    year=2015,
    input=(3, 32, 32),
    outputs=10,
    source="Srivastava, Greff, Schmidhuber (2015), Training very deep networks, arXiv:1507.06228",
    headline="CIFAR-10 test error 7.60 % (the authors' log), augmented by shifts and mirroring",
    notes="First weights are those of He et al. (2015); the authors' file has Xavier's.",
)
def highway(
    spec: DataSpec,
    *,
    depth: Annotated[int, Field(ge=8)] = 19,
    gate_bias: Annotated[float, Field(le=0)] = -2.0,
    dropout: Chance = 0.2,
) -> nn.Module:
    """Convolutional highway network of 19 layers for images of 28 or 32 pixels.

    Three stages of 32, 80 and 128 maps, each a convolution and so many highway layers as make up the depth; then a
    1 x 1 convolution to 100 maps. Between stages the larger of every 2 x 2 numbers is kept.

    Args:
        depth: layers in all; five of them are no highway layers.
        gate_bias: first bias of the gates: the lower it is, the less layers change what they are given at first.
        dropout: share of the numbers dropped in training, of what each stage is given and before the output.
    """
    channels, _, _ = image("model `highway19`", spec, smallest=4)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    before = channels
    for number, width in enumerate((32, 80, 128)):
        stage: OrderedDict[str, nn.Module] = OrderedDict()
        if number:
            stage["pool"] = nn.MaxPool2d(2)
        if dropout:
            stage["dropout"] = nn.Dropout(dropout)
        stage["conv"], stage["activation"] = _conv(before, width, 3), relu()
        for each in range((depth - 5 + number) // 3):
            stage[f"highway{each + 1}"] = Highway(partial(_conv, width, width, 3), gate_bias=gate_bias)
        layers[f"stage{number + 1}"] = nn.Sequential(stage)
        before = width
    layers["reduce"], layers["activation"] = _conv(before, 100, 1), relu()
    return nn.Sequential(layers | ending(100, spec.outputs, dropout=dropout))


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    he_normal(conv)
    return conv
