"""A data set is described as it is, with what is wrong with it."""

import json
from typing import Any

import numpy as np
import pytest

from gradus.data.arrays import from_arrays
from gradus.data.describe import describe
from gradus.data.raw import CHUNK, RawData
from gradus.data.splits import split

X = np.random.default_rng(0).normal(size=(120, 3))


def described(data: RawData) -> dict[str, Any]:
    document = describe(data, split(data, validation=0.1, test=0 if data.test is None else None, seed=0))
    assert json.loads(json.dumps(document)) == document
    return document


def test_classes() -> None:
    document = described(from_arrays(X.astype(np.float32), np.repeat(["a", "b", "c"], [30, 30, 60]), kind="mine"))
    assert document == {
        "kind": "mine", "task": "classification", "splits": {"train": 108, "validation": 12}, "shape": [[3]],
        "dtype": ["float32"], "classes": ["a", "b", "c"], "balance": {"a": 0.25, "b": 0.25, "c": 0.5}, "problems": [],
    }  # fmt: skip


def test_values() -> None:
    document = described(from_arrays(X, np.linspace(-1, 3, 120)))
    assert document["target"] == pytest.approx({"minimum": -1, "maximum": 3, "mean": 1})
    assert "classes" not in document
    assert "balance" not in document
    assert document["problems"] == []


def test_the_sources_own_test_split_is_counted() -> None:
    data = from_arrays(X, np.arange(120) % 2, test=(X[:7], np.arange(7) % 2))
    assert described(data)["splits"] == {"train": 108, "validation": 12, "test": 7}


@pytest.mark.parametrize(("rare", "said"), [(10, True), (11, False)])
def test_imbalance(rare: int, said: bool) -> None:
    (*problems,) = described(from_arrays(X[: 100 + rare], np.repeat(["common", "rare"], [100, rare])))["problems"]
    assert (
        problems
        == ["imbalanced: 100 of `common` to 10 of `rare`. Accuracy will flatter; look at each class's score."][
            : int(said)
        ]
    )


def test_a_class_without_examples() -> None:
    (problem,) = described(from_arrays(X, np.arange(120) % 2 * 2, classes=["a", "b", "c", "d"]))["problems"]
    assert problem == "no training example of: b, d. Remove the class or add examples."


def test_constant_columns() -> None:
    x = np.random.default_rng(0).normal(size=(CHUNK + 50, 30))
    x[:, [2, 7]] = 5
    x[CHUNK + 3, 7] = 5.5  # not constant after all, as the second chunk shows
    y = np.arange(len(x)) % 2
    (problem,) = described(from_arrays(x, y))["problems"]
    assert problem == "constant columns, which carry no information: 1 (2). Leave them out."
    x[:, :12] = 1
    (problem,) = described(from_arrays(x, y))["problems"]
    assert problem.startswith("constant columns, which carry no information: 12 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...)")


def test_a_pixel_of_images_may_be_constant() -> None:
    assert described(from_arrays(np.zeros((120, 4, 4)), np.arange(120) % 2))["problems"] == []
