"""MobileNet V1: a chain of depthwise separable convolutions, and its twin of full ones.

Source: Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam (2017), MobileNets: efficient convolutional
neural networks for mobile vision applications, arXiv:1704.04861. New in it: nearly all the work is in 1 x 1
convolutions, and two numbers, width and resolution, trade accuracy for cost. Table 1 gives the last depthwise
convolution a stride of 2 and maps of 7 x 7 on both sides; only a stride of 1 does that.
"""

from collections import OrderedDict
from functools import partial
from typing import Literal

from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import Published, models
from gradus.models.images import Reduction, Width, ending, he_normal, strides
from gradus.models.inputs import image
from gradus.nn.convolution import conv_norm, depthwise_separable, relu

_COMMON = {
    "family": "mobilenet_v1",
    "year": 2017,
    "input": (3, 224, 224),
    "outputs": 1000,
    "source": "Howard et al. (2017), MobileNets: efficient convolutional neural networks for mobile vision "
    "applications, arXiv:1704.04861, table 1",
}
_STAGES = ((64,), (128, 128), (256, 256), (512,) * 6, (1024, 1024))
"""Outputs of each convolution after the stem; the first one of each stage but the first has stride 2."""


@models.register(
    "mobilenet_v1",
    preset={"convolution": "separable"},
    published=Published(parameters=4.2e6, macs=569e6, where="table 6"),
    notes="The paper has ReLU; timm's weights are for ReLU6, `activation = relu6`.",
    **_COMMON,
)
@models.register(
    "mobilenet_v1_0.75",
    preset={"convolution": "separable", "width": 0.75},
    published=Published(parameters=2.6e6, macs=325e6, where="table 6"),
    **_COMMON,
)
@models.register(
    "mobilenet_v1_0.5",
    preset={"convolution": "separable", "width": 0.5},
    published=Published(parameters=1.3e6, macs=149e6, where="table 6"),
    **_COMMON,
)
@models.register(
    "mobilenet_v1_0.25",
    preset={"convolution": "separable", "width": 0.25},
    published=Published(
        parameters=0.5e6,
        macs=41e6,
        where="table 6",
        difference="It has 0.47 million parameters, which rounds to 0.5.",
    ),
    **_COMMON,
)
@models.register(
    "mobilenet_v1_full",
    preset={"convolution": "full"},
    notes="The network that table 4 of the paper compares with: 8.56 times the multiply-adds.",
    **_COMMON,
)
def mobilenet_v1(
    spec: DataSpec,
    *,
    convolution: Literal["separable", "full"],
    width: Width = 1.0,
    activation: Literal["relu", "relu6"] = "relu",
    reduction: Reduction = 32,
) -> nn.Module:
    """MobileNet V1 with {convolution} convolutions.

    The resolution multiplier is the shape of the images: 224, 192, 160 or 128 in the paper.

    Args:
        width: multiplies the channels of every layer, cut to whole numbers of at least 8; 1, 0.75, 0.5 or 0.25 in the
            paper.
        reduction: how many times smaller than the image the last maps are: 32 for 224 pixels, 16 for 64, 8 for 32 or
            28.
    """
    channels, _, _ = image("model `mobilenet_v1`", spec, reduction=reduction)
    activate = relu if activation == "relu" else partial(nn.ReLU6, inplace=True)
    block = depthwise_separable if convolution == "separable" else conv_norm

    def scaled(outputs: int) -> int:
        return max(8, int(outputs * width))

    stem, *others = strides(reduction, 5)
    before = scaled(32)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        stem=conv_norm(channels, before, 3, stride=stem, activation=activate)
    )
    for number, (stage, stride) in enumerate(zip(_STAGES, [1, *others], strict=True)):
        blocks = []
        for place, outputs in enumerate(map(scaled, stage)):
            blocks.append(block(before, outputs, 3, stride=stride if place == 0 else 1, activation=activate))
            before = outputs
        layers[f"stage{number + 1}"] = nn.Sequential(*blocks)
    model = nn.Sequential(layers | ending(before, spec.outputs))
    he_normal(model)
    return model
