"""Numbers from tensors. Everything reads a sample of at most 4,096 elements and changes nothing."""

import math
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

# n examples, p positions, u units of a sample

MOST = 4096


def stride(count: int, most: int) -> int:
    """The step by which at most `most` of `count` numbers are read.

    It has no divisor in common with `count`, so that all columns of a matrix have their turn, and pixels of an image:
    by steps of 8 through images 8 wide only the first column would be seen.
    """
    step = max(1, -(-count // most))
    return next(each for each in range(step, step + count + 1) if each == 1 or math.gcd(each, count) == 1)


def sample(tensor: Tensor) -> Tensor:
    """At most MOST elements, evenly spaced, as a flat view or copy."""
    flat = _real(tensor.detach())
    if flat.is_sparse:
        flat = flat.coalesce().values()
    flat = flat.reshape(-1)
    step = stride(flat.numel(), MOST)
    flat = flat[::step] if step > 1 else flat
    # The square of a half-precision number below 2e-4 is 0.
    return flat.float() if flat.dtype in (torch.float16, torch.bfloat16) else flat


def _real(tensor: Tensor) -> Tensor:
    """A complex tensor as its real and imaginary parts."""
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def by_unit(output: Tensor, axis: int) -> Tensor:
    """A sample of a layer's output by example, position and unit; shape (n, p, u), float32.

    Args:
        output: (N, ...), examples first.
        axis: of the units.
    """
    output = output.detach()
    if output.dim() == 1:
        output = output[:, None]
    rows = output.movedim(axis, -1) if output.dim() > 2 else output
    units, examples = rows.shape[-1], rows.shape[0]
    keep_units = rows if units <= 1024 else rows[..., :: -(-units // 1024)]
    units = keep_units.shape[-1]
    n = max(1, min(examples, 64 if rows.dim() == 2 else 16, MOST // max(units, 1)))
    chosen = keep_units[:: max(1, examples // n)][:n]
    positions = math.prod(chosen.shape[1:-1])
    n_pu = chosen.reshape(chosen.shape[0], positions, units)
    p = max(1, min(positions, MOST // max(chosen.shape[0] * units, 1)))
    if positions > p:
        n_pu = n_pu[:, :: -(-positions // p)]
    return n_pu.float()


_FEW, _POSITIONS = 8, 512


def independent(inputs: Tensor) -> float:
    """How many independent numbers a channel has for its mean: fewer than there are where an example's are alike.

        n v / b,    v the variance of all numbers, b that of the examples' own means       (Kish 1965, design effect)

    Args:
        inputs: of a batch norm, (N, C) or (N, C, *). Of eight examples or more their number alone is enough.
    """
    numbers = inputs.numel() / max(1, inputs.shape[0] * inputs.shape[1])
    n = inputs.shape[0]
    if not 2 <= n < _FEW or numbers <= 1:
        return n * numbers
    n_cp = inputs.detach().flatten(2)
    n_cp = n_cp[..., :: -(-n_cp.shape[2] // _POSITIONS)].float()
    total = n_cp.transpose(0, 1).flatten(1).var(1)
    between = n_cp.mean(2).var(0)
    alike = float((between / total)[total > 0].mean())
    return min(n * numbers, n / alike) if 0 < alike < math.inf else n * numbers


def independent_of_one(inputs: Tensor, mean: Tensor, variance: Tensor, momentum: float) -> float:
    """The same of a single example, whose own means lie apart from those of examples before it.

    Args:
        mean, variance: averaged over batches, this one included by `momentum`.
    """
    p_c = inputs.detach()[0].flatten(1).float()
    numbers = p_c.shape[1]
    apart = ((p_c.mean(1) - mean) / (1 - momentum)).square()
    alike = float((apart / (apart + variance)).nanmean())
    return min(float(numbers), 1 / alike) if 0 < alike < math.inf else float(numbers)


LIMITS = {
    "sigmoid": (-4.0, 4.0),
    "tanh": (-2.5, 2.5),
}
"""Where an activation's slope has fallen to a few percent of its largest: sigmoid'(4) / sigmoid'(0) = 0.07,
tanh'(2.5) = 0.027."""


def saturation(values: Tensor, activation: str, *, before: bool) -> Tensor:
    """Share of a unit's values, shape (u,), that lie beyond its activation's limits.

    Args:
        values: (n, p, u).
        before: whether these go into the activation, rather than coming out of it.
    """
    low, high = LIMITS[activation]
    if not before:
        function = torch.sigmoid if activation == "sigmoid" else torch.tanh
        low, high = (float(function(torch.tensor(limit))) for limit in (low, high))
    beyond = (values < low) | (values > high)
    return beyond.float().mean(dim=(0, 1))


def silent(values: Tensor) -> Tensor:
    """Which units, shape (u,), are at or below zero everywhere in a sample (n, p, u)."""
    return values.amax(dim=(0, 1)) <= 0


_ROUNDING = 1e-4


def identical_rows(weight: Tensor, gradient: Tensor | None = None) -> bool:
    """Whether all output units of a matrix are the same, or those of each of a few blocks, as of a cell's gates.

    Args:
        gradient: of the matrix. Where it does not tell units apart either, they are the same up to rounding, which
            products of matrices do differently from column to column.
    """
    rows = weight.detach().flatten(1)[:256, :64]
    if gradient is not None and bool(gradient.any()) and _alike(gradient.detach().flatten(1)[:256, :64], _ROUNDING):
        return _alike(rows, _ROUNDING)
    return _alike(rows)


def _alike(rows: Tensor, tolerance: float = 0.0) -> bool:
    """Whether rows are the same, but for `tolerance` times their largest number."""
    limit = tolerance * rows.abs().max() if rows.numel() else 0.0
    same = (rows[1:] - rows[:-1]).abs() <= limit  # what is no number is like nothing
    blocks = 1 + int((~same).any(dim=1).sum())
    return rows.shape[0] > 1 and blocks <= max(1, rows.shape[0] // 8)


def looks_initialized(weight: Tensor) -> bool:
    """Whether a matrix still looks drawn element by element from one distribution, as no trained one does.

    Training makes some units matter more, moves the mean of what positive inputs feed, and adds directions that all
    units share. Each figure is compared with its spread over independent draws, about 1 in 200 of which are
    missed; the tail of the largest singular value is that of Johnstone (2001), Annals of Statistics 29(2).
    """
    matrix = _real(weight.detach()).flatten(1).float()[:256, :256]
    rows, columns = matrix.shape
    number = matrix.numel()
    scale = float(matrix.square().mean().sqrt())
    if min(rows, columns) < 4 or number < 64 or scale == 0 or not math.isfinite(scale):
        return False
    matrix = matrix / scale
    kurtosis = float(matrix.pow(4).mean())
    # 1.8 of a uniform, 3 of a normal distribution
    if abs(float(matrix.mean())) * math.sqrt(number) > 3.3 or not 1.5 < kurtosis < 3.05 + 5 * math.sqrt(24 / number):
        return False
    for axis, units, length in ((1, rows, columns), (0, columns, rows)):
        spread = float(matrix.square().mean(dim=axis).std()) / math.sqrt(max(kurtosis - 1, 0.1) / length)
        shift = float(matrix.mean(dim=axis).square().mean()) * length
        if spread > 1.05 + 3.5 / math.sqrt(2 * units) or shift > 1.02 + 4.2 * math.sqrt(2 / units):
            return False
    one, other = math.sqrt(rows), math.sqrt(columns)
    edge: float = (one + other) ** 2 + 2 * (one + other) * (1 / one + 1 / other) ** (1 / 3)
    # By power iteration, from the largest row: what stands out is found soon, and the rest is below the edge anyway.
    direction = matrix[int(matrix.square().sum(dim=1).argmax())]
    for _ in range(30):
        direction = matrix.T @ (matrix @ direction)
        direction = direction / direction.norm()
    return float((matrix @ direction).square().sum()) < edge


def pairwise(points: Tensor) -> Tensor:
    """Distances between rows; shape (n, n)."""
    return torch.cdist(points, points)


def agreement(one: Tensor, other: Tensor) -> Tensor:
    """1 where all that two tensors have is of the same sign, -1 where it is of opposite ones, weighted by products."""
    products = one * other
    return products.sum() / products.abs().sum().clamp_min(1e-30)


def figures(tensors: list[Tensor]) -> list[float]:
    """Scalars as floats, brought over from their device together."""
    if not tensors:
        return []
    if all(each.is_cpu for each in tensors):
        return [float(each.item()) for each in tensors]
    values: list[float] = torch.stack([each.detach().float().reshape(()) for each in tensors]).tolist()
    return values


def finite(tensor: Tensor) -> bool:
    """Whether all of a tensor is finite; integers always are."""
    tensor = tensor.detach()
    if tensor.is_sparse:
        tensor = tensor.coalesce().values()
    tensor = _real(tensor)
    if not tensor.is_floating_point():
        return True
    # The sum is not finite if an element is not; it may overflow by itself, which the second look settles.
    return bool(torch.isfinite(tensor.sum())) or bool(torch.isfinite(tensor).all())


def first_tensor(value: Any) -> Tensor | None:
    """The first floating tensor with an example axis in what a module returned; else the first there is."""
    if isinstance(value, Tensor):
        return value
    found = tensors_in(value)
    floating = [each for each in found if each.is_floating_point() or each.is_complex()]
    return next((each for each in (*(each for each in floating if each.dim()), *floating, *found)), None)


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors in arguments or results, in order."""
    if type(value) is tuple and len(value) == 1 and isinstance(value[0], Tensor):  # by far the commonest
        return [value[0]]
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    elif is_dataclass(value) and not isinstance(value, type):
        value = tuple(getattr(value, each.name) for each in fields(value))
    if isinstance(value, tuple | list):
        return [found for each in value for found in tensors_in(each)]
    return []


def root_mean_square(values: Tensor) -> Tensor:
    """Root of the mean of squares."""
    norm: Tensor = torch.linalg.vector_norm(values)
    return norm / math.sqrt(max(values.numel(), 1))
