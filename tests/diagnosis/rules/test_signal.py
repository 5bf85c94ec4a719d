"""Where rules of the signal begin to speak, and what they must not be fooled by."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.rules import signal
from gradus.diagnosis.signs import NonFinite
from tests.diagnosis.histories import (
    LAYERS,
    MATRIX,
    PARAMETERS,
    classifying,
    falling,
    fitting,
    half_learning,
    line,
    not_learning,
    recurrent,
    seen,
    with_first,
    with_layer,
)


def gradients(first: float, *, learns: bool, **changes: Any) -> History:
    """The gradient over weight of the first matrix, relative to the others'."""
    assert MATRIX.gradient is not None
    parameters = with_first(gradient=first * MATRIX.gradient, **changes)
    return (classifying if learns else not_learning)(examination={"parameters": parameters})


@pytest.mark.parametrize(
    ("first", "learns", "caught"),
    [
        (0.99 * signal.VANISHED, False, True),
        (1.01 * signal.VANISHED, False, False),
        (0.99 * signal.VANISHED, True, False),  # it cannot be that bad
        (1e-3 * signal.VANISHED, True, True),
        (0.0, False, False),  # no gradient at all is something else
    ],
)
def test_where_a_gradient_has_vanished(first: float, learns: bool, caught: bool) -> None:
    assert ("vanishing-gradient" in seen(gradients(first, learns=learns))) == caught


@pytest.mark.parametrize(("at_first", "caught"), [(0.99 * signal.VANISHED, True), (1.01 * signal.VANISHED, False)])
def test_a_gradient_of_which_nothing_is_left_had_vanished_before(at_first: float, caught: bool) -> None:
    assert MATRIX.gradient is not None
    begun, gone = (with_first(gradient=factor * MATRIX.gradient) for factor in (at_first, 0.0))
    history = not_learning(examination=lambda step: {"parameters": gone if step else begun})
    assert ("vanishing-gradient" in seen(history)) == caught


@pytest.mark.parametrize(("error", "caught"), [(1.0, True), (0.5, False)])
def test_a_loss_that_came_down_to_that_of_the_mean_is_no_progress(error: float, caught: bool) -> None:
    assert MATRIX.gradient is not None
    parameters = with_first(gradient=0.99 * signal.VANISHED * MATRIX.gradient)
    history = fitting(curve=line(1.3, 1.0), loss={"error": error}, examination={"parameters": parameters})
    assert ("vanishing-gradient" in seen(history)) == caught


@pytest.mark.parametrize(
    ("begins", "end", "caught"),
    [
        ({"constant": True}, "net:branch.2.weight", False),
        ({"constant": True}, "net:branch.0.5.weight", True),  # not the end of the branch that learns little
        ({}, "net:branch.2.weight", True),
    ],
)
def test_a_branch_that_begins_shut_has_little_gradient_at_first(begins: dict[str, Any], end: str, caught: bool) -> None:
    """As of a spatial transformer, whose last matrix begins at zero."""
    assert MATRIX.gradient is not None
    little = replace(MATRIX, gradient=0.5 * signal.VANISHED * MATRIX.gradient)
    branch = {"net:branch.0.weight": little, "net:branch.1.weight": little, end: replace(MATRIX, **begins)}
    kept = {"net:branch.2.weight": MATRIX} if end != "net:branch.2.weight" else {}
    layers = {place.removesuffix(".weight"): next(iter(LAYERS.values())) for place in branch | kept}
    history = not_learning(examination={"parameters": branch | kept | PARAMETERS, "layers": layers | LAYERS})
    assert ("vanishing-gradient" in seen(history)) == caught


@pytest.mark.parametrize(("first", "caught"), [(1.01 * signal.EXPLODED, True), (0.99 * signal.EXPLODED, False)])
def test_where_a_gradient_has_exploded(first: float, caught: bool) -> None:
    assert ("exploding-gradient" in seen(gradients(first, learns=False))) == caught
    assert "exploding-gradient" not in seen(gradients(first, learns=True))  # one rate suits both well enough


@pytest.mark.parametrize(("scale", "caught"), [(1.01 * signal._NEAR_ZERO, True), (0.99 * signal._NEAR_ZERO, False)])
def test_a_first_matrix_near_zero_has_a_large_gradient_in_proportion(scale: float, caught: bool) -> None:
    """As the one from inputs to units of an IRNN."""
    assert MATRIX.gradient is not None
    weight = scale / math.sqrt(MATRIX.fan_in)
    small = {"weight": weight, "gradient": 2 * signal.EXPLODED * weight * MATRIX.gradient / MATRIX.weight}
    assert ("exploding-gradient" in seen(not_learning(examination={"parameters": with_first(**small)}))) == caught


