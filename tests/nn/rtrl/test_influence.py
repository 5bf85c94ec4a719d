"""Exact RTRL is backpropagation through time."""

from typing import Any

import pytest
import torch

from gradus.nn.rtrl import Exact, rtrl
from tests.nn.rtrl.references import CELLS, bptt, error, learned, task


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("kind", CELLS)
def test_equals_bptt_over_200_steps(kind: str, dtype: torch.dtype, bound: float) -> None:
    cell, xs, dhs = task(kind, units=64, steps=200, dtype=dtype)
    assert error(learned(rtrl("exact", cell), xs, dhs), bptt(cell, xs, dhs)) <= bound


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", CELLS)
def test_equals_bptt_of_the_last_loss_alone(kind: str, bias: bool) -> None:
    cell, xs, dhs = task(kind, units=6, steps=15, examples=3, bias=bias, dtype=torch.float64)
    dhs[:-1] = 0
    learner = rtrl("exact", cell)
    for x in xs:
        learner.step(x)
    learner.credit(dhs[-1])
    assert error(learner.gradients(), bptt(cell, xs, dhs)) <= 1e-12


@pytest.mark.parametrize("kind", CELLS)
def test_influence_is_autograds(kind: str) -> None:
    units = 4
    cell, xs, _ = task(kind, units=units, steps=5, inputs=3, dtype=torch.float64)
    learner = rtrl("exact", cell)
    state: Any = None
    for x in xs:
        learner.step(x)
        state = cell(x, state)
    assert isinstance(learner, Exact)
    parts = state if isinstance(state, tuple) else (state,)
    for part, influence in zip(parts, learner.influence[0], strict=True):
        for unit in range(units):
            expected = torch.autograd.grad(part[0, unit], list(cell.parameters()), retain_graph=True)
            named = learner.recurrence.named(influence[unit])
            for (name, _), each in zip(cell.named_parameters(), expected, strict=True):
                torch.testing.assert_close(named[name], each, rtol=1e-12, atol=1e-14)
