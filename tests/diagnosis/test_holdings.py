"""Who learns and who holds it, and what looks as if it did not and is right."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD, Adam

from gradus.diagnosis.holdings import find_optimizers
from tests.diagnosis.loops import STEPS, cleared_before, perceptron, signs_of
from tests.diagnosis.test_probe import X, Y, probing


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_every_parameter_is_where_it_belongs() -> None:
    model = perceptron()
    sgd = SGD(model.parameters(), lr=0.01)
    found = signs_of(model, lambda _: cleared_before(model, sgd))
    assert (found.orphans, found.orphan_share, found.unregistered, found.unreached) == ((), 0, (), ())
    assert (found.frozen, found.frozen_places) == (0, ())


def test_a_parameter_that_no_optimizer_holds() -> None:
    model = perceptron()
    sgd = SGD(model[0].parameters(), lr=0.01)
    found = signs_of(model, lambda _: cleared_before(model, sgd))
    assert set(found.orphans) == {"net:2.weight", "net:4.weight"}
    total = sum(each.numel() for each in model.parameters())
    assert found.orphan_share == pytest.approx((16 * 16 + 16) / total)


@pytest.mark.parametrize("steps", [True, False])
def test_weights_whose_optimizer_never_steps(steps: bool) -> None:
    model = perceptron()
    sgd, other = SGD(model[0].parameters(), lr=0.01), SGD(model[2:].parameters(), lr=0.01)

    def body(_: int) -> None:
        other.zero_grad()
        cleared_before(model, sgd)
        if steps:
            other.step()

    assert set(signs_of(model, body).waiting) == (set() if steps else {"net:2.weight", "net:4.weight"})


@pytest.mark.parametrize("part", [True, False])
def test_an_optimizer_that_was_made_before_a_model_was_changed(part: bool) -> None:
    """It still holds the weights of a layer that the model has no more."""
    model = perceptron()
    sgd = SGD(model[:2].parameters() if part else model.parameters(), lr=0.01)
    if not part:
        model[2] = nn.Linear(16, 16)
    found = signs_of(model, lambda _: cleared_before(model, sgd))
    assert "net:2.weight" in found.orphans
    assert found.left_behind is not part


@pytest.mark.parametrize("moves", [True, False])
def test_what_a_program_moves_by_hand_is_no_orphan(moves: bool) -> None:
    model = perceptron()
    sgd = SGD([*model[0].parameters(), *model[4].parameters()], lr=0.01)
    matrix = model.get_parameter("2.weight")

    def body(_: int) -> None:
        matrix.grad = None
        cleared_before(model, sgd)
        if moves and matrix.grad is not None:
            matrix.data.sub_(0.01 * matrix.grad)

    assert (signs_of(model, body).orphans == ()) is moves


@pytest.mark.parametrize("teaches", [True, False])
def test_a_teacher_that_gradients_reach_is_no_orphan(teaches: bool) -> None:
    """What only targets depend on is not meant to learn."""
    model, other = perceptron(), perceptron()
    sgd = SGD(model.parameters(), lr=0.01)

    def body(_: int) -> None:
        sgd.zero_grad()
        said = model(X)
        (F.mse_loss(said, other(X)) if teaches else F.mse_loss(said + other(X), Y)).backward()
        sgd.step()

    assert (signs_of(model, body, everything=True).orphans == ()) is teaches


class Branched(nn.Module):
    """Two heads on a trunk; the second may be cut off from it."""

    def __init__(self, *, cut: bool) -> None:
        super().__init__()
        self.trunk, self.one, self.two, self.cut = nn.Linear(3, 16), nn.Linear(16, 1), nn.Linear(16, 16), cut
        self.top = nn.Linear(16, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.trunk(x).tanh()
        if self.cut:
            return self.one(h.detach()), self.two(h)
        return self.one(h), self.top(self.two(h))


@pytest.mark.parametrize("cut", [True, False])
def test_a_head_that_is_not_used_is_no_cut(cut: bool) -> None:
    model = Branched(cut=cut)
    sgd = SGD(model.parameters(), lr=0.01)

    def body(_: int) -> None:
        sgd.zero_grad()
        F.mse_loss(model(X)[0], Y).backward()
        sgd.step()

    assert signs_of(model, body).unreached == (("net:trunk.weight", "net:two.weight") if cut else ())


@pytest.mark.parametrize("cut", [True, False])
def test_a_branch_beside_what_learns_may_be_cut_off_too(cut: bool) -> None:
    """Its layer is given what learns, and what it makes goes on detached; or is not used at all."""
    model = Branched(cut=False)
    sgd = SGD(model.parameters(), lr=0.01)

    def forward(x: Tensor) -> Tensor:
        h = model.trunk(x).tanh()
        made: Tensor = model.two(h)
        added: Tensor = model.top(h + made.detach()) if not cut else h.mean(1, keepdim=True) + model.top(made.detach())
        return added

    model.forward = forward  # type: ignore[method-assign, assignment]
    found = signs_of(model, lambda _: cleared_before(model, sgd)).unreached
    assert ("net:two.weight" in found) is cut


@pytest.mark.parametrize("moves", [True, False])
def test_what_is_moved_without_gradients_is_not_cut_off(moves: bool) -> None:
    """As a codebook that follows averages."""
    model = perceptron()
    sgd = SGD(model.parameters(), lr=0.01)
    matrix = model.get_parameter("0.weight")

    model.forward = lambda x: model[2:](model[:2](x).detach())  # type: ignore[method-assign]

    def whole(_: int) -> None:
        cleared_before(model, sgd)
        if moves:
            matrix.data.mul_(0.99)

    assert signs_of(model, whole).unreached == (() if moves else ("net:0.weight",))


@pytest.mark.parametrize("points", [True, False])
def test_points_at_which_an_equation_is_solved_are_no_parameters(points: bool) -> None:
    """They need gradients, are kept by the model, and are as many as there are outputs."""
    model = perceptron()
    kept = model.kept = torch.rand(50, 3, requires_grad=True)
    sgd = SGD(model.parameters(), lr=0.01)

    def body(_: int) -> None:
        sgd.zero_grad()
        given = kept if points else X + kept.mean(0)
        model(given).square().mean().backward()
        sgd.step()

    assert bool(signs_of(model, body).unregistered) is not points


class Shifted(nn.Module):
    """A layer behind a shift that is a plain tensor; whether the program changes it by hand can be told."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = torch.zeros(1, 8, requires_grad=True)
        self.layer = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x + self.shift)
        return out


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_tensor_of_a_module_that_is_no_parameter(by_hand: bool) -> None:
    model = Shifted()
    sgd = SGD(model.parameters(), lr=0.01)

    def body(_: int) -> None:
        sgd.zero_grad()
        model(torch.randn(16, 8)).square().mean().backward()
        sgd.step()
        if by_hand:
            model.shift.data.sub_(0.01 * torch.ones(8))

    assert bool(signs_of(model, body).unregistered) is not by_hand


