"""Proximal gradient descent: penalties with a kink, whose solutions have true zeros."""

import math
from typing import Any

import torch
from torch import Tensor, optim
from torch.optim.optimizer import ParamsT

from gradus.core.errors import InputError
from gradus.optim import optimizers
from gradus.optim.foreach import Closure, ForeachOptimizer, Tensors
from gradus.optim.hyper import Parameters, Penalty, Rate


class ProximalSGD(ForeachOptimizer):
    """Minimizes loss + l1 |p|_1 + l2 / 2 |p|^2 + group sum of |row|_2, the penalties exactly.

    A step along the gradient of the loss, then the penalties' proximal operator, which sets what is too small to zero:
    p = prox(p - lr g). A gradient step on |p| never gets there. A row is all that leads into one output (p[k]).

    With `accelerate` (FISTA) the gradient is computed ahead of p, in the direction it moved last; `step` needs a
    closure. Meant for whole-set batches: it takes any gradient for the exact one.

    Parikh, Boyd (2014), Proximal Algorithms, sections 4.2, 4.3, 6.5; Beck, Teboulle (2009), FISTA.
    """

    def __init__(
        self,
        parameters: ParamsT,
        *,
        lr: Rate = 1e-2,
        l1: Penalty = 0.0,
        l2: Penalty = 0.0,
        group: Penalty = 0.0,
        accelerate: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(parameters, lr=lr, l1=l1, l2=l2, group=group, accelerate=accelerate, maximize=maximize)

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> Any:
        accelerating = any(group["accelerate"] for group in self.param_groups)
        if not accelerating:
            return super().step(closure)
        if closure is None:
            raise InputError(self._owner, "`accelerate` needs a closure: it says where the gradient is computed")
        before = self._look_ahead()
        try:
            with torch.enable_grad():
                loss = closure()
        except BaseException:
            for parameter, value in before.items():
                parameter.copy_(value)
            raise
        for parameter, value in before.items():
            if parameter.grad is None:
                parameter.copy_(value)
            else:
                self.state[parameter]["previous"] = value
        self._step()
        return loss

    def _look_ahead(self) -> dict[Tensor, Tensor]:
        """Move on in the direction of the last step; where every parameter was before."""
        before = {}
        for group in self.param_groups:
            if not group["accelerate"]:
                continue
            last = group.get("inertia", 1.0)
            group["inertia"] = (1 + math.sqrt(1 + 4 * last**2)) / 2
            for parameter in group["params"]:
                before[parameter] = parameter.clone()
                previous = self.state.get(parameter, {}).get("previous")
                if previous is not None:
                    parameter.add_(parameter - previous, alpha=(last - 1) / group["inertia"])
        return before

    def _kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ()

    def _advance(self, group: dict[str, Any], points: Tensors, gradients: Tensors, kept: dict[str, Tensors]) -> None:
        lr = group["lr"]
        torch._foreach_add_(points, gradients, alpha=-lr)
        if group["l1"]:
            soften(points, lr * group["l1"])
        if group["group"]:
            for point in points:
                shrink_rows(point, lr * group["group"])
        if group["l2"]:
            torch._foreach_div_(points, 1 + lr * group["l2"])


def soften(points: Tensors, threshold: float) -> None:
    """Soft threshold, in place: sign(p) max(|p| - threshold, 0), the proximal operator of threshold |p|_1."""
    signs = torch._foreach_sign(points)
    torch._foreach_abs_(points)
    torch._foreach_sub_(points, threshold)
    torch._foreach_clamp_min_(points, 0.0)
    torch._foreach_mul_(points, signs)


def shrink_rows(point: Tensor, threshold: float) -> None:
    """Shorten every row by `threshold`, in place, or to nothing: the proximal operator of the sum of their norms."""
    norms = torch.linalg.vector_norm(point, dim=tuple(range(1, point.dim())) or None, keepdim=True)
    if point.dim() < 2:
        norms = point.abs()
    point.mul_((1 - threshold / norms).clamp_(min=0.0).nan_to_num_(nan=0.0))


@optimizers.register(
    source="Parikh, Boyd (2014), Proximal Algorithms, section 4.2; Beck, Teboulle (2009), FISTA",
    formula="p = prox(p - lr g); prox(z) = sign(z) max(|z| - lr l1, 0) / (1 + lr l2)",
    closure=True,
    notes='Vectors (biases, scales) are not penalized. `accelerate` (FISTA) is for batch_size = "full".',
)
def proximal(
    parameters: Parameters,
    *,
    lr: Rate = 1e-2,
    l1: Penalty = 0.0,
    l2: Penalty = 0.0,
    group: Penalty = 0.0,
    accelerate: bool = False,
) -> optim.Optimizer:
    """Gradient descent whose penalties l1 |p|, l2/2 p^2 and group |row| give true zeros."""
    parameters = list(parameters)
    matrices = [each for each in parameters if each.dim() > 1]
    vectors = [each for each in parameters if each.dim() <= 1]
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": vectors, "l1": 0.0, "l2": 0.0, "group": 0.0}]
    return ProximalSGD(
        [each for each in groups if each["params"]], lr=lr, l1=l1, l2=l2, group=group, accelerate=accelerate
    )