def test_tokens_and_positions_multiply_nothing() -> None:
    """They belong to the model itself, stand first, and often begin at zero."""

    def found(place: str, **begins: bool) -> bool:
        parameters = {place: replace(MATRIX, gradient=10.0, **begins)} | PARAMETERS
        return "exploding-gradient" in seen(half_learning(examination={"parameters": parameters}))

    assert found("net:0.weight_v")
    assert not found("net:token")
    assert not found("net:0.weight_v", constant=True)  # as gates begin


def test_a_small_gradient_of_a_small_matrix_has_not_vanished() -> None:
    factor = 0.1 * signal.VANISHED
    assert seen(gradients(factor, learns=False, weight=MATRIX.weight * factor)).keys() & {"vanishing-gradient"} == set()


@pytest.mark.parametrize("changes", [{"embedding": True}, {"matrix": False}])
def test_tables_and_gains_are_not_compared(changes: dict[str, Any]) -> None:
    assert "vanishing-gradient" not in seen(gradients(0.1 * signal.VANISHED, learns=False, **changes))


def test_matrices_of_different_models_are_not_compared() -> None:
    first = replace(MATRIX, gradient=1e-9)
    parameters = {f"judge:{each}.weight": first for each in range(3)} | PARAMETERS
    assert "vanishing-gradient" not in seen(not_learning(examination={"parameters": parameters}))


def test_once_is_not_lasting() -> None:
    small = with_first(gradient=1e-9)
    history = not_learning(examination=lambda step: {"parameters": PARAMETERS if step == 176 else small})
    assert [each.step for each in history.latest(2)] == [176, 192]
    assert "vanishing-gradient" not in seen(history)


def test_a_signal_that_is_learned_from_has_not_vanished() -> None:
    faint = {"layers": with_layer("net:4", varied=1e-5)}
    assert "vanishing-signal" in seen(not_learning(examination=faint))
    assert "vanishing-signal" not in seen(classifying(examination=faint))
    assert "vanishing-signal" not in seen(not_learning(examination=faint, steps=19))  # it may grow
    zeros = {place: replace(each, constant=place == "net:4.weight") for place, each in PARAMETERS.items()}
    assert "vanishing-signal" not in seen(not_learning(examination=faint | {"parameters": zeros}))


def silent(share: float, *, learns: bool, **changes: Any) -> History:
    """`learns` is to learn, but not well."""
    examination = {"layers": with_layer("net:3", dead=share, **changes)}
    return (
        classifying(examination=examination, right=line(0.1, 0.8)) if learns else not_learning(examination=examination)
    )


@pytest.mark.parametrize(
    ("learns", "limit"), [(False, signal._DEAD), (True, signal._DEAD_THOUGH_LEARNING)], ids=["stuck", "learning"]
)
def test_where_units_are_dead(learns: bool, limit: float) -> None:
    assert "dead-units" in seen(silent(limit + 0.01, learns=learns))
    assert "dead-units" not in seen(silent(limit - 0.01, learns=learns))
    assert "dead-units" not in seen(silent(1.0, learns=learns, units=3))


def test_units_that_the_network_does_without_are_not_missed() -> None:
    assert "dead-units" not in seen(classifying(examination={"layers": with_layer("net:3", dead=1.0)}))


@pytest.mark.parametrize("by_turns", [False, True])
def test_layers_whose_turn_has_not_come_get_no_gradient(by_turns: bool) -> None:
    """Of three tasks by turns, with gradients set to zero, two have none at each step: their layers do not run."""

    def step_of(step: int) -> dict[str, Any]:
        idle = [2 * (number + 1) for number in range(3) if number != step % 3]
        still = {f"net:{at}.weight": replace(MATRIX, gradient=0.0) for at in idle}
        here = {
            place: each for place, each in LAYERS.items() if not (by_turns and place in {f"net:{at}" for at in idle})
        }
        return {"layers": here, "parameters": PARAMETERS | still}

    assert ("dead-units" in seen(not_learning(examination=step_of))) is not by_turns


def test_a_signal_may_grow_in_a_run_that_learns() -> None:
    loud = {"layers": with_layer("net:4", std=1.01 * signal.EXPLODED)}
    assert "exploding-signal" in seen(not_learning(examination=loud))
    assert "exploding-signal" not in seen(classifying(examination=loud))
    assert "exploding-signal" not in seen(not_learning(examination=loud, steps=19))


