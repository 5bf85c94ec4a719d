"""What a loop may do without being wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import Evaluation
from gradus.diagnosis.watch import watch
from tests.diagnosis.histories import (
    ADAM,
    APART,
    LAYER,
    classifying,
    falling,
    fitting,
    line,
    not_learning,
    playing,
    seen,
    stuck,
)


@pytest.mark.parametrize(
    ("stale", "fresh", "caught"), [(2, 0, True), (1, 0, False), (5, 2, True), (4, 2, False), (0, 9, False)]
)
def test_where_gradients_are_never_cleared(stale: int, fresh: int, caught: bool) -> None:
    history = classifying(loop={"stale_steps": list(range(1, stale + 1)), "fresh_steps": fresh})
    assert ("missing-zero-grad" in seen(history)) == caught


@pytest.mark.parametrize(("idle", "caught"), [(3, True), (2, False)])
@pytest.mark.parametrize(("rootless", "cause"), [(0, "stale-optimizer"), (9, "detached-graph")])
def test_an_idle_optimizer_of_another_model_is_told_from_a_cut_graph(
    idle: int, caught: bool, rootless: int, cause: str
) -> None:
    found = {"stale-optimizer", "detached-graph"} & set(
        seen(classifying(loop={"idle_steps": idle, "rootless": rootless}))
    )
    assert found == ({cause} if caught else set())


@pytest.mark.parametrize(
    ("signs", "right", "reading"),
    [
        ({"layers": {"net:cell": replace(LAYER, cut=True)}}, 0.2, "last step"),
        ({"layers": {"net:cell": replace(LAYER, cut=True)}}, 1.0, ""),  # nothing is lost
        ({"layers": {"net:cell": LAYER}}, 0.2, ""),
        ({"untaught": "maker:"}, 0.2, "judged"),
    ],
)
def test_a_cut_before_weights_that_learn(signs: dict[str, Any], right: float, reading: str) -> None:
    found = seen(classifying(examination=signs, right=line(right, right))).get("detached-graph")
    assert (found[1].reading if found is not None else "") == reading
    early = seen(classifying(examination=signs, right=line(right, right), steps=20))
    assert "detached-graph" not in early


@pytest.mark.parametrize(("times", "caught"), [(2, False), (3, True)])
def test_what_no_judge_teaches_is_seen_three_times(times: int, caught: bool) -> None:
    history = classifying(examination=lambda step: {"untaught": "maker:" if step < times else ""})
    assert ("detached-graph" in seen(history)) == caught


@pytest.mark.parametrize("signs", [{"orphans": ("net:2.weight",)}, {"unregistered": ("Linear",)}])
def test_what_no_optimizer_holds_waits_for_one_that_is_idle(signs: dict[str, Any]) -> None:
    """It may be another model's, which is worse."""
    names = {"parameters-not-in-optimizer", "unregistered-parameters"}
    assert names & seen(classifying(loop=signs)).keys()
    assert not names & seen(classifying(loop={"idle_steps": 1, **signs})).keys()


@pytest.mark.parametrize(("ended", "steps", "caught"), [(True, 60, True), (False, 60, False), (True, 40, False)])
def test_an_optimizer_that_never_steps_beside_one_that_does(ended: bool, steps: int, caught: bool) -> None:
    """Until the end its turn may come."""
    history = classifying(loop={"steps": steps, "waiting": ("net:0.weight",), "backwards": steps}, ended=ended)
    assert ("missing-step" in seen(history)) is caught


@pytest.mark.parametrize(
    ("wasteful", "options", "caught"),
    [
        (5, {}, True),
        (4, {}, False),
        (5, {"optimizers": {0: ADAM, 1: ADAM}}, False),  # each has gradients of the other's losses
        (5, {"right": line(0.5, 1.0)}, False),  # all is well
    ],
)
def test_steps_that_use_few_of_the_gradients(wasteful: int, options: dict[str, Any], caught: bool) -> None:
    history = not_learning(loop={"steps": 50, "wasteful_steps": wasteful}, **options)
    assert ("missing-step" in seen(history)) == caught


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ({"left_behind": True}, {"stale-optimizer"}),
        ({"left_behind": False}, {"parameters-not-in-optimizer"}),
        ({"left_behind": True, "steps": 0}, set()),
        ({"left_behind": False, "steps": 0}, set()),
        ({"left_behind": True, "orphans": ()}, set()),
    ],
)
def test_what_no_optimizer_holds_took_the_place_of_something_that_it_does(
    signs: dict[str, Any], expected: set[str]
) -> None:
    found = seen(classifying(loop={"orphans": ("net:2.weight",), "steps": 9} | signs))
    assert {"parameters-not-in-optimizer", "stale-optimizer"} & found.keys() == expected


@pytest.mark.parametrize("clears", [True, False])
def test_accumulation_is_told_from_gradients_never_cleared(clears: bool) -> None:
    torch.manual_seed(0)
    net, x, y = nn.Linear(6, 3), torch.randn(32, 6), torch.randint(3, (32,))
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch(net, sgd, quiet=True) as doctor:
        for _ in range(12):
            for part, target in zip(x.split(8), y.split(8), strict=True):
                (functional.cross_entropy(net(part), target) / 4).backward()
            sgd.step()
            if clears:
                sgd.zero_grad()
    assert ("missing-zero-grad" in {each.symptom for each in doctor.findings}) != clears


