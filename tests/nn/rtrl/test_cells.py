"""One step and its derivatives: against NumPy from the equations, torch's cells, and autograd's Jacobians."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.nn.recurrent import Cell, Recurrent
from gradus.nn.rtrl import ElementwiseRNNCell, rtrl
from gradus.nn.rtrl.cells import Recurrence, jacobian, pull, push
from tests.nn.rtrl.references import CELLS, error, learned

N, F, H = 3, 5, 4


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def by_hand(kind: str, x: Any, state: Any, weights: list[Any]) -> list[Any]:
    """The new parts of the state, from the equations."""
    w_x, w_h, b_x, b_h = weights
    u, q = x @ w_x.T + b_x, state[0] @ w_h.T + b_h
    if kind == "rnn":
        return [np.tanh(u + q)]
    if kind == "irnn":
        return [np.maximum(u + q, 0)]
    if kind == "lstm":
        i, f, g, o = np.split(u + q, 4, axis=1)
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        return [sigmoid(o) * np.tanh(c), c]
    (u_r, u_z, u_n), (q_r, q_z, q_n) = np.split(u, 3, axis=1), np.split(q, 3, axis=1)
    z = sigmoid(u_z + q_z)
    return [(1 - z) * np.tanh(u_n + sigmoid(u_r + q_r) * q_n) + z * state[0]]


def made(kind: str) -> tuple[nn.Module, Recurrence, Tensor, Tensor]:
    torch.manual_seed(0)
    cell = CELLS[kind](F, H).double()
    recurrence = Recurrence(cell)
    x = torch.randn(N, F, dtype=torch.float64)
    return cell, recurrence, x, torch.randn(N, recurrence.parts, H, dtype=torch.float64)


@pytest.mark.parametrize("kind", CELLS)
def test_step_is_the_equations(kind: str) -> None:
    _, recurrence, x, state = made(kind)
    weights = [each.numpy() for each in recurrence.weights if each is not None]
    expected = by_hand(kind, x.numpy(), [each.numpy() for each in state.unbind(1)], weights)
    np.testing.assert_allclose(recurrence.step(x, state)[0], np.stack(expected, axis=1), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kind", CELLS)
def test_derivatives_are_autograds(kind: str) -> None:
    cell, recurrence, x, state = made(kind)

    def new_state(old: Tensor) -> Tensor:
        parts = old.unbind(1)
        after = cell(x, parts[0] if len(parts) == 1 else parts)
        return torch.stack(after, dim=1) if isinstance(after, tuple) else after[:, None]

    whole = torch.autograd.functional.jacobian(new_state, state)  # (N, R, H, N, R, H)
    expected = torch.stack([whole[at, :, :, at] for at in range(N)])
    _, local = recurrence.step(x, state)
    torch.testing.assert_close(jacobian(local, recurrence.weights), expected[:, :, :, 0], rtol=1e-12, atol=1e-14)
    tangent, adjoint = torch.randn_like(state), torch.randn_like(state)
    carried = torch.einsum("nrhqk,nqk->nrh", expected, tangent)
    torch.testing.assert_close(push(local, recurrence.weights, tangent), carried, rtol=1e-12, atol=1e-14)
    to_input, to_hidden, before = pull(local, recurrence.weights, adjoint)
    taken = torch.einsum("nrhqk,nrh->nqk", expected, adjoint)
    torch.testing.assert_close(before, taken, rtol=1e-12, atol=1e-14)
    # The errors of the gates, times what these read, are the gradients of the weights.
    found = torch.cat([to_input.flatten(1).T @ local.x, to_hidden.flatten(1).T @ local.h], dim=1)
    named = recurrence.named(found.view(recurrence.gates, H, -1))
    expected_now = torch.autograd.grad(new_state(state), list(cell.parameters()), adjoint)
    for (name, _), each in zip(cell.named_parameters(), expected_now, strict=True):
        torch.testing.assert_close(named[name], each, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("layer", "names"),
    [
        (nn.LSTM(F, H), {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}),
        (nn.GRU(F, H, bias=False), {"weight_ih_l0", "weight_hh_l0"}),
        (nn.RNN(F, H, nonlinearity="relu"), {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}),
    ],
)
def test_layers_learn_as_their_cells_do(layer: nn.Module, names: set[str]) -> None:
    torch.manual_seed(0)
    xs, dhs = torch.randn(6, N, F), torch.randn(6, N, H)
    learner = rtrl("exact", layer)
    for x, dh in zip(xs, dhs, strict=True):
        learner.step(x)
        learner.credit(dh)
    found = learner.gradients()
    assert found.keys() == names
    expected = torch.autograd.grad(layer(xs)[0], list(layer.parameters()), dhs)
    for (name, _), each in zip(layer.named_parameters(), expected, strict=True):
        torch.testing.assert_close(found[name], each, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("biases", [0, 1, 2])
@pytest.mark.parametrize("kind", CELLS)
def test_our_layers_learn_on_torchs_kernels(kind: Any, biases: Any) -> None:
    layer = Recurrent(kind, F, H, biases=biases).double()
    assert layer.kernel is not None
    torch.manual_seed(0)
    xs, dhs = torch.randn(6, N, F, dtype=torch.float64), torch.randn(6, N, H, dtype=torch.float64)
    found = learned(rtrl("block", layer.kernel, length=4), xs, dhs)
    named = dict(layer.kernel.named_parameters())
    y, _ = layer(xs.transpose(0, 1))
    expected = torch.autograd.grad(y, list(named.values()), dhs.transpose(0, 1))
    assert error(found, dict(zip(named, expected, strict=True))) < 1e-12


@pytest.mark.parametrize(
    "cell",
    [
        nn.LSTM(F, H, num_layers=2),
        nn.GRU(F, H, bidirectional=True),
        nn.LSTM(F, H, proj_size=2),
        nn.Linear(F, H),
        Cell("layer_norm_lstm", F, H),
    ],
)
def test_other_cells_are_refused(cell: nn.Module) -> None:
    with pytest.raises(InputError, match=r"rtrl: `cell` must be"):
        rtrl("exact", cell)


def test_units_that_read_each_other_do_not_learn_by_diagonal() -> None:
    with pytest.raises(InputError, match=r"must be an ElementwiseRNNCell"):
        rtrl("diagonal", nn.RNNCell(F, H))
    with pytest.raises(InputError, match=r"learns by `diagonal`"):
        rtrl("exact", ElementwiseRNNCell(F, H))
