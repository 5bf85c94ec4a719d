"""Recipes in, out, and refused."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gradus.core.errors import InputError
from gradus.training.recipe import Recipe, anchored, override, parse_setting, shipped_recipes

MINIMAL: dict[str, Any] = {
    "data": {"name": "digits"},
    "model": {"name": "mlp", "hidden": [32, 16]},
    "criterion": {"name": "cross_entropy"},
    "optimizer": {"name": "sgd", "lr": 0.1},
}

# The recipe of CONTRACTS, word for word: others rely on it.
CONTRACT = """
schema = 1
seed = 0

[data]
name = "digits"
validation = 0.1
augment = ["shift"]

[model]
name = "lenet5"

[criterion]
name = "cross_entropy"

[optimizer]
name = "adamw"
lr = 1e-3

[schedule]
name = "one_cycle"

[training]
epochs = 20
batch_size = 64
precision = "float32"
device = "auto"

[doctor]
budget = 0.01
"""


def test_reads_the_recipe_others_rely_on() -> None:
    recipe = Recipe.from_dict(tomllib.loads(CONTRACT))
    assert (recipe.model.name, recipe.training.epochs, recipe.doctor.budget) == ("lenet5", 20, 0.01)
    assert recipe.optimizer.options == {"lr": 1e-3}


def test_survives_the_way_through_toml() -> None:
    recipe = Recipe.from_dict(
        MINIMAL
        | {
            "seed": 7,
            "initialization": {"name": "kaiming_normal", "leak": 0.1},
            "training": {"early_stopping": {"patience": 2}, "batch_size": "full", "clip_norm": 0.5},
            "data": {"name": "digits", "augment": ["shift", {"name": "rotate", "degrees": 5.0}]},
            "penalties": [
                {"name": "l1", "strength": 1e-4},
                {"module": "prices.py:cube", "since": date(2000, 1, 1), "on": ["hidden1.*", "output.weight"]},
            ],
        }
    )
    again = Recipe.from_dict(tomllib.loads(recipe.to_toml()))
    assert again == recipe
    assert again.model.options == {"hidden": (32, 16)}
    assert [each.on for each in again.penalties] == ["weights", ("hidden1.*", "output.weight")]
    assert [each.options for each in again.penalties] == [{"strength": 1e-4}, {"since": date(2000, 1, 1)}]
    assert again.initialization is not None
    assert again.initialization.options == {"leak": 0.1}


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_are_valid(name: str) -> None:
    recipe = Recipe.read(shipped_recipes()[name])
    assert Recipe.from_dict(recipe.to_dict()) == recipe


def test_is_frozen() -> None:
    recipe = Recipe.from_dict(MINIMAL)
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"trainin": {}}, "unknown option `trainin`. Did you mean `training`?"),
        ({"training": {"epoch": 3}}, "unknown option `epoch`. Did you mean `epochs`?"),
        ({"training": {"early_stopping": {"patient": 3}}}, "unknown option `patient`. Did you mean `patience`?"),
        ({"training": {"epochs": "3"}}, "`training.epochs` should be a valid integer, got `3`"),
        ({"training": {"epochs": True}}, "`training.epochs` should be a valid integer, got True"),
        ({"training": {"epochs": 0}}, "`training.epochs` should be greater than or equal to 1, got 0"),
        ({"training": {"precision": "fp16"}}, "`training.precision` should be 'auto', 'float32' or 'bf16', got `fp16`"),
        ({"training": {"device": "gpu"}}, "`training.device`"),
        ({"data": {"name": "digits", "validation": 1.0}}, "`data.validation` should be less than 1, got 1.0"),
        ({"model": {}}, "`model` needs `name` (from the catalogue) or `module`"),
        ({"model": {"name": "mlp", "module": "a.py:b"}}, "one of the two"),
        ({"model": "mlp"}, "`model`"),
        ({"penalties": {"name": "l1"}}, "`penalties` should be a valid list"),
        ({"penalties": [{"strength": 1.0}]}, "`penalties.0` needs `name` (from the catalogue) or `module`"),
        ({"penalties": [{"name": "l1", "on": 3}]}, "`penalties.0.on` should be a valid string or a valid list"),
        ({"initialization": {"module": "a.py:b"}}, "`initialization` takes a `name` from the catalogue"),
        (
            {"data": {"name": "digits", "validation": 2.0}, "training": {"epoch": 3}},
            "unknown option `epoch`. Did you mean `epochs`? (1 more to mend after this.)",
        ),
        ({"seed": -1}, "`seed` should be greater than or equal to 0, got -1"),
        ({"schema": 2}, "is of schema 2, newer than the 1 known here. Update gradus"),
        ({"parallel": {}}, "unknown option `parallel`"),
    ],
)
def test_refuses_by_name_what_is_wrong(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        Recipe.from_dict(MINIMAL | change, "r.toml")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("r.toml: ")


def test_rows_that_go_on_are_not_computed_in_pieces() -> None:
    document = {**MINIMAL, "training": {"order": "contiguous", "accumulate": 2}}
    with pytest.raises(InputError, match="cannot be computed in pieces: leave `accumulate` at 1"):
        Recipe.from_dict(document)


def test_a_missing_table_is_named() -> None:
    with pytest.raises(InputError, match="option `optimizer` must be given"):
        Recipe.from_dict({name: table for name, table in MINIMAL.items() if name != "optimizer"})


def test_broken_toml_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text("seed = 1\n[data\n")
    with pytest.raises(InputError, match=r"r\.toml: is not valid TOML.*line 2"):
        Recipe.read(path)
    with pytest.raises(InputError, match="no such file"):
        Recipe.read(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("training.epochs=3", ("training.epochs", 3)),
        ("optimizer.lr=1e-3", ("optimizer.lr", 1e-3)),
        ("model.hidden=[8, 8]", ("model.hidden", [8, 8])),
        ("model.activation=tanh", ("model.activation", "tanh")),
        ('model.activation="tanh"', ("model.activation", "tanh")),
        ("training.compile=true", ("training.compile", True)),
    ],
)
def test_settings_are_toml_or_else_text(setting: str, expected: tuple[str, object]) -> None:
    assert parse_setting(setting) == expected


@pytest.mark.parametrize("setting", ["training.epochs", "=3"])
def test_a_setting_without_a_field_or_value_is_refused(setting: str) -> None:
    with pytest.raises(InputError, match=r"section\.field=value"):
        parse_setting(setting)


def test_another_part_drops_the_options_of_the_one_it_replaces() -> None:
    changed = override(MINIMAL, "model.name", "lenet5")
    assert changed["model"] == {"name": "lenet5"}
    assert override(MINIMAL, "model.name", "mlp") == MINIMAL
    data = {**MINIMAL, "data": {"name": "line", "points": 5, "validation": 0.2, "augment": ["shift"], "test": 0.1}}
    # What suits any data stays.
    assert override(data, "data.name", "digits")["data"] == {"name": "digits", "validation": 0.2}
    assert MINIMAL["model"] == {"name": "mlp", "hidden": [32, 16]}


def test_a_setting_inside_what_is_no_table_is_refused() -> None:
    with pytest.raises(InputError, match="`seed` is not a table"):
        override({**MINIMAL, "seed": 1}, "seed.x", 1)


def test_relative_paths_start_at_the_recipe(tmp_path: Path) -> None:
    augment = ["shift", {"name": "rewrite", "module": "words.py:swap"}, {"name": "rotate", "degrees": 5.0}]
    document = {
        "data": {"name": "set.npz", "augment": augment},
        "model": {"module": "net.py:Net"},
        "optimizer": {"name": "sgd"},
        "penalties": [{"name": "l1", "strength": 1.0}, {"module": "prices.py:cube"}],
    }
    ready = anchored(document, tmp_path)
    assert ready["data"]["name"] == str(tmp_path / "set.npz")
    moved = {"name": "rewrite", "module": f"{tmp_path}/words.py:swap"}
    assert ready["data"]["augment"] == ["shift", moved, {"name": "rotate", "degrees": 5.0}]
    assert ready["model"]["module"] == f"{tmp_path}/net.py:Net"
    assert ready["optimizer"] == {"name": "sgd"}
    assert ready["penalties"] == [{"name": "l1", "strength": 1.0}, {"module": f"{tmp_path}/prices.py:cube"}]
    made = anchored({"data": {"name": "distorted_digits", "kind": "R", "of": "./mnist"}}, tmp_path)
    assert made["data"] == {"name": "distorted_digits", "kind": "R", "of": str(tmp_path / "mnist")}
