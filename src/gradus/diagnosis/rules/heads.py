"""The ways from a loss to the last layers, as operations: what rules about outputs and losses read."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from gradus.diagnosis.history import History
from gradus.diagnosis.operations import RESHAPING, is_layer
from gradus.diagnosis.rules import asked_once
from gradus.diagnosis.signs import Examination, LossSigns, Op

MOST = 3
"""Examinations that are looked at: the ways do not change."""


@asked_once
def first_of_each(history: History) -> list[Examination]:
    """The first examinations of each loss: a program may teach one model, and another after it."""
    found: list[Examination] = []
    seen = Counter[object]()
    for each in history.examinations:
        ways = tuple((loss.operation, loss.below, *map(len, loss.heads)) for loss in each.losses)
        seen[ways] += 1
        if seen[ways] <= MOST:
            found.append(each)
    return found


def each_head(history: History) -> Iterator[tuple[LossSigns, list[Op]]]:
    """The operations from each loss to each last layer, without those that only reshape, of the first steps."""
    for examination in first_of_each(history):
        for loss in examination.losses:
            for head in loss.heads:
                yield loss, [op for op in head if op.name not in RESHAPING]


def pairs_of(head: Sequence[Op], names: Sequence[str]) -> Iterator[tuple[Op, Op]]:
    """Each operation of these names, and the one below it."""
    return (pair for pair in itertools.pairwise(head) if pair[0].name in names)


def first_pair(head: Sequence[Op], names: Sequence[str]) -> tuple[Op, Op] | None:
    """The first of them."""
    return next(pairs_of(head, names), None)


def given_shares(loss: LossSigns, names: Sequence[str]) -> bool:
    """Whether one of them is given what a softmax or sigmoid made, as it is or weighed, as in a focal loss.

    What several ways share is seen on one of them alone.
    """
    for head in loss.heads:
        below = itertools.islice(itertools.dropwhile(lambda op: op.name not in names, head), 1, None)
        if next((op.name for op in below if op.name not in _WEIGHING), "") in ("Softmax", "Sigmoid"):
            return True
    return False


def has_logarithm(loss: LossSigns, names: Sequence[str]) -> bool:
    """Whether one of these is given a logarithm, be it weighed; or, where that is not seen, any at all."""
    below = [list(itertools.dropwhile(lambda op: op.name not in names, head))[1:] for head in loss.heads]
    whole = any(head and is_layer(head[-1].name) for head in below)
    return any("Log" in op.name for head in (below if whole else loss.heads) for op in head)


def is_taken_off(head: Sequence[Op]) -> bool:
    """Whether what is at the end of a way, with nothing but sums above it, is made large by a loss that becomes small.

    It may be one of several terms; what is left of 1 is none, as the mean absolute error of probabilities is.
    """
    above = [op for op in head if op.name not in RESHAPING]
    linear = all(op.name in _SUMS or (op.name in ("Mul", "Div") and op.data and not op.shape) for op in above)
    return linear and sum(op.negative for op in above) % 2 == 1


_SUMS = ("Neg", "Sub", "Add", "Mean", "Sum")
_WEIGHING = RESHAPING | {"Mul", "Div", "Pow", "Add", "Rsub", "Clamp", "ClampMin"}


def is_focal(head: Sequence[Op]) -> bool:
    """Whether a power is a factor of something computed: it weighs examples, and is no error of its own."""
    above = list(itertools.takewhile(lambda op: op.name != "Pow", head))
    return len(above) < len(head) and any(op.name == "Mul" and op.shape and not op.data for op in above)
