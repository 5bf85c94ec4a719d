"""Newton's method by conjugate gradients within a trust region."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.optim.optimizer import ParamsT

from gradus.core.errors import InputError
from gradus.optim import optimizers
from gradus.optim.foreach import Closure
from gradus.optim.hyper import Count, Tolerance
from gradus.optim.second_order.base import SecondOrder, flat, rounding

ACCEPTED = 1e-4
"""A step is taken if the loss falls by more than this share of what the quadratic model promised."""


@optimizers.register(
    "newton_cg",
    aliases=("newton",),
    source="Nocedal, Wright (2006), Numerical Optimization, algorithms 4.1 and 7.2; Steihaug (1983)",
    formula="p += argmin of g'd + d'Hd/2 over |d| <= radius, by conjugate gradients",
    notes="The first region has no bound, so that a quadratic takes one step; where the loss curves downwards there, "
    "it begins as far as algorithm 7.1 would go. A region that proves too large is cut without new products.",
    closure=True,
)
class NewtonCG(SecondOrder):
    """Newton's method: jumps to the bottom of the quadratic that fits the loss here, as far as that can be trusted.

    The closure returns the loss with its graph and calls no backward; products with the Hessian are derivatives of
    the gradient, so no matrix is formed. Directions of negative curvature are followed downhill, so that saddles do not
    hold it, unless the gradient has no part along them: from a ridge it goes to the saddle. A step never ends at a
    higher loss than it began with.

    Args:
        max_iter: iterations a step.
        tolerance: no iteration begins where no component of the gradient is larger.
        radius: of the trust region at first; it then follows how well the model predicts.
        cg_tolerance: the inner conjugate gradients end at this share of the gradient's norm. Far from the minimum, and
            for many parameters, 0.5 saves most of the products.
        max_cg: products with the Hessian an iteration, at most.
    Cost: a product takes about two backward passes; an iteration keeps up to `max_cg` vectors.
    """

    wants: ClassVar[Literal["loss"]] = "loss"

    def __init__(
        self,
        parameters: ParamsT,
        *,
        max_iter: Count = 1,
        tolerance: Tolerance = 1e-7,
        radius: Annotated[float, Field(gt=0)] = math.inf,
        cg_tolerance: Annotated[float, Field(ge=0, lt=1)] = 1e-8,
        max_cg: Count = 100,
    ) -> None:
        super().__init__(
            parameters,
            max_iter=max_iter,
            tolerance=tolerance,
            radius=radius,
            cg_tolerance=cg_tolerance,
            max_cg=max_cg,
        )

    def _iterate(self, closure: Closure) -> Tensor:
        group, memory = self.param_groups[0], self._memory
        loss = first = self._evaluate(closure)
        self._check_finite(loss, "loss")
        for _ in range(group["max_iter"]):
            graph = self._gradient(loss)
            gradient = graph.detach()
            self._check_finite(gradient, "gradient of the loss")
            self._leave_gradient(gradient)
            if gradient.abs().max() <= group["tolerance"] or float(gradient @ gradient) == 0:  # it may underflow
                break
            radius = memory.get("radius", group["radius"])
            tolerance = max(group["cg_tolerance"], 4 * rounding(gradient)) * float(gradient.norm())
            product = partial(self._product, graph)
            path = conjugate_gradients(product, gradient, radius, tolerance, group["max_cg"])
            if math.isinf(radius):
                radius = first_radius(path, rounding(gradient) * abs(float(loss.detach())))
            del graph, product  # what the next evaluation needs the memory for
            lower = self._descend(closure, float(loss), path, radius)
            if lower is None:
                break
            loss = lower
            memory["n_iter"] += 1
        return first.detach()

    def _descend(self, closure: Closure, value: float, path: "list[Segment]", radius: float) -> Tensor | None:
        """Move to the end of the path within the trust region, made smaller until the loss falls; the loss there."""
        origin = self._point()
        while True:
            step, promised, bounded = within(path, radius)
            length = float(step.norm())
            self._move_to(origin + step)
            loss = self._evaluate(closure)
            fallen = value - float(loss)
            share = fallen / promised if promised > 0 else -math.inf
            if not share >= 0.25:  # NaN, too
                radius = length / 4
            elif share > 0.75 and bounded:
                radius = 2 * radius
            self._memory["radius"] = radius
            # Where the promise is below rounding, so is what can be seen of it.
            trusted = share > ACCEPTED or (fallen == 0 and promised <= 8 * rounding(step) * abs(value))
            if trusted:
                return loss
            if promised <= rounding(step) * abs(value) or length <= rounding(step) * float(origin.norm()):
                self._move_to(origin)
                self._memory.pop("radius")
                return None

    def _evaluate(self, closure: Closure) -> Tensor:
        loss = self._check_graph(self._call(closure), "the loss")
        if loss.numel() != 1:
            raise InputError(self.owner, "its closure must return one number", tuple(loss.shape))
        return loss

    def _gradient(self, loss: Tensor) -> Tensor:
        with torch.enable_grad():
            return flat(torch.autograd.grad(loss, self._vector, create_graph=True, materialize_grads=True))

    def _product(self, gradient: Tensor, vector: Tensor) -> Tensor:
        """The Hessian times a vector."""
        if not gradient.requires_grad:  # a linear loss
            return torch.zeros_like(vector)
        return flat(torch.autograd.grad(gradient, self._vector, vector, retain_graph=True, materialize_grads=True))


@dataclass(frozen=True, slots=True)
class Segment:
    """One step of conjugate gradients: from where the last ended, along `direction`.

    Attributes:
        slope, curvature: of the quadratic model along the direction.
        length: how far to go; infinite where the model curves downwards.
    """

    direction: Tensor
    slope: float
    curvature: float
    length: float

    def fall(self, length: float) -> float:
        """How far the model falls."""
        return -length * self.slope - 0.5 * length**2 * self.curvature


def conjugate_gradients(
    product: Callable[[Tensor], Tensor], gradient: Tensor, radius: float, tolerance: float, most: int
) -> list[Segment]:
    """The path of conjugate gradients from 0 to the minimum of the model g'd + d'Hd/2, or out of the trust region.

    The path moves ever farther from 0 and does not depend on the radius, which only decides where it is left: a smaller
    region needs no new products.
    """
    path: list[Segment] = []
    reached, residual, direction = torch.zeros_like(gradient), gradient, -gradient
    square = float(residual @ residual)
    for _ in range(most):
        curved = product(direction)
        curvature = float(direction @ curved)
        downwards = curvature <= 0
        path.append(Segment(direction, -square, curvature, math.inf if downwards else square / curvature))
        if downwards:
            break
        reached = reached + path[-1].length * direction
        residual = residual + path[-1].length * curved
        square, before = float(residual @ residual), square
        if math.sqrt(square) <= tolerance or float(reached.norm()) >= radius:
            break
        direction = square / before * direction - residual
    return path


def within(path: list[Segment], radius: float) -> tuple[Tensor, float, bool]:
    """The end of a path inside the trust region: the step, how far the model falls, whether the region cut it."""
    step, fallen = torch.zeros_like(path[0].direction), 0.0
    for each in path:
        length = each.length
        if math.isinf(length) and math.isinf(radius):
            break
        ahead = step + length * each.direction if math.isfinite(length) else step
        bounded = math.isinf(length) or float(ahead.norm()) >= radius
        if bounded:
            length = _to_boundary(step, each.direction, radius)
            ahead = step + length * each.direction
        step = ahead
        fallen += each.fall(length)
        if bounded:
            return step, fallen, True
    return step, fallen, False


def first_radius(path: list[Segment], least: float) -> float:
    """Of a region that had no bound: none still where the model has a minimum, otherwise as far as algorithm 7.1 goes.

    That is how far the path came before it curved downwards; at once, a step down the gradient. Where the model would
    not fall by more than `least` as far again, it is rounding that curves downwards.
    """
    *before, last = path
    if math.isfinite(last.length):
        return math.inf
    if not before:
        return float(last.direction.norm())
    reached = float(torch.stack([each.length * each.direction for each in before]).sum(dim=0).norm())
    return reached if last.fall(reached / float(last.direction.norm())) > least else math.inf


def _to_boundary(step: Tensor, direction: Tensor, radius: float) -> float:
    """The positive t at which |step + t direction| = radius."""
    a, b, c = float(direction @ direction), float(step @ direction), float(step @ step) - radius**2
    root = math.sqrt(max(b * b - a * c, 0.0))
    return -c / (b + root) if b > 0 else (root - b) / a  # either is free of cancellation
