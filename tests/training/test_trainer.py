"""The loop against loops written by hand."""

import math
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from gradus.core.batch import Batch
from gradus.data.arrays import from_arrays
from gradus.data.batching import Loader, ResidentStore
from gradus.data.preprocessing import Preprocessing
from gradus.data.splits import Split
from gradus.training.callbacks import Callback, KeepBest
from gradus.training.objective import Supervised
from gradus.training.recipe import Training
from gradus.training.trainer import NON_FINITE, Trainer


def make_loader(count: int = 40, batch_size: int = 8, *, shuffle: bool = True) -> Loader:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 5)).astype(np.float32)
    raw = from_arrays(x, x @ rng.normal(size=(5, 2)), task="regression")
    index = np.arange(count)
    store = ResidentStore(raw.train, Preprocessing.none(), torch.device("cpu"))
    return Loader(Split(raw.train, index), store, batch_size=batch_size, seed=3, shuffle=shuffle)


def make_network(*, dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Dropout(dropout), nn.Linear(7, 2))


def make_trainer(
    network: nn.Module, *callbacks: Callback, loader: Loader | None = None, lr: float = 0.05, **settings: Any
) -> Trainer:
    objective = Supervised(network, mse_loss, torch.optim.SGD(network.parameters(), lr=lr, momentum=0.9))
    return Trainer(objective, loader or make_loader(), Training(**settings), callbacks=callbacks)


def train_by_hand(
    network: nn.Module, epochs: int, between: Callable[[nn.Module], None] = lambda network: None
) -> list[float]:
    """The same training as a plain loop; the mean loss of each epoch."""
    loader = make_loader()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    means = []
    for epoch in range(epochs):
        total = 0.0
        for batch in loader.batches(epoch):
            optimizer.zero_grad()
            loss = mse_loss(network(batch.inputs[0]), batch.target)
            loss.backward()
            between(network)
            optimizer.step()
            total += loss.item() * len(batch)
        means.append(total / loader.examples)
    return means


