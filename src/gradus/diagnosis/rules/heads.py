"""The ways from a loss to the last layers, as operations: what rules about outputs and losses read."""

import itertools
from collections.abc import Iterator, Sequence

from gradus.diagnosis.graph import RESHAPING
from gradus.diagnosis.history import History
from gradus.diagnosis.signs import LossSigns, Op

MOST = 3
"""Examinations that are looked at: the ways do not change."""


def each_head(history: History) -> Iterator[tuple[LossSigns, list[Op]]]:
    """The operations from each loss to each last layer, without those that only reshape, of the first steps."""
    for examination in history.examinations[:MOST]:
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


_WEIGHING = RESHAPING | {"Mul", "Div", "Pow", "Add", "Rsub", "Clamp", "ClampMin"}


def is_focal(head: Sequence[Op]) -> bool:
    """Whether a power is a factor of something computed: it weighs examples, and is no error of its own."""
    above = list(itertools.takewhile(lambda op: op.name != "Pow", head))
    return len(above) < len(head) and any(op.name == "Mul" and op.shape and not op.data for op in above)
