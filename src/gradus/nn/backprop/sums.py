"""Fully connected layers, sums and products."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.nn.backprop.function import applied

# I inputs of a unit, O units; rows are examples, so the equations for columns appear transposed


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A fully connected layer.

        z = W a + b,    da = W^T dz,    dW = dz a^T,    db = dz    (summed over examples)

    Args:
        x: shape (..., I).
        weight: shape (O, I).
        bias: shape (O,).
    Returns:
        Shape (..., O).
    """
    if x.shape[-1:] != weight.shape[1:]:
        raise InputError("linear", f"the last axis must be {weight.shape[-1]} wide", tuple(x.shape))
    return applied(_Linear, x, weight, bias)


def add(x: Tensor, other: Tensor | float, *, alpha: float = 1) -> Tensor:
    """The sum, as of a residual connection: the error goes to both, undiminished. Shapes may broadcast."""
    if alpha != 1:
        other = multiply(other, alpha) if isinstance(other, Tensor) else alpha * other
    return applied(_Add, x, other)


def subtract(x: Tensor, other: Tensor | float, *, alpha: float = 1) -> Tensor:
    """The difference: the error goes to the first, and with its sign changed to the second."""
    return add(x, other, alpha=-alpha)


def multiply(x: Tensor | float, other: Tensor | float) -> Tensor:
    """The product, number by number: each factor's error is multiplied by the other. Shapes may broadcast."""
    return applied(_Multiply, x, other)


def divide(x: Tensor, other: float) -> Tensor:
    """The number by number quotient by a constant."""
    if isinstance(other, Tensor):
        raise InputError("divide", "has an explicit backward pass only for a number to divide by")
    return multiply(x, 1 / other)


def dropout(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Each number dropped with the chance `p`, the others divided by 1 - p, as torch draws them; so are the errors.

    In evaluation it is the input itself, as in torch.
    """
    if not training:
        return x
    return multiply(x, functional.dropout(torch.ones_like(x), p, training))


def matmul(x: Tensor, other: Tensor) -> Tensor:
    """The product of matrices, C = A B: dA = dC B^T, dB = A^T dC. Axes before the last two may broadcast."""
    if min(x.ndim, other.ndim) < 2:
        raise InputError("matmul", "has an explicit backward pass only for matrices", tuple(x.shape))
    return applied(_MatMul, x, other)


def total(x: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor:
    """The sum over some axes, or all: each number gets the whole error."""
    return applied(_Total, x, _axes(x, dim), keepdim)


def mean(x: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor:
    """The mean over some axes, or all: each number gets an even share of the error."""
    count = torch.Size([x.shape[axis] for axis in _axes(x, dim)]).numel()
    return divide(total(x, dim, keepdim), count)


class _Linear(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight, bias)
        return x @ weight.mT if bias is None else x @ weight.mT + bias

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        x, weight, bias = ctx.saved_tensors
        rows_NO, rows_NI = delta.reshape(-1, weight.shape[0]), x.reshape(-1, weight.shape[1])
        return delta @ weight, rows_NO.mT @ rows_NI, None if bias is None else rows_NO.sum(0)


class _Add(Function):
    @staticmethod
    def forward(ctx: Any, x: Any, other: Any) -> Any:
        ctx.shapes = [getattr(each, "shape", None) for each in (x, other)]
        return x + other

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        return tuple(None if shape is None else delta.sum_to_size(shape) for shape in ctx.shapes)


class _Multiply(Function):
    @staticmethod
    def forward(ctx: Any, x: Any, other: Any) -> Any:
        ctx.constants = [None if isinstance(each, Tensor) else each for each in (x, other)]
        ctx.save_for_backward(*(each if isinstance(each, Tensor) else None for each in (x, other)))
        return x * other

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        x, other = (
            constant if tensor is None else tensor
            for constant, tensor in zip(ctx.constants, ctx.saved_tensors, strict=True)
        )
        return tuple(
            (delta * factor).sum_to_size(own.shape) if isinstance(own, Tensor) else None
            for own, factor in ((x, other), (other, x))
        )


class _MatMul(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, other: Tensor) -> Tensor:
        ctx.save_for_backward(x, other)
        return x @ other

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        x, other = ctx.saved_tensors
        return (delta @ other.mT).sum_to_size(x.shape), (x.mT @ delta).sum_to_size(other.shape)


class _Total(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, axes: tuple[int, ...], keepdim: bool) -> Tensor:
        ctx.shape = x.shape
        ctx.kept = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
        return x.sum(axes, keepdim=keepdim)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        return delta.reshape(ctx.kept).expand(ctx.shape), None, None


def _axes(x: Tensor, dim: int | Sequence[int] | None) -> tuple[int, ...]:
    chosen = (dim,) if isinstance(dim, int) else dim or range(x.ndim)
    return tuple(axis % x.ndim for axis in chosen)
