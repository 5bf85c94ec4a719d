from typing import Any

import pytest

from gradus.core.spec import DataSpec
from gradus.data.raw import RawData
from gradus.data.sources import open_data
from gradus.diagnosis.remedies import BY_ID
from gradus.training.prepare import prepare, resolve
from gradus.training.recipe import Recipe
from gradus.training.repair.amendments import TABLE, Ground, amend, order
from tests.end_to_end.recipes import digits

SPEC = DataSpec(task="classification", inputs=((1, 8, 8),), outputs=10, classes=tuple("0123456789"))
# For each remedy a recipe that it is for, and a field that it sets.
ILL: dict[str, tuple[dict[str, Any], str, Any]] = {
    "initialize": ({}, "initialization.name", "auto"),
    "normalize-layers": ({}, "model.normalization", "batch"),
    "group-norm": ({"model": {"name": "mlp", "normalization": "batch"}}, "model.normalization", "group"),
    "larger-batch": ({"batch_size": 2}, "training.batch_size", 32),
    "swap-activation": ({"model": {"name": "mlp", "activation": "sigmoid"}}, "model.activation", "relu"),
    "leaky": ({}, "model.activation", "leaky_relu"),
    "add-residual": ({"model": {"name": "small_cnn", "width": 4}}, "model.residual", True),
    "range-test": ({}, "optimizer.lr", "auto"),
    "lower-learning-rate": ({}, "optimizer.lr", 0.001),
    "raise-learning-rate": ({"optimizer": {"name": "sgd"}}, "optimizer.lr", 0.1),
    "schedule": ({}, "schedule.name", "cosine"),
    "default-epsilon": ({"optimizer": {"name": "adam", "eps": 0.1}}, "optimizer.eps", 1e-8),
    "switch-optimizer": ({"optimizer": {"name": "sgd"}}, "optimizer.name", "adamw"),
    "clip-gradient": ({}, "training.clip_norm", 1.0),
    "train-longer": ({}, "training.epochs", 9),
    "scale-inputs": ({"data": {"preprocess": "none"}}, "data.preprocess", "standard"),
    "drop-constants": ({"data": {"preprocess": "none"}}, "data.preprocess", "standard"),
    "balance": ({}, "criterion.class_weights", "balanced"),
    "clean-labels": ({}, "criterion.label_smoothing", 0.1),
    "weight-decay": ({"optimizer": {"name": "sgd"}}, "optimizer.weight_decay", 1e-3),
    "dropout": ({}, "model.dropout", 0.3),
    "augment": ({"augment": ()}, "data.augment", ("shift", "rotate", "scale")),
    "early-stopping": ({}, "training.keep", "best"),
    "regularize-less": ({}, "model.dropout", 0.0),
    "enlarge": ({}, "model.hidden", (32,)),
}


def ground(document: dict[str, Any], spec: DataSpec = SPEC, **known: Any) -> Ground:
    recipe = resolve(Recipe.from_dict(document))
    size = recipe.training.batch_size
    assert isinstance(size, int)
    return Ground(**{"recipe": recipe, "spec": spec, "validates": True, "batch_size": size, **known})


@pytest.fixture(scope="module")
def raw() -> RawData:
    return open_data("digits", {})


def document(data: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    ready = digits(**changes)
    return ready | {"data": ready["data"] | (data or {})}


@pytest.mark.parametrize("remedy", ILL)
def test_each_remedy_sets_its_field_makes_a_recipe_that_trains_and_has_nothing_left_to_do(
    remedy: str, raw: RawData
) -> None:
    changes, field, value = ILL[remedy]
    before = ground(document(**changes))
    found = amend(before, remedy)
    assert found is not None
    recipe, fields = found
    assert fields[field] == value
    assert recipe != before.recipe
    prepared = prepare(recipe, raw)
    if remedy in ("range-test", "lower-learning-rate", "raise-learning-rate", "train-longer", "enlarge"):
        return  # there is always a lower rate
    again = amend(ground(prepared.recipe.to_dict(), batch_size=prepared.loader.batch_size), remedy)
    assert again is None


def test_every_row_is_tested_and_is_a_remedy_that_some_cause_leads_to() -> None:
    assert {*ILL, "scale-targets"} == set(TABLE)
    assert set(TABLE) <= {remedy for cause in BY_ID for remedy in order(cause)} | {"switch-optimizer"}


def test_targets_are_scaled_where_there_are_any() -> None:
    line = DataSpec(task="regression", inputs=((1,),), outputs=1)
    unscaled = document({"preprocess": "none"})
    found = amend(ground(unscaled, line), "scale-targets")
    assert found is not None
    assert found[0].data.preprocess_target == "standard"
    assert amend(ground(unscaled), "scale-targets") is None


def test_a_network_of_the_users_own_has_no_options_to_set() -> None:
    own = document(model={"module": "mine.py:net", "activation": "sigmoid", "dropout": 0.5})
    for remedy in ("swap-activation", "enlarge", "add-residual", "augment"):
        found = amend(ground(own), remedy)
        assert found is None or set(found[1]) == {"treatments"}
    assert amend(ground(own), "initialize") is not None


def test_a_rate_found_too_high_is_followed_by_a_tenth_of_it() -> None:
    found = amend(ground(digits(), overshot=0.2), "range-test")
    assert found is not None
    assert found[1] == {"optimizer.lr": pytest.approx(0.02)}


def test_small_batches_are_normalized_by_layer() -> None:
    found = amend(ground(digits(batch_size=4)), "normalize-layers")
    assert found is not None
    assert found[1] == {"model.normalization": "layer"}


def test_what_has_no_validation_split_keeps_no_best_weights() -> None:
    assert amend(ground(digits(), validates=False), "early-stopping") is None
