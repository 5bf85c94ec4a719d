"""Tables of columns: numbers with gaps, categories, dates; and the one matrix of numbers a network takes."""

# N examples, F number columns, G category columns

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradus.core.errors import InputError
from gradus.data.raw import Column
from gradus.data.scaling import MOST_SORTED, Affine, Rotation, Scaling, fit_scaling

Missing = Literal["median", "mean"]
TableChunks = Callable[[int], Iterable[tuple[NDArray[Any], ...]]]
MOST_FEATURES = 10_000
"""Features of the matrix; a table that becomes wider has a column of names or numbers of its own kind in it."""


@dataclass(frozen=True)
class Choices:
    """A category column: the values that training saw, beside the codes they have in the raw table; -1 is missing."""

    name: str
    values: tuple[str, ...]
    codes: tuple[int, ...]


@dataclass(frozen=True)
class TableEncoding:
    """Numbers (N, F) and codes (N, G) to float32 (N, F + indicators + categories).

    A missing number takes the training split's median (or mean), and a column of its own says so where training had
    gaps too. A category becomes one column for each value that training saw; any other value is 0 in all of them.

    Attributes:
        columns: of the raw table, the number columns first.
        fill: what a missing number becomes, (F,).
        gaps: number columns that have an indicator.
    """

    columns: tuple[Column, ...]
    fill: NDArray[np.float64]
    gaps: tuple[int, ...]
    scaling: Affine | Rotation
    choices: tuple[Choices, ...]
    kind: ClassVar = "table"

    def apply(self, numbers: NDArray[Any], codes: NDArray[Any] | None = None) -> Tensor:
        absent = np.isnan(numbers)
        parts = [self.scaling.apply(np.where(absent, self.fill, numbers))] if numbers.shape[1] else []
        parts.append(torch.from_numpy(absent[:, list(self.gaps)].astype(np.float32)))
        for place, each in enumerate(self.choices):
            assert codes is not None
            parts.append(torch.from_numpy((codes[:, place, None] == np.asarray(each.codes)).astype(np.float32)))
        return torch.cat(parts, dim=1)

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the matrix's columns."""
        named = [each.name for each in self.columns if each.kind != "category"]
        if isinstance(self.scaling, Rotation) and not self.scaling.keeps_shape:
            scaled = [f"component {number}" for number in range(1, len(self.scaling.matrix) + 1)]
        else:
            scaled = named
        return (
            *scaled,
            *(f"{named[place]} missing" for place in self.gaps),
            *(f"{each.name} = {value or 'missing'}" for each in self.choices for value in each.values),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "numbers": [{"name": each.name, "kind": each.kind} for each in self.columns if each.kind != "category"],
            "fill": self.fill.tolist(),
            "gaps": list(self.gaps),
            "scaling": self.scaling.to_json(),
            "categories": [
                {"name": each.name, "values": list(each.values), "codes": list(each.codes)} for each in self.choices
            ],
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        choices = tuple(
            Choices(each["name"], tuple(each["values"]), tuple(each["codes"])) for each in document["categories"]
        )
        numbers = tuple(Column(each["name"], each["kind"]) for each in document["numbers"])
        scaling = Affine if document["scaling"]["kind"] == Affine.kind else Rotation
        return cls(
            columns=(*numbers, *(Column(each.name, "category", each.values) for each in choices)),
            fill=np.asarray(document["fill"], np.float64),
            gaps=tuple(document["gaps"]),
            scaling=scaling.from_json(document["scaling"]),
            choices=choices,
        )


def fit_table(
    columns: tuple[Column, ...],
    chunks: TableChunks,
    count: int,
    *,
    scaling: Scaling,
    components: float | None = None,
    missing: Missing = "median",
) -> TableEncoding:
    """Fit to `count` training examples, `chunks(step)` giving every step-th of them.

    Raises:
        InputError: if the matrix would be wider than MOST_FEATURES.
    """
    numeric = sum(each.kind != "category" for each in columns)
    fill, gaps = _fit_gaps(chunks, numeric, count, missing)
    seen = _fit_categories(chunks, len(columns) - numeric)
    choices = tuple(
        Choices(each.name, tuple(each.categories[code] if code >= 0 else "" for code in codes), tuple(codes))
        for each, codes in zip(columns[numeric:], seen, strict=True)
    )
    width = numeric + len(gaps) + sum(len(each.values) for each in choices)
    if width > MOST_FEATURES:
        widest = max(choices, key=lambda each: len(each.values))
        raise InputError(
            f"data column `{widest.name}`",
            f"has {len(widest.values):,} different values, and the table would become {width:,} numbers an example",
            repair="Name it in `ignore`, or group its values.",
        )

    def filled(step: int) -> Iterable[NDArray[Any]]:
        for numbers, *_ in chunks(step):
            yield np.where(np.isnan(numbers), fill, numbers)

    fitted = fit_scaling(scaling if numeric else "none", filled, (numeric,), count, components)
    return TableEncoding(columns, fill, gaps, fitted, choices)


def _fit_gaps(
    chunks: TableChunks, numeric: int, count: int, missing: Missing
) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """What fills each column, and the columns with gaps; a column that is all gaps is filled with 0."""
    from sklearn.impute import SimpleImputer

    if not numeric:
        return np.zeros(0), ()
    gaps = np.zeros(numeric, bool)
    for numbers, *_ in chunks(1):
        gaps |= np.isnan(numbers).any(axis=0)
    # Columns without gaps too: one that only comes later, at prediction, is filled all the same.
    sample = np.concatenate([numbers for numbers, *_ in chunks(-(-count * numeric // MOST_SORTED))])
    imputer = SimpleImputer(strategy=missing, keep_empty_features=True).fit(sample)
    return np.asarray(imputer.statistics_, np.float64), tuple(int(each) for each in np.flatnonzero(gaps))


def _fit_categories(chunks: TableChunks, count: int) -> list[list[int]]:
    """The codes that occur in each category column, ascending."""
    seen: list[set[int]] = [set() for _ in range(count)]
    if count:
        for _, codes in chunks(1):
            for place, each in enumerate(seen):
                each.update(np.unique(codes[:, place]).tolist())
    return [sorted(each) for each in seen]
