"""What each format holds can be read and gone on with, by this version as by every other."""

import json
import shutil
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import pytest
import safetensors.torch
import torch

import gradus
from gradus.training.prediction import predict
from gradus.training.train import resume
from tests.golden.make import FOLDERS, HERE, RECIPE, STOP_AFTER

STEPS = 80


@pytest.fixture(params=FOLDERS, ids=str)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy: reading an open database may touch its folder, and resuming does."""
    return Path(shutil.copytree(HERE / request.param, tmp_path / "golden"))


@pytest.mark.parametrize(("folder", "data_format"), zip(FOLDERS, (1, 2, 3), strict=True))
def test_it_is_of_its_format(folder: Path, data_format: int) -> None:
    for name in ("finished", "interrupted"):
        for document, number in (("environment.json", 1), ("data.json", data_format)):
            assert json.loads((HERE / folder / name / document).read_text())["format"] == number
    manifest = HERE / folder / "interrupted" / "checkpoints" / "last" / "manifest.json"
    assert json.loads(manifest.read_text())["format"] == 1


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_it_holds_no_place_of_the_machine_it_was_made_on(folder: Path) -> None:
    for file in (HERE / folder).rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not any(str(each).encode() in content for each in (Path.home(), Path.cwd(), gettempdir()))


def test_a_finished_run(golden: Path) -> None:
    run = gradus.load_run(golden / "finished")
    assert run.outcome == "finished"
    assert run.recipe == gradus.Recipe.from_dict(run.recipe.to_dict())
    assert run.recipe.seed == RECIPE["seed"]
    assert run.result["steps"] == STEPS
    assert [step for step, _ in run.curves["train_loss"]] == list(range(2, STEPS + 1, 2))
    assert [step for step, _ in run.curves["validation_loss"]] == [20, 40, 60, 80]
    assert run.curves["validation_loss"][-1][1] < run.curves["validation_loss"][0][1]
    weights = safetensors.torch.load_file(run.path / "model.safetensors")
    assert weights.keys() == {"linear.weight", "linear.bias"}
    assert all(torch.equal(weights[name], each) for name, each in run.model().state_dict().items())
    # The data lie on y = 2 x.
    values = [each.value for each in predict(run, [("", (np.full(1, x, np.float32),)) for x in (1, 4, 6)])]
    assert values == pytest.approx([2, 8, 12], abs=0.2)


def test_an_interrupted_run_ends_where_the_undisturbed_one_did(golden: Path) -> None:
    """Not to the bit: this may be another machine or another torch."""
    run = gradus.load_run(golden / "interrupted")
    assert (run.outcome, run.result["steps"]) == ("interrupted", STOP_AFTER)
    resumed = resume(golden / "interrupted")
    assert (resumed.outcome, resumed.result["steps"]) == ("finished", STEPS)
    finished = gradus.load_run(golden / "finished")
    ours, theirs = (each.model().state_dict() for each in (resumed, finished))
    for name in theirs:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-4, atol=1e-5)
    assert resumed.curves.keys() == finished.curves.keys()
    for name, points in finished.curves.items():
        assert [step for step, _ in resumed.curves[name]] == [step for step, _ in points]
        assert [value for _, value in resumed.curves[name]] == pytest.approx([value for _, value in points], rel=1e-3)
