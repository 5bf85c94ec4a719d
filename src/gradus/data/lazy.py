"""Examples that are decoded from files when they are asked for."""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradus.data.raw import RawData


class LazyRows:
    """Rows (N, ...) each made from the bytes of its file, on every access anew unless `keep` was called.

    It remembers which examples were read without complaint, so that `check` reads only the others.

    Args:
        read: the bytes of example i.
        decode: the example from those bytes and i; raises InputError for what cannot be used.
        shape: (N, ...).
    """

    def __init__(
        self,
        read: Callable[[int], bytes],
        decode: Callable[[bytes, int], NDArray[Any]],
        shape: tuple[int, ...],
        dtype: Any = np.uint8,
    ) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._read, self._decode = read, decode
        self._read_well = np.zeros(shape[0], np.bool_)
        self._sums = np.zeros(shape[0], np.uint32)
        self._kept: NDArray[Any] | None = None

    def __getitem__(self, index: Any, /) -> NDArray[Any]:
        numbers = np.arange(self.shape[0])[index]
        if self._kept is not None and self._read_well[numbers].all():
            return np.array(self._kept[numbers])
        rows: NDArray[Any] = np.empty((*numbers.shape, *self.shape[1:]), self.dtype)
        for place, number in np.ndenumerate(numbers):
            rows[place] = self._example(int(number))
        return rows

    def keep(self) -> None:
        """Decode every example only once: what is read from now on stays in memory."""
        if self._kept is None:
            self._kept = np.empty(self.shape, self.dtype)
            self._read_well[:] = False

    def check(self) -> None:
        """Decode every example that was not decoded yet.

        Raises:
            InputError: for one that cannot be used.
        """
        for number in np.flatnonzero(~self._read_well):
            self._example(int(number))

    def identity(self) -> bytes:
        """A checksum of every example's file; another file has another, with near certainty."""
        for number in np.flatnonzero(~self._read_well):
            self._sums[number] = zlib.crc32(self._read(int(number)))
        return self._sums.tobytes()

    def _example(self, number: int) -> NDArray[Any]:
        if self._kept is not None and self._read_well[number]:
            kept: NDArray[Any] = self._kept[number]
            return kept
        content = self._read(number)
        example = self._decode(content, number)
        self._sums[number] = zlib.crc32(content)
        self._read_well[number] = True
        if self._kept is not None:
            self._kept[number] = example
        return example


def lazy_rows(data: RawData) -> list[LazyRows]:
    """The inputs of `data`, of every split, that are decoded when asked for."""
    return [each for examples in data.parts() for each in examples.inputs if isinstance(each, LazyRows)]
