"""The textbook's first model: y = 2x from three points, in plain PyTorch and from a recipe."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import gradus
from gradus.training.recipe import Recipe, shipped_recipes

EXAMPLES = Path(__file__).parents[2] / "examples" / "linear"


@pytest.mark.parametrize("script", ["plain.py", "with_gradus.py"])
def test_both_ways_predict_eight_for_four(script: str) -> None:
    done = subprocess.run([sys.executable, str(EXAMPLES / script)], capture_output=True, text=True, check=True)
    found = re.search(r"f\(4\) = ([\d.]+)", done.stdout)
    assert found is not None
    assert float(found[1]) == pytest.approx(8.0, abs=0.1)


def test_the_shipped_recipe_equals_the_loop_by_hand(tmp_path: Path) -> None:
    """From the same first weights, the same last weights."""
    run = gradus.train("linear-walkthrough", run=tmp_path / "line")
    first = gradus.train(
        {**run.recipe.to_dict(), "training": {"epochs": 1, "batch_size": "full"}}, run=tmp_path / "one"
    )
    trained, once = run.model(), first.model()

    x = torch.tensor([[1.0], [2.0], [3.0]])
    by_hand = nn.Linear(1, 1)
    by_hand.load_state_dict(dict(zip(("weight", "bias"), once.state_dict().values(), strict=True)))
    optimizer = torch.optim.SGD(by_hand.parameters(), lr=0.01)
    for _ in range(run.recipe.training.epochs - 1):
        optimizer.zero_grad()
        nn.functional.mse_loss(by_hand(x), 2 * x).backward()
        optimizer.step()
    for ours, theirs in zip(trained.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_stated_number_of_epochs_suffices_from_any_start_and_fifty_do_not() -> None:
    """Descent on three points is linear in (w, b); all of 1,000 starts are followed at once."""
    epochs = Recipe.read(shipped_recipes()["linear-walkthrough"]).training.epochs
    starts = []
    for seed in range(1000):
        torch.manual_seed(seed)
        line = nn.Linear(1, 1)
        starts.append((line.weight.item(), line.bias.item()))
    w, b = torch.tensor(starts).unbind(1)
    x = torch.tensor([1.0, 2.0, 3.0])
    within = {}
    for epoch in range(1, epochs + 1):
        error = w[:, None] * x + b[:, None] - 2 * x
        w, b = w - 0.01 * 2 * (error * x).mean(1), b - 0.01 * 2 * error.mean(1)
        if epoch in (50, epochs):
            within[epoch] = ((4 * w + b - 8).abs() <= 0.1).float().mean().item()
    assert within[epochs] == 1.0
    assert within[50] < 0.2
