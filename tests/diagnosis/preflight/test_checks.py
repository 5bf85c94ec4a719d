"""The table of checks covers what rules say, and each check passes, fails or tells why it was skipped."""

from gradus.core.findings import Finding
from gradus.diagnosis.history import History
from gradus.diagnosis.preflight.checks import CHECKS, SILENT, check_all
from gradus.diagnosis.preflight.trials import Fit, Memory, Trials
from gradus.diagnosis.preflight.verdicts import own_findings
from gradus.diagnosis.remedies import BY_ID
from gradus.diagnosis.rules import rules
from gradus.optim.range_test import RangeTest


def rates(suggested: float, diverged: float | None = None, losses: tuple[float, ...] = (2.0, 1.0)) -> RangeTest:
    return RangeTest((1e-3, 1e-2), losses, losses, suggested, diverged, suggested)


def test_every_rule_that_speaks_is_in_one_check() -> None:
    listed = [symptom for check in CHECKS for symptom in check.symptoms]
    assert len(listed) == len(set(listed))
    causes = {"learning-rate-too-high", "learning-rate-too-low"}  # of ours alone
    assert set(listed) == (set(rules.names()) - set(SILENT)) | causes
    assert all(each in BY_ID for each in listed)


def by_name(trials: Trials, findings: list[Finding]) -> dict[str, str]:
    return {each.name: each.status for each in check_all(History(), trials, findings)}


def test_a_check_fails_by_a_finding_is_skipped_without_figures_and_passes_with_them() -> None:
    trials = Trials(rate=5.0, rates=rates(0.02, 1.0), fit=Fit(2.3, 0.1, 40), reason="")
    found = by_name(trials, own_findings(History(), trials, set()))
    assert (found["rate"], found["one-batch"], found["inputs"]) == ("failed", "passed", "skipped")


def test_memory_fails_by_itself() -> None:
    assert by_name(Trials(memory=Memory(10, 20, 30, 50)), [])["memory"] == "failed"
    assert by_name(Trials(memory=Memory(10, 20, 30, 70)), [])["memory"] == "passed"


def test_a_trial_that_could_not_be_made_says_why() -> None:
    (check,) = [each for each in check_all(History(), Trials(reason="no model"), []) if each.name == "one-batch"]
    assert (check.status, check.message) == ("skipped", "no model")
