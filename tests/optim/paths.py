"""Optimizers on Rosenbrock's function in float64, and recursions from papers beside them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

Array = NDArray[np.float64]
START = (-1.2, 1.0)


def gradient(point: Array) -> Array:
    x, y = point
    return np.array([-400 * x * (y - x**2) - 2 * (1 - x), 200 * (y - x**2)])


def follow(
    make: Callable[[list[nn.Parameter]], Optimizer], steps: int = 100, rate: Callable[[int], float] | None = None
) -> Array:
    """The points after each step; `rate`, where given, sets that of step t = 0, 1, ..."""
    point = nn.Parameter(torch.tensor(START, dtype=torch.float64))
    optimizer = make([point])

    def closure() -> Tensor:
        point.grad = torch.tensor(gradient(point.detach().numpy()))
        x, y = point.detach()
        return torch.as_tensor(100 * (y - x**2) ** 2 + (1 - x) ** 2)

    points = []
    for t in range(steps):
        if rate is not None:
            optimizer.param_groups[0]["lr"] = rate(t)
        optimizer.step(closure)  # type: ignore[arg-type]
        points.append(point.detach().numpy().copy())
    return np.array(points)


def recursion(update: Callable[..., Any], steps: int = 100, kept: int = 2) -> Array:
    """Points of ``point, *kept = update(t, point, *kept)``, t = 1, 2, ..., what is kept being zero at first."""
    state: list[Any] = [np.array(START), *(np.zeros(2) for _ in range(kept))]
    points = []
    for t in range(1, steps + 1):
        state = list(update(t, *state))
        points.append(state[0])
    return np.array(points)


def apart(a: Array, b: Array) -> float:
    return float(np.abs(a - b).max())
