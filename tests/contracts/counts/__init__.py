"""Parameters and multiply-adds of the catalogue's networks, counted elsewhere than here; a family a file.

Each is as published unless options are given. Sources: other libraries' networks, built without numbers (torchvision
0.29, timm 1.0, pytorchcv 0.0.74), and sums by hand where there is none.
"""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

Row = tuple[str, dict[str, Any], int, int]
"""A card's name, options, parameters, multiply-adds."""


def rows() -> Iterator[Row]:
    """Those of all families."""
    for module in iter_modules(__path__, prefix=f"{__name__}."):
        yield from import_module(module.name).COUNTS
