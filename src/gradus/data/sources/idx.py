"""IDX files, as MNIST and its relatives are published."""

import gzip
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gradus.core.errors import InputError
from gradus.data.arrays import from_arrays
from gradus.data.raw import RawData
from gradus.data.sources import sources

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_AXES = 16  # more are a sign of another kind of file, and beyond what NumPy takes
_PIECE = 1 << 24


def _opens(path: Path) -> bool:
    return any(each.match("*idx[0-9]-ubyte*") for each in (path.iterdir() if path.is_dir() else [path]))


@sources.register(source="LeCun, Cortes, Burges, The MNIST database, file formats", opens=_opens)
def idx(path: Path) -> RawData:
    """IDX: a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte (and t10k- or test-), each plain or .gz."""
    if not path.is_dir():
        raise InputError(
            f"data {path}", "one file holds images or labels, not both", repair=f"Give its folder: {path.parent}."
        )
    images, labels = _find(path, "train", "images"), _find(path, "train", "labels")
    if images is None or labels is None:
        missing = "train-images-idx3-ubyte" if images is None else "train-labels-idx1-ubyte"
        raise InputError(f"data {path}", f"`{missing}` (or .gz) is missing")
    test_images = _find(path, "t10k", "images") or _find(path, "test", "images")
    test_labels = _find(path, "t10k", "labels") or _find(path, "test", "labels")
    if (test_images is None) != (test_labels is None):
        lone = test_images or test_labels
        raise InputError(f"data {path}", "test images and test labels go together", f"only {lone.name if lone else ''}")
    test = None if test_images is None or test_labels is None else (read_idx(test_images), read_idx(test_labels))
    return from_arrays(
        read_idx(images), read_idx(labels), test=test, task="classification", kind="idx", owner=f"data {path}"
    )


def read_idx(path: Path) -> NDArray[Any]:
    """The array in an IDX file; memory-mapped unless compressed.

    Layout: two zero bytes, a dtype code, the number of axes, each axis as a big-endian 32-bit integer, the numbers.

    Raises:
        InputError: if the file is no IDX file, or its length is not what its header says.
    """
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as stream:
                dtype, shape = _header(stream, path)
                size = _size(dtype, shape)
                # In pieces, for the header may announce more than there is memory; and one byte more than announced is
                # enough to know that it lies, whatever the file expands to.
                content = bytearray()
                while len(content) <= size and (piece := stream.read(min(_PIECE, size + 1 - len(content)))):
                    content += piece
            _check_size(path, len(content), size, shape)
            return np.frombuffer(content, dtype=dtype).reshape(shape)
        with path.open("rb") as stream:
            dtype, shape = _header(stream, path)
            offset = stream.tell()
        size = _size(dtype, shape)
        _check_size(path, path.stat().st_size - offset, size, shape)
        return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"data {path}", f"cannot be read: {error}", repair="Fetch the file again.") from error


def _header(stream: BinaryIO | gzip.GzipFile, path: Path) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES or not 1 <= magic[3] <= _MOST_AXES:
        raise InputError(
            f"data {path}", "is not an IDX file: it must begin with 00 00, a type, a number of axes", magic
        )
    axes = stream.read(4 * magic[3])
    if len(axes) < 4 * magic[3]:
        raise InputError(f"data {path}", f"ends within its header of {magic[3]} axes")
    return np.dtype(_DTYPES[magic[2]]), tuple(int(each) for each in np.frombuffer(axes, dtype=">u4"))


def _size(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    size = dtype.itemsize
    for axis in shape:
        size *= axis
    return size


def _check_size(path: Path, found: int, announced: int, shape: tuple[int, ...]) -> None:
    if found != announced:
        amount = "more" if found > announced else f"only {found:,}"
        raise InputError(
            f"data {path}",
            f"its header announces {'x'.join(map(str, shape))} = {announced:,} bytes, but it holds {amount}",
            repair="Fetch the file again.",
        )


def _find(folder: Path, split: str, kind: str) -> Path | None:
    pattern = f"*{split}*{kind}*idx[0-9]-ubyte"
    found = sorted(folder.glob(pattern)) or sorted(folder.glob(f"{pattern}.gz"))
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        repair = "Give each set a folder of its own."
        raise InputError(f"data {folder}", f"has more than one file of {split} {kind}", names, repair)
    return found[0] if found else None
