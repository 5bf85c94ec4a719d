"""Steps too small and too large, to the edge."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.rules import rate
from gradus.diagnosis.series import Series
from gradus.diagnosis.signs import ParameterSigns
from tests.diagnosis.histories import (
    ADAM,
    BATCH,
    CROSS_ENTROPY,
    PARAMETERS,
    SGD,
    Curve,
    classifying,
    falling,
    half_learning,
    line,
    moving,
    not_learning,
    op,
    seen,
)


def small(ratio: float) -> History:
    return not_learning(examination={"parameters": moving(ratio)})


def warmed_up(history: History) -> History:
    """The rate is still rising."""
    history.rates = Series()
    for step in range(history.step):
        history.rates.append(1e-5 * (step + 1))
    return history


@pytest.mark.parametrize(
    ("history", "caught"),
    [
        (lambda: small(0.99 * rate.SMALL), True),
        (lambda: small(1.01 * rate.SMALL), False),
        (lambda: classifying(examination={"parameters": moving(0.1 * rate.SMALL)}), False),  # it learns
        (lambda: warmed_up(small(0.1 * rate.SMALL)), False),
        (lambda: small(0.0), False),  # nothing moves: that is no matter of the rate
        (lambda: not_learning(steps=49, examination={"parameters": moving(0.1 * rate.SMALL)}), False),
        (lambda: not_learning(steps=50, examination={"parameters": moving(0.1 * rate.SMALL)}), True),
    ],
)
def test_where_steps_are_small(history: Callable[[], History], caught: bool) -> None:
    assert ("small-updates" in seen(history())) == caught


@pytest.mark.parametrize(
    ("ratio", "steps", "curve", "caught"),
    [
        (0.99 * rate.CREEPING, 500, line(2.0, 1.0), True),
        (1.01 * rate.CREEPING, 500, line(2.0, 1.0), False),
        (0.99 * rate.CREEPING, 700, line(2.0, 1.0), False),  # all together more than a third
        (0.99 * rate.CREEPING, 99, line(2.0, 1.0), False),  # few steps come nowhere at any rate
        (0.99 * rate.CREEPING, 500, falling(2.0, 1.0), False),  # it has come to rest
    ],
)
def test_where_a_loss_falls_as_slowly_as_at_first_to_the_end(
    ratio: float, steps: int, curve: Curve, caught: bool
) -> None:
    """Of whatever the loss compares."""

    def seen_in(**options: Any) -> bool:
        history = classifying(
            steps=steps, curve=curve, loss={"kind": "", "accuracy": None}, examination={"parameters": moving(ratio)},
            **options,
        )  # fmt: skip
        return "small-updates" in seen(history)

    assert seen_in(ended=True) == caught
    assert not seen_in(ended=False)


@pytest.mark.parametrize(
    ("ratio", "epsilon", "caught"),
    [(0.9, 1e-8, True), (1.1, 1e-8, False), (0.9, 0.0, False)],  # of plain descent the gradients may be small
)
def test_where_a_loss_does_not_fall_because_weights_stay_where_they_are(
    ratio: float, epsilon: float, caught: bool
) -> None:
    history = not_learning(
        steps=500, curve=line(2.3, 2.3), ended=True, optimizer=replace(ADAM, epsilon=epsilon),
        examination={"parameters": moving(ratio * rate.CREEPING)},
    )  # fmt: skip
    assert ("small-updates" in seen(history)) == caught


@pytest.mark.parametrize(("steps", "caught"), [(500, True), (3000, False)])  # of 1.5e-4 each
def test_where_a_loss_came_down_a_little_with_weights_that_hardly_moved(steps: int, caught: bool) -> None:
    history = half_learning(
        steps=steps, curve=falling(2.3, 1.5), ended=True, examination={"parameters": moving(1.5e-4)}
    )
    assert ("small-updates" in seen(history)) == caught


@pytest.mark.parametrize(
    ("ratio", "curve", "caught"),
    [(1.5e-4, falling(2.3, 2.2), True), (3e-4, falling(2.3, 2.2), False), (1.5e-4, line(2.3, 2.3), False)],
)
def test_where_a_loss_of_no_known_kind_came_down_a_little(ratio: float, curve: Curve, caught: bool) -> None:
    history = classifying(
        steps=500, curve=curve, loss={"kind": "", "accuracy": None}, right=None, ended=True,
        examination={"parameters": moving(ratio)},
    )  # fmt: skip
    assert ("small-updates" in seen(history)) == caught


@pytest.mark.parametrize(("right", "caught"), [(0.14, True), (0.16, False)])
def test_what_was_trained_before_may_creep_once_it_tells_anything(right: float, caught: bool) -> None:
    history = classifying(
        steps=500, curve=line(2.3, 2.0), right=line(right, right),
        examination={"parameters": moving(0.9 * rate.CREEPING)}, ended=True,
    )  # fmt: skip
    history.earlier = 250
    assert ("small-updates" in seen(history)) == caught


@pytest.mark.parametrize(
    ("times", "name", "epsilon", "caught"),
    [
        (BATCH, "SGD", 0.0, True),
        (BATCH, "Own", 0.0, True),
        (2.0, "SGD", 0.0, False),
        (BATCH, "Adam", 1e-8, False),
        (BATCH, "Lion", 0.0, False),  # goes by the sign alone
    ],
)
def test_the_mean_times_the_size_of_the_batch_is_a_sum(times: float, name: str, epsilon: float, caught: bool) -> None:
    loss = {"heads": ((op("Mul", times=times), *CROSS_ENTROPY),)}
    optimizer = replace(SGD, name=name, epsilon=epsilon)
    history = classifying(loss=loss, curve=line(140.0, 300.0), optimizer=optimizer)
    assert ("summed-loss" in seen(history)) == caught


@pytest.mark.parametrize(
    ("given", "highest", "right", "moves", "caught"),
    [
        (0.01, 1e-4, 0.5, 1.5e-3, True),
        (0.01, 1e-3, 0.5, 1.5e-3, False),  # a warm-up that began with a hundredth
        (0.01, 1e-4, 0.95, 1.5e-3, False),
        (0.01, 1e-4, 0.5, 2.5e-3, False),  # as far as is usual
        (1.0, 1e-4, 0.5, 1.5e-3, False),  # what the schedule gives is the rate, and meant to be
        (math.nan, 1e-4, 0.5, 1.5e-3, False),
    ],
)
def test_a_schedule_that_gives_the_rate_itself(
    given: float, highest: float, right: float, moves: float, caught: bool
) -> None:
    optimizer = replace(ADAM, rate=highest, given=given)
    steps = {"parameters": moving(moves)}
    history = classifying(optimizer=optimizer, right=line(right, right), examination=steps, ended=True)
    assert ("small-updates" in seen(history)) == caught


def test_a_rate_that_rises_to_the_end_of_the_program_is_no_warm_up() -> None:
    history = warmed_up(small(0.1 * rate.SMALL))
    history.ended = True
    assert "small-updates" in seen(history)


def large(ratio: float, number: int, *, thrown: bool) -> History:
    """The first `number` of the examined steps go this far, and throw the loss up or not."""
    return not_learning(
        curve=lambda part: 5.0 if thrown and part else 2.3,
        examination=lambda step: {"parameters": moving(ratio if step < number else 1e-3)},
    )


@pytest.mark.parametrize(
    ("ratio", "number", "thrown", "caught"),
    [
        (1.01 * rate.LARGE, 3, True, True),
        (1.01 * rate.LARGE, 3, False, False),
        (1.01 * rate.LARGE, 2, True, False),
        (1.01 * rate.STILL_LARGE, 4, True, False),
        (1.01 * rate.STILL_LARGE, 7, True, True),
        (0.99 * rate.STILL_LARGE, 9, True, False),
        (1.01 * rate.STILL_LARGE, 1000, False, True),
    ],
)
def test_where_steps_are_large(ratio: float, number: int, thrown: bool, caught: bool) -> None:
    assert ("large-updates" in seen(large(ratio, number, thrown=thrown))) == caught


def test_far_steps_of_an_optimizer_that_searches_are_its_own_choice() -> None:
    history = large(2 * rate.LARGE, 3, thrown=True)
    assert "large-updates" in seen(history)
    history.optimizers = {key: replace(each, searches=True) for key, each in history.optimizers.items()}
    assert "large-updates" not in seen(history)


def test_one_layer_that_begins_at_zero_is_not_the_middle_one() -> None:
    parameters = moving(1e-3) | {"net:6.weight": moving(50.0)["net:6.weight"]}
    assert "large-updates" not in seen(classifying(examination={"parameters": parameters}))


def weighing(weight: float) -> dict[str, ParameterSigns]:
    """A step changes a fifth of it."""
    return {place: replace(each, weight=weight, update=0.2 * weight) for place, each in PARAMETERS.items()}


def test_steps_of_a_tenth_are_large_if_weights_have_grown_by_them() -> None:
    def history(*, grown: float, normalizations: int = 0, began: float = 0.1) -> History:
        return not_learning(
            net={"normalizations": normalizations},
            examination=lambda step: {"parameters": weighing(began * (grown if step > 100 else 1))},
        )

    assert "large-updates" in seen(history(grown=6.0))
    assert "large-updates" not in seen(history(grown=60.0, began=0.012))  # near zero, from where it must grow
    assert "large-updates" not in seen(history(grown=4.0))
    assert "large-updates" in seen(history(grown=6.0, normalizations=1))  # it does not learn


@pytest.mark.parametrize(("grown", "end", "caught"), [(7.0, 1.0, False), (12.0, 1.0, True), (7.0, 1.99, True)])
def test_weights_may_grow_tenfold_while_the_loss_comes_down(grown: float, end: float, caught: bool) -> None:
    """As a table of leaves does that begins near zero."""
    history = classifying(
        curve=lambda part: 2.3 if part < 0.25 else 2.0 if part < 0.75 else end,
        right=line(0.1, 0.6),
        examination=lambda step: {"parameters": weighing(0.1 * (grown if step > 50 else 1))},
    )
    assert ("large-updates" in seen(history)) is caught


def test_weights_may_grow_under_normalizations_while_the_loss_falls() -> None:
    def history(end: float) -> History:
        return classifying(
            curve=lambda part: 2.3 if part < 0.5 else end, right=line(0.1, 0.4), net={"normalizations": 1},
            examination=lambda step: {"parameters": weighing(0.6 if step > 100 else 0.1)},
        )  # fmt: skip

    assert "large-updates" in seen(history(0.61 * math.log(10)))
    assert "large-updates" not in seen(history(0.59 * math.log(10)))


def test_weights_that_run_wild_while_nothing_more_is_learned() -> None:
    def found(*, ratio: float = 0.02, grown: float = 6.0, end: float = 1.5) -> bool:
        def moved(step: int) -> dict[str, Any]:
            weight = 0.1 * (grown if step > 50 else 1)
            return {
                "parameters": {
                    at: replace(each, weight=weight, update=ratio * weight) for at, each in PARAMETERS.items()
                }
            }

        def curve(part: float) -> float:
            return 1.8 if part < 0.25 else end

        history = classifying(examination=moved, curve=curve, right=line(0.2, 0.22), net={"normalizations": 1})
        return "large-updates" in seen(history)

    assert found()
    assert not found(ratio=0.001)
    assert not found(grown=4.0)
    assert not found(end=1.0)  # the most of it is learned


@pytest.mark.parametrize(
    ("epsilon", "shortened", "step", "caught"),
    [
        (0.1, 7.0, 2e-3, True),
        (0.1, 5.0, 2e-3, False),
        (1e-3, 7.0, 2e-3, False),  # as some do
        (0.1, 7.0, 0.045, False),  # a rate that makes up for it
    ],
)
def test_an_epsilon_that_takes_most_of_each_step_though_the_loss_falls(
    epsilon: float, shortened: float, step: float, caught: bool
) -> None:
    adam = replace(ADAM, epsilon=epsilon, drowned=0.8, shortened=shortened, rate=step)
    assert ("optimizer-epsilon-too-large" in seen(half_learning(optimizer=adam))) == caught
