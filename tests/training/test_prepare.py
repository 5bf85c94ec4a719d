"""What is decided before training."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

import gradus
from gradus.core.batch import Batch
from gradus.core.errors import InputError
from gradus.losses.class_weights import ClassWeighted
from gradus.training.objective import Supervised
from gradus.training.parts import build_model
from gradus.training.prepare import _smallest_batch, load_data, prepare, resolve
from gradus.training.recipe import Recipe, Training


@pytest.fixture(autouse=True)
def _two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def recipe(**changes: Any) -> Recipe:
    document = {
        "data": {"name": "digits"},
        "model": {"name": "mlp"},
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "adamw"},
    }
    return resolve(Recipe.from_dict(document | changes))


def threads(**changes: Any) -> object:
    wanted = recipe(**changes)
    return prepare(wanted, load_data(wanted.data)).recipe.training.threads


def test_a_small_network_computes_on_one_thread_and_a_large_one_on_all() -> None:
    assert threads() == 1
    # 64 x 20,000 + 20,000 x 10 multiply-adds, 128 examples
    assert threads(model={"name": "mlp", "hidden": [20_000]}, training={"batch_size": 128}) == 2
    assert threads(training={"threads": 2}) == 2


def test_a_network_that_cannot_be_counted_computes_on_all(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.layer = nn.Linear(64, 10)\n"
        "    def forward(self, x):\n        return self.layer(x.flatten(1)) * (1 if x.sum() > 0 else 2)\n"
    )
    assert threads(model={"module": f"{tmp_path}/net.py:Net"}) == 2


def test_first_weights_depend_on_the_seed_and_nothing_else() -> None:
    spec = load_data(recipe().data).spec
    torch.manual_seed(5)
    first = build_model(recipe(seed=1), spec)
    torch.manual_seed(6)
    state = torch.get_rng_state()
    again, other = build_model(recipe(seed=1), spec), build_model(recipe(seed=2), spec)
    assert torch.equal(torch.get_rng_state(), state)
    for a, b, c in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)


def test_first_weights_are_drawn_as_the_recipe_says() -> None:
    def weights(**changes: Any) -> dict[str, torch.Tensor]:
        wanted = recipe(model={"name": "small_cnn"}, **changes)
        return prepare(wanted, load_data(wanted.data)).model.state_dict()

    own = weights()
    spec = load_data(recipe().data).spec
    assert all(
        torch.equal(each, own[name])
        for name, each in build_model(recipe(model={"name": "small_cnn"}), spec).state_dict().items()
    )
    drawn = weights(initialization={"name": "kaiming_normal", "fan": "fan_out"})
    again = weights(initialization={"name": "kaiming_normal", "fan": "fan_out"})
    other = weights(initialization={"name": "kaiming_normal", "fan": "fan_out"}, seed=1)
    assert all(torch.equal(each, again[name]) for name, each in drawn.items())
    assert not torch.equal(drawn["stage3.conv2.weight"], other["stage3.conv2.weight"])
    assert float(drawn["stage3.conv2.weight"].std()) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)


def test_weights_scaled_on_data_see_the_first_training_batch() -> None:
    wanted = recipe(model={"name": "small_cnn"}, initialization={"name": "lsuv"})
    prepared = prepare(wanted, load_data(wanted.data))
    (batch,) = next(prepared.loader.batches(0)).inputs
    output = prepared.model.get_submodule("stage1.conv1")(batch)
    assert float(output.detach().var(correction=0)) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"initialization": {"name": "kaiming"}}, "initialization: unknown name, got `kaiming`"),
        ({"initialization": {"name": "normal", "gain": 1}}, "initializer `normal`: unknown option `gain`"),
        (
            {"training": {"recompute_statistics": True}},
            "training.recompute_statistics: needs a network with batch norm",
        ),
    ],
)
def test_refuses_what_does_not_fit_the_network(change: dict[str, Any], says: str) -> None:
    wanted = recipe(**change)
    with pytest.raises(InputError, match=says):
        prepare(wanted, load_data(wanted.data))


@pytest.mark.parametrize("ema", [None, 0.9])
def test_statistics_are_those_of_the_whole_training_split(tmp_path: Path, ema: float | None) -> None:
    training = {"epochs": 2, "threads": 1, "batch_size": 50, "recompute_statistics": True} | (
        {"ema": ema} if ema else {}
    )
    wanted = recipe(model={"name": "mlp", "normalization": "batch"}, training=training)
    run = gradus.train(wanted, run=tmp_path / "run")
    model: Any = run.model()
    inputs = torch.cat([batch.inputs[0] for batch in prepare(wanted, load_data(wanted.data)).population])
    seen = model.hidden1(model.flatten(inputs)).detach()
    torch.testing.assert_close(model.normalization1.running_mean, seen.mean(dim=0), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.normalization1.running_var, seen.var(dim=0, correction=0), rtol=1e-4, atol=1e-5)


def test_exact_statistics_score_better_where_running_averages_lag(tmp_path: Path) -> None:
    def loss(seed: int, **training: Any) -> float:
        wanted = recipe(
            seed=seed,
            model={"name": "small_cnn"},
            optimizer={"name": "adamw", "lr": 1e-2},
            training={"epochs": 1, "threads": 1, **training},
        )
        return float(gradus.train(wanted, run=tmp_path / f"{seed}{len(training)}").result["metrics"]["test_loss"])

    for seed in (0, 1):
        assert loss(seed, recompute_statistics=True) < 0.6 * loss(seed)


def test_the_callers_random_state_and_threads_are_left_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    run = gradus.train(recipe(training={"epochs": 1, "threads": 1}), run=tmp_path / "run")
    assert run.environment["threads"] == 1
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(("examples", "batch_size", "accumulate"), [(16, 10, 4), (11, 10, 1), (7, 20, 3), (24, 8, 3)])
def test_the_smallest_piece_is_that_of_the_batches_as_they_are_split(
    examples: int, batch_size: int, accumulate: int, drop_last: bool
) -> None:
    sizes = [min(batch_size, examples - start) for start in range(0, examples, batch_size)]
    if drop_last and len(sizes) > 1:
        sizes = [size for size in sizes if size == batch_size]
    batches = [Batch((torch.zeros(size, 1),), torch.zeros(size), torch.arange(size)) for size in sizes]
    pieces = [len(piece) for batch in batches for piece in batch.split(accumulate)]
    training = Training(batch_size=batch_size, accumulate=accumulate, drop_last=drop_last)
    assert _smallest_batch(examples, training) == min(pieces)


@pytest.mark.parametrize("item", ["shift", "flip", "noise", "cutout", "mixup", "cutmix"])
def test_only_training_sees_changed_examples(item: str) -> None:
    wanted = recipe(data={"name": "digits", "augment": [item]})
    raw = load_data(wanted.data)
    prepared = prepare(wanted, raw)
    plain = prepare(recipe(), raw)
    assert prepared.evaluation.keys() == plain.evaluation.keys() == {"validation", "test"}
    for name, loader in prepared.evaluation.items():
        for batch, as_it_is in zip(loader.batches(0), plain.evaluation[name].batches(0), strict=True):
            assert torch.equal(batch.inputs[0], as_it_is.inputs[0])
            assert torch.equal(batch.target, as_it_is.target)
    (batch, *_), (as_it_is, *_) = (list(each.loader.batches(0)) for each in (prepared, plain))
    assert torch.equal(batch.index, as_it_is.index)
    assert not torch.equal(batch.inputs[0], as_it_is.inputs[0])


def test_what_is_mixed_in_comes_from_the_training_split() -> None:
    """Validation and test images hold a level that no training image has; nothing of it arrives in training."""
    wanted = recipe(data={"name": "digits", "augment": [{"name": "cutmix", "alpha": 0.5}], "preprocess": "none"})
    raw = load_data(wanted.data)
    held_out = np.setdiff1d(np.arange(len(raw.train)), prepare(wanted, raw).splits.train.index)
    images = np.array(raw.train.inputs[0])
    images[held_out] = 254
    assert not (np.delete(images, held_out, axis=0) == 254).any()
    marked = replace(raw, train=replace(raw.train, inputs=(images,)))
    loader = prepare(wanted, marked).loader
    assert not any((batch.inputs[0] == 254).any() for epoch in range(2) for batch in loader.batches(epoch))


@pytest.mark.parametrize("bootstrap", [False, True])
def test_balanced_classes_are_those_of_the_training_split(bootstrap: bool) -> None:
    weighted = {"name": "cross_entropy", "class_weights": "balanced"}
    wanted = recipe(data={"name": "digits", "bootstrap": bootstrap}, criterion=weighted)
    prepared = prepare(wanted, load_data(wanted.data))
    expected = compute_class_weight("balanced", classes=np.arange(10), y=prepared.splits.train.target)
    assert isinstance(prepared.criterion, ClassWeighted)
    np.testing.assert_allclose(prepared.criterion.weight, expected, rtol=1e-7)


def penalized(*tables: dict[str, Any]) -> Recipe:
    return recipe(penalties=list(tables))


def test_penalties_are_on_what_they_name() -> None:
    wanted = penalized({"name": "l1", "strength": 1.0}, {"name": "l2", "strength": 2.0, "on": "output.*"})
    prepared = prepare(wanted, load_data(wanted.data))
    assert isinstance(prepared.objective, Supervised)
    one, two = prepared.objective.penalties
    sizes = {name: each.detach() for name, each in prepared.model.named_parameters()}
    torch.testing.assert_close(one(), sizes["hidden1.weight"].abs().sum() + sizes["output.weight"].abs().sum())
    torch.testing.assert_close(two(), sizes["output.weight"].square().sum() + sizes["output.bias"].square().sum())


def test_a_penalty_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "price.py").write_text(
        "def cube(weight, strength, power=3):\n    return strength * weight.norm(power)\n"
    )
    wanted = penalized({"module": f"{tmp_path}/price.py:cube", "strength": 2.0, "on": "output.weight"})
    prepared = prepare(wanted, load_data(wanted.data))
    expected = 2 * torch.linalg.vector_norm(prepared.model.get_parameter("output.weight"), ord=3)
    assert isinstance(prepared.objective, Supervised)
    torch.testing.assert_close(prepared.objective.penalties[0](), expected)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"name": "l3", "strength": 1.0}, r"penalties\.0: unknown name, got `l3`\. Known: elastic_net, "),
        ({"name": "l1"}, "penalty `l1`: option `strength` must be given"),
        ({"name": "l1", "strength": 1.0, "on": "fc.*"}, r"penalties\.0 `l1`: `on` fits no trainable parameter"),
        ({"module": "{code}:rows", "on": "output.weight"}, r"penalties\.0 `rows`: must give one finite number"),
        ({"module": "{code}:fails"}, r"penalties\.0 `fails`: raises ZeroDivisionError"),
    ],
)
def test_a_penalty_that_cannot_be_paid_is_refused(table: dict[str, Any], says: str, tmp_path: Path) -> None:
    code = tmp_path / "price.py"
    code.write_text("def rows(weight):\n    return weight.sum(1)\ndef fails(weight):\n    return 1 / 0\n")
    table = {name: each.format(code=code) if isinstance(each, str) else each for name, each in table.items()}
    wanted = penalized(table)
    with pytest.raises(InputError, match=says):
        prepare(wanted, load_data(wanted.data))


def test_an_optimizer_of_squares_takes_no_penalty() -> None:
    wanted = recipe(
        data={"name": "line", "validation": 0.0, "test": 0.0},
        model={"name": "linear_regression"},
        criterion={"name": "mse"},
        optimizer={"name": "levenberg_marquardt"},
        penalties=[{"name": "l2", "strength": 0.1}],
        training={"batch_size": "full"},
    )
    with pytest.raises(InputError, match="penalties: optimizer `levenberg_marquardt` needs a sum of squares"):
        prepare(wanted, load_data(wanted.data))


def test_sparse_gradients_are_for_optimizers_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\nfrom torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.table = nn.Embedding(64, 10, sparse=True)\n"
        "    def forward(self, x):\n        return self.table(x.flatten(1).argmax(1))\n"
        "def make(parameters):\n    return torch.optim.SparseAdam(parameters)\n"
    )
    changes: dict[str, Any] = {"model": {"module": f"{tmp_path}/net.py:Net"}, "training": {"epochs": 1}}
    with pytest.raises(InputError, match="model: must have dense gradients"):
        gradus.train(recipe(**changes), run=tmp_path / "run")
    changes["optimizer"] = {"module": f"{tmp_path}/net.py:make"}
    assert gradus.train(recipe(**changes), run=tmp_path / "run").outcome == "finished"
