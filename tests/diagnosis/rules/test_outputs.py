"""Outputs and losses, to the edge."""

import pytest

from gradus.diagnosis.signs import Op
from tests.diagnosis.histories import LOGITS, SQUARED, fitting, line, op, seen


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
