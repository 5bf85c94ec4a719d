"""Adam and AdaMax with epsilon elsewhere, and what the corrections and the two kinds of weight decay do."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gradus.optim import optimizers
from gradus.optim.adam import AdaMax, EpsilonHatAdam
from tests.optim.paths import START, Array, apart, follow, gradient, recursion

B1, B2, LR = 0.9, 0.999, 1e-2


def made(name: str, **options: Any) -> Array:
    card = optimizers.get(name)
    return follow(lambda parameters: card.build(parameters, **card.validate(options)))


@pytest.mark.parametrize("decoupled", [False, True])
def test_epsilon_hat_stands_beside_the_uncorrected_root(decoupled: bool) -> None:
    eps, decay = 1.0, 0.1  # so large that its place is seen

    def update(t: int, p: Array, m: Array, v: Array) -> tuple[Array, Array, Array]:
        g = gradient(p) + (0 if decoupled else decay * p)
        p = p - LR * decay * p if decoupled else p
        m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g**2
        rate = LR * math.sqrt(1 - B2**t) / (1 - B1**t)
        return p - rate * m / (np.sqrt(v) + eps), m, v

    name = "adamw" if decoupled else "adam"
    ours = made(name, lr=LR, eps=eps, eps_hat=True, weight_decay=decay)
    assert apart(ours, recursion(update)) <= 1e-12
    assert apart(ours, made(name, lr=LR, eps=eps, weight_decay=decay)) > 1e-2


@pytest.mark.parametrize("preset", ["paper", "keras"])
def test_adamax_follows_the_paper_and_keras(preset: str) -> None:
    eps = 0.0 if preset == "paper" else 1e-7

    def update(t: int, p: Array, m: Array, u: Array) -> tuple[Array, Array, Array]:
        g = gradient(p)
        m, u = B1 * m + (1 - B1) * g, np.maximum(B2 * u, np.abs(g))
        return p - LR / (1 - B1**t) * m / (u + eps), m, u

    assert apart(made("adamax", preset=preset, lr=LR), recursion(update)) <= 1e-12


def test_adamax_of_the_paper_has_no_nan_where_there_never_was_a_gradient() -> None:
    point = nn.Parameter(torch.ones(2))
    card = optimizers.get("adamax")
    for options in ({"preset": "paper"}, {"preset": "keras"}):
        optimizer = card.build([point], **card.validate(options))
        point.grad = torch.zeros(2)
        optimizer.step()
        assert point.isfinite().all()


def test_without_its_corrections_adam_would_begin_with_larger_steps() -> None:
    """3.2 times at the first step, and 6.5 times at the tenth, of a constant gradient: not slower, as the notes say."""

    def uncorrected(t: int) -> float:
        return (1 - B1**t) / math.sqrt(1 - B2**t)

    point = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = optimizers.get("adam").build([point], lr=LR)
    for t in range(1, 11):
        before = point.item()
        point.grad = torch.full((1,), 3.0, dtype=torch.float64)
        optimizer.step()
        state = optimizer.state[point]
        plain = LR * (state["exp_avg"] / state["exp_avg_sq"].sqrt()).item()
        assert before - point.item() == pytest.approx(LR, rel=1e-8)
        assert plain / LR == pytest.approx(uncorrected(t), rel=1e-8)
    assert uncorrected(1) == pytest.approx(3.16, abs=0.01)
    assert uncorrected(10) == pytest.approx(6.5, abs=0.05)


def test_adagrad_gives_large_gradients_the_smaller_rate() -> None:
    point = nn.Parameter(torch.zeros(2, dtype=torch.float64))
    optimizer = optimizers.get("adagrad").build([point], lr=1.0)
    for _ in range(3):
        before = point.detach().clone()
        point.grad = torch.tensor([100.0, 0.01], dtype=torch.float64)
        optimizer.step()
    rates = (before - point.detach()) / point.grad  # type: ignore[operator]
    np.testing.assert_allclose(rates.numpy(), [1 / (100 * math.sqrt(3)), 1 / (0.01 * math.sqrt(3))], rtol=1e-6)


def test_coupled_and_decoupled_decay_coincide_in_sgd() -> None:
    """Decay as a penalty subtracts lr * wd * p, which is what decay apart from the gradient does."""
    lr, decay = 1e-3, 0.1

    def decoupled(t: int, p: Array) -> tuple[Array]:
        return ((1 - lr * decay) * p - lr * gradient(p),)

    assert apart(made("sgd", lr=lr, weight_decay=decay), recursion(decoupled, kept=0)) <= 1e-12


def test_coupled_and_decoupled_decay_differ_in_adam() -> None:
    coupled = made("adam", lr=LR, weight_decay=0.1)
    decoupled = made("adamw", lr=LR, weight_decay=0.1)
    assert apart(coupled, decoupled) > 1e-2
    assert apart(made("adam", lr=LR), made("adamw", lr=LR, weight_decay=0.0)) == 0
    # A penalty's gradient is divided by the root of v: where gradients are large it hardly counts.
    assert apart(coupled, made("adam", lr=LR)) < apart(decoupled, made("adam", lr=LR))


def test_the_count_of_steps_survives_saving() -> None:
    for kind in (EpsilonHatAdam, AdaMax):
        points = [nn.Parameter(torch.tensor(START)) for _ in range(2)]
        first, second = (kind([each], lr=LR, eps=0.1) for each in points)
        for optimizer, point, steps in ((first, points[0], 7), (second, points[1], 4)):
            for _ in range(steps):
                point.grad = point.detach().clone()
                optimizer.step()
        again = kind([points[1]], lr=LR, eps=0.1)
        again.load_state_dict(second.state_dict())
        for _ in range(3):
            points[1].grad = points[1].detach().clone()
            again.step()
        assert torch.equal(*points)
