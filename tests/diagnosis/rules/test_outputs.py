"""Outputs and losses, to the edge."""

from dataclasses import replace
from typing import Any

import pytest

from gradus.diagnosis.signs import Op, OptimizerFacts
from tests.diagnosis.histories import ADAM, LOGITS, SQUARED, Curve, classifying, fitting, line, op, seen


@pytest.mark.parametrize(
    ("between", "caught"),
    [
        ((), True),
        ((op("Mean"), op("View")), True),
        ((op("Log"),), False),  # a log-likelihood may have any sign
        ((op("Sum"), op("Exp")), False),
    ],
)
def test_a_sign_tells_something_only_on_a_straight_way_to_an_error(between: tuple[Op, ...], caught: bool) -> None:
    head = (op("Neg", negative=True), *between, *SQUARED, LOGITS)
    assert ("loss-sign" in seen(fitting(loss={"heads": (head,)}, curve=line(1.5, -2.0)))) == caught


@pytest.mark.parametrize(
    ("activation", "targets", "caught"),
    [
        ("Sigmoid", {"target_mean": 0.4, "target_std": 0.3, "target_low": -0.3, "target_high": 1.4}, False),  # noise
        ("Sigmoid", {"target_mean": 0.8, "target_std": 0.6, "target_low": 0.0, "target_high": 3.0}, True),
        ("Sigmoid", {"target_mean": 0.2, "target_std": 0.6, "target_low": -2.0, "target_high": 1.0}, True),
        ("Relu", {"target_mean": 1.0, "target_std": 2.0, "target_low": 0.0, "target_high": 30.0}, False),  # long tail
    ],
)
def test_targets_may_be_out_of_reach_if_they_are_few(activation: str, targets: dict[str, Any], caught: bool) -> None:
    head = (op("MseLoss"), op(activation, 64, 1), op("Addmm", 64, 1))
    assert ("output-range" in seen(fitting(loss={"heads": (head,), **targets}))) == caught


@pytest.mark.parametrize(
    ("between", "caught"),
    [
        ((op("Mean"), op("Diagonal", 64)), True),
        ((op("Mean"), op("Neg", 64, negative=True), op("Gather", 64, 1)), False),
        ((op("Mean"), op("Mul", 64, data=True), op("Gather", 64, 1)), False),  # by what may be negative
        ((op("Mul", data=True), op("Mean")), True),
        ((op("Add"), op("Mul"), op("Mean")), False),
    ],
)
def test_a_log_probability_is_to_grow(between: tuple[Op, ...], caught: bool) -> None:
    heads = ((*between, op("LogSoftmax", 64, 10, axis=1), LOGITS),)
    assert ("loss-sign" in seen(fitting(loss={"kind": "", "heads": heads}, curve=line(-2.0, -3.0)))) == caught
    more = (*heads, (op("Mean"), op("Exp", 64)))  # there is more to the loss
    assert "loss-sign" not in seen(fitting(loss={"kind": "", "heads": more}, curve=line(-2.0, -3.0)))


def test_what_an_error_is_divided_by_says_nothing_of_its_sign() -> None:
    """Of the logarithm of a density, the variance under the squared error."""
    square = (op("Neg", negative=True), op("Div"), op("Pow"), LOGITS)
    variance = (op("Neg", negative=True), op("Div", divisor=True), op("Neg", negative=True), op("Pow"), LOGITS)

    def found(*heads: tuple[Op, ...]) -> bool:
        return "loss-sign" in seen(fitting(loss={"heads": heads}, curve=line(1.5, -2.0)))

    assert found(square)
    assert found(square, variance)
    assert not found(variance)


def test_an_optimizer_that_steps_uphill() -> None:
    def found(optimizer: OptimizerFacts, end: float = 5.0, **loss: Any) -> bool:
        return "loss-sign" in seen(fitting(optimizer=optimizer, loss=loss, curve=line(1.0, end)))

    uphill = replace(ADAM, maximizes=True)
    assert found(uphill)
    assert not found(uphill, 0.5)
    assert not found(uphill, heads=((op("Neg", negative=True), *SQUARED),))
    assert not found(ADAM)
    assert found(ADAM, wrong_way=True)
    assert not found(uphill, wrong_way=True, heads=())


def test_a_loss_may_fall_far_below_zero_if_it_slows_down() -> None:
    """Nothing on the way to the loss tells its sign: it may be a return, or the log-likelihood of a density."""
    head = (op("Mean"), op("Log"), LOGITS)

    def found(curve: Curve) -> bool:
        options: dict[str, Any] = {"kind": "", "heads": (head,), "accuracy": None}
        return "loss-sign" in seen(classifying(loss=options, curve=curve))

    assert found(lambda part: -(10.0 ** (3 * part)))
    assert not found(lambda part: -1000 * (1 - 0.01**part))
    assert not found(lambda part: -(10.0**part))
