"""Files as a program would see them if it wrote, without its writing: what it changes lies in a folder of its own."""

import errno
import io
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The system's own: by the time they are called, `leading` has put others in their place.
open_, stat_, lstat, listdir = io.open, os.stat, os.lstat, os.listdir
mkdir, remove, rmdir, chmod, rename = os.mkdir, os.remove, os.rmdir, os.chmod, os.rename

FREE = ("/dev", "/proc")


class Overlay:
    """Where paths of a program lie.

    A file that is written is copied into the folder first, where its content is kept; reading finds what was written,
    and does not find what was removed. What lies below `root` by its own name is the program's to write anyway.
    """

    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root)
        self._files = os.path.join(self.root, "files")
        self._removed: set[str] = set()
        Path(self._files).mkdir()

    def real(self, path: Any) -> str | None:
        """What a path means to the program; None of a handle, and of what is free to be written."""
        if isinstance(path, int) or path is None:
            return None
        text = os.path.abspath(os.fsdecode(path))
        if _within(text, self._files):
            return text[len(self._files) :] or os.sep
        return None if any(_within(text, each) for each in (self.root, *FREE)) else text

    def is_copy(self, path: Any) -> bool:
        """Whether a path names what was copied or written here."""
        return _within(os.path.abspath(os.fsdecode(path)), self._files)

    def reading(self, path: Any) -> Any:
        """Where a path is read."""
        real = self.real(path)
        if real is None:
            return path
        copy = self._copy(real)
        return copy if lies(copy) or any(_within(real, each) for each in self._removed) else real

    def writing(self, path: Any, *, keep: bool = True) -> Any:
        """Where a path is written; `keep` brings over what is there."""
        real = self.real(path)
        if real is None:
            return path
        here, copy = self.reading(real), self._copy(real)
        if is_folder(self.reading(os.path.dirname(real))):
            _make_folders(os.path.dirname(copy))
        if keep and here != copy and lies(here):
            _bring_over(here, copy)
        self._removed.discard(real)
        return copy

    def remove(self, call: Callable[[Any], None], path: Any) -> None:
        """`os.remove` or `os.rmdir` a path, by `call`, where it lies."""
        real = self.real(path)
        if real is None:
            call(path)
            return
        here = self.reading(real)
        if call is rmdir and is_folder(here) and self.names(real):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), real)
        if here != real or not lies(here):
            call(here)  # or its error
        self._removed.add(real)

    def move(self, source: Any, target: Any) -> None:
        """As `os.replace` does."""
        real = self.real(source)
        rename(self.writing(source), self.writing(target, keep=False))
        if real is not None:
            self._removed.add(real)

    def names(self, path: Any) -> list[str]:
        """As `os.listdir` gives them."""
        real = self.real(path)
        if real is None:
            return listdir(path)
        folders = [each for each in (self._copy(real), real) if is_folder(each)]
        if not folders or (folders == [real] and self.reading(real) != real):
            return listdir(self.reading(real))  # its error
        found = {name for each in folders for name in listdir(each)}
        return sorted(name for name in found if lies(self.reading(os.path.join(real, name))))

    def _copy(self, real: str) -> str:
        return self._files + real


def lies(path: Any) -> bool:
    """Whether there is anything, by the system's own account."""
    try:
        lstat(path)
    except (OSError, ValueError):
        return False
    return True


def is_folder(path: Any) -> bool:
    """Whether there is a folder, by the system's own account."""
    try:
        return stat.S_ISDIR(stat_(path).st_mode)
    except (OSError, ValueError):
        return False


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _make_folders(path: str) -> None:
    if not lies(path):
        _make_folders(os.path.dirname(path))
        mkdir(path)


def _bring_over(source: str, copy: str) -> None:
    if is_folder(source):
        _make_folders(copy)
        for name in listdir(source):
            if not lies(os.path.join(copy, name)):
                _bring_over(os.path.join(source, name), os.path.join(copy, name))
        return
    with open_(source, "rb") as old, open_(copy, "wb") as new:
        shutil.copyfileobj(old, new)
    chmod(copy, stat_(source).st_mode | stat.S_IRUSR | stat.S_IWUSR)
