"""A damaged checkpoint is told in one line, and the one before it is used, to the same bits in the end."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import gradus
from gradus.core import faults
from gradus.core.errors import InputError
from gradus.training.train import resume
from tests.cli.command import run_gradus
from tests.end_to_end.recipes import digits, weights

RECIPE = digits(keep="best", ema=0.9, checkpoint_every=5)
Damage = Callable[[Path, Path], None]
TENSORS, STATE, MANIFEST = "tensors.safetensors", "state.json", "manifest.json"


class Killed(Exception):
    """Instead of SIGKILL, within the test's process."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    return gradus.train(RECIPE, run=tmp_path_factory.mktemp("reference") / "run")


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that ended at step 18: its `last` is of step 15, its `previous` of step 10."""
    run = tmp_path_factory.mktemp("unfinished") / "run"
    steps = 0

    def listener(point: str) -> None:
        nonlocal steps
        steps += point == "step.before-optimizer"
        if steps == 18:
            raise Killed

    faults.listener = listener
    try:
        with pytest.raises(Killed):
            gradus.train(RECIPE, run=run)
    finally:
        faults.listener = None
    return run


@pytest.fixture
def run(unfinished: Path, tmp_path: Path) -> Path:
    shutil.copytree(unfinished, tmp_path / "run")
    return tmp_path / "run"


def truncate(last: Path, previous: Path) -> None:
    content = (last / TENSORS).read_bytes()
    (last / TENSORS).write_bytes(content[: len(content) // 2])


def corrupt(last: Path, previous: Path) -> None:
    content = bytearray((last / TENSORS).read_bytes())
    content[-1] ^= 1
    (last / TENSORS).write_bytes(content)


def lose_manifest(last: Path, previous: Path) -> None:
    (last / MANIFEST).unlink()


def lose_tensors(last: Path, previous: Path) -> None:
    (last / TENSORS).unlink()


def empty_manifest(last: Path, previous: Path) -> None:
    (last / MANIFEST).write_text("")


def manifest_without_hashes(last: Path, previous: Path) -> None:
    document = json.loads((last / MANIFEST).read_text())
    (last / MANIFEST).write_text(json.dumps(document | {"files": {}}))


def mix_tensors(last: Path, previous: Path) -> None:
    shutil.copy(previous / TENSORS, last / TENSORS)


def state_of_another_step(last: Path, previous: Path) -> None:
    shutil.copy(previous / STATE, last / STATE)


DAMAGES = [
    (truncate, f"{TENSORS} is not what {MANIFEST} says"),
    (corrupt, f"{TENSORS} is not what {MANIFEST} says"),
    (mix_tensors, f"{TENSORS} is not what {MANIFEST} says"),
    (state_of_another_step, f"{STATE} is not what {MANIFEST} says"),
    (lose_manifest, f"{MANIFEST} is missing"),
    (lose_tensors, f"{TENSORS} is missing"),
    (empty_manifest, "JSONDecodeError"),
    (manifest_without_hashes, "KeyError"),
]


def test_undamaged_it_is_resumed_without_a_word(run: Path, reference: gradus.Run) -> None:
    warnings: list[str] = []
    resumed = resume(run, warn=warnings.append)
    assert warnings == []
    assert weights(resumed) == weights(reference)


@pytest.mark.parametrize(("damage", "reason"), DAMAGES, ids=lambda each: getattr(each, "__name__", ""))
def test_the_one_before_is_used(run: Path, reference: gradus.Run, damage: Damage, reason: str) -> None:
    damage(run / "checkpoints" / "last", run / "checkpoints" / "previous")
    warnings: list[str] = []
    resumed = resume(run, warn=warnings.append)
    (warning,) = warnings
    assert f"checkpoint {run / 'checkpoints'}: `last` is damaged: {reason}" in warning
    assert warning.endswith("going on from the one before it, of step 10")
    assert "\n" not in warning
    assert weights(resumed) == weights(reference)
    assert resumed.curves == reference.curves


def test_the_command_warns_of_it(
    run: Path, reference: gradus.Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    corrupt(run / "checkpoints" / "last", run / "checkpoints" / "previous")
    done = run_gradus(capsys, monkeypatch, "train", "--resume", run, "--quiet", "--json")
    assert done.code == 0
    line, *findings = done.err.splitlines()
    assert line.startswith(f"gradus: checkpoint {run / 'checkpoints'}: `last` is damaged")
    assert len(findings) == len(json.loads(done.out)["findings"])
    assert weights(run) == weights(reference)


@pytest.mark.parametrize("damage", [corrupt, lose_manifest])
def test_both_broken(
    run: Path, damage: Damage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("last", "previous"):
        damage(run / "checkpoints" / name, run / "checkpoints" / name)
    done = run_gradus(capsys, monkeypatch, "train", "--resume", run, "--quiet")
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert "none is whole (`last` is damaged: " in line
    assert "`previous` is damaged: " in line
    assert line.endswith("Start the run anew.")


@pytest.mark.parametrize("name", ["last", "previous"])
def test_a_newer_format_is_refused_by_name(run: Path, name: str) -> None:
    folder = run / "checkpoints"
    if name == "previous":
        shutil.rmtree(folder / "last")
    # Nothing is known of a newer manifest but that it says so.
    (folder / name / MANIFEST).write_text(json.dumps({"format": 2}))
    with pytest.raises(InputError, match=r"is of format 2, newer than the 1 known here\. Update gradus\.$"):
        resume(run)


@pytest.mark.parametrize("point", ["checkpoint.previous-removed", "checkpoint.between-renames"])
def test_a_kill_after_damage_does_not_cost_the_whole_one(
    run: Path, reference: gradus.Run, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    corrupt(run / "checkpoints" / "last", run / "checkpoints" / "previous")

    def listener(reached: str) -> None:
        if reached == point:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(faults, "listener", listener)
        with pytest.raises(Killed):
            resume(run)
    resumed = resume(run)
    assert weights(resumed) == weights(reference)
