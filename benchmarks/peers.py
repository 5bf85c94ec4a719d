"""Networks of torchvision and timm that the catalogue has too, which nothing of gradus needs: to compare with.

The two libraries are looked for in the folder ``peers`` of the environment, where ``make`` puts them, or where
``GRADUS_PEERS`` says.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn


class AbsentError(Exception):
    """A library is not there."""


@cache
def _operators() -> torch.library.Library:
    """What torchvision asks torch for while it is imported, and has in a binary of its own for another torch."""
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def peer(module: str) -> Any:
    """A module of torchvision or timm.

    Raises:
        AbsentError: if they are not installed.
    """
    place = Path(os.environ.get("GRADUS_PEERS", Path(sys.prefix) / "peers"))
    if not (place / module.partition(".")[0]).is_dir():
        raise AbsentError(f"{module} is not in {place}: `make test` installs it, or set GRADUS_PEERS")
    if str(place) not in sys.path:
        sys.path.append(str(place))
    _operators()
    return import_module(module)


@dataclass(frozen=True)
class Twin:
    """A network of ours and the same elsewhere.

    Attributes:
        elsewhere: library and name.
        options: of ours.
        theirs: arguments of the other.
        side: of the images compared on.
        frames: of the clips, where it takes these.
        padded: the other's first pooling, which rounds up as Caffe's does, is to pad as the paper's stem is read.
        heavy: of more than 50 million parameters.
    """

    name: str
    elsewhere: str
    options: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)
    side: int = 64
    frames: int = 0
    padded: bool = False
    heavy: bool = False

    def build(self) -> nn.Module:
        library, _, name = self.elsewhere.partition(":")
        if library == "timm":
            made: nn.Module = peer("timm").create_model(name, pretrained=False, **self.theirs)
        else:
            made = getattr(peer(library), name)(weights=None, **self.theirs)
        if self.padded:
            made.pool0 = nn.MaxPool2d(3, 2, 1)
        return made


def twins() -> Iterator[Twin]:
    """Every network that one of the two has, too."""
    vision, video, timm = "torchvision.models:", "torchvision.models.video:", "timm:"
    for depth in (18, 34, 50, 101, 152):
        for library in (vision, timm):
            yield Twin(f"resnet{depth}", f"{library}resnet{depth}", heavy=depth == 152)
    for depth in (50, 101, 152):  # the shallower ones of timm activate before the gate
        options = {"stride_in": "1x1"}
        yield Twin(f"se_resnet{depth}", f"{timm}legacy_seresnet{depth}", options, padded=True, heavy=depth == 152)
    yield Twin("se_resnet50", f"{timm}seresnet50", {"stride_in": "3x3"})
    yield Twin("senet154", f"{timm}legacy_senet154", heavy=True)
    yield Twin("alexnet_owt", f"{vision}alexnet", side=224, heavy=True)
    for depth in (11, 13, 16, 19):
        yield Twin(f"vgg{depth}", f"{vision}vgg{depth}", side=224, heavy=True)
        yield Twin(f"vgg{depth}", f"{vision}vgg{depth}_bn", {"batch_norm": True}, side=224, heavy=True)
    for auxiliary in (False, True):
        form = {"batch_norm": True, "kernel": 3, "auxiliary": auxiliary}
        yield Twin("googlenet", f"{vision}googlenet", form, {"aux_logits": auxiliary, "init_weights": False})
    for depth in (121, 169, 201, 161):
        yield Twin(f"densenet{depth}", f"{vision}densenet{depth}")
    yield Twin("mobilenet_v1", f"{timm}mobilenetv1_100", {"activation": "relu6"})
    yield Twin("mobilenet_v2", f"{vision}mobilenet_v2")
    for width in (0.5, 1.0, 1.5, 2.0):
        name = f"shufflenet_v2_x{width}".replace(".", "_")
        yield Twin("shufflenet_v2", f"{vision}{name}", {"width": width})
    for version in ("1_0", "1_1"):
        yield Twin(f"squeezenet{version}", f"{vision}squeezenet{version}")
    for size in ("tiny", "small", "base"):
        yield Twin(f"vit_{size}", f"{timm}vit_{size}_patch16_224", side=224, heavy=size == "base")
    yield Twin("vit_base", f"{vision}vit_b_16", side=224, heavy=True)
    for name in ("r3d_18", "mc3_18", "r2plus1d_18"):
        yield Twin(name, f"{video}{name}", frames=8)
