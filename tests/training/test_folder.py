import os
import signal
from pathlib import Path

import pytest

from gradus.core.errors import InputError, ResourceError
from gradus.training.folder import (
    RunLock,
    create_run_folder,
    existing_run,
    is_run,
    read_json,
    refuse_run,
    remove,
    write_json,
    write_text,
)


def make_run(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    for name in ("recipe.toml", "environment.json"):
        (path / name).touch()
    return path


def test_a_new_folder_and_its_parents(tmp_path: Path) -> None:
    assert create_run_folder(tmp_path / "a" / "b", "label") == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()


def test_the_first_free_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "net-2").write_text("a file counts, too")
    assert [create_run_folder(None, "net") for _ in range(2)] == [Path("runs/net-1"), Path("runs/net-3")]
    assert create_run_folder(None, "other") == Path("runs/other-1")


def test_an_empty_folder_and_one_left_by_a_killed_start_are_used(tmp_path: Path) -> None:
    for names in ((), ("lock",), ("lock", "data.json"), ("lock", "data.json", "environment.json")):
        path = tmp_path / str(len(names))
        path.mkdir()
        for name in names:
            (path / name).touch()
        assert create_run_folder(path, "label") == path


def test_a_run_is_never_made_anew(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert is_run(run)
    for refusing in (lambda: create_run_folder(run, "label"), lambda: refuse_run(run)):
        with pytest.raises(InputError, match=r"is there already\. Continue it with `--resume`"):
            refusing()
    refuse_run(tmp_path)


@pytest.mark.parametrize("name", ["thesis.txt", "recipe.toml", "run.sqlite", "model.safetensors", ".hidden"])
def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    (tmp_path / "lock").touch()
    with pytest.raises(InputError, match="is something else, not a run folder"):
        create_run_folder(tmp_path, "label")


@pytest.mark.parametrize("name", ["code", "data.json"])
def test_a_folder_of_someone_elses_is_not_taken_for_a_killed_start(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match="is something else, not a run folder"):
        create_run_folder(tmp_path, "label")


def test_below_a_file_there_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError, match=r"cannot be made \(Not a directory\)\. Name a place you may write to"):
        create_run_folder(tmp_path / "file" / "run", "label")


def test_existing(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert existing_run(run) == run
    with pytest.raises(InputError, match="no such folder"):
        existing_run(tmp_path / "other")
    (run / "recipe.toml").unlink()
    with pytest.raises(InputError, match=r"is not a run folder: it has no recipe\.toml"):
        existing_run(run)


def test_the_lock_is_for_one(tmp_path: Path) -> None:
    with (
        RunLock(tmp_path),
        pytest.raises(ResourceError, match=rf"is in use by process {os.getpid()}\. Wait for it, or stop it\."),
    ):
        RunLock(tmp_path)
    with RunLock(tmp_path):  # a longer number before does not show through
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_a_child_that_outlives_its_parent_does_not_keep_the_lock(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(tell, b"!")  # what a fork runs in the child is over
        signal.pause()
        os._exit(0)
    os.read(ready, 1)
    try:
        with pytest.raises(ResourceError):  # nor does it give it away
            RunLock(tmp_path)
        lock.close()
        with RunLock(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_documents(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    write_json(path, {"format": 1, "name": "数字"})
    assert read_json(path, newest=1) == {"format": 1, "name": "数字"}
    with pytest.raises(InputError, match=r"document\.json: is of format 1, newer than the 0 known here"):
        read_json(path, newest=0)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": "1"}', '{"format": null}', "\0"])
def test_damaged_documents(tmp_path: Path, content: str) -> None:
    path = tmp_path / "document.json"
    write_text(path, content)
    with pytest.raises(InputError, match=r"document\.json: cannot be read"):
        read_json(path, newest=1)
    with pytest.raises(InputError, match=r"missing\.json: cannot be read"):
        read_json(tmp_path / "missing.json", newest=1)


def test_removing(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    remove(run)
    remove(run)
    assert not run.exists()
