"""What is carried over from a snapshot is what an uninterrupted training has."""

from typing import Any

import pytest
import torch

from gradus.data.raw import RawData
from gradus.data.sources import open_data
from gradus.training.attempt import Attempt, make_attempt
from gradus.training.callbacks import Callback
from gradus.training.prepare import prepare, resolve
from gradus.training.recipe import Recipe
from gradus.training.repair.course import carries, stand_at
from gradus.training.repair.ring import copied
from gradus.training.trainer import Trainer
from tests.end_to_end.recipes import STEPS_PER_EPOCH, digits

NORMED = {"name": "mlp", "hidden": [16], "normalization": "batch", "dropout": 0.2}
SOME: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9}},
    "adamw, one cycle, batch norm": {"model": NORMED},
    "adamw, average, best": {"ema": 0.9, "keep": "best"},
    "rmsprop, clipped": {"optimizer": {"name": "rmsprop"}, "clip_norm": 1.0},
    "adam, flat": {"optimizer": {"name": "adam", "flat": True}},
}


class Until(Callback):
    """Stops at a step."""

    def __init__(self, step: int) -> None:
        self._step = step

    def step_ended(self, trainer: Trainer) -> None:
        if trainer.step == self._step:
            trainer.stop("here")


@pytest.fixture(scope="module")
def raw() -> RawData:
    return open_data("digits", {})


def attempt(raw: RawData, document: dict[str, Any], *callbacks: Callback) -> Attempt:
    torch.set_num_threads(1)
    return make_attempt(prepare(resolve(Recipe.from_dict(document)), raw), callbacks)


def final(one: Attempt) -> dict[str, Any]:
    state: dict[str, Any] = copied(one.trainer.state_dict())
    del state["seconds"]
    return state


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("step", [STEPS_PER_EPOCH + 4, 2 * STEPS_PER_EPOCH])
def test_gone_on_from_a_snapshot_it_ends_as_if_nothing_had_been(raw: RawData, name: str, step: int) -> None:
    straight = attempt(raw, digits(**SOME[name]))
    straight.trainer.fit()
    begun = attempt(raw, digits(**SOME[name]), Until(step))
    begun.trainer.fit()
    other = attempt(raw, digits(**SOME[name]))
    stand_at(other, copied(begun.trainer.state_dict()))
    assert other.trainer.step == step
    other.trainer.fit()
    assert equal(final(other), final(straight))


def test_rates_decays_and_schedules_are_the_amended_recipes_own(raw: RawData) -> None:
    begun = attempt(raw, digits(), Until(STEPS_PER_EPOCH))
    begun.trainer.fit()
    amended = digits(optimizer={"name": "adamw", "lr": 0.002, "weight_decay": 0.5})
    other = attempt(raw, amended)
    stand_at(other, copied(begun.trainer.state_dict()))
    (was,) = begun.prepared.objective.phases[0].optimizer.param_groups
    (now,) = other.prepared.objective.phases[0].optimizer.param_groups
    assert now["lr"] == pytest.approx(was["lr"] / 5)
    assert (was["weight_decay"], now["weight_decay"]) == (0.01, 0.5)
    moments = [
        each.prepared.objective.phases[0].optimizer.state_dict()["state"][0]["exp_avg"] for each in (begun, other)
    ]
    assert torch.equal(*moments)


def test_only_steps_and_what_is_kept_may_differ(raw: RawData) -> None:
    plain = attempt(raw, digits())
    assert carries(["optimizer.lr", "schedule.name", "training.keep"], plain)
    assert not carries(["optimizer.lr", "optimizer.name"], plain)
    assert not carries(["model.dropout"], plain)
    assert not carries(["training.epochs"], plain)
    assert not carries(["optimizer.lr"], attempt(raw, digits() | {"schedule": {"name": "plateau"}}))
    assert not carries(
        ["optimizer.lr"], attempt(raw, digits(optimizer={"name": "lbfgs"}) | {"schedule": {"name": "constant"}})
    )
