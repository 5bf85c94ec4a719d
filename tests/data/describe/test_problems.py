"""Every problem is told where it is, and not where it is not."""

import numpy as np
import pytest

from gradus.data.arrays import from_arrays
from gradus.data.raw import CHUNK
from tests.data.describe.sets import X, pictures, problems, table

RNG = np.random.default_rng(3)
PIXELS = RNG.integers(0, 256, (40, 6, 6), dtype=np.uint8)


@pytest.mark.parametrize(("rare", "said"), [(10, True), (11, False)])
def test_imbalance(rare: int, said: bool) -> None:
    told = "imbalanced: 100 of `common` to 10 of `rare`. Accuracy will flatter; look at each class's score."
    assert problems(from_arrays(X[: 100 + rare], np.repeat(["common", "rare"], [100, rare]))) == [told][: int(said)]


def test_imbalance_is_of_all_examples() -> None:
    """A test split of the rare class alone evens it out."""
    y = np.repeat(["common", "rare"], [100, 10])
    test = (RNG.normal(size=(90, 3)), ["rare"] * 90)
    assert problems(from_arrays(X[:110], y, test=test)) == [
        "no test example of: common. How well it is told cannot be seen there."
    ]


def test_a_class_without_examples() -> None:
    (problem,) = problems(from_arrays(X, np.arange(120) % 2 * 2, classes=["a", "b", "c", "d"]))
    assert problem == "no training example of: b, d. Remove the class or add examples."


@pytest.mark.parametrize(("count", "said"), [(9, True), (10, False)])
def test_few_examples(count: int, said: bool) -> None:
    found = problems(from_arrays(X[: 60 + count], np.repeat(["a", "b"], [60, count])))
    assert found == ["fewer than 10 training examples of: b (9). Add some, or merge classes."][: int(said)]


def test_a_constant_target() -> None:
    assert problems(from_arrays(X, np.full(120, 2.5))) == [
        "the target is the same in all training examples. There is nothing to learn; look at the source."
    ]
    two = problems(from_arrays(X, np.stack([X[:, 0] + X[:, 1], np.ones(120)], axis=1)))
    assert two == [
        "the target is the same in all training examples in column 1. There is nothing to learn; look at the source."
    ]


def test_constant_columns() -> None:
    x = RNG.normal(size=(CHUNK + 50, 30))
    x[:, [2, 7]] = 5
    x[CHUNK + 3, 7] = 5.5  # not constant after all, as the second chunk shows
    y = np.arange(len(x)) % 2
    (problem,) = problems(from_arrays(x, y))
    assert problem == "constant columns, which carry no information: 1 (2). Leave them out."
    x[:, :12] = 1
    (problem,) = problems(from_arrays(x, y))
    assert problem.startswith("constant columns, which carry no information: 12 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...)")
    (problem,) = problems(table({"a": X[:, 0]}, {"c": ["x"] * 120}, X[:, 1]))
    assert "carry no information: 1 (c)" in problem


def test_missing_values() -> None:
    holed = X[:, 0].copy()
    holed[:30] = np.nan
    words = RNG.choice(["x", "y"], 120)
    words[:60] = ""
    (problem,) = problems(table({"a": holed, "b": X[:, 1]}, {"c": words}, X[:, 2]))
    assert problem.startswith("values are missing in 2 columns (a 25.0%, c 50.0%).")


def test_scales() -> None:
    steady = {"near": X[:, 0] / X[:, 0].std()}
    assert problems(table(steady | {"far": 990 * X[:, 1] / X[:, 1].std()}, {}, X[:, 2])) == []
    (problem,) = problems(table(steady | {"far": 1010 * X[:, 1] / X[:, 1].std()}, {}, X[:, 2]))
    assert problem.startswith("scales differ 1,010 times: `far` deviates by 1.01e+03, `near` by 1.")


def test_categories_that_training_lacks() -> None:
    letters = np.tile(["x", "y"], 30)
    data = table(
        {"a": X[:60, 0]}, {"c": letters}, X[:60, 1],
        test=({"a": X[60:70, 0]}, {"c": ["x", "new", "", "newer", "y"] * 2}, X[60:70, 1]),
    )  # fmt: skip
    (problem,) = [each for each in problems(data) if "lacks" in each]
    assert problem.startswith("column `c` has values in test that training lacks (`new`, `newer`):")


def test_a_giveaway_a_pair_a_name_and_a_row_number() -> None:
    sides = RNG.choice(["left", "right"], 120)
    data = table(
        {"row": np.arange(120), "kilos": X[:, 0], "pounds": 2.2046 * X[:, 0]},
        {"side": sides, "name": [f"n{each}" for each in range(120)]},
        np.char.upper(sides),
    )
    decides, pair, name, row = problems(data)
    assert decides.startswith("column `side` decides the target. If it is known only once the target is, leave it out")
    assert pair == "columns that are in exact proportion: `kilos` and `pounds`. Leave one of each pair out."
    assert name.startswith("column `name` has a value of its own for nearly every example")
    assert row.startswith("column `row` counts the rows.")


def test_images_that_are_as_they_should_be() -> None:
    assert problems(pictures(PIXELS)) == []
    assert problems(pictures(PIXELS / 255)) == []
    constant_corner = PIXELS.copy()
    constant_corner[:, 0, 0] = 0
    assert problems(pictures(constant_corner)) == []


def test_images_of_other_numbers() -> None:
    (problem,) = problems(pictures(PIXELS.astype(np.float32)))
    assert problem == "images of real numbers should go from 0 (black) to 1 (white), not 0 to 255. Store them as uint8."
    (problem,) = problems(pictures(PIXELS / 127.5 - 1))
    assert "not -1 to 1. Bring them to 0 to 1." in problem
    (problem,) = problems(pictures(PIXELS % 2))
    assert problem.startswith(
        "images of whole numbers should go from 0 (black) to 255 (white), these hold 0 and 1 only."
    )


def test_images_of_a_single_colour() -> None:
    x = RNG.integers(0, 256, (2 * CHUNK, 3, 4, 4), dtype=np.uint8)
    x[3] = 17
    x[CHUNK + 5] = np.array([1, 2, 3])[:, None, None]
    x[7, 0] = 9  # one flat channel is not enough
    (problem,) = problems(pictures(x))
    assert problem == f"training images of a single colour: 2 (number 3, {CHUNK + 5}). Look at them; remove them."
