"""Test surfaces: functions of two numbers, each with what makes descent on it hard and minima that are known.

Every one takes points of shape (..., 2) and gives their values (...), so that a whole grid is one call and autograd
gives the gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

import torch
from torch import Tensor

from gradus.core.cards import Card, Registry

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class SurfaceCard(Card):
    """A test surface. `build` is the function itself.

    Attributes:
        start: where a race begins.
        minima: every global minimum.
        lowest: the value there.
        target: a value below this one has got there; on the saddle, has left it.
        domain: what is drawn: the ends of x, and of y.
    """

    start: Point
    minima: tuple[Point, ...]
    lowest: float = 0.0
    target: float = 1e-4
    domain: tuple[tuple[float, float], tuple[float, float]]

    @property
    def residuals(self) -> Callable[[Tensor], Tensor] | None:
        """(..., 2) to (..., n), the terms whose squares sum to the value; None if it is no such sum."""
        return getattr(self.build, "__wrapped__", None)


surfaces: Registry[SurfaceCard] = Registry("surface", "gradus.optim.surfaces", SurfaceCard)


def sum_of_squares(residuals: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A surface from its terms."""

    @wraps(residuals)
    def build(point: Tensor) -> Tensor:
        return residuals(point).square().sum(-1)

    return build


@surfaces.register(
    formula="x^2 + y^2",
    source="the square of the distance from 0",
    start=(-1.5, 1.0),
    minima=((0.0, 0.0),),
    domain=((-2.0, 2.0), (-2.0, 2.0)),
)
@sum_of_squares
def bowl(point: Tensor) -> Tensor:
    """As steep in all directions: the gradient points at the minimum."""
    x, y = point.unbind(-1)
    return torch.stack([x, y], -1)


@surfaces.register(
    formula="(x^2 + 100 y^2) / 2",
    source="Nocedal, Wright (2006), Numerical Optimization, section 3.3: steepest descent on a quadratic",
    start=(-9.0, 1.0),
    minima=((0.0, 0.0),),
    domain=((-10.0, 10.0), (-2.0, 2.0)),
    notes="The eigenvalues of the Hessian are 1 and 100: gradient descent is stable below a rate of 0.02 only.",
)
@sum_of_squares
def canyon(point: Tensor) -> Tensor:
    """A floor that falls gently between walls a hundred times as steep, between which gradient descent swings."""
    x, y = point.unbind(-1)
    return torch.stack([x / 2**0.5, y * 50**0.5], -1)


@surfaces.register(
    formula="x^2 - v^2 + v^4 / 2 with v = y / 10",
    source="the saddle x^2 - y^2, made a hundred times as shallow along y and closed by a quartic",
    start=(-1.0, 1e-3),
    minima=((0.0, 10.0), (0.0, -10.0)),
    lowest=-0.5,
    target=-0.25,
    domain=((-1.5, 1.5), (-14.0, 14.0)),
    notes="The start lies almost on the ridge y = 0, from which the gradient leads to the saddle point at 0. Half the "
    "way down from there to the minima counts as left. Without the quartic there would be no lowest value.",
)
def saddle(point: Tensor) -> Tensor:
    """Down to a point that is lowest along x and highest along y, and nearly flat around."""
    x, y = point.unbind(-1)
    v = y / 10
    return x**2 - v**2 + v**4 / 2


@surfaces.register(
    formula="(1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2",
    source="Beale (1958); More, Garbow, Hillstrom (1981), Testing unconstrained optimization software, problem 5",
    start=(1.0, 1.0),
    minima=((3.0, 0.5),),
    domain=((-0.5, 4.5), (-2.0, 2.0)),
)
@sum_of_squares
def beale(point: Tensor) -> Tensor:
    """A flat valley that bends, between walls of the eighth degree."""
    x, y = point.unbind(-1)
    return torch.stack([1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3], -1)


@surfaces.register(
    formula="100 (y - x^2)^2 + (1 - x)^2",
    source="Rosenbrock (1960), An automatic method for finding the greatest or least value of a function",
    start=(-1.2, 1.0),
    minima=((1.0, 1.0),),
    domain=((-2.0, 2.0), (-1.0, 3.0)),
    aliases=("banana",),
)
@sum_of_squares
def rosenbrock(point: Tensor) -> Tensor:
    """A canyon that bends: its floor y = x^2 is found at once, and followed slowly."""
    x, y = point.unbind(-1)
    return torch.stack([10 * (y - x**2), 1 - x], -1)


@surfaces.register(
    formula="(x^2 + y - 11)^2 + (x + y^2 - 7)^2",
    source="Himmelblau (1972), Applied Nonlinear Programming",
    start=(-0.5, -1.0),
    minima=(
        (3.0, 2.0),
        (-2.805118086952745, 3.131312518250573),
        (-3.779310253377747, -3.2831859912861696),
        (3.5844283403304917, -1.8481265269644036),
    ),
    domain=((-5.5, 5.5), (-5.5, 5.5)),
)
@sum_of_squares
def himmelblau(point: Tensor) -> Tensor:
    """Four minima as low as one another, with saddle points between: where one ends depends on the algorithm."""
    x, y = point.unbind(-1)
    return torch.stack([x**2 + y - 11, x + y**2 - 7], -1)
