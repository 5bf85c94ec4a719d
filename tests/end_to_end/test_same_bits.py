"""The same recipe and seed give the same weights, bit for bit, however the run comes about."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

import gradus
from gradus.training.callbacks import Callback
from gradus.training.train import resume
from gradus.training.trainer import Trainer
from tests.end_to_end.processes import At, Processes
from tests.end_to_end.recipes import EVERY_CHANGE, STEPS_PER_EPOCH, digits, weights

LBFGS = {"name": "lbfgs", "max_iter": 4, "history_size": 3}
CASES = {
    "plain": digits(),
    "accumulated": digits(accumulate=3, clip_norm=1.0),
    "averaged": digits(ema=0.9, keep="best"),
    "stopped early": digits(epochs=6, early_stopping={"patience": 2, "min_delta": 10.0}),
    "streamed by workers": digits(stream=True, workers=2),
    "augmented": digits(augment=EVERY_CHANGE),
    "patched": digits(augment=["cutmix"]),
    "channels last": digits(
        model={"name": "small_cnn", "width": 4}, precision="bf16", memory_format="channels_last", ema=0.9
    ),
    "L-BFGS": digits(optimizer=LBFGS, batch_size="full", epochs=STEPS_PER_EPOCH + 1),
}


class Signal(Callback):
    """Sends this process a signal at the end of a step or an epoch."""

    def __init__(self, number: signal.Signals, *, step: int = 0, epoch: int = 0) -> None:
        self._number, self._step, self._epoch = number, step, epoch

    def step_ended(self, trainer: Trainer) -> None:
        if trainer.step == self._step:
            os.kill(os.getpid(), self._number)

    def epoch_ended(self, trainer: Trainer, values: dict[str, float]) -> None:
        if trainer.epoch == self._epoch:
            os.kill(os.getpid(), self._number)


@pytest.mark.parametrize("name", CASES)
def test_twice(tmp_path: Path, name: str) -> None:
    one, two = (gradus.train(CASES[name], run=tmp_path / folder) for folder in "ab")
    assert weights(one) == weights(two)
    assert one.curves == two.curves


def test_another_seed_gives_other_bits(tmp_path: Path) -> None:
    one, two = (gradus.train(digits(seed=seed), run=tmp_path / str(seed)) for seed in (0, 1))
    assert weights(one) != weights(two)


@pytest.mark.parametrize("augment", [["shift", "rotate"], EVERY_CHANGE, ["cutmix"]])
@pytest.mark.parametrize("workers", [0, 2])
def test_in_memory_and_streamed(tmp_path: Path, workers: int, augment: list[str]) -> None:
    in_memory = gradus.train(digits(augment=augment), run=tmp_path / "memory")
    streamed = gradus.train(digits(augment=augment, stream=True, workers=workers), run=tmp_path / "streamed")
    assert weights(streamed) == weights(in_memory)
    assert streamed.curves == in_memory.curves


# A whole-set batch makes every step an epoch.
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    "where",
    [Signal(signal.SIGINT, step=5), Signal(signal.SIGINT, step=STEPS_PER_EPOCH), Signal(signal.SIGTERM, epoch=1)],
    ids=["in an epoch", "after an epoch's last step", "at an epoch's end"],
)
def test_interrupted_and_resumed(tmp_path: Path, name: str, where: Signal) -> None:
    reference = gradus.train(CASES[name], run=tmp_path / "reference")
    interrupted = gradus.train(CASES[name], run=tmp_path / "run", callbacks=[where])
    assert interrupted.outcome == "interrupted"
    assert not (tmp_path / "run" / "model.safetensors").exists()
    warnings: list[str] = []
    resumed = resume(tmp_path / "run", warn=warnings.append)
    assert resumed.outcome == "finished"
    assert warnings == []
    assert weights(resumed) == weights(reference)
    assert resumed.curves == reference.curves
    assert resumed.result["metrics"] == reference.result["metrics"]


def test_stopping_early_keeps_the_best_weights(tmp_path: Path) -> None:
    run = gradus.train(CASES["stopped early"], run=tmp_path / "run")
    assert run.result["epochs"] == 3
    best, *others = [value for _, value in run.curves["validation_loss"]]
    assert run.result["metrics"]["validation_loss"] == best
    assert best not in others


def test_a_run_that_has_stopped_early_does_not_go_on_when_killed_in_its_export(
    processes: Processes, tmp_path: Path
) -> None:
    run, settings = tmp_path / "run", ["training.early_stopping.patience=1", "training.early_stopping.min_delta=10"]
    command = ["train", "--model", "mlp", "--epochs", 5, "--json", *(f"--set={each}" for each in settings)]
    assert processes.gradus(*command, "--run", run, kill=At("export.end")).code == -signal.SIGKILL
    assert processes.gradus("train", "--resume", run).code == 0
    assert gradus.load_run(run).result["epochs"] == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_interrupted_says_how_to_go_on(
    processes: Processes, tmp_path: Path, number: signal.Signals
) -> None:
    command: list[Any] = ["train", "--model", "mlp", "--epochs", 2, "--set=training.threads=1"]
    assert processes.gradus(*command, "--run", tmp_path / "reference").code == 0
    run = tmp_path / "run"
    ended = processes.gradus(*command, "--run", run, kill=At("step.before-optimizer", 9, number))
    assert ended.code == 130
    assert ended.err.splitlines()[-1] == f"interrupted at step 9; continue with: gradus train --resume {run}"
    ended = processes.gradus("train", "--resume", run)
    assert ended.code == 0, ended.err
    assert weights(run) == weights(tmp_path / "reference")


def test_a_second_signal_ends_it_at_once_and_it_can_still_be_resumed(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    reference = gradus.train(digits(checkpoint_every=4), run=tmp_path / "reference")
    twice = [Signal(signal.SIGINT, step=6), Signal(signal.SIGINT, step=6)]
    with pytest.raises(KeyboardInterrupt):
        gradus.train(digits(checkpoint_every=4), run=tmp_path / "run", callbacks=twice)
    assert gradus.load_run(tmp_path / "run").outcome == "running"
    resumed = resume(tmp_path / "run")
    assert weights(resumed) == weights(reference)
    assert resumed.curves == reference.curves
    assert signal.getsignal(signal.SIGINT) is before
