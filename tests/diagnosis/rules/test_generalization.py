"""Training against held-out examples, to the edge."""

import math
from dataclasses import replace
from typing import Any

import pytest

from gradus.diagnosis.history import History
from tests.diagnosis.histories import (
    ADAM,
    MATRIX,
    NONE,
    PARAMETERS,
    SGD,
    Curve,
    Fields,
    classifying,
    falling,
    fitting,
    line,
    not_learning,
    op,
    seen,
)


def apart(gap: float, **options: Any) -> History:
    examples = options.pop("examples", 500)
    return classifying(right=line(0.95, 0.95), scores=[0.95 - gap] * 4, evaluation={"examples": examples, **options})


@pytest.mark.parametrize("examples", [16, 100, 10_000])
def test_a_gap_counts_beyond_the_scatter_of_its_examples(examples: int) -> None:
    edge = 0.2 + 1 / math.sqrt(examples)
    assert "generalization-gap" in seen(apart(edge + 0.01, examples=examples))
    assert "generalization-gap" not in seen(apart(edge - 0.01, examples=examples))


@pytest.mark.parametrize(
    "told_by", [{"training": True}, {"dropped": True}, {"repeated": True}, {"seen": 0.5}, {"examples": 15}]
)
def test_evaluations_that_are_no_such_thing_show_no_gap(told_by: dict[str, Any]) -> None:
    assert "generalization-gap" in seen(apart(0.6))
    assert "generalization-gap" not in seen(apart(0.6, **told_by))


@pytest.mark.parametrize(("known", "ended", "caught"), [(99, True, True), (100, True, False), (99, False, False)])
def test_one_look_at_the_end_tells_where_there_was_little_to_learn_from(known: int, ended: bool, caught: bool) -> None:
    once = {"examples": 500, "known": known, "share_known": 0.9}
    of_classes = classifying(right=line(0.95, 0.95), scores=[0.5], evaluation=once, ended=ended)
    of_values = fitting(curve=falling(1.3, 0.01), errors=[1.0], evaluation=once | {"variance": 1.0}, ended=ended)
    for history in (of_classes, of_values):
        assert ("generalization-gap" in seen(history)) == caught


def test_a_gap_that_closes_again_is_passed() -> None:
    assert "generalization-gap" not in seen(classifying(scores=[0.2, 0.3, 0.4, 0.9]))


def test_what_generalized_before_and_is_shaken_has_no_gap() -> None:
    def found(*scores: float, **options: Any) -> bool:
        return "generalization-gap" in seen(classifying(right=line(0.95, 0.95), scores=scores, **options))

    assert not found(0.9, 0.92, 0.5, 0.4)
    assert found(0.9, 0.92, 0.5, 0.4, ended=True)
    assert found(0.7, 0.7, 0.5, 0.4)
    assert found(0.92, 0.5, 0.4, 0.4, 0.4, 0.4)


def test_classes_that_are_still_to_come_make_no_gap() -> None:
    def found(counts: tuple[int, ...], **options: Any) -> bool:
        return "generalization-gap" in seen(classifying(scores=[0.5] * 6, loss={"counts": counts}, **options))

    assert found((8,) * 10)
    assert not found((16,) * 5 + (0,) * 5)
    assert found((16,) * 5 + (0,) * 5, ended=True)  # they never came


def test_a_gap_is_that_of_now() -> None:
    history = classifying(scores=[0.5] * 6)
    assert "generalization-gap" in seen(history)
    history.step += 2  # what is trained on may have changed since the last evaluation
    assert "generalization-gap" not in seen(history)
    history.ended = True
    assert "generalization-gap" in seen(history)


def test_a_gap_of_values_is_of_explained_variance() -> None:
    def found(held_out: float, train: float) -> bool:
        return "generalization-gap" in seen(fitting(curve=falling(1.0, train), errors=[held_out] * 4))

    assert found(0.25, 0.01)
    assert not found(0.15, 0.001)  # the most of it is explained
    assert not found(0.25, 0.05)  # training examples are not fitted so well either
    own_units = fitting(curve=falling(1.0, 0.01), errors=[25.0] * 4, evaluation={"variance": 1000.0})
    assert "generalization-gap" not in seen(own_units)
    assert "generalization-gap" not in seen(fitting(curve=falling(1.0, 0.01), errors=[0.9, 0.4, 0.1, 0.02]))
    _, sighting = seen(fitting(curve=falling(1.0, 0.01), errors=[0.4] * 4))["generalization-gap"]
    assert sighting.evidence["held_out"] == pytest.approx(0.6)


def rising(*errors: float, **options: Any) -> bool:
    return "validation-rising" in seen(classifying(errors=errors, **options))


