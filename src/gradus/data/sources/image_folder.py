"""Folders of images, one for each class; also inside an archive."""

import os
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gradus.core.errors import InputError, nearest
from gradus.data.files import Files, is_archive, open_files
from gradus.data.images import IMAGES, Mode, Pixels, read_image
from gradus.data.lazy import LazyRows
from gradus.data.raw import Examples, RawData
from gradus.data.sources import sources

Side = Annotated[int, Field(ge=1, le=10_000)]
_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


def _opens(path: Path) -> bool:
    if not path.is_dir():
        return is_archive(path)
    return any(_is_image(name) for _, _, names in os.walk(path) for name in names)


@sources.register(source="one folder a class, as torchvision.datasets.ImageFolder has it", opens=_opens)
def image_folder(path: Path, *, size: Side | tuple[Side, Side] | None = None, mode: Mode = "auto") -> RawData:
    """Images: a folder with a folder of them for each class, or train, val and test with such; also as .zip or .tar.

    Classes are in the order of their names, images in the order of their paths. They are decoded when asked for.

    Args:
        size: the height and width, or the one side of a square, that every image is brought to; `read_image` says how.
            By default all must have one size.
        mode: ``grey`` or ``rgb`` converts every image; by default all must be stored as one of the two.
    """
    files = open_files(path)
    found = _sorted_out(files)
    classes = tuple(sorted({name for _, name in found.get("train", ())}))
    if len(classes) < 2:
        got = f"only `{classes[0]}`" if classes else "none to train on"
        raise InputError(f"data {path}", "needs images of two classes or more, a folder for each", got)
    square = (size, size) if isinstance(size, int) else size
    first = found["train"][0][0]
    shape = _read_first(files, first, mode, square)
    numbers_of = {name: number for number, name in enumerate(classes)}
    parts = {}
    for split, images in found.items():
        _check_classes(path, split, images, classes)
        part = _Images(files, np.array([number for number, _ in images]), mode, square, first, shape)
        rows = LazyRows(part.read, part.decode, (len(images), *shape))
        parts[split] = Examples((rows,), np.array([numbers_of[name] for _, name in images], np.int64))
    return RawData(
        kind="image_folder",
        task="classification",
        train=parts["train"],
        validation=parts.get("validation"),
        test=parts.get("test"),
        classes=classes,
    )


@dataclass(frozen=True)
class _Images:
    """Some of the images: what reads and decodes the i-th of them.

    Attributes:
        numbers: theirs in `files`.
        first: the number of the image that all must be like.
        shape: of its pixels.
    """

    files: Files
    numbers: NDArray[np.int64]
    mode: Mode
    size: tuple[int, int] | None
    first: int
    shape: tuple[int, ...]

    def read(self, place: int) -> bytes:
        return _bytes_of(self.files, self.numbers[place])

    def decode(self, content: bytes, place: int) -> Pixels:
        number = self.numbers[place]
        pixels = read_image(content, _owner(self.files, number), self.mode, self.size)
        if pixels.shape == self.shape:
            return pixels
        this, first = (_name(self.files, each) for each in (number, self.first))
        if pixels.shape[0] != self.shape[0]:
            here, there = ("grey" if each == 1 else "in colour" for each in (pixels.shape[0], self.shape[0]))
            rule, repair = "all grey or all in colour", 'Set `mode = "grey"` or "rgb" to convert every image.'
        else:
            here, there = (f"{width} x {height} pixels" for _, height, width in (pixels.shape, self.shape))
            rule, repair = "of one size", f"Set `size`, for instance to {list(self.shape[1:])}, to bring all to one."
        raise InputError(
            f"data {self.files.path}", f"images must be {rule}, but {first} is {there} and {this} {here}", repair=repair
        )


def _read_first(files: Files, number: int, mode: Mode, size: tuple[int, int] | None) -> tuple[int, ...]:
    shape: tuple[int, ...] = read_image(_bytes_of(files, number), _owner(files, number), mode, size).shape
    return shape


