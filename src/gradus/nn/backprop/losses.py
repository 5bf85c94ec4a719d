"""The error that backpropagation begins with."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from gradus.core.errors import InputError, nearest
from gradus.nn.backprop.function import applied

# N examples, C classes; an output may have more axes behind them, which count as examples

_REDUCTIONS = ("mean", "sum", "none")


def softmax_cross_entropy(
    z: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of the softmax of the output.

        a = softmax(z),    J = -sum y log(a) / N,    dz = (a - y) / N

    The softmax's derivative cancels the logarithm's, so no f'(z) is left. With weights, y stands for w y, and a for
    a sum(w y).

    Args:
        z: raw output, shape (N, C, ...).
        target: y, the class of each example, shape (N, ...), or the probability of each, that of z.
        weight: of each class, shape (C,); the mean is then weighted.
        ignore_index: the class of examples that do not count.
    """
    _checked_reduction(reduction)
    if target.requires_grad:
        raise InputError("softmax_cross_entropy", "has no explicit backward pass to the target")
    classes = z.shape[1] if z.ndim > 1 else z.shape[0]
    axis = min(1, z.ndim - 1)
    by_class = (1, -1, *[1] * (z.ndim - 2)) if z.ndim > 1 else (-1,)
    weights = (z.new_ones(classes) if weight is None else weight.detach()).reshape(by_class)
    if target.is_floating_point():
        counted, wanted = z.new_tensor(z.numel() // classes), target.to(z)
    else:
        counts = target != ignore_index
        if bool(((target < 0) | (target >= classes))[counts].any()):
            raise InputError("softmax_cross_entropy", f"classes must be from 0 to {classes - 1}", int(target.max()))
        known = torch.where(counts, target, 0).unsqueeze(axis)
        wanted = torch.zeros_like(z).scatter(axis, known, 1.0)
        counted = ((wanted * weights).sum(axis) * counts).sum()
        weights = weights * counts.unsqueeze(axis)
    smooth = (1 - label_smoothing) * wanted + label_smoothing / classes
    count = counted if reduction == "mean" else z.new_ones(())
    return applied(_SoftmaxCrossEntropy, z, weights * smooth, count, axis, reduction != "none")


def mean_squared_error(a: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """J = mean of (a - y)^2, da = 2 (a - y) / count. Textbooks halve it, and have a - y."""
    _checked_reduction(reduction)
    if a.shape != target.shape:
        raise InputError(
            "mean_squared_error", f"the target must have the output's shape {tuple(a.shape)}", tuple(target.shape)
        )
    return applied(_SquaredError, a, target, reduction)


def sigmoid_cross_entropy(z: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Cross-entropy of independent yes or no: a = sigmoid(z), dz = (a - y) / count."""
    _checked_reduction(reduction)
    if z.shape != target.shape or target.requires_grad:
        raise InputError(
            "sigmoid_cross_entropy", f"needs constant targets of shape {tuple(z.shape)}", tuple(target.shape)
        )
    return applied(_SigmoidCrossEntropy, z, target, reduction)


def softmax(z: Tensor, dim: int) -> Tensor:
    """a = e^z / sum e^z; dz = a (da - sum(da a))."""
    return applied(_Softmax, z, dim)


def log_softmax(z: Tensor, dim: int) -> Tensor:
    """l = z - log(sum e^z); dz = dl - softmax(z) sum(dl)."""
    return applied(_LogSoftmax, z, dim)


class _SoftmaxCrossEntropy(Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, y: Tensor, count: Tensor, axis: int, added: bool) -> Tensor:
        share = torch.where(count == 0, 0, 1 / count)  # where nothing counts the mean is NaN, and has no error
        ctx.save_for_backward(z, y * share)
        ctx.axis, ctx.added = axis, added
        each = -torch.where(y == 0, 0, y * z.log_softmax(axis)).sum(axis)  # a class shut out by -inf costs nothing
        return each.sum() / count if added else each

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        z, y = ctx.saved_tensors
        error = z.softmax(ctx.axis) * y.sum(ctx.axis, keepdim=True) - y
        return (delta if ctx.added else delta.unsqueeze(ctx.axis)) * error, None, None, None, None


class _SquaredError(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, y: Tensor, reduction: str) -> Tensor:
        ctx.save_for_backward(a, y)
        ctx.share = 1 / max(a.numel(), 1) if reduction == "mean" else 1.0
        return _reduced((a - y).square(), reduction)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        a, y = ctx.saved_tensors
        error = delta * 2 * (a - y) * ctx.share
        return error, -error, None


class _SigmoidCrossEntropy(Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, y: Tensor, reduction: str) -> Tensor:
        ctx.save_for_backward(z, y)
        ctx.share = 1 / max(z.numel(), 1) if reduction == "mean" else 1.0
        # log(1 + e^z) without overflow
        return _reduced(z.clamp(min=0) + (-z.abs()).exp().log1p() - y * z, reduction)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        z, y = ctx.saved_tensors
        return delta * (z.sigmoid() - y) * ctx.share, None, None


class _Softmax(Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, dim: int) -> Tensor:
        ctx.save_for_backward(z)
        ctx.dim = dim
        return z.softmax(dim)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        (z,) = ctx.saved_tensors
        a = z.softmax(ctx.dim)
        return a * (delta - (delta * a).sum(ctx.dim, keepdim=True)), None


class _LogSoftmax(Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, dim: int) -> Tensor:
        ctx.save_for_backward(z)
        ctx.dim = dim
        return z.log_softmax(dim)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        (z,) = ctx.saved_tensors
        return delta - z.softmax(ctx.dim) * delta.sum(ctx.dim, keepdim=True), None


def _reduced(each: Tensor, reduction: str) -> Tensor:
    return each.clone() if reduction == "none" else each.mean() if reduction == "mean" else each.sum()


def _checked_reduction(reduction: str) -> None:
    if reduction not in _REDUCTIONS:
        raise InputError("reduction", "unknown", reduction, nearest(reduction, _REDUCTIONS))
