"""The page of `gradus inspect --html` as a browser shows it: it folds, sorts, reads well and runs nothing else."""

from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from torch import nn

import gradus
from gradus.analysis.inspect import Inspection
from gradus.report.inspection import write_inspection
from tests.analysis.networks import AsksForNumbers, VisionTransformer, resnet50
from tests.end_to_end.browser import AXE, show

ROWS = "[...document.querySelectorAll('.tree tbody tr')]"
EVIL = '<img src=x onerror="document_title=1">'


@pytest.fixture(scope="module")
def resnet() -> Inspection:
    return gradus.inspect(resnet50(), (3, 224, 224))


@pytest.fixture(scope="module")
def pages(resnet: Inspection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    evil = nn.Sequential(nn.Sequential(nn.Linear(8, 8), AsksForNumbers()))
    evil[0].add_module(EVIL, nn.ReLU())
    write_inspection(resnet, folder / "resnet.html", "resnet50")
    write_inspection(gradus.inspect(VisionTransformer(), (3, 224, 224)), folder / "transformer.html")
    write_inspection(gradus.inspect(evil, (8,)), folder / "evil.html", EVIL)
    return folder


def shown(browser: webdriver.Chrome) -> list[str]:
    """The names of the rows that can be seen."""
    names: list[str] = browser.execute_script(
        f"return {ROWS}.filter(e => e.offsetHeight).map(e => e.cells[0].innerText)"
    )
    return [each.strip() for each in names]


def press(browser: webdriver.Chrome, selector: str) -> WebElement:
    button = browser.find_element(By.CSS_SELECTOR, selector)
    button.send_keys(Keys.ENTER)
    return button


def test_the_figures_are_those_of_the_inspection(browser: webdriver.Chrome, pages: Path, resnet: Inspection) -> None:
    show(browser, pages / "resnet.html")
    cards = [each.text for each in browser.find_elements(By.CSS_SELECTOR, ".headline dd")]
    assert cards == ["25.6 M", "4.09 G", "408 MiB", "82.1 MiB", "427"]
    values = browser.execute_script(f"return {ROWS}.map(e => Number(e.cells[4].dataset.value))")
    assert values == [each.cost.macs for each in resnet.layers]


def test_it_folds_by_pointer_by_key_and_by_depth(browser: webdriver.Chrome, pages: Path, resnet: Inspection) -> None:
    show(browser, pages / "resnet.html")
    by_depth = [sum(each.depth <= depth for each in resnet.layers) for depth in range(4)]
    assert len(shown(browser)) == by_depth[2]
    for selector, number in (("[data-depth='1']", by_depth[1]), ("[data-depth='3']", by_depth[3])):
        press(browser, f".tools {selector}")
        assert len(shown(browser)) == number
    root = press(browser, ".tree tbody button")
    assert (shown(browser), root.get_attribute("aria-expanded")) == (["Sequential"], "false")
    assert browser.switch_to.active_element == root
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", root)  # the page is shorter now
    root.click()
    assert len(shown(browser)) == by_depth[3]
    assert root.get_attribute("aria-expanded") == "true"


def test_it_sorts_each_module_by_cost_within_its_own(
    browser: webdriver.Chrome, pages: Path, resnet: Inspection
) -> None:
    show(browser, pages / "resnet.html")
    before = shown(browser)
    press(browser, ".tree thead th:nth-child(5) button")
    assert browser.find_element(By.CSS_SELECTOR, "th[aria-sort]").text.startswith("MACs")
    rows = browser.execute_script(
        f"return {ROWS}.map(e => [Number(e.dataset.depth), Number(e.cells[4].dataset.value)])"
    )
    blocks = [macs for depth, macs in rows if depth == 1]
    assert blocks == sorted((each.cost.macs for each in resnet.layers if each.depth == 1), reverse=True)
    within = 0
    for depth, macs in reversed(rows):  # the layers of a module stay below it, and add up to it
        if depth == 3:
            within += macs
        elif within:
            assert (depth, within) == (2, macs)
            within = 0
    press(browser, ".tree thead th:nth-child(5) button")
    assert shown(browser) == before


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["resnet", "transformer", "evil"])
def test_it_reads_well_for_everyone(browser: webdriver.Chrome, pages: Path, name: str, width: int, dark: bool) -> None:
    show(browser, pages / f"{name}.html", width=width, dark=dark)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(int(each) for each in paper[4:-1].split(",")) < 200) is dark
    browser.execute_script(AXE)
    violations: list[Any] = browser.execute_async_script(
        "axe.run().then(found => arguments[0](found.violations.map(v => [v.id, v.nodes[0].html])))"
    )
    assert violations == []
    messages = [each["message"] for each in browser.get_log("browser")]  # type: ignore[no-untyped-call]
    assert messages == []  # neither errors nor anything the content security policy stopped


def test_at_a_desk_the_whole_table_can_be_seen(browser: webdriver.Chrome, pages: Path) -> None:
    show(browser, pages / "resnet.html")
    assert browser.execute_script("const e = document.querySelector('.scroll'); return e.scrollWidth <= e.clientWidth")


def test_blocks_are_drawn_as_wide_as_their_share(browser: webdriver.Chrome, pages: Path, resnet: Inspection) -> None:
    show(browser, pages / "resnet.html")
    widths = browser.execute_script("""
        const chart = document.querySelector(".icicle"), whole = chart.getBoundingClientRect().width;
        return [...chart.querySelectorAll("svg")].filter(e => e.getAttribute("y") === "24").map(e => {
            const block = e.querySelector("rect").getBoundingClientRect();
            return [e.querySelector("title").textContent.split(":")[0], block.width / whole];
        })""")
    shares = {each.name: each.cost.macs / resnet.macs for each in resnet.layers if each.depth == 1}
    assert len(widths) > 10
    for name, width in widths:
        assert width == pytest.approx(shares[name], abs=0.002)


def test_nothing_from_outside_runs(browser: webdriver.Chrome, pages: Path) -> None:
    show(browser, pages / "evil.html")
    assert browser.find_element(By.TAG_NAME, "h1").text == EVIL
    assert browser.execute_script("return document.querySelectorAll('img').length") == 0
    notes = [each.text for each in browser.find_elements(By.CSS_SELECTOR, ".notes li")]
    assert any("not followed to its end" in each for each in notes)


def test_without_its_script_all_rows_are_there(browser: webdriver.Chrome, pages: Path, resnet: Inspection) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, pages / "resnet.html")
        names = browser.find_elements(By.CSS_SELECTOR, ".tree tbody th")
        assert len([each for each in names if each.is_displayed()]) == len(resnet.layers)
        assert not browser.find_element(By.CSS_SELECTOR, ".tools").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
