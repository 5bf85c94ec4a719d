"""Two players, to the edge."""

from dataclasses import replace
from typing import Any

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.rules.generative import _LATE
from gradus.diagnosis.series import Series
from gradus.diagnosis.signs import OptimizerFacts
from tests.diagnosis.histories import APART, classifying, line, playing, seen


def caught(*, steps: int = _LATE, early: dict[str, Any] | None = None, **players: Any) -> set[str]:
    """What is seen of players of whom this is known, and who were another way in the first steps."""
    history = playing(replace(APART, **players), steps=steps)
    if early is not None:
        first = history.examinations[0]
        history.examinations[0] = replace(first, players=replace(APART, **early))
    return set(seen(history))


COLLAPSED: dict[str, Any] = {"spread": 0.01, "precision": 0.0, "told_apart": 0.8}


def test_nothing_is_said_of_players_who_have_only_begun() -> None:
    assert caught(steps=_LATE, **COLLAPSED) == {"mode-collapse"}
    assert caught(steps=_LATE - 1, **COLLAPSED) == set()
    dominated: dict[str, Any] = {"told_apart": 0.99, "precision": 0.1}
    assert caught(steps=_LATE, **dominated) == {"discriminator-dominates"}
    assert caught(steps=_LATE - 1, **dominated) == set()


@pytest.mark.parametrize(
    ("players", "early", "expected"),
    [
        ({"spread": 0.049}, None, True),
        ({"spread": 0.2, "precision": 0.3}, None, True),
        ({"spread": 0.2, "precision": 0.1}, None, False),  # samples that lay close together, far off, from the start
        ({"spread": 0.2, "precision": 0.1}, {"spread": 0.5}, True),  # and some that came together
        ({"spread": 0.26, "precision": 0.3}, None, False),
        ({"spread": 0.8, "coverage": 0.5, "precision": 0.7}, None, True),
        ({"spread": 0.8, "coverage": 0.5, "precision": 0.7, "told_apart": None}, None, False),  # with nobody to judge
        ({"spread": 0.01, "told_apart": None}, None, True),
        ({"spread": 0.8, "coverage": 0.56, "precision": 0.7}, None, False),
        ({"spread": 0.8, "coverage": 0.5, "precision": 0.59}, None, False),
        ({"spread": 0.98, "coverage": 0.29, "moved": 0.26}, None, True),  # one mode after another
        ({"spread": 0.98, "coverage": 0.31, "moved": 0.26}, None, False),
        ({"spread": 0.98, "coverage": 0.29, "moved": 0.24}, None, False),
        ({"spread": 0.98, "coverage": 0.29, "moved": 0.26, "precision": 0.5}, None, False),  # nowhere near the data
    ],
)
def test_where_a_generator_has_collapsed(players: dict[str, Any], early: dict[str, Any] | None, expected: bool) -> None:
    assert ("mode-collapse" in caught(early=early, **players)) == expected


@pytest.mark.parametrize(("growth", "expected"), [(1.05, True), (1.1, False)])
def test_samples_that_cover_a_part_and_spread_are_on_their_way(growth: float, expected: bool) -> None:
    history = playing(replace(APART, coverage=0.4, precision=0.9), steps=_LATE)
    for at, each in enumerate(history.examinations):
        wider = replace(APART, coverage=0.4, precision=0.9, spread=0.5 * growth ** (at - len(history.examinations)))
        history.examinations[at] = replace(each, players=wider)
    assert ("mode-collapse" in seen(history)) == expected


@pytest.mark.parametrize(
    ("apart", "precision", "expected"),
    [
        (0.98, 0.29, {"discriminator-dominates"}),
        (0.98, 0.31, set()),  # samples come closer
        (0.96, 0.29, set()),
        (0.59, 0.39, {"generator-dominates"}),
        (0.59, 0.41, set()),  # equilibrium
        (0.61, 0.39, set()),
    ],
)
def test_where_a_player_wins(apart: float, precision: float, expected: set[str]) -> None:
    assert caught(told_apart=apart, precision=precision) == expected


@pytest.mark.parametrize(("steps", "expected"), [((400, 40), True), ((400, 41), False), ((40, 400), True)])
def test_a_discriminator_that_gives_the_generator_hardly_a_turn(steps: tuple[int, int], expected: bool) -> None:
    """However near the data the few samples lie."""
    history = playing(replace(APART, told_apart=0.99, precision=0.9), steps=400)
    history.players = turns(*steps)
    assert ("discriminator-dominates" in seen(history)) is expected


