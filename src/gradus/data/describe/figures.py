"""One pass over a split: what its numbers are like, and a digest of every example."""

# N examples, C channels, F features or number columns, G category columns

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradus.data.raw import CHUNK, Column, RawData, Windows
from gradus.data.splits import Split, Splits

DIGEST = 16
"""Bytes kept of every example; two different ones agree by chance about never."""


@dataclass
class Moments:
    """Range, mean and deviation of each of F columns of numbers, NaN where one is missing.

    Source: Chan, Golub, LeVeque (1983), Algorithms for computing the sample variance, equation 2.1.
    """

    count: NDArray[np.int64]
    missing: NDArray[np.int64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    mean: NDArray[np.float64]
    scatter: NDArray[np.float64]

    @classmethod
    def of(cls, width: int) -> "Moments":
        nothing, zero = np.full(width, np.nan), np.zeros(width, np.int64)
        return cls(zero, zero.copy(), nothing, nothing.copy(), np.zeros(width), np.zeros(width))

    def add(self, rows: NDArray[Any]) -> None:
        """Take in (M, F) more numbers."""
        rows = rows.astype(np.float64)
        absent = np.isnan(rows)
        count = len(rows) - absent.sum(axis=0)
        self.missing += len(rows) - count
        self.minimum = np.fmin(self.minimum, np.fmin.reduce(rows, axis=0))
        self.maximum = np.fmax(self.maximum, np.fmax.reduce(rows, axis=0))
        mean = np.where(absent, 0, rows).sum(axis=0) / np.maximum(count, 1)
        apart, total = mean - self.mean, np.maximum(self.count + count, 1)
        self.scatter += (np.where(absent, 0, rows - mean) ** 2).sum(axis=0) + apart**2 * (self.count * count / total)
        self.mean += apart * (count / total)
        self.count += count

    @property
    def deviation(self) -> NDArray[np.float64]:
        spread: NDArray[np.float64] = np.sqrt(self.scatter / np.maximum(self.count, 1))
        return spread


@dataclass
class Figures:
    """What a pass over a split found.

    Attributes:
        moments: of the numbers of a table or series (F), or of an image's channels (C); None for text.
        categories: how often each value of a category column, or each symbol of a text, occurs; the missing ones last.
        digests: (N,) of the examples; None where windows overlap, so that examples repeat one another by design.
        blank: images of a single colour, by their numbers in the split's examples.
    """

    moments: Moments | None = None
    categories: list[NDArray[np.int64]] = field(default_factory=list)
    digests: NDArray[np.bytes_] | None = None
    blank: list[int] = field(default_factory=list)

    def rows(self) -> list[dict[str, Any]]:
        """Each column's or channel's figures; None for what a column without a value has not."""
        assert self.moments is not None
        m = self.moments
        figures = {"minimum": m.minimum, "maximum": m.maximum, "mean": m.mean, "deviation": m.deviation}
        return [
            {
                "missing": int(m.missing[place]),
                **{name: float(each[place]) if m.count[place] else None for name, each in figures.items()},
            }
            for place in range(len(m.count))
        ]


def look(data: RawData, part: Split) -> Figures:
    """Pass over a split once, a chunk at a time."""
    found = Figures()
    if data.vocabulary:
        found.categories = [np.zeros(len(data.vocabulary) + 1, np.int64)]
    elif data.is_table:
        found.categories = [
            np.zeros(len(each.categories) + 1, np.int64) for each in data.columns if each.kind == "category"
        ]
    shape = data.spec.inputs[0]
    if not data.vocabulary:
        found.moments = Moments.of(shape[0] if len(shape) == 3 else shape[-1])
    digests = bytearray()
    overlapping = any(isinstance(each, Windows) for each in part.examples.inputs)
    start = 0
    for rows in _window_rows(part) if overlapping else part.examples.chunks(part.index):
        numbers, *codes = rows
        if data.vocabulary:
            found.categories[0][:-1] += np.bincount(numbers.ravel(), minlength=len(data.vocabulary))
        elif len(shape) == 3:
            assert found.moments is not None
            found.moments.add(np.moveaxis(numbers, 1, -1).reshape(-1, shape[0]))
            plain = (numbers == numbers[:, :, :1, :1]).all(axis=(1, 2, 3))
            found.blank += part.index[start + np.flatnonzero(plain)].tolist()
        else:
            assert found.moments is not None
            found.moments.add(numbers.reshape(-1, shape[-1]))
        if data.is_table and codes:
            for counts, column in zip(found.categories, codes[0].T, strict=True):
                np.add.at(counts, column, 1)  # -1, a missing one, is the last
        if not overlapping:
            digests += _digests(rows)
        start += len(numbers)
    if not overlapping:
        found.digests = np.frombuffer(digests, dtype=f"S{DIGEST}")
    return found


def class_counts(data: RawData, splits: Splits) -> dict[str, NDArray[np.int64]]:
    """How many examples of each class each split has, (classes,); or steps, where each of them has a class."""
    names = len(data.classes)
    return {name: np.bincount(part.target.ravel(), minlength=names) for name, part in splits.named().items()}


def feature_columns(data: RawData) -> tuple[Column, ...]:
    """The columns of a table or series; numbered ones where they have no names."""
    return data.columns or tuple(Column(str(each), "number") for each in range(data.spec.inputs[0][-1]))


def _window_rows(part: Split) -> Iterator[tuple[NDArray[Any], ...]]:
    """The rows that the windows of an ordered split lie over, each once."""
    (windows,) = part.examples.inputs
    assert isinstance(windows, Windows)
    first, last = (int(each) * windows.stride for each in (part.index.min(), part.index.max()))
    last += windows.width
    for start in range(first, last, CHUNK):
        yield (windows.base[start : min(start + CHUNK, last)],)


def _digests(rows: tuple[NDArray[Any], ...]) -> bytes:
    parts = [np.ascontiguousarray(each).reshape(len(each), -1).view(np.uint8) for each in rows if each.size]
    together = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    return b"".join(blake2b(each.data, digest_size=DIGEST).digest() for each in together)
