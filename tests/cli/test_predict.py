"""``gradus predict --attention``, from a run to the picture."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import gradus
from tests.cli.command import run_gradus

RECIPE: dict[str, Any] = {
    "data": {"name": "digits"},
    "model": {"name": "recurrent_attention", "glimpses": 3, "patch": 4, "scales": 2, "hidden": 16},
    "criterion": {"name": "cross_entropy"},
    "objective": {"name": "reinforce"},
    "optimizer": {"name": "adamw", "lr": 1e-3},
    "training": {"epochs": 1, "threads": 1},
}
NAME = '<b>&"$x$.png'


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    return gradus.train(RECIPE, run=tmp_path_factory.mktemp("runs") / "ram")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 255, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / NAME)


def test_the_path_of_the_gaze_is_drawn_over_the_picture(
    trained: gradus.Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_gradus(capsys, monkeypatch, "predict", trained.path, NAME, "--attention", "gaze.svg", "--json")
    assert done.code == 0, done.err
    (answer,) = json.loads(done.out)
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    elements = list(ElementTree.parse("gaze.svg", parser).getroot().iter())
    words = [(each.text or "").strip() for each in elements if callable(each.tag)]
    assert any(each.endswith(f"$x$.png: {answer['prediction']}") for each in words)
    kinds = [each.tag.rpartition("}")[2] for each in elements if isinstance(each.tag, str)]
    assert kinds.count("image") == 1
    assert "b" not in kinds
    assert [each for each in elements if each.get("id") == "path"]


def test_predictions_are_the_same_with_a_picture(
    trained: gradus.Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save("all.npy", np.random.default_rng(0).integers(0, 17, (20, 1, 8, 8)).astype(np.float32))
    plain = run_gradus(capsys, monkeypatch, "predict", trained.path, "all.npy")
    drawn = run_gradus(capsys, monkeypatch, "predict", trained.path, "all.npy", "--attention", "gaze.png")
    assert plain.out == drawn.out
    with Image.open("gaze.png") as picture:
        assert picture.size[0] > 100


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"model": {"name": "mlp"}, "objective": {"name": "supervised"}}, "needs a network with attention"),
        (
            {"ensemble": {"members": 2}, "model": {"name": "st_fcn"}, "objective": {"name": "supervised"}},
            "is for one network, not for an ensemble",
        ),
    ],
)
def test_what_has_no_attention_to_draw_is_refused(
    tables: dict[str, Any],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = gradus.train(RECIPE | tables, run=tmp_path / "run")
    done = run_gradus(capsys, monkeypatch, "predict", run.path, NAME, "--attention", "gaze.svg")
    assert done.code == 2
    assert said in done.err
    assert not done.out
    assert not Path("gaze.svg").exists()


def test_a_picture_of_no_known_kind_is_refused_before_anything_is_printed(
    trained: gradus.Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_gradus(capsys, monkeypatch, "predict", trained.path, NAME, "--attention", "gaze.gif")
    assert done.code == 2
    assert "must be a file that ends in .png, .svg or .pdf" in done.err
    assert not done.out


@pytest.mark.parametrize("option", [["--resize"], ["--attention", "gaze.svg"]])
def test_what_is_for_inputs_is_not_for_a_prompt(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    done = run_gradus(capsys, monkeypatch, "predict", "run", "--prompt", "ab", *option)
    assert done.code == 2
    assert f"{option[0]}: is for inputs, not for a prompt" in done.err


def test_a_text_goes_on_as_text_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "abc.txt").write_text("abc" * 100)
    run = gradus.train(
        {
            "data": {"name": f"{tmp_path}/abc.txt", "window": 6, "predict": "every"},
            "model": {"name": "gru", "hidden": 8, "embedding": 4},
            "criterion": {"name": "cross_entropy"},
            "optimizer": {"name": "adam", "lr": 0.05},
            "training": {"epochs": 10, "batch_size": 8, "threads": 1},
        },
        run=tmp_path / "run",
    )
    asked = ("predict", run.path, "--prompt", "ab", "--length", 7, "--temperature", 0)
    assert run_gradus(capsys, monkeypatch, *asked).out == "abcabcabc\n"
    (answer,) = json.loads(run_gradus(capsys, monkeypatch, *asked, "--json").out)
    assert answer == {"input": "ab", "prediction": "cabcabc"}
