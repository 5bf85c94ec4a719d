"""The table of causes, and the confusions that it is there to settle."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gradus.core.findings import Finding
from gradus.core.text import set_language
from gradus.diagnosis import causes
from gradus.diagnosis.causes import TABLE, TELL_APART, Ranked, evidence, rank
from gradus.diagnosis.doctor import Doctor
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import rules
from gradus.diagnosis.signs import Examination, LayerSigns, NonFinite, OptimizerFacts, ParameterSigns
from tests.contracts.test_rules import CAUSES
from tests.diagnosis.histories import (
    CASES,
    LAYERS,
    PARAMETERS,
    classifying,
    line,
    moving,
    not_learning,
    with_first,
    with_layer,
)


def finding(symptom: str, confidence: float = 0.9) -> Finding:
    return Finding(
        symptom=symptom, where="", since_step=0, said_at_step=0, severity="warning", confidence=confidence, message=""
    )


def ranked(history: History, *symptoms: str) -> list[Ranked]:
    return rank(history, [finding(each) for each in symptoms])


def first(history: History, *symptoms: str) -> str:
    return ranked(history, *symptoms)[0].id


# ---- the table ------------------------------------------------------------------------------------------------------


def test_every_cause_has_one_row() -> None:
    assert sorted(each.id for each in TABLE) == sorted(CAUSES)


def named_facts() -> set[str]:
    """Every fact that can be read off a history, as the code yields it."""
    source = inspect.getsource(causes._facts) + inspect.getsource(causes._when_units_died)
    return set(re.findall(r'yield "([a-z-]+)"', source)) | {"died-later"}


def test_all_evidence_is_a_rule_s_or_a_fact() -> None:
    known = {card.name for card in rules.cards()} | named_facts() | {"learning-rate-too-high"}
    for cause in TABLE:
        for weights in (cause.speaks_for, cause.speaks_against):
            assert weights.keys() <= known, cause.id
            assert all(each > 0 for each in weights.values()), cause.id
        assert not cause.speaks_for.keys() & cause.speaks_against.keys(), cause.id
    used = {name for each in TABLE for name in (*each.speaks_for, *each.speaks_against)}
    assert named_facts() <= used


def test_every_cause_can_be_established() -> None:
    names = {card.name for card in rules.cards()}
    assert [each.id for each in TABLE if not (each.speaks_for.keys() | {each.id}) & names] == []


@pytest.mark.parametrize("mistake", ["detached-graph", "parameters-not-in-optimizer", "softmax-single-unit"])
def test_a_mistake_of_the_program_comes_before_its_rate(mistake: str) -> None:
    signs = [finding("large-updates"), finding("divergence"), finding("oscillation", 0.5)]
    assert [each.id for each in rank(classifying(), [*signs, finding(mistake, 0.8)])][:2] == [
        mistake,
        "learning-rate-too-high",
    ]
    slow = [finding("small-updates"), finding("no-learning")]
    assert rank(classifying(), [*slow, finding(mistake, 0.8)])[0].id == mistake


def test_what_tells_two_causes_apart_names_two_that_there_are() -> None:
    for pair in TELL_APART:
        assert len(pair) == 2
        assert pair <= CAUSES


def test_a_signal_that_explodes_in_the_first_pass_is_not_the_rate_s_doing() -> None:
    exploded = {"layers": with_layer("net:4", std=1e4)}
    symptoms = ["exploding-signal", "large-updates", "divergence"]

    def rate(examination: Callable[[int], dict[str, Any]]) -> float:
        likely = {each.id: each.confidence for each in ranked(classifying(examination=examination), *symptoms)}
        return likely.get("learning-rate-too-high", 0.0)

    assert rate(lambda step: exploded) < rate(lambda step: exploded if step else {})


@pytest.mark.parametrize(("normalizations", "expected"), [(3, "training-in-eval-mode"), (0, "vanishing-gradient")])
def test_a_gradient_that_vanishes_where_batch_norm_is_at_rest_is_not_the_layers_doing(
    normalizations: int, expected: str
) -> None:
    history = not_learning(net={"normalizations": normalizations})
    found = [finding("training-in-eval-mode", 0.7), *map(finding, ("vanishing-gradient", "vanishing-signal"))]
    assert rank(history, found)[0].id == expected


@pytest.mark.parametrize(("normalizations", "expected"), [(3, "training-in-eval-mode"), (0, "learning-rate-too-high")])
def test_numbers_that_batch_norm_at_rest_does_not_bound_are_not_the_rate_s_doing(
    normalizations: int, expected: str
) -> None:
    history = classifying(curve=line(2.3, 9.0), net={"normalizations": normalizations}, examination=FAST)
    assert first(history, "training-in-eval-mode", "divergence", "non-finite") == expected


@pytest.mark.parametrize(("layers", "expected"), [(1, "unscaled-inputs"), (4, "unscaled-targets")])
def test_a_single_layer_diverges_whatever_the_targets_size(layers: int, expected: str) -> None:
    parameters = dict(list(PARAMETERS.items())[:layers])
    history = classifying(curve=line(2.3, 9.0), examination={"parameters": parameters})
    assert first(history, "unscaled-targets", "unscaled-inputs", "divergence") == expected


@pytest.mark.parametrize("identity", sorted(CASES.keys() & CAUSES))
def test_a_cause_that_a_rule_establishes_comes_first_of_it_alone(identity: str) -> None:
    assert first(History(), identity) == identity


# ---- ranking --------------------------------------------------------------------------------------------------------


def test_facts_alone_make_no_cause() -> None:
    history = not_learning(examination={"parameters": with_first(weight=1.0)}, spikes={12: 99.0}, ended=True)
    assert evidence(history, []).keys() >= {"weights-too-large", "spiked", "creeping"}
    assert rank(history, []) == []
    assert rank(History(), []) == []


def test_causes_are_ranked_by_what_speaks_for_them() -> None:
    found = ranked(classifying(), "generalization-gap", "validation-rising", "noisy-labels")
    scores = [each.confidence for each in found]
    assert len(found) >= 2
    assert scores == sorted(scores, reverse=True)
    assert all(0.4 < each < 1 for each in scores)
    assert [each.instead for each in found] == [*(each.id for each in found[1:]), ""]


def test_the_surer_a_finding_the_surer_its_cause() -> None:
    history = History()
    sure, unsure = (rank(history, [finding("loss-sign", confidence)])[0] for confidence in (1.0, 0.5))
    # 1 - exp(-3 c), for what a rule establishes
    assert sure.confidence == pytest.approx(0.950, abs=1e-3)
    assert unsure.confidence == pytest.approx(0.777, abs=1e-3)


def test_reasons_are_told_the_weightiest_first() -> None:
    (found,) = ranked(History(), "loss-sign")
    assert found.because == ("loss-sign",)
    found = ranked(classifying(examination={"parameters": moving(0.5)}), "large-updates", "divergence")[0]
    assert found.id == "learning-rate-too-high"
    assert found.because == ("large-updates", "divergence", "high-rate")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_would_tell_it_from_the_next_is_told(language: str) -> None:
    set_language(language)
    try:
        found = ranked(classifying(), "generalization-gap", "validation-rising", "noisy-labels")
        pair = frozenset({found[0].id, found[1].id})
        assert pair == {"overfitting", "noisy-labels"}
        assert found[0].tell_apart == getattr(TELL_APART[pair], language)
        assert ranked(History(), "loss-sign")[0].tell_apart == ""
    finally:
        set_language(None)


# ---- the usual confusions -------------------------------------------------------------------------------------------

FAST = {"parameters": moving(0.8)}


def dying(*, later: bool, **changes: Any) -> History:
    """Units of one layer that are dead, from the start or not."""
    return not_learning(
        examination=lambda step: {"layers": with_layer("net:3", dead=0.9 if not later or step > 20 else 0.1), **changes}
    )


@pytest.mark.parametrize(
    ("history", "symptoms", "expected"),
    [
        (dying(later=True, **FAST), ["dead-units", "large-updates"], "learning-rate-too-high"),
        (dying(later=False), ["dead-units"], "dead-units"),
        (
            dying(later=False, parameters=with_first(weight=2.0)),
            ["dead-units", "exploding-signal", "initial-loss", "bad-initialization"],
            "bad-initialization",
        ),
        (dying(later=False), ["dead-units", "constant-inputs", "constant-prediction"], "constant-inputs"),
        (dying(later=False), ["dead-units", "unscaled-inputs", "initial-loss"], "unscaled-inputs"),
    ],
    ids=["rate", "itself", "exploding start", "constant column", "inputs"],
)
def test_dead_units_follow_from(history: History, symptoms: Sequence[str], expected: str) -> None:
    assert first(history, *symptoms) == expected


def guessing(**options: Any) -> History:
    """Two evaluations and more at chance."""
    return not_learning(scores=[0.1] * 4, **options)


@pytest.mark.parametrize(
    ("history", "symptoms", "expected"),
    [
        (
            not_learning(examination={"parameters": moving(1e-7)}),
            ["no-learning", "small-updates"],
            "learning-rate-too-low",
        ),
        (
            not_learning(
                examination={
                    "parameters": moving(1e-5),
                    "layers": {place: replace(each, activation="sigmoid") for place, each in LAYERS.items()},
                }
            ),
            ["no-learning", "vanishing-gradient", "small-updates"],
            "vanishing-gradient",
        ),
        (guessing(examination={"parameters": moving(3e-3)}), ["no-learning"], "labels-unrelated"),
        (
            not_learning(examination={"again": 4}),
            ["no-learning", "labels-unrelated", "vanishing-through-time"],
            "labels-unrelated",
        ),
        (not_learning(), ["no-learning", "labels-unrelated", "vanishing-through-time"], "vanishing-through-time"),
        (guessing(), ["no-learning", "missing-step"], "missing-step"),
        (guessing(), ["no-learning", "detached-graph"], "detached-graph"),
        (guessing(), ["no-learning", "softmax-single-unit", "constant-prediction"], "softmax-single-unit"),
        (
            not_learning(),
            ["no-learning", "small-updates", "optimizer-epsilon-too-large"],
            "optimizer-epsilon-too-large",
        ),
        (
            guessing(examination={"parameters": moving(3e-3)}),
            ["no-learning", "labels-unrelated", "vanishing-through-time"],
            "vanishing-through-time",
        ),
        (
            guessing(examination={"parameters": moving(3e-3)}),
            ["no-learning", "labels-unrelated", "plateau", "detached-graph"],
            "detached-graph",
        ),
        (
            not_learning(),
            ["no-learning", "plateau", "over-regularization", "softmax-single-unit"],
            "softmax-single-unit",
        ),
        (not_learning(), ["no-learning", "vanishing-through-time", "broadcast-loss"], "broadcast-loss"),
        (
            not_learning(),
            ["initial-loss", "bad-initialization", "vanishing-through-time", "constant-inputs"],
            "constant-inputs",
        ),
        (classifying(steps=60), ["under-trained", "noisy-labels"], "noisy-labels"),
        (not_learning(), ["noisy-labels", "generalization-gap", "unshuffled-data"], "unshuffled-data"),
    ],
    ids=[
        "low rate",
        "vanishing",
        "labels",
        "labels drawn anew",
        "nothing kept",
        "no step",
        "cut graph",
        "loss",
        "epsilon",
        "lost through time",
        "cut states",
        "decay",
        "all pairs",
        "cut inputs",
        "wrong labels",
        "sorted labels",
    ],
)
def test_no_learning_follows_from(history: History, symptoms: Sequence[str], expected: str) -> None:
    assert first(history, *symptoms) == expected


@pytest.mark.parametrize(
    ("symptoms", "expected"),
    [
        (["generalization-gap", "validation-rising"], "overfitting"),
        (["generalization-gap", "validation-rising", "train-validation-mismatch"], "train-validation-mismatch"),
        (["generalization-gap", "evaluation-in-train-mode"], "evaluation-in-train-mode"),
        (["generalization-gap", "dropout-in-evaluation"], "dropout-in-evaluation"),
        (["generalization-gap", "validation-rising", "labels-unrelated"], "labels-unrelated"),
        (["generalization-gap", "batch-norm-tiny-batch"], "batch-norm-tiny-batch"),
        (["generalization-gap", "duplicate-augmentation"], "duplicate-augmentation"),
    ],
)
def test_a_gap_follows_from(symptoms: Sequence[str], expected: str) -> None:
    assert first(classifying(scores=[0.5] * 4), *symptoms) == expected


@pytest.mark.parametrize(
    ("symptoms", "expected"),
    [
        (["divergence", "large-updates"], "learning-rate-too-high"),
        (["divergence", "loss-sign"], "loss-sign"),
        (["divergence", "large-updates", "summed-loss"], "summed-loss"),
        (["divergence", "large-updates", "oscillation", "saturated-units", "summed-loss"], "summed-loss"),
        (["large-updates", "symmetric-initialization"], "symmetric-initialization"),  # huge beside weights near zero
        (["divergence", "large-updates", "missing-zero-grad"], "missing-zero-grad"),
        (["large-updates", "output-range"], "output-range"),
        (["non-finite", "large-updates", "loss-output-mismatch"], "loss-output-mismatch"),
        (["batch-mixing", "softmax-wrong-axis", "no-learning"], "softmax-wrong-axis"),
        (["small-updates", "no-learning", "under-trained", "bad-initialization"], "bad-initialization"),
        (["divergence", "large-updates", "unscaled-targets"], "unscaled-targets"),
        (["oscillation", "unshuffled-data"], "unshuffled-data"),
        (["divergence", "oscillation", "large-updates", "unshuffled-data"], "unshuffled-data"),
        (["divergence", "large-updates", "unscaled-inputs"], "unscaled-inputs"),
        (["non-finite", "large-updates", "divergence"], "learning-rate-too-high"),
        (["non-finite", "non-finite-input"], "non-finite-input"),
        (["non-finite", "unstable-loss"], "unstable-loss"),
        (["non-finite", "overflow"], "overflow"),
        (["non-finite", "exploding-through-time"], "exploding-through-time"),
    ],
)
def test_a_loss_that_rises_or_is_lost_follows_from(symptoms: Sequence[str], expected: str) -> None:
    history = classifying(curve=line(2.3, 9.0), examination=FAST)
    assert first(history, *symptoms) == expected


def test_huge_steps_explain_held_out_losses_that_rise() -> None:
    history = classifying(examination={"parameters": moving(0.05)})
    assert first(history, "large-updates", "validation-rising") == "learning-rate-too-high"
    assert first(history, "validation-rising") == "overfitting"


def test_numbers_lost_in_the_first_pass_are_the_start_s_doing_and_later_the_rate_s() -> None:
    start = {"parameters": {place: replace(each, weight=1.0) for place, each in PARAMETERS.items()}}
    symptoms = ["non-finite", "exploding-signal", "initial-loss", "bad-initialization"]
    lost = NonFinite(step=0, where="net:6", source="forward")
    assert first(not_learning(examination=start, non_finite=lost), *symptoms) == "bad-initialization"
    lost = NonFinite(step=9, where="net:0", source="weight")
    assert first(classifying(examination=FAST, non_finite=lost), "non-finite", "large-updates") == (
        "learning-rate-too-high"
    )


@pytest.mark.parametrize("identity", sorted(CASES.keys() & CAUSES))
def test_what_the_rules_see_of_a_faulty_history_leads_to_its_cause(identity: str) -> None:
    doctor = Doctor(CASES[identity].faulty)
    doctor.consider()
    assert identity in [each.id for each in doctor.causes[:2]]


@pytest.mark.parametrize(("step", "rate", "cause"), [(1, 0.1, "learning-rate-too-high"), (1, 1e-3, "dead-units"),
                                                     (0, 0.1, "dead-units")])  # fmt: skip
def test_units_that_a_far_first_step_killed_unseen(step: int, rate: float, cause: str) -> None:
    """Of a second model, which is looked at from its first step on."""
    layer = LayerSigns(type="ReLU", mean=0.0, std=1.0, peak=3.0, varied=1.0, units=32, activation="relu", dead=0.9)
    parameters = {"net:0.weight": ParameterSigns(elements=64, matrix=True, weight=0.1, gradient=0.01, update=1e-3)}
    examinations = [Examination(step=step + at, layers={"net:1": layer}, parameters=parameters) for at in range(3)]
    optimizers = {0: OptimizerFacts(name="Adam", rate=rate)}
    history = History(step=100, examinations=examinations, optimizers=optimizers)
    assert ranked(history, "dead-units")[0].id == cause
    if not step:  # weights of which only decay is left have not withered by too much of it
        assert ranked(history, "dead-units", "over-regularization", "constant-prediction")[0].id == cause


@pytest.mark.parametrize(
    ("step", "at_first", "rate", "cause"),
    [
        (0, 1e-2, 1e-3, "learning-rate-too-high"),
        (0, 1e-6, 0.1, "vanishing-gradient"),
        (1, 1e-6, 0.03, "learning-rate-too-high"),  # a second model, whose first step was not looked at, and went far
        (1, 1e-6, 1e-3, "vanishing-gradient"),
    ],
)
def test_a_gradient_that_came_through_before_the_steps(step: int, at_first: float, rate: float, cause: str) -> None:
    def looked_at(now: int, gradient: float) -> Examination:
        sizes = dict(zip(("net:0.weight", "net:2.weight", "net:4.weight"), (gradient, 1e-2, 1e-2), strict=True))
        signs = {
            at: ParameterSigns(elements=64, matrix=True, weight=0.1, gradient=each, update=1e-3)
            for at, each in sizes.items()
        }
        layer = LayerSigns(type="", mean=0.0, std=1.0, peak=1.0, varied=1.0, units=8, saturated=float(now > step))
        return Examination(step=now, layers={"net:1": layer}, parameters=signs)

    examinations = [looked_at(step, at_first), looked_at(step + 1, 1e-6), looked_at(step + 2, 1e-6)]
    history = History(step=100, examinations=examinations, optimizers={0: OptimizerFacts(name="Adam", rate=rate)})
    assert ranked(history, "vanishing-gradient")[0].id == cause
    # Units that saturate after that are its doing.
    assert ranked(history, "vanishing-gradient", "saturated-units")[0].id == cause
    if (step, at_first) == (0, 1e-6):  # and those that die, and weights that wither
        for consequence in ("dead-units", "over-regularization"):
            assert ranked(history, "vanishing-gradient", consequence)[0].id == cause


def test_held_out_examples_at_chance_tell_little_where_there_was_little_to_learn_from() -> None:
    def unrelated(known: int) -> float:
        history = guessing(evaluation={"known": known, "share_known": 0.9})
        found = {each.id: each.confidence for each in ranked(history, "labels-unrelated", "no-learning")}
        return found["labels-unrelated"]

    assert unrelated(99) < unrelated(100)


def test_what_saturated_units_let_not_through_vanished_less_surely_by_itself() -> None:
    def vanished(saturated: float) -> float:
        layer = LayerSigns(type="", mean=0.0, std=1.0, peak=1.0, varied=1.0, units=8, saturated=saturated)
        signs = {
            at: ParameterSigns(elements=64, matrix=True, weight=0.1, gradient=each, update=1e-3)
            for at, each in (("net:0.weight", 1e-6), ("net:2.weight", 1e-2), ("net:4.weight", 1e-2))
        }
        history = History(
            step=100,
            examinations=[Examination(step=at, layers={"net:1": layer}, parameters=signs) for at in range(3)],
            optimizers={0: OptimizerFacts(name="Adam", rate=1e-3)},
        )
        (found,) = (each for each in ranked(history, "vanishing-gradient") if each.id == "vanishing-gradient")
        return found.confidence

    assert vanished(0.4) < vanished(0.2)


@pytest.mark.parametrize(("at_first", "cause"), [(0.2, "learning-rate-too-high"), (200.0, "exploding-gradient")])
def test_a_gradient_that_was_even_before_the_steps(at_first: float, cause: str) -> None:
    def looked_at(now: int, times: float) -> Examination:
        return Examination(step=now, layers=LAYERS, parameters=with_first(gradient=1e-2 * times))

    unseen = Examination(step=0)  # by hand: only after the first step is it known that there is one
    history = History(
        step=50, examinations=[unseen, looked_at(1, at_first), *(looked_at(40 + n, 200.0) for n in (0, 1))]
    )
    assert ranked(history, "exploding-gradient")[0].id == cause


@pytest.mark.parametrize(
    ("rate", "cause"), [(0.001, "class-imbalance"), (0.01, "class-imbalance"), (0.06, "learning-rate-too-high")]
)
def test_after_steps_that_far_the_same_answer_is_no_matter_of_unequal_classes(rate: float, cause: str) -> None:
    optimizers = {0: OptimizerFacts(name="AdamW", rate=rate)}
    assert first(classifying(optimizers=optimizers), "class-imbalance", "constant-prediction") == cause
