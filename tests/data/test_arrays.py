"""Arrays become examples, or an error says which of them is wrong and where."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gradus.core.errors import InputError
from gradus.data.arrays import from_arrays
from gradus.data.raw import CHUNK

X = np.arange(12, dtype=np.float32).reshape(6, 2)
Y = np.array([0, 1, 2, 0, 1, 2])


def test_whole_numbers_are_classes() -> None:
    data = from_arrays(X, [3, 5, 9, 3, 5, 9])
    assert (data.task, data.classes, data.train.target.tolist()) == (
        "classification",
        ("3", "5", "9"),
        [0, 1, 2, 0, 1, 2],
    )
    assert data.train.target.dtype == np.int64
    assert (data.spec.inputs, data.spec.outputs, data.spec.classes) == (((2,),), 3, ("3", "5", "9"))


@pytest.mark.parametrize(
    "labels",
    [
        ["cat", "ant", "bee"] * 2,
        np.array(["cat", "ant", "bee"] * 2, dtype=object),
        np.array([b"cat", b"ant", b"bee"] * 2),
    ],
)
def test_text_is_classes_in_alphabetical_order(labels: Any) -> None:
    data = from_arrays(X, labels)
    assert data.classes == ("ant", "bee", "cat")
    assert data.train.target.tolist() == [2, 0, 1, 2, 0, 1]


def test_truth_values_are_classes() -> None:
    assert from_arrays(X, Y == 1).classes == ("False", "True")


def test_class_names_may_be_given() -> None:
    data = from_arrays(X, Y, classes=["zero", "one", "two", "three"])
    assert (data.classes, data.train.target.tolist()) == (("zero", "one", "two", "three"), Y.tolist())
    assert data.spec.outputs == 4
    by_name = from_arrays(X, ["one", "zero"] * 3, classes=["zero", "one"])
    assert by_name.train.target.tolist() == [1, 0] * 3


def test_real_numbers_are_values() -> None:
    data = from_arrays(X, [0.5, 1, 2, 3, 4, 5])
    assert (data.task, data.classes, data.spec.outputs) == ("regression", (), 1)
    assert data.train.target.tolist() == [[0.5], [1], [2], [3], [4], [5]]
    assert data.train.target.dtype == np.float32
    assert from_arrays(X, np.ones((6, 3))).spec.outputs == 3
    assert from_arrays(X, np.ones((6, 1))).spec.outputs == 1


def test_the_task_may_be_said() -> None:
    assert from_arrays(X, Y, task="regression").train.target.shape == (6, 1)
    assert from_arrays(X, Y.astype(float), task="classification").classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("given", "seen"),
    [((6, 3), (3,)), ((6, 5, 4), (1, 5, 4)), ((6, 3, 5, 4), (3, 5, 4)), ((6, 5, 4, 3), (3, 5, 4)),
     ((6, 1, 5, 4), (1, 5, 4)), ((6, 5, 4, 1), (1, 5, 4)), ((6, 3, 5, 3), (3, 5, 3)), ((6, 2, 5, 7), (2, 5, 7))],
)  # fmt: skip
def test_images_get_their_channels_first(given: tuple[int, ...], seen: tuple[int, ...]) -> None:
    x = np.arange(np.prod(given)).reshape(given)
    data = from_arrays(x, Y)
    assert data.spec.inputs == (seen,)
    if given == (6, 5, 4, 3):
        assert (data.train.inputs[0][2, 1] == x[2, ..., 1]).all()


def test_a_test_split_is_coded_as_training_is() -> None:
    data = from_arrays(X, [3, 5, 9, 3, 5, 9], test=(X[:2], [9, 5]))
    assert data.test is not None
    assert data.test.target.tolist() == [2, 1]
    assert np.array_equal(data.test.inputs[0][:], X[:2])


def test_chunks_are_the_examples_in_order() -> None:
    x = np.arange(2 * CHUNK + 5)[:, None]
    chunks = [chunk[0] for chunk in from_arrays(x, x[:, 0] % 2).train.chunks(np.arange(len(x)))]
    assert [len(each) for each in chunks] == [CHUNK, CHUNK, 5]
    assert np.array_equal(np.concatenate(chunks), x)


def test_a_memory_map_is_not_read_into_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((6, 5, 4, 3), np.float32))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert np.shares_memory(from_arrays(mapped, Y).train.inputs[0][:], mapped)


def test_targets_are_a_copy() -> None:
    y = np.ones((6, 1), np.float32)
    data = from_arrays(X, y)
    y[:] = 5
    assert data.train.target.max() == 1


def test_tensors_serve_as_arrays() -> None:
    data = from_arrays(torch.from_numpy(X), torch.from_numpy(Y))
    assert data.spec.inputs == ((2,),)
    assert data.task == "classification"


def spoilt(row: int, value: float) -> np.ndarray[Any, Any]:
    x = np.zeros((2 * CHUNK, 2))
    x[row, 1] = value
    return x


LONG = np.arange(2 * CHUNK) % 2


@pytest.mark.parametrize(
    ("x", "y", "more", "message"),
    [
        ([[1], [2, 3]], [0, 1], {}, "data x: cannot be read as an array: .*inhomogeneous"),
        (X, [[0], [1, 2]], {}, "data y: cannot be read as an array"),
        (torch.ones(2, 2, requires_grad=True), [0, 1], {}, "data x: cannot be read as an array: .*requires grad"),
        (np.array([[None], [1]]), [0, 1], {}, "data x: must hold numbers, got `object`"),
        (np.array([["a"], ["b"]]), [0, 1], {}, "data x: must hold numbers, got `<U1`"),
        (X.astype(complex), Y, {}, "data x: must hold numbers, got `complex128`"),
        (X[:, 0], Y, {}, r"data x: needs an example axis and at least one more, got \(6,\). For one feature use"),
        (3, Y, {}, "data x: needs an example axis"),
        (X[:0], Y[:0], {}, r"data x: must not be empty, got \(0, 2\)"),
        (X[:, :0], Y, {}, r"data x: must not be empty, got \(6, 0\)"),
        (X, np.ones((6, 0)), {}, r"data y: must not be empty, got \(6, 0\)"),
        (X, np.ones((6, 2, 2)), {}, r"data y: must be numbers or strings, .*, got `float64 \(6, 2, 2\)`"),
        (X, 3, {}, "data y: must be numbers or strings"),
        (X, np.array([None] * 6), {}, "data y: must be numbers or strings"),
        (X, Y[:5], {}, "data: x and y must be equally long, but x has 6 examples and y 5"),
        (spoilt(1500, np.nan), LONG, {}, "data x: must be finite as float32, but example 1500 holds nan. Fill or"),
        (spoilt(3, -np.inf), LONG, {}, "data x: must be finite as float32, but example 3 holds -inf"),
        (spoilt(2047, 1e300), LONG, {}, "data x: must be finite as float32, but example 2047 holds 1e[+]300"),
        (X, [0.5, np.nan, 1, 2, 3, 4], {}, "data y: must be finite as float32, but example 1 holds nan"),
        (X, np.full((6, 2), 1e39), {}, "data y: must be finite as float32, but example 0 holds 1e[+]39"),
        (X, [1] * 6, {}, "data y: classification needs two classes or more, got `only 1`"),
        (X, ["cat"] * 6, {}, "data y: classification needs two classes or more, got `only cat`"),
        (X, [0] * 6, {"classes": ["a", "b"]}, "data y: classification needs two classes or more"),
        (X, [0, 1, -1, 0, 1, 0], {}, "data y: class labels must be 0 or more, but example 2 has -1. If that marks"),
        (X, Y / 2, {"task": "classification"}, "data y: class labels must be whole, got 0.5"),
        (X, np.eye(6), {"task": "classification"}, r"data y: class labels must be \(N,\), got \(6, 6\). For one-hot"),
        (X, Y, {"classes": ["a", "b"]}, r"data y: every label must be one of the classes \(0, 1\), but .* 2 has 2"),
        (X, ["a", "b", "c"] * 2, {"classes": ["b", "a"]}, r"data y: every label must be one of .* \(b, a\), but .* c"),
        (X, ["a", "b"] * 3, {"task": "regression"}, "data y: regression targets must be numbers, got `a`"),
        (X, Y, {"task": "clasification"}, "data: `task` must be auto, classification or regression, got `clas"),
        (X, Y, {"test": X}, r"data test: must be a pair \(x, y\), got `ndarray`"),
        (X, Y, {"test": (X,)}, r"data test: must be a pair \(x, y\), got `tuple`"),
        (X, Y, {"test": (X, Y[:3])}, "data test: x and y must be equally long, but x has 6 examples and y 3"),
        (X, Y, {"test": (X[:, :1], Y)}, r"data test x: examples must have the shape of .* \(2,\), got \(1,\)"),
        (X, Y, {"test": (X, Y + 1)}, r"data test y: every label must occur in training \(0, 1, 2\), but .* 2 has 3"),
        (X, Y, {"test": (X, Y - 1)}, "data test y: class labels must be 0 or more, but example 0 has -1"),
        (X, Y, {"test": (X, ["a"] * 6)}, "data test y: labels must be text or numbers as in training, got `a`"),
        (X, Y, {"test": (X, np.eye(6))}, r"data test y: class labels must be \(N,\)"),
        (X, Y / 1, {"test": (X, np.eye(6))}, "data test y: must have 1 values an example, as in training, got 6"),
        (X, Y, {"test": (X * np.nan, Y)}, "data test x: must be finite"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(x: Any, y: Any, more: dict[str, Any], message: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=f"^{message}"):
            from_arrays(x, y, **more)


def test_errors_name_the_owner() -> None:
    with pytest.raises(InputError, match=r"^data mine\.npz x: "):
        from_arrays(X[:, 0], Y, owner="data mine.npz")


def test_long_lists_of_labels_are_cut() -> None:
    with pytest.raises(InputError, match=r"\(0, .*, 19, \.\.\.\), but example 0 has 99$"):
        from_arrays(np.zeros((50, 1)), np.arange(50), test=(np.zeros((1, 1)), [99]))
