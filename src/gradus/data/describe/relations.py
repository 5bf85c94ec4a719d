"""Columns that say the same as another one, or as the target.

They are looked for in examples spread evenly over the training split, as many as fit into MOST_NUMBERS numbers.
"""

# n examples looked at, F number columns, G category columns

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradus.data.raw import Column
from gradus.data.splits import Split

MOST_NUMBERS = 5_000_000
MOST_COLUMNS = 1_000
"""Columns compared each with each."""
FEWEST = 10
"""Examples below which columns agree by chance."""
REPEATED = 5
"""Times that a value occurs on average from which a column can be said to give another away."""
_CLOSE = 1e-6  # of a deviation; columns of float32 are never exactly in proportion


@dataclass(frozen=True)
class Relations:
    """Attributes:
    same: pairs of columns, and how the two agree.
    giveaways: columns that give the target away, and how.
    unique: categories of which nearly every example has its own.
    counting: number columns that go up by the same step from row to row.
    """

    same: list[tuple[str, str, str]]
    giveaways: list[tuple[str, str]]
    unique: list[str]
    counting: list[str]


def find_relations(columns: tuple[Column, ...], part: Split, *, classes: bool) -> Relations:
    """Compare the columns of a table, `columns` in the order of its inputs, with each other and with the target.

    Args:
        classes: whether the target is one of classes.
    """
    numbers, codes, target = _sample(part)
    names = [each.name for each in columns]
    if len(numbers) < FEWEST:
        return Relations([], [], [], [])
    usable = np.array([each.kind == "number" for each in columns[: numbers.shape[1]]])
    coded = _coded(numbers, codes, usable)
    same = [
        (names[one], names[other], how)
        for one, other, how in [*_proportional(numbers, usable), *_one_to_one(coded, numbers.shape[1])]
    ]
    if classes:
        giveaways = [(names[place], "value for value") for place in coded if _decides(coded[place], target[:, 0])]
    else:
        giveaways = [(names[place], how) for place, how in _proportional_to(numbers, usable, target)]
    wide = numbers.shape[1]
    unique = [
        names[wide + place]
        for place, each in enumerate(codes.T)
        if len(np.unique(each[each >= 0])) > 0.9 * max((each >= 0).sum(), FEWEST)
    ]
    return Relations(same, giveaways, unique, [names[place] for place in _counting(numbers, usable)])


