"""Windows are views of one array, and behave as the array of all of them would."""

import numpy as np
import pytest
from numpy.typing import NDArray

from gradus.data.raw import Column, Examples, RawData, Windows

BASE = np.arange(20.0).reshape(10, 2)


@pytest.mark.parametrize("index", [0, -1, slice(None), slice(2, 7, 2), np.array([3, 3, 0]), np.array([], np.int64)])
def test_windows_are_indexed_as_the_array_of_all_of_them(index: int) -> None:
    whole = np.moveaxis(np.lib.stride_tricks.sliding_window_view(BASE, 4, axis=0), -1, 1)
    for stride in (1, 3):
        windows, every = Windows(BASE, 4, stride=stride), whole[::stride]
        assert windows.shape == every.shape
        assert windows.dtype == every.dtype
        here = np.minimum(index, len(every) - 1) if isinstance(index, np.ndarray) else index
        assert np.array_equal(windows[here], every[here])


def test_the_last_windows_can_be_left_out() -> None:
    windows = Windows(BASE, 4, count=5)
    assert windows.shape == (5, 4, 2)
    assert np.array_equal(windows[-1], BASE[4:8])
    with pytest.raises(IndexError):
        windows[5]


def test_a_table_is_known_by_its_columns() -> None:
    table = Examples((np.zeros((3, 2)),), np.zeros(3, np.int64))
    columns = (Column("a", "number"), Column("b", "number"))
    assert RawData(kind="t", task="classification", train=table, classes=("x", "y"), columns=columns).is_table
    assert not RawData(kind="t", task="classification", train=table, classes=("x", "y")).is_table
    series = Examples((Windows(BASE, 4),), np.zeros((7, 1)))
    assert not RawData(kind="t", task="regression", train=series, columns=columns, ordered=True).is_table


def test_text_is_whole_numbers() -> None:
    text = Examples((Windows(np.array([0, 1, 1, 0]), 2, 2),), np.zeros(2, np.int64))
    raw = RawData(kind="t", task="classification", train=text, classes=("a", "b"), vocabulary=("a", "b"))
    assert raw.spec.input_dtypes == ("int64",)
    assert raw.spec.vocabulary == ("a", "b")
    assert raw.spec.inputs == ((2,),)


class Shaped:
    """Rows that are never made: only how many are asked for."""

    def __init__(self, *shape: int) -> None:
        self.shape, self.dtype = shape, np.dtype(np.uint8)

    def __getitem__(self, index: NDArray[np.int64], /) -> NDArray[np.int64]:
        return index


@pytest.mark.parametrize(
    ("shape", "size"), [((2,), 1024), ((3, 32, 32), 1024), ((3, 500, 500), 5), ((1 << 22,), 1), ((1 << 30,), 1)]
)
def test_large_examples_are_read_few_at_a_time(shape: tuple[int, ...], size: int) -> None:
    index = np.arange(2100)[::-1]
    chunks = [each for (each,) in Examples((Shaped(2100, *shape),), np.zeros(2100)).chunks(index)]
    assert len(chunks[0]) == size
    assert len(chunks) == -(-2100 // size)
    assert np.array_equal(np.concatenate(chunks), index)
