"""How losses go: the edges, and the nine readings of two curves."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.rules.progress import ADVICE, READINGS, read_curves, trend
from gradus.diagnosis.series import Series
from tests.diagnosis.histories import (
    ADAM,
    APART,
    STEPS,
    Curve,
    classifying,
    falling,
    fitting,
    half_learning,
    line,
    moving,
    not_learning,
    playing,
    recurrent,
    seen,
    stuck,
)

LN10 = math.log(10)


def dropped(gone: float) -> Curve:
    """A share of the loss is gone, all of it at half time."""
    return lambda part: LN10 * (1 - gone * (part > 0.5))


@pytest.mark.parametrize(
    ("history", "caught"),
    [
        (lambda: not_learning(steps=300, curve=dropped(0.019)), True),
        (lambda: not_learning(steps=300, curve=dropped(0.021)), False),
        (lambda: not_learning(steps=299, curve=dropped(0.0)), False),
        (lambda: not_learning(steps=30, curve=dropped(0.0), ended=True), True),
        (lambda: not_learning(steps=29, curve=dropped(0.0), ended=True), False),
        (lambda: not_learning(steps=300, curve=falling(2 * LN10, LN10)), True),  # as much as nothing
        (lambda: not_learning(steps=300, curve=falling(2 * LN10, 0.97 * LN10)), False),
        (lambda: not_learning(steps=300, curve=line(2 * LN10, LN10)), False),  # it will go on
        (lambda: not_learning(steps=300, curve=dropped(0.0), right=line(0.3, 0.3)), False),  # it knows something
        (lambda: not_learning(steps=300, curve=lambda _: 0.3 * LN10 - 0.01), False),  # it had little to learn
        (lambda: not_learning(steps=300, curve=dropped(0.0), loss={"kind": ""}), False),
        (lambda: fitting(steps=300, curve=line(1.0, 1.0)), True),
        (lambda: fitting(steps=300, curve=line(0.8, 0.8)), False),  # a fifth of the variance is explained
        (lambda: fitting(steps=300, curve=line(1.0, 1.0), adversarial=True), False),
    ],
)
def test_where_nothing_was_learned(history: Callable[[], History], caught: bool) -> None:
    assert ("no-learning" in seen(history())) == caught


def test_nothing_is_said_of_learning_while_the_rate_rises() -> None:
    history = not_learning(steps=300, curve=dropped(0.0))
    for step in range(100):
        history.rates.append(1e-3 * (2 + step / 100))
    assert "no-learning" not in seen(history)


def test_targets_that_move_ask_for_no_fall() -> None:
    history = fitting(steps=300, curve=line(1.0, 3.0), loss=lambda step: {"target_mean": step / 20})
    assert {"no-learning", "divergence"} & seen(history).keys() == set()


def half_wrong(**options: Any) -> History:
    return classifying(right=line(0.5, 0.5), **options)


@pytest.mark.parametrize(
    ("history", "caught"),
    [
        (lambda: half_wrong(curve=lambda part: LN10 * (1.51 if part > 0.5 else 1.0)), True),
        (lambda: half_wrong(curve=lambda part: LN10 * (1.49 if part > 0.5 else 1.0)), False),
        (lambda: half_wrong(steps=8, curve=lambda part: LN10 * (9.0 if part > 0.3 else 1.0)), False),
        (lambda: half_wrong(steps=19, curve=lambda part: LN10 * (4.9 if part > 0.5 else 1.0)), False),  # it may pass
        (lambda: half_wrong(steps=20, curve=lambda part: LN10 * (4.9 if part > 0.5 else 1.0)), True),
        (lambda: half_wrong(steps=10, curve=lambda part: LN10 * (9.0 if part > 0.5 - 1e-9 else 1.0)), True),
        (lambda: half_wrong(curve=line(LN10, 2 * LN10), loss={"kind": ""}), False),
        (lambda: playing(APART), False),
        (lambda: half_wrong(curve=line(-2.0, -1.0)), False),
    ],
)
def test_where_a_loss_diverges(history: Callable[[], History], caught: bool) -> None:
    assert ("divergence" in seen(history())) == caught


def jumping(least: float, most: float) -> Curve:
    """Up and down from step to step, once the first is done."""
    return lambda part: LN10 * (1.0 if not part else least if round(part * STEPS) % 2 else most)


@pytest.mark.parametrize(
    ("curve", "surprise", "caught"),
    [
        (jumping(1.0, 1.5), 1.3, True),
        (jumping(1.0, 1.3), 1.3, False),
        (jumping(1.0, 1.5), 1.1, False),  # the loss has weights
        (lambda part: jumping(1.0, 1.5)(part) + 2 * LN10, 1.3, False),  # it began there
    ],
)
def test_classes_told_worse_than_by_even_odds(curve: Curve, surprise: float, caught: bool) -> None:
    history = classifying(curve=curve, right=line(0.1, 0.1), loss={"surprise": surprise * LN10})
    assert ("divergence" in seen(history)) is caught


@pytest.mark.parametrize(("wider", "caught"), [(1.0, True), (1.8, False)])
def test_errors_may_grow_as_what_a_critic_is_to_tell_does(wider: float, caught: bool) -> None:
    def targets(step: int) -> dict[str, Any]:
        return {"target_std": 1 + (wider - 1) * step / STEPS}

    assert ("divergence" in seen(fitting(curve=line(0.5, 1.2), loss=targets))) is caught


@pytest.mark.parametrize(("right", "caught"), [(0.7, True), (0.97, False)])
def test_a_penalty_may_grow_while_nearly_all_is_right(right: float, caught: bool) -> None:
    history = classifying(curve=line(100.0, 250.0), right=line(right, right))
    assert ("divergence" in seen(history)) is caught


@pytest.mark.parametrize(
    ("right", "scores", "caught"),
    [
        (0.79, (0.6, 0.65, 0.7, 0.8), True),
        (0.79, (0.6, 0.65, 0.7, 0.7), False),  # 500 examples: within three standard errors
        (0.79, (0.6, 0.8, 0.8, 0.8), False),
        (0.79, (), False),
        (0.87, (0.6, 0.65, 0.7, 0.8), False),
    ],
)
def test_a_run_that_is_mostly_right_is_under_trained_if_held_out_examples_still_gain(
    right: float, scores: Sequence[float], caught: bool
) -> None:
    history = classifying(steps=200, curve=line(2.0, 0.8), right=line(right, right), scores=scores, ended=True)
    assert ("under-trained" in seen(history)) == caught


@pytest.mark.parametrize(("losses", "caught"), [(1, True), (2, False)])
def test_several_optimizers_of_one_loss_may_end_early(losses: int, caught: bool) -> None:
    """Two losses may be those of players, of which neither is to fall."""
    players = {number: Series() for number in range(losses)}
    history = classifying(
        curve=line(2.0, 1.3), right=line(0.1, 0.4), optimizers={0: ADAM, 1: ADAM}, players=players, ended=True
    )
    assert ("under-trained" in seen(history)) == caught


def test_a_run_that_ends_early_is_not_under_trained_if_little_is_left() -> None:
    def ended(curve: Curve, steps: int = 200) -> History:
        return classifying(steps=steps, curve=curve, right=line(0.1, 0.5), ended=True)

    assert "under-trained" in seen(ended(line(2.0, 0.62)))
    assert "under-trained" not in seen(ended(line(2.0, 0.58)))
    assert "under-trained" not in seen(ended(line(2.0, 1.24), steps=300))  # it was given time
    assert "under-trained" in seen(ended(lambda part: 2.0 * math.exp(-0.95 * part)))  # one time constant
    assert "under-trained" not in seen(ended(lambda part: 0.5 + 1.5 * math.exp(-1.6 * part)))
    noisy = np.random.default_rng(0).normal(scale=2.0, size=201)
    assert "under-trained" not in seen(ended(lambda part: 2.0 - 0.9 * part + float(noisy[round(200 * part)])))
    assert "under-trained" not in seen(ended(falling(2.0, 1.24)))  # it has come to rest


def test_a_handful_of_steps_is_too_few_however_the_loss_falls() -> None:
    def ended(steps: int, **optimizer: Any) -> History:
        made = replace(ADAM, **optimizer)
        return fitting(steps=steps, curve=falling(1.0, 0.5), ended=True, optimizer=made)

    assert "under-trained" in seen(ended(48))
    assert "under-trained" not in seen(ended(52))
    assert "under-trained" not in seen(ended(48, searches=True))
    assert "under-trained" not in seen(ended(48, name="LBFGS"))


def test_a_run_of_many_steps_that_is_still_far_from_all_values_is_under_trained() -> None:
    def ended(missed: float, last: float = 14.0) -> bool:
        loss = {"target_std": 1.0, "error": missed}
        return "under-trained" in seen(fitting(steps=600, curve=line(20.0, last), loss=loss, ended=True))

    assert ended(1.0)
    assert not ended(0.97)
    assert not ended(1.0, last=18.5)  # hardly anything


def scheduled(rates: Curve, ratio: float, **options: Any) -> History:
    """A run of 500 steps on the way down from far away, at these rates; `ratio` is what a step changes late."""
    history = half_learning(
        steps=500, examination=lambda step: {"parameters": moving(ratio if step > 250 else 1e-3)},
        **({"ended": True} | options),
    )  # fmt: skip
    history.rates = Series()
    history.rates.extend([rates(step / 500) for step in range(500)])
    return history


@pytest.mark.parametrize(
    ("history", "caught"),
    [
        (lambda: scheduled(lambda part: 0.93 ** (500 * part), 1e-9), True),  # stepped at every batch
        (lambda: scheduled(lambda part: 1.0 if part < 0.05 else 0.01, 1e-4), True),
        (lambda: scheduled(lambda part: max(0.0, 1 - 20 * part), 0.0), True),
        (lambda: scheduled(lambda part: 0.99 ** (500 * part), 1e-4), False),  # to less than a hundredth, by the end
        (lambda: scheduled(lambda part: 0.93 ** (500 * part), 1e-6, curve=stuck(), right=line(0.1, 0.2)), True),
        (lambda: scheduled(lambda part: 1.0 if part < 0.05 else 0.01, 1e-3), False),  # the highest was tried out
        (lambda: scheduled(lambda part: 1e-7 ** (1 - part), 1e-9), False),  # it rises
        (lambda: scheduled(lambda part: part if part < 0.7 else 1e-9, 1e-9), False),  # for most of the run
        (lambda: scheduled(lambda part: 0.93 ** (500 * part), 1e-9, right=line(0.95, 0.95)), False),
        (lambda: scheduled(lambda part: 0.93 ** (500 * part), 1e-9, ended=False), False),
    ],
)
def test_a_schedule_that_is_over_long_before_the_run(history: Callable[[], History], caught: bool) -> None:
    found = seen(history())
    assert ("under-trained" in found) == caught
    assert not (caught and "small-updates" in found)  # it was the schedule, not the rate


# ---- two curves -----------------------------------------------------------------------------------------------------


def curve(direction: str, seed: int, *, points: int = 60, noise: float = 0.01) -> list[float]:
    """A loss near 1 that changes by a quarter, or not at all, with noise on it."""
    slope = {"down": -0.25, "flat": 0.0, "up": 0.25}[direction]
    scatter = np.random.default_rng(seed).normal(scale=noise, size=points)
    return [float(each) for each in 1 + slope * np.linspace(0, 1, points) + scatter]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("directions", "reading"), READINGS.items(), ids=READINGS.values())
def test_the_nine_readings(directions: tuple[str, str], reading: str, seed: int) -> None:
    train, held_out = curve(directions[0], seed), curve(directions[1], 100 + seed)
    found, sure = read_curves(train, held_out)
    assert found == reading
    assert 0 < sure <= 1
    assert reading in ADVICE


def test_there_are_nine_of_them() -> None:
    assert len(READINGS) == len(set(READINGS.values())) == 9
    assert set(ADVICE) == set(READINGS.values())


def test_only_the_second_half_tells_the_trend() -> None:
    assert trend([*np.linspace(5, 1, 30), *np.ones(30)])[0] == "flat"
    assert trend([*np.linspace(5, 1, 30), *np.linspace(1, 2, 30)])[0] == "up"


def test_a_trend_is_the_less_sure_the_more_values_scatter() -> None:
    sure = [trend(curve("down", 0, noise=noise)) for noise in (0.01, 0.08, 0.1)]
    assert [each for each, _ in sure] == ["down"] * 3
    assert sure[0][1] > sure[1][1] > sure[2][1] > 0
    assert trend(curve("down", 0, noise=1.0))[0] == "flat"


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [math.nan] * 20, [1.0, math.inf] * 10, [0.0] * 20])
def test_what_has_no_trend_is_flat(values: Sequence[float]) -> None:
    assert trend(values)[0] == "flat"


def test_a_sure_reading_of_few_evaluations_is_kept_to_itself() -> None:
    errors = [2.0, 1.0, 0.5, 0.7, 0.9, 1.1, 1.3]
    history = classifying(curve=line(2.3, 0.1), errors=errors, ended=True)
    assert "curve-reading" not in seen(history)
    history = classifying(curve=line(2.3, 0.1), errors=[*errors, 1.5], ended=True)
    assert seen(history)["curve-reading"][1].reading == "overfitting"
    history.saved = history.evaluations[2].step  # the best, which the program kept
    assert "curve-reading" not in seen(history)


def test_swings_of_a_loss_that_is_low_are_passed() -> None:
    def found(level: float) -> bool:
        def swinging(part: float) -> float:
            return level * (2.0 if int(320 * part) // 16 % 2 else 0.8)

        return "oscillation" in seen(classifying(steps=320, curve=swinging))

    assert found(1.0)
    assert not found(0.3)  # of ln 10


def test_later_models_may_be_left_what_cannot_be_explained() -> None:
    def found(earlier: int) -> bool:
        varied = {"output_std": 0.01, "output_varied": 0.01}
        return "no-learning" in seen(fitting(steps=400, curve=line(1.0, 1.0), loss=varied, earlier=earlier))

    assert found(0)
    assert not found(400)


def test_odds_that_differ_are_no_constant_though_one_class_is_always_likelier() -> None:
    def found(end: float, output_std: float) -> bool:
        defaults = {"classes": 2, "counts": (51, 13), "said": 1.0, "output_std": output_std}
        return "constant-prediction" in seen(
            not_learning(loss=defaults, curve=falling(0.69, end), right=line(0.8, 0.8))
        )

    assert not found(0.46, 0.6)
    assert found(0.5, 0.6)  # no better than saying the shares
    assert found(0.46, 0.01)


@pytest.mark.parametrize(
    ("ratio", "steps", "ended", "caught"),
    [
        (1e-3, 400, False, False),
        (1e-3, 400, True, True),
        (1e-3, 1200, False, True),
        (1e-9, 400, False, True),  # nothing comes back of what it would have to keep
    ],
)
def test_a_recurrent_network_says_the_mean_before_it_finds_what_to_keep(
    ratio: float, steps: int, ended: bool, caught: bool
) -> None:
    history = fitting(
        steps=steps,
        curve=line(1.0, 1.0),
        loss={"output_varied": 0.001},
        examination={"layers": recurrent(ratio)},
        ended=ended,
    )
    assert ("constant-prediction" in seen(history)) == caught


@pytest.mark.parametrize(("growth", "ended", "caught"), [(1.2, False, False), (1.2, True, True), (1.05, False, True)])
def test_outputs_that_part_from_each_other_are_on_their_way(growth: float, ended: bool, caught: bool) -> None:
    def looks(step: int) -> dict[str, Any]:
        return {"said": 1.0, "output_std": 0.01, "output_varied": 0.01 * growth ** (step / 16)}

    history = not_learning(steps=160, loss=looks, curve=line(0.69, 0.69), ended=ended)
    assert ("constant-prediction" in seen(history)) == caught


@pytest.mark.parametrize(("end", "ended", "caught"), [(0.2, False, False), (0.2, True, True), (0.55, False, True)])
def test_one_answer_is_passed_while_the_loss_falls_fast(end: float, ended: bool, caught: bool) -> None:
    same: dict[str, Any] = {"kind": "binary", "classes": 2, "counts": (48, 16), "said": 1.0, "output_std": 0.0}
    history = classifying(loss=same, curve=line(0.69, end), right=line(0.75, 0.75), ended=ended)
    assert ("constant-prediction" in seen(history)) == caught


def test_what_held_out_examples_tell_as_well_may_be_all_there_is() -> None:
    def found(held_out: float, **options: Any) -> bool:
        shown: dict[str, Any] = {
            "curve": falling(2.3, 2.0),
            "right": line(0.3, 0.3),
            "scores": [held_out] * 4,
            "ended": True,
        }
        return "plateau" in seen(classifying(**(shown | options)))

    assert not found(0.3)
    assert found(0.2)  # much less than of training examples
    assert found(0.12, right=line(0.12, 0.12))  # chance
    assert found(0.3, scores=())
    assert found(0.3, curve=falling(2.35, 2.3))  # no better than saying the shares
    assert not found(0.3, scores=(), errors=[1.9] * 4)
    assert found(0.3, scores=(), errors=[2.2] * 4)


def test_examples_far_off_are_no_swings() -> None:
    def found(long: int) -> bool:
        spikes = {at + more: 9.0 for at in range(32, 200, 32) for more in range(long)}
        return "oscillation" in seen(fitting(curve=line(1.0, 0.9), spikes=spikes))

    assert found(16)
    assert not found(3)
