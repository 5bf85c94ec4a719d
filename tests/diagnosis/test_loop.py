"""What loops do wrong between backward and step, and what they do rightly though it looks alike."""

import random
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import LBFGS, SGD, Adam, Optimizer

from gradus.diagnosis.cadence import FIRST_STEPS
from gradus.diagnosis.loop import find_optimizers
from gradus.diagnosis.signs import LoopSigns
from tests.diagnosis.test_probe import X, Y, probing

STEPS = 12


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def perceptron(*, norm: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    middle: nn.Module = nn.BatchNorm1d(16) if norm else nn.Tanh()
    return nn.Sequential(nn.Linear(3, 16), middle, nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))


def signs_of(model: nn.Module, body: Callable[[int], object], *, everything: bool = False) -> LoopSigns:
    with probing(*([] if everything else [model])) as probe:
        for step in range(STEPS):
            body(step)
    return probe.history.loop


def error(model: nn.Module) -> Tensor:
    return F.mse_loss(model(X), Y)


# ---- gradients ------------------------------------------------------------------------------------------------------


def cleared_before(model: nn.Module, sgd: Optimizer) -> None:
    sgd.zero_grad()
    error(model).backward()
    sgd.step()


def cleared_after(model: nn.Module, sgd: Optimizer) -> None:
    error(model).backward()
    sgd.step()
    sgd.zero_grad()


def cleared_between(model: nn.Module, sgd: Optimizer) -> None:
    loss = error(model)
    sgd.zero_grad(set_to_none=False)
    loss.backward()
    sgd.step()


def accumulated(model: nn.Module, sgd: Optimizer) -> None:
    sgd.zero_grad()
    for _ in range(3):
        error(model).backward()
    sgd.step()


@pytest.mark.parametrize("body", [cleared_before, cleared_after, cleared_between, accumulated])
def test_gradients_that_are_cleared(body: Callable[[nn.Module, Optimizer], None]) -> None:
    model = perceptron()
    sgd = SGD(model.parameters(), lr=0.01)
    found = signs_of(model, lambda _: body(model, sgd))
    assert found.stale_steps == []
    assert found.fresh_steps >= 5
    assert (found.unstepped, found.unused, found.idle_steps) == (0, 0, 0)


def test_gradients_that_are_never_cleared() -> None:
    model = perceptron()
    sgd = SGD(model.parameters(), lr=0.01)

    def body(_: int) -> None:
        error(model).backward()
        sgd.step()

    found = signs_of(model, body)
    assert found.stale_steps[:8] == list(range(1, 9))
    assert found.fresh_steps == 0


def test_a_closure_clears_for_itself() -> None:
    model = perceptron()
    lbfgs = LBFGS(model.parameters(), max_iter=3)

    def closure() -> Tensor:
        lbfgs.zero_grad()
        loss = error(model)
        loss.backward()
        return loss

    assert signs_of(model, lambda _: lbfgs.step(closure)).stale_steps == []


def test_a_closure_that_never_clears() -> None:
    model = perceptron()
    lbfgs = LBFGS(model.parameters(), max_iter=3)

    def closure() -> Tensor:
        loss = error(model)
        loss.backward()
        return loss

    found = signs_of(model, lambda _: lbfgs.step(closure))
    assert len(found.stale_steps) >= 3
    assert found.fresh_steps == 0


def test_the_one_of_two_optimizers_that_is_not_cleared() -> None:
    model = perceptron()
    first, second = SGD(model[0].parameters(), lr=0.01), SGD(model[4].parameters(), lr=0.01)

    def body(_: int) -> None:
        first.zero_grad()
        error(model).backward()
        first.step()
        second.step()

    found = signs_of(model, body, everything=True)
    assert len(found.stale_steps) >= 3
    assert found.fresh_steps == 0


def test_gradients_that_are_set_by_hand_are_added_to_nothing() -> None:
    """Those of weights of examples, say, while another optimizer's are cleared and computed."""
    model = perceptron()
    weight = torch.zeros(len(X), 1, requires_grad=True)
    inner, outer = SGD(model.parameters(), lr=0.01), SGD([weight], lr=0.01)

    def body(_: int) -> None:
        (weight.grad,) = torch.autograd.grad((torch.sigmoid(weight) * (model(X) - Y) ** 2).mean(), weight)
        outer.step()
        inner.zero_grad()
        error(model).backward()
        inner.step()

    assert signs_of(model, body, everything=True).stale_steps == []


@pytest.mark.parametrize("cut", [True, False])
def test_a_loss_made_anew_of_its_number_leads_to_no_parameter(cut: bool) -> None:
    model = perceptron()
    sgd = SGD(model.parameters(), lr=0.01)

    def body(_: int) -> None:
        sgd.zero_grad()
        loss = error(model)
        (torch.tensor(loss.item(), requires_grad=True) * 1 if cut else loss).backward()
        sgd.step()

    found = signs_of(model, body)
    assert (found.rootless >= 3) is cut
    assert (found.idle_steps >= 3) is cut


@pytest.mark.parametrize("clears", [True, False])
def test_backward_without_a_step(clears: bool) -> None:
    model = perceptron()

    def body(_: int) -> None:
        error(model).backward()
        if clears:
            model.zero_grad()

    found = signs_of(model, body)
    assert found.steps == 0
    assert found.unused >= 3
    assert (found.unstepped >= 3) is clears


def test_steps_without_gradients() -> None:
    model, twin = perceptron(), perceptron()
    adam = Adam(twin.parameters())

    def body(_: int) -> None:
        error(model).backward()
        adam.step()

    assert signs_of(model, body, everything=True).idle_steps == FIRST_STEPS  # of those that were looked at


