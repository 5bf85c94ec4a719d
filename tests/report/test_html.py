"""The page for every kind of run that there is, also for those without what later ones keep."""

import json
import shutil
from pathlib import Path

import pytest

import gradus
from gradus.core.errors import InputError
from gradus.report.html import render
from gradus.report.template import embedded
from tests.end_to_end.recipes import digits

GOLDEN = Path(__file__).parents[1] / "golden" / "run-format-1"


@pytest.mark.parametrize("name", ["finished", "interrupted"])
def test_runs_of_the_first_format_have_a_report(name: str, tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / name, tmp_path / "run")
    page = gradus.write_report(tmp_path / "run").read_text()
    assert "linear_regression on line" in page
    assert "Mistakes" not in page


def test_an_ensemble_shows_its_members(tmp_path: Path) -> None:
    run = gradus.train({**digits(epochs=2), "ensemble": {"members": 2}}, run=tmp_path / "run")
    page = render(run)
    assert "2 of mlp on digits" in page
    assert page.count('<th scope="row">1</th>') >= 1
    assert "members loss" in page


def test_many_classes_are_told_by_their_most_confused_pairs(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("".join(chr(33 + n * 7 % 60) for n in range(3000)))
    recipe = {
        "data": {"name": str(tmp_path / "t.txt"), "window": 3},
        "model": {"name": "neural_lm", "hidden": [4]},
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "adam"},
        "training": {"epochs": 1, "batch_size": 512},
    }
    page = render(gradus.train(recipe, run=tmp_path / "run"))
    assert "Most often confused" in page
    assert "Confusion matrix" not in page
    assert "&#39;" in page  # symbols in quotes, so that a space is seen


def test_json_cannot_end_the_element_it_stands_in() -> None:
    document = {"names": ["</script><script>alert(1)</script>", "a & b"], "data": [1.5, float("nan"), None]}
    text = str(embedded(document))
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"names": document["names"], "data": [1.5, None, None]}


def test_a_damaged_file_of_the_run_is_named(tmp_path: Path) -> None:
    run = gradus.train(digits(epochs=1), run=tmp_path / "run")
    (run.path / "predictions.safetensors").write_bytes(b"no")
    with pytest.raises(InputError, match=r"predictions.safetensors: cannot be read"):
        gradus.write_report(run)
    assert not (run.path / "report.html").exists()


def test_the_page_is_the_same_without_the_data(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,label\n" + "".join(f"{n},{'xy'[n % 2]}\n" for n in range(60)))
    recipe = {
        "data": {"name": str(tmp_path / "t.csv"), "target": "label"},
        "model": {"name": "mlp"},
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "adam"},
        "training": {"epochs": 1},
    }
    run = gradus.train(recipe, run=tmp_path / "run")
    before = render(run)
    (tmp_path / "t.csv").unlink()
    assert render(gradus.load_run(run.path)) == before
