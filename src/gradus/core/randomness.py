"""Random numbers as a pure function of what they are for.

A draw is keyed by (seed, epoch, example index, draw number) and hashed, so it is the same whichever worker, process or
batch asks for it, and in whatever order. That is what makes in-memory batching, worker processes and resumed runs
agree bit for bit.

The hash is the 64-bit finaliser of SplitMix64, applied once per key, each time to the sum of the state and the next
key times the golden-ratio increment.
Source: Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators, OOPSLA, section 3.
"""

from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 2.0**-53
_MASK = 2**64 - 1


class Stream(IntEnum):
    """What a draw is for. Each purpose has numbers of its own; the values are part of the checkpoint format."""

    ORDER = 1
    AUGMENTATION = 2
    STEP = 3
    MODEL = 4
    SPLIT = 5
    BOOTSTRAP = 6
    DATA = 7


def hash_keys(*keys: int | NDArray[np.integer]) -> NDArray[np.uint64]:
    """64 well-mixed bits for each combination of keys, which broadcast against each other as arrays do."""
    state = np.zeros((), dtype=np.uint64)
    with np.errstate(over="ignore"):  # arithmetic is modulo 2^64 by design
        for key in keys:
            word = np.asarray(key).astype(np.uint64) + np.uint64(1)
            state = _mix(state + word * _INCREMENT)
    return state


def uniform(
    seed: int, stream: Stream, epoch: int, index: NDArray[np.int64], draws: int, *, first: int = 0
) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1), shape (N, draws), for the examples `index` (N,) in `epoch`, from draw `first` on."""
    bits = hash_keys(seed, stream, epoch, index[:, None], np.arange(first, first + draws))
    return (bits >> np.uint64(11)).astype(np.float64) * _TO_UNIT


def permutation(seed: int, epoch: int, index: NDArray[np.int64]) -> NDArray[np.int64]:
    """`index` in the order of `epoch`: sorted by each example's own hash, so it depends on no other example."""
    keys = hash_keys(seed, Stream.ORDER, epoch, index)
    return index[np.lexsort((index, keys))]


def derive_seed(seed: int, stream: Stream, *keys: int) -> int:
    """A seed for someone else's generator (torch; scikit-learn takes the low 32 bits), in [0, 2^63).

    The top 63 bits of `hash_keys`, in plain integers: NumPy is slow on single numbers, and training asks every step.
    """
    return _fold(_beginning(seed, stream), keys) >> 1


@lru_cache(maxsize=64)  # training asks for the same beginning at every step
def _beginning(seed: int, stream: Stream) -> int:
    return _fold(0, (seed, stream))


def _fold(state: int, keys: Iterable[int]) -> int:
    for key in keys:
        word = (state + (key + 1) * 0x9E3779B97F4A7C15) & _MASK
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
        state = word ^ (word >> 31)
    return state


def _mix(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    word = (word ^ (word >> np.uint64(30))) * _MULTIPLIER_1
    word = (word ^ (word >> np.uint64(27))) * _MULTIPLIER_2
    return word ^ (word >> np.uint64(31))
