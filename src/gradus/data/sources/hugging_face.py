"""Data sets that Hugging Face `datasets` saved to disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gradus.core.errors import InputError, nearest
from gradus.core.spec import Task
from gradus.data.arrays import encode_classes, regression_values
from gradus.data.arrow_folder import Saved, is_saved, open_saved
from gradus.data.columns import MISSING, chosen
from gradus.data.images import Mode, Pixels, read_image
from gradus.data.lazy import LazyRows
from gradus.data.raw import Examples, RawData
from gradus.data.sources import sources
from gradus.data.sources.csv import Names
from gradus.data.sources.image_folder import Side
from gradus.data.tabular import File, table_data


@sources.register(
    source="Hugging Face datasets 5, Dataset.save_to_disk",
    opens=is_saved,
    notes="The Arrow files are read directly: no extra package, no network. Rows are counted from 0, as there.",
)
def hugging_face(
    path: Path,
    *,
    target: str | Names = (),
    image: str | None = None,
    task: Literal["auto"] | Task = "auto",
    ignore: Names = (),
    categorical: Names = (),
    missing_values: tuple[str, ...] = (),
    size: Side | tuple[Side, Side] | None = None,
    mode: Mode = "auto",
) -> RawData:
    """Hugging Face: a folder from `save_to_disk` with a column of images and their label, or with a table.

    Options mean what they do for CSV and for folders of images; a data set has images if it has a column of them that
    is not named in `ignore`.

    Args:
        target: the column to predict; by default the only one of class labels.
        image: the column of images, where there are several.
    """
    splits = open_saved(path)
    train = splits["train"]
    ignored = chosen(train.owner, "ignore", ignore, list(train.features))
    labels = [each for each in train.names("ClassLabel") if each not in ignored]
    wanted = (target,) if isinstance(target, str) else target or (tuple(labels) if len(labels) == 1 else ())
    images = [each for each in train.names("Image") if each not in ignored]
    if images:
        square = (size, size) if isinstance(size, int) else size
        return _images(splits, _image_column(train, image, images), wanted, task, mode, square)
    if image is not None:
        raise InputError(train.owner, "`image` names no column of images", image)
    names = [each for each in train.features if each not in ignored]
    return table_data(
        "hugging_face",
        {name: File(each.owner, partial(each.batches, names), first_row=0) for name, each in splits.items()},
        target=wanted,
        task=task,
        ignore=(),
        categorical=categorical,
        markers=(*MISSING, *missing_values),
    )


def _image_column(train: Saved, image: str | None, images: list[str]) -> str:
    if image is not None and image not in images:
        raise InputError(train.owner, "`image` names no column of images", image, nearest(image, images))
    if image is None and len(images) > 1:
        raise InputError(train.owner, "has several columns of images", ", ".join(images), "Name one in `image`.")
    return image or images[0]


def _images(
    splits: Mapping[str, Saved],
    column: str,
    target: tuple[str, ...],
    task: Literal["auto"] | Task,
    mode: Mode,
    size: tuple[int, int] | None,
) -> RawData:
    train = splits["train"]
    if len(target) != 1:
        repair = f"Columns: {', '.join(each for each in train.features if each != column)}."
        raise InputError(train.owner, "`target` must name the column to predict", repair=repair)
    (name,) = chosen(train.owner, "target", target, [each for each in train.features if each != column])
    names = train.labels(name)
    targets = [(_target(each, name), f"{each.owner} column `{name}`") for each in splits.values()]
    if task == "auto":
        task = "regression" if targets[0][0].dtype.kind == "f" else "classification"
    encoded: Sequence[NDArray[Any]]
    classes: tuple[str, ...] = ()
    if task == "classification":
        encoded, classes = encode_classes(targets, names)
    else:
        encoded = regression_values(targets)
    shape = read_image(_bytes(train, column, 0), f"{train.owner} row 0", mode, size).shape
    examples = {}
    for (split, each), wanted in zip(splits.items(), [*encoded], strict=True):
        pictures = _Pictures(each, column, mode, size, shape)
        examples[split] = Examples((LazyRows(pictures.read, pictures.decode, (len(each.table), *shape)),), wanted)
    return RawData(
        kind="hugging_face",
        task=task,
        train=examples["train"],
        validation=examples.get("validation"),
        test=examples.get("test"),
        classes=classes,
        target_names=() if task == "classification" else (name,),
    )


def _target(saved: Saved, name: str) -> NDArray[Any]:
    """Labels or values (N,); class labels as their numbers."""
    values = saved.table.column(name)
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type):
        raise InputError(saved.owner, f"column `{name}` must hold plain values", str(values.type))
    labelled = name in saved.names("ClassLabel")
    gap = pc.index(pc.fill_null(pc.less(values, 0), True) if labelled else pc.is_null(values), True).as_py()
    if gap >= 0:
        repair = "Leave out rows, or the split, without a label: there is nothing to learn from them."
        raise InputError(f"{saved.owner} row {gap}", f"column `{name}` has no value", repair=repair)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return np.array(values.to_pylist(), np.str_)
    array: NDArray[Any] = values.to_numpy()
    return array


def _bytes(saved: Saved, column: str, row: int) -> bytes:
    """The image file in a row; the library keeps it beside the name that it once had."""
    content = saved.table.column(column)[row].as_py()
    if content is None:
        raise InputError(f"{saved.owner} row {row}", f"column `{column}` has no image", repair="Leave the row out.")
    if content.get("bytes") is None:
        repair = "Save the data set again with a newer `datasets`, which puts images into its own files."
        raise InputError(f"{saved.owner} row {row}", "its image lies elsewhere", content.get("path"), repair)
    found: bytes = content["bytes"]
    return found


@dataclass(frozen=True)
class _Pictures:
    """The images of a split: what reads and decodes the i-th, which must be of `shape` as the first one is."""

    saved: Saved
    column: str
    mode: Mode
    size: tuple[int, int] | None
    shape: tuple[int, ...]

    def read(self, row: int) -> bytes:
        return _bytes(self.saved, self.column, row)

    def decode(self, content: bytes, row: int) -> Pixels:
        owner = f"{self.saved.owner} row {row}"
        pixels = read_image(content, owner, self.mode, self.size)
        if pixels.shape != self.shape:
            grey = pixels.shape[0] != self.shape[0]
            repair = 'Set `mode = "grey"` or "rgb"' if grey else f"Set `size`, for instance to {list(self.shape[1:])}"
            rule = f"images must be of one shape (channels, height, width), the first being {self.shape}"
            raise InputError(owner, rule, pixels.shape, f"{repair}, to bring all to one.")
        return pixels
