"""Series: the next values of columns that were recorded over time."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gradus.core.errors import InputError
from gradus.data.calendar import calendar_features, calendar_names
from gradus.data.columns import MISSING, Survey, chosen, read_dates, read_numbers, survey
from gradus.data.raw import Column, Examples, RawData, Windows
from gradus.data.sources import sources
from gradus.data.sources.csv import Names, open_csv
from gradus.data.tabular import File

Steps = Annotated[int, Field(ge=1)]


@sources.register(
    source="Takens (1981), Detecting strange attractors in turbulence: a window of the past stands for its state",
    opens=lambda path: False,
    notes="Only opened where `format` asks for it: the same file could be read as a table.",
)
def series(
    path: Path,
    *,
    target: str | Names = (),
    window: Steps = 24,
    horizon: Steps = 1,
    time: str | None = None,
    ignore: Names = (),
    calendar: bool = True,
    gaps: Literal["refuse", "allow"] = "refuse",
    fill: Literal["refuse", "previous"] = "refuse",
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None,
    encoding: str = "utf-8",
) -> RawData:
    """Series: a CSV file of numbers over time (format = "series"), of which the next values are to be forecast.

    An example is `window` rows, the columns to forecast first; its target is the `horizon` rows after them. What is set
    aside is the end of the series. No row of a target of one split is in an example of a split before it.

    Args:
        target: the columns to forecast; by default all.
        time: the column of dates; by default the first that holds dates. Without one, rows are evenly spaced.
        calendar: give each row the time of year, week and day too.
        gaps: whether the time between rows may vary.
        fill: whether a missing value takes the one before it.
    """
    values, columns, targets = read_series(
        path,
        least=window + horizon + 1,
        target=target,
        time=time,
        ignore=ignore,
        calendar=calendar,
        gaps=gaps,
        fill=fill,
        delimiter=delimiter,
        encoding=encoding,
    )
    rows = len(values)
    count = rows - window - horizon + 1
    # Target k of example i is row i + window + k.
    ahead = np.stack([values[window + k : window + k + count, : len(targets)] for k in range(horizon)], axis=1)
    return RawData(
        kind="series",
        task="regression",
        train=Examples((Windows(values, window, count),), ahead.reshape(count, -1).astype(np.float32)),
        columns=columns,
        ordered=True,
        gap=horizon - 1,
        target_names=tuple(f"{name} +{k + 1}" for k in range(horizon) for name in targets),
    )


def read_series(
    path: Path,
    *,
    least: int,
    target: str | Names = (),
    time: str | None = None,
    ignore: Names = (),
    calendar: bool = True,
    gaps: Literal["refuse", "allow"] = "refuse",
    fill: Literal["refuse", "previous"] = "refuse",
    delimiter: str | None = None,
    encoding: str = "utf-8",
) -> tuple[NDArray[np.float64], tuple[Column, ...], list[str]]:
    """The rows (T, F) of a file of at least `least` of them, their columns, targets first, and the targets' names."""
    file = open_csv(path, delimiter=delimiter, encoding=encoding)
    found = survey(file.batches, MISSING, file.owner, file.first_row)
    when = _time_column(file.owner, found, time)
    chosen(file.owner, "ignore", ignore, list(found))
    names = [each for each in found if each != when and each not in ignore]
    targets = chosen(file.owner, "target", (target,) if isinstance(target, str) else target, names) or list(names)
    if not names:
        raise InputError(file.owner, "has no column of numbers")
    names.sort(key=lambda each: targets.index(each) if each in targets else len(targets))
    rows = found[names[0]].rows
    if rows < least:
        raise InputError(
            file.owner,
            f"needs at least {least} rows, for a window and what comes after it",
            rows,
            "Set a smaller `window`.",
        )
    values = np.stack([_numbers(file, found[name], fill) for name in names], axis=1)
    columns = [Column(each, "number") for each in names]
    if when is not None:
        dates = _dates(file, when, gaps)
        if calendar:
            values = np.concatenate([values, calendar_features(dates)[:, 1:]], axis=1)
            columns += [Column(each, "date") for each in calendar_names(when)[1:]]
    return values, tuple(columns), targets


def last_values(raw: RawData) -> NDArray[np.float32]:
    """The forecast that nothing changes: each target's last value in the window, (N, H K)."""
    windows = raw.train.inputs[0]
    assert isinstance(windows, Windows)
    horizon = raw.gap + 1
    last = windows.base[windows.width - 1 :][: windows.shape[0], : len(raw.target_names) // horizon]
    return np.tile(last, horizon).astype(np.float32)


def _time_column(owner: str, found: dict[str, Survey], time: str | None) -> str | None:
    if not found or not any(each.rows for each in found.values()):
        raise InputError(owner, "has no rows below its header")
    if time is not None:
        chosen(owner, "time", [time], list(found))
        if found[time].kind(owner) != "date":
            row, value = found[time].odd["date"]
            raise InputError(f"{owner} row {row}", f"column `{time}` must hold dates", value)
        return time
    return next((name for name, each in found.items() if each.dates == each.present > 0), None)


def _numbers(file: File, column: Survey, fill: str) -> NDArray[np.float64]:
    if column.kind(file.owner) != "number":
        row, value = column.odd["number"]
        raise InputError(
            f"{file.owner} row {row}", f"column `{column.name}` must hold numbers", value, "Or `ignore` it."
        )
    parts, row = [], file.first_row
    for batch in file.batches():
        parts.append(read_numbers(batch.column(column.name), MISSING, file.owner, column.name, row))
        row += len(batch)
    values = np.concatenate(parts)
    absent = np.isnan(values)
    if not absent.any():
        return values
    if fill == "refuse" or absent[0]:
        place = int(absent.argmax()) + file.first_row
        repair = "Mend it." if absent[0] else 'Mend it, or set fill = "previous".'
        raise InputError(f"{file.owner} row {place}", f"column `{column.name}` has no value", repair=repair)
    # The number of the latest row that has a value.
    latest = np.maximum.accumulate(np.where(absent, 0, np.arange(len(values))))
    return values[latest]


def _dates(file: File, name: str, gaps: str) -> NDArray[np.datetime64]:
    parts, row = [], file.first_row
    for batch in file.batches():
        parts.append(read_dates(batch.column(name), MISSING, file.owner, name, row))
        row += len(batch)
    dates = np.concatenate(parts)
    if np.isnat(dates).any():
        raise InputError(
            f"{file.owner} row {int(np.isnat(dates).argmax()) + file.first_row}", f"column `{name}` has no date"
        )
    steps = np.diff(dates)
    backward = np.flatnonzero(steps <= np.timedelta64(0))
    if len(backward):
        place = int(backward[0]) + 1
        what = "the same date again" if steps[place - 1] == np.timedelta64(0) else "a date out of order"
        raise InputError(
            f"{file.owner} row {place + file.first_row}",
            f"column `{name}` has {what}",
            str(dates[place]),
            "Sort the rows.",
        )
    uneven = np.flatnonzero(steps != np.median(steps.astype(np.int64)).astype("timedelta64[us]"))
    if len(uneven) and gaps == "refuse":
        place = int(uneven[0]) + 1
        raise InputError(
            f"{file.owner} row {place + file.first_row}",
            f"the time since the row before is {steps[place - 1].astype('timedelta64[s]')}, unlike most",
            str(dates[place]),
            'Fill the gap, or set gaps = "allow".',
        )
    return dates
