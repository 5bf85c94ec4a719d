"""Questions that several rules ask, in one round of rules and in the next."""

import math

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.rules import asked_once, sightings
from gradus.diagnosis.rules.common import chance, learned
from tests.diagnosis.histories import classifying, falling, fitting


def test_a_question_is_answered_once_in_a_round() -> None:
    asked = []

    @asked_once
    def question(history: History) -> int:
        asked.append(history.step)
        return len(asked)

    history = History(step=7)
    assert [question(history), question(history)] == [1, 2]  # no round is under way
    history.answers = {}
    assert [question(history), question(history)] == [3, 3]


def test_a_round_knows_nothing_of_the_one_before() -> None:
    history = classifying()
    list(sightings(history))
    assert history.answers is None
    assert learned(history)
    history.losses = classifying(curve=falling(0.1, 0.1)).losses
    history.examinations, history.right = [], []
    list(sightings(history))
    assert not learned(history)
    assert chance(history) == 1.0


def test_a_round_that_is_left_early_leaves_no_answers() -> None:
    history = classifying(loop={"idle_steps": 20})
    for _ in sightings(history):
        break
    assert history.answers is None


@pytest.mark.parametrize(
    ("start", "end", "weight", "somewhere"),
    [
        (40, 2.5, 1, False),
        (40, 1.1, 1, False),
        (1.3, 0.9, 1, False),  # little is gone of the loss of knowing nothing
        (1.3, 0.8, 1, True),
        (40, 2.5, 2, False),
        (40, 1.5, 2, True),  # of a loss with weights one cannot tell what it is of knowing nothing
    ],
)
def test_a_loss_that_only_comes_down_to_that_of_knowing_nothing_is_no_progress(
    start: float, end: float, weight: float, somewhere: bool
) -> None:
    nothing = math.log(10)
    surprise = {"surprise": math.nan if weight == 1 else end * nothing / weight}
    history = classifying(curve=falling(start * nothing, end * nothing), right=lambda part: 0.1, loss=surprise)
    assert learned(history) == somewhere


@pytest.mark.parametrize(
    ("start", "end", "mean", "std", "somewhere"),
    [
        (101, 0.81, 0.0, 1.0, False),
        (101, 0.79, 0.0, 1.0, True),
        (99, 0.81, 0.0, 1.0, True),
        (101, 0.81, 1.0, 1.0, True),  # it is as far from 0 to the targets' mean
        (101, 0.81, 0.0, 0.0, True),  # nothing to explain
    ],
)
def test_outputs_that_only_come_from_far_away_explain_nothing(
    start: float, end: float, mean: float, std: float, somewhere: bool
) -> None:
    history = fitting(
        loss=lambda step: {"error": end if step else start, "target_std": std, "target_mean": mean},
        curve=falling(start, end),
    )
    assert learned(history) == somewhere
