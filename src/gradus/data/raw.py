"""Examples as a source hands them over: whole arrays, memory maps or lazy rows; nothing scaled, nothing shuffled."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from gradus.core.spec import DataSpec, Task

CHUNK = 1024
"""Examples read at a time where a whole set is passed over; fixed, so that sums do not depend on where data live."""
CHUNK_NUMBERS = 1 << 22
"""Numbers in their first input beyond which fewer are read: a thousand photographs would fill a gigabyte."""


class Rows(Protocol):
    """An array, a memory map, or anything that is indexed like one along its first axis."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __getitem__(self, index: Any, /) -> Any: ...


class Windows:
    """Windows of `base` (T, ...): example i is its `width` rows from i `stride` on, (N, width, ...), none of it copied.

    Args:
        count: N, where the last windows are not wanted; by default as many as there are.
    """

    def __init__(self, base: NDArray[Any], width: int, count: int | None = None, stride: int = 1) -> None:
        self.base, self.width, self.stride = base, width, stride
        self.shape = ((len(base) - width) // stride + 1 if count is None else count, width, *base.shape[1:])
        self.dtype = base.dtype

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        first = self.stride * np.arange(self.shape[0])[index]
        rows: NDArray[Any] = self.base[first[..., None] + np.arange(self.width)]
        return rows


@dataclass(frozen=True)
class Examples:
    """Inputs, each (N, ...), beside their target: int64 class numbers, (N,) or (N, T), or (N, K) float32 values."""

    inputs: tuple[Rows, ...]
    target: NDArray[Any]

    def __len__(self) -> int:
        return len(self.target)

    def chunks(self, index: NDArray[np.int64]) -> Iterator[tuple[NDArray[Any], ...]]:
        """The inputs of the examples `index`, CHUNK at a time, or as many as have CHUNK_NUMBERS."""
        size = max(1, min(CHUNK, CHUNK_NUMBERS // max(1, math.prod(self.inputs[0].shape[1:]))))
        for start in range(0, len(index), size):
            rows = index[start : start + size]
            yield tuple(each[rows] for each in self.inputs)


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        kind: ``number``, one that a date was taken apart into (``date``), or ``category``.
        categories: the values that the codes 0, 1, ... of a category column stand for.
    """

    name: str
    kind: Literal["number", "date", "category"]
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RawData:
    """What a source found.

    Inputs are images (N, C, H, W), sequences (N, T, F), vectors (N, F), text as codes (N, T), or a table: its numbers
    (N, F) as float64, NaN where one is missing, and beside them, if it has any, its categories as codes (N, G), -1
    where one is missing.

    Attributes:
        validation, test: None where the source has no such split of its own.
        classes: names of the classes; for text, of the symbols that may come next.
        columns: of a table, in the order of `inputs`; of a sequence, its features; empty for other data.
        vocabulary: of text, the symbol of each code.
        ordered: the examples follow one another in time; what is set aside is then the end, not a random choice.
        gap: examples to leave out where an ordered set is cut, so that the targets on both sides share nothing.
        target_names: of the values of a regression target.
    """

    kind: str
    task: Task
    train: Examples
    validation: Examples | None = None
    test: Examples | None = None
    classes: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    vocabulary: tuple[str, ...] = ()
    ordered: bool = False
    gap: int = 0
    target_names: tuple[str, ...] = ()

    @property
    def spec(self) -> DataSpec:
        """The data as they come; `Preprocessing.spec` tells what a model sees of them."""
        return DataSpec(
            task=self.task,
            inputs=tuple(tuple(each.shape[1:]) for each in self.train.inputs),
            input_dtypes=("int64",) if self.vocabulary else (),
            outputs=len(self.classes) if self.task == "classification" else self.train.target.shape[1],
            classes=self.classes,
            vocabulary=self.vocabulary,
            steps=self.steps,
        )

    @property
    def steps(self) -> int | None:
        """T, where each step has a class of its own."""
        target = self.train.target
        return int(target.shape[1]) if self.task == "classification" and target.ndim == 2 else None

    @property
    def is_table(self) -> bool:
        """Whether the inputs are a table's numbers and categories."""
        return bool(self.columns) and len(self.train.inputs[0].shape) == 2

    def parts(self) -> tuple[Examples, ...]:
        """The examples of every split that the source has."""
        return tuple(each for each in (self.train, self.validation, self.test) if each is not None)
