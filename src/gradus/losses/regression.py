"""Criteria for values."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

from gradus.losses import criteria

# N examples, K values each


@criteria.register(source="Legendre (1805); Gauss (1809)", aliases=("mean_squared_error",), tasks=("regression",))
def mse() -> Callable[[Tensor, Tensor], Tensor]:
    """The mean squared error between outputs and targets, both (N, K)."""
    return functional.mse_loss


@criteria.register(source="Laplace (1774)", aliases=("mean_absolute_error",), tasks=("regression",))
def mae() -> Callable[[Tensor, Tensor], Tensor]:
    """The mean absolute error between outputs and targets, both (N, K); less moved by outliers than the square."""
    return functional.l1_loss