@pytest.mark.parametrize(
    ("steps", "players", "expected"),
    [
        ((40, 400), {}, True),
        ((41, 400), {}, False),
        ((40, 400), {"coverage": 0.5}, False),
        ((40, 400), {"told_apart": 0.6}, False),  # it may be the other that makes most of the steps
        ((40, 400), {"told_apart": None}, True),  # steps of the generator alone
        ((400, 400), {"told_apart": None}, False),
    ],
)
def test_a_generator_that_gives_the_discriminator_hardly_a_turn(
    steps: tuple[int, int], players: dict[str, Any], expected: bool
) -> None:
    """However near the data the few lie that all its samples are like."""
    history = playing(replace(APART, **{"told_apart": 0.4, "coverage": 0.1, "precision": 0.9} | players), steps=400)
    history.players = turns(*steps)
    assert ("generator-dominates" in seen(history)) is expected


@pytest.mark.parametrize(
    ("rates", "told_apart", "expected"),
    [
        ((1e-4, 4e-3), 0.5, True),
        ((1e-4, 9e-4), 0.5, False),
        ((1e-4, 4e-3), 0.7, False),  # it may be the other that has the higher rate
        ((1e-4, 4e-3), 0.2, True),
    ],
)
def test_a_generator_whose_rate_is_far_higher(rates: tuple[float, float], told_apart: float, expected: bool) -> None:
    """Samples that fly past the discriminator are not those of players who are even."""
    thrown = replace(APART, told_apart=told_apart, coverage=0.1, precision=0.9, spread=2.0, moved=1.0)
    history = playing(thrown, steps=400)
    history.players = turns(400, 400)
    history.optimizers = {key: OptimizerFacts(name="Adam", rate=rate) for key, rate in enumerate(rates)}
    assert ("generator-dominates" in seen(history)) is expected
    assert ("oscillating-players" in seen(history)) is (rates[1] < 1e-3)
    history.optimizers[0] = replace(history.optimizers[0], name="SGD")  # of which rates tell nothing beside
    assert "generator-dominates" not in seen(history)


@pytest.mark.parametrize(("rate", "expected"), [(5e-6, True), (5e-4, False)])
def test_a_discriminator_that_goes_far_for_each_step_of_the_generators(rate: float, expected: bool) -> None:
    history = playing(replace(APART, told_apart=0.95, precision=0.4, coverage=0.01), steps=400, ended=True)
    history.players = turns(400, 400)
    history.optimizers = {key: OptimizerFacts(name="Adam", rate=each) for key, each in enumerate((8e-4, rate))}
    assert ("discriminator-dominates" in seen(history)) is expected


@pytest.mark.parametrize(
    ("players", "ended", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"coverage": 0.2}, True, False),
        ({"told_apart": 0.96}, True, False),
    ],
)
def test_a_discriminator_that_wins_all_through_the_later_part(
    players: dict[str, Any], ended: bool, expected: bool
) -> None:
    """However near the samples lie by now."""
    winning = replace(APART, **{"told_apart": 0.98, "precision": 0.5, "coverage": 0.1} | players)
    history = playing(winning, steps=400, ended=ended)
    for at in (-1, -9):  # nor is it always quite as good
        history.examinations[at] = replace(history.examinations[at], players=replace(winning, told_apart=0.95))
    assert ("discriminator-dominates" in seen(history)) is expected


def turns(*steps: int) -> dict[int, Series]:
    """Losses of players who made so many steps."""
    players = {key: Series() for key in range(len(steps))}
    for key, number in enumerate(steps):
        for _ in range(number):
            players[key].append(0.1)
    return players


def test_latents_are_used_if_a_tenth_of_them_is() -> None:
    def found(share: float, steps: int = 60, *, ended: bool = True) -> bool:
        flat = line(2.0, 1.98)
        history: History = classifying(
            steps=steps, curve=flat, examination={"latents": share}, loss={"kind": ""}, ended=ended
        )
        return "posterior-collapse" in seen(history)

    assert found(0.09)
    assert not found(0.11)
    assert not found(0.09, steps=59)
    assert not found(0.09, steps=199, ended=False)  # which may come to use late, though the loss rests
    assert found(0.09, steps=200, ended=False)


def test_latents_may_be_learned_late_while_the_loss_falls() -> None:
    def found(end: float, **options: Any) -> bool:
        curve = line(100.0, end)
        return "posterior-collapse" in seen(
            classifying(steps=200, curve=curve, examination={"latents": 0.0}, loss={"kind": ""}, **options)
        )

    assert found(95.0)
    assert not found(80.0)
    assert found(80.0, ended=True)


def test_modes_that_are_never_visited() -> None:
    def visits(*covered: tuple[int, ...], modes: int = 8, precision: float = 0.8) -> set[str]:
        history = playing(replace(APART, modes=modes, precision=precision))
        for at, each in enumerate(covered, -len(covered)):
            examination = history.examinations[at]
            assert examination.players is not None
            history.examinations[at] = replace(examination, players=replace(examination.players, covered=each))
        return set(seen(history))

    few = (0, 1, 2)
    assert visits(few, few, few, few) == {"mode-collapse"}
    assert visits((0, 1), (2, 3), (4, 5), (6,)) == set()  # one after the other all but one
    assert visits((0,), (0,), (0,), (0,), modes=1) == set()  # data in one piece
    assert visits((0,), (1,), (0,), (1,), modes=2) == set()
    assert visits(few, few, few, few, precision=0.4) == set()  # not yet among the data


