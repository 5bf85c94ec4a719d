"""Small data sets, each with something to find."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradus.data.arrays import from_arrays
from gradus.data.describe import describe
from gradus.data.raw import Column, Examples, RawData
from gradus.data.splits import split

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))


def described(data: RawData, validation: float = 0.0, test: float | None = 0.0) -> dict[str, Any]:
    own = data.test is not None
    return describe(data, split(data, validation=validation, test=None if own else test, seed=0))


def problems(data: RawData, **shares: float) -> list[str]:
    found: list[str] = described(data, **shares)["problems"]
    return found


def table(
    numbers: dict[str, ArrayLike],
    categories: dict[str, ArrayLike],
    target: ArrayLike,
    *,
    test: tuple[dict[str, ArrayLike], dict[str, ArrayLike], ArrayLike] | None = None,
) -> RawData:
    """A table of named columns; categories as their values, "" where one is missing; text targets are classes."""
    names = {
        name: tuple(sorted({str(each) for each in np.asarray(given)} - {""})) for name, given in categories.items()
    }
    if test is not None:
        names = {
            name: tuple(sorted({*known, *map(str, np.asarray(test[1][name]))} - {""})) for name, known in names.items()
        }
    wanted = np.asarray(target)
    classes = tuple(np.unique(wanted).tolist()) if wanted.dtype.kind == "U" else ()

    def examples(some: dict[str, ArrayLike], coded: dict[str, ArrayLike], aim: ArrayLike) -> Examples:
        inputs: list[Any] = [np.stack([np.asarray(each, np.float64) for each in some.values()], axis=1)]
        if coded:
            codes = [
                [names[name].index(str(each)) if str(each) else -1 for each in np.asarray(given)]
                for name, given in coded.items()
            ]
            inputs.append(np.array(codes, np.int32).T)
        values = np.asarray(aim)
        goal = (
            np.array([classes.index(each) for each in values], np.int64)
            if classes
            else np.asarray(values, np.float32)[:, None]
        )
        return Examples(tuple(inputs), goal)

    return RawData(
        kind="table",
        task="classification" if classes else "regression",
        train=examples(numbers, categories, target),
        test=None if test is None else examples(*test),
        classes=classes,
        columns=(
            *(Column(name, "number") for name in numbers),
            *(Column(name, "category", values) for name, values in names.items()),
        ),
        target_names=("goal",),
    )


def pictures(x: ArrayLike) -> RawData:
    """Images of two classes."""
    array = np.asarray(x)
    return from_arrays(array, np.arange(len(array)) % 2)
