"""Schedules against their formulas."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from gradus.optim import schedules

LR, STEPS = 0.4, 50


def rates(name: str, **options: object) -> list[float]:
    """The rate of each step."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR)
    card = schedules.get(name)
    scheduler = card.build(optimizer, STEPS, **card.validate(options))
    seen = []
    for _ in range(STEPS):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return seen


def one_cycle(t: int) -> float:
    peak, low, end = 0.3 * STEPS - 1, LR / 25, LR / 25 / 1e4

    def between(a: float, b: float, share: float) -> float:
        return b + (a - b) / 2 * (1 + math.cos(math.pi * share))

    return between(low, LR, t / peak) if t <= peak else between(LR, end, (t - peak) / (STEPS - 1 - peak))


def cosine_after_warmup(t: int) -> float:
    rise = 10
    if t < rise:
        return LR * (t + 1) / (rise + 1)
    return LR * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * (t - rise) / (STEPS - rise))))


@pytest.mark.parametrize(
    ("name", "options", "formula"),
    [
        ("constant", {}, lambda t: LR),
        ("step", {"drops": 4, "gamma": 0.5}, lambda t: LR * 0.5 ** (t // 10)),
        ("exponential", {"final": 0.01}, lambda t: LR * 0.01 ** (t / STEPS)),
        ("inverse_time", {"halve_after": 0.2}, lambda t: LR / (1 + t / 10)),
        ("cosine", {}, lambda t: LR * 0.5 * (1 + math.cos(math.pi * t / STEPS))),
        ("cosine", {"warmup": 0.2, "final": 0.1}, cosine_after_warmup),
        ("one_cycle", {}, one_cycle),
    ],
)
def test_rate_at_every_step_is_the_formulas(
    name: str, options: dict[str, object], formula: Callable[[int], float]
) -> None:
    assert rates(name, **options) == pytest.approx([formula(t) for t in range(STEPS)], rel=1e-9)


@pytest.mark.parametrize("card", schedules.cards(), ids=lambda card: card.name)
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_very_short_training_has_a_rate_too(card, steps: int) -> None:  # type: ignore[no-untyped-def]
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR)
    scheduler = card.build(optimizer, steps, **card.validate({}))
    for _ in range(steps):
        assert 0 < optimizer.param_groups[0]["lr"] <= LR
        optimizer.step()
        if scheduler is not None:
            scheduler.step()


def test_one_cycle_may_rise_in_a_single_step() -> None:
    assert max(rates("one_cycle", warmup=1 / STEPS)) == pytest.approx(LR, rel=0.01)
