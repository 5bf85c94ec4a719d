"""Objectives of three kinds under the one Trainer: supervised, closure optimizers, two players."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from gradus.core.batch import Batch
from gradus.core.errors import InputError
from gradus.training.objective import Phase, Signs, Supervised, output_of, with_gradients
from gradus.training.recipe import Training
from gradus.training.trainer import Trainer
from tests.training.test_trainer import Values, make_loader, make_network, same_weights


def test_closure_optimizer_gets_the_same_steps_as_by_hand() -> None:
    ours, by_hand = make_network(), make_network()
    optimizer = torch.optim.LBFGS(ours.parameters(), line_search_fn="strong_wolfe", max_iter=5)
    loader = make_loader(batch_size=40, shuffle=False)
    Trainer(Supervised(ours, mse_loss, optimizer, closure=True), loader, Training(epochs=4)).fit()

    reference = torch.optim.LBFGS(by_hand.parameters(), line_search_fn="strong_wolfe", max_iter=5)
    batch = next(loader.batches(0))

    def closure() -> Any:
        reference.zero_grad()
        loss = mse_loss(by_hand(batch.inputs[0]), batch.target)
        loss.backward()
        return loss

    for _ in range(4):
        reference.step(closure)
    assert same_weights(ours, by_hand)


def test_a_line_search_sees_one_function_despite_dropout() -> None:
    network, masks = make_network(dropout=0.5), []
    network[2].register_forward_hook(lambda module, given, output: masks.append(output == 0))
    optimizer = torch.optim.LBFGS(network.parameters(), max_iter=4)
    loader = make_loader(batch_size=40, shuffle=False)
    Trainer(Supervised(network, mse_loss, optimizer, closure=True), loader, Training(epochs=1)).fit()
    assert len(masks) > 1
    assert all(torch.equal(mask, masks[0]) for mask in masks)


def test_penalties_add_to_the_loss_and_are_told_apart() -> None:
    """The step is that of the sum, written by hand; its value is recorded beside the loss."""
    ours, by_hand = make_network(), make_network()
    (first, _, last, _), (w, _, v, _) = ours.parameters(), by_hand.parameters()
    penalties = [lambda: 0.1 * first.abs().sum(), lambda: 0.2 * last.square().sum()]
    objective = Supervised(ours, mse_loss, torch.optim.SGD(ours.parameters(), lr=0.05), penalties=penalties)
    loader, seen = make_loader(batch_size=40, shuffle=False), Values()
    Trainer(objective, loader, Training(epochs=3, accumulate=2), callbacks=[seen]).fit()

    reference = torch.optim.SGD(by_hand.parameters(), lr=0.05)
    batch = next(loader.batches(0))
    for values in seen.epochs:
        reference.zero_grad()
        penalty = 0.1 * w.abs().sum() + 0.2 * v.square().sum()
        loss = mse_loss(by_hand(batch.inputs[0]), batch.target) + penalty
        loss.backward()
        reference.step()
        assert values["train_penalty"] == pytest.approx(penalty.item(), rel=1e-6)
        assert values["train_loss"] == pytest.approx(loss.item(), rel=1e-6)
    for a, b in zip(ours.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


def test_penalties_keep_their_digits_under_autocast() -> None:
    network = make_network()
    weight = next(network.parameters())

    def gram() -> Tensor:  # a product, which autocast computes in bfloat16
        return (weight @ weight.T).sum()

    expected = gram().item()
    objective = Supervised(network, mse_loss, torch.optim.SGD(network.parameters()), penalties=[gram])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        _, signs = objective.compute(objective.phases[0], next(make_loader().batches(0)))
    assert signs["penalty"].item() == pytest.approx(expected, rel=1e-6)


class HalfWay(nn.Module):
    """Gives two more outputs and a penalty in training."""

    class Result(NamedTuple):
        output: Tensor
        auxiliary: tuple[Tensor, ...]
        penalty: Tensor
        weight: float = 0.25

    def __init__(self) -> None:
        super().__init__()
        self.network, self.first, self.second = make_network(), nn.Linear(5, 2), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor | Result:
        output: Tensor = self.network(x)
        if not self.training:
            return output
        return self.Result(output, (self.first(x), self.second(x)), self.first.weight.square().sum())


def test_losses_of_auxiliary_outputs_add_to_the_loss_by_their_weight() -> None:
    """The step is that of the sum, written by hand; what is added is recorded beside the loss."""
    ours, by_hand = HalfWay(), HalfWay()
    by_hand.load_state_dict(ours.state_dict())
    objective = Supervised(ours, mse_loss, torch.optim.SGD(ours.parameters(), lr=0.05))
    loader, seen = make_loader(batch_size=40, shuffle=False), Values()
    Trainer(objective, loader, Training(epochs=3), callbacks=[seen]).fit()

    reference = torch.optim.SGD(by_hand.parameters(), lr=0.05)
    batch = next(loader.batches(0))
    (x,), y = batch.inputs, batch.target
    first, second = by_hand.first, by_hand.second
    for values in seen.epochs:
        reference.zero_grad()
        auxiliary = 0.25 * mse_loss(first(x), y) + 0.25 * mse_loss(second(x), y)
        penalty = first.weight.square().sum()
        loss = mse_loss(by_hand.network(x), y) + auxiliary + penalty
        loss.backward()
        reference.step()
        assert values["train_auxiliary"] == pytest.approx(auxiliary.item(), rel=1e-6)
        assert values["train_penalty"] == pytest.approx(penalty.item(), rel=1e-6)
        assert values["train_loss"] == pytest.approx(loss.item(), rel=1e-6)
    for a, b in zip(ours.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


def test_in_evaluation_there_are_no_auxiliary_losses() -> None:
    model, batch = HalfWay().eval(), next(make_loader().batches(0))
    objective = Supervised(model, mse_loss, torch.optim.SGD(model.parameters()))
    loss, signs = objective.compute(objective.phases[0], batch)
    assert torch.equal(loss, mse_loss(model(*batch.inputs), batch.target))
    assert signs == {}


@pytest.mark.parametrize(
    ("model", "penalties", "added"),
    [(HalfWay(), (), "the auxiliary losses"), (make_network(), (lambda: torch.ones(()),), "the penalty")],
)
def test_residuals_take_nothing_that_is_added(model: nn.Module, penalties: Any, added: str) -> None:
    optimizer = torch.optim.SGD(model.parameters())
    objective = Supervised(model, lambda output, target: output - target, optimizer, penalties=penalties)
    with pytest.raises(InputError, match=f"to which {added} of a model cannot be added"):
        objective.compute(objective.phases[0], next(make_loader().batches(0)))


def test_a_criterion_with_state_is_a_network_too() -> None:
    model, criterion = make_network(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters())
    assert dict(Supervised(model, criterion, optimizer).modules()) == {"model": model, "criterion": criterion}
    assert dict(Supervised(model, mse_loss, optimizer).modules()) == {"model": model}


class Game:
    """min over x, max over y of x a y + x^2 / 2 - y^2 / 2, played in turns; y moves every `every` steps."""

    def __init__(self, every: int) -> None:
        self.x, self.y = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        x, y = tuple(self.x.parameters()), tuple(self.y.parameters())
        nn.init.constant_(self.x.weight, 1.0)
        nn.init.constant_(self.y.weight, 0.5)
        self.seen: list[tuple[str, Tensor | None]] = []
        self.phases = [
            Phase("x", x, torch.optim.SGD(x, lr=0.1)),
            Phase("y", y, torch.optim.SGD(y, lr=0.2), every=every),
        ]

    def modules(self) -> Mapping[str, nn.Module]:
        return {"x": self.x, "y": self.y}

    def compute(self, phase: Phase, batch: Batch) -> tuple[Tensor, Signs]:
        other = self.y if phase.name == "x" else self.x
        grad = other.weight.grad
        self.seen.append((phase.name, None if grad is None else grad.clone()))
        x, y = self.x.weight.sum(), self.y.weight.sum()
        value = 3.0 * x * y + x**2 / 2 - y**2 / 2
        return (value if phase.name == "x" else -value), {"payoff": value.detach()}

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


@pytest.mark.parametrize("every", [1, 3])
def test_two_players_follow_the_recursion_of_alternating_play(every: int) -> None:
    game, seen = Game(every), Values()
    Trainer(game, make_loader(), Training(epochs=2), callbacks=[seen]).fit()
    x, y = 1.0, 0.5
    for step in range(10):
        x -= 0.1 * (3 * y + x)
        if step % every == 0:
            y += 0.2 * (3 * x - y)
    assert game.x.weight.item() == pytest.approx(x, rel=1e-5)
    assert game.y.weight.item() == pytest.approx(y, rel=1e-5)
    assert {"train_x", "train_y", "train_x.payoff", "train_y.payoff"} <= seen.epochs[0].keys()


def test_players_draw_numbers_of_their_own() -> None:
    game, drawn = Game(1), {}

    def compute(phase: Phase, batch: Batch) -> tuple[Tensor, Signs]:
        drawn[phase.name] = torch.rand(3)
        return Game.compute(game, phase, batch)

    game.compute = compute  # type: ignore[method-assign]
    Trainer(game, make_loader(), Training(epochs=1)).fit()
    assert not torch.equal(drawn["x"], drawn["y"])


def test_a_turn_leaves_the_other_players_gradient_alone() -> None:
    game = Game(every=100)  # y moves in the first step only
    Trainer(game, make_loader(), Training(epochs=1)).fit()
    grads_of_y = [grad for name, grad in game.seen if name == "x"]
    assert grads_of_y[0] is None  # y had not moved yet
    # What y's own turn left, untouched by the turns of x after it, whose loss depends on y as well.
    left = grads_of_y[1]
    assert left is not None
    assert len(grads_of_y) == 5
    assert all(grad is not None and torch.equal(grad, left) for grad in grads_of_y[1:])


def test_a_two_player_run_continues_to_the_same_bits() -> None:
    straight, first, second = Game(2), Game(2), Game(2)
    Trainer(straight, make_loader(), Training(epochs=4)).fit()
    half = Trainer(first, make_loader(), Training(epochs=2))
    half.fit()
    rest = Trainer(second, make_loader(), Training(epochs=4))
    rest.load_state_dict(half.state_dict())
    rest.fit()
    assert torch.equal(second.x.weight, straight.x.weight)
    assert torch.equal(second.y.weight, straight.y.weight)


def test_gradients_found_without_a_graph_arrive_as_given() -> None:
    weight = nn.Parameter(torch.randn(3, 2))
    bias = nn.Parameter(torch.randn(3))
    given = [torch.randn(3, 2), torch.randn(3)]
    loss = with_gradients(torch.tensor(1.5), [weight, bias], given)
    assert loss.item() == 1.5
    (2.0 * loss).backward()
    assert weight.grad is not None
    assert bias.grad is not None
    assert torch.equal(weight.grad, 2.0 * given[0])
    assert torch.equal(bias.grad, 2.0 * given[1])


def test_output_is_the_tensor_or_the_first_of_a_tuple() -> None:
    output = torch.zeros(2)
    assert output_of(output) is output
    assert output_of((output, torch.ones(1))) is output
