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
