"""Repair as a whole: kept, undone to the bit, survived."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

import gradus
from gradus.core.errors import InputError
from gradus.training import train as training
from gradus.training.callbacks import Callback
from gradus.training.recipe import Recipe
from gradus.training.repair import controller
from gradus.training.repair.judging import Score, Verdict
from gradus.training.trainer import Trainer
from tests.end_to_end.recipes import STEPS_PER_EPOCH, digits, weights

TOO_HIGH = {"name": "sgd", "lr": 30.0, "momentum": 0.9}
PLAIN = {"name": "mlp", "hidden": [32]}


def recipe(optimizer: dict[str, Any] = TOO_HIGH, doctor: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    ready = digits(augment=(), optimizer=optimizer, **{"epochs": 5, "model": PLAIN, **more})
    return ready | {"schedule": {"name": "constant"}, "doctor": {"budget": 0.5, **(doctor or {})}}


@pytest.fixture
def nothing_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(treated: Score, untreated: Score, *, by_class: bool = False) -> Verdict:
        return Verdict(False, "accuracy", untreated.value, treated.value, 1.0)

    monkeypatch.setattr(controller, "judge", judge)


class Counter(Callback):
    """A user's callback with a state: steps it has seen."""

    name = "counter"

    def __init__(self) -> None:
        self.seen = 0

    def step_ended(self, trainer: Trainer) -> None:
        self.seen += 1

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self.seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.seen = state["seen"]


@pytest.fixture(scope="module")
def repaired(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    return gradus.train(recipe(), run=tmp_path_factory.mktemp("repaired") / "run", repair=True)


def test_a_rate_too_high_is_found_lowered_and_kept(repaired: gradus.Run) -> None:
    *_, last = repaired.repairs
    assert last["kept"]
    assert last["cause"] == "learning-rate-too-high"
    assert last["from_step"] == 0
    assert last["split"] == "validation"
    assert repaired.result["metrics"]["validation_accuracy"] == pytest.approx(last["after"], abs=1e-5)
    assert last["after"] > 0.8 > 0.3 > last["before"]
    assert repaired.result["repairs"] == repaired.repairs


def test_the_run_is_what_the_repaired_recipe_gives(repaired: gradus.Run, tmp_path: Path) -> None:
    assert repaired.repaired == repaired.path / "repaired.toml"
    assert Recipe.read(repaired.path / "recipe.toml").optimizer.options["lr"] == 30.0
    again = gradus.train(repaired.repaired, run=tmp_path / "again")
    assert weights(again) == weights(repaired)
    assert again.curves["train_loss"] == repaired.curves["train_loss"]
    assert again.repairs == []


def test_nothing_of_what_was_given_up_is_shown(repaired: gradus.Run) -> None:
    assert len(repaired.curves["train_loss"]) == 5
    assert not [each for each in repaired.findings if each["severity"] != "notice"]
    assert repaired.model() is not None


@pytest.mark.usefixtures("nothing_helps")
@pytest.mark.parametrize("horizon", [0.2, 1.0])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {
            "optimizer": {"name": "adamw", "lr": 1e-7},
            "model": PLAIN | {"normalization": "batch"},
            "ema": 0.9,
            "epochs": 9,
        },
        {"optimizer": {"name": "rmsprop", "lr": 3.0}, "keep": "best"},
    ],
    ids=["sgd", "adamw", "rmsprop"],
)
def test_a_treated_and_undone_run_is_the_untreated_one_bit_by_bit(
    tmp_path: Path, horizon: float, more: dict[str, Any]
) -> None:
    plain_counter, counter = Counter(), Counter()
    plain = gradus.train(recipe(**more), run=tmp_path / "plain", callbacks=[plain_counter])
    doctor = {"repair": True, "tries": 2, "horizon": horizon}
    undone = gradus.train(recipe(**more, doctor=doctor), run=tmp_path / "undone", callbacks=[counter])
    assert len(undone.repairs) == 2
    steps = more.get("epochs", 5) * STEPS_PER_EPOCH
    if horizon < 1:
        assert undone.repairs[0]["at_step"] % STEPS_PER_EPOCH  # in the middle of an epoch
        assert undone.repairs[0]["at_step"] < steps
    assert weights(undone) == weights(plain)
    assert undone.curves == plain.curves
    assert undone.result["metrics"] == plain.result["metrics"]
    assert undone.repaired is None
    assert counter.seen == plain_counter.seen == steps


