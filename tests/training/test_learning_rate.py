"""Rates that a recipe leaves to a range test, schedules that wait for a plateau, and flat optimizers, in whole runs."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import gradus
from gradus.core.errors import InputError
from gradus.training.callbacks import Callback
from gradus.training.interruption import INTERRUPTED
from gradus.training.train import find_rate
from gradus.training.trainer import Trainer
from tests.cli.command import run_gradus

BASE: dict[str, Any] = {
    "data": {"name": "digits", "test": 0.2},
    "model": {"name": "mlp", "hidden": [16]},
    "criterion": {"name": "cross_entropy"},
    "optimizer": {"name": "adam"},
    "training": {"epochs": 2, "batch_size": 256, "threads": 1},
    "doctor": {"budget": 0.0},
}


class StopAfter(Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def step_ended(self, trainer: Trainer) -> None:
        if trainer.step == self.step:
            trainer.stop(INTERRUPTED)


def weights(run: gradus.Run) -> dict[str, torch.Tensor]:
    return dict(run.model().state_dict())


def same(a: gradus.Run, b: gradus.Run) -> bool:
    return all(torch.equal(value, weights(b)[name]) for name, value in weights(a).items())


def test_auto_is_resolved_once_and_kept_as_a_number(tmp_path: Path) -> None:
    recipe = BASE | {"optimizer": {"name": "adam", "lr": "auto"}, "schedule": {"name": "one_cycle"}}
    run = gradus.train(recipe, run=tmp_path / "auto")
    rate = run.recipe.optimizer.options["lr"]
    assert isinstance(rate, float)
    assert 1e-4 < rate < 1
    # The test leaves nothing behind: the rate given from the start comes to the same weights.
    given = gradus.train(recipe | {"optimizer": {"name": "adam", "lr": rate}}, run=tmp_path / "given")
    assert same(run, given)


def test_auto_is_refused_where_nothing_can_be_tried(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import torch\ndef make(parameters, lr):\n    return torch.optim.SGD(parameters, lr)"
    )
    own = {"module": f"{tmp_path / 'own.py'}:make", "lr": "auto"}
    with pytest.raises(InputError, match=r"optimizer\.lr: is found for optimizers of the catalogue alone"):
        gradus.train(BASE | {"optimizer": own}, run=tmp_path / "run")


@pytest.mark.parametrize("name", ["lbfgs", "bfgs", "newton_cg"])
def test_a_range_test_is_refused_where_more_than_a_rate_decides(name: str) -> None:
    with pytest.raises(InputError, match="range test: is for optimizers that take one gradient a step"):
        find_rate(BASE | {"optimizer": {"name": name}})


def test_a_range_test_of_one_that_looks_ahead() -> None:
    assert find_rate(BASE | {"optimizer": {"name": "nesterov"}}).suggested > 0


@pytest.mark.parametrize("optimizer", [{"name": "adam", "flat": True}, {"name": "nesterov"}, {"name": "soap"}])
def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path: Path, optimizer: dict[str, Any]) -> None:
    recipe = BASE | {"optimizer": optimizer, "schedule": {"name": "plateau", "patience": 1, "factor": 0.5}}
    whole = gradus.train(recipe, run=tmp_path / "whole")
    part = gradus.train(recipe, run=tmp_path / "part", callbacks=[StopAfter(7)])
    assert part.outcome == "interrupted"
    assert same(whole, gradus.resume(part.path))


def test_flat_comes_to_the_same_weights_and_either_resumes_the_other(tmp_path: Path) -> None:
    plain = gradus.train(BASE, run=tmp_path / "plain")
    flat = BASE | {"optimizer": {"name": "adam", "flat": True}}
    assert same(plain, gradus.train(flat, run=tmp_path / "flat"))
    part = gradus.train(flat, run=tmp_path / "part", callbacks=[StopAfter(7)])
    recipe = part.path / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("flat = true", "flat = false"))
    assert same(plain, gradus.resume(part.path))


def test_a_plateau_goes_by_the_validation_loss(tmp_path: Path) -> None:
    """With a threshold that no progress meets, the rate falls after every evaluation."""

    class Rates(Callback):
        seen: list[float] = []  # noqa: RUF012

        def epoch_ended(self, trainer: Trainer, values: dict[str, float]) -> None:
            self.seen.append(trainer.objective.phases[0].optimizer.param_groups[0]["lr"])

    schedule = {"name": "plateau", "patience": 1, "factor": 0.5, "threshold": 0.9}
    training = BASE["training"] | {"epochs": 4}
    rates = Rates()
    gradus.train(
        BASE | {"schedule": schedule, "optimizer": {"name": "adam", "lr": 0.01}, "training": training},
        run=tmp_path / "run",
        callbacks=[rates],
    )
    assert rates.seen == pytest.approx([0.01, 0.005, 0.0025, 0.00125])


def test_the_command_line_draws_the_curve(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ("train", "--data", "digits", "--model", "mlp", "--optimizer", "sgd", "--range-test")
    done = run_gradus(capsys, monkeypatch, *arguments)
    assert done.code == 0, done.err
    assert done.out.splitlines()[0].split() == ["rate", "loss"]
    assert "#" * 40 in done.out
    assert "suggested: " in done.out
    document = json.loads(run_gradus(capsys, monkeypatch, *arguments, "--json").out)
    assert document["suggested"] == min(document["steepest"], document["diverged"] / 10)
    assert not Path("runs").exists()


def test_the_command_line_takes_a_rate_or_auto(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for given, rate in (("0.02", 0.02), ("auto", None)):
        done = run_gradus(
            capsys, monkeypatch, "train", "--model", "linear_regression", "--data", "line", "--criterion", "mse",
            *("--optimizer", "sgd", "--set", "data.points=40", "--lr", given, "--epochs", 1, "--run", given, "--quiet"),
        )  # fmt: skip
        assert done.code in (0, 1), done.err
        found = gradus.load_run(given).recipe.optimizer.options["lr"]
        assert isinstance(found, float)
        assert rate is None or found == rate
    assert "got `atuo`" in run_gradus(capsys, monkeypatch, "train", "--lr", "atuo").err
