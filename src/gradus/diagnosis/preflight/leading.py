"""Python's ways to the file system, led into an overlay; whatever else tries to write is refused.

For good: it is for a process that ends soon.
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
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any

from gradus.diagnosis.preflight import overlay as system
from gradus.diagnosis.preflight.overlay import FREE, Overlay, is_folder, lies
from gradus.diagnosis.preflight.seal import seal

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGING = {
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "os.chown", "os.link", "os.symlink",
    "os.utime",
}  # fmt: skip
_STARTING = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.spawn", "os.exec"}


def lead(overlay: Overlay) -> None:
    """From here on this process writes into the overlay alone. Programs that it starts write nowhere.

    Where the kernel does not see to that, they are not started.
    """
    scratch = Path(overlay.root, "tmp")
    scratch.mkdir()
    os.environ["TMPDIR"], tempfile.tempdir = str(scratch), None
    sys.dont_write_bytecode = True
    shutil._use_fd_functions = False  # type: ignore[attr-defined]  # it would remove trees by handles of folders
    _lead_opening(overlay)
    _lead_reading(overlay)
    _lead_changing(overlay)
    sealed = seal([overlay.root, *FREE])
    sys.addaudithook(lambda event, args: _audit(overlay, event, args, sealed=sealed))


def lead_torch(overlay: Overlay, torch: ModuleType) -> None:
    """The functions of torch that open files by themselves."""

    def led(save: Callable[..., Any]) -> Callable[..., Any]:
        def led_save(obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
            place = overlay.writing(f, keep=False) if isinstance(f, str | os.PathLike) else f
            return save(obj, place, *args, **kwargs)

        return led_save

    for owner in (torch, torch.jit):
        _put(owner, "save", led(owner.save))


def _put(owner: Any, name: str, function: Any) -> None:
    setattr(owner, name, function)


def _lead_opening(overlay: Overlay) -> None:
    low, connect = os.open, sqlite3.connect

    def led_open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if not any(each in mode for each in "wax+"):
            return system.open_(overlay.reading(file), mode, *args, **kwargs)
        if "x" in mode:
            _refuse_existing(overlay, file)
        return system.open_(overlay.writing(file, keep="w" not in mode), mode, *args, **kwargs)

    def led_low(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if dir_fd is not None:
            return low(path, flags, mode, dir_fd=dir_fd)
        if not flags & _WRITING:
            return low(overlay.reading(path), flags, mode)
        if flags & os.O_EXCL:
            _refuse_existing(overlay, path)
        fresh = flags & os.O_TRUNC and flags & os.O_CREAT
        return low(overlay.writing(path, keep=not fresh), flags, mode)

    def led_connect(database: Any, *args: Any, **kwargs: Any) -> Any:
        elsewhere = isinstance(database, str) and (database == ":memory:" or database.startswith("file:"))
        return connect(database if elsewhere else overlay.writing(database), *args, **kwargs)

    _put(builtins, "open", led_open)
    _put(io, "open", led_open)
    _put(os, "open", led_low)
    _put(sqlite3, "connect", led_connect)


def _lead_reading(overlay: Overlay) -> None:
    getcwd = os.getcwd
    for name in ("stat", "lstat", "access", "chdir", "readlink"):
        _put(os, name, _led(getattr(os, name), overlay.reading))

    def names(path: Any = ".") -> list[Any]:
        found = overlay.names(path)
        return [os.fsencode(each) for each in found] if isinstance(path, bytes) else found

    _put(os, "listdir", names)
    _put(os, "scandir", lambda path=".": _Entries(overlay, path))
    _put(os, "getcwd", lambda: overlay.real(getcwd()) or getcwd())


def _lead_changing(overlay: Overlay) -> None:
    for name in ("truncate", "chmod", "chown", "utime"):
        _put(os, name, _led(getattr(os, name), overlay.writing))

    def led_mkdir(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        if dir_fd is not None:
            system.mkdir(path, mode, dir_fd=dir_fd)
            return
        _refuse_existing(overlay, path)
        system.mkdir(overlay.writing(path, keep=False), mode)

    def led_link(link: Callable[..., None]) -> Callable[..., None]:
        return lambda source, target, *args, **kwargs: link(source, overlay.writing(target), *args, **kwargs)

    _put(os, "mkdir", led_mkdir)
    for name in ("rename", "replace"):
        _put(os, name, lambda source, target, **_: overlay.move(source, target))
    for name, call in (("remove", system.remove), ("unlink", system.remove), ("rmdir", system.rmdir)):
        _put(os, name, lambda path, call=call, **_: overlay.remove(call, path))
    for name in ("symlink", "link"):
        _put(os, name, led_link(getattr(os, name)))


def _led(original: Callable[..., Any], place: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function whose first argument is a path."""

    def led(path: Any, *args: Any, **kwargs: Any) -> Any:
        return original(path if kwargs.get("dir_fd") is not None else place(path), *args, **kwargs)

    return led


def _refuse_existing(overlay: Overlay, path: Any) -> None:
    if lies(overlay.reading(path)):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)


def _audit(overlay: Overlay, event: str, args: tuple[Any, ...], *, sealed: bool) -> None:
    """Refuse what went past all that."""
    if event in _STARTING and not sealed:
        raise PermissionError(errno.EACCES, f"nothing is started here ({event})")
    if event == "open":
        path, mode, flags = args
        changes = any(each in mode for each in "wax+") if isinstance(mode, str) else bool(flags & _WRITING)
    else:
        path, changes = args[0] if args else None, event in _CHANGING
    if changes and overlay.real(path) is not None and not overlay.is_copy(path):
        raise PermissionError(errno.EACCES, "nothing is written here", path)


class _Entries(AbstractContextManager["_Entries"]):
    """What ``os.scandir`` gives, of a folder and what was written there."""

    def __init__(self, overlay: Overlay, path: Any) -> None:
        folder = os.fsdecode(path)
        self._left = iter([_Entry(overlay, os.path.join(folder, each)) for each in overlay.names(folder)])

    def __iter__(self) -> Iterator["_Entry"]:
        return self._left

    def __next__(self) -> "_Entry":
        return next(self._left)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._left = iter(())


class _Entry:
    """An ``os.DirEntry``."""

    def __init__(self, overlay: Overlay, path: str) -> None:
        self.name, self.path = os.path.basename(path), path
        self._here = overlay.reading(path)

    def __fspath__(self) -> str:
        return self.path

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return is_folder(self._here) and (follow_symlinks or not self.is_symlink())

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return os.path.isfile(self._here) and (follow_symlinks or not self.is_symlink())

    def is_symlink(self) -> bool:
        return os.path.islink(self._here)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return system.stat_(self._here) if follow_symlinks else system.lstat(self._here)

    def inode(self) -> int:
        return self.stat(follow_symlinks=False).st_ino
