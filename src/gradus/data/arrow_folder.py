"""What ``datasets.Dataset.save_to_disk`` writes: Arrow files, and JSON files that say what is in them.

They are read as they are, memory-mapped. The library itself is not needed for it, so nothing can be fetched.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gradus.core.errors import InputError, nearest

_DICT, _INFO, _STATE = "dataset_dict.json", "dataset_info.json", "state.json"
_SPLITS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
}


def is_saved(path: Path) -> bool:
    """Whether a folder holds a saved `Dataset` or `DatasetDict`."""
    return (path / _DICT).is_file() or ((path / _INFO).is_file() and (path / _STATE).is_file())


@dataclass(frozen=True)
class Saved:
    """One saved split.

    Attributes:
        owner: whom errors name.
        features: of each column, what the library says of it.
        table: the columns, memory-mapped.
    """

    owner: str
    features: Mapping[str, Any]
    table: pa.Table

    def names(self, kind: str) -> list[str]:
        """The columns of a kind of feature, such as ``Image`` or ``ClassLabel``."""
        return [name for name, each in self.features.items() if isinstance(each, dict) and each.get("_type") == kind]

    def labels(self, column: str) -> list[str] | None:
        """The class names of a ClassLabel column; None for another."""
        return list(self.features[column]["names"]) if column in self.names("ClassLabel") else None

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Rows of `columns`, class labels by their names, null where there is none."""
        for batch in self.table.select(columns).to_batches():
            yield pa.record_batch([self._plain(name, batch.column(name)) for name in columns], names=columns)

    def _plain(self, name: str, values: pa.Array) -> pa.Array:
        if pa.types.is_float16(values.type):
            return values.cast(pa.float32())  # which has a way to become text
        names = self.labels(name)
        if names is None:
            return values
        labelled = pc.if_else(pc.less(values, 0), None, values)  # -1 is how the library says that none is known
        try:
            return pa.array(names, pa.string()).take(labelled)
        except pa.ArrowIndexError:
            raise InputError(
                self.owner, f"column `{name}` holds numbers of more than its {len(names)} classes"
            ) from None


def open_saved(path: Path) -> dict[str, Saved]:
    """The splits in a folder, "train" and perhaps "validation" and "test".

    Raises:
        InputError: for a folder that is damaged, or has splits of other names.
    """
    if not (path / _DICT).is_file():
        return {"train": _split(path)}
    names = _json(path / _DICT).get("splits")
    if not (isinstance(names, list) and names and all(isinstance(each, str) for each in names)):
        raise InputError(f"data {path / _DICT}", "must list the splits", names)
    if len(names) == 1:
        return {"train": _split(_within(path, names[0]))}
    found: dict[str, Saved] = {}
    for name in names:
        split = _SPLITS.get(name)
        if split is None or split in found:
            rule = "is no split known here" if split is None else f"is a second {split} split"
            raise InputError(f"data {path}", f"`{name}` {rule}", repair="Save the data set with train and test alone.")
        found[split] = _split(_within(path, name))
    if "train" not in found:
        raise InputError(f"data {path}", "has no split `train`", ", ".join(names))
    first = found["train"]
    for name, each in found.items():
        lacking = next((column for column in first.features if column not in each.features), None)
        if lacking is not None:
            raise InputError(
                each.owner, f"{name} has no column `{lacking}`, which train has", repair=nearest(lacking, each.features)
            )
    return found


def _split(path: Path) -> Saved:
    owner = f"data {path}"
    info, state = _json(path / _INFO), _json(path / _STATE)
    features, files = info.get("features"), state.get("_data_files")
    if not isinstance(features, dict) or not isinstance(files, list) or not files:
        raise InputError(owner, "names no columns or no files", repair="Save the data set again.")
    if state.get("_indices_data_files"):
        raise InputError(owner, "is a selection of rows", repair="Save it again after `flatten_indices()`.")
    tables = [_table(_within(path, each.get("filename") if isinstance(each, dict) else None)) for each in files]
    try:
        table = pa.concat_tables(tables)
    except pa.ArrowInvalid as error:
        raise InputError(owner, f"its files differ in their columns: {error}") from error
    missing = next((name for name in features if name not in table.column_names), None)
    if missing is not None:
        raise InputError(owner, f"its files lack the column `{missing}`", repair="Save the data set again.")
    if not len(table):
        raise InputError(owner, "has no rows")
    return Saved(owner, features, table)


def _table(path: Path) -> pa.Table:
    try:
        return pa.ipc.open_stream(pa.memory_map(str(path))).read_all()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"data {path}", f"cannot be read: {error}", repair="Save the data set again.") from error


def _within(folder: Path, name: Any) -> Path:
    """A file or folder that a file names, which has no business elsewhere."""
    if not isinstance(name, str) or Path(name).name != name:
        raise InputError(f"data {folder}", "must name what lies in this folder, and nothing else", name)
    return folder / name


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"data {path}", f"cannot be read: {error}", repair="Save the data set again.") from error
    if not isinstance(document, dict):
        raise InputError(f"data {path}", "must hold a JSON object", type(document).__name__)
    return document