@pytest.mark.parametrize(
    ("loop", "ended", "caught"),
    [
        ({"unstepped": 3}, False, True),
        ({"unstepped": 2}, False, False),
        ({"unused": 100}, False, True),
        ({"unused": 99}, False, False),  # it may be accumulating
        ({"unused": 3}, True, True),
        ({"unused": 2}, True, False),
        ({"unstepped": 3, "steps": 1}, False, False),
        ({"unstepped": 3, "optimizers_known": 0}, False, False),  # gradients may be wanted for themselves
    ],
)
def test_where_no_step_is_made(loop: dict[str, Any], ended: bool, caught: bool) -> None:
    history = not_learning(loop={"steps": 0, **loop}, ended=ended)
    assert ("missing-step" in seen(history)) == caught


@pytest.mark.parametrize(
    ("share", "options", "caught"),
    [
        (0.51, {"steps": 300}, True),
        (0.5, {"steps": 300}, False),
        (0.9, {"steps": 299}, False),  # it is early
        (0.9, {"steps": 100, "ended": True}, True),
        (0.9, {"steps": 300, "curve": falling(2.3, 1.8)}, False),  # what is on top of it learns
        (0.9, {"steps": 300, "right": line(0.3, 0.3)}, False),
        (0.9, {"steps": 300, "curve": stuck(0.08)}, False),  # slowly
    ],
)
def test_what_was_learned_elsewhere_is_kept_in_vain(share: float, options: dict[str, Any], caught: bool) -> None:
    history = not_learning(loop={"kept": share, "kept_places": ("net:0.weight",)}, **({"curve": stuck(0.0)} | options))
    assert ("frozen-parameters" in seen(history)) == caught


def passes(*evaluations: Evaluation, **options: Any) -> History:
    history = classifying(**options)
    history.evaluations = list(evaluations)
    return history


ONE = Evaluation(step=50, training=True, accuracy=0.9)
LATER = Evaluation(step=60, training=True, accuracy=0.9)
MANY = Evaluation(step=50, passes=4, training=True, accuracy=0.9)


@pytest.mark.parametrize(
    ("history", "caught"),
    [
        (lambda: passes(MANY), True),
        (lambda: passes(ONE), False),  # a target that the model makes for itself
        (lambda: passes(ONE, ended=True), True),
        (lambda: passes(ONE, LATER), True),
        (lambda: passes(ONE, Evaluation(step=51, training=True)), False),
        (lambda: passes(Evaluation(step=50, passes=20, training=True, repeated=True)), False),  # Monte Carlo dropout
        (lambda: passes(MANY, Evaluation(step=50, passes=20, training=True, repeated=True)), False),
        (lambda: passes(*(Evaluation(step=step, training=True, every_step=step > 1) for step in range(9))), False),
        (lambda: passes(Evaluation(step=50, passes=4)), False),
    ],
)
def test_where_a_model_is_evaluated_in_training_mode(history: Callable[[], History], caught: bool) -> None:
    assert ("evaluation-in-train-mode" in seen(history())) == caught


@pytest.mark.parametrize(
    ("evaluation", "caught"),
    [
        (Evaluation(step=50, passes=20, training=True, scale=3.0), "batch-norm-drift"),
        (Evaluation(step=50, passes=20, training=True, shift=2.0), "batch-norm-drift"),
        (Evaluation(step=50, passes=20, training=True, scale=3.0, loss=0.5), "evaluation-in-train-mode"),
        (Evaluation(step=50, passes=20, training=True), "evaluation-in-train-mode"),
        (Evaluation(step=50, passes=20, scale=3.0), ""),
    ],
)
def test_passes_on_noise_in_training_mode_are_no_evaluation(evaluation: Evaluation, caught: str) -> None:
    found = seen(passes(evaluation, net={"batch_norms": (8,)}))
    assert found.keys() & {"batch-norm-drift", "evaluation-in-train-mode"} == ({caught} if caught else set())
    assert "batch-norm-drift" not in seen(passes(evaluation))


def test_samples_of_a_generator_are_drawn_in_any_mode() -> None:
    history = playing(APART)
    history.evaluations = [MANY]
    assert "evaluation-in-train-mode" not in seen(history)


def test_monte_carlo_dropout_is_meant() -> None:
    dropped = Evaluation(step=50, passes=4, dropped=True)
    assert "dropout-in-evaluation" in seen(passes(dropped))
    assert "dropout-in-evaluation" not in seen(passes(dropped, Evaluation(step=60, dropped=True, repeated=True)))


def test_statistics_averaged_anew_are_no_evaluation() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    averaged = torch.optim.swa_utils.AveragedModel(net)
    x, y = torch.randn(96, 6), torch.randint(3, (96,))
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch(net, sgd, quiet=True) as doctor:
        for _ in range(4):
            for part, target in zip(x.split(32), y.split(32), strict=True):
                sgd.zero_grad()
                functional.cross_entropy(net(part), target).backward()
                sgd.step()
            averaged.update_parameters(net)
            torch.optim.swa_utils.update_bn(x.split(32), averaged)
    assert doctor.history.evaluations == [] or not any(each.training for each in doctor.history.evaluations)
    assert "evaluation-in-train-mode" not in {each.symptom for each in doctor.findings}


def test_a_critic_s_losses_and_targets_that_move_are_not_mixed_up() -> None:
    assert "batch-mixing" in seen(fitting(loop={"mixes": True}))
    assert "batch-mixing" not in seen(playing(APART, loop={"mixes": True}))
