"""The report as a browser shows it: its figures are the run's, it reads well and it runs nothing from outside."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import gradus
from gradus.core.findings import Finding, Remedy
from gradus.data.arrays import from_arrays
from gradus.report.words import figure, percent
from gradus.training.store import RunStore
from tests.cli.command import run_gradus
from tests.end_to_end.browser import AXE, show
from tests.end_to_end.recipes import digits

EVIL = '<script>document.title="owned"</script><img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    run = gradus.train(digits(epochs=4), run=tmp_path_factory.mktemp("report") / "run")
    gradus.write_report(run)
    return run


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    """A table with markup wherever text comes in: file, columns, cells, classes."""
    folder = tmp_path_factory.mktemp("evil")
    file = folder / f"{EVIL.replace('/', '')}.csv"
    quoted = EVIL.replace('"', '""')
    rows = "".join(f'{n % 5},"{quoted} {n % 3}","{"yes" if n % 2 else quoted}"\n' for n in range(90))
    file.write_text(f'"{quoted}",cell,label\n{rows}')
    recipe = {
        "data": {"name": str(file), "target": "label"},
        "model": {"name": "mlp"},
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "adam"},
        "training": {"epochs": 2},
    }
    run = gradus.train(recipe, run=folder / "run")
    gradus.write_report(run)
    return run


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4))
    recipe = {
        "data": {"name": "arrays"},
        "model": {"name": "linear_regression"},
        "criterion": {"name": "mse"},
        "optimizer": {"name": "adam", "lr": 0.05},
        "training": {"epochs": 8},
    }
    data = from_arrays(x, 100 + x @ [1, 2, 3, 4] + rng.normal(size=300))
    run = gradus.train(recipe, run=tmp_path_factory.mktemp("values") / "run", data=data)
    gradus.write_report(run)
    return run


@pytest.fixture(scope="module")
def ill(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    """LeNet at a rate a thousand times too high."""
    recipe = {
        "data": {"name": "digits"},
        "model": {"name": "lenet5"},
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "sgd", "lr": 3.0},
        "training": {"epochs": 2, "threads": 1, "device": "cpu"},
    }
    run = gradus.train(recipe, run=tmp_path_factory.mktemp("ill") / "run")
    gradus.write_report(run)
    return run


def texts(browser: webdriver.Chrome, selector: str) -> list[str]:
    return [each.text for each in browser.find_elements(By.CSS_SELECTOR, selector)]


def test_the_figures_are_the_runs(browser: webdriver.Chrome, pictures: gradus.Run) -> None:
    show(browser, pictures.path / "report.html")
    shown = dict(zip(texts(browser, ".headline dt"), texts(browser, ".headline dd"), strict=True))
    assert shown["test accuracy"] == percent(pictures.result["metrics"]["test_accuracy"])
    assert shown["parameters"] == f"{pictures.result['parameters']:,}"
    cells = [int(each) for each in texts(browser, ".confusion td")]
    matrix = np.array(cells).reshape(10, 10)
    examples = sum(int(each) for each in texts(browser, ".scores td:last-child"))
    assert matrix.sum() == examples == 359
    assert percent(np.trace(matrix) / matrix.sum()) == shown["test accuracy"]
    mistakes = browser.find_elements(By.CSS_SELECTOR, ".pictures li")
    assert len(mistakes) == min(24, matrix.sum() - np.trace(matrix))
    widths = browser.execute_script("return [...document.querySelectorAll('.pictures img')].map(i => i.naturalWidth)")
    assert set(widths) == {8}
    confidences = [float(each.split("sure")[0].split(",")[1].strip(" %\n")) for each in texts(browser, ".pictures p")]
    assert confidences == sorted(confidences, reverse=True)


def test_the_curves_are_drawn_and_can_be_zoomed(browser: webdriver.Chrome, pictures: gradus.Run) -> None:
    show(browser, pictures.path / "report.html")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#curves canvas")) == 4  # loss, accuracy, F1, rate
    inked = browser.execute_script("""
        return [...document.querySelectorAll("canvas")].map(c => {
            const pixels = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
            return pixels.some((each, place) => place % 4 === 3 && each > 0);
        })""")
    assert all(inked)

    def picture() -> str:
        drawn: str = browser.execute_script("return document.querySelector('#curves canvas').toDataURL()")
        return drawn

    def press(name: str) -> None:
        browser.find_element(By.CSS_SELECTOR, f"#curves [data-zoom={name}]").send_keys(Keys.ENTER)
        browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")

    whole = picture()
    press("in")
    assert picture() != whole
    press("all")
    assert picture() == whole
    rows = browser.execute_script("return document.querySelector('#curves details tbody').rows.length")
    assert rows == 4  # epochs


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["pictures", "table", "values", "ill"])
def test_it_reads_well_for_everyone(
    browser: webdriver.Chrome, name: str, width: int, dark: bool, request: pytest.FixtureRequest
) -> None:
    run: gradus.Run = request.getfixturevalue(name)
    show(browser, run.path / "report.html", width=width, dark=dark)
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


def test_it_can_be_read_with_the_keyboard(browser: webdriver.Chrome, pictures: gradus.Run) -> None:
    show(browser, pictures.path / "report.html")
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    first = browser.switch_to.active_element
    assert first.text == "Skip to the results"
    assert first.is_displayed()
    reached = set()
    for _ in range(60):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(browser.switch_to.active_element.tag_name)
    assert {"a", "button", "summary", "div", "pre"} <= reached


def test_nothing_from_outside_runs(browser: webdriver.Chrome, table: gradus.Run) -> None:
    show(browser, table.path / "report.html")
    assert browser.title.endswith("· gradus")
    assert browser.execute_script("return document.querySelectorAll('img').length") == 0
    text = browser.execute_script("return document.body.textContent")
    assert text.count(EVIL) > 5
    assert {EVIL} < set(texts(browser, ".scores th[scope=row]"))
    page = (table.path / "report.html").read_text()
    assert "<script>document" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert page.count("<script") == 2  # the charts' numbers, and what draws them


def test_values_are_shown_against_the_truth(browser: webdriver.Chrome, values: gradus.Run) -> None:
    show(browser, values.path / "report.html")
    assert texts(browser, "#values h3") == ["value 1: predicted against true", "value 1: errors"]
    charts = json.loads(browser.execute_script("return document.getElementById('charts').textContent"))
    truth, said, _ = charts["values"][0]["data"]
    error = np.sqrt(np.mean((np.array(truth) - np.array(said)) ** 2))
    assert error == pytest.approx(values.result["metrics"]["test_rmse"], rel=1e-4)
    assert sum(charts["values"][1]["data"][1]) == len(truth) == 60


def test_findings_and_causes_are_told_whole(browser: webdriver.Chrome, ill: gradus.Run) -> None:
    show(browser, ill.path / "report.html")
    found = {each["symptom"]: each for each in ill.findings}
    assert {"large-updates", "divergence"} <= set(found)
    shown = texts(browser, ".findings:not(.causes) > li")
    assert len(shown) == len(found)
    for text, each in zip(shown, found.values(), strict=True):
        assert f"{each['severity']} · {each['symptom']}" in text
        assert each["message"] in text
        assert f"{each['where'] or 'the whole run'}, since step {each['since_step']}" in text
        assert all(remedy["text"] in text for remedy in each["remedies"])
        assert all(figure(value) in text for value in each["evidence"].values())
    causes = texts(browser, ".causes > li")
    assert len(causes) == len(ill.doctor["causes"]) > 0
    for text, each in zip(causes, ill.doctor["causes"], strict=True):
        assert f"{each['id']} · {percent(each['confidence'])} sure" in text
        assert ", ".join(each["because"]) in text


def test_findings_stand_over_the_loss_where_they_began_and_were_said(
    browser: webdriver.Chrome, ill: gradus.Run
) -> None:
    show(browser, ill.path / "report.html")
    marks = browser.execute_script("return JSON.parse(document.getElementById('charts').textContent).timeline[0].marks")
    last = ill.result["steps"]
    lanes = browser.execute_script("""
        const plot = document.querySelector("#findings .uplot"), canvas = plot.querySelector("canvas");
        const over = plot.querySelector(".u-over"), left = over.offsetLeft, width = over.offsetWidth;
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        const ink = (x, y) => pixels[4 * (y * canvas.width + Math.round(x)) + 3] > 100;
        return arguments[0].map(({said}, lane) => {
            const y = Math.floor((lane + 0.5) * 15);
            // The lines that come down from the lanes above are a pixel wide.
            const first = [...Array(canvas.width).keys()].find((x) => ink(x, y) && ink(x + 2, y) && ink(x + 4, y));
            return [(first - left) / width, said.every((step) => ink(left + step / arguments[1] * width, y - 3))];
        })""", marks, last)  # fmt: skip
    for mark, (began, dots) in zip(marks, lanes, strict=True):
        assert began == pytest.approx(mark["since"] / last, abs=0.01)
        assert dots
    whole = [f"{each['step']} {each['symptom']}" for each in _told(ill)]
    listed = [each.replace(":", "").split() for each in texts(browser, ".happenings li")]
    assert [f"{words[1]} {words[3]}" for words in listed] == whole


def _told(run: gradus.Run) -> list[dict[str, Any]]:
    """What happened, by step; of the same step in the order of the findings."""
    first = {each["symptom"]: number for number, each in reversed(list(enumerate(run.findings)))}
    order = sorted(first, key=lambda symptom: first[symptom])
    steps = {(step, each["symptom"]) for each in run.findings for step in (each["since_step"], each["said_at_step"])}
    return [
        {"step": step, "symptom": symptom}
        for step, symptom in sorted(steps, key=lambda each: (each[0], order.index(each[1])))
    ]


@pytest.mark.parametrize("width", [390, 1280])
def test_the_maps_of_layers_read_out_their_cells(browser: webdriver.Chrome, ill: gradus.Run, width: int) -> None:
    show(browser, ill.path / "report.html", width=width)
    assert texts(browser, "#layers h3") == ["Gradient", "Update ratio", "Dead units"]
    browser.execute_script("document.documentElement.style.scrollBehavior = 'auto'")  # or it moves under the pointer
    steps = sorted(ill.signs)
    first = next(iter(ill.signs[steps[0]]))
    box = browser.find_element(By.CSS_SELECTOR, "#layers .heat")
    readout = browser.find_element(By.CSS_SELECTOR, "#layers .readout")
    cells = browser.execute_script(
        "return [...document.querySelectorAll('#layers figure:first-child path')]"
        ".map(each => each.getAttribute('d').split('M').length - 1)"
    )
    assert sum(cells) == sum("gradient" in row for layers in ill.signs.values() for row in layers.values())

    def said(step: int) -> str:
        return f"{first}, step {step}: {figure(ill.signs[step][first]['gradient'])}"

    box.send_keys(Keys.ARROW_RIGHT)
    assert readout.text == said(steps[0])
    for _ in range(len(steps)):  # one more than there are
        box.send_keys(Keys.ARROW_RIGHT)
    assert readout.text == said(steps[-1])
    seen = browser.execute_script("""
        const box = document.querySelector("#layers .heat").getBoundingClientRect();
        const cell = document.querySelector("#layers .cursor").getBoundingClientRect();
        return cell.left >= box.left && cell.right <= box.right + 1""")
    assert seen
    browser.execute_script("""
        const box = document.querySelector("#layers .heat");
        box.scrollIntoView({block: "center"});
        box.scrollLeft = 0;""")
    left, top = browser.execute_script("""
        const box = document.querySelector("#layers .cells").getBoundingClientRect();
        return [box.left, box.top]""")
    across, down, head = (int(each) for each in str(box.get_attribute("data-cell")).split())
    pointer = ActionBuilder(browser)
    pointer.pointer_action.move_to_location(int(left + 1.5 * across), int(top + head + 0.5 * down))  # type: ignore[no-untyped-call]
    pointer.perform()
    assert readout.text == said(steps[1])


def test_nothing_a_doctor_says_runs(browser: webdriver.Chrome, tmp_path: Path) -> None:
    """Places are names that a user's own module chose; a run folder may come from anywhere."""
    golden = Path(__file__).parents[1] / "golden" / "run-format-2" / "finished"
    shutil.copytree(golden, tmp_path / "run")
    with RunStore(tmp_path / "run" / "run.sqlite", from_step=80, from_epoch=40) as store:
        finding = Finding(
            symptom=EVIL,
            where=EVIL,
            since_step=3,
            said_at_step=5,
            severity="critical",
            confidence=1.0,
            message=EVIL,
            evidence={EVIL: 1.0},
            remedies=(Remedy(id="", text=EVIL), Remedy(id="", text=EVIL)),
        )
        store.finding(80, 40, finding)
        cause = {"id": EVIL, "confidence": 0.5, "because": [EVIL], "tell_apart": EVIL}
        store.event(80, 40, "doctor", {"causes": [cause, cause], "steps_seen": 80, "overhead": 0.0})
        store.event(80, 40, "signs", {"format": 1, "layers": {EVIL: {"gradient": 0.1, "dead": 0.5}}})
        store.finish("finished")
    show(browser, gradus.write_report(tmp_path / "run"))
    assert browser.title == "linear_regression on line · gradus"
    assert browser.execute_script("return document.querySelectorAll('img').length") == 0
    assert browser.execute_script("return document.querySelectorAll('script').length") == 2
    text = browser.execute_script("return document.body.textContent")
    assert text.count(EVIL) > 15
    assert len(browser.find_elements(By.CSS_SELECTOR, ".causes > li")) == 2
    browser.find_element(By.CSS_SELECTOR, "#layers .heat").send_keys(Keys.ARROW_DOWN)
    assert texts(browser, "#layers .readout")[0] == f"{EVIL}, step 80: 0.1"
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]


