"""The doctor beside the Trainer: what it leaves in a run, and what it does not touch."""

import gc
import json
from collections.abc import Sequence
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest

import gradus
from gradus.core.text import set_language
from gradus.diagnosis.doctor import check_silence
from gradus.diagnosis.rules import rules
from gradus.training.callbacks import Callback
from gradus.training.doctoring import OF_THE_COURSE, meant, signs_to_json
from gradus.training.interruption import INTERRUPTED
from gradus.training.recipe import Recipe
from gradus.training.train import resume
from gradus.training.trainer import Trainer
from tests.cli.command import run_gradus
from tests.diagnosis.histories import LAYERS, MATRIX, PARAMETERS, classifying
from tests.end_to_end.recipes import STEPS_PER_EPOCH, digits, weights

PLAIN: dict[str, Any] = {"name": "mlp", "hidden": [32, 32]}


def trained(
    place: Path,
    *,
    lr: float,
    budget: float = 0.5,
    name: str = "sgd",
    callbacks: Sequence[Callback] = (),
    **training: Any,
) -> gradus.Run:
    recipe = digits(augment=(), model=PLAIN, optimizer={"name": name, "lr": lr}, **{"epochs": 6, **training})
    return gradus.train(
        recipe | {"schedule": {"name": "constant"}, "doctor": {"budget": budget}}, run=place, callbacks=callbacks
    )


