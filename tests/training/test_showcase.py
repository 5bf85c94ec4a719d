"""What a run keeps of single examples."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file
from sklearn.datasets import load_digits

import gradus
from gradus.data.inputs import read_inputs
from gradus.training.prediction import predict
from gradus.training.showcase import write_showcase
from tests.end_to_end.recipes import digits


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> gradus.Run:
    return gradus.train(digits(epochs=3), run=tmp_path_factory.mktemp("showcase") / "run")


def test_predictions_are_those_of_the_network(run: gradus.Run) -> None:
    kept = load_file(run.path / "predictions.safetensors")
    assert np.mean(kept["predicted"] == kept["target"]) == pytest.approx(run.result["metrics"]["test_accuracy"])
    images = np.round(load_digits().images * (255 / 16)).astype(np.uint8)[:, None]
    assert np.array_equal(kept["target"], load_digits().target[kept["index"]])
    found = list(predict(run, [("", (images[number],)) for number in kept["index"][:50]]))
    assert [int(str(each.value)) for each in found] == kept["predicted"][:50].tolist()
    assert [max(each.probabilities.values()) for each in found] == pytest.approx(
        kept["confidence"][:50].tolist(), rel=1e-4
    )


def test_the_most_confident_mistakes_come_first_as_they_look(run: gradus.Run) -> None:
    document = json.loads((run.path / "showcase.json").read_text())
    kept = load_file(run.path / "predictions.safetensors")
    wrong = kept["predicted"] != kept["target"]
    shown = document["mistakes"]
    assert len(shown) == min(24, wrong.sum())
    assert shown[0]["confidence"] == pytest.approx(kept["confidence"][wrong].max())
    for each in shown:
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(each["png"]))))
        assert np.array_equal(picture, np.round(load_digits().images[each["index"]] * (255 / 16)).astype(np.uint8))
        assert each["truth"] == str(load_digits().target[each["index"]])
        assert each["truth"] != each["predicted"]


def test_rows_are_shown_as_they_were_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = [
        f"{n / 4},{'' if n % 7 == 0 else 'Köln'},2024-02-{n % 28 + 1:02d},{'ab'[rng.integers(2)]}" for n in range(80)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["x,town,when,label", *lines]), encoding="utf-8")
    recipe = {
        "data": {"name": str(tmp_path / "t.csv"), "target": "label", "test": 0.5},
        "model": {"name": "logistic_regression"},
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "sgd"},
        "training": {"epochs": 1},
    }
    run = gradus.train(recipe, run=tmp_path / "run")
    document = json.loads((run.path / "showcase.json").read_text())
    assert document["shown"] == "row"
    assert document["mistakes"]
    for each in document["mistakes"]:
        x, town, when, label = lines[each["index"]].split(",")
        assert each["cells"] == {"x": f"{float(x):.6g}", "when": f"{when} 00:00:00", "town": town}
        assert each["truth"] == label


def test_the_largest_errors_come_first(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2))
    recipe = {
        "data": {"name": "arrays", "test": 0.4},
        "model": {"name": "linear_regression"},
        "criterion": {"name": "mse"},
        "optimizer": {"name": "adam"},
        "training": {"epochs": 1},
    }
    data = gradus.from_arrays(x, 50 + 10 * x[:, 0])
    run = gradus.train(recipe, run=tmp_path / "run", data=data)
    shown = json.loads((run.path / "showcase.json").read_text())["mistakes"]
    errors = [abs(each["truth"][0] - each["predicted"][0]) for each in shown]
    assert errors == sorted(errors, reverse=True)
    kept = load_file(run.path / "predictions.safetensors")
    by_hand = np.sqrt(np.mean((kept["output"] - kept["target"]) ** 2))
    assert run.result["metrics"]["test_rmse"] == pytest.approx(by_hand, rel=1e-4)  # in the data's own units
    assert errors[0] == pytest.approx(np.abs(kept["output"] - kept["target"]).max(), rel=1e-5)
    (first,) = predict(run, read_inputs(json.dumps([x[shown[0]["index"]].tolist()]), run.raw_spec))
    assert first.value == pytest.approx(shown[0]["predicted"][0], rel=1e-4)
    assert kept["target"][:, 0] == pytest.approx((50 + 10 * x[kept["index"], 0]).astype(np.float32))


def test_a_run_without_a_split_to_judge_by_keeps_none(tmp_path: Path) -> None:
    run = gradus.train("linear-walkthrough", run=tmp_path / "run")
    assert not (run.path / "showcase.json").exists()


@pytest.mark.parametrize(
    ("frames", "rows"), [(1, [[0]]), (3, [[0, 1, 2]]), (4, [[0, 1], [2, 3]]), (10, [[0, 3], [6, 9]])]
)
def test_frames_of_a_video_are_shown_in_one_picture(tmp_path: Path, frames: int, rows: list[list[int]]) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (6, 3, frames, 5, 4)).astype(np.uint8)
    raw = gradus.from_arrays(x, np.arange(6) % 2)
    wrong = torch.tensor([[0.1, 0.9], [0.9, 0.1]]).repeat(3, 1)
    write_showcase(tmp_path, raw, raw.train, "test", wrong, torch.arange(6))
    document = json.loads((tmp_path / "showcase.json").read_text())
    assert document["shown"] == "image"
    assert len(document["mistakes"]) == 6
    for each in document["mistakes"]:
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(each["png"]))))
        video = np.moveaxis(x[each["index"]], 0, -1)  # (T, H, W, C)
        assert np.array_equal(picture, np.vstack([np.hstack(list(video[row])) for row in rows]))
