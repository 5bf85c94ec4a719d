"""Outputs and losses, to the edge."""

from typing import Any

import pytest

from gradus.diagnosis.signs import Op
from tests.diagnosis.histories import LOGITS, SQUARED, Curve, classifying, fitting, line, op, seen


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


def test_a_loss_may_fall_far_below_zero_if_it_slows_down() -> None:
    """Nothing on the way to the loss tells its sign: it may be a return, or the log-likelihood of a density."""
    head = (op("Mean"), op("Log"), LOGITS)

    def found(curve: Curve) -> bool:
        options: dict[str, Any] = {"kind": "", "heads": (head,), "accuracy": None}
        return "loss-sign" in seen(classifying(loss=options, curve=curve))

    assert found(lambda part: -(10.0 ** (3 * part)))
    assert not found(lambda part: -1000 * (1 - 0.01**part))
    assert not found(lambda part: -(10.0**part))
