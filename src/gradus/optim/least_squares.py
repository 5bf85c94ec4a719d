"""Linear least squares five ways, on one interface: in closed form, and by the optimizers that also train networks."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from gradus.core.errors import InputError, nearest
from gradus.optim.second_order import GaussNewton, NewtonCG

Method = Literal["qr", "svd", "sgd", "newton", "gauss_newton"]
_OWNER = "least_squares.fit"

# N examples, F features, K values


@dataclass(frozen=True)
class Solution:
    """The weights whose predictions have the least sum of squared errors.

    Attributes:
        coefficients: (F,) or (F, K), as the targets are.
        intercept: () or (K,); zero if none was asked for.
        residual_sum: the (weighted) sum of squared errors, without the penalty.
        iterations: of the method; 1 in closed form.
        converged: whether the gradient ended below the tolerance.
        rank: of the design: the features, the column of ones if there is an intercept, the rows of the penalty.
        condition: largest over smallest singular value of the design; infinite if it has not full rank.
    """

    coefficients: Tensor
    intercept: Tensor
    residual_sum: float
    iterations: int
    converged: bool
    rank: int
    condition: float

    def predict(self, x: ArrayLike | Tensor) -> Tensor:
        """Values for examples (N, F)."""
        return torch.as_tensor(x, dtype=self.coefficients.dtype) @ self.coefficients + self.intercept


def fit(
    x: ArrayLike | Tensor,
    y: ArrayLike | Tensor,
    *,
    method: Method = "qr",
    intercept: bool = True,
    ridge: float = 0.0,
    weights: ArrayLike | Tensor | None = None,
    batch_size: int | None = None,
    tolerance: float = 1e-8,
    max_iter: int = 10_000,
    seed: int = 0,
) -> Solution:
    """Linear least squares: minimize the sum of squared errors of X w + b.

        f(w, b) = sum_i weight_i |x_i w + b - y_i|^2 + ridge |w|^2

    "qr" is the usual closed form; "svd" also takes a design that has not full rank, and gives the shortest weights.
    "newton" and "gauss_newton" need one iteration, since f is quadratic; "newton" works with the square of the
    condition number, and loses twice the digits. "sgd" is gradient descent with Nesterov's momentum, at a rate set by
    the largest singular value; with `batch_size` it is stochastic, at a rate that falls as 1 / epoch, since the noise
    of a batch does not.

    Args:
        x: examples, (N, F).
        y: targets, (N,) or (N, K).
        method: one of the five.
        intercept: whether to fit b, which the penalty leaves alone.
        ridge: weight of the penalty, at least 0.
        weights: of the examples, (N,), at least 0; by default 1.
        batch_size: rows of each step of "sgd"; by default all.
        tolerance: a method has converged where the gradient's norm is below this share of its norm at 0; "sgd" goes on
            until then.
        max_iter: steps of "sgd" at most; with batches, passes over the examples.
        seed: of the order of the batches.
    Returns:
        The solution, in the floating dtype of `x`, float64 if it has none.
    Raises:
        InputError: if shapes do not fit, numbers are not finite, or the design has not full rank and the method is not
            "svd" or "sgd", which start from 0 and so reach the shortest weights.
    Source: Bjorck (1996), Numerical Methods for Least Squares Problems; Nesterov (1983).
    Example:
        >>> found = fit([[1.0], [2.0], [3.0]], [2.0, 4.0, 6.0])
        >>> round(found.predict([[4.0]]).item(), 6)
        8.0
    """
    solve = _METHODS.get(method)
    if solve is None:
        raise InputError(_OWNER, "unknown method", method, nearest(method, _METHODS))
    if (batch_size is not None and batch_size < 1) or max_iter < 1 or not tolerance >= 0:
        rule = "`batch_size` and `max_iter` must be at least 1, `tolerance` at least 0"
        raise InputError(_OWNER, rule, (batch_size, max_iter, tolerance))
    design, target, rows = _checked(x, y, weights, ridge)
    flat = target.dim() == 1
    problem = _Problem.of(design, target.reshape(len(target), -1), rows, ridge, intercept)
    if problem.rank < problem.columns and method not in ("svd", "sgd"):
        rule = f"the design must have full rank for `{method}`"
        found = f"rank {problem.rank} of {problem.columns} columns"
        raise InputError(_OWNER, rule, found, "Use `svd`, which gives the shortest weights, or set `ridge`.")
    options = _Descent(batch_size, tolerance, max_iter, seed)
    answer, iterations = solve(problem, options)
    coefficients = answer[: design.shape[1]]
    constant = answer[-1] if intercept else torch.zeros_like(answer[0])
    errors = design @ coefficients + constant - target.reshape(len(target), -1)
    return Solution(
        coefficients=coefficients[:, 0] if flat else coefficients,
        intercept=constant[0] if flat else constant,
        residual_sum=float((rows[:, None] * errors.square()).sum()),
        iterations=iterations,
        converged=problem.slope(answer) <= tolerance * problem.slope(torch.zeros_like(answer)),
        rank=problem.rank,
        condition=problem.condition,
    )


@dataclass(frozen=True)
class _Descent:
    batch_size: int | None
    tolerance: float
    max_iter: int
    seed: int


@dataclass(frozen=True)
class _Problem:
    """Minimize |A w - B|^2: weights multiply rows by their roots, the intercept is a column, the penalty rows."""

    matrix: Tensor
    target: Tensor
    singular: Tensor

    @classmethod
    def of(cls, x: Tensor, y: Tensor, weights: Tensor, ridge: float, intercept: bool) -> "_Problem":
        features = x.shape[1]
        design = torch.cat([x, x.new_ones(len(x), 1)], dim=1) if intercept else x
        root = weights.sqrt()[:, None]
        matrix, target = root * design, root * y
        if ridge:
            penalty = math.sqrt(ridge) * torch.eye(features, design.shape[1], dtype=x.dtype, device=x.device)
            matrix = torch.cat([matrix, penalty])
            target = torch.cat([target, y.new_zeros(features, y.shape[1])])
        return cls(matrix, target, torch.linalg.svdvals(matrix))

    @property
    def columns(self) -> int:
        return self.matrix.shape[1]

    @property
    def cutoff(self) -> float:
        """Below it a singular value is what rounding made of zero."""
        return float(self.singular[0]) * torch.finfo(self.matrix.dtype).eps * max(self.matrix.shape)

    @property
    def rank(self) -> int:
        return int((self.singular > self.cutoff).sum())

    @property
    def condition(self) -> float:
        return float(self.singular[0] / self.singular[-1]) if self.rank == self.columns else math.inf

    def errors(self, answer: Tensor) -> Tensor:
        return self.matrix @ answer - self.target

    def slope(self, answer: Tensor) -> float:
        """The norm of half the gradient."""
        return float((self.matrix.T @ self.errors(answer)).norm())

    def start(self) -> nn.Parameter:
        shape = self.columns, self.target.shape[1]
        return nn.Parameter(torch.zeros(shape, dtype=self.matrix.dtype, device=self.matrix.device))


def _qr(problem: _Problem, options: _Descent) -> tuple[Tensor, int]:
    q, r = torch.linalg.qr(problem.matrix)
    return torch.linalg.solve_triangular(r, q.T @ problem.target, upper=True), 1


def _svd(problem: _Problem, options: _Descent) -> tuple[Tensor, int]:
    left, values, right = torch.linalg.svd(problem.matrix, full_matrices=False)
    inverses = torch.where(values > problem.cutoff, 1 / values, 0.0)
    return right.T @ (inverses[:, None] * (left.T @ problem.target)), 1


def _newton(problem: _Problem, options: _Descent) -> tuple[Tensor, int]:
    answer = problem.start()
    columns = answer.numel()
    newton = NewtonCG([answer], tolerance=0.0, cg_tolerance=0.0, max_cg=2 * columns)
    newton.step(lambda: problem.errors(answer).square().sum())
    return answer.detach(), int(newton.state[answer]["n_iter"])


def _gauss_newton(problem: _Problem, options: _Descent) -> tuple[Tensor, int]:
    answer = problem.start()
    optimizer = GaussNewton([answer], tolerance=0.0)
    optimizer.step(lambda: problem.errors(answer))
    return answer.detach(), int(optimizer.state[answer]["n_iter"])


def _sgd(problem: _Problem, options: _Descent) -> tuple[Tensor, int]:
    """Descends on half the sum of squares, whose gradient changes at most by the largest singular value squared."""
    answer, count = problem.start(), len(problem.matrix)
    size = min(options.batch_size or count, count)
    whole = size == count
    rows = problem.matrix.square().sum(dim=1).max() * count  # no batch is steeper than its steepest row
    steepest = float(problem.singular[0].square() if whole else rows)
    rate = 1 / steepest if steepest else 1.0  # a design of zeros has no gradient
    optimizer = torch.optim.SGD([answer], lr=rate, momentum=0.9, nesterov=True)
    enough = options.tolerance * problem.slope(answer.detach())
    generator = torch.Generator().manual_seed(options.seed)
    for epoch in range(options.max_iter):
        if problem.slope(answer.detach()) <= enough:
            return answer.detach(), epoch
        for group in optimizer.param_groups:
            group["lr"] = rate if whole else rate / (1 + epoch / 10)
        order = torch.arange(count) if whole else torch.randperm(count, generator=generator)
        for batch in order.split(size):
            matrix, target = problem.matrix[batch], problem.target[batch]
            optimizer.zero_grad()
            loss = 0.5 * count / len(batch) * (matrix @ answer - target).square().sum()
            loss.backward()
            optimizer.step()
    return answer.detach(), options.max_iter


_METHODS: dict[str, Callable[[_Problem, _Descent], tuple[Tensor, int]]] = {
    "qr": _qr,
    "svd": _svd,
    "sgd": _sgd,
    "newton": _newton,
    "gauss_newton": _gauss_newton,
}


def _checked(
    x: ArrayLike | Tensor, y: ArrayLike | Tensor, weights: ArrayLike | Tensor | None, ridge: float
) -> tuple[Tensor, Tensor, Tensor]:
    design = x if isinstance(x, Tensor) else torch.as_tensor(np.asarray(x))
    if design.is_complex():
        raise InputError(_OWNER, "`x` must be real", design.dtype)
    if design.dtype not in (torch.float32, torch.float64):
        design = design.to(torch.float64)
    target = torch.as_tensor(y, dtype=design.dtype, device=design.device)
    if design.dim() != 2 or not design.numel():
        raise InputError(_OWNER, "`x` must be (N, F) with at least one of each", tuple(design.shape))
    if target.dim() not in (1, 2) or len(target) != len(design):
        rule = f"`y` must be (N,) or (N, K) for the {len(design)} examples of `x`"
        raise InputError(_OWNER, rule, tuple(target.shape))
    rows = design.new_ones(len(design))
    if weights is not None:
        rows = torch.as_tensor(weights, dtype=design.dtype, device=design.device)
        if rows.shape != (len(design),) or not bool((rows >= 0).all()):
            raise InputError(_OWNER, "`weights` must be one number of at least 0 for each example", tuple(rows.shape))
    for name, each in {"x": design, "y": target, "weights": rows}.items():
        if not bool(each.isfinite().all()):
            raise InputError(_OWNER, f"`{name}` must be finite")
    if not (ridge >= 0 and math.isfinite(ridge)):
        raise InputError(_OWNER, "`ridge` must be at least 0", ridge)
    return design.detach(), target.detach(), rows.detach()
