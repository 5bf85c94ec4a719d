"""Momentum and Nesterov's against their recursions and against torch's."""

import numpy as np
import pytest
import torch
from torch import nn, optim

from gradus.core.errors import InputError
from gradus.optim import optimizers
from gradus.optim.momentum import MomentumSGD, Nesterov
from tests.optim.paths import START, Array, apart, follow, gradient, recursion

LR, MU = 1e-4, 0.9


def look_ahead(t: int, x: Array, v: Array) -> tuple[Array, Array]:
    v = MU * v - LR * gradient(x + MU * v)
    return x + v, v


def test_nesterov_has_the_gradient_of_the_look_ahead_point() -> None:
    ours = follow(lambda parameters: Nesterov(parameters, lr=LR, momentum=MU))
    assert apart(ours, recursion(look_ahead, kept=1)) <= 1e-12


def test_torchs_iterate_is_the_look_ahead_point_and_not_ours() -> None:
    x, v, ahead = np.array(START), np.zeros(2), []
    for t in range(1, 101):
        x, v = look_ahead(t, x, v)
        ahead.append(x + MU * v)
    theirs = follow(lambda parameters: optim.SGD(parameters, lr=LR, momentum=MU, nesterov=True))
    ours = follow(lambda parameters: Nesterov(parameters, lr=LR, momentum=MU))
    assert apart(theirs, np.array(ahead)) <= 1e-12
    assert apart(theirs, ours) > 1e-2


def test_torchs_and_ours_turn_into_each_other() -> None:
    point = nn.Parameter(torch.tensor(START, dtype=torch.float64))

    def closure() -> torch.Tensor:
        point.grad = torch.tensor(gradient(point.detach().numpy()))
        return torch.zeros(())

    optimizer: optim.Optimizer = optim.SGD([point], lr=LR, momentum=MU, nesterov=True, weight_decay=0.1)
    for _ in range(2):
        for _ in range(25):
            optimizer.step(closure)  # type: ignore[arg-type]
        assert isinstance(optimizer, optim.SGD)
        optimizer = Nesterov.from_sgd(optimizer)
        for _ in range(25):
            optimizer.step(closure)
        optimizer = optimizer.to_sgd()
    whole = follow(lambda each: optim.SGD(each, lr=LR, momentum=MU, nesterov=True, weight_decay=0.1))
    assert apart(point.detach().numpy(), whole[-1]) <= 1e-12


def test_only_a_nesterov_without_dampening_can_be_taken_over() -> None:
    with pytest.raises(InputError, match="needs an SGD with `nesterov`"):
        Nesterov.from_sgd(optim.SGD([nn.Parameter(torch.zeros(2))], momentum=0.9))


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_rate_within_the_velocity_matters_only_when_it_changes(nesterov: bool) -> None:
    def ours(rate: float) -> Array:
        def rates(t: int) -> float:
            return LR if t < 50 else LR * rate

        return follow(lambda each: MomentumSGD(each, lr=LR, momentum=MU, nesterov=nesterov), rate=rates)

    def theirs(rate: float) -> Array:
        def rates(t: int) -> float:
            return LR if t < 50 else LR * rate

        return follow(lambda each: optim.SGD(each, lr=LR, momentum=MU, nesterov=nesterov), rate=rates)

    def update(t: int, p: Array, v: Array) -> tuple[Array, Array]:
        lr, g = LR if t <= 50 else LR / 10, gradient(p)
        v = MU * v - lr * g
        return (p + MU * v - lr * g if nesterov else p + v), v

    assert apart(ours(1.0), theirs(1.0)) <= 1e-12
    assert apart(ours(0.1)[:50], theirs(0.1)[:50]) <= 1e-12
    assert apart(ours(0.1), theirs(0.1)) > 1e-3
    assert apart(ours(0.1), recursion(update, kept=1)) <= 1e-12


def test_against_a_constant_gradient_the_velocity_grows_to_lr_over_one_minus_mu() -> None:
    point = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = optimizers.get("sgd").build([point], lr=0.1, momentum=MU, lr_in_velocity=True)
    before = point.item()
    for _ in range(400):
        before = point.item()
        point.grad = torch.ones(1, dtype=torch.float64)
        optimizer.step()
    assert before - point.item() == pytest.approx(0.1 / (1 - MU), rel=1e-12)


def test_a_failing_closure_leaves_the_parameters_where_they_were() -> None:
    point = nn.Parameter(torch.tensor(START, dtype=torch.float64))
    optimizer = Nesterov([point], lr=LR, momentum=MU)

    def closure() -> torch.Tensor:
        point.grad = torch.ones(2, dtype=torch.float64)
        return torch.zeros(())

    def failing() -> torch.Tensor:
        raise ZeroDivisionError

    optimizer.step(closure)
    before = point.detach().clone()
    with pytest.raises(ZeroDivisionError):
        optimizer.step(failing)
    torch.testing.assert_close(point.detach(), before, rtol=1e-15, atol=0)
    with pytest.raises(InputError, match="must be given a closure"):
        optimizer.step()


def test_a_parameter_without_a_gradient_stays() -> None:
    first, second = (nn.Parameter(torch.ones(2, dtype=torch.float64)) for _ in range(2))
    optimizer = Nesterov([first, second], lr=0.1, momentum=MU)

    def closure() -> torch.Tensor:
        first.grad = torch.ones_like(first)
        return torch.zeros(())

    second.grad = torch.ones_like(second)
    optimizer.step(closure)
    second.grad = None
    before = second.detach().clone()
    optimizer.step(closure)
    torch.testing.assert_close(second.detach(), before, rtol=1e-15, atol=0)
