"""Schedules against their formulas, and against torch's own."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim import lr_scheduler as theirs

from gradus.optim import schedules

LR, STEPS = 0.4, 50


def rates(name: str, steps: int = STEPS, **options: Any) -> list[float]:
    """The rate of each step."""
    card = schedules.get(name)
    return seen(lambda optimizer: card.build(optimizer, steps, **card.validate(options)), steps)


def seen(make: Callable[[Optimizer], Any], steps: int = STEPS) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return rates


def one_cycle(t: int) -> float:
    peak, low, end = 0.3 * STEPS - 1, LR / 25, LR / 25 / 1e4

    def between(a: float, b: float, share: float) -> float:
        return b + (a - b) / 2 * (1 + math.cos(math.pi * share))

    return between(low, LR, t / peak) if t <= peak else between(LR, end, (t - peak) / (STEPS - 1 - peak))


def warmed(formula: Callable[[int, int], float]) -> Callable[[int], float]:
    """After ten steps of rise, `formula` of the steps since and of those there are."""
    return lambda t: LR * (t + 1) / 11 if t < 10 else LR * formula(t - 10, STEPS - 10)


@pytest.mark.parametrize(
    ("name", "options", "formula"),
    [
        ("constant", {}, lambda t: LR),
        ("constant", {"warmup": 0.2}, warmed(lambda t, n: 1.0)),
        ("step", {"drops": 4, "gamma": 0.5}, lambda t: LR * 0.5 ** (t // 10)),
        ("step", {"drops": 3, "warmup": 0.2}, warmed(lambda t, n: 0.1 ** (t // 10))),
        ("multi_step", {"at": [0.3, 0.8], "gamma": 0.2}, lambda t: LR * 0.2 ** ((t >= 15) + (t >= 40))),
        ("exponential", {"final": 0.01}, lambda t: LR * 0.01 ** (t / STEPS)),
        ("exponential", {"warmup": 0.2}, warmed(lambda t, n: 0.01 ** (t / n))),
        ("polynomial", {"power": 2.0, "final": 0.1}, lambda t: LR * (0.1 + 0.9 * (1 - t / STEPS) ** 2)),
        ("inverse_time", {"halve_after": 0.2}, lambda t: LR / (1 + t / 10)),
        ("inverse_sqrt", {"warmup": 0.2}, warmed(lambda t, n: math.sqrt(10 / (10 + t)))),
        ("cosine", {}, lambda t: LR * 0.5 * (1 + math.cos(math.pi * t / STEPS))),
        (
            "cosine",
            {"warmup": 0.2, "final": 0.1},
            warmed(lambda t, n: 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * t / n))),
        ),
        ("triangular", {"cycles": 5, "low": 0.2}, lambda t: LR * (0.2 + 0.8 * (1 - abs((t % 10) / 5 - 1)))),
        ("one_cycle", {}, one_cycle),
    ],
)
def test_rate_at_every_step_is_the_formulas(
    name: str, options: dict[str, Any], formula: Callable[[int], float]
) -> None:
    assert rates(name, **options) == pytest.approx([formula(t) for t in range(STEPS)], rel=1e-12)


@pytest.mark.parametrize(
    ("name", "options", "make"),
    [
        ("step", {"drops": 4, "gamma": 0.5}, lambda o: theirs.StepLR(o, 10, 0.5)),
        ("multi_step", {"at": [0.3, 0.8]}, lambda o: theirs.MultiStepLR(o, [15, 40], 0.1)),
        ("exponential", {"final": 0.01}, lambda o: theirs.ExponentialLR(o, 0.01 ** (1 / STEPS))),
        ("polynomial", {"power": 1.5}, lambda o: theirs.PolynomialLR(o, STEPS, 1.5)),
        ("cosine", {"final": 0.1}, lambda o: theirs.CosineAnnealingLR(o, STEPS, 0.1 * LR)),
        (
            "cosine_restarts",
            {"cycles": 2, "stretch": 4.0, "final": 0.05},
            lambda o: theirs.CosineAnnealingWarmRestarts(o, 10, 4, 0.05 * LR),
        ),
        (
            "triangular",
            {"cycles": 5, "low": 0.2},
            lambda o: theirs.CyclicLR(o, 0.2 * LR, LR, step_size_up=5, cycle_momentum=False),
        ),
        ("constant", {"warmup": 0.2}, lambda o: theirs.LinearLR(o, 1 / 11, total_iters=10)),
    ],
)
def test_rate_at_every_step_is_torchs(name: str, options: dict[str, Any], make: Callable[[Optimizer], Any]) -> None:
    assert rates(name, **options) == pytest.approx(seen(make), rel=1e-9)


def test_cycles_that_do_not_divide_the_steps_restart_from_the_top() -> None:
    found = rates("cosine_restarts", steps=100, cycles=3, stretch=2.0)
    lengths = 100 / 7, 200 / 7, 400 / 7
    starts = [0, math.ceil(lengths[0]), math.ceil(lengths[0] + lengths[1])]
    rises = [0, *(t for t in range(1, 100) if found[t] > found[t - 1])]
    assert rises == starts
    assert all(found[t] > 0.99 * LR for t in starts)
    assert found[-1] < 0.01 * LR


def test_one_cycle_may_rise_in_a_single_step() -> None:
    assert max(rates("one_cycle", warmup=1 / STEPS)) == pytest.approx(LR, rel=0.01)


def test_a_plateau_lowers_the_rate_after_so_many_evaluations_without_progress() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR)
    card = schedules.get("plateau")
    options = card.validate({"factor": 0.5, "patience": 2, "final": 0.2})
    scheduler = card.build(optimizer, 100, **options)
    found = []
    for loss in (1.0, 0.9, 0.9, 0.9, 0.95, 0.95, 0.9, 0.9, 0.8):
        scheduler.step(loss)
        found.append(optimizer.param_groups[0]["lr"] / LR)
    assert found == pytest.approx([1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2])


def test_a_schedule_takes_the_state_of_torchs_that_it_replaces() -> None:
    """Runs of earlier versions, whose schedules were torch's StepLR and ExponentialLR, go on."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR)
    old = theirs.StepLR(optimizer, step_size=17, gamma=0.1)
    for _ in range(20):
        optimizer.step()
        old.step()
    again = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR)
    new = schedules.get("step").build(again, STEPS)
    again.load_state_dict(optimizer.state_dict())
    new.load_state_dict(old.state_dict())
    for t in range(20, STEPS):
        assert again.param_groups[0]["lr"] == pytest.approx(LR * 0.1 ** (t // 17))
        again.step()
        new.step()
