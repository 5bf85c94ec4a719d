"""Normalization: standardize over some axes, then scale and shift."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from gradus.core.errors import InputError
from gradus.nn.backprop.function import applied
from gradus.nn.backprop.shapes import reshape
from gradus.nn.backprop.sums import add, multiply

# m numbers are standardized together: with n = (x - mean) / sqrt(var + eps),
#   dx = (dn - mean(dn) - n mean(dn n)) / sqrt(var + eps)
# and with y = g n + b, dn = g dy, dg = sum of dy n, db = sum of dy (Ioffe, Szegedy 2015, arXiv:1502.03167, section 3)


def standardize(x: Tensor, axes: Sequence[int], eps: float = 1e-5) -> Tensor:
    """n = (x - mean) / sqrt(var + eps), over `axes`; var is the mean square.

    The error loses its mean and its part along n, since neither moves a standardized number:
    dx = (dn - mean(dn) - n mean(dn n)) / sqrt(var + eps).
    """
    return applied(_Standardize, x, tuple(axes), eps)


def batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel standardized over examples and positions; in evaluation by its running statistics, constants.

    In training the running statistics are moved as torch moves them.

    Args:
        x: shape (N, C, ...).
        running_mean, running_var, weight, bias: shape (C,).
    """
    axes = (0, *range(2, x.ndim))
    channels = (1, -1, *[1] * (x.ndim - 2))
    if training:
        count = x.numel() // x.shape[1]
        if count < 2:
            raise InputError("batch_norm", "needs more than one number for each channel in training", tuple(x.shape))
        if running_mean is not None and running_var is not None:
            with torch.no_grad():
                running_mean.mul_(1 - momentum).add_(x.mean(axes), alpha=momentum)
                running_var.mul_(1 - momentum).add_(x.var(axes, correction=1), alpha=momentum)
        n = standardize(x, axes, eps)
    elif running_mean is None or running_var is None:
        raise InputError("batch_norm", "needs running statistics in evaluation")
    else:
        rate = (running_var + eps).rsqrt().reshape(channels)
        n = multiply(add(x, -running_mean.reshape(channels)), rate)
    return _scaled(n, weight, bias, channels)


def layer_norm(
    x: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Each example standardized over its last axes, of shape `normalized_shape`."""
    shape = tuple(normalized_shape)
    if tuple(x.shape[x.ndim - len(shape) :]) != shape:
        raise InputError("layer_norm", f"the last axes must be {shape}", tuple(x.shape))
    return _scaled(standardize(x, range(-len(shape), 0), eps), weight, bias, shape)


def group_norm(
    x: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Each example standardized over the channels of a group and all positions."""
    if x.shape[1] % num_groups:
        raise InputError("group_norm", f"groups must divide the {x.shape[1]} channels", num_groups)
    together = x.shape[1] // num_groups * x.shape[2:].numel()
    n = standardize(reshape(x, x.shape[0], num_groups, together), (2,), eps)
    return _scaled(reshape(n, x.shape), weight, bias, (1, -1, *[1] * (x.ndim - 2)))


class _Standardize(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.axes, ctx.eps = axes, eps
        return _standardized(x, axes, eps)[0]

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        n, rate = _standardized(x, ctx.axes, ctx.eps)
        constant = delta.mean(ctx.axes, keepdim=True)
        along_n = n * (delta * n).mean(ctx.axes, keepdim=True)
        return rate * (delta - constant - along_n), None, None


def _standardized(x: Tensor, axes: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor]:
    var, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    rate = (var + eps).rsqrt()
    return (x - mean) * rate, rate


def _scaled(n: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Sequence[int]) -> Tensor:
    if weight is not None:
        n = multiply(n, reshape(weight, tuple(shape)))
    return n if bias is None else add(n, reshape(bias, tuple(shape)))
