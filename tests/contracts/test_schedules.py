"""What holds of every learning-rate schedule."""

import json
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import ReduceLROnPlateau

from gradus.core.cards import Card
from gradus.core.errors import InputError
from gradus.optim import schedules

LR = 0.4
WRONG: dict[str, Any] = {
    **dict.fromkeys(("warmup", "low", "gamma", "factor", "threshold", "halve_after"), 1.0),
    **dict.fromkeys(("cycles", "patience", "drops"), 0),
    "final": -0.1,
    "at": [0.0],
    "divide": 1.0,
    "power": 0.0,
    "stretch": 0.9,
}
CARDS = pytest.mark.parametrize("card", schedules.cards(), ids=lambda card: card.name)


def started(card: Card, steps: int, **options: Any) -> tuple[SGD, Any]:
    optimizer = SGD([nn.Parameter(torch.zeros(1))], lr=LR)
    return optimizer, card.build(optimizer, steps, **card.validate(options))


def advance(optimizer: SGD, scheduler: Any, loss: float) -> None:
    optimizer.step()
    if isinstance(scheduler, ReduceLROnPlateau):
        scheduler.step(loss)
    elif scheduler is not None:
        scheduler.step()


@CARDS
def test_documents_itself(card: Card) -> None:
    assert card.summary.endswith(".")
    assert len(card.source) > 10
    assert card.formula


@CARDS
@pytest.mark.parametrize("steps", [1, 2, 3, 100])
def test_the_rate_stays_above_zero_and_within_the_recipes(card: Card, steps: int) -> None:
    optimizer, scheduler = started(card, steps)
    for _ in range(steps):
        assert 0 < optimizer.param_groups[0]["lr"] <= LR
        advance(optimizer, scheduler, 1.0)


@CARDS
def test_goes_on_from_its_saved_state(card: Card) -> None:
    options = {} if card.name in ("plateau", "one_cycle") else {"warmup": 0.1}
    optimizer, scheduler = started(card, 40, **options)
    for step in range(17):
        advance(optimizer, scheduler, float(step))
    again, copy = started(card, 40, **options)
    again.load_state_dict(optimizer.state_dict())
    if scheduler is not None:
        state = {name: value for name, value in scheduler.state_dict().items() if not callable(value)}
        copy.load_state_dict(json.loads(json.dumps(state)))
    for step in range(17, 40):
        assert again.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
        advance(optimizer, scheduler, float(step))
        advance(again, copy, float(step))


@CARDS
def test_groups_keep_their_proportions(card: Card) -> None:
    optimizer = SGD([{"params": [nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (LR, LR / 8)])
    scheduler = card.build(optimizer, 20, **card.validate({}))
    for step in range(20):
        first, second = (group["lr"] for group in optimizer.param_groups)
        assert first == pytest.approx(8 * second)
        advance(optimizer, scheduler, float(step))


@CARDS
def test_refuses_bad_options_by_name(card: Card) -> None:
    with pytest.raises(InputError, match=f"schedule `{card.name}`: unknown option `rate`"):
        card.validate({"rate": 0.1})
    for each in card.options:
        with pytest.raises(InputError, match=f"schedule `{card.name}`: `{each.name}[.`]"):
            card.validate({each.name: WRONG[each.name]})