@pytest.mark.parametrize(
    ("players", "expected"),
    [
        ({}, True),
        ({"told_apart": 0.3}, False),  # nobody holds it up
        ({"told_apart": 0.9}, False),  # on its way to the data
        ({"told_apart": None}, False),
        ({"moved": 0.15}, False),
        ({"covered": (0, 1, 2, 3)}, False),
        ({"modes": 3, "covered": (0,)}, False),
    ],
)
def test_poor_samples_near_few_modes_at_a_time(players: dict[str, Any], expected: bool) -> None:
    roaming: dict[str, Any] = {"spread": 1.1, "coverage": 0.02, "precision": 0.02, "told_apart": 0.57, "moved": 0.5}
    modes: dict[str, Any] = {"modes": 9, "covered": (0, 1, 2)}
    assert ("mode-collapse" in caught(steps=600, **roaming | modes | players)) is expected


@pytest.mark.parametrize(("steps", "ended", "expected"), [(599, False, False), (600, False, True), (_LATE, True, True)])
def test_samples_that_have_only_begun_may_roam(steps: int, ended: bool, expected: bool) -> None:
    roaming: dict[str, Any] = {"coverage": 0.02, "precision": 0.02, "told_apart": 0.57, "moved": 0.5}
    history = playing(replace(APART, modes=9, covered=(0, 1, 2), **roaming), steps=steps)
    history.ended = ended
    assert ("mode-collapse" in seen(history)) is expected


def test_players_that_circle() -> None:
    circling: dict[str, Any] = {"spread": 0.4, "moved": 0.4}
    assert caught(steps=400, **circling) == {"oscillating-players"}
    assert caught(steps=_LATE, **circling) == set()  # still on their way
    assert caught(steps=400, **circling | {"moved": 0.2}) == set()
    assert caught(steps=400, **circling | {"spread": 0.9}) == set()  # as wide as the data
    assert caught(steps=400, **circling | {"spread": 0.1}) == {"mode-collapse"}  # a point that wanders


def test_players_that_throw_samples_about() -> None:
    def found(*moved: float, steps: tuple[int, int] = (400, 400), **players: Any) -> bool:
        thrown = replace(APART, **{"spread": 3.0, "precision": 0.0, "coverage": 0.2} | players)
        history = playing(thrown, steps=400)
        history.players = turns(*steps)
        for at, each in enumerate(moved, -len(moved)):
            examination = history.examinations[at]
            assert examination.players is not None
            history.examinations[at] = replace(examination, players=replace(examination.players, moved=each))
        return "oscillating-players" in seen(history)

    assert found(0.5, 2.1, 1.1, 0.6, 0.5)
    assert not found(0.5, 2.1, 1.1, 0.6, 0.3)  # it settles
    assert not found(0.5, 2.1, 1.1, 0.6, 0.5, spread=0.0)  # as the one noise does that they are all made of
    assert not found(0.5, 2.1, 1.1, 0.6, 0.5, coverage=0.6)
    assert not found(0.5, 2.1, 1.1, 0.6, 0.5, told_apart=0.1)  # it runs off, and nobody can tell
    assert not found(0.5, 2.1, 1.1, 0.6, 0.5, told_apart=0.5, steps=(40, 400))  # who is hardly asked


def test_steps_of_the_generator_alone_do_not_say_who_is_ahead() -> None:
    assert caught(told_apart=None, precision=0.05) == set()
    circling: dict[str, Any] = {"spread": 0.4, "moved": 0.3, "precision": 0.3}
    assert caught(steps=400, **circling) == {"oscillating-players"}
    assert caught(steps=400, told_apart=None, **circling) == set()


@pytest.mark.parametrize(
    ("players", "started", "expected"),
    [
        ({}, 0.1, True),
        ({}, 0.3, False),  # as it began
        ({"spread": 0.7}, 0.1, False),
        ({"precision": 0.2}, 0.1, False),
        ({"moved": 0.3}, 0.1, False),  # on its way
        ({"told_apart": 1.0}, 0.1, False),  # stopped by the other
    ],
)
def test_a_generator_at_rest_between_the_data(players: dict[str, Any], started: float, expected: bool) -> None:
    resting: dict[str, Any] = {"spread": 0.4, "precision": 0.0, "told_apart": 0.9, "coverage": 0.0, "moved": 0.05}
    history = playing(replace(APART, **(resting | players)), steps=600)
    first = history.examinations[0]
    history.examinations[0] = replace(first, step=0, players=replace(APART, spread=started))
    later = [replace(each, step=100 + 100 * number) for number, each in enumerate(history.examinations[1:])]
    history.examinations[1:] = later
    assert ("mode-collapse" in seen(history)) == expected
