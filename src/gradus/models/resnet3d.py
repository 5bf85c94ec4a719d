"""ResNets for videos: kernels in space and time, in space alone from some stage on, or in one after the other.

Source: Tran, Wang, Torresani, Ray, LeCun, Paluri (2018), A closer look at spatiotemporal convolutions for action
recognition, arXiv:1711.11248 (CVPR). New in it: R(2+1)D, a convolution in space and then one in time with a ReLU
between, of as many parameters as the one they replace, which is easier to fit.

As in torchvision, both convolutions of a unit have the middle width that is right for the first, where the paper would
compute one for each: they differ in the first unit of a stage.
"""

from collections import OrderedDict
from typing import Literal

from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.images import Width, he_normal
from gradus.models.videos import video
from gradus.nn.blocks.residual import Residual
from gradus.nn.convolution import divisible, relu

_COMMON = {
    "family": "resnet3d",
    "year": 2018,
    "input": (3, 16, 112, 112),
    "outputs": 400,
    "source": "Tran, Wang, Torresani, Ray, LeCun, Paluri (2018), A closer look at spatiotemporal convolutions for "
    "action recognition, arXiv:1711.11248",
}
_NOTES = "The paper gives no counts; these and the layers are those of torchvision's."
Form = Literal["R3D", "MC3", "R(2+1)D"]
Kind = Literal["3d", "2d", "2+1d"]
_STAGES: dict[Form, tuple[Kind, Kind, Kind, Kind]] = {
    "R3D": ("3d", "3d", "3d", "3d"),
    "MC3": ("3d", "2d", "2d", "2d"),
    "R(2+1)D": ("2+1d", "2+1d", "2+1d", "2+1d"),
}
_NAMES: dict[Form, str] = {"R3D": "r3d_18", "MC3": "mc3_18", "R(2+1)D": "r2plus1d_18"}


@models.register("r3d_18", preset={"form": "R3D"}, notes=_NOTES, **_COMMON)
@models.register("mc3_18", preset={"form": "MC3"}, notes=_NOTES, **_COMMON)
@models.register("r2plus1d_18", preset={"form": "R(2+1)D"}, notes=_NOTES, **_COMMON)
def resnet3d(spec: DataSpec, *, form: Form, width: Width = 1.0, reduction: Literal[8, 16] = 16) -> nn.Module:
    """Residual network {form} of 18 layers for clips of videos.

    Args:
        width: multiplies the channels of every layer, rounded to multiples of 8.
        reduction: how many times smaller than a frame the last maps are: 16 for 112 pixels, 8 for 32 or 28, where the
            stem keeps the sides.
    """
    channels, _, _, _ = video(f"model `{_NAMES[form]}`", spec, reduction=reduction)
    first = reduction // 8
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    before = divisible(64 * width, 8)
    if form == "R(2+1)D":
        middle = max(round(45 * width), 1)
        in_space = nn.Conv3d(channels, middle, (1, 7, 7), (1, first, first), (0, 3, 3), bias=False)
        in_time = nn.Conv3d(middle, before, (3, 1, 1), 1, (1, 0, 0), bias=False)
        layers["stem"] = nn.Sequential(*_normalized(in_space, middle), *_normalized(in_time, before))
    else:
        stem = nn.Conv3d(channels, before, (3, 7, 7), (1, first, first), (1, 3, 3), bias=False)
        layers["stem"] = nn.Sequential(*_normalized(stem, before))
    for number, kind in enumerate(_STAGES[form]):
        outputs = divisible(64 * 2**number * width, 8)
        stride = 1 if number == 0 else 2
        layers[f"stage{number + 1}"] = nn.Sequential(
            _unit(kind, before, outputs, stride), _unit(kind, outputs, outputs, 1)
        )
        before = outputs
    layers |= {"pool": nn.AdaptiveAvgPool3d(1), "flatten": nn.Flatten(), "output": nn.Linear(before, spec.outputs)}
    model = nn.Sequential(layers)
    he_normal(model)
    return model


def _unit(kind: Kind, before: int, outputs: int, stride: int) -> Residual:
    middle = 27 * before * outputs // (9 * before + 3 * outputs)
    branch = nn.Sequential(
        *_normalized(_convolution(kind, before, outputs, stride, middle), outputs),
        *_normalized(_convolution(kind, outputs, outputs, 1, middle), outputs, last=True),
    )
    if (before, stride) == (outputs, 1):
        return Residual(branch, activation=relu())
    steps = (1 if kind == "2d" else stride, stride, stride)
    projection = nn.Conv3d(before, outputs, 1, steps, bias=False)
    return Residual(branch, nn.Sequential(*_normalized(projection, outputs, last=True)), activation=relu())


def _convolution(kind: Kind, inputs: int, outputs: int, stride: int, middle: int) -> nn.Module:
    """Of 3 x 3 x 3, without the first 3, or with that in a convolution of its own."""
    if kind == "3d":
        return nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False)
    if kind == "2d":
        return nn.Conv3d(inputs, outputs, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False)
    in_space = nn.Conv3d(inputs, middle, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False)
    in_time = nn.Conv3d(middle, outputs, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False)
    return nn.Sequential(*_normalized(in_space, middle), in_time)


def _normalized(convolution: nn.Module, outputs: int, *, last: bool = False) -> list[nn.Module]:
    """A convolution, its normalization and, if it is not the last before a sum, ReLU."""
    return [convolution, nn.BatchNorm3d(outputs), *([] if last else [relu()])]
