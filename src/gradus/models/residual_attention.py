"""Residual attention networks: within each stage, masks from coarse maps weigh fine ones.

Source: Wang, Jiang, Qian, Yang, Li, Zhang, Wang, Tang (2017), Residual attention network for image classification,
arXiv:1704.06904 (CVPR), and the authors' network files at github.com/fwang91/residual-attention-network. New in it: a
stack of modules, each with a mask of its own, that still learns, for a mask adds to what it weighs: (1 + M) T.

The authors' files take tanh for the mask and pool without padding; the mask here is the paper's, a sigmoid by default,
and pooling pads as in ResNet, with the same sides and counts. pytorchcv's counts are these too, but it adds the trunk
to what becomes the mask, and within the mask adds what a skip is given twice.
"""

from collections import OrderedDict
from typing import Literal

from pydantic import PositiveInt
from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import Published, models
from gradus.models.images import Reduction, Width, ending, he_normal, stem, strides
from gradus.models.inputs import image
from gradus.models.resnet import Units
from gradus.nn.blocks.mask import Attention, MaskKind, soft_mask
from gradus.nn.convolution import divisible, relu

_PAPER = "Wang et al. (2017), Residual attention network for image classification, arXiv:1704.06904"
_COMMON = {"family": "residual_attention", "year": 2017, "input": (3, 224, 224), "outputs": 1000, "source": _PAPER}
_MODULES = {56: (1, 1, 1, 0), 92: (1, 2, 3, 0)}
_NOTES = (
    "The authors' network files have these layers and counts, but end a mask in tanh where the paper and this network "
    "take a sigmoid. The paper says {said}."
)
_UNITS = Units(bottleneck=True, preactivation=True)


@models.register(
    "attention56",
    preset={"depth": 56},
    published=Published(parameters=31.9e6, macs=6.3e9, where="section 4.2"),
    headline="ImageNet top-1 error 21.76 %, top-5 5.9 %",
    notes=_NOTES.format(said="31.9 million and 6.3 billion for 31,810,728 and 6,270,836,736"),
    **_COMMON,
)
@models.register(
    "attention92",
    preset={"depth": 92},
    published=Published(parameters=51.3e6, macs=10.4e9, where="section 4.2"),
    headline="ImageNet top-1 error 19.5 %, top-5 4.8 %, of 320 x 320",
    notes=_NOTES.format(said="51.3 million and 10.4 billion for 52,466,344 and 10,533,789,696"),
    **_COMMON,
)
def residual_attention(
    spec: DataSpec,
    *,
    depth: Literal[56, 92],
    learning: Literal["residual", "naive"] = "residual",
    mask: MaskKind = "mixed",
    p: PositiveInt = 1,
    t: PositiveInt = 2,
    r: PositiveInt = 1,
    width: Width = 1.0,
    reduction: Reduction = 32,
) -> nn.Module:
    """Residual attention network of {depth} layers in its trunk, for photographs.

    Args:
        learning: "residual" adds what the mask weighs to the trunk; "naive" lets only that pass.
        mask: "mixed" is a sigmoid; "channel" and "spatial" normalize over the channels or over the places;
            "channel_mean" and "spatial_mean" are sigmoids of means, a weight for each channel or each place.
        p: units of a module before it splits into trunk and mask, and as many after.
        t: units of a trunk.
        r: units of a mask between two changes of the sides.
        width: multiplies the channels of every layer, rounded to multiples of 8.
        reduction: how many times smaller than the image the last maps are: 32 for 224 pixels, 16 for 64, 8 for 32 or
            28, where the stem is a 3 x 3 convolution. No mask is made of smaller maps than these.
    """
    channels, _, _ = image(f"model `attention{depth}`", spec, reduction=reduction)
    halvings = strides(reduction, 5)
    before = within = divisible(64 * width, 8)
    layers, steps = stem(channels, before, halvings), [1, *halvings[2:]]
    for number, (modules, stride) in enumerate(zip(_MODULES[depth], steps, strict=True)):
        depth_of_mask = steps[number + 1 :].count(2)
        chosen = (_module(within, depth_of_mask, learning == "residual", mask, p, t, r) for _ in range(modules))
        following = chosen if modules else (_UNITS.unit(4 * within, within) for _ in range(2))
        layers[f"stage{number + 1}"] = nn.Sequential(_UNITS.unit(before, within, stride), *following)
        before, within = 4 * within, 2 * within
    layers["norm"], layers["activation"] = nn.BatchNorm2d(before), relu()
    model = nn.Sequential(layers | ending(before, spec.outputs))
    he_normal(model)
    return model


def _module(width: int, depth: int, residual: bool, kind: MaskKind, p: int, t: int, r: int) -> nn.Sequential:
    """An attention module of maps four times as many as `width` (figure 2)."""

    def unit() -> nn.Module:
        return _UNITS.unit(4 * width, width)

    trunk = nn.Sequential(*(unit() for _ in range(t)))
    mask = soft_mask(4 * width, unit, depth=depth, units=r, kind=kind)
    return nn.Sequential(
        OrderedDict(
            before=nn.Sequential(*(unit() for _ in range(p))),
            attention=Attention(trunk, mask, residual=residual),
            after=nn.Sequential(*(unit() for _ in range(p))),
        )
    )
