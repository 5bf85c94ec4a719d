"""Rows made on demand are the rows an array would hold, read once where they are kept, and each before training."""

import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gradus.core.errors import InputError
from gradus.data.lazy import LazyRows, lazy_rows
from gradus.data.raw import Examples, RawData

WHOLE: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, (9, 2, 3), dtype=np.uint8)


class Pictures:
    """Files that count how often they are read and decoded; the one called `damaged` cannot be."""

    def __init__(self, damaged: int = -1) -> None:
        self.files: list[bytes] = [each.tobytes() for each in WHOLE]
        self.damaged = damaged
        self.read_files: list[int] = []
        self.decoded: list[int] = []

    def read(self, number: int) -> bytes:
        self.read_files.append(number)
        return self.files[number]

    def decode(self, content: bytes, number: int) -> NDArray[Any]:
        if number == self.damaged:
            raise InputError(f"image {number}", "is damaged")
        self.decoded.append(number)
        return np.frombuffer(content, np.uint8).reshape(2, 3)

    def rows(self) -> LazyRows:
        return LazyRows(self.read, self.decode, WHOLE.shape)


INDICES = [
    3, -1, slice(None), slice(1, 8, 3), slice(4, 4), [5, 0, 5], np.array([], np.int64), np.array([[1, 2], [8, 0]]),
    np.arange(9) % 2 == 0,
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
@pytest.mark.parametrize("kept", [False, True])
def test_rows_are_indexed_as_an_array_is(index: Any, kept: bool) -> None:
    rows = Pictures().rows()
    if kept:
        rows.keep()
        rows[::2]
    assert (rows.shape, rows.dtype) == (WHOLE.shape, WHOLE.dtype)
    for _ in range(2):
        found = rows[index]
        assert found.dtype == np.uint8
        assert np.array_equal(found, WHOLE[index])


def test_rows_that_are_kept_are_read_once() -> None:
    pictures = Pictures()
    rows = pictures.rows()
    rows.keep()
    for index in (slice(0, 4), slice(None), [3, 8], slice(None)):
        rows[index]
    rows.keep()  # again makes no difference
    rows.check()
    assert sorted(pictures.decoded) == list(range(9))
    assert sorted(pictures.read_files) == list(range(9))


def test_what_is_handed_out_can_be_written_to() -> None:
    rows = Pictures().rows()
    rows.keep()
    for _ in range(2):
        found = rows[2:4]
        found[:] = 0
    assert np.array_equal(rows[:], WHOLE)


def test_others_are_read_when_asked_for() -> None:
    pictures = Pictures()
    rows = pictures.rows()
    for _ in range(3):
        rows[4]
    assert pictures.decoded == [4, 4, 4]


def test_checking_looks_at_what_nobody_has_looked_at() -> None:
    pictures = Pictures()
    rows = pictures.rows()
    rows[2:6]
    rows.check()
    assert sorted(pictures.decoded) == list(range(9))
    rows.check()
    assert len(pictures.decoded) == 9


def test_checking_finds_what_is_damaged() -> None:
    rows = Pictures(damaged=7).rows()
    rows[:7]
    with pytest.raises(InputError, match="image 7: is damaged"):
        rows.check()
    with pytest.raises(InputError, match="image 7: is damaged"):
        rows.check()  # it is not taken for seen


def test_the_identity_is_of_every_file_and_decodes_none() -> None:
    pictures = Pictures()
    rows = pictures.rows()
    rows[3]
    sums = np.array([zlib.crc32(each) for each in pictures.files], np.uint32)
    assert rows.identity() == sums.tobytes()
    assert pictures.decoded == [3]
    rows.check()
    pictures.read_files.clear()
    assert rows.identity() == sums.tobytes()
    assert pictures.read_files == []


def test_lazy_rows_are_found_in_every_split() -> None:
    one, other = Pictures().rows(), Pictures().rows()
    target = np.zeros(9, np.int64)
    data = RawData(
        kind="x",
        task="classification",
        train=Examples((WHOLE, one), target),
        test=Examples((other, WHOLE), target),
        classes=("a", "b"),
    )
    assert lazy_rows(data) == [one, other]