def test_a_series_is_shown_beside_its_forecast(browser: webdriver.Chrome, tmp_path: Path) -> None:
    rows = "".join(f"{np.sin(n / 5):.4f}\n" for n in range(200))
    (tmp_path / "s.csv").write_text(f"x\n{rows}")
    recipe = {
        "data": {"name": str(tmp_path / "s.csv"), "format": "series", "window": 8},
        "model": {"name": "nlinear"},
        "criterion": {"name": "mse"},
        "optimizer": {"name": "adam", "lr": 0.01},
        "training": {"epochs": 3},
    }
    run = gradus.train(recipe, run=tmp_path / "run")
    show(browser, gradus.write_report(run))
    assert texts(browser, "#values h3")[0] == "x +1: forecast"
    chart = json.loads(browser.execute_script("return document.getElementById('charts').textContent"))["values"][0]
    index, truth, said, last = chart["data"]
    errors = [np.sqrt(np.mean((np.array(each) - truth) ** 2)) for each in (said, last)]
    assert f"the error (RMSE) is {figure(errors[0])}; that of the last value is {figure(errors[1])}" in chart["said"]
    assert truth == pytest.approx([round(np.sin((n + 8) / 5), 4) for n in index], abs=1e-4)
    assert last == pytest.approx([round(np.sin((n + 7) / 5), 4) for n in index], abs=1e-4)


def test_a_folder_of_pictures_becomes_a_report(
    browser: webdriver.Chrome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new user's way: pictures in folders, one command, a page."""
    rng = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 90)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(30):
            pixels = rng.integers(low, low + 160, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    done = run_gradus(
        capsys, monkeypatch, "train", "--data", "pictures", "--model", "small_cnn", "--epochs", 1, "--json"
    )
    assert done.code == 0, done.err
    show(browser, Path(json.loads(done.out)["report"]))
    assert browser.find_element(By.TAG_NAME, "h1").text == "small_cnn on pictures"
    assert sum(int(each) for each in texts(browser, ".confusion td")) == 12
    again = run_gradus(capsys, monkeypatch, "report", json.loads(done.out)["run"], "--output", "other.html", "--json")
    assert json.loads(again.out) == {"report": "other.html"}
    assert (tmp_path / "other.html").stat().st_size > 50_000
