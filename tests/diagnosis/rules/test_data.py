"""Labels and splits, to the edge."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gradus.diagnosis.signs import Evaluation
from tests.diagnosis.histories import APART, INPUT, classifying, line, memorizing, playing, seen


def noisy(scores: Sequence[float], train: float, **options: Any) -> bool:
    return "noisy-labels" in seen(classifying(scores=scores, right=line(train, train), **options))


def test_labels_are_noisy_where_memorizing_costs_what_was_known() -> None:
    def memorized(best: float, last: float, train: float = 0.9) -> bool:
        return noisy([0.3, best, best, *[last] * 5], train)

    assert memorized(0.8, 0.71)
    assert not memorized(0.8, 0.73)
    assert not memorized(0.97, 0.8)  # so many are right only if most labels are
    assert not memorized(0.8, 0.71, train=0.8)
    assert not noisy([0.3, *[0.5] * 5, 0.8, 0.6, 0.6], 0.9)  # the best came late
    assert not noisy([0.8, 0.7, 0.6], 0.9)  # too few evaluations


def test_labels_are_noisy_where_held_out_examples_are_answered_better() -> None:
    def found(held_out: float, train: float, **options: Any) -> bool:
        return noisy([held_out] * 6, train, **({"curve": line(2.3, 1.2)} | options))

    assert found(0.76, 0.6)
    assert not found(0.74, 0.6)
    assert not found(0.96, 0.8)
    assert not found(0.76, 0.6, net={"dropout": 0.1})  # which lowers training accuracy
    assert not found(0.76, 0.6, evaluation={"scale": 1.1})  # as noise and mixup do
    assert not found(0.76, 0.6, steps=96)
    assert not found(0.76, 0.6, curve=line(2.3, 0.2))  # a loss that leaves the wrong ones out


def test_inputs_are_unscaled_where_a_quarter_of_the_columns_is() -> None:
    def found(wide: int) -> set[str]:
        means = (*[300.0] * wide, *[0.0] * (12 - wide))
        table: dict[str, Any] = {"columns": 12, "column_means": means, "column_stds": (1.0,) * 12, "spread": 1e4}
        signs = replace(INPUT, mean=75.0, std=140.0, low=-3.0, high=900.0, **table)
        return seen(classifying(examination={"inputs": (signs,)})).keys() & {"unscaled-inputs", "feature-scale"}

    assert found(3) == {"unscaled-inputs", "feature-scale"}
    assert found(2) == {"feature-scale"}


def test_labels_are_unrelated_only_once_training_has_got_somewhere() -> None:
    def found(train: float, held_out: float) -> bool:
        return "labels-unrelated" in seen(classifying(scores=[held_out] * 6, right=memorizing(train)))

    assert found(0.4, 0.11)
    assert not found(0.12, 0.11)
    assert not found(0.4, 0.2)


def test_a_score_of_long_ago_is_none_of_now() -> None:
    history = classifying(scores=[0.11] * 6, right=memorizing(0.4))
    history.evaluations = [replace(each, step=each.step // 3) for each in history.evaluations]
    assert "labels-unrelated" not in seen(history)


def test_what_was_soon_right_of_examples_not_seen_before_is_no_memory() -> None:
    found = seen(classifying(scores=[0.1] * 6, right=line(0.4, 0.9)))
    assert "labels-unrelated" not in found
    assert found["train-validation-mismatch"][1].reading == "encoded otherwise"


@pytest.mark.parametrize(
    ("changes", "caught"),
    [({"shift": 1.01}, True), ({"shift": 0.99}, False), ({"scale": 2.51}, True), ({"scale": 0.39}, True),
     ({"scale": 0.75}, False), ({"shift": 5.0, "every_step": True}, False)],
)  # fmt: skip
def test_where_held_out_inputs_lie_elsewhere(changes: dict[str, Any], caught: bool) -> None:
    assert ("train-validation-mismatch" in seen(classifying(scores=[0.7] * 3, evaluation=changes))) == caught
    assert "train-validation-mismatch" not in seen(classifying(scores=[0.9] * 3, evaluation=changes))
    assert ("train-validation-mismatch" in seen(classifying(errors=[0.2] * 3, evaluation=changes))) == caught
    assert "train-validation-mismatch" not in seen(classifying(errors=[0.1] * 3, evaluation=changes))


def test_a_few_training_examples_do_not_tell_where_inputs_lie() -> None:
    def found(steps: int, batch: int) -> bool:
        options: dict[str, Any] = {"steps": steps, "loss": {"batch": batch}, "evaluation": {"shift": 1.5}}
        return "train-validation-mismatch" in seen(classifying(errors=[9.0], **options))

    assert not found(5, 10)
    assert found(5, 20)
    assert found(9, 1)


def test_examples_on_both_sides_leak_unless_one_evaluation_is_clean() -> None:
    history = classifying(scores=[0.9] * 3, evaluation={"seen": 0.4})
    assert seen(history)["leakage"][1].reading == "held-out examples were trained on"
    history.evaluations.append(Evaluation(step=history.step, accuracy=0.9))
    assert "leakage" not in seen(history)
    whole = classifying(scores=[0.9] * 3, evaluation={"seen": 1.0})  # the training set itself
    assert "leakage" not in seen(whole)


def test_batches_of_players_may_be_all_real_or_all_generated() -> None:
    def sorted_by_class(step: int) -> dict[str, Any]:
        return {"kind": "classes", "classes": 3, "counts": tuple(64 * (each == step % 3) for each in range(3))}

    assert "unshuffled-data" in seen(classifying(loss=sorted_by_class))
    history = playing(APART)
    history.examinations = classifying(loss=sorted_by_class).examinations
    assert "unshuffled-data" not in seen(history)
