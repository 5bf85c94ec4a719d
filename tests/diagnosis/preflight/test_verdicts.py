"""What trials show, where no rule has said what is wrong."""

import pytest

from gradus.diagnosis.history import History
from gradus.diagnosis.preflight.trials import Fit, Trials
from gradus.diagnosis.preflight.verdicts import own_findings
from gradus.diagnosis.signs import Examination, LayerSigns
from gradus.optim.range_test import RangeTest

CONTROL = Fit(2.3, 2.2, 40)


def rates(suggested: float, diverged: float | None = None, losses: tuple[float, ...] = (2.0, 1.0)) -> RangeTest:
    return RangeTest((1e-3, 1e-2), losses, losses, suggested, diverged, suggested)


@pytest.mark.parametrize(
    ("trials", "symptoms"),
    [
        (Trials(rate=5.0, rates=rates(0.02, 1.0)), ["learning-rate-too-high"]),
        (Trials(rate=0.5, rates=rates(0.02, 1.0)), []),  # far off, but the batch bears it
        (Trials(rate=1e-6, rates=rates(0.01)), ["learning-rate-too-low"]),
        (Trials(rate=1e-4, rates=rates(0.01)), []),
        (Trials(rate=1e-6, rates=rates(0.01, losses=(0.1, -9.0))), []),  # a loss without a bound below
        (Trials(fit=Fit(2.3, 2.2, 40), zeroed=CONTROL), ["no-learning"]),
        (Trials(fit=Fit(2.3, 0.1, 40), zeroed=CONTROL), []),
        (Trials(fit=Fit(2.3, 2.2, 20), zeroed=CONTROL), []),  # the time was too short
        (Trials(fit=Fit(-2.3, -2.2, 40), zeroed=Fit(-2.3, -2.2, 40)), []),
        (Trials(reason="cannot be played"), []),
    ],
)
def test_what_trials_alone_show(trials: Trials, symptoms: list[str]) -> None:
    found = own_findings(History(), trials, set())
    assert [each.symptom for each in found] == symptoms
    assert all(each.message and each.remedies for each in found)
    assert own_findings(History(), trials, {"unscaled-inputs"}) == []


def test_what_keeps_a_batch_from_being_fitted_is_named_if_the_first_step_shows_it() -> None:
    dead = LayerSigns(type="ReLU", mean=0, std=0, peak=0, varied=0, units=8, dead=0.9)
    history = History(examinations=[Examination(step=0, layers={"m:0": dead, "m:1": dead})])
    found = own_findings(history, Trials(fit=CONTROL, zeroed=CONTROL), set())
    assert [each.symptom for each in found] == ["dead-units"]
