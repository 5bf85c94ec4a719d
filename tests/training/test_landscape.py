import json
from pathlib import Path

import numpy as np
import pytest
import torch

import gradus
from gradus.core.errors import InputError
from gradus.training.landscape import Landscape, landscape
from tests.end_to_end.recipes import digits, weights


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[gradus.Run]:
    folder = tmp_path_factory.mktemp("runs")
    return [gradus.train(digits(epochs=8) | {"seed": seed}, run=folder / str(seed)) for seed in (0, 1)]


def test_in_the_middle_is_the_runs_own_validation_loss(runs: list[gradus.Run]) -> None:
    run = runs[0]
    before = weights(run.path)
    found = landscape(run, points=5, reach=0.5)
    assert found.offsets == (-0.5, -0.25, 0.0, 0.25, 0.5)
    assert found.losses.shape == (5, 5)
    assert (found.split, found.other) == ("validation", False)
    assert found.here == pytest.approx(run.result["metrics"]["validation_loss"], rel=1e-5)
    assert found.losses.max() > 1.2 * found.here  # the walls of the valley
    assert torch.equal(landscape(run, points=5, reach=0.5).losses, found.losses)
    assert not torch.equal(landscape(run, points=5, reach=0.5, seed=1).losses, found.losses)
    assert weights(run.path) == before


def test_the_line_to_another_run_ends_at_its_loss(runs: list[gradus.Run]) -> None:
    one, other = runs
    found = landscape(one, to=other, points=5)
    back = landscape(other, to=one, points=5)
    assert found.offsets == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert found.here == pytest.approx(one.result["metrics"]["validation_loss"], rel=1e-5)
    assert back.here == pytest.approx(other.result["metrics"]["validation_loss"], rel=1e-5)
    assert found.barrier > 0.1  # two seeds lie in different valleys
    assert json.loads(json.dumps(found.to_json()))["barrier"] == found.barrier


def test_a_barrier_is_measured_from_the_line_between_both_ends() -> None:
    losses = torch.tensor([1.0, 2.5, 4.0, 3.5, 3.0], dtype=torch.float64)
    found = Landscape("validation", 10, (0.0, 0.25, 0.5, 0.75, 1.0), losses, other=True)
    assert found.barrier == 2.0
    straight = Landscape("validation", 10, (0.0, 0.5, 1.0), torch.tensor([3.0, 2.0, 1.0]), other=True)
    assert straight.barrier == 0.0


def test_without_a_validation_split_it_is_over_what_was_trained_on(tmp_path: Path) -> None:
    recipe = digits(epochs=1)
    recipe["data"] = {**recipe["data"], "validation": 0.0}
    found = landscape(gradus.train(recipe, run=tmp_path / "run"), across=1, points=3, examples=300)
    assert (found.split, found.examples) == ("train", 300)
    assert np.isfinite(found.losses.numpy()).all()


def test_what_has_no_landscape_is_refused(runs: list[gradus.Run], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be odd"):
        landscape(runs[0], points=4)
    with pytest.raises(InputError, match="must be above 0, got 0"):
        landscape(runs[0], reach=0)
    other = gradus.train(digits(epochs=1) | {"model": {"name": "mlp", "hidden": [8]}}, run=tmp_path / "other")
    with pytest.raises(InputError, match="direction towards other weights"):
        landscape(runs[0], to=other, points=3)
