"""Functions applied to every number, with their derivatives: da/dz by a formula, then dz = da * f'(z)."""

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.nn.backprop.function import applied

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def relu(z: Tensor) -> Tensor:
    """f = max(z, 0); f' = 1 for z > 0, else 0."""
    return elementwise(z, torch.relu, lambda z: (z > 0).to(z))


def hardtanh(z: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """f = min(max(z, low), high); f' = 1 in between, 0 at the ends and beyond."""
    return elementwise(z, lambda z: z.clamp(min_val, max_val), lambda z: ((z > min_val) & (z < max_val)).to(z))


def relu6(z: Tensor) -> Tensor:
    """f = min(max(z, 0), 6); f' = 1 in between."""
    return hardtanh(z, 0.0, 6.0)


def leaky_relu(z: Tensor, negative_slope: float = 0.01) -> Tensor:
    """f = z for z > 0, else slope z; f' = 1 or slope."""
    return elementwise(
        z,
        lambda z: functional.leaky_relu(z, negative_slope),
        lambda z: torch.where(z > 0, 1.0, z.new_tensor(negative_slope)),
    )


def prelu(z: Tensor, weight: Tensor) -> Tensor:
    """Leaky ReLU with a learned slope w, one for all or one for each channel: dw = sum of da z where z <= 0."""
    return applied(_PReLU, z, weight)


def elu(z: Tensor, alpha: float = 1.0) -> Tensor:
    """f = z for z > 0, else alpha (e^z - 1); f' = 1 or alpha e^z."""
    return elementwise(z, lambda z: functional.elu(z, alpha), lambda z: _elu_slope(z, alpha))


def selu(z: Tensor) -> Tensor:
    """f = 1.0507 elu(z, 1.6733); f' = 1.0507 or 1.0507 x 1.6733 e^z."""
    return elementwise(z, functional.selu, lambda z: _SELU_SCALE * _elu_slope(z, _SELU_ALPHA))


def sigmoid(z: Tensor) -> Tensor:
    """f = 1 / (1 + e^-z); f' = f (1 - f), at most 0.25."""
    return elementwise(z, torch.sigmoid, _sigmoid_slope)


def tanh(z: Tensor) -> Tensor:
    """f = (e^z - e^-z) / (e^z + e^-z); f' = 1 - f^2, 1 at z = 0."""
    return elementwise(z, torch.tanh, lambda z: 1 - torch.tanh(z).square())


def softplus(z: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """f = log(1 + e^(beta z)) / beta, and z where beta z > threshold; f' = sigmoid(beta z), or 1."""
    return elementwise(
        z,
        lambda z: functional.softplus(z, beta, threshold),
        lambda z: torch.where(beta * z > threshold, 1.0, torch.sigmoid(beta * z)),
    )


def logsigmoid(z: Tensor) -> Tensor:
    """f = log sigmoid(z); f' = sigmoid(-z)."""
    return elementwise(z, functional.logsigmoid, lambda z: torch.sigmoid(-z))


def softsign(z: Tensor) -> Tensor:
    """f = z / (1 + |z|); f' = 1 / (1 + |z|)^2."""
    return elementwise(z, functional.softsign, lambda z: (1 + z.abs()).pow(-2))


def silu(z: Tensor) -> Tensor:
    """f = z s, where s = sigmoid(z); f' = s + z s (1 - s)."""
    return elementwise(z, functional.silu, lambda z: torch.sigmoid(z) + z * _sigmoid_slope(z))


def mish(z: Tensor) -> Tensor:
    """f = z t, where t = tanh(log(1 + e^z)); f' = t + z (1 - t^2) sigmoid(z)."""

    def slope(z: Tensor) -> Tensor:
        t = torch.tanh(functional.softplus(z))
        return t + z * (1 - t.square()) * torch.sigmoid(z)

    return elementwise(z, functional.mish, slope)


def gelu(z: Tensor, approximate: str = "none") -> Tensor:
    """f = z P(z) for the normal distribution P; f' = P(z) + z p(z). Or with P approximated by tanh."""
    return elementwise(z, lambda z: functional.gelu(z, approximate=approximate), _GELU_SLOPES[approximate])


def hardsigmoid(z: Tensor) -> Tensor:
    """f = min(max(z / 6 + 1/2, 0), 1); f' = 1/6 between -3 and 3, else 0."""
    return elementwise(z, functional.hardsigmoid, lambda z: (z.abs() < 3).to(z) / 6)


def hardswish(z: Tensor) -> Tensor:
    """f = z hardsigmoid(z); f' = 0 below -3, z / 3 + 1/2, 1 above 3."""
    return elementwise(z, functional.hardswish, lambda z: torch.where(z.abs() < 3, z / 3 + 0.5, (z > 0).to(z)))


def power(x: Tensor, exponent: float) -> Tensor:
    """f = x^n; f' = n x^(n - 1)."""
    if isinstance(exponent, Tensor):
        raise InputError("power", "has an explicit backward pass only for a number as exponent")
    return elementwise(x, lambda x: x**exponent, lambda x: exponent * x ** (exponent - 1))


def square(x: Tensor) -> Tensor:
    """f = x^2; f' = 2 x."""
    return elementwise(x, torch.square, lambda x: 2 * x)


def exp(x: Tensor) -> Tensor:
    """f = e^x; f' = e^x."""
    return elementwise(x, torch.exp, torch.exp)


def log(x: Tensor) -> Tensor:
    """The natural logarithm: f' = 1 / x."""
    return elementwise(x, torch.log, torch.reciprocal)


def elementwise(z: Tensor, f: Callable[[Tensor], Tensor], derivative: Callable[[Tensor], Tensor]) -> Tensor:
    """f(z), number by number, with the derivative that you give. `derivative` is differentiated for a second one."""
    return applied(_Elementwise, z, f, derivative)


class _Elementwise(Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, f: Callable[[Tensor], Tensor], derivative: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.save_for_backward(z)
        ctx.derivative = derivative
        return f(z)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        (z,) = ctx.saved_tensors
        return delta * ctx.derivative(z), None, None


class _PReLU(Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(z, weight)
        return torch.where(z > 0, z, _by_channel(weight, z) * z)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        z, weight = ctx.saved_tensors
        slope = _by_channel(weight, z)
        negative = torch.where(z > 0, 0.0, delta * z)
        return delta * torch.where(z > 0, 1.0, slope), negative.sum_to_size(slope.shape).reshape(weight.shape)


def _by_channel(weight: Tensor, z: Tensor) -> Tensor:
    if weight.numel() not in (1, z.shape[1] if z.ndim > 1 else 1):
        raise InputError("prelu", "takes one slope, or one for each channel", tuple(weight.shape))
    return weight.reshape(-1, *[1] * (z.ndim - 2)) if z.ndim > 1 else weight.reshape([1] * z.ndim)


def _elu_slope(z: Tensor, alpha: float) -> Tensor:
    return torch.where(z > 0, 1.0, alpha * z.clamp(max=0).exp())


def _sigmoid_slope(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s * (1 - s)


def _gelu_slope(z: Tensor) -> Tensor:
    density = torch.exp(-z.square() / 2) / sqrt(2 * pi)
    return (1 + torch.erf(z / sqrt(2))) / 2 + z * density


def _gelu_tanh_slope(z: Tensor) -> Tensor:
    t = torch.tanh(sqrt(2 / pi) * (z + 0.044715 * z**3))
    return (1 + t) / 2 + z / 2 * (1 - t.square()) * sqrt(2 / pi) * (1 + 3 * 0.044715 * z.square())


_GELU_SLOPES = {"none": _gelu_slope, "tanh": _gelu_tanh_slope}
