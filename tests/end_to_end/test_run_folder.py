"""Whose a run folder is, and what is refused to be one."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import gradus
from gradus.core import faults
from gradus.core.errors import InputError, ResourceError
from gradus.training.folder import RunLock
from gradus.training.train import resume
from tests.cli.command import Done, run_gradus
from tests.end_to_end.processes import At, Ended, Processes
from tests.end_to_end.recipes import digits, weights

Command = Callable[..., Done]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    return gradus.train(digits(), run=tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    return lambda *arguments: run_gradus(capsys, monkeypatch, *arguments)


@pytest.fixture
def reopened(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """A file system of its own at ``tmp_path / "disk"``; called with "ro" or "rw" to open it anew so."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a disk cannot be mounted read-only here: {done.stderr.strip()}")
    yield lambda mode: (subprocess.run(["mount", "-o", f"remount,{mode}", str(place)], check=True), None)[1]
    subprocess.run(["umount", str(place)], check=True)


def refused(done: Done) -> str:
    assert done.code == 2, done.err
    (line,) = done.err.splitlines()
    return line.removeprefix("gradus: ")


def test_a_second_process_is_refused_and_the_first_one_goes_on(
    processes: Processes, finished: gradus.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, steps = tmp_path / "run", 0
    second: list[Ended] = []

    def listener(point: str) -> None:
        nonlocal steps
        steps += point == "step.before-optimizer"
        if steps == 12 and not second:
            second.append(processes.gradus("train", "--resume", run, "--quiet"))
            second.append(processes.gradus("train", "--run", run, "--quiet"))

    monkeypatch.setattr(faults, "listener", listener)
    first = gradus.train(digits(), run=run)
    assert [each.code for each in second] == [2, 2]
    busy = f"gradus: run {run}: is in use by process {os.getpid()}. Wait for it, or stop it.\n"
    there = f"gradus: run {run}: is there already. Continue it with `--resume`, or name another with `--run`.\n"
    assert [each.err for each in second] == [busy, there]
    assert weights(first) == weights(finished)
    assert first.curves == finished.curves


def test_a_folder_in_which_another_process_begins_is_refused_and_left_alone(
    processes: Processes, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with RunLock(run):
        (run / "data.json").write_text("{}")
        ended = processes.gradus("train", "--model", "mlp", "--run", run, "--quiet")
    assert ended.code == 2
    assert "is in use by process" in ended.err
    assert {each.name for each in run.iterdir()} == {"lock", "data.json"}


def test_workers_that_outlive_a_killed_run_do_not_keep_its_folder(processes: Processes, tmp_path: Path) -> None:
    run = tmp_path / "run"
    settings = ["--set=training.stream=true", "--set=training.workers=2", "--set=training.checkpoint_every=5"]
    start = ["train", "--model", "mlp", "--epochs", 1, "--quiet", *settings, "--run", run]
    killed = processes.gradus(*start, kill=At("step.before-optimizer", 8))
    assert killed.code == -signal.SIGKILL
    resumed = processes.gradus("train", "--resume", run, "--quiet")
    assert resumed.code == 0, resumed.err


def test_a_read_only_disk(
    tmp_path: Path, reopened: Callable[[str], None], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    interrupted = gradus.train(digits(), run=disk / "run")
    before = weights(interrupted)
    reopened("ro")
    with pytest.raises(ResourceError, match=r"run: cannot be made \(Read-only file system\)\. Name a place you may"):
        gradus.train(digits(), run=disk / "deep" / "run")
    line = refused(command("train", "--model", "mlp", "--run", disk / "other", "--quiet"))
    assert line == f"run {disk / 'other'}: cannot be made (Read-only file system). Name a place you may write to."
    line = refused(command("train", "--resume", disk / "run", "--quiet"))
    assert line == f"run {disk / 'run'}: cannot be written to (Read-only file system). Name a place you may write to."
    monkeypatch.chdir(disk)
    assert "run runs: cannot be made (Read-only file system)" in refused(command("train", "--model", "mlp", "--quiet"))
    # Reading a finished run writes nothing.
    run = gradus.load_run(disk / "run")
    assert weights(run) == before
    assert len(run.curves["train_loss"]) == 3
    run.model()
    reopened("rw")


def test_an_empty_folder_on_a_read_only_disk(tmp_path: Path, reopened: Callable[[str], None], command: Command) -> None:
    empty = tmp_path / "disk" / "empty"
    empty.mkdir()
    reopened("ro")
    assert "cannot be written to (Read-only file system)" in refused(command("train", "--run", empty, "--quiet"))


def foreign_folder(path: Path) -> None:
    path.mkdir()
    (path / "thesis.txt").write_text("ten years of work")


def file(path: Path) -> None:
    path.write_text("ten years of work")


def folder_with_a_lock_and_more(path: Path) -> None:
    foreign_folder(path)
    (path / "lock").touch()


def some_recipe(path: Path) -> None:
    path.mkdir()
    (path / "recipe.toml").write_text("schema = 1")


@pytest.mark.parametrize("make", [foreign_folder, file, folder_with_a_lock_and_more, some_recipe])
@pytest.mark.parametrize(
    ("option", "rule"), [("--run", "is something else, not a run folder"), ("--resume", "is not a run folder")]
)
def test_what_is_no_run_is_left_alone(
    tmp_path: Path, command: Command, make: Callable[[Path], None], option: str, rule: str
) -> None:
    place = tmp_path / "mine"
    make(place)
    before = {each: each.is_file() and each.read_bytes() for each in tmp_path.rglob("*")}
    assert refused(command("train", option, place, "--quiet")).startswith(f"run {place}: {rule}")
    assert {each: each.is_file() and each.read_bytes() for each in tmp_path.rglob("*")} == before


def test_what_is_not_there_cannot_be_resumed(tmp_path: Path, command: Command) -> None:
    assert refused(command("train", "--resume", tmp_path / "no")) == f"run {tmp_path / 'no'}: no such folder"
    assert not (tmp_path / "no").exists()


def newer_document(name: str) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        document = json.loads((run / name).read_text())
        (run / name).write_text(json.dumps(document | {"format": document["format"] + 1}))

    return change


def newer_document_of_which_nothing_is_known(run: Path) -> None:
    (run / "data.json").write_text('{"format": 4}')


def newer_database(run: Path) -> None:
    connection = sqlite3.connect(run / "run.sqlite")
    connection.execute("PRAGMA user_version = 2")
    connection.close()


def newer_recipe(run: Path) -> None:
    text = (run / "recipe.toml").read_text()
    (run / "recipe.toml").write_text(text.replace("schema = 1", "schema = 2"))


NEWER = [
    ("environment.json", 1, newer_document("environment.json")),
    ("data.json", 3, newer_document("data.json")),
    ("data.json", 3, newer_document_of_which_nothing_is_known),
    ("run.sqlite", 1, newer_database),
    ("recipe.toml", 1, newer_recipe),
]


@pytest.mark.parametrize(("name", "known", "change"), NEWER)
def test_a_newer_run_is_refused_by_name(
    finished: gradus.Run, tmp_path: Path, command: Command, name: str, known: int, change: Callable[[Path], None]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    change(run)
    line = refused(command("train", "--resume", run, "--quiet"))
    assert f"{run / name}" in line
    assert f"newer than the {known} known here. Update gradus" in line
    with pytest.raises(InputError, match=f"newer than the {known} known here"):
        _ = gradus.load_run(run).curves


DAMAGED = [("environment.json", b"{"), ("data.json", b'{"format": 1}'), ("data.json", b""), ("run.sqlite", b"\1" * 99)]


@pytest.mark.parametrize(("name", "content"), DAMAGED)
def test_a_damaged_run_is_told_by_name(
    finished: gradus.Run, tmp_path: Path, command: Command, name: str, content: bytes
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    (run / name).write_bytes(content)
    assert refused(command("train", "--resume", run, "--quiet")).startswith(f"{run / name}: cannot be read: ")


def test_a_finished_run_is_not_trained_again(finished: gradus.Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.path, run)
    before = {each.name: each.read_bytes() for each in run.iterdir() if each.is_file() and each.name != "lock"}
    warnings: list[str] = []
    again = resume(run, warn=warnings.append)
    assert warnings == [f"run {run} was already finished"]
    assert again.outcome == "finished"
    assert {name: (run / name).read_bytes() for name in before} == before


def test_a_run_killed_before_it_wrote_any_rows_starts_over(finished: gradus.Run, tmp_path: Path) -> None:
    """Neither a missing database nor one without tables is in the way."""
    for number, content in enumerate([None, b""]):
        run = tmp_path / str(number)
        shutil.copytree(finished.path, run, ignore=shutil.ignore_patterns("model.safetensors", "run.sqlite", "last"))
        shutil.rmtree(run / "checkpoints")
        if content is not None:
            (run / "run.sqlite").write_bytes(content)
        assert gradus.load_run(run).outcome == "running"
        assert gradus.load_run(run).curves == {}
        warnings: list[str] = []
        resumed = resume(run, warn=warnings.append)
        assert warnings == []
        assert weights(resumed) == weights(finished)
        assert resumed.curves == finished.curves


def test_data_that_have_changed_are_refused(tmp_path: Path) -> None:
    x = torch.arange(20.0).reshape(10, 2).numpy()
    recipe: dict[str, Any] = digits() | {
        "data": {"name": "digits", "validation": 0.0, "test": 0.0},
        "model": {"name": "linear_regression"},
        "criterion": {"name": "mse"},
    }
    data = gradus.from_arrays(x, x[:, :1], task="regression")
    run = gradus.train(recipe, run=tmp_path / "run", data=data)
    assert safetensors.torch.load_file(run.path / "model.safetensors")["linear.weight"].shape == (1, 2)
    connection = sqlite3.connect(run.path / "run.sqlite")
    with connection:
        connection.execute("UPDATE attempts SET outcome = NULL")
    connection.close()
    with pytest.raises(InputError, match="its data have changed since it began"):
        resume(run.path, data=gradus.from_arrays(x + 1, x[:, :1], task="regression"))
    resumed = resume(run.path, data=data)
    assert resumed.outcome == "finished"


@pytest.mark.parametrize("name", ["lock", "run.sqlite", "checkpoints", "checkpoints/last"])
def test_a_folder_with_links_is_refused_before_anything_is_written_through_them(
    name: str, finished: gradus.Run, tmp_path: Path, command: Command
) -> None:
    copied = tmp_path / "run"
    shutil.copytree(finished.path, copied)
    victim = tmp_path / "victim"
    if name.startswith("checkpoints"):
        shutil.move(copied / name, victim)
        (victim / "incoming").mkdir()
    else:
        victim.write_text("mine")
        (copied / name).unlink(missing_ok=True)
    (copied / name).symlink_to(victim)
    before = sorted(victim.rglob("*"))
    assert "must not hold links" in refused(command("train", "--resume", copied))
    assert sorted(victim.rglob("*")) == before
    assert victim.is_dir() or victim.read_text() == "mine"


def test_a_run_begun_on_a_device_that_is_not_here_is_refused(
    finished: gradus.Run, tmp_path: Path, command: Command
) -> None:
    copied = tmp_path / "run"
    shutil.copytree(finished.path, copied)
    (copied / "run.sqlite").unlink()
    recipe = (copied / "recipe.toml").read_text()
    (copied / "recipe.toml").write_text(recipe.replace('device = "cpu"', 'device = "cuda:63"'))
    assert "must be a device of this machine" in refused(command("train", "--resume", copied))


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(gradus.ResourceError):
        RunLock(tmp_path / "run")
    assert (tmp_path / "victim").read_text() == "mine"