def test_where_held_out_loss_rises() -> None:
    assert rising(2.0, 1.0, 1.0, 1.31, 1.31, 1.31)
    assert not rising(2.0, 1.0, 1.0, 1.29, 1.31, 1.31)
    assert not rising(1.0, 1.31, 1.31, 1.31, 1.31)  # too few to tell
    assert not rising(2.0, 1.8, 1.5, 1.0, 1.31, 1.31)  # the best is too near
    assert not rising(2.0, 1.0, 1.0, 1.31, 1.31, 1.31, curve=falling(2.3, 0.7))  # hardly beyond that of training
    assert not rising(2.0, 1.0, 1.0, 1.31, 1.31, 1.31, scores=[0.9] * 6)  # as many are right as ever
    assert rising(2.0, 1.0, 1.0, 1.31, 1.31, 1.31, scores=[0.7] * 6)


def test_where_the_weights_were_kept_when_held_out_loss_was_lowest() -> None:
    errors = (2.0, 1.0, 1.1, 1.31, 1.31, 1.31)
    steps = [each.step for each in classifying(errors=errors).evaluations]
    assert not rising(*errors, saved=steps[1])
    assert rising(*errors, saved=steps[2])  # and overwritten after it
    assert rising(*errors, saved=steps[1] - 1)


def test_where_regularization_is_too_strong() -> None:
    def found(**options: Any) -> bool:
        return "over-regularization" in seen(not_learning(**options))

    assert found(net={"dropout": 0.8})
    assert not found(net={"dropout": 0.79})
    assert not found(net={"dropout": 0.9}, right=line(0.8, 0.8))  # it learns all the same
    assert not found(net={"dropout": 0.9}, steps=59)
    unknown = {"kind": "", "accuracy": None}
    assert found(net={"dropout": 0.9}, loss=unknown)  # whatever the loss compares
    assert not found(net={"dropout": 0.9}, loss=unknown, curve=line(2.0, 0.9))
    assert not found(net={"dropout": 0.9}, adversarial=True)
    strong = replace(ADAM, decay=20.0)
    assert found(optimizer=strong)
    assert not found(optimizer=strong, loss=unknown)  # one that may not be meant to fall


def shrinking(
    share: float,
    *,
    output: float,
    missed: float,
    matrices: int = 4,
    elements: int = 1024,
    loss: Fields = NONE,
    tables: bool = False,
    curve: Curve | None = None,
    **options: Any,
) -> bool:
    def withering(step: int) -> dict[str, Any]:
        changes: dict[str, Any] = {"elements": elements, "embedding": tables}
        kept = share if step > 50 else 1.0
        shrunk = {at: replace(each, weight=kept * each.weight, **changes) for at, each in PARAMETERS.items()}
        return {"parameters": dict(list(shrunk.items())[:matrices])}

    def comparing(step: int) -> dict[str, Any]:
        changes = loss(step) if callable(loss) else loss
        return {"output_std": output, "error": missed, "value": missed, "operation": "MseLoss", **changes}

    history = fitting(loss=comparing, curve=curve or falling(40.0, 1.0), examination=withering, **options)
    return "over-regularization" in seen(history)


def test_weights_that_wither_are_penalized_too_much() -> None:
    assert shrinking(0.49, output=0.5, missed=0.3)
    assert not shrinking(0.51, output=0.5, missed=0.3)
    assert not shrinking(0.49, output=0.95, missed=0.3)  # as wide as the targets
    assert not shrinking(0.49, output=0.5, missed=0.1)  # nearly all is explained
    assert not shrinking(0.49, output=0.5, missed=0.3, net={"normalizations": 1})  # the size of weights is nothing


def test_few_weights_shrink_on_their_way_to_where_data_have_them() -> None:
    assert not shrinking(0.49, output=0.5, missed=0.3, matrices=1)
    assert not shrinking(0.49, output=0.5, missed=0.3, elements=7)
    assert shrinking(0.49, output=0.5, missed=0.3, elements=8)
    assert shrinking(0.49, output=0.5, missed=0.3, matrices=1, optimizer=replace(SGD, decay=0.02))
    assert not shrinking(0.49, output=0.5, missed=0.3, matrices=1, optimizer=replace(ADAM, decay=0.01))
    assert shrinking(0.49, output=0.5, missed=0.3, matrices=1, loss={"value": 0.4})  # something is added to it


def test_tables_wither_by_a_penalty_where_little_is_learned() -> None:
    def found(curve: Curve | None = None, loss: Fields = NONE, **settings: Any) -> bool:
        adam, slow = replace(ADAM, **settings), curve or line(1.0, 0.9)
        return shrinking(0.49, output=0.5, missed=0.9, tables=True, optimizer=adam, curve=slow, loss=loss)

    assert found(decay=0.001, coupled=True)
    assert not found(decay=0.01)  # what AdamW does by itself
    assert not found(decay=0.001, coupled=True, curve=falling(40.0, 1.0))
    assert found(loss=lambda step: {"value": 0.95 if step < 60 else 0.9})  # what is added withers with them
    assert not found()


