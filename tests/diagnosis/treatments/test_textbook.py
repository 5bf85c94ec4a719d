"""Each remedy on its textbook case: a network that learns badly learns well once it is treated."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from tests.diagnosis.treatments.patients import Training, stack

Cure = tuple[str | tuple[str, dict[str, Any]], ...]
SGD = {"make": partial(torch.optim.SGD, momentum=0.9)}
STEPS = 300

CASES: dict[str, tuple[Callable[[], nn.Module], dict[str, Any], list[Cure]]] = {
    "vanishing through sigmoids": (
        partial(stack, nn.Sigmoid, 8),
        {"lr": 1e-3},
        [("normalize-layers",), (("normalize-layers", {"norm": "layer"}),), ("swap-activation",), ("add-residual",)],
    ),
    "vanishing through small weights": (
        partial(stack, depth=8, deviation=0.01), {"lr": 1e-3}, [("initialize",), ("normalize-layers",)]
    ),
    "exploding through large weights": (
        partial(stack, depth=8, deviation=0.5), {"lr": 0.05} | SGD, [("initialize", "range-test")]
    ),
    "saturated tanhs": (
        partial(stack, nn.Tanh, 6, deviation=1.0), {"lr": 0.05} | SGD, [("initialize", "range-test")]
    ),
    "dead by their biases": (
        partial(stack, depth=4, bias=-10.0),
        {"lr": 1e-3},
        [("reset-biases",), ("revive-units",), ("leaky",), ("normalize-layers",)],
    ),
    "a rate too high for SGD": (stack, {"lr": 2.0} | SGD, [("range-test",)]),
    "a rate too high for Adam": (stack, {"lr": 1.0}, [("range-test",)]),
    "a rate ten times too high": (stack, {"lr": 0.1}, [("lower-learning-rate",), ("range-test",)]),
    "a rate too low": (
        stack, {"lr": 1e-5} | SGD, [(("raise-learning-rate", {"factor": 3e3}),), ("range-test",), ("switch-optimizer",)]
    ),
    "epsilon too large": (stack, {"lr": 1e-3, "eps": 10.0}, [("default-epsilon",)]),
}  # fmt: skip
EVERY = [pytest.param(name, cure, id=f"{name}: {cure}") for name, (*_, cures) in CASES.items() for cure in cures]


def outcome(name: str, cure: Cure) -> float:
    make, options, _ = CASES[name]
    torch.manual_seed(0)
    training = Training(make(), **options)
    for each in cure:
        remedy, settings = (each, {}) if isinstance(each, str) else each
        training.treat(remedy, **settings)
    training.train(STEPS)
    return training.accuracy()


@pytest.mark.parametrize("name", CASES)
def test_untreated_it_learns_badly(name: str) -> None:
    assert outcome(name, ()) < 0.9


@pytest.mark.parametrize(("name", "cure"), EVERY)
def test_treated_it_learns_well(name: str, cure: Cure) -> None:
    assert outcome(name, cure) > 0.94
