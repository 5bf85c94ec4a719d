"""CSV files."""

import codecs
import gzip
import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, cast

import pyarrow as pa
import pyarrow.csv as pacsv
from pydantic import Field

from gradus.core.errors import InputError
from gradus.core.spec import Task
from gradus.data.columns import MISSING
from gradus.data.raw import RawData
from gradus.data.sources import sources
from gradus.data.tabular import File, files_of, table_data

Names = tuple[Annotated[str, Field(min_length=1)], ...]
_SEPARATORS = ",;\t|"
_START = 1 << 16
_SUFFIXES = (".csv", ".tsv", ".data")


def _opens(path: Path) -> bool:
    return Path(path.name.removesuffix(".gz")).suffix.lower() in _SUFFIXES


@sources.register(
    source="Shafranovich (2005), RFC 4180",
    opens=_opens,
    notes="Rows are counted with the header as row 1; blank lines are passed over and not counted.",
)
def csv(
    path: Path,
    *,
    target: str | Names = (),
    task: Literal["auto"] | Task = "auto",
    ignore: Names = (),
    categorical: Names = (),
    columns: Names = (),
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None,
    missing_values: tuple[str, ...] = (),
    encoding: str = "utf-8",
    test_file: str | None = None,
) -> RawData:
    """CSV: a table with a header row, .csv or .tsv, also .gz; its `target` column is what to predict.

    Numbers, categories and dates are told apart by what a column holds. Missing values are empty or say so.

    Args:
        target: the column to predict; several for regression.
        ignore: columns to leave out.
        categorical: columns of numbers that are names of something.
        columns: their names, where the file has no header row.
        delimiter: by default a comma, or a tab in .tsv.
        missing_values: what marks a missing value beside "", "?", "NA", "NaN", "null" and their like.
        test_file: the test split, a file of the same columns; relative to this one.
    """
    open_ = partial(open_csv, columns=columns, delimiter=delimiter, encoding=encoding)
    return table_data(
        "csv",
        files_of(open_, path, test_file),
        target=(target,) if isinstance(target, str) else target,
        task=task,
        ignore=ignore,
        categorical=categorical,
        markers=(*MISSING, *missing_values),
    )


def open_csv(path: Path, *, columns: Sequence[str] = (), delimiter: str | None = None, encoding: str = "utf-8") -> File:
    """A CSV file to be read in batches of text columns.

    Raises:
        InputError: at once for a file that is empty, binary or has no usable header; while it is read, for a row that
            has more or fewer fields than the header, or bytes that are no text.
    """
    owner = f"data {path}"
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise InputError(owner, "`encoding` is unknown", encoding, "Try utf-8, latin-1 or utf-16.") from None
    tab = path.name.removesuffix(".gz").lower().endswith(".tsv")
    separator = delimiter or ("\t" if tab else ",")
    names = list(columns) or _header(path, separator, encoding, owner)
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice is not None:
        raise InputError(owner, "every column needs a name of its own, but two are called", twice)
    if "" in names:
        raise InputError(owner, f"column {names.index('') + 1} has no name", repair="Name it in the header.")
    first = 1 if columns else 2

    def batches() -> Iterator[pa.RecordBatch]:
        return _read(path, names, separator, encoding, owner, first)

    return File(owner, batches, first)


def _header(path: Path, separator: str, encoding: str, owner: str) -> list[str]:
    try:
        with _bytes(path) as stream:
            start = stream.read(_START)
    except (OSError, EOFError) as error:
        raise InputError(owner, f"cannot be read: {error}") from error
    if not start.strip():
        raise InputError(owner, "is empty")
    if b"\0" in start and not encoding.lower().startswith("utf-16"):
        raise InputError(owner, "is not a text file: it holds NUL bytes")
    text = start.decode(encoding, "replace").lstrip("\ufeff").lstrip("\r\n")
    line = text.splitlines()[0]
    if separator not in line:
        other = max(_SEPARATORS, key=line.count)
        if other in line:
            shown = "\\t" if other == "\t" else other
            given = "\\t" if separator == "\t" else separator
            raise InputError(
                owner,
                f"is not separated by `{given}`, but by `{shown}` as it seems",
                repair=f'Set delimiter = "{shown}".',
            )
    return [each.strip() for each in next(_rows_of(line, separator))]


def _rows_of(line: str, separator: str) -> Iterator[list[str]]:
    import csv as standard

    return iter(standard.reader(io.StringIO(line), delimiter=separator, skipinitialspace=True))


def _read(
    path: Path, names: list[str], separator: str, encoding: str, owner: str, first: int
) -> Iterator[pa.RecordBatch]:
    ragged: list[Any] = []

    def refuse(row: Any) -> str:
        ragged.append(row)
        return "error"

    read = pacsv.ReadOptions(
        use_threads=False, encoding=encoding, column_names=names, skip_rows_after_names=first - 1, block_size=1 << 22
    )
    parse = pacsv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=refuse)
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, quoted_strings_can_be_null=False
    )
    rows = 0
    try:
        with pacsv.open_csv(path, read, parse, convert) as reader:
            for batch in reader:
                rows += len(batch)
                yield batch
    except (pa.ArrowInvalid, UnicodeError, OSError, EOFError) as error:
        if ragged:
            row = ragged[0]
            place = f"row {row.number}" if row.number is not None else f"after row {rows + first - 1}"
            raise InputError(
                f"{owner} {place}",
                f"has {row.actual_columns} fields where the header has {row.expected_columns}",
                row.text[:80],
            ) from None
        line = _undecodable(path, encoding)
        if line:
            raise InputError(
                f"{owner} row {line}", f"is not {encoding} text", repair='Set `encoding`, for instance "latin-1".'
            ) from None
        if "Empty CSV file" in str(error):
            raise InputError(owner, "has no rows below its header") from None
        raise InputError(owner, f"cannot be read: {error}") from error


def _undecodable(path: Path, encoding: str) -> int:
    """The first line that is no text in `encoding`; 0 if all are."""
    try:
        with _bytes(path) as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    line.decode(encoding)
                except UnicodeDecodeError:
                    return number
    except (OSError, EOFError):
        pass
    return 0


def _bytes(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
