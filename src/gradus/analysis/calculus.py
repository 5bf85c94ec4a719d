"""Derivatives, numerical and exact: partial, directional, gradient, Jacobian, Hessian and products with them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gradus.core.errors import InputError

Function = Callable[[Tensor], Tensor]
CUBE_ROOT = torch.finfo(torch.float64).eps ** (1 / 3)
"""The step that balances the error of a central difference, h^2, against rounding, eps / h."""


def gradient(f: Function, x: Tensor) -> Tensor:
    """All partial derivatives of `f`, which gives one number, at `x`; of the shape of `x`.

    It points where f rises most steeply, and its norm is how steeply.
    """
    return _differentiated(f, x, create_graph=False)[1].detach()


def numerical_gradient(f: Function, x: Tensor) -> Tensor:
    """The same by central differences in float64, good to about ten digits; two calls of `f` for each number.

    df/dx_i = (f(x + h e_i) - f(x - h e_i)) / 2h,    h = 6.1e-6 max(1, |x_i|)
    """
    x = _doubled(x)
    found = [_central(f, x, _axis(x, place)) for place in range(x.numel())]
    return torch.stack(found).reshape(x.shape) if found else torch.zeros_like(x)


def partial_derivative(f: Function, x: Tensor, index: int | tuple[int, ...], *, numerical: bool = False) -> float:
    """The derivative of `f` along the coordinate `index` of `x`."""
    try:
        along = torch.zeros_like(_doubled(x))
        along[index] = 1.0
    except IndexError as error:
        raise InputError("index", f"must be one of {tuple(x.shape)}", index) from error
    if int(along.sum()) != 1:
        raise InputError("index", f"must choose one number of {tuple(x.shape)}", index)
    return directional_derivative(f, x, along, numerical=numerical)


def directional_derivative(f: Function, x: Tensor, direction: Tensor, *, numerical: bool = False) -> float:
    """The slope of `f` at `x` along `direction`, whose length does not matter.

        df/dl = grad f . l / |l|

    It is largest along the gradient, where it is the gradient's norm.
    """
    _same_shape("direction", direction, x)
    unit = direction.detach().double()
    length = unit.norm()
    if not length > 0 or not length.isfinite():
        raise InputError("direction", "must be finite and not zero")
    unit = unit / length
    if numerical:
        return float(_central(f, _doubled(x), unit))
    return float((gradient(f, x).double() * unit).sum())


def jacobian(f: Function, x: Tensor) -> Tensor:
    """The derivative of each number of f(x) by each of `x`; shape (*f(x).shape, *x.shape)."""
    _real(x)
    found: Tensor = torch.autograd.functional.jacobian(f, x.detach())
    return found


def hessian(f: Function, x: Tensor) -> Tensor:
    """The second derivatives of `f`, which gives one number; shape (*x.shape, *x.shape)."""
    _real(x)
    found: Tensor = torch.autograd.functional.hessian(_one_number(f), x.detach())
    return found


def jacobian_vector_product(f: Function, x: Tensor, v: Tensor) -> Tensor:
    """J v, how f(x) moves when `x` moves along `v`, without J; for about three calls of `f`."""
    _real(x)
    _same_shape("v", v, x)
    found: Tensor = torch.autograd.functional.jvp(f, x.detach(), v)[1]
    return found


def vector_jacobian_product(f: Function, x: Tensor, v: Tensor) -> Tensor:
    """v J, the gradient of v . f(x): one backward pass, which is what backpropagation computes."""
    value = f(x.detach())
    if value.shape != v.shape:
        raise InputError("v", f"must have the shape of f(x), {tuple(value.shape)}", tuple(v.shape))
    return gradient(lambda x: (f(x) * v).sum(), x)


def hessian_vector_product(f: Function, x: Tensor, v: Tensor) -> Tensor:
    """H v without H: the gradient of grad f . v (Pearlmutter 1994), for about two gradients."""
    _same_shape("v", v, x)
    at, found = _differentiated(f, x, create_graph=True)
    if not found.requires_grad:  # f is linear
        return torch.zeros_like(at)
    (product,) = torch.autograd.grad(found, at, v.to(found), allow_unused=True)
    return torch.zeros_like(at) if product is None else product


def _differentiated(f: Function, x: Tensor, *, create_graph: bool) -> tuple[Tensor, Tensor]:
    _real(x)
    at = x.detach().clone().requires_grad_()
    with torch.enable_grad():
        value = _one_number(f)(at)
        if not value.requires_grad:
            return at, torch.zeros_like(at)
        (found,) = torch.autograd.grad(value, at, create_graph=create_graph, allow_unused=True)
    return at, torch.zeros_like(at) if found is None else found


def _one_number(f: Function) -> Function:
    def checked(x: Tensor) -> Tensor:
        value = f(x)
        if not isinstance(value, Tensor) or value.numel() != 1:
            shape: Any = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise InputError("f", "must give one number, as a tensor", shape)
        return value.reshape(())

    return checked


def _central(f: Function, x: Tensor, along: Tensor) -> Tensor:
    step = CUBE_ROOT * max(1.0, float((x * along).norm()))
    ahead, behind = x + step * along, x - step * along
    with torch.no_grad():
        rise = _one_number(f)(ahead) - _one_number(f)(behind)
    slope: Tensor = rise / ((ahead - behind) * along).sum()  # as far as they really are apart
    return slope


def _axis(x: Tensor, place: int) -> Tensor:
    along = torch.zeros_like(x)
    along.view(-1)[place] = 1.0
    return along


def _real(x: Tensor) -> None:
    if not x.is_floating_point():
        raise InputError("x", "must be of real numbers", x.dtype)


def _doubled(x: Tensor) -> Tensor:
    _real(x)
    return x.detach().double().contiguous()


def _same_shape(name: str, given: Tensor, x: Tensor) -> None:
    if given.shape != x.shape:
        raise InputError(name, f"must have the shape of x, {tuple(x.shape)}", tuple(given.shape))