def test_dead_units_are_found_where_most_are_and_since_they_died() -> None:
    history = not_learning(
        examination=lambda step: {
            "layers": with_layer("net:1", dead=0.7) | {"net:3": replace(LAYERS["net:3"], dead=0.95 if step > 40 else 0)}
        }
    )
    _, sighting = seen(history)["dead-units"]
    assert (sighting.where, sighting.since) == ("net:3", 48)
    assert sighting.evidence["share"] == 0.95


def test_units_that_were_silent_at_the_last_examination_only_are_not_dead() -> None:
    history = not_learning(examination=lambda step: {"layers": with_layer("net:3", dead=1.0 if step > 180 else 0.2)})
    assert "dead-units" not in seen(history)


def test_the_output_s_own_sigmoid_may_be_sure() -> None:
    def history(place: str) -> History:
        sigmoid = replace(LAYERS["net:6"], type="Sigmoid", saturated=0.99)
        hidden = {place: replace(LAYERS[place], saturated=0.99)} if place else {}
        return not_learning(examination={"layers": {**LAYERS, "net:7": sigmoid, **hidden}})

    assert "saturated-units" not in seen(history(""))
    assert "saturated-units" not in seen(history("net:6"))  # the layer that goes into it
    assert seen(history("net:4"))["saturated-units"][1].where == "net:4"


@pytest.mark.parametrize("output", [True, False])
def test_a_signal_may_end_in_an_output(output: bool) -> None:
    faint = {"layers": with_layer("net:4", varied=1e-5, output=output)}
    assert ("vanishing-signal" in seen(not_learning(examination=faint))) is not output


def test_the_output_of_one_model_among_several_may_be_sure() -> None:
    def found(output: bool) -> bool:
        layers = with_layer("net:3", saturated=0.99, output=output)
        return "saturated-units" in seen(not_learning(examination={"layers": layers}))

    assert found(False)
    assert not found(True)


@pytest.mark.parametrize(("share", "caught"), [(signal._SATURATED + 0.01, True), (signal._SATURATED - 0.01, False)])
def test_where_units_are_saturated(share: float, caught: bool) -> None:
    assert ("saturated-units" in seen(not_learning(examination={"layers": with_layer("net:3", saturated=share)}))) == (
        caught
    )


def test_units_are_saturated_once_the_first_steps_are_over() -> None:
    full = {"layers": with_layer("net:3", saturated=0.9)}
    assert "saturated-units" not in seen(not_learning(examination=full, steps=49))
    assert "saturated-units" in seen(not_learning(examination=full, steps=50))


@pytest.mark.parametrize(("share", "caught"), [(0.01, True), (-0.01, False)])
def test_units_that_are_saturated_throughout_though_the_rest_learns(share: float, caught: bool) -> None:
    def full(step: int) -> dict[str, Any]:
        return {"layers": with_layer("net:3", saturated=signal._SATURATED_THROUGHOUT + (share if step < 20 else 0.01))}

    assert ("saturated-units" in seen(classifying(examination=full))) == caught


@pytest.mark.parametrize(("shares", "caught"), [((0.6, 0.8, 0.9), True), ((0.1, 0.8, 0.9), False), ((0.9,), False)])
def test_units_that_are_saturated_all_over_though_the_run_learns(shares: Sequence[float], caught: bool) -> None:
    places = [place for place in LAYERS if not LAYERS[place].output][: len(shares)]
    layers = LAYERS | {
        place: replace(LAYERS[place], saturated=share) for place, share in zip(places, shares, strict=True)
    }
    assert ("saturated-units" in seen(classifying(examination={"layers": layers}))) == caught


def test_a_signal_has_exploded_that_did_so_before_all_became_nan() -> None:
    def loud(step: int) -> dict[str, Any]:
        return {"layers": with_layer("net:4", std=math.nan if step > 100 else 1.01 * signal.EXPLODED)}

    assert "exploding-signal" not in seen(not_learning(examination=loud))
    history = not_learning(examination=loud, non_finite=NonFinite(step=101, where="net:4", source="forward"))
    assert seen(history)["exploding-signal"][1].since == 0


