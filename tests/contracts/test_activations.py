"""What holds of every activation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import erf, expit
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.nn import ActivationCard, activations

Array = NDArray[Any]
Closed = tuple[Callable[[Array], Array], Callable[[Array], Array]]
_LAMBDA, _ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717  # the paper's appendix


def leaky(alpha: float) -> Closed:
    return lambda z: np.maximum(0, z) + alpha * np.minimum(0, z), lambda z: np.where(z > 0, 1, alpha)


def clipped(low: float, high: float) -> Closed:
    return lambda z: np.clip(z, low, high), lambda z: ((z > low) & (z < high)).astype(float)


def softplus(z: Array) -> Array:
    found: Array = np.maximum(0, z) + np.log1p(np.exp(-np.abs(z)))
    return found


def mish_slope(z: Array) -> Array:
    t: Array = np.tanh(softplus(z))
    found: Array = t + z * (1 - t**2) * expit(z)
    return found


def normal(z: Array) -> Array:
    found: Array = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return found


CLOSED_FORMS: dict[str, Closed] = {
    "absolute": (np.abs, np.sign),
    "celu": (lambda z: np.where(z > 0, z, np.expm1(z)), lambda z: np.where(z > 0, 1, np.exp(z))),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(z)), lambda z: np.where(z > 0, 1, np.exp(z))),
    "gelu": (
        lambda z: z * (1 + erf(z / np.sqrt(2))) / 2,
        lambda z: (1 + erf(z / np.sqrt(2))) / 2 + z * normal(z),
    ),
    "hardshrink": (lambda z: np.where(np.abs(z) > 0.5, z, 0), lambda z: (np.abs(z) > 0.5).astype(float)),
    "hardsigmoid": (lambda z: np.clip(z + 3, 0, 6) / 6, lambda z: (np.abs(z) < 3) / 6),
    "hardswish": (
        lambda z: z * np.clip(z + 3, 0, 6) / 6,
        lambda z: np.where(np.abs(z) < 3, (2 * z + 3) / 6, z > 0),
    ),
    "hardtanh": clipped(-1, 1),
    "identity": (lambda z: z, np.ones_like),
    "leaky_relu": leaky(0.01),
    "mish": (lambda z: z * np.tanh(softplus(z)), mish_slope),
    "prelu": leaky(0.25),
    "rectifier": leaky(0.0),
    "relu": leaky(0.0),
    "relu6": clipped(0, 6),
    "scaled_tanh": (
        lambda z: 1.7159 * np.tanh(2 * z / 3),
        lambda z: 1.7159 * 2 / 3 / np.cosh(2 * z / 3) ** 2,
    ),
    "selu": (
        lambda z: _LAMBDA * np.where(z > 0, z, _ALPHA * np.expm1(z)),
        lambda z: _LAMBDA * np.where(z > 0, 1, _ALPHA * np.exp(z)),
    ),
    "sigmoid": (expit, lambda z: expit(z) * expit(-z)),
    "silu": (lambda z: z * expit(z), lambda z: expit(z) + z * expit(z) * expit(-z)),
    "softplus": (softplus, expit),
    "softshrink": (
        lambda z: np.sign(z) * np.maximum(0, np.abs(z) - 0.5),
        lambda z: (np.abs(z) > 0.5).astype(float),
    ),
    "softsign": (lambda z: z / (1 + np.abs(z)), lambda z: (1 + np.abs(z)) ** -2),
    "tanh": (np.tanh, lambda z: np.cosh(z) ** -2),
}
INEXACT = {"hardsigmoid": 1e-7}
"""torch 2.13 multiplies by 1/6 as float32 knows it in hardsigmoid's backward pass, also of float64."""
CARDS = pytest.mark.parametrize("card", activations.cards(), ids=lambda card: card.name)


def numbers() -> Tensor:
    """From -30 to 30, not at kinks, some of them very near 0."""
    far = torch.linspace(-30, 30, 101, dtype=torch.float64) + 0.0123
    near = torch.logspace(-9, -1, 17, dtype=torch.float64)
    return torch.cat([far, near, -near])


def example(module: nn.Module, dtype: torch.dtype = torch.float32) -> Tensor:
    channels = 4 * int(getattr(module, "pieces", 1))
    return torch.randn(3, channels, 5, generator=torch.Generator().manual_seed(0)).to(dtype)


