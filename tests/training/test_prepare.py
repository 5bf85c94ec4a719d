"""What is decided before training."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import gradus
from gradus.core.batch import Batch
from gradus.training.prepare import _smallest_batch, build_model, load_data, prepare, resolve
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
