"""Numbers from tensors. Everything reads a sample of at most 4,096 elements and changes nothing."""

import math
from typing import Any

import torch
from torch import Tensor

# n examples, p positions, u units of a sample

MOST = 4096


def sample(tensor: Tensor) -> Tensor:
    """At most MOST elements, evenly spaced, as a flat view or copy."""
    flat = tensor.detach()
    if flat.is_sparse:
        flat = flat.coalesce().values()
    flat = flat.reshape(-1) if flat.is_contiguous() or flat.numel() <= MOST else flat.flatten()
    step = -(-flat.numel() // MOST)
    return flat[::step] if step > 1 else flat


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


def identical_rows(weight: Tensor) -> bool:
    """Whether all output units of a matrix are the same."""
    rows = weight.detach().flatten(1)[:64, :64]
    return rows.shape[0] > 1 and bool((rows == rows[:1]).all())


def looks_initialized(weight: Tensor) -> bool:
    """Whether a matrix still looks drawn element by element from one distribution, as no trained one does.

    Of independent draws the rows' norms differ by about 1 / sqrt(2 n); training makes some units matter more.
    """
    matrix = weight.detach().flatten(1).float()[:512, :512]
    rows, columns = matrix.shape
    if min(rows, columns) < 4 or matrix.numel() < 64:
        return False
    scale = float(matrix.square().mean().sqrt())
    if scale == 0 or abs(float(matrix.mean())) > 4 * scale / math.sqrt(matrix.numel()):
        return False
    kurtosis = float((matrix / scale).pow(4).mean())
    if not 1.5 < kurtosis < 3.6:  # 1.8 of a uniform, 3 of a normal distribution
        return False
    for axis, length in ((1, columns), (0, rows)):
        squares = matrix.square().mean(dim=axis) / scale**2
        expected = math.sqrt(max(kurtosis - 1, 0.1) / length)
        if float(squares.std()) > 1.6 * expected:
            return False
    return True


def pairwise(points: Tensor) -> Tensor:
    """Distances between rows; shape (n, n)."""
    return torch.cdist(points, points)


def figures(tensors: list[Tensor]) -> list[float]:
    """Scalars as floats, brought over from their device together."""
    if not tensors:
        return []
    values: list[float] = torch.stack([each.detach().float().reshape(()) for each in tensors]).tolist()
    return values


def finite(tensor: Tensor) -> bool:
    """Whether all of a tensor is finite; only floating ones can be otherwise."""
    if not tensor.is_floating_point():
        return True
    # The sum is not finite if an element is not; it may overflow by itself, which the second look settles.
    return bool(torch.isfinite(tensor.detach().sum())) or bool(torch.isfinite(tensor.detach()).all())


def first_tensor(value: Any) -> Tensor | None:
    """The first floating tensor in what a module returned."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        for each in value:
            found = first_tensor(each)
            if found is not None:
                return found
    return None


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors in arguments or results, in order, a few levels deep."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return [found for each in value for found in tensors_in(each)]
    return []
