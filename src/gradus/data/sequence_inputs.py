"""What is handed in for prediction with a network for series or for text."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.data.sources.series import read_series

Labelled = tuple[str, tuple[NDArray[Any], ...]]


def read_window(given: str, spec: DataSpec, options: Mapping[str, Any]) -> Iterator[Labelled]:
    """The last window of a series: what comes after the end of the file `given` is asked for.

    Args:
        spec: says how long a window is, and how wide.
        options: how the training file was read; its columns must be there.
    Raises:
        InputError: for a file that is no such series, or is shorter than the window.
    """
    path = Path(given)
    if not path.is_file():
        raise InputError("input", "no such file", given, "Give a CSV file whose last rows are the window.")
    steps, wide = spec.inputs[0]
    read = {name: value for name, value in options.items() if name not in ("format", "window", "horizon")}
    values, columns, _ = read_series(path, least=steps, **read)
    if len(columns) != wide:
        names = ", ".join(each.name for each in columns)
        raise InputError(f"input {path}", f"must have the {wide} columns of the training file", names)
    yield f"{path} from row {len(values) - steps + 2} on", (values[-steps:],)


def read_text(given: str, spec: DataSpec) -> Iterator[Labelled]:
    """The last characters of a text, or of the .txt file that `given` names, as codes.

    Raises:
        InputError: for too few characters, or one that the training text did not have.
    """
    path = Path(given)
    is_file = path.suffix.lower() in (".txt", ".md") and path.is_file()
    text = path.read_text(encoding="utf-8", errors="replace") if is_file else given
    (steps,) = spec.inputs[0]
    if len(text) < steps:
        raise InputError("input", f"needs {steps} characters or more, the last of which the network reads", text)
    codes = {symbol: code for code, symbol in enumerate(spec.vocabulary)}
    context = text[-steps:]
    for each in context:
        if each not in codes:
            raise InputError("input", "holds a character that the training text did not have", each)
    yield context, (np.array([codes[each] for each in context]),)
