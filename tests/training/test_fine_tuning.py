"""A network that begins with the weights of a file, and layers of it that do not learn."""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
import torch
from sklearn.datasets import load_digits
from torch import Tensor

import gradus
from gradus.core.errors import InputError
from gradus.training.preflight import examine_recipe
from gradus.training.prepare import load_data, prepare, resolve
from gradus.training.recipe import Recipe
from gradus.training.train import resume
from tests.cli.command import run_gradus
from tests.end_to_end.mistakes import Make, assert_told
from tests.end_to_end.recipes import digits, weights
from tests.end_to_end.test_same_bits import Signal

NET = {"name": "small_cnn", "width": 8}
FROZEN = ("stage1", "stage2")


def recipe(folder: Path, model: dict[str, Any] | None = None, **training: Any) -> dict[str, Any]:
    """For four of the ten digits, from the weights of all ten."""
    begun = {**NET, "pretrained": str(folder / "ten" / "model.safetensors"), "freeze": "stage2"}
    optimizer = {"name": "adamw", "lr": 0.01, "weight_decay": 0.5}
    document = digits(augment=[], model=begun if model is None else model, optimizer=optimizer, **training)
    return {**document, "data": {"name": str(folder / "four.npz")}, "schedule": {"name": "constant"}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a run on ten digits, `ten`, and the first four of them, `four.npz`."""
    place = tmp_path_factory.mktemp("tuning")
    gradus.train(digits(augment=[], model=NET, epochs=1), run=place / "ten")
    known = load_digits()
    few = known.target < 4
    np.savez(place / "four.npz", x=known.images[few].astype(np.uint8), y=known.target[few])
    return place


def parts(run: gradus.Run | Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What is in the frozen layers of a run's network, and in the others; of which counts of batches are no part."""
    run = gradus.load_run(run) if isinstance(run, Path) else run
    state = {name: each for name, each in run.model().state_dict().items() if not name.endswith("tracked")}
    frozen = {name: each for name, each in state.items() if name.startswith(FROZEN)}
    return frozen, {name: each for name, each in state.items() if name not in frozen}


def test_other_classes_are_learned_on_layers_that_stay(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ten").symlink_to(folder / "ten")
    document = recipe(folder)
    document["model"]["pretrained"] = "ten/model.safetensors"  # from where the recipe lies
    (tmp_path / "tune.toml").write_text(tomli_w.dumps(document))
    done = run_gradus(capsys, monkeypatch, "train", tmp_path / "tune.toml", "--run", tmp_path / "run", "--quiet")
    assert done.code == 0, done
    assert f"began with: 12 layers of {tmp_path}/ten/model.safetensors; as drawn: output" in done.out
    (tmp_path / "ten").unlink()  # the run no longer needs it

    run = gradus.load_run(tmp_path / "run")
    assert run.result["metrics"]["test_accuracy"] > 0.9
    assert run.recipe.model.freeze == "stage2"
    (frozen, others), (before, trained) = parts(run), parts(folder / "ten")
    assert len(frozen) == 20
    assert all(torch.equal(each, before[name]) for name, each in frozen.items())
    assert not any(torch.equal(each, trained[name]) for name, each in others.items() if each.shape[0] != 4)
    assert others["output.weight"].shape == (4, 32)


def test_what_is_frozen_is_not_the_optimizers(folder: Path) -> None:
    made = resolve(Recipe.from_dict(recipe(folder)))
    prepared = prepare(made, load_data(made.data))
    learning = {name for name, each in prepared.model.named_parameters() if each.requires_grad}
    assert {name.partition(".")[0] for name in learning} == {"stage3", "output"}
    (phase,) = prepared.objective.phases
    held = {id(each) for group in phase.optimizer.param_groups for each in group["params"]}
    assert held == {id(each) for name, each in prepared.model.named_parameters() if name in learning}


def test_averages_and_exact_statistics_leave_it_alone(folder: Path, tmp_path: Path) -> None:
    run = gradus.train(recipe(folder, ema=0.9, recompute_statistics=True, epochs=1), run=tmp_path / "run")
    frozen, before = parts(run)[0], parts(folder / "ten")[0]
    assert all(torch.equal(each, before[name]) for name, each in frozen.items())


def test_a_resumed_run_needs_no_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.safetensors").write_bytes((folder / "ten" / "model.safetensors").read_bytes())
    document = recipe(folder, {**NET, "pretrained": str(tmp_path / "copy.safetensors"), "freeze": "stage2"})
    whole = gradus.train(document, run=tmp_path / "whole")
    cut = gradus.train(document, run=tmp_path / "cut", callbacks=[Signal(signal.SIGINT, step=4)])
    assert cut.outcome == "interrupted"
    (tmp_path / "copy.safetensors").unlink()
    assert weights(resume(tmp_path / "cut")) == weights(whole)


def symptoms(document: dict[str, Any], place: Path) -> set[str]:
    run = gradus.train({**document, "doctor": {"budget": 0.9}}, run=place)
    examined = examine_recipe(document, budget=30)
    return {each["symptom"] for each in [*run.findings, *examined["findings"]]}


def test_the_doctor_takes_loaded_layers_for_meant_to_be_frozen(folder: Path, tmp_path: Path) -> None:
    # One step changes too little for the layers not to look as they were drawn.
    drawn = digits(augment=[], model=NET, optimizer={"name": "sgd", "lr": 1e-4}, batch_size="full", epochs=1)
    gradus.train({**drawn, "schedule": {"name": "constant"}}, run=tmp_path / "drawn")
    begun = {**NET, "pretrained": str(tmp_path / "drawn" / "model.safetensors"), "freeze": "stage3"}
    assert "frozen-parameters" not in symptoms(recipe(folder, begun), tmp_path / "loaded")
    assert "frozen-parameters" in symptoms(recipe(folder, {**NET, "freeze": "stage3"}), tmp_path / "as-drawn")


def test_of_ones_own_network_too(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "def make(spec):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, spec.outputs))\n"
    )
    own = {"module": f"{tmp_path}/net.py:make"}
    first = gradus.train(recipe(folder, own, epochs=1), run=tmp_path / "first")
    second = gradus.train(
        recipe(folder, {**own, "pretrained": str(first.path / "model.safetensors"), "freeze": "1"}, epochs=1),
        run=tmp_path / "second",
    )
    one, other = (run.model(trust=True).state_dict() for run in (first, second))
    assert torch.equal(one["1.weight"], other["1.weight"])
    assert not torch.equal(one["3.weight"], other["3.weight"])


def test_the_recipe_says_it_and_paths_start_where_it_lies(tmp_path: Path) -> None:
    document = recipe(tmp_path, {**NET, "pretrained": "weights.pth", "freeze": "stage1"})
    made = Recipe.from_dict(document)
    assert made.model.options == {"width": 8}
    assert Recipe.from_dict(made.to_dict()) == made
    assert "pretrained" not in Recipe.from_dict(recipe(tmp_path, NET)).to_dict()["model"]


def mistaken(folder: Path, **model: Any) -> Make:
    def make(place: Path) -> list[str]:
        document = recipe(folder)
        initialization = model.pop("initialization", None)
        document["model"] = {key: each for key, each in {**document["model"], **model}.items() if each is not None}
        if initialization:
            document["initialization"] = initialization
        (place / "r.toml").write_text(tomli_w.dumps(document))
        return ["train", "r.toml"]

    return make


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no such file": ({"pretrained": "none.safetensors"}, "none.safetensors: no such file"),
    "no path": ({"pretrained": True}, "`model.pretrained` should be a valid string, got True"),
    "an empty path": ({"pretrained": ""}, "`model.pretrained` string should have at least 1 character"),
    "another network's": ({"width": 16}, "does not fit: the network has `stage1.conv1` of weight (16, 1, 3, 3)"),
    "another family's": ({"name": "lenet5", "width": None}, "does not fit: the network has `"),
    "an unset variable": ({"pretrained": "$NO_SUCH/x"}, "the environment variable NO_SUCH is not set"),
    "no such layer": ({"freeze": "stage"}, "freeze: unknown layer, got `stage`. Did you mean `stage"),
    "not a layer's name": ({"freeze": 3}, "`model.freeze` should be a valid string, got 3"),
    "all of it": ({"freeze": "output"}, "needs a parameter to train"),
    "drawn anew": ({"initialization": {"name": "auto"}}, "[initialization] draws anew what model.pretrained has given"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_in_one_line(
    mistake: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change, says = MISTAKES[mistake]
    assert_told(mistaken(folder, **change), says, tmp_path, monkeypatch, capsys)


def test_a_network_without_a_chain_cannot_be_frozen(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layer = nn.Linear(64, 4)\n"
        "    def forward(self, x):\n"
        "        return self.layer(x.flatten(1))\n"
    )
    with pytest.raises(InputError, match="must be a chain of layers"):
        gradus.train(recipe(folder, {"module": f"{tmp_path}/net.py:Net", "freeze": "layer"}), run=tmp_path / "run")
