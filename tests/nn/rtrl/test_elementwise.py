"""Units that do not read each other, as a cell and over time."""

import pytest
import torch

from gradus.core.errors import InputError
from gradus.nn.rtrl import ElementwiseRNN, ElementwiseRNNCell


def test_elementwise_cell_is_its_equation() -> None:
    cell = ElementwiseRNNCell(3, 4)
    x, h = torch.randn(2, 3), torch.randn(2, 4)
    with torch.no_grad():
        assert cell.bias is not None
        cell.bias.uniform_(-1, 1)
    expected = torch.tanh(cell.weight_hh * h + x @ cell.weight_ih.T + cell.bias)
    torch.testing.assert_close(cell(x, h), expected)
    assert cell.weight_hh.min() >= 0
    assert cell.weight_hh.max() <= 1


@pytest.mark.parametrize("batch_first", [True, False])
def test_layer_is_its_cell_step_by_step(batch_first: bool) -> None:
    layer = ElementwiseRNN(3, 4, nonlinearity="relu", batch_first=batch_first)
    xs = torch.randn(5, 2, 3)
    h, states = torch.randn(2, 4), []
    y, last = layer(xs.transpose(0, 1) if batch_first else xs, h[None])
    for x in xs:
        h = layer.cell(x, h)
        states.append(h)
    torch.testing.assert_close(y, torch.stack(states, dim=1 if batch_first else 0))
    torch.testing.assert_close(last, states[-1][None])


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match=r"sizes must be 1 or more, got \(0, 3\)"):
        ElementwiseRNNCell(0, 3)
    with pytest.raises(InputError, match=r"must be tanh, relu or identity, got `sigmoid`"):
        ElementwiseRNNCell(2, 3, nonlinearity="sigmoid")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"three axes, the last of 2 features, got \(4, 2\)"):
        ElementwiseRNN(2, 3)(torch.zeros(4, 2))
    layer = ElementwiseRNN(3, 4)
    with pytest.raises(InputError, match="`x` must have a step or more"):
        layer(torch.zeros(2, 0, 3))
    with pytest.raises(InputError, match=r"`h` must be of shape \(1, 2, 4\), got \(2, 4\)"):
        layer(torch.zeros(2, 5, 3), torch.zeros(2, 4))