@pytest.mark.parametrize(
    ("held_out", "ended", "caught"),
    [
        ({}, False, False),  # nothing is known yet of what can be told
        ({}, True, True),
        ({"errors": (1.0, 1.0), "evaluation": {"variance": 1.0}}, False, True),
        ({"errors": (1.0, 0.98), "evaluation": {"variance": 1.0}}, False, False),  # little, of noisy targets
        ({"scores": (0.1, 0.12), "evaluation": {"examples": 100}}, False, True),
        ({"scores": (0.1, 0.12), "evaluation": {"examples": 9000}}, False, False),
    ],
)
def test_what_little_can_be_known_needs_no_distant_past(held_out: dict[str, Any], ended: bool, caught: bool) -> None:
    history = not_learning(examination={"layers": recurrent(1e-9)}, ended=ended, **held_out)
    assert ("vanishing-through-time" in seen(history)) == caught


@pytest.mark.parametrize(
    ("ended_at", "ratio", "caught"),
    [
        (1.0, 1e-9, True),
        (0.97, 1e-9, False),  # little is told, of the recent past
        (1.0, 1e-4, False),
    ],
)
def test_who_has_learned_the_mean_alone_lacks_the_distant_past(ended_at: float, ratio: float, caught: bool) -> None:
    """The adding problem by a plain recurrent network: the loss falls from 1.17 to the variance of the sums, 0.167."""
    history = fitting(
        loss=lambda step: {"error": ended_at if step else 7.0, "target_std": 1.0, "target_mean": 2.4},
        curve=falling(7.0, ended_at),
        examination={"layers": recurrent(ratio)},
        ended=True,
    )
    assert ("vanishing-through-time" in seen(history)) == caught


@pytest.mark.parametrize(("surprise", "caught"), [(7.0, True), (6.9, False)])
def test_answers_of_yes_or_no_that_are_surely_wrong_at_first(surprise: float, caught: bool) -> None:
    asked = {"kind": "binary", "classes": 2, "surprise": surprise}
    history = not_learning(loss=asked, examination={"layers": recurrent(101.0)}, ended=True)
    assert ("exploding-through-time" in seen(history)) == caught


@pytest.mark.parametrize(
    ("at_first", "later", "found"),
    [
        (1.01e4, 0.0, "exploding-through-time"),  # and died of it
        (0.99e4, 0.0, "vanishing-through-time"),
        (1.0, 1.01e4, "exploding-through-time"),
    ],
)
def test_what_exploded_through_time_may_be_dead_by_now(at_first: float, later: float, found: str) -> None:
    history = not_learning(
        examination=lambda step: {
            "layers": with_layer("net:4", type="RNN", earliest=later if step else at_first, latest=1.0)
        },
        ended=True,
    )
    assert {each for each in seen(history) if each.endswith("through-time")} == {found}


@pytest.mark.parametrize(
    ("ratio", "first", "right", "caught"),
    [
        (101.0, 30.0, 0.8, True),
        (99.0, 30.0, 0.8, False),
        (101.0, 20.0, 0.8, False),  # not ten times as much as that of even odds
        (101.0, 30.0, 0.95, False),  # nothing is lost
    ],
)
def test_what_began_far_off_comes_down_for_long(ratio: float, first: float, right: float, caught: bool) -> None:
    history = classifying(
        curve=falling(first, 0.5), loss=lambda step: {"surprise": first if step < 30 else 0.5}, steps=100,
        right=line(right, right), examination={"layers": recurrent(ratio)},
    )  # fmt: skip
    early = replace(history, step=25, examinations=[each for each in history.examinations if each.step < 25])
    assert ("exploding-through-time" in seen(early)) == caught


@pytest.mark.parametrize(("state", "caught"), [(99.0, False), (101.0, True)])
def test_a_state_that_no_layer_makes_exploded_through_time(state: float, caught: bool) -> None:
    history = not_learning(
        examination=lambda step: {"layers": with_layer("net:4", type="GRUCell", state=state if step else 0.0)}
    )
    assert ("exploding-through-time" in seen(history)) == caught


@pytest.mark.parametrize(
    ("at_first", "error", "ended_at", "caught"),
    [
        (101.0, 101.0, 0.9, True),
        (99.0, 101.0, 0.9, False),
        (101.0, 99.0, 0.9, False),  # outputs did not grow so far with it
        (101.0, 101.0, 0.7, False),  # unlearned since
    ],
)
def test_a_state_that_outgrew_its_targets_exploded_through_time(
    at_first: float, error: float, ended_at: float, caught: bool
) -> None:
    history = fitting(
        loss=lambda step: {"error": ended_at if step else error, "target_std": 1.0, "target_mean": 0.0},
        curve=falling(error, ended_at),
        examination=lambda step: {"layers": recurrent(1.0 if step else at_first)},
        ended=True,
    )
    assert ("exploding-through-time" in seen(history)) == caught
