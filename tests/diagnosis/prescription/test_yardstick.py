"""Which of two runs went better: by what they have in common, and by more than luck gives."""

import math
from typing import Any

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.prescription.yardstick import Figure, Outcome, Printed, Verdict, best, figures, judge
from gradus.diagnosis.signs import Evaluation, Examination, LossSigns, Op


def outcome(*causes: str, error: str = "", **values: Figure) -> Outcome:
    return Outcome(causes, {name.replace("_", " "): each for name, each in values.items()}, error)


ACCURATE, INACCURATE = Figure(0.9, error=0.02), Figure(0.5, error=0.04)


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (outcome("c", accuracy=INACCURATE), outcome(accuracy=ACCURATE), True),
        (outcome("c", accuracy=INACCURATE), outcome("c", accuracy=ACCURATE), True),  # better although still named
        (outcome("c", accuracy=ACCURATE), outcome(accuracy=INACCURATE), False),  # worse although no longer named
        (outcome("c", accuracy=ACCURATE), outcome(accuracy=Figure(0.89, error=0.02)), True),  # as good, and cured
        (outcome("c", accuracy=ACCURATE), outcome("c", accuracy=Figure(0.91, error=0.02)), False),  # nothing happened
        (outcome("c", accuracy=ACCURATE), outcome("d", accuracy=Figure(0.91, error=0.02)), False),  # one for another
        (outcome("d", accuracy=ACCURATE), outcome("d", accuracy=ACCURATE), False),  # a mere suspect is not gone
        (outcome("c", "d", accuracy=ACCURATE), outcome("d", accuracy=ACCURATE), True),
        (outcome("c"), outcome(), True),
        (outcome("c"), outcome("c"), False),
        (outcome("c"), outcome(error="ValueError: no"), False),
        (outcome("c", loss=Figure(2.0, lower=True)), outcome(loss=Figure(1.0, lower=True)), True),
        (outcome("c", loss=Figure(math.nan, lower=True)), outcome("c", loss=Figure(1.0, lower=True)), True),
        (outcome("c", loss=Figure(1.0, lower=True)), outcome("c", loss=Figure(math.nan, lower=True)), False),
        (outcome("c", loss=Figure(math.nan, lower=True)), outcome("c", loss=Figure(math.inf, lower=True)), False),
    ],
)
def test_a_change_is_kept_if_it_did_good(before: Outcome, after: Outcome, kept: bool) -> None:
    assert judge("c", before, after).kept is kept


def test_values_of_two_losses_are_not_compared() -> None:
    one, other = Figure(5.0, lower=True, of="mean squares"), Figure(0.1, lower=True, of="cross-entropy")
    before = outcome("c", loss=one, accuracy=Figure(0.9))
    verdict = judge("c", before, outcome("c", loss=other, accuracy=Figure(0.5)))
    assert (verdict.by, verdict.kept) == ("accuracy", False)


@pytest.mark.parametrize(("cause", "by"), [("overfitting", "held-out accuracy"), ("leakage", "training accuracy")])
def test_what_leaks_into_a_figure_is_not_judged_by_it(cause: str, by: str) -> None:
    seen = {"held-out accuracy": Figure(0.9), "training accuracy": Figure(0.8)}
    assert judge(cause, Outcome((cause,), seen), Outcome((), seen)).by == by


@pytest.mark.parametrize(("printed", "kept"), [({}, True), ({"f1": Figure(0.1)}, False)])
def test_balance_is_not_judged_by_the_accuracy_that_it_costs(printed: dict[str, Figure], kept: bool) -> None:
    before = {name: Figure(0.9) for name in ("f1", "held-out accuracy", "training accuracy")}
    after = {"held-out accuracy": Figure(0.8), "training accuracy": Figure(0.8)}
    verdict = judge("class-imbalance", Outcome(("class-imbalance",), before), Outcome((), printed | after))
    assert verdict.kept is kept


@pytest.mark.parametrize(
    ("verdicts", "first"),
    [
        ([], None),
        ([Verdict(False, by="a", gain=3.0)], None),
        ([Verdict(True, by="a", gain=1.0), Verdict(True, by="a", gain=2.0)], 1),
        ([Verdict(True, by="a", gain=2.0), Verdict(False, by="a", gain=9.0), Verdict(True, by="a", gain=2.0)], 0),
        ([Verdict(True, by="a", gain=1.9), Verdict(True, by="a", gain=2.0)], 0),  # hardly better, and less likely
        ([Verdict(True, by="a", gain=1.9), Verdict(True, True, by="a", gain=2.0)], 1),  # as good: the cure
        ([Verdict(True, by="a", gain=2.0), Verdict(True, True, by="a", gain=1.0)], 0),
        ([Verdict(True, by="a", gain=1.0), Verdict(True, True, by="b", gain=0.1)], 1),  # not alike: the cure
    ],
)
def test_the_best_is_what_gained_most(verdicts: list[Verdict], first: int | None) -> None:
    assert best(verdicts) == first


def history(**fields: Any) -> History:
    loss = LossSigns(
        value=1.0, kind="values", heads=((Op("MseLoss"), Op("Addmm", (8, 1))),), error=1.0, target_std=2.0, batch=8
    )
    found = History(examinations=[Examination(step=each, losses=(loss,)) for each in range(5)])
    found.losses.extend([3.0, *[1.0] * 40])
    for name, value in fields.items():
        setattr(found, name, value)
    return found


def test_figures_are_those_of_the_last_look_at_held_out_examples() -> None:
    looks = [
        Evaluation(step=10, examples=100, accuracy=0.2, loss=3.0),
        Evaluation(step=20, examples=100, accuracy=0.5, loss=1.0, variance=4.0),
        Evaluation(step=30, examples=100, accuracy=0.9, loss=0.1, seen=1.0),  # of examples it was trained on
    ]
    found = figures(history(evaluations=looks, right=[(step, 0.75) for step in range(8)]))
    assert found["held-out accuracy"].value == 0.5
    assert found["held-out accuracy"].error == pytest.approx(1.28 * math.sqrt(2 * 0.25 / 100), rel=1e-3)
    assert found["held-out loss"].value == 0.25
    assert (found["training accuracy"].value, found["training error"].value) == (0.75, 0.25)
    assert found["training loss"].value == 1.0
    assert "MseLoss" in found["training loss"].of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("epoch 1 accuracy: 0.5\nepoch 2 accuracy: 0.75\n", 0.75),
        ("test accuracy=91.5%", 91.5),
        ("ACCURACY -1.5e-3 after 3 epochs\n", -1.5e-3),
        ("accuracy: nan\n", math.nan),
        ("inaccuracy: 3\n", None),
        ("accuracy is good: 3\n", None),
    ],
)
def test_the_last_number_after_a_word_is_read(text: str, value: float | None) -> None:
    printed = Printed("accuracy", lower=False)
    for letter in text:  # in whatever pieces it comes
        printed.read(letter)
    found = [each.value for each in printed.figures.values()]
    assert found == ([] if value is None else [pytest.approx(value, nan_ok=True)])