@pytest.mark.parametrize("held", [True, False])
def test_an_optimizer_whose_turn_has_not_come(held: bool) -> None:
    """Each of two tasks has a head and an optimizer of its own, and all are stepped; unless nothing holds the other."""
    trunk, heads = perceptron()[:4], [nn.Linear(16, 1), nn.Linear(16, 1)]
    optimizers = [SGD(each.parameters(), lr=0.01) for each in (trunk, *(heads if held else heads[1:]))]

    def body(_: int) -> None:
        for each in optimizers:
            each.zero_grad()
        F.mse_loss(heads[0](trunk(X)), Y).backward()
        for each in optimizers:
            each.step()

    assert (signs_of(trunk, body, everything=True).idle_steps >= 3) is not held


@pytest.mark.parametrize("by_hand", [False, True])
def test_steps_with_what_an_earlier_model_left(by_hand: bool) -> None:
    """An optimizer kept while its model is copied; and one that is handed gradients, as Reptile's is."""
    model = perceptron()
    sgd = SGD(model.parameters(), lr=0.01)
    error(model).backward()
    copy = deepcopy(model)

    def body(_: int) -> None:
        copy.zero_grad()
        error(copy).backward()
        if by_hand:
            sgd.zero_grad()
            for each, other in zip(model.parameters(), copy.parameters(), strict=True):
                each.grad = each.detach() - other.detach()
        sgd.step()

    assert (signs_of(model, body, everything=True).idle_steps >= 3) is not by_hand


# ---- parameters -----------------------------------------------------------------------------------------------------


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


# ---- modes and seeds ------------------------------------------------------------------------------------------------


def test_training_in_evaluation_mode_since_some_step() -> None:
    model = perceptron(norm=True)
    sgd = SGD(model.parameters(), lr=0.01)

    def body(step: int) -> None:
        model.train(step < 5)
        cleared_before(model, sgd)

    found = signs_of(model, body)
    assert (found.was_training, found.eval_steps, found.eval_since) == (True, STEPS - 5, 5)


def test_a_model_whose_inputs_are_sought_may_be_in_evaluation_mode() -> None:
    """What the optimizer holds is a change of the inputs, as of an attack."""
    model = perceptron(norm=True).eval()
    change = torch.zeros(3, requires_grad=True)
    adam = Adam([change])

    def body(_: int) -> None:
        adam.zero_grad()
        F.mse_loss(model(X + change), Y).backward()
        adam.step()

    assert signs_of(model, body, everything=True).eval_steps == 0


def test_a_model_with_nothing_to_switch_may_stay_in_evaluation_mode() -> None:
    model = perceptron().eval()
    sgd = SGD(model.parameters(), lr=0.01)
    assert signs_of(model, lambda _: cleared_before(model, sgd)).eval_steps == 0


def test_batch_norms_that_are_frozen_may_stay_in_evaluation_mode() -> None:
    model = perceptron(norm=True).eval()
    for each in model.modules():
        if isinstance(each, nn.BatchNorm1d):
            each.requires_grad_(False)
    sgd = SGD([each for each in model.parameters() if each.requires_grad], lr=0.01)
    assert signs_of(model, lambda _: cleared_before(model, sgd)).eval_steps == 0


@pytest.mark.parametrize("turns", [True, False])
def test_batch_norms_that_are_frozen_while_another_learns(turns: bool) -> None:
    """A discriminator's, in its generator's turn; unless it never has one of its own."""
    maker, judge = perceptron(), nn.Sequential(nn.Linear(1, 16), nn.BatchNorm1d(16), nn.Linear(16, 1))
    one, two = SGD(maker.parameters(), lr=0.01), SGD(judge.parameters(), lr=0.01)

    def body(_: int) -> None:
        for on, optimizer in ((True, two), (False, one)) if turns else ((False, one),):
            judge.requires_grad_(on)
            optimizer.zero_grad()
            made = maker(X)
            judge(made.detach() if on else made).mean().backward()
            optimizer.step()

    assert bool(signs_of(maker, body, everything=True).drifting) is not turns


@pytest.mark.parametrize("same", [True, False])
def test_seeds_set_again(same: bool) -> None:
    model = perceptron()
    sgd = SGD(model.parameters(), lr=0.01)

    def body(step: int) -> None:
        torch.manual_seed(0 if same else step)
        cleared_before(model, sgd)

    assert signs_of(model, body).reseeded == (STEPS - 1 if same else 0)


def test_a_seed_is_no_matter_where_the_state_of_before_is_put_back() -> None:
    model = perceptron()
    sgd = SGD(model.parameters(), lr=0.01)

    def body(step: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
        state = random.getstate()
        random.seed(0)
        random.setstate(state)
        cleared_before(model, sgd)

    assert signs_of(model, body).reseeded == 0


@pytest.mark.parametrize(("times", "same", "expected"), [(8, True, STEPS), (7, True, 0), (8, False, 0)])
def test_generators_made_for_each_example(times: int, same: bool, expected: int) -> None:
    model = perceptron()
    sgd = SGD(model.parameters(), lr=0.01)

    def body(step: int) -> None:
        for example in range(times):
            np.random.default_rng(3 if same else example)
        cleared_before(model, sgd)

    assert signs_of(model, body).reseeded == expected


def test_optimizers_are_found() -> None:
    sgd = SGD(perceptron().parameters(), lr=0.01)
    assert any(each is sgd for each in find_optimizers())
