"""torchvision and timm, which nothing of gradus needs: networks of theirs to compare with.

They are looked for in the folder `peers` of the environment, or where ``GRADUS_PEERS`` says.
"""

import os
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch


@cache
def _operators() -> torch.library.Library:
    """What torchvision asks torch for while it is imported, and has in a binary of its own for another torch."""
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def peer(module: str) -> Any:
    """A module of torchvision or timm; the test is skipped where they are not installed."""
    place = Path(os.environ.get("GRADUS_PEERS", Path(sys.prefix) / "peers"))
    if not (place / module.partition(".")[0]).is_dir():
        pytest.skip(f"{module} is not in {place}: `make peers`, or set GRADUS_PEERS")
    if str(place) not in sys.path:
        sys.path.append(str(place))
    _operators()
    return import_module(module)
