"""Examples that occur more than once: within a split, in two splits, under two labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gradus.data.raw import RawData
from gradus.data.splits import Splits

Digests = NDArray[np.bytes_]


@dataclass(frozen=True)
class Shared:
    """Examples of a later split that an earlier one has too, and the numbers of one such pair, the earlier's first."""

    count: int
    pair: tuple[int, int]


@dataclass(frozen=True)
class Copies:
    """
    Attributes:
        within: for each split, the examples that an earlier one of it equals.
        across: for two splits, what they share.
        conflicting: training examples that no model can get right, since the same inputs have another label more often.
    """

    within: dict[str, int]
    across: dict[tuple[str, str], Shared]
    conflicting: int


def find_copies(data: RawData, splits: Splits, digests: Mapping[str, Digests | None]) -> Copies | None:
    """Compare the digests of all examples; None where there are none."""
    known = {name: each for name, each in digests.items() if each is not None}
    if not known:
        return None
    named = splits.named()
    across = {}
    for one, other in combinations(known, 2):
        shared = np.flatnonzero(np.isin(known[other], known[one]))
        if len(shared):
            twin = np.flatnonzero(known[one] == known[other][shared[0]])[0]
            pair = int(named[one].index[twin]), int(named[other].index[shared[0]])
            across[one, other] = Shared(len(shared), pair)
    within = {name: len(each) - len(np.unique(each)) for name, each in known.items()}
    labelled = data.task == "classification" and data.steps is None
    conflicting = _conflicting(known["train"], splits.train.target) if labelled else 0
    return Copies(within, across, conflicting)


def _conflicting(digests: Digests, target: NDArray[np.int64]) -> int:
    """Examples less, for each set of equal inputs, those of its most frequent label."""
    _, group = np.unique(digests, return_inverse=True)
    labels = np.stack([group, target], axis=1)
    pairs, counts = np.unique(labels, axis=0, return_counts=True)
    best = np.zeros(group.max() + 1, np.int64)
    np.maximum.at(best, pairs[:, 0], counts)
    return int(len(target) - best.sum())
