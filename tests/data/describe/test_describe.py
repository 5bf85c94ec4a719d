"""A data set is described as it is."""

import json

import numpy as np
import pytest

from gradus.data.arrays import from_arrays
from gradus.data.calendar import calendar_features, calendar_names
from gradus.data.describe import describe
from gradus.data.raw import CHUNK, Column, Examples, RawData, Windows
from gradus.data.splits import split
from tests.data.describe.sets import X, described, table


def test_classes() -> None:
    document = described(from_arrays(X.astype(np.float32), np.repeat(["a", "b", "c"], [30, 30, 60]), kind="mine"), 0.1)
    columns = document.pop("columns")
    assert document == {
        "kind": "mine", "task": "classification", "splits": {"train": 108, "validation": 12}, "shape": [[3]],
        "dtype": ["float32"], "classes": ["a", "b", "c"], "balance": {"a": 0.25, "b": 0.25, "c": 0.5},
        "counts": {"train": {"a": 27, "b": 27, "c": 54}, "validation": {"a": 3, "b": 3, "c": 6}},
        "copies": {"within": {"train": 0, "validation": 0}, "across": {}, "conflicting": 0}, "problems": [],
    }  # fmt: skip
    assert [each["name"] for each in columns] == ["0", "1", "2"]


def test_it_is_json() -> None:
    document = described(table({"a": [np.nan] * 30, "b": X[:30, 0]}, {"c": [""] * 30}, X[:30, 1]))
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["columns"][0]["mean"] is None
    assert document["columns"][2] == {"name": "c", "kind": "category", "missing": 30, "distinct": 0, "frequent": {}}


def test_figures_are_of_the_training_split() -> None:
    """What only the test has is in none of them."""
    train = np.linspace(-1, 3, 2 * CHUNK)
    data = table(
        {"a": train}, {"c": np.repeat(["x", "y"], CHUNK)}, train * 2,
        test=({"a": [77.0]}, {"c": ["marker"]}, [88.0]),
    )  # fmt: skip
    document = described(data)
    number, category = document["columns"]
    expected = {"missing": 0, "minimum": -1, "maximum": 3, "mean": np.mean(train), "deviation": np.std(train)}
    assert number.pop("kind") == "number"
    assert number.pop("name") == "a"
    assert number == pytest.approx(expected)
    assert category["frequent"] == {"x": 0.5, "y": 0.5}
    (goal,) = document["target"]
    assert goal.pop("name") == "goal"
    assert goal == pytest.approx({"minimum": -2, "maximum": 6, "mean": 2, "deviation": np.std(2 * train)}, rel=1e-6)
    assert document["splits"] == {"train": 2 * CHUNK, "test": 1}


def test_a_column_with_gaps() -> None:
    values = np.arange(40.0)
    values[::4] = np.nan
    number, category = described(table({"a": values}, {"c": ["x", "x", "y", ""] * 10}, X[:40, 0]))["columns"]
    assert number["missing"] == 10
    assert number["mean"] == pytest.approx(np.nanmean(values))
    assert number["deviation"] == pytest.approx(np.nanstd(values))
    assert (number["minimum"], number["maximum"]) == (1, 39)
    assert category["missing"] == 10
    assert category["distinct"] == 2
    assert category["frequent"] == {"x": 0.5, "y": 0.25}


def test_a_date_is_one_column() -> None:
    days = np.array(["2020-02-28T12:00", "2020-03-01", "NaT"] * 10, "datetime64[us]")
    data = RawData(
        kind="table",
        task="regression",
        train=Examples((calendar_features(days),), X[:30, :1].astype(np.float32)),
        columns=tuple(Column(name, "date") for name in calendar_names("when")),
    )
    (when,) = described(data)["columns"]
    assert when == {"name": "when", "kind": "date", "missing": 10, "minimum": "2020-02-28", "maximum": "2020-03-01"}


def test_channels_of_images() -> None:
    x = np.random.default_rng(0).integers(0, 256, (CHUNK + 20, 3, 4, 5), dtype=np.uint8)
    channels = described(from_arrays(x, np.arange(len(x)) % 2))["channels"]
    assert [each["name"] for each in channels] == ["red", "green", "blue"]
    for place, each in enumerate(channels):
        assert each["mean"] == pytest.approx(x[:, place].mean())
        assert each["deviation"] == pytest.approx(x[:, place].std())
        assert (each["minimum"], each["maximum"]) == (x[:, place].min(), x[:, place].max())


def test_a_series_counts_every_step_once() -> None:
    base = np.stack([np.arange(50.0), np.arange(50.0) ** 2], axis=1)
    data = RawData(
        kind="series",
        task="regression",
        train=Examples((Windows(base, 10, 40),), base[10:, :1].astype(np.float32)),
        columns=(Column("t", "number"), Column("square", "number")),
        ordered=True,
    )
    document = describe(data, split(data, validation=0.0, test=0.25, seed=0))
    first, second = document["columns"]  # 30 windows of 10 steps lie over the first 39
    assert (first["minimum"], first["maximum"], first["mean"]) == (0, 38, 19)
    assert second["deviation"] == pytest.approx(np.std(np.arange(39.0) ** 2))
    assert document["copies"] is None


def test_symbols_of_a_text() -> None:
    text = "abracadabra"
    symbols = sorted(set(text))
    codes = np.array([symbols.index(each) for each in text], np.uint8)
    data = RawData(
        kind="text",
        task="classification",
        train=Examples((Windows(codes, 3, 8),), codes[3:].astype(np.int64)),
        classes=tuple(symbols),
        vocabulary=tuple(symbols),
        ordered=True,
    )
    document = described(data)
    assert document["symbols"]["count"] == 10  # the last one is only ever a target
    assert document["symbols"]["distinct"] == 5
    assert document["symbols"]["frequent"] == {"a": 0.4, "b": 0.2, "r": 0.2, "c": 0.1, "d": 0.1}
    assert document["problems"] == []


def test_channels_of_videos() -> None:
    clips = np.random.default_rng(0).integers(0, 256, (40, 3, 5, 4, 6), dtype=np.uint8)
    clips[7] = 9
    data = RawData(kind="x", task="classification", train=Examples((clips,), np.arange(40) % 2), classes=("a", "b"))
    document = described(data)
    for place, (name, found) in enumerate(zip(("red", "green", "blue"), document["channels"], strict=True)):
        values = clips[:, place].astype(np.float64)
        expected = {"minimum": 0, "maximum": 255, "mean": values.mean(), "deviation": values.std(), "missing": 0}
        assert found.pop("name") == name
        assert found == pytest.approx(expected)
    assert document["shape"] == [[3, 5, 4, 6]]
    assert document["problems"] == ["training images of a single colour: 1 (number 7). Look at them; remove them."]


def test_pixels_of_a_row_may_be_constant_and_vary_unequally() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (40, 5, 4), dtype=np.uint8)
    rows[:, :, 0] = 0
    rows[:, :, 3] = 0
    rows[0, 0, 3] = 1
    train = Examples((rows,), np.arange(40) % 2)
    alike, apart = (
        described(RawData(kind="x", task="classification", train=train, classes=("a", "b"), alike=each))
        for each in (True, False)
    )
    assert alike["problems"] == []
    assert len(apart["problems"]) == 2
    assert alike["columns"] == apart["columns"]
