"""Which examples train, which validate and which test."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradus.core.errors import InputError
from gradus.core.randomness import Stream, derive_seed, uniform
from gradus.data.raw import Examples, RawData

Index = NDArray[np.int64]
DEFAULT_TEST_SHARE = 0.2
_DRAW = {"test": 4, "validation": 10}  # which draw of a seed sets each aside; changing one changes every run's split


@dataclass(frozen=True)
class Split:
    """Some of the examples: their numbers in `examples`."""

    examples: Examples
    index: Index

    def __len__(self) -> int:
        return len(self.index)

    @property
    def target(self) -> NDArray[Any]:
        return self.examples.target[self.index]


@dataclass(frozen=True)
class Splits:
    """What is trained on, what is looked at meanwhile, and what is looked at once, at the end."""

    train: Split
    validation: Split | None
    test: Split | None

    def named(self) -> Mapping[str, Split]:
        """The splits there are, by name."""
        every = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in every.items() if split is not None}


def bootstrap(part: Split, seed: int) -> Split:
    """As many examples, drawn from `part` with replacement; in ascending order, some of them more than once.

    Source: Breiman (1996), Bagging predictors, Machine Learning 24.
    """
    count = len(part)
    draws = uniform(seed, Stream.BOOTSTRAP, 0, np.arange(count), 1)[:, 0]
    return Split(part.examples, np.sort(part.index[(draws * count).astype(np.int64)]))


def split(data: RawData, *, validation: float, test: float | None, seed: int) -> Splits:
    """Set examples aside for validation and, where the source brings no test split, for the test.

    Classification sets are split with each class in proportion; of an ordered set the end is set aside, with a gap of
    `data.gap` examples before it. The source's own validation and test splits are passed on untouched.

    Args:
        validation: share of what is left after the test split; 0 for none; not looked at where the source has one.
        test: share of all; None for 0.2 where the source has no test split of its own.
    Raises:
        InputError: if the shares leave too few examples of a class.
    """
    if data.test is not None and test is not None:
        raise InputError("data.test", "the data come with their own test split", test, "Remove this field.")
    rest = np.arange(len(data.train), dtype=np.int64)
    held_out = None
    if data.test is not None:
        held_out = Split(data.test, np.arange(len(data.test), dtype=np.int64))
    else:
        rest, taken = _set_aside(data, rest, DEFAULT_TEST_SHARE if test is None else test, "test", seed)
        held_out = Split(data.train, taken) if len(taken) else None
    if data.validation is not None:
        validated: Split | None = Split(data.validation, np.arange(len(data.validation), dtype=np.int64))
    else:
        rest, taken = _set_aside(data, rest, validation, "validation", seed)
        validated = Split(data.train, taken) if len(taken) else None
    return Splits(train=Split(data.train, rest), validation=validated, test=held_out)


def _set_aside(data: RawData, index: Index, share: float, name: str, seed: int) -> tuple[Index, Index]:
    """`index` without, and with only, a share of it; both in ascending order."""
    if share == 0:
        return index, index[:0]
    target = data.train.target[index]
    taken = round(share * len(index))
    if not 0 < taken < len(index):
        raise InputError(
            f"data.{name}", f"must leave examples on both sides of {len(index)}", share, f"Set {name} = 0 for none."
        )
    if data.ordered:
        first = len(index) - taken
        if first <= data.gap:
            raise InputError(
                f"data.{name}", f"leaves nothing to train on: a gap of {data.gap} is left before it", share
            )
        return index[: first - data.gap], index[first:]
    stratify = None
    if data.task == "classification" and data.steps is None:
        present, counts = np.unique(target, return_counts=True)
        if counts.min() < 2 or min(taken, len(index) - taken) < len(present):
            rarest = data.classes[present[counts.argmin()]]
            values = ' If the target holds values, not classes, set task = "regression".'
            raise InputError(
                f"data.{name}",
                f"too few examples to give each of {len(present)} classes its share "
                f"(class `{rarest}` has {counts.min()} of {len(index)})",
                share,
                f"Add examples, or set {name} = 0.{values if len(present) > len(index) / 4 else ''}",
            )
        stratify = target
    from sklearn.model_selection import train_test_split

    random_state = derive_seed(seed, Stream.SPLIT, _DRAW[name]) % 2**32
    kept, aside = train_test_split(index, test_size=taken, stratify=stratify, random_state=random_state)
    return np.sort(kept), np.sort(aside)
