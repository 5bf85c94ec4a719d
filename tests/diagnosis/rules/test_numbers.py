"""What made a number that is not finite, of things that look alike."""

import math
from dataclasses import replace

import pytest

from gradus.diagnosis.series import Series
from gradus.diagnosis.signs import LossSigns, NonFinite, Op
from tests.diagnosis.histories import INPUT, classifying, seen

CAUSES = {"non-finite-input", "unstable-loss", "overflow"}


@pytest.mark.parametrize(
    ("pole", "narrow", "expected"),
    [
        (True, False, {"unstable-loss"}),
        (False, True, {"overflow"}),
        (True, True, {"unstable-loss"}),
        (False, False, set()),
    ],
)
def test_a_layer_that_divides_by_zero_or_ends_at_65504(pole: bool, narrow: bool, expected: set[str]) -> None:
    lost = NonFinite(step=50, where="net:6", source="forward", operation="Div", pole=pole, narrow=narrow)
    assert CAUSES & set(seen(classifying(non_finite=lost))) == expected


@pytest.mark.parametrize(("narrow", "expected"), [(True, {"overflow"}), (False, {"unstable-loss"})])
def test_a_gradient_lost_in_float16(narrow: bool, expected: set[str]) -> None:
    lost = NonFinite(step=50, where="", source="gradient", operation="Sqrt", narrow=narrow)
    assert CAUSES & set(seen(classifying(non_finite=lost))) == expected


@pytest.mark.parametrize("relative", [True, False])
def test_errors_relative_to_what_comes_near_zero(relative: bool) -> None:
    history = classifying(loss={"kind": "", "relative_to_zero": relative})
    assert ("unstable-loss" in seen(history)) is relative


@pytest.mark.parametrize(("second", "caught"), [(2.4, True), (1.0, True), (4.0, False)])
def test_weights_lost_in_the_first_steps_while_the_loss_is_calm(second: float, caught: bool) -> None:
    root = LossSigns(value=2.3, heads=((Op("Mean"), Op("Sqrt"), Op("Addmm")),))
    history = classifying(non_finite=NonFinite(step=2, where="net:0", source="weight"))
    history.examinations = [replace(each, losses=(root,)) for each in history.examinations]
    history.losses = Series()
    history.losses.extend([2.3, second, math.nan, math.nan])
    assert ("unstable-loss" in seen(history)) is caught


@pytest.mark.parametrize(("since", "caught"), [(0, True), (1, True), (2, False)])
def test_weights_lost_by_an_input_behind_which_the_loss_stays_finite(since: int, caught: bool) -> None:
    history = classifying(non_finite=NonFinite(step=100, where="net:0", source="weight"))
    gap = replace(INPUT, non_finite=0.01)
    history.examinations = [
        replace(each, inputs=(gap,)) if each.step == 100 - since else each for each in history.examinations
    ]
    if not any(each.step == 100 - since for each in history.examinations):
        last = history.examinations[-1]
        history.examinations.append(replace(last, step=100 - since, inputs=(gap,)))
    assert ("non-finite-input" in seen(history)) is caught


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("Mean", "Log", "View", "Sum", "Exp", "Mm"), {"unstable-loss", "overflow"}),
        (("Mean", "Mul", "Sum", "Exp", "Mm"), {"overflow"}),
    ],
)
def test_the_logarithm_of_summed_exponentials_has_a_stable_form(names: tuple[str, ...], expected: set[str]) -> None:
    loss = LossSigns(value=2.3, heads=(tuple(map(Op, names)),))
    history = classifying(non_finite=NonFinite(step=50, where="", source="loss", operation="Exp"))
    history.examinations = [replace(each, losses=(loss,)) for each in history.examinations]
    assert CAUSES & set(seen(history)) == expected


@pytest.mark.parametrize(("infinite", "expected"), [(True, {"unstable-loss"}), (False, set())])
def test_a_gradient_lost_where_an_infinity_is_masked_after_it_was_multiplied(
    infinite: bool, expected: set[str]
) -> None:
    loss = LossSigns(value=2.3, heads=((Op("Sum"), Op("Where"), Op("Mul")),), times_infinity=infinite)
    history = classifying(non_finite=NonFinite(step=50, where="", source="gradient"))
    history.examinations = [replace(each, losses=(loss,)) for each in history.examinations]
    assert CAUSES & set(seen(history)) == expected