@pytest.fixture(scope="module")
def ill(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    """A rate so low that nothing moves."""
    return trained(tmp_path_factory.mktemp("ill") / "run", lr=1e-7)


def test_a_run_with_the_doctor_is_the_one_without_bit_by_bit(tmp_path: Path) -> None:
    # Dropout and augmentation draw random numbers.
    runs = [
        gradus.train(digits() | {"doctor": {"budget": budget}}, run=tmp_path / f"{budget}") for budget in (0, 0.01, 0.9)
    ]
    assert len({weights(each) for each in runs}) == 1
    assert [bool(each.doctor) for each in runs] == [False, True, True]
    assert [bool(each.signs) for each in runs] == [False, True, True]
    assert runs[0].result["causes"] == []


def test_what_it_came_to_is_in_the_run(ill: gradus.Run) -> None:
    steps = 6 * STEPS_PER_EPOCH
    assert ill.result["steps"] == steps
    found = {each["symptom"]: each for each in ill.findings}
    assert "small-updates" in found
    assert all(each in rules for each in found)
    assert all(0 <= each["since_step"] <= each["said_at_step"] <= steps for each in ill.findings)
    assert ill.doctor["steps_seen"] == steps
    assert 0 < ill.doctor["overhead"] < 1
    assert ill.doctor["causes"] == ill.result["causes"]
    assert ill.doctor["causes"][0]["id"] == "learning-rate-too-low"
    assert gradus.load_run(ill.path).findings == ill.findings


def test_signs_of_each_examined_step_are_in_the_run(ill: gradus.Run) -> None:
    assert list(range(10)) == list(ill.signs)[:10]
    matrices = {name.removesuffix(".weight") for name, each in ill.model().named_parameters() if each.dim() > 1}
    for layers in ill.signs.values():
        assert {name for name, row in layers.items() if "update" in row} == matrices
        assert all(0 < row["update"] < 1e-5 for row in layers.values() if "update" in row)


def test_a_rate_far_too_high_is_named(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", lr=30.0)
    assert {each["symptom"] for each in run.findings} & {"large-updates", "divergence", "non-finite"}
    assert run.doctor["causes"][0]["id"] == "learning-rate-too-high"


def test_a_good_rate_is_left_alone(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", lr=3e-3, name="adamw", epochs=12)
    assert run.result["metrics"]["test_accuracy"] > 0.9
    assert run.findings == []
    assert run.doctor["causes"] == []


def test_it_keeps_no_loader_s_workers_alive(tmp_path: Path) -> None:
    before = set(active_children())
    run = gradus.train(digits(stream=True, workers=2), run=tmp_path / "run")
    left = set(active_children()) - before
    gc.collect()
    assert run.doctor
    assert left == set()


class Stop(Callback):
    """Interrupts after a step."""

    def __init__(self, step: int) -> None:
        self._step = step

    def step_ended(self, trainer: Trainer) -> None:
        if trainer.step == self._step:
            trainer.stop(INTERRUPTED)


def test_a_resumed_run_counts_from_its_first_step_and_says_nothing_again(tmp_path: Path) -> None:
    stop = 2 * STEPS_PER_EPOCH + 3
    stopped = trained(tmp_path / "run", lr=1e-7, callbacks=[Stop(stop)])
    assert stopped.outcome == "interrupted"
    assert "small-updates" in [each["symptom"] for each in stopped.findings]
    assert stopped.doctor["steps_seen"] == stop
    resumed = resume(tmp_path / "run")
    assert resumed.outcome == "finished"
    assert resumed.findings[: len(stopped.findings)] == stopped.findings
    assert len({each["symptom"] for each in resumed.findings}) == len(resumed.findings)
    assert all(each["since_step"] >= stop for each in resumed.findings[len(stopped.findings) :])
    assert resumed.doctor["steps_seen"] == resumed.result["steps"] == 6 * STEPS_PER_EPOCH
    assert {*stopped.signs, *range(stop, stop + 10)} <= resumed.signs.keys()
    assert resumed.doctor["causes"][0]["id"] == "learning-rate-too-low"


def test_what_the_report_draws_of_an_examination() -> None:
    examination = classifying(steps=1).examinations[0]
    document = signs_to_json(examination)
    assert document["format"] == 1
    # A place is that of a module; the only model's name goes without saying.
    assert document["layers"].keys() == {"0", "1", "2", "3", "4", "5", "6"}
    assert document["layers"]["0"] == {"gradient": MATRIX.gradient, "update": pytest.approx(2e-4 / 0.1)}
    assert document["layers"]["1"] == {"dead": LAYERS["net:1"].dead}
    assert len(PARAMETERS) == 4
    json.dumps(document)


# ---- gradus doctor RUN ----------------------------------------------------------------------------------------------


def test_the_command_reads_it(
    ill: gradus.Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_gradus(capsys, monkeypatch, "doctor", ill.path)
    assert (done.code, done.err) == (1, "")
    assert "[small-updates]: Steps are tiny" in done.out
    assert "cause 1: learning-rate-too-low (" in done.out
    told = json.loads(run_gradus(capsys, monkeypatch, "doctor", ill.path, "--json").out)
    assert told == {"findings": ill.findings, **ill.doctor}


def test_labels_are_in_the_language_asked_for(
    ill: gradus.Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_gradus(capsys, monkeypatch, "doctor", "--lang", "zh", ill.path)
    set_language(None)
    assert done.code == 1
    for label in ("警告", "位置", "数据", "建议"):
        assert label in done.out
    assert "Steps are tiny" in done.out, "a message stays as it was written"


def test_of_a_healthy_run_and_of_one_without_the_doctor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    for budget in (0.5, 0):
        run = trained(tmp_path / str(budget), lr=3e-3, name="adamw", epochs=12, budget=budget)
        done = run_gradus(capsys, monkeypatch, "doctor", run.path)
        assert (done.code, done.err) == (0, "")
        said.append(done.out)
        document = json.loads(run_gradus(capsys, monkeypatch, "doctor", run.path, "--json").out)
        assert (document["findings"], document["causes"]) == ([], [])
    assert "nothing was found in 132 steps\n" in said[0]
    assert "it was trained without the doctor" in said[1]


@pytest.mark.parametrize(("objective", "silent"), [("supervised", ()), ("reinforce", OF_THE_COURSE)])
def test_the_course_of_a_surrogate_loss_tells_nothing(objective: str, silent: tuple[str, ...]) -> None:
    document = {
        "data": {"name": "digits"},
        "model": {"name": "recurrent_attention"},
        "criterion": {"name": "cross_entropy"},
        "objective": {"name": objective},
        "optimizer": {"name": "adam"},
    }
    assert meant(Recipe.from_dict(document)) == silent
    check_silence(silent)  # all of them are rules
