from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gradus.analysis.calculus import (
    directional_derivative,
    gradient,
    hessian,
    hessian_vector_product,
    jacobian,
    jacobian_vector_product,
    numerical_gradient,
    partial_derivative,
    vector_jacobian_product,
)
from gradus.core.errors import InputError

A = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, 1.0], [4.0, 0.25, -2.0]], dtype=torch.float64)
X = torch.tensor([0.3, -1.2, 2.0], dtype=torch.float64)
V = torch.tensor([1.0, 2.0, -0.5], dtype=torch.float64)


def quadratic(x: Tensor) -> Tensor:
    return x @ A @ x


def rosenbrock(x: Tensor) -> Tensor:
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def rosenbrock_gradient(a: float, b: float) -> list[float]:
    return [-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)]


def close(found: Tensor, expected: Any, rtol: float = 1e-12) -> None:
    torch.testing.assert_close(found, torch.as_tensor(expected, dtype=torch.float64), rtol=rtol, atol=1e-12)


def test_a_quadratic() -> None:
    slope, curvature = (A + A.T) @ X, A + A.T
    close(gradient(quadratic, X), slope)
    close(numerical_gradient(quadratic, X), slope, rtol=1e-9)
    close(hessian(quadratic, X), curvature)
    close(hessian_vector_product(quadratic, X, V), curvature @ V)
    assert partial_derivative(quadratic, X, 1) == pytest.approx(float(slope[1]), rel=1e-12)
    assert partial_derivative(quadratic, X, -1, numerical=True) == pytest.approx(float(slope[2]), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.floats(-2, 2), st.floats(-2, 2))
def test_rosenbrock(a: float, b: float) -> None:
    x = torch.tensor([a, b], dtype=torch.float64)
    close(gradient(rosenbrock, x), rosenbrock_gradient(a, b))
    torch.testing.assert_close(numerical_gradient(rosenbrock, x), gradient(rosenbrock, x), rtol=1e-7, atol=1e-6)
    close(hessian(rosenbrock, x), [[2 - 400 * (b - 3 * a * a), -400 * a], [-400 * a, 200]])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3).filter(lambda each: sum(map(abs, each)) > 0.1))
def test_the_slope_is_steepest_along_the_gradient_and_is_its_norm_there(direction: list[float]) -> None:
    def hill(x: Tensor) -> Tensor:
        return (x.sin() * torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)).sum().exp()

    steepest = gradient(hill, X)
    along = torch.tensor(direction, dtype=torch.float64)
    slope = directional_derivative(hill, X, along)
    assert directional_derivative(hill, X, steepest) == pytest.approx(float(steepest.norm()), rel=1e-12)
    assert abs(slope) <= float(steepest.norm()) * (1 + 1e-12)
    assert slope == pytest.approx(directional_derivative(hill, X, 7 * along), rel=1e-9, abs=1e-12)  # length is nothing
    assert directional_derivative(hill, X, along, numerical=True) == pytest.approx(slope, rel=1e-7, abs=1e-7)


def test_exponentials_jacobian_and_products() -> None:
    def f(x: Tensor) -> Tensor:
        return torch.stack([x.exp().sum(), x[0] * x[1]])

    e = X.exp()
    expected = torch.stack([e, torch.tensor([X[1], X[0], 0.0], dtype=torch.float64)])
    w = torch.tensor([2.0, -3.0], dtype=torch.float64)
    close(jacobian(f, X), expected)
    close(jacobian_vector_product(f, X, V), expected @ V)
    close(vector_jacobian_product(f, X, w), w @ expected)


@pytest.mark.parametrize("size", [1e-8, 1.0, 1e8])
def test_steps_suit_the_size_of_numbers(size: float) -> None:
    x = torch.tensor([size], dtype=torch.float64)
    close(numerical_gradient(lambda x: x.square().sum(), x), 2 * x, rtol=1e-7)


def test_any_shape_and_precision_and_x_stays_as_it_is() -> None:
    x = torch.randn(3, 2, 4, dtype=torch.float32).transpose(0, 2)
    kept = x.clone()
    found = numerical_gradient(lambda x: (x**3).sum(), x)
    torch.testing.assert_close(found, 3 * x.double() ** 2, rtol=1e-6, atol=1e-8)
    assert gradient(lambda x: (x**3).sum(), x).dtype == torch.float32
    with torch.no_grad():
        products = hessian_vector_product(lambda x: (x**3).sum(), x, torch.ones_like(x))
    torch.testing.assert_close(products, 6 * x)
    assert torch.equal(x, kept)
    assert not x.requires_grad


def test_what_does_not_depend_on_x_has_derivatives_of_zero() -> None:
    constant = torch.tensor(3.0, dtype=torch.float64)
    assert gradient(lambda x: constant, X).tolist() == [0, 0, 0]
    assert hessian_vector_product(lambda x: 2 * x.sum(), X, V).tolist() == [0, 0, 0]
    weight = V.clone().requires_grad_()
    assert hessian_vector_product(lambda x: x @ weight, X, V).tolist() == [0, 0, 0]
    assert hessian_vector_product(lambda x: constant, X, V).tolist() == [0, 0, 0]
    assert numerical_gradient(lambda x: constant, torch.empty(0, dtype=torch.float64)).shape == (0,)


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: gradient(lambda x: x, X), "one number"),
        (lambda: gradient(lambda x: 3.0, X), "one number"),  # type: ignore[arg-type,return-value]
        (lambda: hessian(lambda x: x, X), "one number"),
        (lambda: hessian(lambda x: x.sum(), torch.tensor([1, 2])), "real numbers"),
        (lambda: jacobian(lambda x: x, torch.tensor([1, 2])), "real numbers"),
        (lambda: numerical_gradient(quadratic, torch.tensor([1, 2, 3])), "real numbers"),
        (lambda: gradient(quadratic, torch.tensor([1, 2, 3])), "real numbers"),
        (lambda: partial_derivative(quadratic, X, 3), "must be one of"),
        (lambda: partial_derivative(lambda x: x.sum(), torch.zeros(2, 2), 1), "choose one number"),
        (lambda: directional_derivative(quadratic, X, torch.zeros(3)), "not zero"),
        (lambda: directional_derivative(quadratic, X, torch.tensor([1.0, 0.0, torch.nan])), "finite"),
        (lambda: directional_derivative(quadratic, X, torch.ones(2)), "shape of x"),
        (lambda: hessian_vector_product(quadratic, X, torch.ones(2)), "shape of x"),
        (lambda: jacobian_vector_product(lambda x: x, X, torch.ones(2)), "shape of x"),
        (lambda: vector_jacobian_product(lambda x: x, X, torch.ones(2)), "shape of f"),
    ],
)
def test_bad_arguments_are_refused(call: Callable[[], object], rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        call()
