"""Processes that train together, to the edge."""

from collections.abc import Sequence

import pytest

from gradus.diagnosis.signs import RankSigns
from tests.diagnosis.histories import classifying, seen


def said(meetings: Sequence[RankSigns]) -> set[str]:
    return set(seen(classifying(ranks=list(meetings))))


def works(*slowest: int, slow: float = 0.03, whole: float = 0.05, together: bool = True) -> list[RankSigns]:
    """Of three processes, the number of the slow one at each meeting."""
    return [
        RankSigns(
            step=8 * at,
            apart=(0.0, 0.0, 0.0),
            work=tuple(slow if rank == each else 0.01 for rank in range(3)),
            whole=whole,
            together=together,
        )
        for at, each in enumerate(slowest, 1)
    ]


def test_a_straggler_is_the_same_at_four_meetings_in_turn() -> None:
    assert said(works(2, 2, 2, 2)) == {"straggler"}
    assert said(works(2, 2, 2)) == set()
    assert said(works(2, 2, 1, 2)) == set()
    assert said(works(0, 1, 2, 2, 2, 2)) == {"straggler"}


@pytest.mark.parametrize(
    ("slow", "whole", "expected"),
    [(0.0151, 0.05, True), (0.0149, 0.05, False), (0.03, 0.19, True), (0.03, 0.21, False)],
)
def test_a_straggler_is_half_as_slow_again_and_a_tenth_of_a_step(slow: float, whole: float, expected: bool) -> None:
    assert (said(works(1, 1, 1, 1, slow=slow, whole=whole)) == {"straggler"}) is expected


def test_processes_that_exchange_nothing_are_left_alone() -> None:
    assert said(works(2, 2, 2, 2, together=False)) == set()
    apart = [RankSigns(step=8 * at, apart=(0.0, 0.1), work=(0.01, 0.01), whole=0.05, together=False) for at in range(9)]
    assert said(apart) == set()


def test_weights_that_meet_again_are_averaged_now_and_then() -> None:
    def apart(*values: float) -> list[RankSigns]:
        return [
            RankSigns(step=8 * at, apart=(0.0, value), work=(0.01, 0.01), whole=0.05)
            for at, value in enumerate(values, 1)
        ]

    assert said(apart(0.0, 0.1, 0.1, 0.1, 0.1)) == {"desynchronised-rank"}
    assert said(apart(0.1, 0.1, 0.0, 0.1)) == set()
    _, sighting = seen(classifying(ranks=apart(0.0, 0.1, 0.1, 0.1, 0.2)))["desynchronised-rank"]
    assert (sighting.since, sighting.evidence) == (16, {"rank": 1, "apart": 0.2})
