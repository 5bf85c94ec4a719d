"""One step of each kind against NumPy, and its derivatives against finite differences."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from gradus.core.errors import InputError
from gradus.nn.recurrent import Biases, Cell
from tests.nn.recurrent.reference import OPTIONS, STEPS, numbers, sigmoid

N, F, H = 3, 5, 4


def make_cell(name: str, **more: Any) -> Cell:
    """One whose every parameter is a random number."""
    torch.manual_seed(0)
    cell = Cell(input_size=F, hidden_size=H, **OPTIONS[name], **more).double()
    for each in cell.parameters():
        nn.init.normal_(each)
    return cell


def given(cell: Cell) -> tuple[Tensor, tuple[Tensor, ...]]:
    draw = torch.Generator().manual_seed(1)
    x, *parts = (torch.randn(N, width, dtype=torch.float64, generator=draw) for width in (F, *[H] * cell.step.parts))
    return x, tuple(parts)


def public(parts: tuple[Tensor, ...]) -> Any:
    return parts[0] if len(parts) == 1 else parts


@pytest.mark.parametrize("biases", [0, 1, 2])
@pytest.mark.parametrize("name", OPTIONS)
def test_is_its_equations(name: str, biases: Biases) -> None:
    cell = make_cell(name, biases=biases)
    assert sum("bias_" in each for each, _ in cell.named_parameters()) == biases
    x, parts = given(cell)
    after = cell(x, public(parts))
    expected = STEPS[name](numbers(cell), x.numpy(), *(each.numpy() for each in parts))
    for ours, theirs in zip((after,) if isinstance(after, Tensor) else after, expected, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", OPTIONS)
def test_derivatives_are_those_of_finite_differences(name: str) -> None:
    cell = make_cell(name)
    x, parts = given(cell)
    names, weights = zip(*cell.named_parameters(), strict=True)

    def after(x: Tensor, *rest: Tensor) -> Any:
        state, learned = rest[: len(parts)], rest[len(parts) :]
        return functional_call(cell, dict(zip(names, learned, strict=True)), (x, public(state)))

    inputs = [each.detach().requires_grad_() for each in (x, *parts, *weights)]
    assert torch.autograd.gradcheck(after, inputs)


@pytest.mark.parametrize(("name", "kind"), [("lstm", nn.LSTMCell), ("gru after", nn.GRUCell), ("rnn tanh", nn.RNNCell)])
def test_is_torchs_cell(name: str, kind: Any) -> None:
    cell = make_cell(name, biases=2)
    theirs = kind(F, H).double()
    theirs.load_state_dict(cell.state_dict())
    x, parts = given(cell)
    torch.testing.assert_close(cell(x, public(parts)), theirs(x, public(parts)), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(cell(x), theirs(x), rtol=1e-12, atol=1e-14)


def test_gru_of_texts_that_write_the_other_share_has_negated_update_weights() -> None:
    """No bias, the reset before the product, and z the share that is new (h' = (1 - z) h + z n)."""
    cell = make_cell("gru before", biases=0)
    (x, (h,)), p = given(cell), numbers(cell)
    both = np.concatenate([h.numpy(), x.numpy()], axis=1)
    w_r, w_z, w_n = (
        np.concatenate([p["weight_hh"][at : at + H], p["weight_ih"][at : at + H]], axis=1) for at in (0, H, 2 * H)
    )
    r, z = sigmoid(both @ w_r.T), sigmoid(both @ -w_z.T)
    new = np.tanh(np.concatenate([r * h.numpy(), x.numpy()], axis=1) @ w_n.T)
    after = cell(x, h)
    assert isinstance(after, Tensor)
    np.testing.assert_allclose(after.detach().numpy(), (1 - z) * h.numpy() + z * new, rtol=1e-12)


def test_irnn_begins_by_handing_its_state_on() -> None:
    cell = Cell("irnn", F, H)
    assert torch.equal(cell.weight_hh, torch.eye(H))
    assert not cell.bias_ih.any()
    h = torch.rand(N, H)
    assert torch.equal(cell(torch.zeros(N, F), h), h)
    assert float(Cell("irnn", 100, 100).weight_ih.detach().std()) == pytest.approx(0.001, rel=0.05)


@pytest.mark.parametrize(
    ("kind", "plain"), [("lstm", 4 * H * (F + H + 1)), ("peephole_lstm", 4 * H * (F + H + 1) + 3 * H)]
)
def test_memory_cells_have_the_counted_parameters(kind: Any, plain: int) -> None:
    assert sum(each.numel() for each in Cell(kind, F, H).parameters()) == plain


def test_layer_normalized_lstm_has_the_counted_parameters() -> None:
    # W 4H(F + H), one bias 4H, and a scale and a shift for 4H, 4H and H
    count = sum(each.numel() for each in Cell("layer_norm_lstm", F, H).parameters())
    assert count == 4 * H * (F + H) + 4 * H + 2 * (4 * H + 4 * H + H)


def test_names_that_are_not_known_are_refused() -> None:
    wrong: Any
    for wrong, said in (
        ({"kind": "ltsm"}, "no such `kind`, got `ltsm`. Did you mean `lstm`"),
        ({"kind": "rnn", "nonlinearity": "gelu"}, "`nonlinearity` must be `tanh` or `relu`, got `gelu`"),
        ({"kind": "gru", "reset": "never"}, "`reset` must be `before` or `after`, got `never`"),
        ({"kind": "gru", "biases": 3}, "`biases` must be 0, 1 or 2, got 3"),
    ):
        with pytest.raises(InputError, match=said):
            Cell(input_size=F, hidden_size=H, **wrong)


def test_what_does_not_fit_a_cell_is_refused() -> None:
    cell, x = Cell("lstm", 3, 4), torch.zeros(2, 3)
    with pytest.raises(InputError, match=r"Cell: `x` must be of shape \(N, 3\), got \(2, 5, 3\)"):
        cell(torch.zeros(2, 5, 3))
    for state in (torch.zeros(2, 4), (torch.zeros(3, 4),) * 2):
        with pytest.raises(InputError, match=r"Cell: `state` must be a pair, both of shape \(2, 4\)"):
            cell(x, state)
    with pytest.raises(InputError, match="Cell: `hidden_size` must be a whole number of 1 or more, got -1"):
        Cell("gru", 3, -1)