def test_what_another_optimizer_holds_is_no_orphan() -> None:
    model = perceptron()
    one, two = SGD(model[:2].parameters(), lr=0.01), Adam(model[2:].parameters())

    def body(_: int) -> None:
        cleared_before(model, one)
        two.step()
        two.zero_grad()

    assert signs_of(model, body).orphans == ()


@pytest.mark.parametrize("fresh", [True, False])
def test_frozen_layers_as_initialized_and_as_trained(fresh: bool) -> None:
    model = perceptron()
    frozen = model.get_parameter("2.weight").requires_grad_(False)
    if not fresh:
        frozen += 0.5 * torch.outer(torch.ones(16), torch.linspace(-1, 1, 16))  # shared by all units, as training adds
    sgd = SGD([each for each in model.parameters() if each.requires_grad], lr=0.01)
    found = signs_of(model, lambda _: cleared_before(model, sgd))
    assert found.frozen == (pytest.approx(16 * 16 / (3 * 16 + 16 * 16 + 16)) if fresh else 0)
    assert found.frozen_places == (("net:2.weight",) if fresh else ())
    assert found.kept == pytest.approx(16 * 16 / (3 * 16 + 16 * 16 + 16))
    assert found.kept_places == ("net:2.weight",)


@pytest.mark.parametrize("waits", [True, False])
def test_layers_whose_turn_has_not_come_may_be_frozen(waits: bool) -> None:
    model = perceptron()
    model[2].requires_grad_(False)
    first = SGD([*model[0].parameters(), *model[4].parameters()], lr=0.01)
    second = SGD((model[2] if waits else perceptron()[2]).parameters(), lr=0.01)
    found = signs_of(model, lambda _: cleared_before(model, first))
    assert (found.frozen == 0) is waits
    assert second.param_groups


@pytest.mark.parametrize("trained", [True, False])
def test_layers_that_this_program_trained_before_may_be_frozen(trained: bool) -> None:
    """However like their beginnings a few steps left them."""
    model = perceptron()
    first = SGD(model.parameters() if trained else model[4].parameters(), lr=1e-4)
    tuned = SGD(model[4].parameters(), lr=0.01)

    def body(step: int) -> None:
        model[2].requires_grad_(trained and step < STEPS)
        cleared_before(model, first if step < STEPS else tuned)

    with probing() as probe:
        for step in range(2 * STEPS + 20):
            body(step)
    assert (probe.history.loop.frozen == 0) is trained


def test_optimizers_are_found() -> None:
    sgd = SGD(perceptron().parameters(), lr=0.01)
    assert any(each is sgd for each in find_optimizers())
