"""[[treatments]] of a recipe: applied before training, kept with the run, made again when it is loaded."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import gradus
from gradus.core.errors import InputError
from gradus.training.recipe import Recipe
from gradus.training.train import resume
from tests.end_to_end.recipes import digits, weights

SIGMOIDS = {"model": {"name": "mlp", "hidden": [32] * 8, "activation": "sigmoid"}}
TREATED: list[dict[str, Any]] = [
    {"name": "normalize-layers"},
    {"name": "swap-activation", "to": "gelu"},
    {"name": "add-residual"},
    {"name": "dropout", "p": 0.1},
]
MINE = """
from torch import nn

class Net(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.first, self.act, self.last = nn.Linear(spec.features, 32), nn.Tanh(), nn.Linear(32, spec.outputs)

    def forward(self, x):
        return self.last(self.act(self.first(x.flatten(1))))
"""


def recipe(treatments: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    return digits(epochs=2, checkpoint_every=7) | SIGMOIDS | {"treatments": treatments} | changes


def test_a_treated_run_is_loaded_and_resumed_as_it_was(tmp_path: Path) -> None:
    run = gradus.train(recipe(TREATED), run=tmp_path / "run")
    names = set(run.model().state_dict())
    assert {"hidden1.norm.running_mean", "hidden8.norm.weight", "hidden1.weight"} <= names
    assert weights(gradus.load_run(run.path)) == weights(run)
    saved = Recipe.read(run.path / "recipe.toml")
    assert [{"name": each.name} | each.options for each in saved.treatments] == TREATED
    unfinished = tmp_path / "unfinished"
    shutil.copytree(run.path, unfinished, ignore=shutil.ignore_patterns("model.safetensors", "run.sqlite"))
    assert weights(resume(unfinished)) == weights(run)


def test_the_users_own_model_is_treated_too(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    mine = {"model": {"module": f"{tmp_path}/mine.py:Net"}}
    run = gradus.train(recipe([{"name": "swap-activation"}], **mine), run=tmp_path / "run")
    assert isinstance(run.model(trust=True).get_submodule("act"), torch.nn.ReLU)


def test_it_helps_where_the_model_alone_does_not_learn(tmp_path: Path) -> None:
    longer = recipe([])["training"] | {"epochs": 12}
    plain, treated = (
        gradus.train(recipe(each, training=longer), run=tmp_path / str(len(each)))
        for each in ([], [{"name": "normalize-layers"}])
    )
    assert plain.result["metrics"]["test_accuracy"] < 0.4
    assert treated.result["metrics"]["test_accuracy"] > 0.8


def test_weights_are_drawn_after_the_initialization_asked_for(tmp_path: Path) -> None:
    made: list[torch.Tensor] = []
    for seed in (0, 0, 1):
        bad = recipe([{"name": "initialize"}], initialization={"name": "normal", "std": 5.0}, seed=seed)
        run = gradus.train(bad | {"optimizer": {"name": "sgd", "lr": 1e-8}}, run=tmp_path / str(len(made)))
        made.append(run.model().get_parameter("hidden2.weight"))
    assert made[0].std() < 1.5
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


@pytest.mark.parametrize(("size", "kind"), [(4, "LayerNorm"), (64, "BatchNorm1d"), ("full", "BatchNorm1d")])
def test_the_kind_of_norm_goes_by_the_batch_size(size: int | str, kind: str, tmp_path: Path) -> None:
    training = recipe([])["training"] | {"epochs": 1, "batch_size": size}
    run = gradus.train(recipe([{"name": "normalize-layers"}], training=training), run=tmp_path / "run")
    assert type(run.model().get_submodule("hidden1.norm")).__name__ == kind


@pytest.mark.parametrize(
    ("treatments", "says"),
    [
        ([{"name": "normalise-layers"}], "Did you mean `normalize-layers`"),
        ([{"name": "normalize-layers", "nrom": "batch"}], "treatments.0: .*unknown option `nrom`"),
        ([{"name": "normalize-layers"}] * 2, "treatments.1: model: has a normalization beside each"),
        ([{"name": "range-test"}], r"Set it in \[optimizer\] or \[schedule\]"),
        ([{"name": "revive-units"}], "is for a network in training"),
        ([{"name": "shuffle"}], "is done in the program or to the data"),
        ([{"module": "mine.py:treat"}], "takes a `name` from the catalogue"),
    ],
)
def test_what_cannot_be_done_is_said_before_training(treatments: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        gradus.train(recipe(treatments), run=tmp_path / "run")
