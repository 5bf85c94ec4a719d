"""ShuffleNet V1: grouped 1 x 1 convolutions, with channels shuffled between them.

Source: Zhang, Zhou, Lin, Sun (2017), ShuffleNet: an extremely efficient convolutional neural network for mobile
devices, arXiv:1707.01083 (CVPR 2018). New in it: in a light bottleneck most of the work is in 1 x 1 convolutions; in
groups these cost a fraction, so that as much work affords more channels, and a shuffle of channels carries what one
group finds to the others.
"""

from collections import OrderedDict
from typing import Any, Literal

from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.images import Reduction, Width, ending, he_normal, strides
from gradus.models.inputs import image
from gradus.nn.blocks.shuffle import shuffle_unit
from gradus.nn.convolution import conv_norm, divisible

_CHANNELS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
"""Table 1: outputs of the first stage for so many groups; each stage after has twice as many."""


_COMMON: dict[str, Any] = {
    "family": "shufflenet_v1",
    "year": 2017,
    "input": (3, 224, 224),
    "outputs": 1000,
    "source": "Zhang, Zhou, Lin, Sun (2017), ShuffleNet: an extremely efficient convolutional neural network for "
    "mobile devices, arXiv:1707.01083, table 1",
}
_RELEASE = "ImageNet top-1 error {} % (the authors' release)"


@models.register(
    "shufflenet_v1",
    headline=_RELEASE.format("32.2"),
    notes="The paper's complexity leaves out the last layer: 136,500,672 multiply-adds of 137,460,672 with 3 groups. "
    "The authors' code has that layer without bias, at width 1.5 a stem of 24 channels in place of 36, and the "
    "inverse shuffle.",
    **_COMMON,
)
@models.register("shufflenet_v1_g1", preset={"groups": 1}, **_COMMON)
@models.register("shufflenet_v1_g2", preset={"groups": 2}, **_COMMON)
@models.register("shufflenet_v1_g3", preset={"groups": 3}, headline=_RELEASE.format("32.2"), **_COMMON)
@models.register("shufflenet_v1_g4", preset={"groups": 4}, **_COMMON)
@models.register("shufflenet_v1_g8", preset={"groups": 8}, headline=_RELEASE.format("32.0"), **_COMMON)
def shufflenet_v1(
    spec: DataSpec,
    *,
    groups: Literal[1, 2, 3, 4, 8] = 3,
    width: Width = 1.0,
    reduction: Reduction = 32,
) -> nn.Module:
    """ShuffleNet V1, of grouped 1 x 1 convolutions with shuffled channels.

    Args:
        groups: of the 1 x 1 convolutions; the more, the more channels for about the same work.
        width: multiplies the channels of every layer, rounded to what the groups divide; 1, 0.5 or 0.25 in table 2.
        reduction: how many times smaller than the image the last maps are: 32 for 224 pixels, 16 for 64, 8 for 32 or
            28, where the stem is a convolution alone.
    """
    channels, _, _ = image("model `shufflenet_v1`", spec, reduction=reduction)
    steps = strides(reduction, 5)
    before = divisible(24 * width, groups)
    outputs = divisible(_CHANNELS[groups] * width, 4 * groups)
    layers: OrderedDict[str, nn.Module] = OrderedDict(stem=conv_norm(channels, before, 3, stride=steps[0]))
    if steps[1] == 2:
        layers["stem_pool"] = nn.MaxPool2d(3, 2, 1)
    for number, (count, stride) in enumerate(zip((4, 8, 4), steps[2:], strict=True)):
        # The stem has too few channels to be taken apart (section 3.3).
        reduced_in = 1 if number == 0 else groups
        first = shuffle_unit(before, outputs, groups=groups, reduced_in=reduced_in, stride=stride)
        following = (shuffle_unit(outputs, outputs, groups=groups) for _ in range(count - 1))
        layers[f"stage{number + 1}"] = nn.Sequential(first, *following)
        before, outputs = outputs, 2 * outputs
    model = nn.Sequential(layers | ending(before, spec.outputs))
    he_normal(model)
    return model