def test_every_elementwise_activation_has_its_closed_form_here() -> None:
    assert {*CLOSED_FORMS, "maxout"} == set(activations.names())


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_value_and_derivative_are_the_closed_forms(name: str) -> None:
    value, slope = CLOSED_FORMS[name]
    z = numbers().requires_grad_()
    y = activations.get(name).build().double()(z)
    (gradient,) = torch.autograd.grad(y.sum(), z)
    # 1 + erf(z) has lost its last digits where z is far below 0, in torch as here.
    at = z.detach().numpy()
    np.testing.assert_allclose(y.detach().numpy(), value(at), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(gradient.numpy(), slope(at), rtol=INEXACT.get(name, 1e-12), atol=1e-14)


@CARDS
def test_documents_itself(card: ActivationCard) -> None:
    assert card.summary.endswith(".")
    assert card.formula
    assert len(card.source) > 20
    options = {each.name for each in card.options}
    ours = {each.name: each.default for each in card.options}
    for library, defaults in card.elsewhere.items():
        assert library in ("paper", "torch", "keras", "jax")
        assert set(defaults) <= options
        assert all(ours[name] != value for name, value in defaults.items())


@CARDS
def test_state_is_saved_and_loaded(card: ActivationCard) -> None:
    saved, loaded = card.build(), card.build()
    with torch.no_grad():
        for each in saved.parameters():
            each.add_(0.5)
    loaded.load_state_dict(saved.state_dict())
    z = example(saved)
    assert torch.equal(loaded(z), saved(z))


@CARDS
def test_compiles_to_the_same(card: ActivationCard) -> None:
    module = card.build()
    z = example(module)
    torch.compiler.reset()
    compiled: Any = torch.compile(module, backend="eager", fullgraph=True)
    assert torch.equal(compiled(z), module(z))


@CARDS
def test_takes_bfloat16(card: ActivationCard) -> None:
    module = card.build()
    z = example(module, torch.bfloat16).requires_grad_()
    y = module.to(torch.bfloat16)(z)
    assert y.dtype == torch.bfloat16
    (gradient,) = torch.autograd.grad(y.sum(), z)
    exact = z.detach().double().requires_grad_()
    wanted = card.build().double()(exact)
    torch.testing.assert_close(y.double(), wanted, rtol=2**-6, atol=2**-7)
    (slope,) = torch.autograd.grad(wanted.sum(), exact)
    torch.testing.assert_close(gradient.double(), slope, rtol=2**-5, atol=2**-6)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("leaky_relu", {"negative_slope": -0.1}, "`negative_slope` should be greater than or equal to 0"),
        ("leaky_relu", {"slope": 0.1}, "unknown option `slope`"),
        ("prelu", {"init": float("nan")}, "`init` should be a finite number"),
        ("rectifier", {"alpha": float("inf")}, "`alpha` should be a finite number"),
        ("rectifier", {"learned": 1}, "`learned` should be a valid boolean"),
        ("rectifier", {"per_channel": True}, "`per_channel` is for an alpha that is `learned`"),
        ("maxout", {"pieces": 1}, "`pieces` should be greater than or equal to 2"),
        ("maxout", {"axis": 1.5}, "`axis` should be a valid integer"),
        ("elu", {"alpha": 0.0}, "`alpha` should be greater than 0"),
        ("celu", {"alpha": -1.0}, "`alpha` should be greater than 0"),
        ("gelu", {"approximate": "erf"}, "`approximate` should be 'none' or 'tanh'"),
        ("softplus", {"beta": 0.0}, "`beta` should be greater than 0"),
        ("softplus", {"threshold": "40"}, "`threshold` should be a valid number"),
        ("hardtanh", {"low": 1.0, "high": 1.0}, "`low` must be less than `high`"),
        ("hardshrink", {"threshold": -1.0}, "`threshold` should be greater than or equal to 0"),
        ("softshrink", {"threshold": -1.0}, "`threshold` should be greater than or equal to 0"),
        ("relu", {"alpha": 1}, "unknown option `alpha`"),
    ],
)
def test_wrong_options_are_refused_by_name(name: str, options: dict[str, Any], message: str) -> None:
    card = activations.get(name)
    with pytest.raises(InputError) as refused:
        card.build(**card.validate(options))
    assert str(refused.value).startswith(f"activation `{name}`: {message}")
