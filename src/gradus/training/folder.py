"""The folder a run leaves: making it, owning it, refusing what is not one."""

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import Any, Self, TextIO

from gradus.core.errors import InputError, ResourceError
from gradus.training.checkpoint import write_atomically

RECIPE, ENVIRONMENT, DATA, DATABASE, WEIGHTS = (
    "recipe.toml",
    "environment.json",
    "data.json",
    "run.sqlite",
    "model.safetensors",
)
CHECKPOINTS, CODE = "checkpoints", "code"
_LOCK = "lock"


def create_run_folder(path: Path | None, label: str) -> Path:
    """A new folder at `path`, or the first free ``runs/<label>-<n>``.

    Raises:
        InputError: if there is something at `path` already.
        ResourceError: if the folder cannot be made.
    """
    try:
        if path is not None:
            if path.exists():
                if is_run(path):
                    raise InputError(
                        f"run {path}",
                        "is there already",
                        repair="Continue it with `--resume`, or name another with `--run`.",
                    )
                if not path.is_dir() or any(path.iterdir()):
                    raise InputError(f"run {path}", "is something else, not a run folder", repair="Name another place.")
            path.mkdir(parents=True, exist_ok=True)
            _probe(path)
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
        if isinstance(error, ResourceError):
            raise
        place = path if path is not None else Path("runs")
        raise ResourceError(
            f"run {place}", f"cannot be made ({error.strerror})", repair="Name a place you may write to."
        ) from error


def is_run(path: Path) -> bool:
    return (path / RECIPE).is_file() and (path / ENVIRONMENT).is_file()


def existing_run(path: Path) -> Path:
    """`path`, if it is a run folder.

    Raises:
        InputError: if it is missing or something else.
    """
    if not path.exists():
        raise InputError(f"run {path}", "no such folder")
    if not is_run(path):
        raise InputError(f"run {path}", f"is not a run folder: it has no {RECIPE} and {ENVIRONMENT}")
    return path


class RunLock:
    """Held by the one process that writes to a run folder; the system releases it however that process ends."""

    def __init__(self, folder: Path) -> None:
        try:
            self._file: TextIO = (folder / _LOCK).open("a+")
        except OSError as error:
            raise ResourceError(f"run {folder}", f"cannot be written to ({error.strerror})") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            raise ResourceError(
                f"run {folder}", f"is in use by process {holder or 'unknown'}", repair="Wait for it, or stop it."
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()


def write_text(path: Path, text: str) -> None:
    """Replace a small file as a whole."""
    write_atomically(path, lambda incoming: incoming.write_text(text, encoding="utf-8"))


def write_json(path: Path, document: Any) -> None:
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False))


def read_json(path: Path, newest: int) -> dict[str, Any]:
    """A document of the run folder, of format `newest` or older.

    Raises:
        InputError: if it is missing, damaged or of a newer format.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = document["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}", f"cannot be read: {type(error).__name__} {error}") from error
    if found > newest:
        raise InputError(
            f"{path}", f"is of format {found}, newer than the {newest} known here", repair="Update gradus."
        )
    return document


def remove(path: Path) -> None:
    """Take a folder made by `create_run_folder` away again, when training did not begin."""
    shutil.rmtree(path, ignore_errors=True)


def _probe(path: Path) -> None:
    probe = path / ".probe"
    probe.touch()
    probe.unlink()
