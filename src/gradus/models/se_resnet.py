"""Residual networks whose branches end in attention: SE-ResNets, the same with CBAM, and SENet-154.

Sources: Hu, Shen, Sun (2018), Squeeze-and-excitation networks, arXiv:1709.01507 (CVPR); Woo, Park, Lee, Kweon (2018),
CBAM: convolutional block attention module, arXiv:1807.06521 (ECCV). New in them: a block weighs its maps, and with CBAM
the places in them, by what the image shows, at the cost of two small layers. We do not round the width of these to
multiples of eight, as timm does (18 and 34 layers).
"""

from collections import OrderedDict
from functools import partial
from typing import Any, Literal

from pydantic import PositiveInt
from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.images import Reduction, Width, ending, he_normal, strides
from gradus.models.inputs import image
from gradus.models.resnet import BLOCKS, StrideIn, Units, photograph_network
from gradus.nn.blocks.attention import CBAM, SqueezeExcitation
from gradus.nn.blocks.residual import Residual
from gradus.nn.convolution import conv_norm, relu
from gradus.nn.dropout import Chance

_CARD: dict[str, Any] = {
    "family": "se_resnet",
    "year": 2018,
    "input": (3, 224, 224),
    "outputs": 1000,
    "source": "Hu, Shen, Sun (2018), Squeeze-and-excitation networks, arXiv:1709.01507",
}


@models.register("se_resnet18", preset={"depth": 18, "stride_in": "3x3"}, **_CARD)
@models.register("se_resnet34", preset={"depth": 34, "stride_in": "3x3"}, **_CARD)
@models.register(
    "se_resnet50",
    preset={"depth": 50},
    headline="ImageNet top-1 error 22.37 % (the authors' release)",
    **_CARD,
)
@models.register(
    "se_resnet101",
    preset={"depth": 101},
    headline="ImageNet top-1 error 21.75 % (the authors' release)",
    **_CARD,
)
@models.register(
    "se_resnet152",
    preset={"depth": 152},
    headline="ImageNet top-1 error 21.34 % (the authors' release)",
    **_CARD,
)
def se_resnet(
    spec: DataSpec,
    *,
    depth: Literal[18, 34, 50, 101, 152],
    attention: Literal["se", "cbam"] = "se",
    reduction_ratio: PositiveInt = 16,
    bias: bool = True,
    stride_in: StrideIn = "1x1",
    width: Width = 1.0,
    reduction: Reduction = 32,
) -> nn.Module:
    """Residual network of {depth} layers for photographs, with attention at the end of each branch.

    Args:
        attention: "se" weighs maps by their means; "cbam" by their means and largest numbers, and then places.
        reduction_ratio: the first of the two layers that find the weights leaves one channel in so many.
        bias: these two layers have biases.
        stride_in: the convolution of a bottleneck that halves the sides; "3x3" as in later networks.
        width: multiplies the channels of every layer, rounded to multiples of 8.
        reduction: how many times smaller than the image the last maps are: 32 for 224 pixels, 16 for 64, 8 for 32 or
            28, where the stem is a 3 x 3 convolution.
    """
    kind = SqueezeExcitation if attention == "se" else CBAM
    gate = partial(kind, reduction=reduction_ratio, bias=bias)
    units = Units(bottleneck=depth >= 50, stride_in=stride_in, gate=gate)
    return photograph_network(f"model `se_resnet{depth}`", spec, BLOCKS[depth], units, width, reduction)


@models.register(
    "senet154",
    headline="ImageNet top-1 error 18.68 % (the authors' release)",
    notes="Widths, strides and kernels are those of the authors' release.",
    **_CARD,
)
def senet154(
    spec: DataSpec, *, reduction_ratio: PositiveInt = 16, dropout: Chance = 0.2, reduction: Reduction = 32
) -> nn.Module:
    """SENet of 154 layers for photographs: grouped convolutions, half as wide before them, and attention.

    Args:
        reduction_ratio: the first of the two layers that find the weights of maps leaves one channel in so many.
        dropout: share of the last means that is dropped in training.
        reduction: how many times smaller than the image the last maps are: 32 for 224 pixels, 16 for 64, 8 for 32.
    """
    channels, _, _ = image("model `senet154`", spec, reduction=reduction)
    steps = strides(reduction, 5)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["stem"] = nn.Sequential(
        conv_norm(channels, 64, 3, stride=steps[0]), conv_norm(64, 64, 3), conv_norm(64, 128, 3)
    )
    if steps[1] == 2:
        layers["stem_pool"] = nn.MaxPool2d(3, 2, ceil_mode=True)
    before = 128
    for number, (count, step) in enumerate(zip(BLOCKS[152], [1, *steps[2:]], strict=True)):
        after = 256 * 2**number
        units = nn.Sequential()
        for each in range(count):
            stride = 1 if each else step
            branch = nn.Sequential(
                conv_norm(before, after // 2, 1),
                conv_norm(after // 2, after, 3, stride=stride, groups=64),
                conv_norm(after, after, 1, activation=None),
                SqueezeExcitation(after, reduction_ratio),
            )
            kernel = 3 if number else 1
            shortcut = None if each else conv_norm(before, after, kernel, stride=stride, activation=None)
            units.append(Residual(branch, shortcut, activation=relu()))
            before = after
        layers[f"stage{number + 1}"] = units
    model = nn.Sequential(layers | ending(before, spec.outputs, dropout=dropout))
    he_normal(model)
    return model
