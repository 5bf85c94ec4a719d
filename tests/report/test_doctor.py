"""What the doctor came to, of invented findings and of runs in every state."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import gradus
from gradus.core.errors import InputError
from gradus.core.findings import Finding, Severity
from gradus.report.doctor import causes, findings, happenings, timeline_charts
from gradus.report.html import render
from gradus.training.store import RunStore
from tests.end_to_end.recipes import digits

GOLDEN = Path(__file__).parents[1] / "golden" / "run-format-2"


def finding(symptom: str, since: int, said: int, severity: Severity = "warning", message: str = "m") -> Finding:
    return Finding(
        symptom=symptom,
        where="",
        since_step=since,
        said_at_step=said,
        severity=severity,
        confidence=0.9,
        message=message,
        evidence={"some_ratio": 0.123456},
    )


def rows(*found: Finding) -> list[dict[str, Any]]:
    return findings([each.to_json() for each in found])


def test_what_is_said_again_is_one_row_with_the_latest_words() -> None:
    found = rows(finding("a", 4, 7), finding("b", 8, 8), finding("a", 4, 30, "critical", "worse"))
    assert [(each["number"], each["symptom"], each["said"]) for each in found] == [(1, "a", [7, 30]), (2, "b", [8])]
    assert (found[0]["severity"], found[0]["message"]) == ("critical", "worse")
    assert found[0]["figures"] == [("some ratio", "0.1235")]
    told = [(each["step"], each["number"], each["what"]) for each in happenings(found)]
    assert told == [
        (4, 1, "began"),
        (7, 1, "was said"),
        (8, 2, "began and was said"),
        (30, 1, "was said again, worse"),
    ]


def test_a_timeline_reaches_from_the_first_step_to_the_last_finding() -> None:
    """Findings of the first epoch lie before the curve's first point, and late ones behind its last."""
    (chart,) = timeline_charts(rows(finding("a", 3, 25, "critical")), {"train_loss": [(10, 2.0), (20, 1.0)], "x": []})
    assert chart["data"] == [[0, 3, 10, 20, 25], [None, None, 2.0, 1.0, None]]
    assert chart["names"] == ["train loss"]
    assert chart["said"].startswith("1 finding, 1 critical, over 25 steps; the first began at step 3.")
    assert timeline_charts([], {"train_loss": [(10, 2.0)]}) == []
    assert timeline_charts(rows(finding("a", 3, 5)), {"train_loss": [], "validation_loss": [(1, 1.0)]}) == []


def test_of_many_findings_the_first_are_drawn() -> None:
    found = rows(*(finding(f"s{number}", number, number) for number in range(20)))
    (chart,) = timeline_charts(found, {"train_generator": [(10, 2.0)], "train_discriminator": [(10, 1.0)]})
    assert chart["names"] == ["train generator", "train discriminator"]
    assert [each["number"] for each in chart["marks"]] == list(range(1, 13))
    assert "Drawn are the first 12." in chart["said"]
    assert len(happenings(found)) == 20


def test_a_cause_names_the_next_and_what_to_do() -> None:
    first = {"id": "learning-rate-too-high", "confidence": 0.9, "because": ["divergence"], "tell_apart": "Halve it."}
    unknown = {"id": "of a later version", "confidence": 0.1, "because": []}
    one, other = causes([first, unknown])
    assert (one["next"], one["tell_apart"]) == ("of a later version", "Halve it.")
    assert "learning rate" in one["remedies"][0]
    assert (other["tell_apart"], other["remedies"]) == ("", [])


@pytest.mark.parametrize(
    ("name", "events", "said"),
    [
        ("finished", {"doctor": {"causes": [], "steps_seen": 1080, "overhead": 0.0}}, "was found in 1,080 steps."),
        ("finished", {}, "the run was trained without the doctor."),
    ],
)
def test_a_run_without_findings_says_how_far_that_goes(
    name: str, events: dict[str, dict[str, Any]], said: str, tmp_path: Path
) -> None:
    shutil.copytree(GOLDEN / name, tmp_path / "run")
    with RunStore(tmp_path / "run" / "run.sqlite", from_step=80, from_epoch=40) as store:
        for kind, detail in events.items():
            store.event(80, 40, kind, detail)
        store.finish("finished")
    page = render(gradus.load_run(tmp_path / "run"))
    assert said in page
    assert "Likely causes" not in page
    assert 'href="#layers"' not in page


def test_an_ensemble_tells_the_findings_of_its_members(tmp_path: Path) -> None:
    recipe = digits(epochs=1, optimizer={"name": "adamw", "lr": 0.01})
    run = gradus.train({**recipe, "ensemble": {"members": 2}}, run=tmp_path / "run")
    with RunStore(run.path / "members" / "1" / "run.sqlite", from_step=99, from_epoch=9) as store:
        store.finding(99, 9, finding("dead-units", 5, 6, message="It is the second one."))
        store.finish("finished")
    page = render(run)
    first, second = page.index("<h3>Member 0</h3>"), page.index("<h3>Member 1</h3>")
    assert first < second < page.index("It is the second one.")


def test_signs_of_a_newer_format_are_refused_by_name(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "finished", tmp_path / "run")
    with RunStore(tmp_path / "run" / "run.sqlite", from_step=80, from_epoch=40) as store:
        store.event(80, 40, "signs", {"format": 1, "layers": {"a": {"gradient": 1.0}}})
        store.event(90, 41, "signs", {"format": 2, "layers": {}})
        store.commit()
    with pytest.raises(InputError, match=r"signs: is of format 2, newer than the 1 known here"):
        gradus.write_report(tmp_path / "run")


def test_what_was_tried_to_repair_a_run_is_told_and_escaped(tmp_path: Path) -> None:
    place = shutil.copytree(GOLDEN / "finished", tmp_path / "run")
    assert 'id="repair"' not in render(gradus.load_run(place))
    tried = {
        "try": 1, "cause": "overfitting", "confidence": 0.7, "since_step": 3, "remedy": "<img src=x>", "kept": False,
        "change": {"model.name": ["<script>alert(1)</script>", "b"]}, "at_step": 9, "from_step": 0, "why": "<b>no</b>",
    }  # fmt: skip
    with RunStore(place / "run.sqlite", from_step=100, from_epoch=100) as store:
        store.event(0, 0, "repair", tried)
        store.commit()
    page = render(gradus.load_run(place))
    assert 'id="repair"' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; -&gt; b" in page
    assert not any(each in page for each in ("<script>alert", "<img src=x>", "<b>no</b>"))