def _bytes_of(files: Files, number: Any) -> bytes:
    try:
        return files.read(int(number))
    except (OSError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(_owner(files, number), f"cannot be read: {reason}") from error


def _name(files: Files, number: Any) -> str:
    return str(files.names[number].decode("utf-8", "replace"))


def _owner(files: Files, number: Any) -> str:
    return f"data {files.path}/{_name(files, number)}"


def _is_image(name: str) -> bool:
    return name.lower().endswith(IMAGES) and not name.startswith(".")


def _sorted_out(files: Files) -> dict[str, list[tuple[int, str]]]:
    """The number and class of every image, by split.

    Raises:
        InputError: for a file that has no place in this order, and for a class without images.
    """
    depth, in_splits = _layout(files)
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    filled = set()
    for number in range(len(files.names)):
        split, folders, base = _place(_name(files, number), depth, in_splits)
        if folders and not _is_image(base):
            repair = f"Remove it; images end in {', '.join(IMAGES)}."
            raise InputError(_owner(files, number), "is no image, but lies among them", repair=repair)
        if folders:
            found[split].append((number, folders[0]))
            filled.add((split, folders[0]))
        elif _is_image(base):
            raise InputError(_owner(files, number), "lies in no class folder", repair="Put it into that of its class.")
    for folder in files.folders:
        split, folders, _ = _place(f"{folder.decode('utf-8', 'replace')}/", depth, in_splits)
        if folders and (split, folders[0]) not in filled:
            repair = "Fill or remove it."
            raise InputError(f"data {files.path}", f"class folder `{folders[0]}` holds no image", repair=repair)
    return found


def _place(name: str, depth: int, in_splits: bool) -> tuple[str, list[str], str]:
    """The split that a path belongs to, its folders from the class on, and the file's own name."""
    *folders, base = name.split("/")
    folders = folders[depth:]
    if in_splits and folders:
        return _SPLITS[folders[0].lower()], folders[1:], base
    return "train", folders, base


def _layout(files: Files) -> tuple[int, bool]:
    """How many folders lie around all others, and whether those within are splits; otherwise they are classes."""
    depth, folders = 0, _folders_at(files, 0)
    if is_archive(files.path) and len(folders) == 1 and not folders & _SPLITS.keys():
        inner = _folders_at(files, 1)
        # An archive of a folder holds it as its first; if images lie in it, though, it is a class.
        if inner and not any(_is_image(name) for name in _files_at(files, 1)):
            depth, folders = 1, inner
    splits = {each for each in folders if each.lower() in _SPLITS}
    meant = {_SPLITS[each.lower()] for each in splits}
    if len(meant) < len(splits) or (splits != folders and "train" in meant and len(meant) > 1):
        rule = "must hold nothing but one folder for each of train, val and test, or one for each class"
        raise InputError(f"data {files.path}", rule, ", ".join(sorted(folders)), "Move the others elsewhere.")
    return depth, splits == folders


def _folders_at(files: Files, depth: int) -> set[str]:
    """The names of the folders below `depth` others."""
    paths = [*(each.rpartition(b"/")[0] for each in files.names), *files.folders]
    parts = [each.split(b"/") for each in set(paths) if each]
    return {each[depth].decode("utf-8", "replace") for each in parts if len(each) > depth}


def _files_at(files: Files, depth: int) -> Iterable[str]:
    """The names of the files below `depth` folders."""
    return (each.rpartition(b"/")[2].decode("utf-8", "replace") for each in files.names if each.count(b"/") == depth)


def _check_classes(path: Path, split: str, images: list[tuple[int, str]], classes: tuple[str, ...]) -> None:
    unknown = sorted({name for _, name in images} - set(classes))
    if unknown:
        raise InputError(
            f"data {path}", f"a class of {split} must occur in training", unknown[0], nearest(unknown[0], classes)
        )
