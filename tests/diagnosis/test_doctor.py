"""What the doctor says, how often, and in which words."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from gradus.core.errors import InputError
from gradus.core.findings import Finding
from gradus.core.text import set_language
from gradus.diagnosis import doctor as module
from gradus.diagnosis.causes import Ranked
from gradus.diagnosis.doctor import Doctor, shown, told, told_causes
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import RuleCard, Sighting, rules
from gradus.diagnosis.signs import ModelFacts, NonFinite
from tests.diagnosis.histories import CASES, classifying

# Chinese characters, of which no English line has any.
HAN = range(0x4E00, 0x9FFF)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    set_language("en")
    yield
    set_language(None)


class Told:
    """A doctor whose rules see what a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
        self.said: list[Finding] = []
        self.history = History(models={"net": ModelFacts(name="net")})
        self.doctor = Doctor(self.history, say=self.said.append, **options)
        self._now: Sequence[tuple[str, Sighting]] = ()
        monkeypatch.setattr(module, "sightings", self._sightings)

    def _sightings(self, _: History) -> list[tuple[RuleCard, Sighting]]:
        return [(rules.get(name), each) for name, each in self._now]

    def see(self, *worse: float, name: str = "large-updates", step: int = 10, since: int = 0, **facts: Any) -> int:
        """How many findings are said when these are seen at a step."""
        self._now = [
            (name, Sighting(worse=each, since=since, evidence={"ratio": each, "share": each}, **facts))
            for each in worse
        ]
        self.history.step = step
        before = len(self.said)
        self.doctor.consider()
        return len(self.said) - before


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


def test_a_finding_is_said_once(watching: Told) -> None:
    assert watching.see(1.0, step=10) == 1
    assert watching.see(1.0, step=20) == 0
    assert watching.see(step=30) == 0
    assert watching.see(1.0, step=40) == 0


def test_it_is_said_again_when_it_is_much_worse(watching: Told) -> None:
    assert watching.see(2.0, step=10, since=8) == 1
    assert watching.see(0.99 * 2.0 * module._WORSE, step=20, since=18) == 0
    assert watching.see(2.0 * module._WORSE, step=30, since=28) == 1
    assert watching.see(7.0 * module._WORSE, step=40) == 0  # what counts is when it was said last
    (latest,) = watching.doctor.findings
    assert (latest.since_step, latest.said_at_step) == (8, 30)
    assert latest.evidence["ratio"] == 2.0 * module._WORSE


def test_and_no_more_often_than_three_times(watching: Told) -> None:
    assert [watching.see(10.0**power) for power in range(6)] == [1, 1, 1, 0, 0, 0]
    assert module._MOST_TIMES == 3
    assert len(watching.doctor.findings) == 1


def test_one_place_speaks_for_all(watching: Told) -> None:
    assert watching.see(1.0, 1.0, 1.0) == 1
    assert watching.see(1.0, name="small-updates") == 1
    assert [each.symptom for each in watching.doctor.findings] == ["large-updates", "small-updates"]


def test_steps_are_counted_from_the_program_s_first_model(watching: Told) -> None:
    watching.history.earlier = 1000
    watching.see(1.0, step=10, since=4)
    (found,) = watching.said
    assert (found.since_step, found.said_at_step) == (1004, 1010)


def test_a_place_names_its_model_only_among_several(watching: Told) -> None:
    watching.see(1.0, where="net:block.0")
    watching.history.models["judge"] = ModelFacts(name="judge")
    watching.see(1.0, name="small-updates", where="net:block.0")
    watching.see(1.0, name="dead-units")
    assert [each.where for each in watching.said] == ["block.0", "net:block.0", ""]


def test_severity_is_the_card_s_unless_the_sighting_has_its_own(watching: Told) -> None:
    watching.see(1.0, name="non-finite-input")
    watching.see(1.0, name="large-updates", severity="notice")
    assert [each.severity for each in watching.said] == ["critical", "notice"]


def test_confidence_never_exceeds_one(watching: Told) -> None:
    watching.see(1.0, confidence=1.3)
    assert watching.said[0].confidence == 1.0


