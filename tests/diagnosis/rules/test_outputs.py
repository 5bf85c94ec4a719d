"""Outputs, to the edge."""

import math
from dataclasses import replace
from typing import Any

import pytest

from gradus.diagnosis.signs import Op
from tests.diagnosis.histories import CROSS_ENTROPY, LOGITS, classifying, fitting, line, op, seen


@pytest.mark.parametrize(
    ("activation", "targets", "caught"),
    [
        ("Sigmoid", {"target_mean": 0.4, "target_std": 0.3, "target_low": -0.3, "target_high": 1.4}, False),  # noise
        ("Sigmoid", {"target_mean": 0.8, "target_std": 0.6, "target_low": 0.0, "target_high": 3.0}, True),
        ("Sigmoid", {"target_mean": 0.2, "target_std": 0.6, "target_low": -2.0, "target_high": 1.0}, True),
        ("Hardtanh", {"target_mean": 0.8, "target_std": 0.6, "target_low": 0.0, "target_high": 3.0}, True),
        ("Exp", {"target_mean": 0.1, "target_std": 1.0, "target_low": -2.0, "target_high": 3.0}, True),
        ("Abs", {"target_mean": 0.1, "target_std": 1.0, "target_low": -2.0, "target_high": 3.0}, True),
        ("Relu", {"target_mean": 1.0, "target_std": 2.0, "target_low": 0.0, "target_high": 30.0}, False),  # long tail
    ],
)
def test_targets_may_be_out_of_reach_if_they_are_few(activation: str, targets: dict[str, Any], caught: bool) -> None:
    head = (op("MseLoss"), op(activation, 64, 1), op("Addmm", 64, 1))
    assert ("output-range" in seen(fitting(loss={"heads": (head,), **targets}))) == caught


def test_an_activation_may_be_set_to_reach_farther() -> None:
    targets = {"target_mean": 0.8, "target_std": 0.6, "target_low": 0.0, "target_high": 3.0}
    head = (op("MseLoss"), op("Hardtanh", 64, 1, limits=(0.0, 6.0)), op("Addmm", 64, 1))
    assert "output-range" not in seen(fitting(loss={"heads": (head,), **targets}))


@pytest.mark.parametrize(("below", "caught"), [("Sigmoid", True), ("", True), ("Addmm", False)])
def test_targets_of_one_output_say_nothing_of_another(below: str, caught: bool) -> None:
    heads = ((op("MseLoss"), op("Sigmoid", 64, 1), op("Addmm", 64, 1)), (op("MseLoss"), op("Addmm", 64, 1)))
    targets = {"target_mean": 2.0, "target_std": 1.0, "target_low": -1.0, "target_high": 5.0}
    assert ("output-range" in seen(fitting(loss={"heads": heads, "below": below, **targets}))) == caught


@pytest.mark.parametrize("data", [True, False])
def test_only_a_difference_from_targets_has_a_range(data: bool) -> None:
    """The other is a term of the loss, as in the divergence of a Gaussian."""
    head = (op("Sub", 64, 1, data=data), op("Softplus", 64, 1), op("Addmm", 64, 1))
    targets = {"target_mean": -1.0, "target_std": 1.0, "target_low": -3.0, "target_high": 1.0}
    assert ("output-range" in seen(fitting(loss={"heads": (head,), **targets}))) == data


@pytest.mark.parametrize("above", ["MseLoss", "Sub"])
def test_data_less_an_activation_reaches_below_it(above: str) -> None:
    """The air's temperature less what is radiated, compared with the ground's."""
    head = (op(above, 64, 1, data=True), op("Sub", 64, 1, data=True), op("Softplus", 64, 1), op("Addmm", 64, 1))
    targets = {"target_mean": -1.0, "target_std": 1.0, "target_low": -3.0, "target_high": 1.0}
    assert "output-range" not in seen(fitting(loss={"heads": (head,), **targets}))


@pytest.mark.parametrize(("entries", "caught"), [((1, 1, 1), True), ((1, 5, 1), False)])
def test_a_list_may_have_one_entry_now_and_then(entries: tuple[int, ...], caught: bool) -> None:
    def heads(step: int) -> dict[str, Any]:
        return {"heads": ((op("Sum"), op("LogSoftmax", entries[min(step, 2)], axis=0), LOGITS),)}

    assert ("softmax-single-unit" in seen(classifying(loss=heads))) is caught


