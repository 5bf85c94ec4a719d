"""NumPy files: ``.npz`` archives and folders of ``.npy`` arrays, read without pickle."""

import zipfile
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gradus.core.errors import InputError, nearest
from gradus.core.spec import Task
from gradus.data.arrays import from_arrays
from gradus.data.raw import RawData
from gradus.data.sources import sources

# The array names that people use, most specific first; the test pair is optional.
_TRAIN = (("x_train", "y_train"), ("X_train", "y_train"), ("train_images", "train_labels"), ("x", "y"), ("X", "y"))
_TEST = {
    "x_train": ("x_test", "y_test"),
    "X_train": ("X_test", "y_test"),
    "train_images": ("test_images", "test_labels"),
}


def _opens(path: Path) -> bool:
    return path.suffix in (".npz", ".npy") or (path.is_dir() and any(path.glob("*.npy")))


@sources.register(name="numpy", source="NumPy enhancement proposal 1 (the .npy format)", opens=_opens)
def numpy_files(
    path: Path,
    *,
    x: Annotated[str, Field(min_length=1)] | None = None,
    y: Annotated[str, Field(min_length=1)] | None = None,
    task: Literal["auto"] | Task = "auto",
) -> RawData:
    """NumPy: an .npz archive, or a folder of .npy files, with arrays x_train and y_train (x_test, y_test), or x and y.

    `x` and `y` name the two arrays where they are called something else. Arrays in .npy files are memory-mapped, so
    they may be larger than memory.
    """
    if path.suffix == ".npy":
        raise InputError(
            f"data {path}", "one array holds inputs or targets, not both", repair=f"Give its folder: {path.parent}."
        )
    names = names_of(path)
    if (x is None) != (y is None):
        raise InputError(f"data {path}", "options `x` and `y` go together")
    if x is not None and y is not None:
        for each in (x, y):
            if each not in names:
                raise InputError(f"data {path}", "no array of this name", each, nearest(each, names))
        pair = (x, y)
    else:
        pair = next((each for each in _TRAIN if each[0] in names and each[1] in names), ("", ""))
        if not pair[0]:
            raise InputError(
                f"data {path}",
                "needs arrays x_train and y_train, or x and y",
                ", ".join(sorted(names)) or "none",
                "Name yours with the options `x` and `y` of the recipe's [data].",
            )
    test_pair = _TEST.get(pair[0], ("", ""))
    found = [each for each in test_pair if each in names]
    if len(found) == 1:
        raise InputError(f"data {path}", f"{test_pair[0]} and {test_pair[1]} go together", f"only {found[0]}")
    test = (read_array(path, test_pair[0]), read_array(path, test_pair[1])) if found else None
    return from_arrays(
        read_array(path, pair[0]), read_array(path, pair[1]), test=test, task=task, kind="numpy", owner=f"data {path}"
    )


def names_of(path: Path) -> set[str]:
    """The arrays in an .npz archive or a folder of .npy files."""
    if path.is_dir():
        return {each.stem for each in path.glob("*.npy")}
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")}
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise InputError(f"data {path}", f"is not a readable .npz archive ({error})") from error


def read_array(path: Path, name: str) -> NDArray[Any]:
    """One of them, memory-mapped where it is a .npy file."""
    try:
        if path.is_dir():
            mapped: NDArray[Any] = np.load(path / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            return mapped
        with np.load(path, allow_pickle=False) as archive:
            array: NDArray[Any] = archive[name]
            return array
    except MemoryError as error:
        repair = "Put its arrays into a folder as .npy files, which stay on the disk."
        raise InputError(f"data {path}", f"array `{name}` is larger than memory", repair=repair) from error
    except Exception as error:  # damaged files make NumPy, zipfile, zlib and Python's own parser raise a dozen kinds
        objects = any(word in str(error) for word in ("pickle", "Python objects"))
        reason = "it holds Python objects, which are never unpickled" if objects else str(error)
        raise InputError(f"data {path}", f"array `{name}` cannot be read: {reason}") from error
