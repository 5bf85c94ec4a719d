"""Activations as recipes name them."""

import signal
from pathlib import Path

import pytest
import torch

import gradus
from gradus.core.errors import InputError
from gradus.training.train import resume
from tests.end_to_end.recipes import digits, weights
from tests.end_to_end.test_same_bits import Signal


@pytest.mark.parametrize(
    "activation", ["mish", {"name": "maxout", "pieces": 3}, {"name": "rectifier", "alpha": 0.1, "learned": True}]
)
def test_networks_of_any_activation_learn_and_come_back(tmp_path: Path, activation: object) -> None:
    recipe = digits(model={"name": "mlp", "hidden": [32], "activation": activation}, augment=())
    run = gradus.train(recipe, run=tmp_path / "run")
    assert run.result["metrics"]["test_accuracy"] > 0.8
    loaded = gradus.load_run(tmp_path / "run")
    assert loaded.recipe.model.options["activation"] == activation
    x = torch.randn(3, 1, 8, 8)
    assert torch.equal(loaded.model()(x), run.model()(x))


def test_ones_own_is_kept_with_the_run_and_asks_for_trust(tmp_path: Path) -> None:
    code = tmp_path / "own.py"
    code.write_text("def bent(z, at=0.5):\n    return (z - at).relu()\n")
    model = {"name": "mlp", "hidden": [16], "activation": {"module": f"{code}:bent", "at": 0.1}}
    reference = gradus.train(digits(model=model), run=tmp_path / "reference")
    gradus.train(digits(model=model), run=tmp_path / "run", callbacks=[Signal(signal.SIGINT, step=5)])
    code.write_text("raise SystemError('not any more')")
    with pytest.raises(InputError, match=r"its model.activation is code of its own \(.*own.py:bent\).*--trust"):
        resume(tmp_path / "run")
    assert weights(resume(tmp_path / "run", trust=True)) == weights(reference)  # from the copy