@pytest.mark.parametrize(
    ("below", "caught"),
    [
        ((op("Relu", 64, 10),), True),
        ((op("Gelu", 64, 10),), True),
        ((op("Mul", 64, 10, data=True), op("Relu", 64, 10)), True),  # dropout between
        ((op("Mul", 64, 10, data=True), op("Tanh", 64, 10)), False),  # a scale of bounded logits
        ((op("LeakyRelu", 64, 10),), False),
        ((op("Softsign", 64, 10),), True),
        ((op("Abs", 64, 10),), True),
        ((op("Neg", 64, 10), op("Abs", 64, 10)), False),  # a distance
        ((op("Elu", 64, 10, limits=(-0.1, math.inf)),), True),
        ((op("Elu", 64, 10),), False),
        ((op("Mul", 64, 10, data=True), op("Softsign", 64, 10)), False),
        ((op("Clamp", 64, 10),), False),
    ],
)
def test_what_logits_go_through(below: tuple[Op, ...], caught: bool) -> None:
    head = (op("NllLoss"), op("LogSoftmax", 64, 10), *below, LOGITS)
    assert ("nonlinear-logits" in seen(classifying(loss={"heads": (head,)}))) == caught


@pytest.mark.parametrize(
    ("above", "caught"),
    [
        ((op("BinaryCrossEntropy"),), True),
        ((op("Neg"), op("Mean"), op("Log", 64), op("Add", 64, 1, data=True)), True),  # by hand
        ((op("MseLoss"),), True),
        ((op("Neg"), op("Mean"), op("Log", 64), op("Gather", 64, 1)), True),
        ((op("BinaryCrossEntropy"), op("Mul", 64, 1)), False),  # a gate on what it multiplies
    ],
)
def test_what_goes_through_before_a_sigmoid_of_its_own(above: tuple[Op, ...], caught: bool) -> None:
    head = (*above, op("Sigmoid", 64, 1), op("Relu", 64, 1), op("Addmm", 64, 1))
    assert ("nonlinear-logits" in seen(classifying(loss={"heads": (head,)}))) == caught
    through_a_layer = (*above, op("Sigmoid", 64, 1), op("Addmm", 64, 1))
    assert "nonlinear-logits" not in seen(classifying(loss={"heads": (through_a_layer,)}))


@pytest.mark.parametrize(
    ("above", "caught"),
    [
        ((op("Neg"), op("Mean")), True),
        ((op("Neg"), op("Mean"), op("Log", 64)), False),
        ((op("Neg"), op("Mean"), op("Mul", 64, data=True)), False),  # a return, or a ratio of probabilities
        ((op("Mean"),), False),
    ],
)
def test_probabilities_that_are_picked_want_a_logarithm(above: tuple[Op, ...], caught: bool) -> None:
    head = (*above, op("Gather", 64, 1), op("Softmax", 64, 10), LOGITS)
    assert ("missing-log" in seen(classifying(loss={"heads": (head,)}, curve=line(-0.1, -0.5)))) == caught


@pytest.mark.parametrize(
    ("ops", "caught"),
    [
        ((op("Gather", 64, 9, 1, picks=(2,)), op("LogSoftmax", 64, 9, 10, axis=1)), True),
        ((op("Index", 64, picks=(2,)), op("Log", 64, 9, 10), op("Softmax", 64, 9, 10, axis=1)), True),
        ((op("Gather", 64, 9, 1, picks=(2,)), op("LogSoftmax", 64, 9, 10, axis=2)), False),
        ((op("Index", 64, picks=(1, 2)), op("LogSoftmax", 64, 9, 10, axis=1)), False),
        ((op("Gather", 64, 1, 10), op("LogSoftmax", 64, 9, 10, axis=2)), False),
        ((op("Gather", 64, 9, 1, picks=(2,)), op("Mul", 64, 9, 10), op("Softmax", 64, 9, 1, axis=1)), False),
    ],
)
def test_a_softmax_runs_over_the_axis_of_what_is_picked(ops: tuple[Op, ...], caught: bool) -> None:
    head = (op("Neg"), op("Mean"), *ops, LOGITS)
    assert ("softmax-wrong-axis" in seen(classifying(loss={"kind": "", "heads": (head,)}))) is caught


PICKED = (op("Gather", 64, 1), op("Softmax", 64, 10), LOGITS)
WEIGHED = (op("Neg", negative=True), op("Mean"), op("Mul", 64))
POWER = (*WEIGHED, op("Pow", 64), op("Rsub", 64, negative=True))


