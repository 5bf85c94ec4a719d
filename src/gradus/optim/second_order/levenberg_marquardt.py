"""Levenberg-Marquardt."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from gradus.optim import optimizers
from gradus.optim.foreach import Closure
from gradus.optim.hyper import Count, Rate, Tolerance
from gradus.optim.second_order.base import rounding
from gradus.optim.second_order.gauss_newton import LeastSquares

SMALLEST = 1e-15
"""Damping below which it does nothing."""


@optimizers.register(
    "levenberg_marquardt",
    aliases=("lm",),
    source="Marquardt (1963); More (1978), The Levenberg-Marquardt algorithm; Nielsen (1999), IMM-REP-1999-05",
    formula="p -= (J'J + mu D)^-1 J'r for the loss r'r; D holds J's squared column norms, the largest so far",
    elsewhere={"paper": {"damping": 1e-3}},
    notes="The damping mu follows Nielsen: it falls with how well the linear model predicted, and doubles ever faster "
    "while it did not. Paper: Nielsen's tau for a start that is not near the minimum.",
    closure=True,
)
class LevenbergMarquardt(LeastSquares):
    """Levenberg-Marquardt: Gauss-Newton, damped until the sum of squares falls; for small regression networks.

    The closure returns the residuals with their graph. A step never ends at a higher loss than it began with.

    Args:
        max_iter: iterations a step.
        tolerance: no iteration begins where no component of the gradient is larger.
        damping: mu at first, in units of the squared column norms.
        chunk: rows or columns of the Jacobian that are computed at once.
    Cost: m n numbers for m residuals and n parameters, and O(m n min(m, n)) time.
    """

    def __init__(
        self,
        parameters: ParamsT,
        *,
        max_iter: Count = 1,
        tolerance: Tolerance = 1e-7,
        damping: Rate = 1e-3,
        chunk: Count = 64,
    ) -> None:
        super().__init__(parameters, max_iter=max_iter, tolerance=tolerance, damping=damping, chunk=chunk)

    def _iterate(self, closure: Closure) -> Tensor:
        group = self.param_groups[0]
        residuals = self._evaluate(closure)
        first = residuals.detach().square().sum()
        self._check_finite(first, "sum of squares")
        for _ in range(group["max_iter"]):
            matrix, slope = self._linearize(residuals)
            if 2 * slope.abs().max() <= group["tolerance"]:
                break
            lower = self._descend(closure, residuals.detach(), matrix, slope)
            if lower is None:
                break
            residuals = lower
            self._memory["n_iter"] += 1
        return first

    def _descend(self, closure: Closure, residuals: Tensor, matrix: Tensor, slope: Tensor) -> Tensor | None:
        """Damp the step until the sum of squares falls; the residuals there, or None if there is no such step."""
        memory, origin = self._memory, self._point()
        loss = float(residuals @ residuals)
        scale = self._scale(matrix)
        solve = _damped(matrix, scale, residuals, slope)
        damping, growth = memory.get("damping", self.param_groups[0]["damping"]), 2.0
        while math.isfinite(damping):
            step = solve(damping)
            if step is not None:
                self._move_to(origin + step)
                trial = self._evaluate(closure)
                promised = float(damping * (step @ (scale * step)) - slope @ step)
                share = (loss - float(trial.detach().square().sum())) / promised if promised > 0 else -1.0
                if share > 0:
                    memory["damping"] = max(damping * max(1 / 3, 1 - (2 * share - 1) ** 3), SMALLEST)
                    return trial
                if promised <= rounding(step) * loss:
                    break
            damping, growth = damping * growth, growth * 2
        self._move_to(origin)
        memory.pop("damping", None)
        return None

    def _scale(self, matrix: Tensor) -> Tensor:
        """D: the units of the parameters. That it never falls keeps a step from running along a flat direction."""
        scale = matrix.square().sum(dim=0)
        before: Tensor | None = self._memory.get("scale")
        if before is not None:
            scale = torch.maximum(scale, before)
        self._memory["scale"] = scale
        return torch.where(scale > 0, scale, 1.0)


def _damped(matrix: Tensor, scale: Tensor, residuals: Tensor, slope: Tensor) -> Callable[[float], Tensor | None]:
    """Solver of (J'J + mu D) step = -J'r for any mu; None where rounding leaves no positive definite matrix.

    With fewer residuals than parameters it solves the smaller (J D^-1 J' + mu I) z = -r, step = D^-1 J' z.
    """
    if matrix.shape[0] >= matrix.shape[1]:
        system, weight, right, back = matrix.T @ matrix, scale, -slope, None
    else:
        back = (matrix / scale).T
        system, weight, right = matrix @ back, torch.ones_like(residuals), -residuals

    def solve(damping: float) -> Tensor | None:
        factor, failed = torch.linalg.cholesky_ex(system + torch.diag(damping * weight))
        if failed:
            return None
        found = torch.cholesky_solve(right[:, None], factor)[:, 0]
        return found if back is None else back @ found

    return solve
