"""ShuffleNet V2: half of the channels pass each unit untouched.

Source: Ma, Zhang, Zheng, Sun (2018), ShuffleNet V2: practical guidelines for efficient CNN architecture design,
arXiv:1807.11164 (ECCV). New in it: speed is measured, not counted in multiply-adds, and four guidelines follow: equal
widths, few groups, few fragments, few element-wise operations.
"""

from collections import OrderedDict
from typing import Annotated, Any

from pydantic import Field
from torch import nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import Published, models
from gradus.models.images import Reduction, ending, he_normal, strides
from gradus.models.inputs import image
from gradus.nn.blocks.shuffle import SplitUnit
from gradus.nn.convolution import conv_norm

_CHANNELS = {0.5: (48, 1024), 1.0: (116, 1024), 1.5: (176, 1024), 2.0: (244, 2048)}
"""Table 5, by width: outputs of the first stage, each after having twice as many, and of the last convolution.

A misprint goes round, 224 for 244: with it there are 7,366,536 parameters at width 2."""


_COMMON: dict[str, Any] = {
    "family": "shufflenet_v2",
    "year": 2018,
    "input": (3, 224, 224),
    "outputs": 1000,
    "source": "Ma, Zhang, Zheng, Sun (2018), ShuffleNet V2: practical guidelines for efficient CNN architecture "
    "design, arXiv:1807.11164, table 5",
    "notes": "The authors' code has the last layer without bias, and dropout before it at width 2.",
}


@models.register(
    "shufflenet_v2",
    published=Published(macs=146e6, where="table 5"),
    headline="ImageNet top-1 error 30.6 %",
    **_COMMON,
)
@models.register(
    "shufflenet_v2_0.5",
    preset={"width": 0.5},
    published=Published(macs=41e6, where="table 5"),
    headline="ImageNet top-1 error 38.9 %",
    **_COMMON,
)
@models.register(
    "shufflenet_v2_1.5",
    preset={"width": 1.5},
    published=Published(macs=299e6, where="table 5"),
    headline="ImageNet top-1 error 27.4 %",
    **_COMMON,
)
@models.register(
    "shufflenet_v2_2.0",
    preset={"width": 2.0},
    published=Published(macs=591e6, where="table 5"),
    headline="ImageNet top-1 error 25.0 %",
    **_COMMON,
)
def shufflenet_v2(
    spec: DataSpec, *, width: Annotated[float, Field(ge=0.5, le=2)] = 1.0, reduction: Reduction = 32
) -> nn.Module:
    """ShuffleNet V2, in which half of the channels pass each unit untouched.

    Args:
        width: 0.5, 1, 1.5 or 2; channels are those of the paper's table, about so many times as many.
        reduction: how many times smaller than the image the last maps are: 32 for 224 pixels, 16 for 64, 8 for 32 or
            28, where the stem is a convolution alone.
    """
    channels, _, _ = image("model `shufflenet_v2`", spec, reduction=reduction)
    if width not in _CHANNELS:
        raise InputError("model `shufflenet_v2`", "`width` must be 0.5, 1, 1.5 or 2", width)
    outputs, last = _CHANNELS[width]
    steps = strides(reduction, 5)
    before = 24
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=conv_norm(channels, before, 3, stride=steps[0]))
    if steps[1] == 2:
        layers["stem_pool"] = nn.MaxPool2d(3, 2, 1)
    for number, (count, stride) in enumerate(zip((4, 8, 4), steps[2:], strict=True)):
        following = (SplitUnit(outputs, outputs) for _ in range(count - 1))
        layers[f"stage{number + 1}"] = nn.Sequential(SplitUnit(before, outputs, stride=stride), *following)
        before, outputs = outputs, 2 * outputs
    layers["head"] = conv_norm(before, last, 1)
    model = nn.Sequential(layers | ending(last, spec.outputs))
    he_normal(model)
    return model
