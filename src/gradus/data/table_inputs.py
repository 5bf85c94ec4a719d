"""Rows handed in for prediction with a network trained on a table: files of columns, or rows as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gradus.core.errors import InputError, nearest
from gradus.data.calendar import calendar_features, calendar_of
from gradus.data.columns import MISSING, as_text, read_dates, read_numbers
from gradus.data.sources.csv import open_csv
from gradus.data.sources.parquet import open_parquet
from gradus.data.tables import Choices, TableEncoding
from gradus.data.tabular import File

Labelled = tuple[str, tuple[NDArray[Any], ...]]


def read_rows(given: str, table: TableEncoding, options: Mapping[str, Any]) -> Iterator[Labelled]:
    """Rows with the columns that `table` was fitted to, found by name, each labelled with where it came from.

    Args:
        given: a CSV or Parquet file, or rows as JSON: ``{"age": 39, ...}`` or a list of such.
        options: how the training file was read.
    Raises:
        InputError: naming file, row and column: for a column that is missing, a value of another type, or a category
            that training never saw.
    """
    markers = (*MISSING, *options.get("missing_values", ()))
    records = _records(given)
    file = _of_records(records) if records is not None else _open(Path(given), table, options)
    row = file.first_row
    for batch in file.batches():
        inputs = _encode(batch, table, markers, file.owner, row)
        for place in range(len(batch)):
            yield f"{file.owner.removeprefix('data ')} row {row + place}", tuple(each[place] for each in inputs)
        row += len(batch)


def _records(given: str) -> list[dict[str, Any]] | None:
    """Rows as JSON, or None where `given` is no such thing."""
    try:
        found = json.loads(given)
    except ValueError:
        return None
    rows = found if isinstance(found, list) else [found]
    if not rows or not all(isinstance(each, dict) for each in rows):
        raise InputError("input", "must be rows with the columns' names", given, 'For instance {"age": 39}.')
    return rows


def _of_records(records: Sequence[dict[str, Any]]) -> File:
    names = list(dict.fromkeys(name for each in records for name in each))
    columns = [[_text(each.get(name)) for each in records] for name in names]
    batch = pa.RecordBatch.from_arrays([pa.array(each, pa.string()) for each in columns], names)
    return File("input", lambda: iter([batch]), first_row=1)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _open(path: Path, table: TableEncoding, options: Mapping[str, Any]) -> File:
    try:
        there = path.is_file()
    except OSError:  # rows with a slip in them are too long for a name
        there = False
    if not there:
        raise InputError("input", "no such file, nor rows as JSON", str(path))
    if path.suffix.lower() in (".parquet", ".pq"):
        return open_parquet(path)
    if path.suffix.lower() in (".npy", ".npz"):
        raise InputError(f"input {path}", "must have columns with names, as CSV and Parquet have")
    read = {name: options[name] for name in ("delimiter", "encoding") if name in options}
    if "columns" in options and _headless(path, table):
        read["columns"] = options["columns"]
    return open_csv(path, **read)


def _headless(path: Path, table: TableEncoding) -> bool:
    """Whether the file lacks the header row that the training file lacked."""
    with path.open("rb") as stream:
        first = stream.readline().decode("utf-8", "replace")
    return not any(each.name in first for each in table.columns if each.kind != "date")


def _encode(
    batch: pa.RecordBatch, table: TableEncoding, markers: Sequence[str], owner: str, row: int
) -> tuple[NDArray[Any], ...]:
    """Numbers (N, F) and, if the table has any, codes (N, G)."""
    parts: list[NDArray[Any]] = []
    dates: set[str] = set()
    for each in table.columns:
        if each.kind == "number":
            text = _column(batch, each.name, owner)
            parts.append(_numbers(text, markers, owner, each.name, row)[:, None])
        elif each.kind == "date" and calendar_of(each.name) not in dates:
            name = calendar_of(each.name)
            dates.add(name)
            parts.append(calendar_features(read_dates(_column(batch, name, owner), markers, owner, name, row)))
    numbers = np.concatenate(parts, axis=1) if parts else np.zeros((len(batch), 0))
    if not table.choices:
        return (numbers,)
    codes = [_codes(_column(batch, each.name, owner), each, markers, owner, row) for each in table.choices]
    return numbers, np.stack(codes, axis=1)


def _column(batch: pa.RecordBatch, name: str, owner: str) -> pa.Array:
    if name not in batch.schema.names:
        raise InputError(
            owner, f"has no column `{name}`, which the run was trained on", repair=nearest(name, batch.schema.names)
        )
    return batch.column(name)


def _numbers(values: pa.Array, markers: Sequence[str], owner: str, name: str, row: int) -> NDArray[np.float64]:
    try:
        return read_numbers(values, markers, owner, name, row)
    except pa.ArrowInvalid:
        for place, each in enumerate(as_text(values, markers).to_pylist()):
            try:
                float(each or 0)
            except ValueError:
                raise InputError(f"{owner} row {row + place}", f"column `{name}` must hold numbers", each) from None
        raise


def _codes(values: pa.Array, choices: Choices, markers: Sequence[str], owner: str, row: int) -> NDArray[np.int64]:
    known = dict(zip(choices.values, choices.codes, strict=True))
    codes = []
    for place, each in enumerate(as_text(values, markers).to_pylist()):
        if each is not None and each not in known:
            some = ", ".join(sorted(filter(None, known))[:20])
            raise InputError(
                f"{owner} row {row + place}",
                f"column `{choices.name}` holds what training never saw",
                each,
                f"Known: {some}.",
            )
        codes.append(-1 if each is None else known[each])
    return np.array(codes, np.int64)
