"""Copy memory: ten symbols are to be said again after a long silence."""

# N examples, T steps of silence, T + 20 steps in all

import math

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from gradus.core.randomness import Stream, uniform
from gradus.data.raw import CHUNK, Examples, RawData
from gradus.data.sources import sources

SYMBOLS, KINDS = 10, 8
BLANK, DELIMITER = 0, KINDS + 1


@sources.register(
    source="Hochreiter, Schmidhuber (1997), Long short-term memory; in the form of Arjovsky, Shah, Bengio (2016), "
    "Unitary evolution recurrent neural networks, arXiv:1511.06464, section 4.1",
    notes="Without memory the best cross-entropy is 10 ln 8 / (T + 20): a blank wherever one is due, and any of the 8 "
    "symbols after that. The codes are those of Bai, Kolter, Koltun (2018), arXiv:1803.01271, whose sequences repeat "
    "the delimiter to their end.",
)
def copy_memory(
    *,
    delay: PositiveInt = 100,
    examples: PositiveInt = 10_000,
    test_examples: PositiveInt = 1_000,
    seed: NonNegativeInt = 0,
) -> RawData:
    """Copy memory: ten symbols, a silence, a delimiter; then the symbols are to be said again.

    Inputs (N, T + 20) are codes: ten symbols of 1 to 8, T - 1 blanks (0), the delimiter (9), ten blanks. The target has
    a class at every step: T + 10 blanks, and the ten symbols in their order.

    Args:
        delay: T, the steps from the last symbol to be kept to the first to be said.
        examples, test_examples: how many there are; those of the test have draws of their own.
    """
    made = [_made(count, delay, seed, part) for part, count in enumerate((examples, test_examples))]
    vocabulary = tuple(str(code) for code in range(DELIMITER + 1))
    return RawData(
        kind="copy_memory",
        task="classification",
        train=made[0],
        test=made[1],
        classes=vocabulary[:DELIMITER],  # nothing ends with the delimiter
        vocabulary=vocabulary,
    )


def memoryless_loss(delay: int) -> float:
    """The least cross-entropy, a step, of what keeps nothing in mind: 10 ln 8 / (T + 20)."""
    return SYMBOLS * math.log(KINDS) / (delay + 2 * SYMBOLS)


def _made(count: int, delay: int, seed: int, part: int) -> Examples:
    inputs = np.full((count, delay + 2 * SYMBOLS), BLANK, np.uint8)
    target = np.full(inputs.shape, BLANK, np.int64)
    for start in range(0, count, CHUNK):
        number = np.arange(start, min(start + CHUNK, count))
        symbols = 1 + np.floor(uniform(seed, Stream.DATA, part, number, SYMBOLS) * KINDS).astype(np.uint8)
        inputs[number, :SYMBOLS] = target[number, -SYMBOLS:] = symbols
    inputs[:, -SYMBOLS - 1] = DELIMITER
    return Examples((inputs,), target)