@pytest.mark.parametrize(
    ("heads", "caught"),
    [
        (((*WEIGHED, *PICKED), POWER), True),
        (((*WEIGHED, op("Add", 64), op("Sigmoid", 64), LOGITS), (*WEIGHED, op("Add", 64)), POWER), True),
        (((*WEIGHED, op("Log", 64), *PICKED), POWER), False),
        (((*WEIGHED, *PICKED), (*WEIGHED, LOGITS)), False),  # what was learned to be earned by it
        (((*WEIGHED[:2], op("Pow", 64), op("Rsub", 64), *PICKED),), False),  # an error, whose sign is wrong
    ],
)
def test_probabilities_that_a_focal_loss_weighs_want_a_logarithm(
    heads: tuple[tuple[Op, ...], ...], caught: bool
) -> None:
    found = seen(classifying(loss={"kind": "", "heads": heads}, curve=line(-0.1, -0.5)))
    assert ("missing-log" in found) is caught
    assert "loss-sign" not in found or not caught


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        (((op("NllLoss"), op("Mul", 64, 10), op("Softmax", 64, 10), LOGITS),), {"missing-log"}),
        (((op("NllLoss"), op("Mul", 64, 10), op("LogSoftmax", 64, 10), LOGITS),), set()),
        (((op("NllLoss"), op("Mul", 64, 10), LOGITS),), {"loss-output-mismatch"}),
        (((op("NllLoss"), op("Mul", 64, 10), LOGITS), (op("Log", 64), LOGITS)), {"loss-output-mismatch"}),
        (((op("NllLoss"), op("Softmax", 64, 10), LOGITS), (op("Log", 64), LOGITS)), {"missing-log"}),
        (
            ((op("NllLoss"), op("Mul", 64, 10)), (op("LogSoftmax", 64, 10), LOGITS)),
            set(),
        ),  # of which there is another use
        (((op("NllLoss"), op("Add", 64, 10), op("Mm", 64, 10)),), {"loss-output-mismatch"}),  # a layer of sequences
    ],
)
def test_what_is_weighed_before_a_negative_log_likelihood(heads: tuple[tuple[Op, ...], ...], said: set[str]) -> None:
    heads += ((op("NllLoss"), op("Mul", 64, 10), op("Pow", 64, 10), op("Rsub", 64, 10)),)
    found = seen(classifying(loss={"not_log": True, "heads": heads}))
    assert {"missing-log", "loss-output-mismatch"}.intersection(found) == said


YES = (op("Neg", negative=True), op("Mean"), op("Add", 64), op("Sigmoid", 64), LOGITS)
NO = (
    op("Neg", negative=True),
    op("Mean"),
    op("Add", 64),
    op("Sum", 64),
    op("Sigmoid", 64, 5),
    op("Neg", 64, 5),
    LOGITS,
)
CHOSEN = (op("Neg", negative=True), op("Mean"), replace(op("Mul", 64, data=True), marks=True))


@pytest.mark.parametrize(
    ("heads", "caught"),
    [
        ((YES, NO), True),
        ((YES, (*YES[:3], op("Rsub", 64), op("Sigmoid", 64), LOGITS)), True),
        (((*CHOSEN, op("Sigmoid", 64), LOGITS), CHOSEN), True),
        ((YES, (*YES[:1], op("Where", 64))), True),
        ((YES,), False),  # the share of pairs in the right order
        ((YES, YES), False),
        ((YES, NO, (op("Add"), op("Pow"), LOGITS)), False),  # there is more to the loss
        ((YES, (*YES[:3], op("LogSigmoid", 64), LOGITS)), False),
    ],
)
def test_probabilities_of_yes_and_of_no_want_logarithms(heads: tuple[tuple[Op, ...], ...], caught: bool) -> None:
    history = classifying(loss={"kind": "", "heads": heads}, curve=line(-0.1, -0.5))
    assert ("missing-log" in seen(history)) is caught
    assert "missing-log" not in seen(classifying(loss={"kind": "", "heads": heads}, curve=line(0.5, 0.1)))


@pytest.mark.parametrize("gains", [True, False])
def test_probabilities_that_weigh_gains_and_losses_need_no_logarithm(gains: bool) -> None:
    """Shares of a portfolio times its returns; or of a divergence times its targets."""
    product = replace(op("Mul", 64, 10, data=True), gains=gains)
    head = (op("Neg"), op("Mean"), op("Sum", 64), product, op("Softmax", 64, 10), LOGITS)
    history = classifying(loss={"kind": "", "heads": (head,)}, curve=line(-0.1, -0.5))
    assert ("missing-log" in seen(history)) is not gains


