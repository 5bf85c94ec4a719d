"""Every cause has its page: what it is, how it shows, why, what helps, sources."""

import re
from pathlib import Path

import pytest

from benchmarks.ward.programs import programs
from gradus.diagnosis.causes import TABLE
from gradus.diagnosis.remedies import BY_ID

PAGES = Path(__file__).parents[2] / "docs" / "causes"
CAUSES = [each.id for each in TABLE]
PARALLEL = {"desynchronised-rank", "straggler"}
"""What no single process shows, and so no program of the ward."""


def test_pages_and_causes_are_the_same() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == {*CAUSES, "README"}
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(([a-z-]+)\.md\)", index)) == set(CAUSES)


@pytest.mark.parametrize("cause", CAUSES)
def test_a_page_is_whole(cause: str) -> None:
    text = (PAGES / f"{cause}.md").read_text(encoding="utf-8")
    sections = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    assert sections == [cause, "How it shows", "Why", "What helps", "Sources"]
    for remedy in BY_ID[cause]:
        assert f"`{remedy}`" in text, "a remedy that the doctor names is on the page"
    if cause in PARALLEL:
        return
    named = re.findall(r"^<!-- program: (\S+) -->$", text, re.MULTILINE)
    known = {each.name: each for each in programs() if each.group == "faults"}
    assert cause in (known[named[0]].cause, *known[named[0]].accept)


DRAWN = sorted(page.stem for page in (PAGES / "figures").glob("*.svg"))


@pytest.mark.parametrize("cause", DRAWN)
def test_a_figure_stands_in_its_page_beside_what_was_measured(cause: str) -> None:
    text = (PAGES / f"{cause}.md").read_text(encoding="utf-8")
    assert f"](figures/{cause}.svg)" in text
    measured = text[text.index("<!-- measured -->") : text.index("<!-- /measured -->")]
    assert "| its healthy twin |" in measured


def test_no_page_shows_a_figure_that_is_not_there() -> None:
    shown = {
        name for page in PAGES.glob("*.md") for name in re.findall(r"figures/([a-z-]+)\.svg", page.read_text("utf-8"))
    }
    assert shown == set(DRAWN)
