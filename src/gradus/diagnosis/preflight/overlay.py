"""A program's files as it would see them if it wrote, without its writing: what it changes lies in a folder of its own.

Python's own ways to the file system are led there. Whatever else tries to write is refused, by an audit hook and, on
Linux, by the kernel (`seal`).
"""

import builtins
import errno
import io
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from gradus.diagnosis.preflight.seal import seal

_FREE = ("/dev", "/proc")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_REFUSED = {
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "os.chown", "os.link", "os.symlink",
    "os.utime",
}  # fmt: skip
_STARTING = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.spawn", "os.exec"}


class Overlay:
    """Leads this process's writing into `root`. For good: it is for a process that ends soon.

    A file that is written is copied there first where its content is kept; reading finds what was written, and does not
    find what was removed.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)
        self._files = os.path.join(self._root, "files")
        self._removed: set[str] = set()
        Path(self._files).mkdir()

    def install(self) -> None:
        scratch = Path(self._root, "tmp")
        scratch.mkdir()
        os.environ["TMPDIR"], tempfile.tempdir = str(scratch), None
        sys.dont_write_bytecode = True
        shutil._use_fd_functions = False  # type: ignore[attr-defined]  # it removes trees by handles of folders
        self._replace_opening()
        self._replace_reading()
        self._replace_changing()
        sealed = seal([self._root, *_FREE])
        sys.addaudithook(lambda event, args: self._audit(event, args, sealed=sealed))

    def lead_saving(self, torch: ModuleType) -> None:
        """``torch.save`` and its like open files by themselves."""
        for owner, at in ((torch, 1), (torch.jit, 1)):
            save = owner.save
            setattr(owner, "save", lambda *args, _save=save, _at=at, **kwargs: _save(*self._led(args, _at), **kwargs))  # noqa: B010

    # ---- where things lie -------------------------------------------------------------------------------------------

    def _real(self, path: Any) -> str | None:
        """What a path means to the program; None of a handle, and of what need not be led anywhere."""
        if isinstance(path, int) or path is None:
            return None
        text = os.path.abspath(os.fsdecode(path))
        if text == self._files or text.startswith(self._files + os.sep):
            return text[len(self._files) :] or os.sep
        free = text.startswith(self._root + os.sep) or text == self._root or text.startswith(_FREE)
        return None if free else text

    def _copy(self, real: str) -> str:
        return self._files + real

    def reading(self, path: Any) -> Any:
        """Where a path is read."""
        real = self._real(path)
        if real is None:
            return path
        if _lies(self._copy(real)) or any(real == each or real.startswith(each + os.sep) for each in self._removed):
            return self._copy(real)
        return real

    def writing(self, path: Any, *, keep: bool = True) -> Any:
        """Where a path is written; `keep` brings over what is there."""
        real = self._real(path)
        if real is None:
            return path
        here, copy = self.reading(real), self._copy(real)
        parent = os.path.dirname(real)
        if _isdir(self.reading(parent)):
            _MAKEDIRS(os.path.dirname(copy), exist_ok=True)
        if keep and here != copy and _lies(here):
            _copy_over(here, copy)
        self._removed.discard(real)
        return copy

    def _remove(self, call: Callable[[Any], None], path: Any) -> None:
        real = self._real(path)
        if real is None:
            call(path)
            return
        here = self.reading(real)
        if call is _RMDIR and _isdir(here) and self._names(path):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), real)
        if here != real or not _lies(here):
            call(here)
        self._removed.add(real)

    def _names(self, path: Any) -> list[str]:
        real = self._real(path)
        if real is None:
            return _LISTDIR(path)
        names = [each for each in (self._copy(real), real) if _isdir(each)]
        if self.reading(real) != self._copy(real) or real not in self._removed:
            found = {name for each in names for name in _LISTDIR(each)}
        else:
            found = set(_LISTDIR(self._copy(real)))
        return sorted(name for name in found if _lies(self.reading(os.path.join(real, name))))

    # ---- Python's ways ----------------------------------------------------------------------------------------------

    def _replace_opening(self) -> None:
        opening, low = io.open, os.open

        def led_open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if not any(each in mode for each in "wax+"):
                return opening(self.reading(file), mode, *args, **kwargs)
            if "x" in mode and _lies(self.reading(file)):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), file)
            return opening(self.writing(file, keep="w" not in mode), mode, *args, **kwargs)

        def led_low(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            if dir_fd is not None:
                return low(path, flags, mode, dir_fd=dir_fd)
            if not flags & _WRITING:
                return low(self.reading(path), flags, mode)
            if flags & os.O_EXCL and _lies(self.reading(path)):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            fresh = flags & os.O_TRUNC and flags & os.O_CREAT
            return low(self.writing(path, keep=not fresh), flags, mode)

        builtins.open = io.open = led_open
        os.open = led_low
        connect = sqlite3.connect

        def led_connect(database: Any, *args: Any, **kwargs: Any) -> Any:
            plain = isinstance(database, str) and (database == ":memory:" or database.startswith("file:"))
            return connect(database if plain else self.writing(database), *args, **kwargs)

        sqlite3.connect = led_connect  # type: ignore[assignment]

    def _replace_reading(self) -> None:
        for name in ("stat", "lstat", "access", "chdir", "readlink"):
            self._lead(name, self.reading)
        os.listdir = lambda path=".": [os.fsencode(each) for each in self._names(path)] if isinstance(path, bytes) else self._names(path)  # type: ignore[assignment]  # noqa: E501
        getcwd = os.getcwd
        os.getcwd = lambda: self._real(getcwd()) or getcwd()  # type: ignore[assignment]
        os.scandir = lambda path=".": _Entries(self, path)  # type: ignore[assignment,misc]

    def _replace_changing(self) -> None:
        for name in ("truncate", "chmod", "chown", "utime"):
            self._lead(name, self.writing)
        mkdir, rename = os.mkdir, os.rename

        def led_mkdir(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
            if dir_fd is None and _lies(self.reading(path)):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            mkdir(self.writing(path, keep=False), mode, dir_fd=dir_fd)

        def led_rename(src: Any, dst: Any, **_: Any) -> None:
            source, real = self.writing(src), self._real(src)
            rename(source, self.writing(dst, keep=False))
            if real is not None:
                self._removed.add(real)

        os.mkdir, os.rename, os.replace = led_mkdir, led_rename, led_rename  # type: ignore[assignment]
        os.remove = os.unlink = lambda path, **_: self._remove(_REMOVE, path)  # type: ignore[assignment,misc]
        os.rmdir = lambda path, **_: self._remove(_RMDIR, path)  # type: ignore[assignment,misc]
        for name in ("symlink", "link"):
            original = getattr(os, name)
            setattr(os, name, lambda src, dst, *args, _call=original, **kwargs: _call(src, self.writing(dst), **kwargs))

    def _lead(self, name: str, place: Callable[[Any], Any]) -> None:
        original = getattr(os, name)

        def led(path: Any, *args: Any, **kwargs: Any) -> Any:
            return original(path if kwargs.get("dir_fd") is not None else place(path), *args, **kwargs)

        setattr(os, name, led)

    def _led(self, args: tuple[Any, ...], at: int) -> tuple[Any, ...]:
        return tuple(
            self.writing(each, keep=False) if number == at and isinstance(each, str | os.PathLike) else each
            for number, each in enumerate(args)
        )

    # ---- what goes past them ----------------------------------------------------------------------------------------

    def _audit(self, event: str, args: tuple[Any, ...], *, sealed: bool) -> None:
        if event in _STARTING and not sealed:
            raise PermissionError(f"no program is started before training ({event})")
        if event == "open":
            path, mode, flags = args
            writes = any(each in mode for each in "wax+") if isinstance(mode, str) else bool(flags & _WRITING)
            if writes and self._real(path) is not None and not self._is_copy(path):
                raise PermissionError(errno.EACCES, "nothing is written before training", path)
        elif event in _REFUSED and self._real(args[0]) is not None and not self._is_copy(args[0]):
            raise PermissionError(errno.EACCES, "nothing is changed before training", args[0])

    def _is_copy(self, path: Any) -> bool:
        return os.path.abspath(os.fsdecode(path)).startswith(self._files)


class _Entries:
    """What ``os.scandir`` gives, of a folder and what was written there."""

    def __init__(self, overlay: Overlay, path: Any) -> None:
        folder = os.fsdecode(path)
        inside = [os.path.join(folder, each) for each in overlay._names(path)]
        self._entries = iter([_Entry(overlay, each) for each in inside])

    def __iter__(self) -> Iterator["_Entry"]:
        return self._entries

    def __next__(self) -> "_Entry":
        return next(self._entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._entries = iter(())


class _Entry:
    """An ``os.DirEntry``."""

    def __init__(self, overlay: Overlay, path: str) -> None:
        self.name, self.path = os.path.basename(path), path
        self._here = overlay.reading(path)

    def __fspath__(self) -> str:
        return self.path

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return _isdir(self._here) and (follow_symlinks or not self.is_symlink())

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return os.path.isfile(self._here) and (follow_symlinks or not self.is_symlink())

    def is_symlink(self) -> bool:
        return os.path.islink(self._here)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return _STAT(self._here) if follow_symlinks else _LSTAT(self._here)

    def inode(self) -> int:
        return self.stat(follow_symlinks=False).st_ino


_OPEN, _STAT, _LSTAT, _LISTDIR = io.open, os.stat, os.lstat, os.listdir
_MKDIR, _REMOVE, _RMDIR, _CHMOD = os.mkdir, os.remove, os.rmdir, os.chmod


def _MAKEDIRS(path: str, *, exist_ok: bool) -> None:  # noqa: N802
    """As os.makedirs does, which by then is led elsewhere."""
    if not _lies(path):
        _MAKEDIRS(os.path.dirname(path), exist_ok=exist_ok)
        _MKDIR(path)


def _lies(path: Any) -> bool:
    try:
        _LSTAT(path)
    except (OSError, ValueError):
        return False
    return True


def _isdir(path: Any) -> bool:
    try:
        return os.path.stat.S_ISDIR(_STAT(path).st_mode)  # type: ignore[attr-defined,no-any-return]
    except (OSError, ValueError):
        return False


def _copy_over(source: str, copy: str) -> None:
    if not _isdir(source):
        with _OPEN(source, "rb") as old, _OPEN(copy, "wb") as new:
            shutil.copyfileobj(old, new)
        _CHMOD(copy, _STAT(source).st_mode | 0o600)
        return
    _MAKEDIRS(copy, exist_ok=True)
    for name in _LISTDIR(source):
        if not _lies(os.path.join(copy, name)):
            _copy_over(os.path.join(source, name), os.path.join(copy, name))
