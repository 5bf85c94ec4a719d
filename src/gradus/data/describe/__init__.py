"""What a data set holds and what is wrong with it, before anything is trained on it."""

from typing import Any

import numpy as np

from gradus.data.calendar import calendar_of
from gradus.data.describe.copies import Copies, find_copies
from gradus.data.describe.figures import Figures, class_counts, feature_columns, look
from gradus.data.describe.problems import find_problems
from gradus.data.raw import RawData
from gradus.data.splits import Split, Splits

MOST_FREQUENT = 5
"""Values of a category, and symbols of a text, that are named."""
CHANNELS = {1: ("grey",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "opacity")}


def describe(data: RawData, splits: Splits) -> dict[str, Any]:
    """The document of ``gradus data --json``.

    It reads every example once, in chunks, and keeps 16 bytes of each. Figures of the inputs and of a regression target
    are the training split's.

    Returns:
        kind, task, shape, dtype; splits, the examples in each.
        classes; balance, each one's share of all examples; counts, how many each split has.
        columns, channels or symbols: of a table or series, of images and videos, of text.
        target: of regression, a row for each of its values.
        copies: examples that occur more than once; None where windows overlap anyway.
        problems: sentences with what to do.
    """
    figures = {name: look(data, part) for name, part in splits.named().items()}
    copies = find_copies(data, splits, {name: each.digests for name, each in figures.items()})
    train = figures["train"]
    document: dict[str, Any] = {
        "kind": data.kind,
        "task": data.task,
        "splits": {name: len(part) for name, part in splits.named().items()},
        "shape": [list(shape) for shape in data.spec.inputs],
        "dtype": [str(each.dtype) for each in data.train.inputs],
    }
    if data.task == "classification":
        counts = class_counts(data, splits)
        together = np.sum(list(counts.values()), axis=0)
        document["classes"] = list(data.classes)
        document["balance"] = {
            name: float(share) for name, share in zip(data.classes, together / together.sum(), strict=True)
        }
        document["counts"] = {
            name: dict(zip(data.classes, each.tolist(), strict=True)) for name, each in counts.items()
        }
    if data.vocabulary:
        document["symbols"] = _symbols(data, train)
    elif len(data.spec.inputs[0]) > 2:
        document["channels"] = _channels(train)
    else:
        document["columns"] = _columns(data, train)
    if data.task == "regression":
        document["target"] = _targets(data, splits.train)
    document["copies"] = None if copies is None else _copies(copies)
    document["problems"] = find_problems(data, splits, figures, copies)
    return document


def _channels(figures: Figures) -> list[dict[str, Any]]:
    rows = figures.rows()
    names = CHANNELS.get(len(rows)) or [str(each) for each in range(len(rows))]
    return [{"name": name, **row} for name, row in zip(names, rows, strict=True)]


def _columns(data: RawData, figures: Figures) -> list[dict[str, Any]]:
    """A row for each column as the file has it: what a date was taken apart into is one row, its first and last day."""
    columns = feature_columns(data)
    numeric = [each for each in columns if each.kind != "category"]
    rows: list[dict[str, Any]] = []
    dates = set()
    for column, found in zip(numeric, figures.rows(), strict=True):
        if column.kind == "number":
            rows.append({"name": column.name, "kind": "number", **found})
            continue
        name = calendar_of(column.name)
        if name not in dates:  # its days come before the cycles they go through
            dates.add(name)
            ends = {end: _day(found[end]) for end in ("minimum", "maximum")}
            rows.append({"name": name, "kind": "date", "missing": found["missing"], **ends})
    for column, counts in zip(columns[len(numeric) :], figures.categories, strict=True):
        rows.append({"name": column.name, "kind": "category", **_frequent(column.categories, counts)})
    return rows


def _day(days: float | None) -> str | None:
    return None if days is None else str(np.datetime64("1970-01-01") + int(np.floor(days)))


def _frequent(names: tuple[str, ...], counts: Any) -> dict[str, Any]:
    """Of category counts, the missing ones last."""
    present, missing = counts[:-1], int(counts[-1])
    most = np.argsort(-present, kind="stable")[:MOST_FREQUENT]
    total = max(int(counts.sum()), 1)
    return {
        "missing": missing,
        "distinct": int((present > 0).sum()),
        "frequent": {names[each]: int(present[each]) / total for each in most if present[each]},
    }


def _symbols(data: RawData, figures: Figures) -> dict[str, Any]:
    (counts,) = figures.categories
    found = _frequent(data.vocabulary, counts)
    return {"count": int(counts.sum()), "distinct": found["distinct"], "frequent": found["frequent"]}


def _targets(data: RawData, train: Split) -> list[dict[str, Any]]:
    target = train.target.astype(np.float64)
    names = data.target_names or (
        ("target",) if target.shape[1] == 1 else tuple(f"target {place}" for place in range(target.shape[1]))
    )
    return [
        {
            "name": name,
            "minimum": float(values.min()),
            "maximum": float(values.max()),
            "mean": float(values.mean()),
            "deviation": float(values.std()),
        }
        for name, values in zip(names, target.T, strict=True)
    ]


def _copies(copies: Copies) -> dict[str, Any]:
    return {
        "within": copies.within,
        "across": {f"{one} and {other}": found.count for (one, other), found in copies.across.items()},
        "conflicting": copies.conflicting,
    }
