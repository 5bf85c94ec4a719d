"""Copies are found wherever they are."""

import numpy as np

from gradus.data.arrays import from_arrays
from gradus.data.raw import CHUNK
from tests.data.describe.sets import described, problems, table

X = np.random.default_rng(1).normal(size=(2 * CHUNK, 3))
Y = np.arange(2 * CHUNK) % 2


def test_within_a_split_and_across_two() -> None:
    x = X.copy()
    x[CHUNK + 7] = x[1]  # a copy in another chunk
    x[CHUNK + 8] = x[1]
    test = np.concatenate([x[[5, 1]], -x[[3]]])
    document = described(from_arrays(x, Y, test=(test, [0, 1, 0])))
    assert document["copies"]["within"] == {"train": 2, "test": 0}
    assert document["copies"]["across"] == {"train and test": 2}
    told = "2 test examples (66.7%) are also in training, for instance number 0 as number 5."
    assert document["problems"][0].startswith(told)


def test_splits_of_one_set_are_told_by_the_examples_numbers() -> None:
    """Each example is there twice; a split drawn from them tears many pairs apart."""
    x = np.repeat(X[:100], 2, axis=0)
    document = described(from_arrays(x, np.repeat(Y[:100], 2)), test=0.5)
    apart = document["copies"]["across"]["train and test"]
    assert apart > 20
    # 100 in each part: those whose twin is with them are counted within, the others across.
    assert document["copies"]["within"] == {"train": (100 - apart) // 2, "test": (100 - apart) // 2}
    (problem,) = [each for each in document["problems"] if "also in training" in each]
    number, other = (int(each.split()[0].rstrip(".")) for each in problem.split("number ")[1:])
    assert number // 2 == other // 2
    assert number != other


def test_nothing_is_a_copy_because_it_is_close() -> None:
    x = X[:40].copy()
    x[1] = x[0] + np.array([0, 0, 1e-15])
    assert described(from_arrays(x, Y[:40]))["copies"]["within"] == {"train": 0}


def test_categories_are_part_of_an_example() -> None:
    numbers = np.zeros(20)
    apart = table({"a": numbers}, {"c": [str(each) for each in range(20)]}, X[:20, 0])
    assert described(apart)["copies"]["within"] == {"train": 0}
    alike = table({"a": numbers}, {"c": ["x"] * 20}, X[:20, 0])
    assert described(alike)["copies"]["within"] == {"train": 19}


def test_conflicting_labels() -> None:
    """Of 5 equal examples 3 are of one class and 2 of another; of 2, one each: 2 + 1 cannot be right."""
    x = X[:60].copy()
    x[:5], x[10:12] = x[0], x[10]
    y = Y[:60].copy()
    y[:5], y[10:12] = [0, 0, 1, 0, 1], [0, 1]
    document = described(from_arrays(x, y))
    assert document["copies"]["conflicting"] == 3
    assert any(each.startswith("3 training examples have the same inputs as others") for each in document["problems"])


def test_values_do_not_conflict() -> None:
    assert described(from_arrays(np.zeros((40, 2)), X[:40, 0]))["copies"]["conflicting"] == 0


def test_nothing_to_say() -> None:
    assert problems(from_arrays(X, Y), validation=0.1, test=0.1) == []
