"""The adding problem: the doctor names what happens to gradients through time, and lets alone what learns."""

from pathlib import Path
from typing import Any

import pytest

import gradus
from gradus.report.html import render
from gradus.training.run import Run

GROWING = """
import torch
from torch import nn

class Network(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.recurrence = nn.RNN(2, 64, batch_first=True, nonlinearity="relu")
        self.output = nn.Linear(64, 1)
        with torch.no_grad():
            self.recurrence.weight_hh_l0.copy_(scale * torch.eye(64))

    def forward(self, x):
        return self.output(self.recurrence(x)[0][:, -1])
"""


def trained(place: Path, model: dict[str, Any], *, length: int, examples: int, epochs: int, lr: float = 5e-3) -> Run:
    recipe = {
        "data": {"name": "adding", "length": length, "examples": examples, "preprocess": "none", "validation": 0.05},
        "model": model,
        "criterion": {"name": "mse"},
        "optimizer": {"name": "adam", "lr": lr},
        "training": {"epochs": epochs, "batch_size": 64, "threads": 1, "clip_norm": 1.0},
    }
    return gradus.train(recipe, run=place)


def first_cause(run: Run) -> str:
    return str(run.doctor["causes"][0]["id"]) if run.doctor["causes"] else ""


def test_a_plain_network_does_not_reach_back_150_steps(tmp_path: Path) -> None:
    """0.167 is the error of a constant."""
    run = trained(tmp_path / "run", {"name": "rnn", "hidden": 64}, length=150, examples=6000, epochs=2)
    assert run.result["metrics"]["test_loss"] > 0.14
    assert first_cause(run) == "vanishing-through-time"


@pytest.mark.parametrize("scale", [1.1, 1.3])
def test_a_matrix_that_grows_what_it_is_given_explodes(tmp_path: Path, scale: float) -> None:
    """Clipping does not help it."""
    (tmp_path / "growing.py").write_text(GROWING)
    model = {"module": f"{tmp_path}/growing.py:Network", "scale": scale}
    run = trained(tmp_path / "run", model, length=150, examples=3000, epochs=1)
    assert first_cause(run) == "exploding-through-time"


@pytest.mark.parametrize(
    ("name", "options", "budget"),
    [
        ("irnn", {}, {"length": 30, "examples": 20000, "epochs": 4, "lr": 2e-3}),
        ("lstm", {"memory": 40}, {"length": 40, "examples": 12000, "epochs": 3, "lr": 1e-2}),
        ("gru", {"memory": 40}, {"length": 40, "examples": 12000, "epochs": 3, "lr": 1e-2}),
    ],
)
def test_those_that_learn_are_let_alone(
    tmp_path: Path, name: str, options: dict[str, Any], budget: dict[str, Any]
) -> None:
    run = trained(tmp_path / "run", {"name": name, "hidden": 64, **options}, **budget)
    assert run.result["metrics"]["test_loss"] < 0.05
    kept = [layer["kept"] for layers in run.signs.values() for layer in layers.values() if "kept" in layer]
    assert all(0.8 < each < 1 for each in kept)  # gates that begin with a memory
    assert bool(kept) == bool(options)
    assert "Memory kept" in render(run) if options else "Memory kept" not in render(run)
    assert not run.findings
    assert not run.doctor["causes"]
