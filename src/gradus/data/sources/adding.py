"""The adding problem: two numbers of a long sequence are marked, and their sum is asked for at its end."""

# N examples, T steps

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gradus.core.randomness import Stream, uniform
from gradus.data.raw import CHUNK, Column, Examples, RawData
from gradus.data.sources import sources

Count = Annotated[int, Field(ge=1)]
CONSTANT_MSE = 1 / 6
"""The squared error of the answer 1 to every example: the variance of a sum of two uniform numbers."""


@sources.register(
    source="Hochreiter, Schmidhuber (1997), Long short-term memory, section 5.4; with numbers from 0 to 1 as Le, "
    "Jaitly, Hinton (2015), arXiv:1504.00941, section 4.1; a mark in each half as Arjovsky, Shah, Bengio (2016), "
    "arXiv:1511.06464, section 4.2",
    notes="Answering 1 to every example has a mean squared error of 1/6. The paper of 1997 has numbers from -1 to 1, "
    "marks both in the first half, lengths that vary, and a target squeezed into 0 to 1.",
)
def adding(
    *,
    length: Annotated[int, Field(ge=2)] = 150,
    examples: Count = 10_000,
    test_examples: Count = 1_000,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> RawData:
    """The adding problem: of a sequence of numbers, the sum of the two that are marked.

    Inputs (N, T, 2) are a uniform number of [0, 1) and a mark, 0 or 1, at each step; one mark is in the first half of
    the sequence and one in the second. Train on them as they are, with `preprocess = "none"`: brought to deviation 1, a
    mark among 150 steps would be 8.6.

    Args:
        length: T, the steps of a sequence.
        examples, test_examples: how many there are; those of the test have draws of their own.
    """
    made = [_made(count, length, seed, part) for part, count in enumerate((examples, test_examples))]
    return RawData(
        kind="adding",
        task="regression",
        train=made[0],
        test=made[1],
        columns=(Column("value", "number"), Column("mark", "number")),
        target_names=("sum",),
    )


def _made(count: int, length: int, seed: int, part: int) -> Examples:
    inputs, target = np.zeros((count, length, 2), np.float32), np.empty((count, 1), np.float32)
    half = length // 2
    for start in range(0, count, CHUNK):
        number = np.arange(start, min(start + CHUNK, count))
        u = uniform(seed, Stream.DATA, part, number, length + 2)
        # Rounded down: to the nearest float32, 1 - 2^-53 would become the 1 that is not of [0, 1).
        values = np.floor(u[:, :length] * 2**24) / 2**24
        first = np.floor(u[:, length] * half).astype(np.int64)
        second = half + np.floor(u[:, length + 1] * (length - half)).astype(np.int64)
        inputs[number, :, 0] = values
        inputs[number, first, 1] = inputs[number, second, 1] = 1
        target[number, 0] = _at(values, first) + _at(values, second)
    return Examples((inputs,), target)


def _at(values: NDArray[np.float64], place: NDArray[np.int64]) -> NDArray[np.float64]:
    """values[n, place[n]]."""
    taken: NDArray[np.float64] = np.take_along_axis(values, place[:, None], axis=1)[:, 0]
    return taken
