"""The files below a folder, or in an archive."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from gradus.core.errors import InputError
from gradus.data.archives import Names, is_clutter, open_archive

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


class Files(Protocol):
    """Files by number, in ascending order of their names.

    Attributes:
        path: the folder or archive.
        names: paths within, as one array, for so many strings would fill more memory than some images do.
        folders: paths of the folders within, the empty ones too.
    """

    @property
    def path(self) -> Path: ...
    @property
    def names(self) -> Names: ...
    @property
    def folders(self) -> tuple[bytes, ...]: ...
    def read(self, number: int) -> bytes:
        """The bytes of a file.

        Raises:
            OSError or zlib.error: if it cannot be read.
        """
        ...


@dataclass(frozen=True)
class FolderFiles:
    """The files below a folder."""

    path: Path
    names: Names
    folders: tuple[bytes, ...]

    def read(self, number: int) -> bytes:
        return (self.path / os.fsdecode(self.names[number])).read_bytes()


def is_archive(path: Path) -> bool:
    """Whether `path` has the name of an archive that can be read."""
    return path.name.lower().endswith(ARCHIVES) and not path.is_dir()


def open_files(path: Path) -> Files:
    """What is in the folder or archive `path`.

    Raises:
        InputError: for what is not to be read: links that lead elsewhere, pipes, an archive made to do harm.
    """
    return open_archive(path) if is_archive(path) else _open_folder(path)


def _open_folder(path: Path) -> FolderFiles:
    names: list[bytes] = []
    folders: list[bytes] = []
    root = os.path.realpath(path)

    def walk(folder: str, within: str, trail: tuple[str, ...]) -> None:
        """List `folder`; `trail` are the real paths of the folders that led here."""
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            raise InputError(f"data {folder}", f"cannot be read: {error.strerror}") from error
        for entry in entries:
            name = f"{within}{entry.name}"
            if is_clutter(os.fsencode(entry.name)):
                continue
            real = f"{trail[-1]}/{entry.name}"
            if entry.is_symlink():
                real = _target(entry.path, root)
            if entry.is_dir():
                if real in trail:
                    raise InputError(f"data {entry.path}", "is a symbolic link that leads in a circle")
                folders.append(os.fsencode(name))
                walk(entry.path, f"{name}/", (*trail, real))
            elif entry.is_file():
                names.append(os.fsencode(name))
            else:
                raise InputError(f"data {entry.path}", "is neither file nor folder", repair="Remove it.")

    walk(str(path), "", (root,))
    return FolderFiles(path, np.sort(np.array(names, np.bytes_)), tuple(folders))


def _target(link: str, root: str) -> str:
    """Where a link leads, if that is within `root`."""
    target = os.path.realpath(link)
    if not Path(target).is_relative_to(root):
        repair = "Put what it points to in its place."
        raise InputError(f"data {link}", "is a symbolic link that leads out of the folder", target, repair)
    if not os.path.exists(target):  # noqa: PTH110
        raise InputError(f"data {link}", "is a symbolic link to nothing", target, "Remove it.")
    return target