def _sample(part: Split) -> tuple[NDArray[np.float64], NDArray[Any], NDArray[Any]]:
    """Numbers (n, F), codes (n, G) and target (n, K)."""
    width = sum(each.shape[1] for each in part.examples.inputs)
    rows = part.index[:: -(-len(part) * width // MOST_NUMBERS)]
    chunks = list(part.examples.chunks(rows))
    parts = [np.concatenate(each) for each in zip(*chunks, strict=True)]
    codes = parts[1] if len(parts) > 1 else np.zeros((len(rows), 0), np.int32)
    return parts[0].astype(np.float64), codes, part.examples.target[rows].reshape(len(rows), -1)


def _scaled(numbers: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Columns with mean 0 and deviation 1, gaps as 0, and which of them vary at all."""
    absent = np.isnan(numbers)
    count = np.maximum((~absent).sum(axis=0), 1)
    centred = np.where(absent, 0, numbers - np.where(absent, 0, numbers).sum(axis=0) / count)
    deviation = np.sqrt((centred**2).sum(axis=0) / count)
    varies = deviation > 1e-12 * np.maximum(np.abs(np.where(absent, 0, numbers)).max(axis=0), 1e-300)
    return centred / np.where(varies, deviation, 1), varies


def _proportional(numbers: NDArray[np.float64], usable: NDArray[np.bool_]) -> list[tuple[int, int, str]]:
    """Pairs with a correlation of 1 or -1 and gaps in the same places; of several equal ones, each with the first."""
    if not 2 <= numbers.shape[1] <= MOST_COLUMNS:
        return []
    scaled, varies = _scaled(numbers)
    correlation = np.abs(scaled.T @ scaled) / len(scaled)
    full = np.diag(correlation)  # below 1 by the share of gaps
    candidates = np.triu(correlation > (1 - _CLOSE) * np.maximum(full[:, None], full), k=1)
    able = usable & varies
    candidates &= able[:, None] & able
    found, taken = [], set()
    for one, other in np.argwhere(candidates).tolist():
        if other in taken or not np.array_equal(np.isnan(numbers[:, one]), np.isnan(numbers[:, other])):
            continue
        if np.array_equal(numbers[:, one], numbers[:, other], equal_nan=True):
            how = "equal"
        elif _agree(scaled[:, one], scaled[:, other]):
            how = "in proportion"
        else:
            continue
        taken.add(other)
        found.append((one, other, how))
    return found


def _agree(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return bool(min(np.abs(one - other).max(), np.abs(one + other).max()) < _CLOSE * max(np.abs(one).max(), 1))


def _proportional_to(
    numbers: NDArray[np.float64], usable: NDArray[np.bool_], target: NDArray[Any]
) -> list[tuple[int, str]]:
    """Columns that are a regression target, up to its unit."""
    scaled, varies = _scaled(numbers)
    wanted, moving = _scaled(target.astype(np.float64))
    found = []
    for place in np.flatnonzero(usable & varies & ~np.isnan(numbers).any(axis=0)).tolist():
        for goal in np.flatnonzero(moving).tolist():
            if _agree(scaled[:, place], wanted[:, goal]):
                equal = np.array_equal(numbers[:, place].astype(np.float32), target[:, goal])
                found.append((place, "equal" if equal else "in proportion"))
                break
    return found


def _coded(
    numbers: NDArray[np.float64], codes: NDArray[Any], usable: NDArray[np.bool_]
) -> dict[int, NDArray[np.int64]]:
    """Columns whose values repeat, as codes from 0, by their place."""
    if numbers.shape[1] + codes.shape[1] > MOST_COLUMNS:
        return {}
    every = [*(numbers[:, place] for place in range(numbers.shape[1])), *codes.T]
    found = {}
    for place, values in enumerate(every):
        if place < numbers.shape[1] and not usable[place]:
            continue
        distinct, coded = np.unique(values, return_inverse=True)
        if 2 <= len(distinct) <= len(values) / REPEATED:
            found[place] = coded
    return found


def _one_to_one(coded: dict[int, NDArray[np.int64]], wide: int) -> list[tuple[int, int, str]]:
    """Pairs of columns, not both numbers, each value of which goes with one value of the other."""
    sizes = {place: int(each.max()) + 1 for place, each in coded.items()}
    found, taken = [], set()
    for one, first in coded.items():
        for other, second in coded.items():
            if other <= one or other < wide or sizes[one] != sizes[other] or other in taken:
                continue
            if _pairs(first, second, sizes[other]) == sizes[one]:
                taken.add(other)
                found.append((one, other, "value for value"))
    return found


def _decides(coded: NDArray[np.int64], target: NDArray[np.int64]) -> bool:
    """Whether each value of a column goes with one class, of at least two that occur."""
    if len(np.unique(target)) < 2:
        return False
    return _pairs(coded, target, int(target.max()) + 1) == int(coded.max()) + 1


def _pairs(one: NDArray[np.int64], other: NDArray[np.int64], size: int) -> int:
    return len(np.unique(one * size + other))


def _counting(numbers: NDArray[np.float64], usable: NDArray[np.bool_]) -> list[int]:
    if numbers.shape[1] < 2:
        return []  # the one thing there is to learn from
    steps = np.diff(numbers, axis=0)
    even = (steps == steps[:1]).all(axis=0) & (steps[0] != 0)
    return [int(each) for each in np.flatnonzero(even & usable)]
