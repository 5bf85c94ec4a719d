"""RMSProp against torch's, and against the recursions that torch's lacks."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn, optim

from gradus.core.errors import InputError
from gradus.optim import optimizers
from gradus.optim.rmsprop import RMSProp
from tests.optim.paths import Array, apart, follow, gradient, recursion

LR, RHO, MU, EPS = 1e-5, 0.9, 0.9, 1e-6


@pytest.mark.parametrize(
    "options", [{}, {"momentum": 0.9}, {"centered": True}, {"centered": True, "momentum": 0.5, "weight_decay": 0.1}]
)
def test_equals_torchs_where_torch_has_it(options: dict[str, Any]) -> None:
    options = {"lr": 1e-4, "alpha": 0.95, "eps": 1e-8, **options}
    ours = follow(lambda parameters: RMSProp(parameters, **options))
    assert apart(ours, follow(lambda parameters: optim.RMSprop(parameters, **options))) <= 1e-12


def test_nesterov_goes_through_the_look_ahead_points_of_the_notes_algorithm() -> None:
    """Goodfellow, Bengio, Courville (2016), algorithm 8.6, with epsilon within the root."""
    ahead = []

    def update(t: int, x: Array, v: Array, r: Array) -> tuple[Array, Array, Array]:
        g = gradient(x + MU * v)
        r = RHO * r + (1 - RHO) * g**2
        v = MU * v - LR * g / np.sqrt(r + EPS)
        ahead.append(x + v + MU * v)
        return x + v, v, r

    x = recursion(update, steps=500)
    ours = follow(
        lambda each: RMSProp(each, lr=LR, alpha=RHO, momentum=MU, eps=EPS, nesterov=True, eps_in_sqrt=True), steps=500
    )
    assert apart(ours, np.array(ahead)) <= 1e-12
    assert apart(ours, x) > 1e-5


@pytest.mark.parametrize("within", [False, True])
def test_epsilon_within_the_root_is_another_formula(within: bool) -> None:
    def update(t: int, p: Array, r: Array) -> tuple[Array, Array]:
        g = gradient(p)
        r = RHO * r + (1 - RHO) * g**2
        return p - 1e-3 * g / (np.sqrt(r + 1.0) if within else np.sqrt(r) + 1.0), r

    ours = follow(lambda each: RMSProp(each, lr=1e-3, alpha=RHO, eps=1.0, eps_in_sqrt=within))
    assert apart(ours, recursion(update, kept=1)) <= 1e-12


def test_the_rate_within_the_velocity_follows_keras_when_the_rate_changes() -> None:
    def update(t: int, p: Array, r: Array, v: Array) -> tuple[Array, Array, Array]:
        lr, g = LR * (1 + t % 3), gradient(p)
        r = RHO * r + (1 - RHO) * g**2
        v = MU * v + lr * g / np.sqrt(r + EPS)
        return p - v, r, v

    ours = follow(
        lambda each: RMSProp(each, lr=LR, alpha=RHO, momentum=MU, eps=EPS, eps_in_sqrt=True, lr_in_velocity=True),
        rate=lambda t: LR * (1 + (t + 1) % 3),
    )
    assert apart(ours, recursion(update)) <= 1e-12


def test_a_constant_gradient_leaves_no_variance_and_no_nan() -> None:
    point = nn.Parameter(torch.zeros(1000))
    optimizer = RMSProp([point], lr=1e-3, alpha=0.5, centered=True, eps=1e-12)
    gradients = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    for _ in range(60):
        point.grad = gradients.clone()
        optimizer.step()
    assert point.isfinite().all()


def test_the_recipe_takes_torchs_own_where_that_does() -> None:
    point = nn.Parameter(torch.zeros(1))
    assert type(optimizers.get("rmsprop").build([point])) is optim.RMSprop
    assert type(optimizers.get("rmsprop").build([point], momentum=0.9, nesterov=True)) is RMSProp
    with pytest.raises(InputError, match="`nesterov` is a kind of momentum"):
        optimizers.get("rmsprop").build([point], nesterov=True)
