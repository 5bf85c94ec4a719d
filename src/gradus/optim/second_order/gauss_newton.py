"""Gauss-Newton, and what it shares with Levenberg-Marquardt."""

from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.optim.optimizer import ParamsT

from gradus.core.errors import InputError
from gradus.optim import optimizers
from gradus.optim.foreach import Closure
from gradus.optim.hyper import Count, Tolerance
from gradus.optim.second_order.base import SecondOrder, rounding
from gradus.optim.second_order.jacobian import jacobian


class LeastSquares(SecondOrder):
    """An optimizer of the sum of squares of residuals, which its closure returns."""

    wants: ClassVar[Literal["residuals"]] = "residuals"

    def _evaluate(self, closure: Closure) -> Tensor:
        residuals = self._check_graph(self._call(closure), "the residuals")
        if not residuals.dim() or not residuals.numel():
            rule = "its closure must return the residuals, a vector whose squares sum to the loss"
            raise InputError(self.owner, rule, "none" if residuals.dim() else "one number")
        with torch.enable_grad():
            return residuals.flatten()

    def _linearize(self, residuals: Tensor) -> tuple[Tensor, Tensor]:
        """The residuals' Jacobian J, and J'r: half the gradient of the sum of squares."""
        matrix = jacobian(residuals, self._vector, self.param_groups[0]["chunk"])
        self._check_finite(matrix, "derivative of the residuals")
        slope = matrix.T @ residuals.detach()
        self._leave_gradient(2 * slope)
        return matrix, slope


@optimizers.register(
    "gauss_newton",
    source="Nocedal, Wright (2006), Numerical Optimization, section 10.3; Gauss (1809)",
    formula="p -= lr J^+ r for the loss r'r, J the Jacobian of the residuals r",
    notes="J^+ is the pseudo-inverse: where J has not full rank, the shortest of the steps that solve it.",
    closure=True,
)
class GaussNewton(LeastSquares):
    """Gauss-Newton: solves the linear least-squares problem that fits the residuals here.

    The closure returns the residuals with their graph. A step goes where the linear model says, be it uphill: near a
    good fit it is the fastest of all, far from it `levenberg_marquardt` is the safe one.

    Args:
        lr: the share of the step that is taken.
        max_iter: iterations a step.
        tolerance: no iteration begins where no component of the gradient is larger.
        rcond: singular values below this share of the largest count as zero; by default what rounding makes of zero.
        chunk: rows or columns of the Jacobian that are computed at once.
    Cost: m n numbers for m residuals and n parameters, and O(m n min(m, n)) time.
    """

    def __init__(
        self,
        parameters: ParamsT,
        *,
        lr: Annotated[float, Field(gt=0, le=1)] = 1.0,
        max_iter: Count = 1,
        tolerance: Tolerance = 1e-7,
        rcond: Annotated[float, Field(gt=0, lt=1)] | None = None,
        chunk: Count = 64,
    ) -> None:
        super().__init__(parameters, lr=lr, max_iter=max_iter, tolerance=tolerance, rcond=rcond, chunk=chunk)

    def _iterate(self, closure: Closure) -> Tensor:
        group = self.param_groups[0]
        first: Any = None
        for _ in range(group["max_iter"]):
            residuals = self._evaluate(closure)
            loss = residuals.detach().square().sum()
            first = loss if first is None else first
            self._check_finite(loss, "sum of squares")
            matrix, slope = self._linearize(residuals)
            if 2 * slope.abs().max() <= group["tolerance"]:
                break
            left, values, right = torch.linalg.svd(matrix, full_matrices=False)
            rcond = rounding(matrix) * max(matrix.shape) if group["rcond"] is None else group["rcond"]
            inverses = torch.where(values > rcond * values[0], 1 / values, 0.0)
            self._move_to(self._point() - group["lr"] * (right.T @ (inverses * (left.T @ residuals.detach()))))
            self._memory["n_iter"] += 1
        return first  # type: ignore[no-any-return]
