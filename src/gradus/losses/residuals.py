"""Criteria that are sums of squares, as the vector of what is squared: what Gauss-Newton and its like minimize."""

import math
from collections.abc import Callable

from torch import Tensor


def mse_residuals(output: Tensor, target: Tensor) -> Tensor:
    """The vector whose squares sum to the mean squared error of outputs and targets, both (N, K).

    r = (output - target) / sqrt(N K), so that r'r is the mean, with no factor of one half.
    """
    return (output - target).flatten() / math.sqrt(output.numel())


RESIDUALS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"mse": mse_residuals}
"""By the name of the criterion."""
