"""Parquet files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from gradus.core.errors import InputError
from gradus.core.spec import Task
from gradus.data.columns import MISSING
from gradus.data.raw import RawData
from gradus.data.sources import sources
from gradus.data.sources.csv import Names
from gradus.data.tabular import File, files_of, table_data


def _opens(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq")


@sources.register(source="Apache Parquet format, version 2", opens=_opens, notes="Rows are counted from 1.")
def parquet(
    path: Path,
    *,
    target: str | Names = (),
    task: Literal["auto"] | Task = "auto",
    ignore: Names = (),
    categorical: Names = (),
    missing_values: tuple[str, ...] = (),
    test_file: str | None = None,
) -> RawData:
    """Parquet: a table, .parquet; its `target` column is what to predict.

    Options mean what they do for CSV.
    """
    return table_data(
        "parquet",
        files_of(open_parquet, path, test_file),
        target=(target,) if isinstance(target, str) else target,
        task=task,
        ignore=ignore,
        categorical=categorical,
        markers=(*MISSING, *missing_values),
    )


def open_parquet(path: Path) -> File:
    """A Parquet file to be read in batches."""
    owner = f"data {path}"

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches()
        except (pa.ArrowException, OSError) as error:
            raise InputError(owner, f"cannot be read: {error}", repair="Fetch the file again.") from error

    return File(owner, batches, first_row=1)