def test_what_ends_worse_than_the_untreated_stood_is_undone_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(treated: Score, untreated: Score, *, by_class: bool = False) -> Verdict:
        return Verdict(True, "accuracy", untreated.value, treated.value, 0.0)

    monkeypatch.setattr(controller, "judge", judge)
    monkeypatch.setattr(controller, "order", lambda cause: ["lower-learning-rate"])
    slow = recipe({"name": "sgd", "lr": 3e-4}, epochs=10)
    plain = gradus.train(slow, run=tmp_path / "plain")
    doctor = {"repair": True, "tries": 1, "horizon": 0.5}
    counter = Counter()
    run = gradus.train(slow | {"doctor": slow["doctor"] | doctor}, run=tmp_path / "run", callbacks=[counter])
    (tried,) = run.repairs
    assert (tried["kept"], tried["later"]) == (False, True)
    assert weights(run) == weights(plain)
    assert run.curves == plain.curves
    assert run.repaired is None
    assert counter.seen == 10 * STEPS_PER_EPOCH


def test_a_healthy_run_is_left_alone(tmp_path: Path) -> None:
    healthy = recipe({"name": "sgd", "lr": 0.05, "momentum": 0.9})
    plain = gradus.train(healthy, run=tmp_path / "plain")
    left = gradus.train(healthy, run=tmp_path / "left", repair=True)
    assert left.repairs == []
    assert weights(left) == weights(plain)


def test_a_loss_that_is_not_finite_is_a_trouble_too(tmp_path: Path) -> None:
    lost = recipe({"name": "sgd", "lr": 1e30})
    assert gradus.train(lost, run=tmp_path / "lost").outcome == "non-finite loss"
    run = gradus.train(lost, run=tmp_path / "run", repair=True)
    assert run.outcome == "finished"
    assert run.result["metrics"]["test_accuracy"] > 0.8
    assert run.repairs[0].get("before") != run.repairs[-1]["after"]


def test_without_a_validation_split_it_goes_by_training_examples(tmp_path: Path) -> None:
    ready = recipe()
    run = gradus.train(ready | {"data": ready["data"] | {"validation": 0.0}}, run=tmp_path / "run", repair=True)
    assert run.repairs[-1]["kept"]
    assert run.repairs[-1]["split"] == "train"


class Killer(Callback):
    """Asks once for an end, in the treated course."""

    def __init__(self) -> None:
        self.steps = 0

    def step_ended(self, trainer: Trainer) -> None:
        self.steps += 1
        if self.steps == 6 * STEPS_PER_EPOCH:
            os.kill(os.getpid(), signal.SIGTERM)


def test_interrupted_in_a_treatment_it_is_resumed_before_it(tmp_path: Path, repaired: gradus.Run) -> None:
    place = tmp_path / "run"
    run = gradus.train(recipe(), run=place, repair=True, callbacks=[Killer()])
    assert run.outcome == "interrupted"
    assert not (place / "model.safetensors").exists()
    assert run.repairs == []
    resumed = training.resume(place, warn=lambda text: None)
    assert resumed.outcome == "finished"
    assert weights(resumed) == weights(repaired)
    assert [each["remedy"] for each in resumed.repairs] == [each["remedy"] for each in repaired.repairs]


def test_resumed_after_a_treatment_was_kept_it_goes_on_with_the_repaired_recipe(tmp_path: Path) -> None:
    doctor = {"repair": True, "horizon": 0.05}
    straight = gradus.train(recipe(doctor=doctor), run=tmp_path / "straight")

    class After(Callback):
        def epoch_ended(self, trainer: Trainer, values: dict[str, float]) -> None:
            if trainer.epoch == 4:
                os.kill(os.getpid(), signal.SIGTERM)

    run = gradus.train(recipe(doctor=doctor), run=tmp_path / "run", callbacks=[After()])
    assert run.outcome == "interrupted"
    assert run.repairs[-1]["kept"]
    resumed = training.resume(run.path, warn=lambda text: None)
    assert resumed.repaired is not None
    assert weights(resumed) == weights(straight)
    assert json.loads(json.dumps(resumed.result))["repairs"] == resumed.repairs


def test_it_needs_a_doctor_and_one_network(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="repair needs the doctor"):
        gradus.train(recipe(doctor={"budget": 0}), run=tmp_path / "run", repair=True)
    with pytest.raises(InputError, match=r"doctor\.repair: is for one network"):
        gradus.train(recipe() | {"ensemble": {"members": 2}}, run=tmp_path / "run", repair=True)
    assert not (tmp_path / "run").exists()
