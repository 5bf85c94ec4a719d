"""BFGS."""

import math
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from gradus.core.errors import InputError
from gradus.optim import optimizers
from gradus.optim.foreach import Closure
from gradus.optim.hyper import Count, Rate, Tolerance
from gradus.optim.second_order.base import SecondOrder, flat, rounding
from gradus.optim.second_order.line_search import Trial, strong_wolfe

LARGEST = 20_000
"""Parameters, whose matrix then takes 1.6 GB in float32."""


@optimizers.register(
    "bfgs",
    source="Nocedal, Wright (2006), Numerical Optimization, algorithm 6.1 with equations 6.17 and 6.20",
    formula="p -= t H g; H = (I - s y'/y's) H (I - y s'/y's) + s s'/y's, s and y the changes of p and g",
    elsewhere={"torch": {"max_iter": 20}, "paper": {"tolerance": 1e-5}},
    notes="torch has only L-BFGS, whose defaults those are. Where the line search finds no lower point, it tries once "
    "more along the gradient.",
    closure=True,
)
class BFGS(SecondOrder):
    """BFGS: learns the inverse Hessian from how the gradient changes; for whole-set batches and few parameters.

    The closure is that of torch's L-BFGS: it clears the gradients, calls backward and returns the loss. A step never
    ends at a higher loss than it began with.

    Args:
        lr: the length that each line search tries first.
        max_iter: iterations a step.
        tolerance: no iteration begins where no component of the gradient is larger.
    Cost: n^2 numbers for n parameters, and O(n^2) time an iteration beside one evaluation or two.
    """

    wants: ClassVar[Literal["gradients"]] = "gradients"

    def __init__(
        self, parameters: ParamsT, *, lr: Rate = 1.0, max_iter: Count = 1, tolerance: Tolerance = 1e-7
    ) -> None:
        super().__init__(parameters, lr=lr, max_iter=max_iter, tolerance=tolerance)
        count = sum(each.numel() for each in self._vector)
        if count > LARGEST:
            rule = f"keeps a matrix of n x n numbers, so takes {LARGEST:,} parameters at most"
            raise InputError(self.owner, rule, count, "Use `lbfgs`, which keeps a few vectors.")

    def _iterate(self, closure: Closure) -> Tensor:
        group = self.param_groups[0]
        loss, gradient = self._evaluate(closure)
        value = float(loss)
        self._check_finite(value, "loss")
        self._check_finite(gradient, "gradient of the loss")
        for _ in range(group["max_iter"]):
            if gradient.abs().max() <= group["tolerance"]:
                break
            found = self._search(closure, value, gradient)
            if found is None:
                break
            value, gradient = found
            self._memory["n_iter"] += 1
        self._leave_gradient(gradient)
        return loss

    def _evaluate(self, closure: Closure) -> tuple[Tensor, Tensor]:
        loss = torch.as_tensor(self._call(closure)).detach()
        if all(each.grad is None for each in self._vector):
            raise InputError(self.owner, "its closure must call backward", repair="See docs/second-order.md.")
        grads = [torch.zeros_like(each) if each.grad is None else each.grad.to_dense() for each in self._vector]
        return loss, flat(grads)

    def _search(self, closure: Closure, value: float, gradient: Tensor) -> tuple[float, Tensor] | None:
        """Move to a lower point and learn from it; its loss and gradient, or None if there is no lower one."""
        memory, origin = self._memory, self._point()
        inverse: Tensor | None = memory.get("inverse")
        directions = [-gradient] if inverse is None else [-(inverse @ gradient), -gradient]
        for direction in directions:
            slope = float(gradient @ direction)
            if not slope < 0:  # rounding has spoilt the matrix
                memory.pop("inverse", None)
                continue
            first = self.param_groups[0]["lr"]
            if "inverse" not in memory:  # nothing is known of the scale yet: move by 1 in all, at most
                first *= min(1.0, 1.0 / float(gradient.abs().sum()))
            start = Trial(0.0, value, slope, gradient)
            trial = strong_wolfe(partial(self._at, closure, origin, direction), start, first=first)
            self._move_to(origin + trial.length * direction if trial is not start else origin)
            if trial is not start:
                self._learn(trial.length * direction, trial.gradient - gradient)
                return trial.value, trial.gradient
            memory.pop("inverse", None)
        return None

    def _at(self, closure: Closure, origin: Tensor, direction: Tensor, length: float) -> Trial:
        self._move_to(origin + length * direction)
        loss, gradient = self._evaluate(closure)
        value = float(loss)
        if not math.isfinite(value) or not bool(gradient.isfinite().all()):
            value = math.inf
        return Trial(length, value, float(gradient @ direction), gradient)

    def _learn(self, s: Tensor, y: Tensor) -> None:
        """Update the inverse Hessian by a step and the change of the gradient along it."""
        sy, yy = float(s @ y), float(y @ y)
        # The matrix would not stay positive definite, or the change is too small for its square to be a number.
        if sy <= rounding(s) * float(s.norm() * y.norm()) or yy == 0:
            return
        inverse: Tensor | None = self._memory.get("inverse")
        if inverse is None:
            inverse = torch.eye(len(s), dtype=s.dtype, device=s.device) * (sy / yy)
        hy = inverse @ y
        growth = 1 + float(y @ hy) / sy
        s, hy = s / math.sqrt(sy), hy / math.sqrt(sy)
        # (I - r s y') H (I - r y s') + r s s', multiplied out: three outer products in place of two matrix products.
        self._memory["inverse"] = inverse.addr_(hy, s, alpha=-1).addr_(s, hy, alpha=-1).addr_(s, s, alpha=growth)
