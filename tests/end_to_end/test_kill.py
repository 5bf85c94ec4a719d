"""A run killed at any instant, and resumed, ends in the same bits as one that was never disturbed."""

import random
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import gradus
from tests.end_to_end.processes import After, At, Processes, fresh

# 14 steps an epoch, so that every second checkpoint falls on an epoch's last step, before its evaluation.
SETTINGS = {
    "model.hidden": "[24]",
    "model.dropout": "0.2",
    "schedule.name": "one_cycle",
    "training.epochs": "3",
    "training.batch_size": "96",
    "training.ema": "0.9",
    "training.early_stopping.min_delta": "10.0",  # the first epoch stays the best: its weights are in every checkpoint
    "training.checkpoint_every": "7",
    "training.threads": "1",
}
RECIPE = ["train", "--model", "mlp", "--json", *(f"--set={name}={value}" for name, value in SETTINGS.items())]
STEPS, EPOCHS, CHECKPOINTS = 42, 3, 7
PHASES = ("begin", "tensors", "state", "written", "between-renames", "end")

# Where each kind of damage would show first: within a step and after the epoch before it was recorded (then again in
# the resumed run, writing a checkpoint); in the very first checkpoint; while the old one steps aside; within the
# export; and before the folder is a run.
TELLING: tuple[tuple[At, ...], ...] = (
    (At("step.before-optimizer", 16), At("checkpoint.state", 1)),
    (At("checkpoint.tensors", 1),),
    (At("file.model.safetensors", 1),),
    (At("file.recipe.toml", 1),),
)
EVERY = [
    *(At("step.before-optimizer", number) for number in (1, 8, 15, 30, STEPS)),
    *(At(f"checkpoint.{phase}", number) for phase in PHASES for number in (1, 2, 3, CHECKPOINTS)),
    *(At("checkpoint.previous-removed", number) for number in (1, 2, CHECKPOINTS - 1)),  # there must be a former one
    *(At("epoch.before-evaluation", number) for number in range(1, EPOCHS + 1)),
    *(At(f"file.{name}") for name in ("data.json", "environment.json", "recipe.toml", "model.safetensors")),
    At("export.begin"),
    At("export.end"),
]
SLOW = 100


class Undisturbed:
    """What a run leaves that nobody kills."""

    def __init__(self, processes: Processes, path: Path) -> None:
        ended = processes.gradus(*RECIPE, "--run", path)
        assert ended.code == 0, ended.err
        self.seconds = ended.seconds
        self.run = gradus.load_run(path)
        assert self.run.result["steps"] == STEPS
        best, *others = [value for _, value in self.run.curves["validation_loss"]]
        assert self.run.result["metrics"]["validation_loss"] == best
        assert best not in others

    def assert_same(self, path: Path) -> None:
        other = gradus.load_run(path)
        ours, theirs = (safetensors.torch.load_file(each.path / "model.safetensors") for each in (self.run, other))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
        assert (path / "model.safetensors").read_bytes() == (self.run.path / "model.safetensors").read_bytes()
        assert other.curves == self.run.curves
        assert other.result["metrics"] == self.run.result["metrics"]
        assert (other.outcome, other.result["steps"]) == ("finished", STEPS)
        left = {each.name for each in path.iterdir()}
        assert left == {each.name for each in self.run.path.iterdir()}


@pytest.fixture(scope="module")
def undisturbed(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(processes, tmp_path_factory.mktemp("reference") / "run")


def command(run: Path) -> list[Any]:
    """Resume, or start anew where the process was killed before the folder was a run."""
    begun = (run / "recipe.toml").exists()
    return ["train", "--resume", run, "--json"] if begun else [*RECIPE, "--run", run]


def survive(processes: Processes, undisturbed: Undisturbed, run: Path, kills: Sequence[At | After]) -> None:
    for kill in kills:
        ended = processes.gradus(*command(run), kill=kill)
        # At a random instant it may have finished already.
        assert ended.code == -signal.SIGKILL or (isinstance(kill, After) and ended.code == 0), ended.err
    ended = processes.gradus(*command(run))
    assert ended.code == 0, ended.err
    undisturbed.assert_same(run)


def instants(seed: int, seconds: float) -> list[After]:
    """When to kill a run, and, one time in three, the one that resumes it too."""
    draw = random.Random(seed)
    return [After(draw.uniform(0, seconds)) for _ in range(1 + (draw.random() < 1 / 3))]


@pytest.mark.parametrize("kills", TELLING, ids=lambda kills: "+".join(map(str, kills)))
def test_killed_at_a_telling_point(
    processes: Processes, undisturbed: Undisturbed, tmp_path: Path, kills: tuple[At, ...]
) -> None:
    survive(processes, undisturbed, tmp_path / "run", kills)


@pytest.mark.parametrize("seed", range(2))
def test_killed_at_a_random_instant(processes: Processes, undisturbed: Undisturbed, tmp_path: Path, seed: int) -> None:
    survive(processes, undisturbed, tmp_path / "run", instants(seed, undisturbed.seconds)[:1])


def test_killed_and_resumed_in_a_process_from_scratch(
    processes: Processes, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    killed = processes.gradus(*command(run), kill=At("checkpoint.between-renames", 3))
    assert killed.code == -signal.SIGKILL, killed.err
    resumed = fresh(*command(run))
    assert resumed.code == 0, resumed.err
    undisturbed.assert_same(run)


@pytest.mark.slow
@pytest.mark.parametrize("kill", EVERY, ids=str)
def test_killed_at_every_point(processes: Processes, undisturbed: Undisturbed, tmp_path: Path, kill: At) -> None:
    survive(processes, undisturbed, tmp_path / "run", [kill])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 100 + SLOW - len(EVERY)))
def test_killed_at_many_instants(processes: Processes, undisturbed: Undisturbed, tmp_path: Path, seed: int) -> None:
    survive(processes, undisturbed, tmp_path / "run", instants(seed, undisturbed.seconds))
