"""Columns of a table file to arrays: what each holds is decided over the whole of it, then it is read.

Rows are counted as an editor shows them where no line is blank and no field has a line break: the header is row 1.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gradus.core.errors import InputError, nearest
from gradus.data.calendar import calendar_features, calendar_names
from gradus.data.raw import Column
from gradus.data.resources import free_memory

Batches = Callable[[], Iterator[pa.RecordBatch]]
Kind = Literal["number", "date", "category"]
MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
"""What marks a missing value in text."""
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_DATE = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$"
_ZONE = re.compile(r"(Z|(?<=:\d\d)[+-]\d{2}:?\d{2})$")
_IN_MEMORY = 0.2
"""Of free memory; what is larger is kept in a file."""


@dataclass
class Survey:
    """What a pass over a column found.

    Attributes:
        odd: the first row and value that is no number, and the first that is no date.
        values: the different values, as text.
    """

    name: str
    rows: int = 0
    missing: int = 0
    first_missing: int = 0
    numbers: int = 0
    dates: int = 0
    odd: dict[Kind, tuple[int, str]] = field(default_factory=dict)
    values: set[str] = field(default_factory=set)

    @property
    def present(self) -> int:
        return self.rows - self.missing

    def kind(self, owner: str) -> Kind:
        """What the column holds.

        Raises:
            InputError: if most of it is numbers or dates, and some of it is not.
        """
        tallies: tuple[tuple[Kind, int], ...] = (("number", self.numbers), ("date", self.dates))
        for kind, count in tallies:
            if count == self.present:
                return kind
            if 2 * count > self.present:
                row, value = self.odd[kind]
                raise InputError(
                    f"{owner} row {row}",
                    f"column `{self.name}` holds {kind}s, but here",
                    value,
                    f'Mend it, add it to `missing_values`, or set categorical = ["{self.name}"].',
                )
        return "category"


@dataclass(frozen=True)
class Table:
    """A table as `RawData` keeps it."""

    numbers: NDArray[np.float64]
    codes: NDArray[np.int32]
    columns: tuple[Column, ...]


def survey(batches: Batches, markers: Sequence[str], owner: str, first_row: int) -> dict[str, Survey]:
    """One pass over every column; an empty table has none with rows."""
    found: dict[str, Survey] = {}
    row = first_row
    for batch in batches():
        for name, values in zip(batch.schema.names, batch.columns, strict=True):
            _look(found.setdefault(name, Survey(name)), values, markers, owner, row)
        row += len(batch)
    return found


def as_text(values: pa.Array, markers: Sequence[str]) -> pa.Array:
    """Any flat column as trimmed text, null where a value is missing."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_floating(values.type):  # Parquet has NaN beside null
        values = pc.if_else(pc.is_nan(values), None, values)
    text = pc.utf8_trim_whitespace(values.cast(pa.string()))
    return pc.if_else(pc.is_in(text, value_set=pa.array(markers, pa.string())), None, text)


def _look(into: Survey, values: pa.Array, markers: Sequence[str], owner: str, row: int) -> None:
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type):
        raise InputError(
            owner, f"column `{into.name}` must hold plain values", str(values.type), "Name it in `ignore`."
        )
    text = as_text(values, markers)
    gaps = pc.is_null(text)
    if not into.missing and text.null_count:
        into.first_missing = row + pc.index(gaps, True).as_py()
    into.rows += len(text)
    into.missing += text.null_count
    for kind, pattern in (("number", _NUMBER), ("date", _DATE)):
        fits = pc.or_(pc.fill_null(pc.match_substring_regex(text, pattern), False), gaps)
        count = pc.sum(fits).as_py() - text.null_count
        if kind == "number":
            into.numbers += count
        else:
            into.dates += count
        if count < len(text) - text.null_count and kind not in into.odd:
            place = pc.index(fits, False).as_py()
            into.odd["number" if kind == "number" else "date"] = (row + place, text[place].as_py())
    into.values.update(pc.unique(text.drop_null()).to_pylist())


