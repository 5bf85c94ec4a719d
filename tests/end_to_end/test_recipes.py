"""Every shipped recipe can be trained as it is, and the small ones reach what docs/results.md says of them."""

import functools
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import gradus
from benchmarks.baselines import of_code
from gradus.core.errors import InputError
from gradus.data.raw import Examples, RawData
from gradus.data.sources import open_data
from gradus.data.splits import split
from gradus.models import models
from gradus.training.prepare import load_data, prepare, resolve
from gradus.training.recipe import Recipe, anchored, read_toml, shipped_recipes
from tests.cli.command import run_gradus


def recipe(name: str) -> Recipe:
    """The shipped recipe, or a skip where its data are not here."""
    path = shipped_recipes()[name]
    try:
        found = Recipe.from_dict(anchored(read_toml(path), path.parent))
    except InputError:
        pytest.skip("the environment variable GRADUS_DATA is not set")
    if found.data.name is not None and "/" in found.data.name and not Path(found.data.name).exists():
        pytest.skip(f"GRADUS_DATA holds no {Path(found.data.name).name}")
    return found


@functools.cache
def few(name: str, options: tuple[tuple[str, Any], ...]) -> RawData:
    """The first examples of a large set of images."""
    raw = open_data(name, dict(options))
    first = slice(1024)
    some = Examples(tuple(each[first] for each in raw.train.inputs), raw.train.target[first])
    return replace(raw, train=some, test=some)


@pytest.mark.parametrize("name", shipped_recipes())
def test_can_be_trained(name: str) -> None:
    """A few steps lower the loss of a batch, the same numbers being dropped."""
    resolved = resolve(recipe(name))
    options = resolved.data.options
    if "of" in options:
        options = {**options, "of": "digits"}  # what is made of digits is made of a small set of them
    images = name.startswith("fashion") or "of" in options
    raw = few(resolved.data.name or "", tuple(options.items())) if images else load_data(resolved.data)
    objective = (prepared := prepare(resolved, raw)).objective
    (phase,) = objective.phases
    batch = next(iter(prepared.loader.batches(0)))
    losses: list[float] = []
    for _ in range(6):
        torch.manual_seed(0)
        phase.optimizer.zero_grad()
        loss, _ = objective.compute(phase, batch)
        losses.append(loss.item())
        if losses[-1] < losses[0]:
            break
        loss.backward()
        phase.optimizer.step()
    assert losses[-1] < losses[0] < float("inf")


def test_each_family_of_networks_for_images_has_a_recipe() -> None:
    page = (Path(__file__).parents[2] / "docs/models.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| `([\w-]+)` \| `(\w+)`", page, re.MULTILINE)
    for family, name, network in rows:
        assert read_toml(shipped_recipes()[name])["model"]["name"] == network
        assert models.get(network).family == family
    images = {card.family for card in models.cards() if len(card.input) == 3}
    assert images - {"linear", "mlp", "autoencoder"} == {family for family, _, _ in rows}


def test_the_fashion_network_is_small() -> None:
    resolved = resolve(recipe("fashion-small"))
    model = prepare(resolved, load_data(resolved.data)).model
    assert sum(each.numel() for each in model.parameters()) < 100_000


def test_a_code_of_digits_keeps_more_than_as_many_principal_components(tmp_path: Path) -> None:
    found = recipe("digits-autoencoder")
    raw = load_data(found.data)
    (components,) = of_code(raw, split(raw, validation=0.1, test=None, seed=0)).values()
    assert gradus.train(found, run=tmp_path / "run").result["metrics"]["test_rmse"] < 0.9 * components


def test_adult(tmp_path: Path) -> None:
    assert gradus.train(recipe("adult-mlp"), run=tmp_path / "run").result["metrics"]["test_accuracy"] >= 0.85


def test_a_forecast_is_better_than_the_last_value(tmp_path: Path) -> None:
    """0.6546 is the test error of forecasting that the oil temperature stays as it is."""
    assert gradus.train(recipe("etth1-forecast"), run=tmp_path / "run").result["metrics"]["test_rmse"] < 0.6546


def test_where_the_data_are_to_be_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "GRADUS_DATA", "")
    with pytest.raises(InputError, match="GRADUS_DATA is not set"):
        gradus.train("mnist-lenet")


def test_other_data_take_the_place_of_those_that_are_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the comments of these recipes promise."""
    monkeypatch.setitem(os.environ, "GRADUS_DATA", "")
    asked = ("--data", "digits", "--epochs", "1", "--run", str(tmp_path / "run"), "--json")
    done = run_gradus(capsys, monkeypatch, "train", "fashion-small", *asked)
    assert done.code == 0, done.err
    done = run_gradus(capsys, monkeypatch, "train", "fashion-small")
    assert done.code == 2
    assert "GRADUS_DATA is not set" in done.err
