"""Presets against what the libraries they are named after do: torch here, optax and Keras as recorded."""

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.optim import optimizers
from tests.optim.paths import START, apart, follow

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "optimizers.json").read_text())
TORCH = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adadelta": torch.optim.Adadelta,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adamax": torch.optim.Adamax,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "rprop": torch.optim.Rprop,
    "asgd": torch.optim.ASGD,
    "adafactor": torch.optim.Adafactor,
}


@pytest.mark.parametrize("run", GOLDEN["runs"], ids=lambda run: f"{run['optimizer']}-{list(run['options'].values())}")
def test_follows_the_recorded_path(run: dict[str, Any], request: pytest.FixtureRequest) -> None:
    assert tuple(GOLDEN["start"]) == START
    request.addfinalizer(lambda: torch.set_default_dtype(torch.float32))
    torch.set_default_dtype(torch.float64)  # in which torch's NAdam keeps its product of momenta
    card = optimizers.get(run["optimizer"])
    points = follow(lambda parameters: card.build(parameters, **card.validate(run["options"])))
    kept = points[GOLDEN["every"] - 1 :: GOLDEN["every"]]
    assert apart(kept, np.array(run["points"])) <= 1e-12


@pytest.mark.parametrize("name", TORCH)
def test_preset_torch_has_torchs_defaults(name: str) -> None:
    card = optimizers.get(name)
    options = card.validate({"preset": "torch"})
    defaults = {key: each.default for key, each in inspect.signature(TORCH[name]).parameters.items()}
    ours = {key: value for key, value in options.items() if key in defaults}
    assert len(ours) >= 3
    assert ours == {key: defaults[key] for key in ours}


@pytest.mark.parametrize("name", sorted(TORCH))
def test_every_preset_differs_from_the_others_only_in_what_it_says(name: str) -> None:
    card = optimizers.get(name)
    assert "torch" in card.elsewhere
    for preset, values in card.elsewhere.items():
        assert card.validate({"preset": preset}) == {**card.validate({}), **values}


def test_options_prevail_over_the_preset() -> None:
    options = optimizers.get("rmsprop").validate({"preset": "keras", "lr": 0.5})
    assert (options["lr"], options["alpha"], options["eps_in_sqrt"]) == (0.5, 0.9, True)


@pytest.mark.parametrize(
    ("name", "says"),
    [("adam", "no such preset, got `jax`. Known: paper, torch, keras, optax"), ("nesterov", "It has none")],
)
def test_an_unknown_preset_is_refused_by_name(name: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        optimizers.get(name).validate({"preset": "jax"})


def test_adadelta_with_keras_rate_hardly_moves() -> None:
    card = optimizers.get("adadelta")
    points = follow(lambda parameters: card.build(parameters, **card.validate({"preset": "keras"})))
    assert apart(points[-1], np.array(START)) < 1e-3


def test_adagrads_accumulator_holds_eps_where_it_stands_within_the_root() -> None:
    point = nn.Parameter(torch.zeros(3))
    made = optimizers.get("adagrad").build([point], initial_accumulator_value=0.1, eps=1e-7, eps_in_sqrt=True)
    torch.testing.assert_close(made.state[point]["sum"], torch.full((3,), 0.1 + 1e-7))
