"""What a data set holds and what is wrong with it, before anything is trained on it."""

from typing import Any

import numpy as np

from gradus.data.raw import RawData
from gradus.data.splits import Splits

IMBALANCE = 10.0
"""Times more examples of the most frequent class than of the rarest from which imbalance is worth a word."""


def describe(data: RawData, splits: Splits) -> dict[str, Any]:
    """The document of ``gradus data --json``: kind, splits, shape, classes, balance, problems.

    `balance` is each class's share of all examples; `problems` are sentences with what to do.
    """
    document: dict[str, Any] = {
        "kind": data.kind,
        "task": data.task,
        "splits": {name: len(part) for name, part in splits.named().items()},
        "shape": [list(shape) for shape in data.spec.inputs],
        "dtype": [str(each.dtype) for each in data.train.inputs],
    }
    if data.task == "classification":
        counts = np.bincount(data.train.target, minlength=len(data.classes))
        document["classes"] = list(data.classes)
        document["balance"] = {name: float(n) / len(data.train) for name, n in zip(data.classes, counts, strict=True)}
    else:
        target = data.train.target
        figures = {"minimum": target.min(), "maximum": target.max(), "mean": target.mean(dtype=np.float64)}
        document["target"] = {name: float(value) for name, value in figures.items()}
    document["problems"] = _problems(data)
    return document


def _problems(data: RawData) -> list[str]:
    problems = []
    if data.task == "classification":
        counts = np.bincount(data.train.target, minlength=len(data.classes))
        absent = [data.classes[i] for i in np.flatnonzero(counts == 0)]
        if absent:
            problems.append(f"no training example of: {', '.join(absent)}. Remove the class or add examples.")
        present = np.flatnonzero(counts)
        most, least = present[counts[present].argmax()], present[counts[present].argmin()]
        if counts[most] >= IMBALANCE * counts[least]:
            problems.append(
                f"imbalanced: {counts[most]:,} of `{data.classes[most]}` to {counts[least]:,} of "
                f"`{data.classes[least]}`. Accuracy will flatter; look at each class's score."
            )
    for number, rows in enumerate(data.train.inputs):
        if len(rows.shape) != 2:
            continue
        low = np.full(rows.shape[1], np.inf)
        high = np.full(rows.shape[1], -np.inf)
        for chunk in data.train.chunks(np.arange(len(data.train))):
            low, high = np.minimum(low, chunk[number].min(axis=0)), np.maximum(high, chunk[number].max(axis=0))
        constant = np.flatnonzero(low == high)
        if len(constant):
            named = ", ".join(str(each) for each in constant[:10]) + (", ..." if len(constant) > 10 else "")
            problems.append(f"constant columns, which carry no information: {len(constant)} ({named}). Leave them out.")
    return problems
