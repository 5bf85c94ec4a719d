"""Traces: exact where units do not read each other, else a masked influence matrix."""

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from gradus.nn.rtrl import Diagonal, ElementwiseRNNCell, SnAp1, rtrl
from gradus.nn.rtrl.cells import LSTM, Recurrence
from tests.nn.rtrl.references import CELLS, bptt, error, learned, task

Nonlinearity = Literal["tanh", "relu", "identity"]


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu", "identity"])
def test_diagonal_equals_bptt_over_200_steps(dtype: torch.dtype, bound: float, nonlinearity: Nonlinearity) -> None:
    torch.manual_seed(0)
    cell = ElementwiseRNNCell(8, 64, nonlinearity=nonlinearity).to(dtype)
    xs, dhs = torch.randn(200, 2, 8, dtype=dtype), torch.randn(200, 2, 64, dtype=dtype)
    assert error(learned(rtrl("diagonal", cell), xs, dhs), bptt(cell, xs, dhs)) <= bound


def test_diagonal_carries_one_number_a_weight() -> None:
    cell = ElementwiseRNNCell(8, 64, bias=False)
    learner = rtrl("diagonal", cell)
    learner.step(torch.randn(1, 8))
    assert isinstance(learner, Diagonal)
    assert learner.trace.numel() == sum(each.numel() for each in cell.parameters())
    learner.credit(torch.ones(1, 64))
    assert learner.gradients().keys() == {"weight_ih", "weight_hh"}


@pytest.mark.parametrize("kind", CELLS)
def test_snap1_is_exact_where_units_do_not_read_each_other(kind: str) -> None:
    cell, xs, dhs = task(kind, units=6, steps=20, examples=2, dtype=torch.float64)
    with torch.no_grad():
        gates = cell.get_parameter("weight_hh").view(-1, 6, 6)
        gates.copy_(torch.diag_embed(gates.diagonal(dim1=1, dim2=2)))
        if kind == "lstm":
            gates[:3] = 0  # or else the output gate reaches c, a step later, which SnAp-1 leaves out
    assert error(learned(rtrl("snap1", cell), xs, dhs), bptt(cell, xs, dhs)) <= 1e-12


def dense_snap1(kind: str, cell: nn.Module, xs: Tensor, dhs: Tensor) -> dict[str, Tensor]:
    """The whole influence matrix by autograd, and after every step all set to zero that one step does not reach."""
    parameters = dict(cell.named_parameters())
    units = dhs.shape[-1]
    is_lstm = kind == "lstm"

    def step(x: Tensor, state: Tensor, *weights: Tensor) -> Tensor:
        given = tuple(state.view(2, 1, units)) if is_lstm else state[None]
        after = torch.func.functional_call(cell, dict(zip(parameters, weights, strict=True)), (x, given))
        return torch.cat([each[0] for each in after]) if is_lstm else after[0]

    state = torch.zeros(units * (1 + is_lstm), dtype=torch.float64)
    weights = tuple(each.detach() for each in parameters.values())
    influence = [state.new_zeros(len(state), *each.shape) for each in weights]
    total = {name: torch.zeros_like(each) for name, each in zip(parameters, weights, strict=True)}
    for x, dh in zip(xs, dhs, strict=True):
        by_state, *by_weights = torch.func.jacrev(step, argnums=tuple(range(1, 2 + len(weights))))(x, state, *weights)
        for at, now in enumerate(by_weights):
            pattern = torch.zeros_like(now, dtype=torch.bool)
            rows = now.shape[1] // units
            for part in range(1 + is_lstm):
                for unit in range(units):
                    for gate in range(rows if not (is_lstm and part == 1) else 3):
                        pattern[part * units + unit, gate * units + unit] = True
            assert not now[~pattern].any()  # one step reaches no more than the pattern
            influence[at] = (torch.einsum("sk,k...->s...", by_state, influence[at]) + now) * pattern
        state = step(x, state, *weights)
        for name, each in zip(parameters, influence, strict=True):
            total[name] += torch.einsum("h,h...->...", dh[0], each[:units])
    return total


@pytest.mark.parametrize("kind", CELLS)
def test_snap1_keeps_exactly_its_pattern(kind: str) -> None:
    cell, xs, dhs = task(kind, units=4, steps=8, inputs=3, dtype=torch.float64)
    learner = rtrl("snap1", cell)
    assert error(learned(learner, xs, dhs), dense_snap1(kind, cell, xs, dhs)) <= 1e-12
    assert isinstance(learner, SnAp1)
    recurrence = Recurrence(cell)
    assert learner.trace.shape == (1, recurrence.parts, recurrence.gates, 4, 3 + 1 + 4 + 1)
    if recurrence.kind is LSTM:
        assert not learner.trace[:, 1, 3].any()
