"""Races against closed forms, and against steps counted with torch alone (float64, no tuning)."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from gradus.core.errors import InputError
from gradus.optim.race import RATES, Racer, _reached, descend, race, racers
from gradus.optim.surfaces import surfaces

NESTEROV = "sgd:momentum=0.9,nesterov=true"
CANYON, SADDLE, BOWL = (surfaces.get(name) for name in ("canyon", "saddle", "bowl"))

# Steps to f < 1e-6 of torch's optimizers in a loop of their own.
COUNTED = [
    ("momentum:lr=1e-3", "rosenbrock", 1386),
    ("sgd:momentum=0.9,nesterov=true,lr=1e-3", "rosenbrock", 1426),
    ("adam:lr=1e-2", "beale", 1844),
    ("adamax:lr=1e-2", "beale", 2437),
    ("adagrad:lr=0.5", "beale", 337),
]


@pytest.mark.parametrize(("name", "surface", "expected"), COUNTED)
def test_steps_are_those_counted_elsewhere(name: str, surface: str, expected: int) -> None:
    found = descend(
        Racer.parse(name), surfaces.get(surface), target=1e-6, steps=expected + 2, stop=True
    ).steps_to_target
    assert found is not None
    assert abs(found - expected) <= 1


def on_the_canyon(lr: float, steps: int) -> Any:
    """Gradient descent on it in closed form: every coordinate shrinks by 1 - lr times its curvature."""
    t = np.arange(steps + 1)
    with np.errstate(over="ignore"):
        return np.stack([-9 * (1 - lr) ** t, (1 - 100 * lr) ** t], 1)


def test_a_descent_is_what_its_recursion_gives() -> None:
    found = descend(Racer.parse("sgd:lr=0.015"), CANYON, steps=200)
    expected = on_the_canyon(0.015, 200)
    values = (expected[:, 0] ** 2 + 100 * expected[:, 1] ** 2) / 2
    np.testing.assert_allclose(found.points.numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(found.values.numpy(), values, rtol=1e-12)
    assert found.evaluations == tuple(range(201))
    assert found.steps_to_target is None
    later = descend(Racer.parse("sgd:lr=0.015"), CANYON, steps=200, target=values[150] * (1 + 1e-9))
    assert later.steps_to_target == 150


def test_the_rate_is_the_quickest_of_the_grid() -> None:
    steps = {}
    for lr in RATES:
        x, y = on_the_canyon(lr, 1000).T
        with np.errstate(over="ignore", invalid="ignore"):
            below = np.flatnonzero((x**2 + 100 * y**2) / 2 < CANYON.target)
        steps[lr] = int(below[0]) if len(below) else math.inf
    (result,) = race(CANYON, racers("sgd"), steps=1000).results
    assert result.lr == min(steps, key=lambda lr: steps[lr]) == 0.01
    assert result.descent.steps_to_target == steps[0.01]
    assert result.evaluations == steps[0.01]
    assert len(result.descent.points) == 1001  # the picture goes on to the end


def test_where_no_rate_gets_there_the_lowest_end_counts() -> None:
    ends = {}
    for lr in RATES:
        x, y = (float(each) for each in on_the_canyon(lr, 50)[-1])
        ends[lr] = math.inf if max(abs(x), abs(y)) > 1e100 else (x**2 + 100 * y**2) / 2
    (result,) = race(CANYON, racers("sgd"), steps=50).results
    assert result.lr == min(ends, key=lambda lr: ends[lr])
    assert result.descent.final == pytest.approx(ends[result.lr], rel=1e-12)


def test_a_jump_through_the_target_does_not_count() -> None:
    assert _reached([9.0, 0.0, *[5.0] * 9, *[0.0] * 20], 1.0) == 11
    assert _reached([9.0, *[0.0] * 9, 5.0, 0.0], 1.0) == 11  # to the end
    assert _reached([9.0, *[0.0] * 9, 5.0], 1.0) is None
    assert _reached([0.0], 1.0) is None
    # Signed steps of 100 come by the minimum again and again, and never stay.
    (result,) = race(CANYON, racers("adam:lr=10.0"), steps=100, target=5.0).results
    inside = [step for step, value in enumerate(result.descent.values.tolist()) if value < 5.0]
    assert result.descent.steps_to_target != inside[0]


def test_gradient_descent_stalls_at_the_saddle_that_others_leave() -> None:
    racing = race(SADDLE, racers(f"sgd,momentum,{NESTEROV},adam"), rates=[0.1, 0.464, 1.0])
    found = {each.racer.name: each for each in racing.results}
    stalled = found["sgd"].descent
    assert stalled.steps_to_target is None
    assert -0.01 < stalled.final < 0  # still beside the saddle point, whose value is 0
    assert stalled.points[-1].abs().max() < 0.2
    # Away from the ridge y grows by 1 + lr / 50 a step at most, and below lr = 1 only is x not blown up.
    assert stalled.points[-1, 1] <= 1e-3 * (1 + 1 / 50) ** 500
    for name, steps in (("momentum", 100), (NESTEROV, 150), ("adam", 10)):
        assert 0 < (found[name].descent.steps_to_target or 0) <= steps
        assert found[name].descent.final == pytest.approx(SADDLE.lowest, abs=1e-3)


def test_exactly_on_the_ridge_nothing_that_follows_the_gradient_leaves() -> None:
    for each in race(SADDLE, racers("sgd,momentum,adam"), start=(-1.0, 0.0), steps=100, rates=[0.1]).results:
        assert each.descent.points[:, 1].abs().max() == 0


def test_momentum_is_faster_through_the_canyon() -> None:
    steps = {
        each.racer.name: each.descent.steps_to_target
        for each in race(CANYON, racers(f"sgd,momentum,{NESTEROV}"), steps=1000, rates=RATES[4:8]).results
    }
    sgd, momentum, nesterov = steps["sgd"], steps["momentum"], steps[NESTEROV]
    assert sgd is not None
    assert momentum is not None
    assert nesterov is not None
    assert 3 * momentum < sgd
    assert 3 * nesterov < sgd


def test_who_diverges_ends_early_and_comes_last() -> None:
    first, second, last = race(CANYON, racers("sgd:lr=1.0,sgd:lr=1e-4,adam"), steps=300).results
    assert (first.racer.name, second.racer.name, last.racer.name) == ("adam", "sgd:lr=1e-4", "sgd:lr=1.0")
    assert last.descent.diverged
    assert not second.descent.diverged
    assert len(last.descent.points) < 301
    assert not math.isfinite(last.descent.final)
    assert last.to_json() == {
        "name": "sgd:lr=1.0", "optimizer": "sgd", "options": {"lr": 1.0}, "lr": 1.0,
        "evaluations": len(last.descent.points) - 1, "final": last.descent.final, "diverged": True,
    }  # fmt: skip


def test_evaluations_within_a_step_are_counted() -> None:
    calls = 0
    function = BOWL.build

    def counting(point: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += point.requires_grad
        value: torch.Tensor = function(point)
        return value

    counted = type(BOWL)(**{**vars(BOWL), "build": counting})
    found = descend(Racer.parse("lbfgs"), counted, steps=10)
    assert found.evaluations[-1] == calls > 10
    assert found.steps_to_target is not None


def test_what_an_optimizer_wants_in_place_of_gradients_it_gets() -> None:
    found = race(surfaces.get("rosenbrock"), racers("newton_cg,levenberg_marquardt,bfgs"), steps=60, target=1e-10)
    for each in found.results:
        assert each.descent.steps_to_target is not None
        assert each.descent.steps_to_target <= 50
    with pytest.raises(InputError, match="needs a surface that is a sum of squares, got `saddle`"):
        race(SADDLE, racers("levenberg_marquardt"))


def test_a_race_draws_nothing_at_random_and_repeats_itself() -> None:
    state = torch.get_rng_state()
    first, second = (race(surfaces.get("himmelblau"), racers("momentum,lbfgs"), steps=40) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    for one, other in zip(first.results, second.results, strict=True):
        assert torch.equal(one.descent.points, other.descent.points)


def test_names_may_carry_options() -> None:
    text = "sgd, sgd:momentum=0.9,nesterov=true, adam:betas=[0.8, 0.99],lr=0.1, momentum:lr=0.01"
    found = [(each.name, each.card.name, dict(each.options), each.tunable) for each in racers(text)]
    assert found == [
        ("sgd", "sgd", {}, True),
        ("sgd:momentum=0.9,nesterov=true", "sgd", {"momentum": 0.9, "nesterov": True}, True),
        ("adam:betas=[0.8, 0.99],lr=0.1", "adam", {"betas": [0.8, 0.99], "lr": 0.1}, False),
        ("momentum:lr=0.01", "sgd", {"momentum": 0.9, "lr": 0.01}, False),
    ]


def test_the_usual_field_is_of_names_and_each_is_there_once() -> None:
    names = [each.name for each in racers()]
    assert {"sgd", "momentum", "adam", "lbfgs"} <= set(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sgdd", "Did you mean `sgd`"),
        ("sgd:momentun=0.9", "Did you mean `momentum`"),
        ("sgd:momentum=2.0", "`momentum` should be less than 1"),
        ("sgd:momentum=high", "`momentum` should be a valid number, got `high`"),
        ("sgd:momentum", "options must look like `name=value`, got `momentum`"),
        (",", "must have a racer"),
        ("sgd:nesterov=true", "`nesterov` is a kind of momentum"),
        ("sgd,adam,sgd", "named once"),
        ("lr=0.1", "unknown name"),
    ],
)
def test_what_cannot_race_is_refused(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        race(BOWL, racers(text), steps=2, rates=[0.1])