SHARED = (op("Sum", 64), op("Mul", 64, 10, data=True), op("Softmax", 64, 10), LOGITS)


@pytest.mark.parametrize(
    ("above", "caught"),
    [
        ((op("Add"), op("Mul", data=True), op("Neg", negative=True), op("Mean")), True),
        ((op("Add"), op("Mul", data=True), op("Sum"), op("Sub", 64, 10, data=True, negative=True)), True),  # kl_div
        ((op("Add"), op("Mean")), False),  # what is to be small
        ((op("Add"), op("Rsub", negative=True), op("Mean")), False),  # an error of probabilities
        ((op("Add"), op("Div"), op("Neg", negative=True), op("Mean")), False),  # an overlap
    ],
)
def test_a_term_of_probabilities_beside_a_greater_one(above: tuple[Op, ...], caught: bool) -> None:
    found = seen(classifying(loss={"heads": ((*above, *SHARED), CROSS_ENTROPY)}))
    assert ("missing-log" in found) is caught


@pytest.mark.parametrize("since", [0, 20])
def test_a_loss_that_comes_after_another(since: int) -> None:
    """A teacher is trained, and a pupil after it."""

    def heads(step: int) -> dict[str, Any]:
        late = (op("NllLoss"), op("Softmax", 64, 10), LOGITS), (op("Log", 64), LOGITS)
        return {"heads": late if step >= since else (CROSS_ENTROPY,), "not_log": step >= since}

    assert "missing-log" in seen(classifying(loss=heads))


@pytest.mark.parametrize(
    ("below", "classes", "caught"), [("Log", 10, True), ("LogSoftmax", 10, False), ("Log", 9, False)]
)
def test_shares_that_are_summed_up_to_probabilities(below: str, classes: int, caught: bool) -> None:
    """The leaves of a soft tree each tell classes apart."""
    head = (op("NllLoss"), op(below, 64, classes), op("Mm", 64, classes))
    loss = {"heads": (head,), "operation": "NllLoss", "below": below, "classes": classes, "not_log": True}
    history = classifying(loss=loss | {"over_first": ((16, 10),)})
    assert ("softmax-wrong-axis" in seen(history)) is caught


@pytest.mark.parametrize(("below", "caught"), [("Softmax", True), ("LogSoftmax", False)])
def test_the_loss_of_an_alignment_wants_logarithms_too(below: str, caught: bool) -> None:
    head = (op("Mean"), op("Div", 24), op("CtcLoss", 24), op("Transpose", 20, 24, 7), op(below, 24, 20, 7), LOGITS)
    assert ("missing-log" in seen(classifying(loss={"kind": "", "heads": (head,)}))) is caught


@pytest.mark.parametrize(
    ("shape", "axis", "no_distribution", "caught"),
    [
        ((64, 10), 0, False, True),
        ((64, 1), 0, False, False),  # one score each: a list that is ranked, instances that are attended to
        ((64, 64), 0, False, False),  # both ways between the examples of a batch
        ((64, 12, 10), 1, True, True),
        ((64, 12, 10), 1, False, False),  # classes in the second axis
    ],
)
def test_axes_of_a_softmax(shape: tuple[int, ...], axis: int, no_distribution: bool, caught: bool) -> None:
    head = (op("NllLoss"), op("LogSoftmax", *shape, axis=axis), LOGITS)
    found = seen(classifying(loss={"heads": (head,), "not_log": no_distribution}))
    assert ("softmax-wrong-axis" in found) == caught


@pytest.mark.parametrize(
    ("shape", "mixes", "caught"),
    [
        ((64, 6), True, True),
        ((128, 6), True, True),  # two queries each
        ((32, 4, 9, 9), True, True),  # targets are of two steps each
        ((64, 6), False, False),  # time comes first
        ((64, 1), True, False),  # one score each
        ((40, 6), True, False),  # shares that are the same for all
    ],
)
def test_a_softmax_within_the_model_over_the_batch(shape: tuple[int, ...], mixes: bool, caught: bool) -> None:
    found = seen(classifying(loss={"over_first": (shape,)}, loop={"mixes": mixes}))
    assert ("softmax-wrong-axis" in found) is caught
    assert ("batch-mixing" in found) is mixes


@pytest.mark.parametrize("crossed", [(1, 2, 3), None])
def test_an_attention_whose_weights_are_summed_over_another_axis(crossed: tuple[int, int, int] | None) -> None:
    assert ("softmax-wrong-axis" in seen(classifying(loss={"crossed": crossed}))) is (crossed is not None)
