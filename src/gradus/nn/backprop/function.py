"""What explicit backward passes share."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.autograd import Function

Sizes = int | Sequence[int]


def applied(function: type[Function], *arguments: Any) -> Tensor:
    """Its value, from which a backward pass takes the function's own `backward`."""
    result: Tensor = function.apply(*arguments)
    return result


def per_axis(given: Sizes, axes: int) -> tuple[int, ...]:
    """One number for each axis: a single one is for all."""
    sizes = (given,) if isinstance(given, int) else tuple(given)
    return sizes * axes if len(sizes) == 1 else sizes
