"""Reversal: a sequence of letters, to be said from its end, or in alphabetical order."""

# N examples, T steps

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from gradus.core.randomness import Stream, uniform
from gradus.data.raw import CHUNK, Examples, RawData
from gradus.data.sources import sources

Count = Annotated[int, Field(ge=1)]
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")


@sources.register(
    source="Sutskever, Vinyals, Le (2014), Sequence to sequence learning with neural networks, arXiv:1409.3215, "
    "section 3.3, on the order of the source; by value: Vinyals, Bengio, Kudlur (2016), Order matters: sequence to "
    "sequence for sets, arXiv:1511.06391",
    notes="Guessing is right at one step in `symbols`. In alphabetical order the most frequent letter of each step is "
    "right more often.",
)
def reversal(
    *,
    length: Count = 10,
    symbols: Annotated[int, Field(ge=2, le=len(LETTERS))] = len(LETTERS),
    order: Literal["reversed", "sorted"] = "reversed",
    examples: Count = 10_000,
    test_examples: Count = 1_000,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> RawData:
    """Reversal: letters drawn at random, to be said again from the last to the first.

    Inputs (N, T) are codes of letters, of equal chances; the target has a class at every step.

    Args:
        length: T.
        symbols: how many letters there are.
        order: in which they are to be said: from the end, or from "a" on.
        examples, test_examples: how many there are; those of the test have draws of their own.
    """
    made = [_made(count, length, symbols, order, seed, part) for part, count in enumerate((examples, test_examples))]
    letters = LETTERS[:symbols]
    return RawData(
        kind="reversal",
        task="classification",
        train=made[0],
        test=made[1],
        classes=letters,
        vocabulary=letters,
    )


def _made(count: int, length: int, symbols: int, order: str, seed: int, part: int) -> Examples:
    inputs = np.empty((count, length), np.uint8)
    for start in range(0, count, CHUNK):
        number = np.arange(start, min(start + CHUNK, count))
        inputs[number] = np.floor(uniform(seed, Stream.DATA, part, number, length) * symbols)
    said = inputs[:, ::-1] if order == "reversed" else np.sort(inputs, axis=1)
    return Examples((inputs,), said.astype(np.int64))
