"""Pooling: the error of a window goes to its largest number, or is spread evenly over all of them."""

from collections.abc import Callable
from math import ceil
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.nn.backprop.function import Sizes, applied, per_axis

# N examples, C channels, then one to three axes; L numbers along one of them, P windows

_MAX: dict[int, Callable[..., Any]] = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
_ADAPTIVE_MAX: dict[int, Callable[..., Any]] = {
    1: functional.adaptive_max_pool1d,
    2: functional.adaptive_max_pool2d,
    3: functional.adaptive_max_pool3d,
}


def max_pool(
    x: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """The largest number of each window; the error goes to where it was, of equal ones to that which torch chooses.

    Args:
        x: shape (N, C, ...).
        stride: the kernel's size if None.
    """
    _refused_indices(return_indices)
    pool = _MAX[_axes("max_pool", x)]

    def largest(x: Tensor) -> tuple[Tensor, Tensor]:
        values, places = pool(x, kernel_size, stride, padding, dilation, ceil_mode, True)
        return values, places

    # Dilated windows can step over a small input; of those torch gives places that are not in it.
    if bool(largest(torch.zeros_like(x[:1, :1]))[0].isinf().any()):
        raise InputError("max_pool", "a window sees nothing but padding", tuple(x.shape), "Dilate or pad less.")
    return applied(_MaxPool, x, largest)


def adaptive_max_pool(x: Tensor, output_size: Any, return_indices: bool = False) -> Tensor:
    """The largest number of each of so many windows, which share the input out."""
    _refused_indices(return_indices)
    pool = _ADAPTIVE_MAX[_axes("adaptive_max_pool", x)]
    return applied(_MaxPool, x, lambda x: pool(x, output_size, True))


def mean_pool(
    x: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window: da = A^T dz, where the rows of A are the windows' weights along an axis.

    The weights are 1 / size, so that each number of a window gets that share of its error.

    Args:
        x: shape (N, C, ...).
        stride: the kernel's size if None.
        ceil_mode: whether a window that does not fit in at the end counts.
        count_include_pad: whether the zeros of the padding count in the mean.
        divisor_override: what to divide the sum by, instead of the size.
    """
    axes = _axes("mean_pool", x)
    kernels, borders = per_axis(kernel_size, axes), per_axis(padding, axes)
    steps = kernels if stride is None or stride == () else per_axis(stride, axes)
    if any(2 * border > kernel for border, kernel in zip(borders, kernels, strict=True)):
        raise InputError("mean_pool", "padding must be at most half the kernel", padding)
    weights = []
    for size, kernel, step, border in zip(x.shape[2:], kernels, steps, borders, strict=True):
        starts = [step * each - border for each in range(_windows(size, kernel, step, border, ceil_mode))]
        ends = [min(start + kernel, size + border) for start in starts]
        counts = [end - start for start, end in zip(starts, ends, strict=True)] if count_include_pad else None
        counts = [1] * len(starts) if divisor_override is not None else counts
        weights.append(_shares(x, size, starts, ends, counts))
    if not all(map(len, weights)):
        raise InputError("mean_pool", "the kernel must not be larger than the padded input", tuple(x.shape))
    if divisor_override is not None:
        weights[0] = weights[0] / divisor_override
    return applied(_MeanPool, x, weights)


def adaptive_mean_pool(x: Tensor, output_size: Any) -> Tensor:
    """The mean of each of so many windows, which share the input out; None for as many as there are numbers."""
    axes = _axes("adaptive_mean_pool", x)
    wanted = [output_size] * axes if output_size is None or isinstance(output_size, int) else list(output_size)
    weights = []
    for size, count in zip(x.shape[2:], wanted, strict=True):
        windows = size if count is None else count
        starts = [each * size // windows for each in range(windows)]
        ends = [ceil((each + 1) * size / windows) for each in range(windows)]
        weights.append(_shares(x, size, starts, ends, None))
    return applied(_MeanPool, x, weights)


class _MaxPool(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, pool: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Tensor:
        largest, places = pool(x)
        ctx.shape = x.shape
        ctx.save_for_backward(places)
        return largest

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        (places,) = ctx.saved_tensors
        nothing = delta.new_zeros(*ctx.shape[:2], ctx.shape[2:].numel())
        return nothing.scatter_add(2, places.flatten(2), delta.flatten(2)).reshape(ctx.shape), None


class _MeanPool(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weights: list[Tensor]) -> Tensor:
        ctx.weights = weights
        return _along_axes(x, weights)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        return _along_axes(delta, [each_PL.mT for each_PL in ctx.weights]), None


def _along_axes(x: Tensor, matrices: list[Tensor]) -> Tensor:
    for axis, matrix in enumerate(matrices, start=2):
        x = (x.movedim(axis, -1) @ matrix.mT).movedim(-1, axis)
    return x.contiguous()


def _shares(x: Tensor, size: int, starts: list[int], ends: list[int], counts: list[int] | None) -> Tensor:
    """How much of each number is in each window's mean; shape (P, L). Without `counts`, of the numbers in it."""
    start_P1, end_P1 = (torch.tensor(each, device=x.device).reshape(-1, 1) for each in (starts, ends))
    place_L = torch.arange(size, device=x.device)
    inside_PL = ((start_P1 <= place_L) & (place_L < end_P1)).to(x)
    if counts is None:
        return inside_PL / inside_PL.sum(1, keepdim=True)
    return inside_PL / torch.tensor(counts, device=x.device).to(x).reshape(-1, 1)


def _windows(size: int, kernel: int, step: int, border: int, ceil_mode: bool) -> int:
    room = size + 2 * border - kernel
    if not ceil_mode:
        return room // step + 1
    windows = -(-room // step) + 1
    return windows - 1 if (windows - 1) * step >= size + border else windows  # none begins in the far padding


def _axes(owner: str, x: Tensor) -> int:
    if x.ndim - 2 not in (1, 2, 3):
        raise InputError(owner, "the input must have a batch, channels, and one to three axes more", tuple(x.shape))
    return x.ndim - 2


def _refused_indices(asked: bool) -> None:
    if asked:
        raise InputError("return_indices", "has no explicit backward pass", asked)
