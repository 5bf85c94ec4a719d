from pathlib import Path
from typing import Any

import pytest

import gradus
from gradus.core import faults
from gradus.training import recorder
from tests.end_to_end.recipes import STEPS_PER_EPOCH, digits


@pytest.fixture
def checkpoints(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps after which one was begun."""
    steps, written = 0, []

    def listener(point: str) -> None:
        nonlocal steps
        steps += point == "step.before-optimizer"
        if point == "checkpoint.begin":
            written.append(steps)

    monkeypatch.setattr(faults, "listener", listener)
    return written


def test_checkpoints_come_every_so_many_steps_and_at_the_end(tmp_path: Path, checkpoints: list[int]) -> None:
    gradus.train(digits(epochs=1, checkpoint_every=4), run=tmp_path / "run")
    assert checkpoints == [4, 8, 11]


def test_or_by_the_clock(tmp_path: Path, checkpoints: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    gradus.train(digits(epochs=1), run=tmp_path / "rarely")
    assert checkpoints == [STEPS_PER_EPOCH]
    checkpoints.clear()
    monkeypatch.setattr(recorder, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(recorder, "SHARE_OF_TIME", 1e9)
    gradus.train(digits(epochs=1), run=tmp_path / "often")
    assert len(checkpoints) == STEPS_PER_EPOCH + 1


def test_a_loss_that_is_not_finite_ends_the_run_with_a_finding_and_no_checkpoint_of_it(
    tmp_path: Path, checkpoints: list[int]
) -> None:
    sgd: dict[str, Any] = {"name": "sgd", "lr": 1e30}
    run = gradus.train(digits(optimizer=sgd), run=tmp_path / "run")
    assert run.outcome == "non-finite loss"
    (finding,) = run.findings
    assert (finding["symptom"], finding["severity"]) == ("non-finite", "critical")
    assert 1 < finding["since_step"] <= finding["said_at_step"] <= STEPS_PER_EPOCH
    assert checkpoints == []
    assert not (run.path / "model.safetensors").exists()
    assert run.result["steps"] == finding["said_at_step"]