def read_numbers(values: pa.Array, markers: Sequence[str], owner: str, name: str, row: int) -> NDArray[np.float64]:
    """(N,) float64, NaN where missing.

    Raises:
        InputError: for a number that is infinite in float32, which is what models compute in.
    """
    numbers = as_text(values, markers).cast(pa.float64()).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore"):
        broken = np.flatnonzero(np.isinf(numbers.astype(np.float32)))
    if len(broken):
        raise InputError(f"{owner} row {row + broken[0]}", f"column `{name}` must be finite", float(numbers[broken[0]]))
    return np.asarray(numbers, np.float64)


def read_dates(values: pa.Array, markers: Sequence[str], owner: str, name: str, row: int) -> NDArray[np.datetime64]:
    """(N,) datetime64[us], NaT where missing; a zone's offset is taken off.

    Raises:
        InputError: for a date that no calendar has.
    """
    dates = []
    for place, each in enumerate(as_text(values, markers).to_pylist()):
        try:
            dates.append(np.datetime64(_ZONE.sub("", each) if each else "NaT", "us"))
        except ValueError:
            raise InputError(f"{owner} row {row + place}", f"column `{name}` must hold dates", each) from None
    return np.array(dates, dtype="datetime64[us]")


def read_table(
    batches: Batches,
    surveys: Sequence[Survey],
    *,
    markers: Sequence[str],
    categorical: Sequence[str],
    owner: str,
    first_row: int,
    dictionaries: dict[str, tuple[str, ...]] | None = None,
) -> Table:
    """The columns that `surveys` are of.

    Args:
        categorical: columns read as categories whatever they hold.
        dictionaries: the values of category columns, where another file has more; by default each column's own, sorted.
    """
    kinds = {each.name: "category" if each.name in categorical else each.kind(owner) for each in surveys}
    columns: list[Column] = []
    for each in surveys:
        if kinds[each.name] == "number":
            columns.append(Column(each.name, "number"))
        elif kinds[each.name] == "date":
            columns += [Column(name, "date") for name in calendar_names(each.name)]
    wide = len(columns)
    named = dictionaries or {}
    categories = {
        each.name: named.get(each.name, tuple(sorted(each.values)))
        for each in surveys
        if kinds[each.name] == "category"
    }
    columns += [Column(name, "category", values) for name, values in categories.items()]
    rows = surveys[0].rows if surveys else 0
    numbers = room((rows, wide), np.float64)
    codes = room((rows, len(categories)), np.int32)
    start = 0
    for batch in batches():
        end = start + len(batch)
        place, coded = 0, 0
        for each in surveys:
            values = batch.column(each.name)
            if kinds[each.name] == "number":
                numbers[start:end, place] = read_numbers(values, markers, owner, each.name, first_row + start)
                place += 1
            elif kinds[each.name] == "date":
                parts = calendar_features(read_dates(values, markers, owner, each.name, first_row + start))
                numbers[start:end, place : place + parts.shape[1]] = parts
                place += parts.shape[1]
            else:
                known = pa.array(categories[each.name], pa.string())
                codes[start:end, coded] = pc.fill_null(pc.index_in(as_text(values, markers), value_set=known), -1)
                coded += 1
        start = end
    return Table(numbers, codes, tuple(columns))


def room(shape: tuple[int, ...], dtype: type) -> NDArray[Any]:
    """An array to fill: in memory, or in a nameless file where it would take too much of it."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size <= _IN_MEMORY * free_memory():
        return np.empty(shape, dtype)
    with TemporaryFile() as file:  # the map keeps it until it goes itself
        file.truncate(size)
        return np.memmap(file, dtype=dtype, mode="r+", shape=shape)


def chosen(owner: str, option: str, names: Iterable[str], known: Sequence[str]) -> list[str]:
    """`names`, each of which must be a column.

    Raises:
        InputError: naming the nearest column.
    """
    for each in names:
        if each not in known:
            raise InputError(owner, f"`{option}` names no column", each, nearest(each, known))
    return list(names)
