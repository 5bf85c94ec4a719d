"""Examples from arrays in memory or memory maps."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradus.core.errors import InputError
from gradus.core.spec import Task
from gradus.data.raw import CHUNK, Examples, RawData


def from_arrays(
    x: ArrayLike,
    y: ArrayLike,
    *,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    task: Literal["auto"] | Task = "auto",
    kind: str = "arrays",
    owner: str = "data",
    classes: Sequence[str] | None = None,
) -> RawData:
    """Examples from arrays in memory or memory maps.

    Args:
        x: (N, F) a table, (N, H, W) grey images, (N, C, H, W) or (N, H, W, C) images with C of 1, 3 or 4.
        y: (N,) whole numbers or strings are classes; (N,) or (N, K) real numbers are regression targets.
        test: a test split of its own, not looked at until training is over.
        task: says which of the two it is where the numbers alone do not.
        owner: whom errors name.
        classes: names of the classes 0, 1, ...; by default the labels themselves.
    Raises:
        InputError: for arrays that disagree in length, hold NaN or objects, or only one class.
    """
    if task not in ("auto", *get_args(Task)):
        raise InputError(owner, "`task` must be auto, classification or regression", task)
    if test is not None and not (isinstance(test, tuple | list) and len(test) == 2):
        raise InputError(f"{owner} test", "must be a pair (x, y)", type(test).__name__)
    inputs, target = _pair(x, y, owner)
    held_out = None if test is None else _pair(*test, f"{owner} test")
    if held_out is not None and held_out[0].shape[1:] != inputs.shape[1:]:
        raise InputError(
            f"{owner} test x",
            f"examples must have the shape of the training examples {tuple(inputs.shape[1:])}",
            tuple(held_out[0].shape[1:]),
        )
    decided = task
    if decided == "auto":
        decided = "classification" if target.ndim == 1 and target.dtype.kind in "iubUS" else "regression"
    names: tuple[str, ...] = ()
    targets = [(target, f"{owner} y")] + ([] if held_out is None else [(held_out[1], f"{owner} test y")])
    if decided == "classification":
        encoded: Sequence[NDArray[Any]]
        encoded, names = encode_classes(targets, classes)
    else:
        encoded = regression_values(targets)
    return RawData(
        kind=kind,
        task=decided,
        train=Examples((inputs,), encoded[0]),
        test=None if held_out is None else Examples((held_out[0],), encoded[1]),
        classes=names,
    )


def _pair(x: ArrayLike, y: ArrayLike, owner: str) -> tuple[NDArray[Any], NDArray[Any]]:
    inputs, target = _input_array(x, f"{owner} x"), _target_array(y, f"{owner} y")
    if len(inputs) != len(target):
        raise InputError(owner, f"x and y must be equally long, but x has {len(inputs)} examples and y {len(target)}")
    return inputs, target


def _input_array(x: ArrayLike, owner: str) -> NDArray[Any]:
    array = _array(x, owner)
    if array.dtype.kind not in "biuf":
        raise InputError(owner, "must hold numbers", str(array.dtype), "Convert it to a numeric array first.")
    if array.ndim < 2:
        raise InputError(
            owner, "needs an example axis and at least one more", tuple(array.shape), "For one feature use x[:, None]."
        )
    if array.size == 0:
        raise InputError(owner, "must not be empty", tuple(array.shape))
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[-1] in (1, 3, 4) and array.shape[1] not in (1, 3, 4):
        array = np.moveaxis(array, -1, 1)
    _check_finite(array, owner)
    return array


def _target_array(y: ArrayLike, owner: str) -> NDArray[Any]:
    array = _array(y, owner)
    if array.dtype.kind == "O" and all(isinstance(each, str) for each in array.flat):  # as pandas keeps text
        array = array.astype(np.str_)
    if array.dtype.kind not in "biufUS" or array.ndim not in (1, 2):
        raise InputError(owner, "must be numbers or strings, (N,) or (N, K)", f"{array.dtype} {tuple(array.shape)}")
    if array.size == 0:
        raise InputError(owner, "must not be empty", tuple(array.shape))
    _check_finite(array, owner)
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _array(given: ArrayLike, owner: str) -> NDArray[Any]:
    if isinstance(given, np.ndarray):  # a memory map stays one
        return given
    try:
        return np.asarray(given)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(owner, f"cannot be read as an array: {error}") from error


def _check_finite(array: NDArray[Any], owner: str) -> None:
    if array.dtype.kind != "f":
        return
    for start in range(0, len(array), CHUNK):
        rows = array[start : start + CHUNK]
        with np.errstate(over="ignore"):  # too large for float32, which is what models compute in, is infinite too
            finite = np.isfinite(rows.astype(np.float32, copy=False))
        if not finite.all():
            first = np.argwhere(~finite)[0]
            raise InputError(
                owner,
                f"must be finite as float32, but example {start + first[0]} holds {rows[tuple(first)]}",
                repair="Fill or drop it.",
            )


def encode_classes(
    targets: Sequence[tuple[NDArray[Any], str]], classes: Sequence[str] | None
) -> tuple[list[NDArray[np.int64]], tuple[str, ...]]:
    """Class numbers from 0 without gaps for each target (with its owner; training comes first), and the names."""
    labels = [_labels(target, owner) for target, owner in targets]
    present = np.unique(labels[0])
    if len(present) < 2:
        raise InputError(targets[0][1], "classification needs two classes or more", f"only {present[0]}")
    if classes is None:
        values, names, rule = present, tuple(str(each) for each in present), "must occur in training"
    else:
        names, rule = tuple(str(each) for each in classes), "must be one of the classes"
        values = np.array(names) if present.dtype.kind == "U" else np.arange(len(names))
    order = np.argsort(values)
    codes = []
    for each, (_, owner) in zip(labels, targets, strict=True):
        if (each.dtype.kind == "U") != (values.dtype.kind == "U"):
            raise InputError(owner, "labels must be text or numbers as in training", str(each[0]))
        place = np.searchsorted(values, each, sorter=order)
        code = order[np.minimum(place, len(order) - 1)]
        unknown = np.flatnonzero(values[code] != each)
        if len(unknown):
            known = ", ".join(str(value) for value in values[:20]) + (", ..." if len(values) > 20 else "")
            raise InputError(owner, f"every label {rule} ({known}), but example {unknown[0]} has {each[unknown[0]]}")
        codes.append(code.astype(np.int64))
    return codes, names


def _labels(target: NDArray[Any], owner: str) -> NDArray[Any]:
    """Labels that can be counted: whole numbers from 0, truth values or text."""
    if target.ndim != 1:
        raise InputError(owner, "class labels must be (N,)", tuple(target.shape), "For one-hot use y.argmax(1).")
    if target.dtype.kind == "S":
        return np.char.decode(target, "utf-8", "replace")
    if target.dtype.kind == "f":
        broken = np.flatnonzero(target != np.round(target))
        if len(broken):
            raise InputError(owner, "class labels must be whole", float(target[broken[0]]))
        target = target.astype(np.int64)
    if target.dtype.kind == "i" and target.min() < 0:
        raise InputError(
            owner,
            f"class labels must be 0 or more, but example {int(np.argmin(target))} has {target.min()}",
            repair="If that marks unlabelled examples, leave them out.",
        )
    return target


def regression_values(targets: Sequence[tuple[NDArray[Any], str]]) -> list[NDArray[np.float32]]:
    """Regression targets (N, K), in memory."""
    values = []
    for target, owner in targets:
        if target.dtype.kind in "US":
            raise InputError(owner, "regression targets must be numbers", str(target.flat[0]))
        values.append(np.array(target.reshape(len(target), -1), dtype=np.float32))
        if values[-1].shape[1] != values[0].shape[1]:
            raise InputError(
                owner, f"must have {values[0].shape[1]} values an example, as in training", target.shape[1]
            )
    return values
