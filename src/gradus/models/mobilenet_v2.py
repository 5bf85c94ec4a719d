"""MobileNet V2: inverted residuals with linear bottlenecks.

Source: Sandler, Howard, Zhu, Zhmoginov, Chen (2018), MobileNetV2: inverted residuals and linear bottlenecks,
arXiv:1801.04381. New in it: shortcuts join the narrow maps, the wide ones are between them, and narrow maps have no
activation, which would lose what it cuts off.
"""

from collections import OrderedDict
from typing import Any

from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import Published, models
from gradus.models.images import Reduction, Width, ending, he_normal, strides
from gradus.models.inputs import image
from gradus.nn.blocks.inverted_residual import inverted_residual, relu6
from gradus.nn.convolution import conv_norm, divisible
from gradus.nn.dropout import Chance

_STAGES = (
    *((1, 16, 1, False), (6, 24, 2, True), (6, 32, 3, True), (6, 64, 4, True)),
    *((6, 96, 3, False), (6, 160, 3, True), (6, 320, 1, False)),
)
"""Table 2: the expansion, outputs and number of blocks, and whether the first of them halves the sides."""


_COMMON: dict[str, Any] = {
    "family": "mobilenet_v2",
    "year": 2018,
    "input": (3, 224, 224),
    "outputs": 1000,
    "source": "Sandler et al. (2018), MobileNetV2: inverted residuals and linear bottlenecks, arXiv:1801.04381, "
    "table 2",
}


@models.register(
    "mobilenet_v2",
    published=Published(
        parameters=3.4e6,
        macs=300e6,
        where="table 4",
        difference="Ours include 34,112 of batch normalization and 1,000 biases; without them there are 3,469,760.",
    ),
    **_COMMON,
)
@models.register("mobilenet_v2_0.35", preset={"width": 0.35}, **_COMMON)
@models.register("mobilenet_v2_0.5", preset={"width": 0.5}, **_COMMON)
@models.register("mobilenet_v2_0.75", preset={"width": 0.75}, **_COMMON)
@models.register("mobilenet_v2_1.3", preset={"width": 1.3}, **_COMMON)
@models.register(
    "mobilenet_v2_1.4",
    preset={"width": 1.4},
    published=Published(
        parameters=6.9e6,
        macs=585e6,
        where="table 4",
        difference="Table 2 of the paper makes 6,108,776 parameters at this width, as torchvision and timm have them.",
    ),
    **_COMMON,
)
def mobilenet_v2(
    spec: DataSpec,
    *,
    width: Width = 1.0,
    dropout: Chance = 0.2,
    reduction: Reduction = 32,
) -> nn.Module:
    """MobileNet V2, of inverted residuals with linear bottlenecks.

    Args:
        width: multiplies the channels of every layer, rounded to multiples of 8; those of the last convolution, 1280,
            only where it is above 1.
        dropout: share of the last features left out in training.
        reduction: how many times smaller than the image the last maps are: 32 for 224 pixels, 16 for 64, 8 for 32 or
            28.
    """
    channels, _, _ = image("model `mobilenet_v2`", spec, reduction=reduction)
    steps = iter(strides(reduction, 5))
    before = divisible(32 * width, 8)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        stem=conv_norm(channels, before, 3, stride=next(steps), activation=relu6)
    )
    for number, (expansion, base, count, halves) in enumerate(_STAGES):
        outputs = divisible(base * width, 8)
        stride = next(steps) if halves else 1
        first = inverted_residual(before, outputs, stride=stride, expansion=expansion)
        following = (inverted_residual(outputs, outputs, expansion=expansion) for _ in range(count - 1))
        layers[f"stage{number + 1}"] = nn.Sequential(first, *following)
        before = outputs
    last = divisible(1280 * max(1.0, width), 8)
    layers["head"] = conv_norm(before, last, 1, activation=relu6)
    model = nn.Sequential(layers | ending(last, spec.outputs, dropout=dropout))
    he_normal(model)
    return model
