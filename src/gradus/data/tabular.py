"""From the columns of a file, or of one for training and one for the test, to `RawData`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gradus.core.errors import InputError, nearest
from gradus.core.paths import expand
from gradus.core.spec import Task
from gradus.data.arrays import encode_classes, regression_values
from gradus.data.columns import Batches, Survey, Table, as_text, chosen, read_numbers, read_table, survey
from gradus.data.raw import Examples, RawData, Rows

MOST_WHOLE_CLASSES = 20
"""Different whole numbers up to which a target of them is taken for classes."""


@dataclass(frozen=True)
class File:
    """A table file: whom errors name, its rows, and the number of the first."""

    owner: str
    batches: Batches
    first_row: int = 2


def files_of(open_: Callable[[Path], File], path: Path, test_file: str | None) -> dict[str, File]:
    """The file to train on and, if there is one, that of the test split, whose path starts beside it."""
    files = {"train": open_(path)}
    if test_file is not None:
        files["test"] = open_(expand(test_file, path.parent))
    return files


def table_data(
    kind: str,
    files: Mapping[str, File],
    *,
    target: Sequence[str],
    task: Literal["auto"] | Task,
    ignore: Sequence[str],
    categorical: Sequence[str],
    markers: Sequence[str],
) -> RawData:
    """Examples from the files of the splits, "train" and perhaps "validation" and "test".

    Raises:
        InputError: naming file, row and column.
    """
    surveys = {name: survey(file.batches, markers, file.owner, file.first_row) for name, file in files.items()}
    for name, file in files.items():
        if not any(each.rows for each in surveys[name].values()):
            raise InputError(file.owner, "has no rows below its header")
    train = files["train"]
    names = _features(train.owner, surveys["train"], target, ignore, categorical)
    for name, file in files.items():
        _check_columns(file.owner, surveys[name], [*names, *target], surveys["train"])
    decided = _task(train.owner, [surveys["train"][each] for each in target], task, categorical)
    targets = [(_target(file, target, decided, markers), f"{file.owner} target") for file in files.values()]
    classes: tuple[str, ...] = ()
    encoded: list[Any]
    if decided == "classification":
        encoded, classes = encode_classes(targets, None)
    else:
        encoded = regression_values(targets)
    tables = _tables(files, surveys, names, markers, categorical)
    splits: dict[str, Examples] = {
        name: Examples(_inputs(table), np.asarray(each))
        for (name, table), each in zip(tables.items(), encoded, strict=True)
    }
    return RawData(
        kind=kind,
        task=decided,
        train=splits["train"],
        validation=splits.get("validation"),
        test=splits.get("test"),
        classes=classes,
        columns=tables["train"].columns,
        target_names=tuple(target),
    )


def _inputs(table: Table) -> tuple[Rows, ...]:
    return (table.numbers, table.codes) if table.codes.shape[1] else (table.numbers,)


def _features(
    owner: str, found: Mapping[str, Survey], target: Sequence[str], ignore: Sequence[str], categorical: Sequence[str]
) -> list[str]:
    """The columns to learn from."""
    known = list(found)
    if not target:
        raise InputError(owner, "`target` must name the column to predict", repair=f"Columns: {', '.join(known[:30])}.")
    for option, names in (("target", target), ("ignore", ignore), ("categorical", categorical)):
        chosen(owner, option, names, known)
    features = [each for each in known if each not in (*target, *ignore)]
    if not features:
        raise InputError(owner, "has no column left to learn from", ", ".join(known))
    for each in features:
        if not found[each].present:
            raise InputError(owner, f"column `{each}` has no value at all", repair="Name it in `ignore`.")
    return features


def _check_columns(owner: str, found: Mapping[str, Survey], wanted: Sequence[str], train: Mapping[str, Survey]) -> None:
    for each in wanted:
        if each not in found:
            raise InputError(owner, f"has no column `{each}`, which training has", repair=nearest(each, found))


def _task(owner: str, targets: Sequence[Survey], task: Literal["auto"] | Task, categorical: Sequence[str]) -> Task:
    for each in targets:
        if each.missing:
            raise InputError(
                f"{owner} row {each.first_missing}",
                f"the target `{each.name}` is missing ({each.missing:,} of {each.rows:,} rows)",
                repair="Leave such rows out: there is nothing to learn from them.",
            )
        if len(each.values) == 1:
            (value,) = each.values
            raise InputError(owner, f"the target `{each.name}` is the same in every row", value)
    first = targets[0]
    numeric = first.name not in categorical and first.kind(owner) == "number"
    whole = numeric and all("." not in value and "e" not in value.lower() for value in first.values)
    if task == "auto":
        few = whole and len(first.values) <= MOST_WHOLE_CLASSES
        task = "classification" if not numeric or (few and len(targets) == 1) else "regression"
    if task == "classification" and len(targets) > 1:
        raise InputError(owner, "classification takes one `target`", ", ".join(each.name for each in targets))
    if task == "regression":
        for each in targets:
            if each.kind(owner) != "number":
                row, value = each.odd["number"]
                raise InputError(f"{owner} row {row}", f"regression needs numbers in `{each.name}`", value)
    return task


def _target(file: File, names: Sequence[str], task: Task, markers: Sequence[str]) -> NDArray[Any]:
    """(N,) labels as text, or (N, K) numbers."""
    parts, row = [], file.first_row
    for batch in file.batches():
        values = [batch.column(name) for name in names]
        if task == "classification":
            texts = as_text(values[0], markers)
            if texts.null_count:
                raise InputError(file.owner, f"the target `{names[0]}` is missing in some rows")
            parts.append(np.array(texts.to_pylist(), dtype=np.str_))
        else:
            columns = [
                read_numbers(each, markers, file.owner, name, row) for name, each in zip(names, values, strict=True)
            ]
            parts.append(np.stack(columns, axis=1))
        row += len(batch)
    return np.concatenate(parts)


def _tables(
    files: Mapping[str, File],
    surveys: Mapping[str, Mapping[str, Survey]],
    names: Sequence[str],
    markers: Sequence[str],
    categorical: Sequence[str],
) -> dict[str, Table]:
    """Every split's features, coded by the same dictionaries."""
    fixed = {
        name: "category" if name in categorical else surveys["train"][name].kind(files["train"].owner) for name in names
    }
    as_categories = [name for name, kind in fixed.items() if kind == "category"]
    dictionaries = {
        name: tuple(sorted(set().union(*(each[name].values for each in surveys.values())))) for name in as_categories
    }
    return {
        split: read_table(
            file.batches,
            [surveys[split][name] for name in names],
            markers=markers,
            categorical=as_categories,
            owner=file.owner,
            first_row=file.first_row,
            dictionaries=dictionaries,
        )
        for split, file in files.items()
    }
