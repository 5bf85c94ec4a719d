"""Examples as a source hands them over: whole arrays or memory maps, nothing scaled, nothing shuffled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec, Task

CHUNK = 1024
"""Examples read at a time where a whole set is passed over; fixed, so that sums do not depend on where data live."""


class Rows(Protocol):
    """An array, a memory map, or anything that is indexed like one along its first axis."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __getitem__(self, index: Any, /) -> Any: ...


@dataclass(frozen=True)
class Examples:
    """Inputs, each (N, ...), beside their target: (N,) int64 class numbers or (N, K) float32 values."""

    inputs: tuple[Rows, ...]
    target: NDArray[Any]

    def __len__(self) -> int:
        return len(self.target)

    def chunks(self, index: NDArray[np.int64]) -> Iterator[tuple[NDArray[Any], ...]]:
        """The inputs of the examples `index`, CHUNK at a time."""
        for start in range(0, len(index), CHUNK):
            rows = index[start : start + CHUNK]
            yield tuple(each[rows] for each in self.inputs)


@dataclass(frozen=True, kw_only=True)
class RawData:
    """What a source found. `test` is None where the source has no test split of its own."""

    kind: str
    task: Task
    train: Examples
    test: Examples | None = None
    classes: tuple[str, ...] = ()

    @property
    def spec(self) -> DataSpec:
        return DataSpec(
            task=self.task,
            inputs=tuple(tuple(each.shape[1:]) for each in self.train.inputs),
            outputs=len(self.classes) if self.task == "classification" else self.train.target.shape[1],
            classes=self.classes,
        )


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
    target = _target_array(y, f"{owner} y")
    decided: Task
    if task == "auto":
        decided = "classification" if target.ndim == 1 and target.dtype.kind in "iubUS" else "regression"
    else:
        decided = task
    inputs = _input_array(x, f"{owner} x")
    _check_lengths(inputs, target, owner)
    test_inputs = test_target = None
    if test is not None:
        test_inputs = _input_array(test[0], f"{owner} test x")
        test_target = _target_array(test[1], f"{owner} test y")
        _check_lengths(test_inputs, test_target, f"{owner} test")
        if test_inputs.shape[1:] != inputs.shape[1:]:
            raise InputError(
                f"{owner} test x",
                f"examples must have the shape of the training examples {tuple(inputs.shape[1:])}",
                tuple(test_inputs.shape[1:]),
            )
    if decided == "classification":
        codes, names = _encode(target, owner, classes)
        train = Examples((inputs,), codes)
        held_out = None
        if test_inputs is not None and test_target is not None:
            held_out = Examples((test_inputs,), _encode_test(test_target, target, names, owner, classes))
        return RawData(kind=kind, task=decided, train=train, test=held_out, classes=names)
    held_out = None
    if test_inputs is not None and test_target is not None:
        held_out = Examples((test_inputs,), _as_values(test_target, f"{owner} test y"))
    return RawData(kind=kind, task=decided, train=Examples((inputs,), _as_values(target, f"{owner} y")), test=held_out)


def _input_array(x: ArrayLike, owner: str) -> NDArray[Any]:
    array = x if isinstance(x, np.ndarray) else np.asarray(x)  # a memory map stays one
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
    if array.dtype.kind == "f":
        for start in range(0, len(array), CHUNK):
            finite = (
                np.isfinite(array[start : start + CHUNK]).reshape(len(array[start : start + CHUNK]), -1).all(axis=1)
            )
            if not finite.all():
                row = start + int(np.argmin(finite))
                bad = array[row][~np.isfinite(array[row])].flat[0]
                raise InputError(owner, f"must be finite, but example {row} holds {bad}", repair="Fill or drop it.")
    return array


def _target_array(y: ArrayLike, owner: str) -> NDArray[Any]:
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind not in "biufUS" or array.ndim not in (1, 2):
        raise InputError(owner, "must be numbers or strings, (N,) or (N, K)", f"{array.dtype} {tuple(array.shape)}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise InputError(owner, f"must be finite, but example {row} holds {array[row]}", repair="Fill or drop it.")
    return array


def _check_lengths(inputs: NDArray[Any], target: NDArray[Any], owner: str) -> None:
    if len(inputs) != len(target):
        raise InputError(owner, f"x and y must be equally long, but x has {len(inputs)} examples and y {len(target)}")


def _encode(
    target: NDArray[Any], owner: str, classes: Sequence[str] | None
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Class numbers from 0 without gaps, and the classes' names."""
    if target.ndim != 1:
        raise InputError(f"{owner} y", "class labels must be (N,)", tuple(target.shape), "For one-hot use y.argmax(1).")
    if target.dtype.kind == "f":
        if not (target == np.round(target)).all():
            raise InputError(f"{owner} y", "class labels must be whole", float(target[target != np.round(target)][0]))
        target = target.astype(np.int64)
    if target.dtype.kind == "i" and target.min() < 0:
        raise InputError(
            f"{owner} y",
            f"class labels must be 0 or more, but example {int(np.argmin(target))} has {target.min()}",
            repair="If that marks unlabelled examples, leave them out.",
        )
    if classes is not None:
        if target.max() >= len(classes):
            raise InputError(f"{owner} y", f"labels must be below the {len(classes)} classes", int(target.max()))
        return target.astype(np.int64), tuple(classes)
    values, codes = np.unique(target, return_inverse=True)
    if len(values) < 2:
        raise InputError(f"{owner} y", "classification needs two classes or more", f"only {values[0]}")
    return codes.astype(np.int64), tuple(str(each) for each in values)


def _encode_test(
    test: NDArray[Any], train: NDArray[Any], names: tuple[str, ...], owner: str, classes: Sequence[str] | None
) -> NDArray[np.int64]:
    if classes is not None:
        return _encode(test, f"{owner} test", classes)[0]
    values = np.unique(train)
    codes = np.minimum(np.searchsorted(values, test), len(values) - 1)
    unseen = values[codes] != test
    if unseen.any():
        raise InputError(
            f"{owner} test y", f"every label must occur in training ({', '.join(names[:20])})", str(test[unseen][0])
        )
    return codes.astype(np.int64)


def _as_values(target: NDArray[Any], owner: str) -> NDArray[np.float32]:
    if target.dtype.kind in "US":
        raise InputError(owner, "regression targets must be numbers", str(target[0]))
    return np.ascontiguousarray(target.reshape(len(target), -1), dtype=np.float32)
