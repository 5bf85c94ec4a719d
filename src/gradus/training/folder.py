"""The folder a run leaves: making it, owning it, refusing what is not one."""

import fcntl
import json
import os
import shutil
import weakref
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, Self

from gradus.core.errors import InputError, ResourceError
from gradus.training.checkpoint import INCOMING, refuse_newer, write_atomically

RECIPE, ENVIRONMENT, DATA, DATABASE, WEIGHTS = (
    "recipe.toml",
    "environment.json",
    "data.json",
    "run.sqlite",
    "model.safetensors",
)
CHECKPOINTS, CODE, ENCODER, MEMBERS = "checkpoints", "code", "encoder", "members"
REPAIRED = "repaired.toml"
PREDICTIONS, SHOWCASE = "predictions.safetensors", "showcase.json"
ENSEMBLE, SAMPLES = "ensemble.json", "ensemble.safetensors"
_LOCK = "lock"
_HEAD = {_LOCK, DATA, ENVIRONMENT, CODE, ENCODER, ENSEMBLE, SAMPLES, INCOMING}
"""What there is before the folder is a run, the lock first of all."""


def create_run_folder(path: Path | None, label: str) -> Path:
    """A new folder at `path`, or the first free ``runs/<label>-<n>``.

    Raises:
        InputError: if there is something at `path` already.
        ResourceError: if the folder cannot be made.
    """
    try:
        if path is not None:
            refuse_run(path)
            if path.exists() and not (path.is_dir() and _is_free(path)):
                raise InputError(f"run {path}", "is something else, not a run folder", repair="Name another place.")
            path.mkdir(parents=True, exist_ok=True)
            return path
        number = 1
        while True:
            candidate = Path("runs") / f"{label}-{number}"
            try:
                candidate.mkdir(parents=True)
                return candidate
            except FileExistsError:
                number += 1
    except OSError as error:
        place = path if path is not None else Path("runs")
        raise ResourceError(
            f"run {place}", f"cannot be made ({error.strerror})", repair="Name a place you may write to."
        ) from error


def is_run(path: Path) -> bool:
    """Whether a run was begun in this folder."""
    return (path / RECIPE).is_file() and (path / ENVIRONMENT).is_file()


def refuse_run(path: Path) -> None:
    """Raise an InputError if there is a run at `path`."""
    if is_run(path):
        raise InputError(
            f"run {path}", "is there already", repair="Continue it with `--resume`, or name another with `--run`."
        )


def _is_free(path: Path) -> bool:
    """Whether a folder is empty, or holds only what a process left that was killed before it was a run."""
    names = {each.name for each in path.iterdir()}
    return not names or (_LOCK in names and names <= _HEAD)


def existing_run(path: Path) -> Path:
    """`path`, if it is a run folder.

    Raises:
        InputError: if it is missing or something else.
    """
    if not path.exists():
        raise InputError(f"run {path}", "no such folder")
    if not is_run(path):
        raise InputError(f"run {path}", f"is not a run folder: it has no {RECIPE} and {ENVIRONMENT}")
    for each in path.rglob("*"):
        if each.is_symlink():  # what is written there would land wherever a stranger's link points
            raise InputError(f"run {path}", "must not hold links", each.name, "Replace it by what it points to.")
    return path


class RunLock:
    """Held by the one process that writes to a run folder; the system releases it however that process ends."""

    def __init__(self, folder: Path) -> None:
        try:
            self._file = FileIO(folder / _LOCK, "a+", opener=_open_no_link)
        except OSError as error:
            repair = "Name a place you may write to."
            raise ResourceError(f"run {folder}", f"cannot be written to ({error.strerror})", repair=repair) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read().decode(errors="replace")
            self.close()
            raise ResourceError(
                f"run {folder}", f"is in use by process {holder or 'unknown'}", repair="Wait for it, or stop it."
            ) from None
        with suppress(OSError):  # on a full disk; the number only makes that message clearer
            self._file.truncate(0)
            self._file.write(str(os.getpid()).encode())
        _held.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


_held: "weakref.WeakSet[RunLock]" = weakref.WeakSet()


def _let_go() -> None:
    """A forked child, such as a data worker, shares the lock and may outlive its parent by seconds."""
    for each in _held:
        each.close()


os.register_at_fork(after_in_child=_let_go)


def write_text(path: Path, text: str) -> None:
    """Replace a small file as a whole."""
    write_atomically(path, lambda incoming: incoming.write_text(text, encoding="utf-8"))


def write_json(path: Path, document: Any) -> None:
    """Replace a document as a whole."""
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False))


def read_json(path: Path, newest: int) -> dict[str, Any]:
    """A document of the run folder, of format `newest` or older.

    Raises:
        InputError: if it is missing, damaged or of a newer format.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        refuse_newer(f"{path}", document["format"], newest)
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}", f"cannot be read: {type(error).__name__} {error}") from error
    return document


def make(path: Path) -> None:
    """A folder within the run folder."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(f"{path}", f"cannot be made ({error.strerror})", repair="Make room there.") from error


def remove(path: Path) -> None:
    """Take a folder made by `create_run_folder` away again, when training did not begin."""
    shutil.rmtree(path, ignore_errors=True)
