"""Fully connected layers, sums and products."""

from typing import Any

from torch import Tensor
from torch.autograd import Function

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
