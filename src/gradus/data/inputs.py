"""What a user hands in for prediction: files, folders, arrays."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.data.images import IMAGES, Mode, read_image
from gradus.data.sequence_inputs import read_text, read_window
from gradus.data.sources.idx import read_idx
from gradus.data.sources.numpy_files import names_of, read_array
from gradus.data.table_inputs import read_rows
from gradus.data.tables import TableEncoding

Labelled = tuple[str, tuple[NDArray[Any], ...]]
"""Where an example came from, and its inputs."""
_INPUT_NAMES = ("x_test", "X_test", "test_images", "x", "X")


def read_inputs(
    given: str,
    spec: DataSpec,
    *,
    table: TableEncoding | None = None,
    options: Mapping[str, Any] | None = None,
    resize: bool = False,
) -> Iterator[Labelled]:
    """Examples of the shapes `spec` asks for, each with a label saying where it came from.

    Args:
        given: an image, .npy, .npz or IDX file, a folder of such, or numbers as JSON: ``4``, ``[[1, 2], [3, 4]]``; for
            a table a CSV or Parquet file or rows as JSON, for a series a CSV file, for text some text.
        table: how a table is encoded, where the data are one.
        options: how the training data were read.
        resize: bring images of another size to the right one; otherwise they are refused.
    Raises:
        InputError: for what cannot be read or does not fit.
    """
    if table is not None:
        yield from read_rows(given, table, options or {})
        return
    if spec.vocabulary:
        yield from read_text(given, spec)
        return
    if (options or {}).get("format") == "series":
        yield from read_window(given, spec, options or {})
        return
    resize = resize or (options or {}).get("size") is not None  # as the images of the training set were
    numbers = _numbers(given)
    path = Path(given)
    if numbers is not None:
        yield from _rows("input", numbers, spec)
    elif _exists(path) and path.is_dir():
        files = [each for each in sorted(path.iterdir()) if _is_readable(each)]
        if not files:
            raise InputError(f"input {path}", "no image, .npy, .npz or IDX file in this folder")
        for each in files:
            yield from _read_file(each, spec, resize)
    elif _exists(path):
        yield from _read_file(path, spec, resize)
    else:
        raise InputError("input", "no such file or folder, nor numbers as JSON", given)


def _numbers(given: str) -> NDArray[np.float64] | None:
    """The array that `given` is as JSON, or None. A file of such a name is meant by ``./4``."""
    try:
        return np.asarray(json.loads(given), dtype=np.float64)
    except (ValueError, TypeError):
        return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # numbers with a slip in them are too long for a name
        return False


def _is_readable(path: Path) -> bool:
    known = path.suffix.lower() in (*IMAGES, ".npy", ".npz") or "-ubyte" in path.name
    return known and not path.name.startswith(".")


def _read_file(path: Path, spec: DataSpec, resize: bool) -> Iterator[Labelled]:
    suffix = path.suffix.lower()
    if suffix in IMAGES:
        yield str(path), (_read_image(path, spec.inputs[0], resize),)
    elif suffix == ".npy":
        yield from _rows(str(path), read_array(path.parent, path.stem), spec)
    elif suffix == ".npz":
        names = names_of(path)
        name = min(names) if len(names) == 1 else next((each for each in _INPUT_NAMES if each in names), "")
        if not name:
            raise InputError(f"input {path}", "needs an array called x or x_test", ", ".join(sorted(names)) or "none")
        yield from _rows(str(path), read_array(path, name), spec)
    elif "-ubyte" in path.name:
        yield from _rows(str(path), read_idx(path), spec)
    else:
        raise InputError(f"input {path}", "is of no known kind", suffix or path.name, "Known: images, .npy, .npz, IDX.")


def _read_image(path: Path, shape: tuple[int, ...], resize: bool) -> NDArray[Any]:
    owner = f"input {path}"
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise InputError(owner, f"is an image, but the model takes examples of shape {shape}")
    channels, height, width = shape
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(owner, f"cannot be read: {error.strerror}") from error
    mode: Mode = "grey" if channels == 1 else "rgb"
    pixels = read_image(content, owner, mode, size=(height, width) if resize else None)
    if pixels.shape != shape:
        found = f"{pixels.shape[2]} x {pixels.shape[1]}"
        raise InputError(owner, f"must be {width} x {height} pixels", found, "Or say --resize.")
    return pixels


def _rows(label: str, array: NDArray[Any], spec: DataSpec) -> Iterator[Labelled]:
    shape = spec.inputs[0]
    if array.dtype.kind not in "biuf":
        raise InputError(label, "must hold numbers", str(array.dtype))
    if array.size == 0:
        raise InputError(label, "must not be empty", tuple(array.shape))
    if len(shape) == 3 and tuple(array.shape[-3:]) == (*shape[1:], shape[0]) != shape:
        array = np.moveaxis(array, -1, -3)  # channels last, as training takes them too
    # One example may come alone, and a grey image without its channel axis.
    bare = tuple(side for side in shape if side != 1) or (1,)
    if tuple(array.shape) in (shape, bare, ()) and array.size == spec.features:
        examples = array.reshape(1, *shape)
    elif array.ndim and array.size == len(array) * spec.features and tuple(array.shape[1:]) in (shape, bare, ()):
        examples = array.reshape(len(array), *shape)
    else:
        raise InputError(label, f"must hold examples of shape {shape}", tuple(array.shape))
    for number, example in enumerate(examples):
        if not np.isfinite(example).all():
            raise InputError(label, f"must be finite, but example {number} is not", repair="Fill or drop it.")
        yield (f"{label}#{number}" if len(examples) > 1 else label), (example,)
