"""Columns that repeat one another, or the target, are named; those that only resemble are not."""

from typing import Any

import numpy as np
import pytest

from gradus.data.arrays import from_arrays
from gradus.data.describe import relations
from gradus.data.describe.relations import Relations, find_relations
from gradus.data.raw import Column, RawData
from gradus.data.splits import split
from tests.data.describe.sets import table

RNG = np.random.default_rng(2)
N = 200
A, B = RNG.normal(size=N), RNG.normal(size=N)
WORDS = RNG.choice(["x", "y", "z"], N)
SIDES = RNG.choice(["left", "right"], N)


def found(data: RawData) -> Relations:
    columns = data.columns or tuple(Column(str(each), "number") for each in range(data.spec.inputs[0][-1]))
    part = split(data, validation=0.0, test=0.0, seed=0).train
    return find_relations(columns, part, classes=data.task == "classification")


def same(numbers: dict[str, Any], categories: dict[str, Any] | None = None) -> list[tuple[str, str, str]]:
    return found(table(numbers, categories or {}, SIDES)).same


def gaps(values: Any, *places: int) -> Any:
    holed = np.array(values, np.float64)
    holed[list(places)] = np.nan
    return holed


@pytest.mark.parametrize(
    ("numbers", "pairs"),
    [
        ({"a": A, "b": B}, []),
        ({"a": A, "b": A}, [("a", "b", "equal")]),
        ({"a": A, "b": 32 - 1.8 * A}, [("a", "b", "in proportion")]),
        ({"a": A.astype(np.float32), "b": (2.54 * A).astype(np.float32)}, [("a", "b", "in proportion")]),
        ({"a": 1e9 + A, "b": 1e9 + A}, [("a", "b", "equal")]),
        ({"a": A, "b": A, "c": A, "d": B}, [("a", "b", "equal"), ("a", "c", "equal")]),
        ({"a": A, "b": A + 1e-3 * B}, []),
        ({"a": A, "b": np.where(np.arange(N) == 7, 5.0, A)}, []),  # one row makes the difference
        ({"a": gaps(A, 3, 9), "b": gaps(A, 3, 9)}, [("a", "b", "equal")]),
        ({"a": gaps(A, 3, 9), "b": 2 * gaps(A, 3, 9)}, [("a", "b", "in proportion")]),
        ({"a": gaps(A, 3), "b": A}, []),
        ({"a": np.ones(N), "b": np.ones(N)}, []),  # they are constant, which is told elsewhere
    ],
)
def test_pairs_of_numbers(numbers: dict[str, Any], pairs: list[tuple[str, str, str]]) -> None:
    assert same(numbers) == pairs


def test_pairs_of_categories() -> None:
    renamed = np.char.replace(WORDS, "x", "ex")
    pair = [("word", "name", "value for value")]
    assert same({"a": A}, {"word": WORDS, "name": renamed}) == pair
    assert same({"a": A}, {"word": WORDS, "side": RNG.choice(["p", "q", "r"], N)}) == []
    coarser = np.where(WORDS == "x", "x", "other")  # one tells the other, but not the other way round
    assert same({"a": A}, {"word": WORDS, "coarse": coarser}) == []
    level = {"x": 3.0, "y": 1.0, "z": 2.0}
    numbered = [level[each] for each in WORDS]
    assert same({"a": A, "level": numbered}, {"word": WORDS}) == [("level", "word", "value for value")]


def test_a_category_that_decides_the_class() -> None:
    assert found(table({"a": A}, {"code": np.char.add("c-", SIDES)}, SIDES)).giveaways == [("code", "value for value")]
    finer = np.char.add(SIDES, RNG.choice(["1", "2"], N))
    assert found(table({"a": A}, {"finer": finer}, SIDES)).giveaways == [("finer", "value for value")]
    almost = SIDES.copy()
    almost[3] = "left" if almost[3] == "right" else "right"
    assert found(table({"a": A}, {"almost": almost}, SIDES)).giveaways == []


def test_a_number_that_decides_the_class() -> None:
    assert found(table({"flag": (SIDES == "left") * 1.0}, {}, SIDES)).giveaways == [("flag", "value for value")]
    assert found(table({"own": A}, {}, SIDES)).giveaways == []  # every value is there once


def test_a_column_that_is_the_value_to_predict() -> None:
    assert found(from_arrays(np.stack([B, A], axis=1), A)).giveaways == [("1", "equal")]
    assert found(from_arrays(np.stack([B, -3 * A], axis=1), A)).giveaways == [("1", "in proportion")]
    assert found(from_arrays(np.stack([B, A + 0.01 * B], axis=1), A)).giveaways == []


def test_names_and_row_numbers() -> None:
    names = [f"person {each}" for each in range(N)]
    assert found(table({"a": A}, {"name": names, "word": WORDS}, SIDES)).unique == ["name"]
    some = ["" if each % 2 else f"person {each}" for each in range(N)]
    assert found(table({"a": A}, {"name": some}, SIDES)).unique == ["name"]
    thirds = [f"person {each // 3}" for each in range(N)]
    assert found(table({"a": A}, {"name": thirds}, SIDES)).unique == []
    assert found(table({"id": 1000 + np.arange(N), "a": A}, {}, SIDES)).counting == ["id"]
    assert found(table({"id": RNG.permutation(N), "a": A}, {}, SIDES)).counting == []
    assert found(table({"x": np.arange(N)}, {}, A)).counting == []  # all there is to learn from


def test_nothing_is_said_of_a_handful() -> None:
    x = A[:9]
    assert found(table({"a": x, "b": x, "id": np.arange(9)}, {}, SIDES[:9])) == Relations([], [], [], [])
    assert found(table({"a": A[:10], "b": A[:10]}, {}, SIDES[:10])).same == [("a", "b", "equal")]


def test_a_large_table_is_sampled_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tenth row is looked at: what differs elsewhere is missed, as the docs say."""
    monkeypatch.setattr(relations, "MOST_NUMBERS", 2 * N // 10)
    assert same({"a": A, "b": np.where(np.arange(N) % 10 == 5, 9.0, A)}) == [("a", "b", "equal")]
    assert same({"a": A, "b": np.where(np.arange(N) % 10 == 0, 9.0 * B, A)}) == []
