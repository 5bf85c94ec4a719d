"""The page of a race as a browser plays it."""

import time
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from gradus.optim.race import Race, race, racers
from gradus.optim.surfaces import surfaces
from gradus.report.race import write_page
from tests.end_to_end.browser import AXE, show

STEPS = 120


@pytest.fixture(scope="module")
def found() -> Race:
    return race(surfaces.get("saddle"), racers("sgd:lr=0.5,momentum:lr=1.0,adam:lr=1.0,sgd:lr=5.0"), steps=STEPS)


@pytest.fixture(scope="module")
def page(found: Race, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(found, tmp_path_factory.mktemp("pages") / "race.html")


def drawn(browser: webdriver.Chrome) -> list[int]:
    """How many points each trail has, the best racer's first."""
    counts: list[int] = browser.execute_script(
        "return [...document.querySelectorAll('.trail')].reverse().map(e => e.getAttribute('points').split(' ').length)"
    )
    return counts


def scrub(browser: webdriver.Chrome, step: int) -> None:
    browser.execute_script(
        "const e = document.getElementById('step'); e.value = arguments[0]; e.dispatchEvent(new Event('input'))", step
    )


def messages(browser: webdriver.Chrome) -> list[str]:
    """Script errors, and what the content security policy stopped."""
    return [each["message"] for each in browser.get_log("browser")]  # type: ignore[no-untyped-call]


def test_it_can_be_stepped_through(browser: webdriver.Chrome, page: Path, found: Race) -> None:
    show(browser, page)
    assert drawn(browser) == [STEPS + 1] * 4
    for step in (0, 40):
        scrub(browser, step)
        assert drawn(browser) == [step + 1] * 4
        assert browser.find_element(By.ID, "at").text == str(step)
        now = [each.text for each in browser.find_elements(By.CSS_SELECTOR, ".now")]
        values = [float(each.descent.values[min(step, len(each.descent.values) - 1)]) for each in found.results]
        assert float(now[0].replace(",", "")) == pytest.approx(values[0], rel=1e-3)
    assert messages(browser) == []


def test_it_plays_pauses_and_ends(browser: webdriver.Chrome, page: Path) -> None:
    show(browser, page)
    play = browser.find_element(By.ID, "play")
    scrub(browser, 30)
    play.click()
    assert play.text == "Pause"
    deadline = time.monotonic() + 20
    while drawn(browser)[0] < 35 and time.monotonic() < deadline:
        time.sleep(0.05)
    play.click()
    assert play.text == "Play"
    paused = drawn(browser)
    assert 35 <= paused[0] <= STEPS
    time.sleep(0.3)
    assert drawn(browser) == paused
    scrub(browser, STEPS - 1)
    play.click()
    while play.text == "Pause" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (play.text, drawn(browser)[0]) == ("Play", STEPS + 1)
    assert messages(browser) == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_reads_well_for_everyone(browser: webdriver.Chrome, page: Path, width: int, dark: bool) -> None:
    show(browser, page, width=width, dark=dark)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    browser.execute_script(AXE)
    violations: list[Any] = browser.execute_async_script(
        "axe.run().then(found => arguments[0](found.violations.map(v => [v.id, v.nodes[0].html])))"
    )
    assert violations == []
    assert messages(browser) == []


def test_without_its_script_the_whole_race_is_there(browser: webdriver.Chrome, page: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, page)
        assert len(browser.find_elements(By.CSS_SELECTOR, ".trail")) == 4
        assert not browser.find_element(By.CSS_SELECTOR, ".tools").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