class Values(Callback):
    """Keeps what every epoch came to."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []

    def epoch_ended(self, trainer: Trainer, values: dict[str, float]) -> None:
        self.epochs.append(values)


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_trains_to_the_bits_of_a_plain_loop() -> None:
    ours, by_hand, seen = make_network(), make_network(), Values()
    make_trainer(ours, seen, epochs=3).fit()
    means = train_by_hand(by_hand, 3)
    assert same_weights(ours, by_hand)
    assert [each["train_loss"] for each in seen.epochs] == pytest.approx(means, rel=1e-12)


@pytest.mark.parametrize("by", ["norm", "value"])
def test_clips_gradients_before_the_step(by: str) -> None:
    ours, by_hand = make_network(), make_network()
    clip = nn.utils.clip_grad_norm_ if by == "norm" else nn.utils.clip_grad_value_
    settings: dict[str, Any] = {f"clip_{by}": 0.01, "epochs": 2}
    make_trainer(ours, **settings).fit()
    train_by_hand(by_hand, 2, between=lambda network: void(clip(network.parameters(), 0.01)))
    assert same_weights(ours, by_hand)


def void(_: object) -> None:
    """Discard a result."""


@pytest.mark.parametrize("pieces", [2, 3, 8])
def test_accumulation_takes_the_same_step_in_pieces(pieces: int) -> None:
    whole, pieced = make_network(), make_network()
    make_trainer(whole, epochs=2).fit()
    make_trainer(pieced, epochs=2, accumulate=pieces).fit()
    for a, b in zip(whole.parameters(), pieced.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_average_of_the_weights_follows_its_recursion() -> None:
    network = make_network()
    averages: list[Tensor] = []

    class Follow(Callback):
        def step_ended(self, trainer: Trainer) -> None:
            weight = network.state_dict()["0.weight"].clone()
            # torch starts the average at the weights after the first step
            averages.append(weight if not averages else 0.9 * averages[-1] + 0.1 * weight)

    trainer = make_trainer(network, Follow(), epochs=2, ema=0.9)
    trainer.fit()
    average = trainer.networks()["model"].state_dict()["0.weight"]
    torch.testing.assert_close(average, averages[-1], rtol=1e-5, atol=1e-7)
    assert not torch.equal(average, network.state_dict()["0.weight"])


def test_bf16_computes_the_forward_pass_under_autocast() -> None:
    network, seen = make_network(), []
    network[0].register_forward_hook(lambda module, given, output: seen.append(output.dtype))
    make_trainer(network, epochs=1, precision="bf16").fit()
    assert set(seen) == {torch.bfloat16}
    assert network[0].weight.dtype == torch.float32


def test_random_numbers_of_a_step_do_not_depend_on_what_ran_before() -> None:
    quiet, noisy = make_network(dropout=0.5), make_network(dropout=0.5)

    class Spend(Callback):
        def step_ended(self, trainer: Trainer) -> None:
            torch.rand(17)

    make_trainer(quiet, epochs=2).fit()
    make_trainer(noisy, Spend(), epochs=2).fit()
    assert same_weights(quiet, noisy)


def test_dropout_differs_from_step_to_step() -> None:
    masks: list[Tensor] = []
    network = make_network(dropout=0.5)
    network[2].register_forward_hook(lambda module, given, output: masks.append(output == 0))
    make_trainer(network, epochs=1).fit()
    assert not torch.equal(masks[0], masks[1])


def test_stops_at_a_loss_that_is_not_finite_and_knows_the_step() -> None:
    network = make_network()
    poisoned = 7
    calls = count(1)

    def criterion(output: Tensor, target: Tensor) -> Tensor:
        return mse_loss(output, target) * (math.nan if next(calls) == poisoned else 1.0)

    objective = Supervised(network, criterion, torch.optim.SGD(network.parameters(), lr=0.01))
    trainer = Trainer(objective, make_loader(), Training(epochs=9))
    trainer.fit()
    assert (trainer.stopped, trainer.diverged_at) == (NON_FINITE, poisoned)
    assert trainer.epoch < 9


def test_continues_from_its_state_to_the_same_bits() -> None:
    whole, resumed = make_network(dropout=0.3), make_network(dropout=0.3)
    straight = make_trainer(whole, epochs=3, ema=0.9)
    straight.fit()

    class StopAt(Callback):
        def step_ended(self, trainer: Trainer) -> None:
            if trainer.step == 7:  # in the middle of the second epoch
                trainer.stop("interrupted")

    first = make_trainer(resumed, StopAt(), epochs=3, ema=0.9)
    first.fit()
    assert first.step == 7
    state = first.state_dict()
    second = make_trainer(make_network(dropout=0.3), epochs=3, ema=0.9)
    second.load_state_dict(state)
    second.fit()
    assert same_weights(second.objective.modules()["model"], whole)
    assert same_weights(second.networks()["model"], straight.networks()["model"])


def test_keeps_the_best_weights_and_stops_without_improvement() -> None:
    network = make_network()
    losses = iter([3.0, 2.0, math.nan, 2.5, 1.0, 0.5])
    kept = {}

    def judge(networks: Any) -> dict[str, float]:
        value = next(losses)
        if value == 2.0:
            kept.update({name: each.clone() for name, each in networks["model"].state_dict().items()})
        return {"validation_loss": value}

    best = KeepBest(patience=2)
    objective = Supervised(network, mse_loss, torch.optim.SGD(network.parameters(), lr=0.05))
    trainer = Trainer(objective, make_loader(), Training(epochs=6), evaluate=judge, callbacks=[best])
    trainer.fit()
    assert (trainer.stopped, trainer.epoch, best.best, best.best_epoch) == ("early stopping", 4, 2.0, 2)
    best.restore(trainer)
    assert all(torch.equal(network.state_dict()[name], each) for name, each in kept.items())


def test_evaluates_as_often_as_asked_and_at_the_end() -> None:
    asked: list[int] = []
    network = make_network()

    def judge(networks: object) -> dict[str, float]:
        asked.append(trainer.epoch)
        return {}

    objective = Supervised(network, mse_loss, torch.optim.SGD(network.parameters(), lr=0.05))
    trainer = Trainer(
        objective,
        make_loader(),
        Training(epochs=5, evaluate_every=2),
        evaluate=judge,
    )
    trainer.fit()
    assert asked == [2, 4, 5]


@pytest.mark.parametrize(("batch_size", "steps"), [(40, 1), (1, 40), (16, 3)])
def test_batch_stochastic_and_mini_batch_descent_are_one_setting(batch_size: int, steps: int) -> None:
    network = make_network()
    trainer = make_trainer(network, loader=make_loader(batch_size=batch_size), lr=0.001, epochs=1)
    trainer.fit()
    assert trainer.step == steps


def test_full_batch_step_is_the_gradient_of_the_whole_set() -> None:
    ours, by_hand = make_network(), make_network()
    loader = make_loader(batch_size=40)
    make_trainer(ours, loader=loader, epochs=1).fit()
    batch: Batch = next(make_loader(batch_size=40, shuffle=False).batches(0))
    mse_loss(by_hand(batch.inputs[0]), batch.target).backward()
    for a, b in zip(ours.parameters(), by_hand.parameters(), strict=True):
        assert b.grad is not None
        torch.testing.assert_close(a, b - 0.05 * b.grad, rtol=1e-5, atol=1e-7)


def test_a_criterion_without_parameters_has_no_average() -> None:
    network = make_network()
    objective = Supervised(network, nn.MSELoss(), torch.optim.SGD(network.parameters(), lr=0.05))
    trainer = Trainer(objective, make_loader(), Training(epochs=2, ema=0.9))
    trainer.fit()
    networks = trainer.networks()
    assert networks["criterion"] is objective.criterion
    assert not torch.equal(networks["model"].state_dict()["0.weight"], network.state_dict()["0.weight"])
