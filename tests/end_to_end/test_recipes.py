"""Every shipped recipe can be trained as it is, and the small ones reach what docs/results.md says of them."""

import os
from pathlib import Path

import pytest

import gradus
from benchmarks.baselines import of_code
from gradus.core.errors import InputError
from gradus.data.splits import split
from gradus.training.prepare import load_data, prepare, resolve
from gradus.training.recipe import Recipe, anchored, read_toml, shipped_recipes


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


@pytest.mark.parametrize("name", shipped_recipes())
def test_can_be_trained(name: str) -> None:
    resolved = resolve(recipe(name))
    prepared = prepare(resolved, load_data(resolved.data))
    batch = next(iter(prepared.loader.batches(0)))
    loss, _ = prepared.objective.compute(prepared.objective.phases[0], batch)
    assert loss.isfinite()


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
