"""What optimizers are set to, on states whose numbers are known."""

import math
from collections.abc import Iterable

import pytest
import torch
from pytorch_optimizer import AdaBelief
from torch import nn
from torch.optim import LBFGS, SGD, Adadelta, Adagrad, Adam, AdamW, Optimizer, RMSprop, SparseAdam

from gradus.diagnosis.optimizers import facts_of
from gradus.optim.second_order import NewtonCG


def weight(size: float = 1.0, gradient: float = 1.0) -> nn.Parameter:
    parameter = nn.Parameter(torch.full((4, 5), size))
    parameter.grad = torch.full((4, 5), gradient)
    return parameter


@pytest.mark.parametrize(
    ("optimizer", "coupled", "epsilon"),
    [
        (SGD([weight()], lr=0.1, weight_decay=0.01), True, 0.0),
        (Adam([weight()], lr=0.1, weight_decay=0.01), True, 1e-8),
        (Adam([weight()], lr=0.1, weight_decay=0.01, decoupled_weight_decay=True), False, 1e-8),
        (AdamW([weight()], lr=0.1, weight_decay=0.01), False, 1e-8),
        (RMSprop([weight()], lr=torch.tensor(0.1), weight_decay=0.01, eps=1e-3), True, 1e-3),
        (Adagrad([weight()], lr=0.1, weight_decay=0.01), True, 1e-10),
        (Adadelta([weight()], lr=0.1, weight_decay=0.01), True, 1e-6),
        (AdaBelief([weight()], lr=0.1, weight_decay=0.01), False, 1e-16),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Optimizer) else "",
)
def test_settings(optimizer: Optimizer, coupled: bool, epsilon: float) -> None:
    facts = facts_of(optimizer)
    assert facts.name == type(optimizer).__name__
    assert facts.rate == pytest.approx(0.1)
    assert (facts.decay, facts.coupled, facts.epsilon) == (0.01, coupled, epsilon)
    assert facts.decay_over_gradient == (pytest.approx(0.01) if coupled else 0)


def test_decay_over_gradient_is_the_ratio_of_both_terms() -> None:
    weights = [
        weight(3.0, 0.1),
        weight(2.0, 0.2),
        nn.Parameter(torch.ones(5)),
        weight(gradient=0.0),
        nn.Parameter(torch.ones(2, 2)),
    ]
    assert facts_of(SGD(weights, lr=1, weight_decay=0.5)).decay_over_gradient == pytest.approx(0.5 * 3 / 0.1)
    assert facts_of(SGD([weight(gradient=math.nan)], lr=1, weight_decay=0.5)).decay_over_gradient == 0


@pytest.mark.parametrize("steps", [1, 50])
def test_second_moments_drown_below_epsilon_whatever_the_step(steps: int) -> None:
    """With one gradient g at every step, Adam's corrected second moment is g^2: 3 of 20 elements lie below 1e-3."""
    parameter = weight()
    parameter.grad = torch.full((4, 5), 0.01)
    parameter.grad[0, :3] = 1e-4
    adam = Adam([parameter], lr=0, eps=1e-3)
    assert facts_of(adam).drowned == 0  # it has no state yet
    for _ in range(steps):
        adam.step()
    assert facts_of(adam).drowned == pytest.approx(3 / 20)
    assert facts_of(adam).shortened == pytest.approx(1 + 1e-3 / 0.01)
    adam.param_groups[0]["eps"] = 1e-8
    assert (facts_of(adam).drowned, facts_of(adam).shortened) == (0, 1)


@pytest.mark.parametrize("steps", [1, 50])
def test_second_moments_of_ones_own_have_any_name(steps: int) -> None:
    """The mean of gradients, here below 0, is no square; a count is what the start at zero is corrected by."""

    class Own(Optimizer):
        def step(self, closure: None = None) -> None:  # type: ignore[override]
            for each in self.param_groups[0]["params"]:
                state = self.state[each]
                state.setdefault("t", 0)
                state["t"] += 1
                for name, value, beta in (("m", each.grad, 0.9), ("v", each.grad**2, 0.999)):
                    state.setdefault(name, torch.zeros_like(each)).lerp_(value, 1 - beta)

    own = Own([weight(gradient=-0.01)], {"eps": 0.1, "lr": 1e-3})
    for _ in range(steps):
        own.step()
    assert facts_of(own).drowned == 1
    assert facts_of(own).shortened == pytest.approx(1 + 0.1 / 0.01, rel=1e-3)


def test_a_rate_of_another_name_is_not_known() -> None:
    class Langevin(Optimizer):
        def __init__(self, parameters: Iterable[nn.Parameter], epsilon: float) -> None:
            super().__init__(parameters, {"epsilon": epsilon})

    assert math.isnan(facts_of(Langevin([weight()], 1e-5)).rate)


def test_parameters_of_other_kinds() -> None:
    table = nn.Embedding(10, 3, sparse=True)
    table(torch.tensor([1, 2])).sum().backward()
    assert facts_of(SparseAdam(table.parameters(), lr=0.1)).rate == 0.1
    assert facts_of(SGD(table.parameters(), lr=0.1, weight_decay=0.1)).decay_over_gradient > 0
    numbers = nn.Parameter(torch.full((4, 5), 3 + 4j))
    numbers.grad = torch.full((4, 5), 6 + 8j)
    assert facts_of(SGD([numbers], lr=0.1, weight_decay=0.1)).decay_over_gradient == pytest.approx(0.05)
    half = nn.Parameter(torch.full((4, 5), 1e-4).half())
    half.grad = torch.full((4, 5), 1e-4).half()
    assert facts_of(SGD([half], lr=0.1, weight_decay=0.1)).decay_over_gradient == pytest.approx(0.1, rel=0.01)


def test_who_searches_how_far_to_go() -> None:
    assert facts_of(LBFGS([weight()], line_search_fn="strong_wolfe")).searches
    assert not facts_of(LBFGS([weight()])).searches
    assert facts_of(NewtonCG([weight()])).searches
    assert not facts_of(SGD([weight()], lr=0.1)).searches
