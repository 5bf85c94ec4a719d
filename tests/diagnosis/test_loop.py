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
from tests.diagnosis.loops import STEPS, cleared_before, error, perceptron, signs_of
from tests.diagnosis.test_probe import X, Y


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


# ---- gradients ------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("every", "clears", "caught"),
    [(1, False, True), (1, True, False), (3, True, False)],  # the last adds up three passes before it steps
)
def test_weights_that_are_changed_without_an_optimizer(every: int, clears: bool, caught: bool) -> None:
    weight = torch.zeros(3, requires_grad=True)

    def body(step: int) -> None:
        for number in range(4 * step, 4 * step + 4):  # so many that not each is looked at
            ((X[:, :3] @ weight - Y[:, 0]) ** 2).mean().backward()
            if number % every == every - 1:
                assert weight.grad is not None
                weight.data = weight.data - 0.01 * weight.grad.data
                if clears:
                    weight.grad.zero_()

    found = signs_of(perceptron(), body, everything=True)
    assert (len(found.stale_steps) >= 3, bool(found.stale_steps)) == (caught, caught)
    assert bool(found.fresh_steps) != caught


def test_what_does_not_move_may_keep_its_gradient() -> None:
    """As the weights of a network that an input is sought for, step by step."""
    frozen, sought = torch.ones(3, requires_grad=True), torch.zeros(3, requires_grad=True)

    def body(_: int) -> None:
        (sought @ frozen - 1).square().backward()
        assert sought.grad is not None
        sought.data -= 0.01 * sought.grad
        sought.grad = None

    found = signs_of(perceptron(), body, everything=True)
    assert (found.stale_steps, found.fresh_steps > 3) == ([], True)


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


@pytest.mark.parametrize(
    ("passes", "clears", "gathers", "elsewhere", "seldom"),
    [
        (6, True, False, False, True),
        (6, False, False, False, False),  # they are added up
        (6, True, True, False, False),  # each is clipped by itself, say
        (3, True, False, False, False),  # two are cleared, as where a step is tried first
        (6, True, False, True, False),  # those before the last are of other parameters
    ],
)
def test_steps_after_gradients_that_were_cleared(
    passes: int, clears: bool, gathers: bool, elsewhere: bool, seldom: bool
) -> None:
    model, other = perceptron(), torch.ones(3, requires_grad=True)
    sgd = SGD(model.parameters(), lr=0.01)

    def body(_: int) -> None:
        sums = [torch.zeros_like(each) for each in model.parameters()]
        sgd.zero_grad()
        for turn in range(passes):
            if clears:
                sgd.zero_grad()
            if elsewhere and turn < passes - 1:
                other.square().sum().backward()
                continue
            (torch.rand(()) * error(model) + torch.rand(()) * model(X).square().mean()).backward()
            for total, each in zip(sums, model.parameters(), strict=True):
                total.add_(each.grad if each.grad is not None else 0)
        nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
        for total, each in zip(sums, model.parameters(), strict=True):
            each.grad = total if gathers else each.grad
        sgd.step()

    found = signs_of(model, body)
    assert (found.wasteful_steps >= 5) is seldom


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


@pytest.mark.parametrize(
    "make", [lambda seed: np.random.default_rng(seed=seed), lambda seed: torch.Generator().manual_seed(seed)]
)
@pytest.mark.parametrize(("times", "same", "expected"), [(8, True, STEPS), (7, True, 0), (8, False, 0)])
def test_generators_made_for_each_example(make: Callable[[int], object], times: int, same: bool, expected: int) -> None:
    model = perceptron()
    sgd = SGD(model.parameters(), lr=0.01)

    def body(step: int) -> None:
        for example in range(times):
            make(3 if same else example)
        cleared_before(model, sgd)

    assert signs_of(model, body).reseeded == expected


@pytest.mark.parametrize("every", [1, 2])
def test_generators_made_for_examples_of_an_evaluation(every: int) -> None:
    """A pass without gradients at every step is a teacher's, of the examples that are trained on."""
    model = perceptron()
    sgd = SGD(model.parameters(), lr=0.01)

    def body(step: int) -> None:
        if step % every == 0:
            for _ in range(8):
                np.random.default_rng(3)
            with torch.no_grad():
                model(X)
        cleared_before(model, sgd)

    assert (signs_of(model, body).reseeded > 0) is (every == 1)


@pytest.mark.parametrize("same", [True, False])
def test_generators_made_anew_of_a_seed_that_another_had(same: bool) -> None:
    model = perceptron()
    sgd = SGD(model.parameters(), lr=0.01)

    def body(step: int) -> None:
        torch.Generator().manual_seed(3 if same else step)
        cleared_before(model, sgd)

    assert signs_of(model, body).remade == (STEPS - 1 if same else 0)
