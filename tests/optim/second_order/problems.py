"""What the tests of second-order optimizers minimize, and how they ask it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gradus.optim.second_order import (
    BFGS,
    GaussNewton,
    LevenbergMarquardt,
    NewtonCG,
    SecondOrder,
)

ALL = [BFGS, NewtonCG, GaussNewton, LevenbergMarquardt]
NAMES = {"bfgs": BFGS, "newton_cg": NewtonCG, "gauss_newton": GaussNewton, "levenberg_marquardt": LevenbergMarquardt}
NEVER_WORSE = [BFGS, NewtonCG, LevenbergMarquardt]
Residuals = Callable[[], Tensor]


def rosenbrock(p: Tensor) -> Tensor:
    return torch.stack([10 * (p[1] - p[0] ** 2), 1 - p[0]])


def beale(p: Tensor) -> Tensor:
    powers = torch.stack([p[1], p[1] ** 2, p[1] ** 3])
    return torch.tensor([1.5, 2.25, 2.625], dtype=p.dtype) - p[0] * (1 - powers)


VALLEYS = {"rosenbrock": (rosenbrock, [-1.2, 1.0], [1.0, 1.0]), "beale": (beale, [1.0, 1.0], [3.0, 0.5])}


def parameter(values: Any, dtype: torch.dtype = torch.float64) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values, dtype=dtype))


def closure_for(optimizer: torch.optim.Optimizer, residuals: Residuals) -> Callable[[], Tensor]:
    """What the optimizer wants of the sum of squares."""
    wants = getattr(optimizer, "wants", "gradients")
    if wants == "residuals":
        return residuals
    if wants == "loss":
        return lambda: residuals().square().sum()

    def with_backward() -> Tensor:
        optimizer.zero_grad()
        loss = residuals().square().sum()
        loss.backward()
        return loss

    return with_backward


def evaluations(optimizer: SecondOrder) -> int:
    return int(next(iter(optimizer.state.values()))["func_evals"])


def iterations(optimizer: SecondOrder) -> int:
    return int(next(iter(optimizer.state.values()))["n_iter"])


def network(dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)).to(dtype)


def sine(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    x = torch.linspace(-2, 2, 40, dtype=dtype)[:, None]
    return x, torch.sin(2 * x)
