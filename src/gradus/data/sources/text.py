"""Plain text: the next character."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, PositiveInt

from gradus.core.errors import InputError
from gradus.data.raw import Examples, RawData, Windows
from gradus.data.sources import sources


def _opens(path: Path) -> bool:
    return path.suffix.lower() in (".txt", ".text", ".md")


@sources.register(source="Shannon (1951), Prediction and entropy of printed English", opens=_opens)
def text(
    path: Path,
    *,
    window: Annotated[int, Field(ge=1, le=4096)] = 16,
    predict: Literal["last", "every"] = "last",
    stride: PositiveInt | None = None,
    encoding: str = "utf-8",
) -> RawData:
    """Text: a .txt file, of which the next character is to be told from the `window` characters before it.

    The classes are the characters that occur anywhere in the file: they say what may come next, as the names of classes
    do. What is set aside is the end of the text.

    Args:
        predict: "last" asks for what comes after a window, "every" for what comes after each of its characters.
        stride: characters from the beginning of a window to that of the next; by default 1, and `window` where every
            character is asked for, so that each is once.
    """
    owner = f"data {path}"
    content = path.read_bytes()
    try:
        characters = content.decode(encoding)
    except LookupError:
        raise InputError(owner, "`encoding` is unknown", encoding, "Try utf-8, latin-1 or utf-16.") from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{owner} row {line}", f"is not {encoding} text", repair='Set `encoding`, for instance "latin-1".'
        ) from None
    if "\0" in characters:
        raise InputError(owner, "is not a text file: it holds NUL characters")
    points = np.frombuffer(characters.encode("utf-32-le"), np.uint32)
    if len(points) <= window + 1:
        raise InputError(
            owner, f"needs more characters than the window of {window}", len(points), "Set a smaller `window`."
        )
    symbols, codes = np.unique(points, return_inverse=True)
    if len(symbols) < 2:
        raise InputError(owner, "holds one character only, over and over", chr(symbols[0]))
    small = codes.astype(np.uint8 if len(symbols) <= 256 else np.int32)
    names = tuple(chr(each) for each in symbols)
    step = stride or (1 if predict == "last" else window)
    windows = Windows(small, window, (len(small) - window - 1) // step + 1, step)
    after = Windows(small[1:], window, windows.shape[0], step)
    target = small[window::step][: windows.shape[0]] if predict == "last" else after[:]
    return RawData(
        kind="text",
        task="classification",
        train=Examples((windows,), target.astype(np.int64)),
        classes=names,
        vocabulary=names,
        ordered=True,
        gap=0 if predict == "last" else -(-window // step) - 1,
    )
