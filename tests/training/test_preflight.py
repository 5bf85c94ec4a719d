"""A recipe examined: the same checks, and no run."""

from pathlib import Path

import pytest
import torch

from gradus.core.errors import InputError
from gradus.training.preflight import examine_recipe
from tests.end_to_end.recipes import digits


def test_a_healthy_recipe_passes_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    state = torch.get_rng_state()
    document = examine_recipe(digits(epochs=8), budget=60)
    assert document["findings"] == []
    assert document.keys() >= {"findings", "causes", "checks", "steps_seen", "overhead", "program_exit"}
    assert document["steps_seen"] >= 50
    assert {each["name"] for each in document["checks"] if each["status"] == "passed"} >= {
        "one-batch",
        "rate",
        "signal",
    }
    assert list(tmp_path.iterdir()) == []
    assert torch.equal(torch.get_rng_state(), state)


def test_a_rate_far_too_low_is_found() -> None:
    recipe = digits(epochs=3)
    recipe["optimizer"] = {"name": "sgd", "lr": 1e-7}
    document = examine_recipe(recipe, budget=60)
    assert document["causes"][0]["id"] == "learning-rate-too-low"


def test_a_wrong_recipe_is_told_as_train_tells_it() -> None:
    with pytest.raises(InputError, match="optimizer"):
        examine_recipe({**digits(), "optimizer": {"name": "no-such"}})