def test_a_decay_of_its_own_that_makes_up_most_of_the_steps() -> None:
    def found(decay: float, gradient: float = 1e-2, update: float = 1e-3, **options: Any) -> bool:
        weights = {at: replace(each, weight=0.1, update=update, gradient=gradient) for at, each in PARAMETERS.items()}
        adamw = replace(ADAM, name="AdamW", decay=decay, coupled=False)
        history = not_learning(optimizer=adamw, examination={"parameters": weights, "rates": (1e-3,)}, **options)
        return "over-regularization" in seen(history)

    assert found(5.1)
    assert not found(4.9)
    assert found(0.011, update=1e-6)
    assert not found(0.01, update=1e-6)  # what AdamW does by itself: hardly any gradient is left
    assert not found(5.1, right=line(0.8, 0.8))  # it learns all the same
    assert not found(5.1, gradient=0.0)  # nothing else moves what is cut off


def test_a_few_units_do_not_draw_what_many_would() -> None:
    def found(missed: float, **net: Any) -> bool:
        tiny = {"narrowest": 3, "parameters": 100} | net
        history = fitting(loss={"error": missed}, curve=line(0.2, 0.2), net=tiny, ended=True)
        return "underfitting" in seen(history)

    assert found(0.13)
    assert not found(0.11)
    assert not found(0.13, narrowest=4)
    assert not found(0.13, parameters=101)  # a bottleneck between wider layers


@pytest.mark.parametrize(
    ("narrowest", "end", "loss", "caught"),
    [(3, 2.0, "CtcLoss", True), (4, 2.0, "CtcLoss", False), (3, 1.0, "CtcLoss", False), (3, 2.0, "Neg", False)],
)
def test_strings_of_eleven_symbols_read_by_a_memory_of_a_few_units(
    narrowest: int, end: float, loss: str, caught: bool
) -> None:
    head = (op("Mean"), op("Div", 32), op(loss, 32), op("Permute", 16, 32, 11), op("LogSoftmax", 32, 16, 11, axis=2))
    history = classifying(
        curve=falling(9.0, end), loss={"kind": "", "classes": 0, "accuracy": None, "heads": (head,)},
        net={"narrowest": narrowest, "dropout": 0.9}, ended=True,
    )  # fmt: skip
    assert ("underfitting" in seen(history)) == caught
    assert ("over-regularization" in seen(history)) == (end == 2.0 and loss == "CtcLoss")


def test_a_fit_that_was_bad_for_most_of_the_run_is_none_now() -> None:
    def found(until: int) -> bool:
        flat: dict[str, Any] = {"curve": line(-1.0, -1.0), "net": {"narrowest": 1}, "ended": True}
        bad_at_first = fitting(loss=lambda step: {"target_std": 1.0, "error": 0.9 if step < until else 0.1}, **flat)
        return "underfitting" in seen(bad_at_first)

    assert found(200)
    assert not found(140)


@pytest.mark.parametrize(
    ("task", "caught"),
    [
        ({"counts": (1,) * 64, "classes": 64}, False),
        ({"counts": (2, *(1,) * 62, 0), "classes": 64}, True),
        ({"counts": (64, 0, 0), "classes": 3}, False),
        ({"counts": (20, 24, 20), "classes": 3}, True),
    ],
)
def test_of_more_candidates_fewer_are_right(task: dict[str, Any], caught: bool) -> None:
    """Of 32 sounds of a batch nearly always the right one is found, and of 600 not so often."""
    task = {"batch": 64, "heads": ()} | task
    assert ("generalization-gap" in seen(classifying(loss=task, scores=[0.5] * 6))) is caught


@pytest.mark.parametrize(
    ("value", "left", "right", "caught"),
    [(2.2, 0.6, 0.6, True), (1.7, 0.6, 0.6, False), (2.2, 0.8, 0.6, False), (2.2, 0.6, 0.8, False)],
)
def test_a_penalty_by_hand_that_classes_come_to_rest_with(
    value: float, left: float, right: float, caught: bool
) -> None:
    penalty = op("Add"), op("Sum"), op("Pow", MATRIX.elements)

    def shrinking(step: int) -> dict[str, Any]:
        weight = MATRIX.weight * (left if step else 1.0)
        return {"parameters": {at: replace(each, weight=weight) for at, each in PARAMETERS.items()}}

    history = classifying(
        curve=line(2.2, 2.2), right=line(right, right), examination=shrinking,
        loss={"value": value, "surprise": 1.7, "heads": (penalty,)},
    )  # fmt: skip
    assert ("over-regularization" in seen(history)) == caught
