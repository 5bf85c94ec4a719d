"""What every explicit backward pass is made with."""

from typing import Any

from torch import Tensor
from torch.autograd import Function


def applied(function: type[Function], *arguments: Any) -> Tensor:
    """Its value, from which a backward pass takes the function's own `backward`."""
    result: Tensor = function.apply(*arguments)
    return result
