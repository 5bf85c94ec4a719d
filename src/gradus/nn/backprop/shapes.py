"""Laying out the same numbers anew: the error is laid out back."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.nn.backprop.function import applied


def reshape(x: Tensor, *shape: Any) -> Tensor:
    """The same numbers in another shape, -1 for the size that follows from the others."""
    sizes = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
    return applied(_Reshape, x, tuple(sizes))


def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes from `start_dim` to `end_dim` as one."""
    return reshape(x, x.detach().flatten(start_dim, end_dim).shape)


def unflatten(x: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """An axis as several."""
    return reshape(x, x.detach().unflatten(dim, sizes).shape)


def squeeze(x: Tensor, *dim: Any) -> Tensor:
    """Without axes of size 1."""
    return reshape(x, x.detach().squeeze(*dim).shape)


def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """With an axis of size 1 more."""
    return reshape(x, x.detach().unsqueeze(dim).shape)


def transpose(x: Tensor, dim0: int = -2, dim1: int = -1) -> Tensor:
    """Two axes changed over: so are those of the error."""
    return applied(_Transpose, x, dim0, dim1)


def pad(x: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """A border of zeros, or of another number: the error in it is cut off. `pad` is as for torch, last axis first."""
    if mode != "constant":
        raise InputError("pad", "must be with a constant; other borders have no explicit backward pass", mode)
    return applied(_Pad, x, tuple(pad), value or 0.0)


def copy(x: Tensor, **_: Any) -> Tensor:
    """The same numbers at another place in memory."""
    return applied(_Copy, x)


def write(x: Tensor, value: Tensor) -> Tensor:
    """Write `value` over `x` in place. What was there has no part in what follows, so its error is 0."""
    return applied(_Write, x, value)


class _Reshape(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        ctx.shape = x.shape
        return x.reshape(shape).clone()  # autograd lets nobody write over a view that a Function made

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        return delta.reshape(ctx.shape), None


class _Transpose(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, dim0: int, dim1: int) -> Tensor:
        ctx.axes = dim0, dim1
        return x.transpose(dim0, dim1).contiguous()

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        return delta.transpose(*ctx.axes), None, None


class _Pad(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, border: tuple[int, ...], value: float) -> Tensor:
        ctx.border = border
        return functional.pad(x, border, value=value)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        return functional.pad(delta, [-each for each in ctx.border]), None, None


class _Copy(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        return delta


class _Write(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor) -> Tensor:
        ctx.mark_dirty(x)
        return x.copy_(value)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        return torch.zeros_like(delta), delta