def test_a_silenced_rule_is_not_asked() -> None:
    said: list[Finding] = []
    doctor = Doctor(CASES["dead-units"].faulty, silence=["dead-units"], say=said.append)
    doctor.consider()
    assert [*said, *doctor.findings] == []
    assert doctor.causes == []


def test_an_unknown_id_is_told_with_those_like_it() -> None:
    with pytest.raises(InputError, match="dead-units"):
        Doctor(History(), silence=["dead-unit"])
    with pytest.raises(InputError, match="silence"):
        Doctor(History(), silence=["learning-rate-too-high"])  # a cause


def test_what_is_only_told_at_the_end() -> None:
    history = CASES["underfitting"].faulty
    doctor = Doctor(history)
    history.ended = False
    doctor.consider()
    assert doctor.findings == []
    history.ended = True
    doctor.consider()
    assert [each.symptom for each in doctor.findings] == ["underfitting"]
    assert doctor.causes[0].id == "underfitting"


# ---- words ----------------------------------------------------------------------------------------------------------


def test_a_finding_is_told_in_four_lines() -> None:
    doctor = Doctor(CASES["dead-units"].faulty)
    doctor.consider()
    (found,) = doctor.findings
    assert told(found) == (
        f"gradus warning [dead-units]: {found.message}\n"
        "  where   3, since step 0\n"
        "  figures share 0.98\n"
        f"  do      {found.remedies[0].text} {found.remedies[1].text}"
    )
    assert "98%" in found.message


def test_a_reading_that_the_message_says_is_no_figure() -> None:
    doctor = Doctor(classifying(loop={"sees_ahead": True}))
    doctor.consider()
    (found,) = doctor.findings
    assert "what is to be told is shown" in found.evidence
    assert told(found).split("\n")[2] == "  figures -"


def test_a_finding_is_told_in_chinese() -> None:
    set_language("zh")
    doctor = Doctor(CASES["dead-units"].faulty)
    doctor.consider()
    lines = told(doctor.findings[0]).split("\n")
    assert len(lines) == 4
    assert lines[0].startswith("gradus 警告 [dead-units]: 98% 的单元已经死亡")
    assert all(any(ord(each) in HAN for each in line) for line in lines)


def test_the_whole_run_is_a_place_too() -> None:
    history = classifying(non_finite=NonFinite(step=7, where="", source="input", share=0.5))
    doctor = Doctor(history)
    doctor.consider()
    found = {each.symptom: told(each).split("\n") for each in doctor.findings}
    assert found["non-finite-input"][1] == "  where   the whole run, since step 7"
    assert found["non-finite-input"][0].startswith("gradus critical [non-finite-input]")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3.0, "3"), (0.123456, "0.123"), (1e-7, "1e-07"), (123456.7, "1.23e+05"), (math.nan, "nan"), (-math.inf, "-inf"),
     (-4.0, "-4"), (2e9, "2e+09")],
)  # fmt: skip
def test_figures_are_short(value: float, expected: str) -> None:
    assert shown(value) == expected


CAUSE: Mapping[str, Any] = {"id": "loss-sign", "confidence": 0.95, "because": ("loss-sign", "divergence")}


def test_the_likeliest_cause_is_told_in_a_line_and_what_to_do() -> None:
    assert told_causes([]) == ""
    one = told_causes([Ranked(**CAUSE)])
    assert one.split("\n") == [
        "gradus likely cause: loss-sign (95%), because of loss-sign, divergence",
        "  do      Minimize the loss: take the minus sign away.",
    ]


def test_and_the_next_one_and_what_would_tell_them_apart() -> None:
    first = Ranked(**CAUSE, instead="summed-loss", tell_apart="Look.")
    lines = told_causes([first, Ranked(id="summed-loss", confidence=0.5, because=())]).split("\n")
    assert lines[0].endswith("because of loss-sign, divergence; else summed-loss")
    assert lines[2] == "  Look."
    set_language("zh")
    assert told_causes([first]).startswith(
        "gradus 可能的原因：loss-sign（95%），依据：loss-sign, divergence；其次 summed-"
    )
