import pytest
import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.nn.blocks.highway import Highway


@pytest.mark.parametrize("bias", [-3.0, 0.0])
def test_mixes_what_it_makes_with_what_it_is_given(bias: float) -> None:
    torch.manual_seed(0)
    block = Highway(lambda: nn.Linear(5, 5), activation=nn.Tanh, gate_bias=bias).double()
    x = torch.randn(7, 5, dtype=torch.float64)
    h, t = (layer.state_dict() for layer in (block.layer, block.gate))
    shares = 1 / (1 + torch.exp(-(x @ t["weight"].T + t["bias"])))
    expected = torch.tanh(x @ h["weight"].T + h["bias"]) * shares + x * (1 - shares)
    assert torch.allclose(block(x), expected)


def test_gates_begin_nearly_shut() -> None:
    weights = Highway(lambda: nn.Linear(5, 5)).state_dict()
    assert weights["gate.bias"].tolist() == [-2.0] * 5


def test_passes_its_input_where_the_gate_is_shut() -> None:
    x = torch.randn(2, 4, 5, 5)
    shut = Highway(lambda: nn.Conv2d(4, 4, 3, padding=1), gate_bias=-200.0)
    assert torch.equal(shut(x), x)
    wide = Highway(lambda: nn.Conv2d(4, 4, 3, padding=1), gate_bias=200.0)
    assert torch.equal(wide(x), wide.layer(x).relu())


def test_takes_numbers_of_full_precision_among_layers_of_half() -> None:
    block = Highway(lambda: nn.Linear(5, 5))
    x = torch.randn(7, 5)
    with torch.autocast("cpu", torch.bfloat16):
        y = block(x)
    assert y.dtype == torch.float32
    assert torch.allclose(y, block(x), atol=0.02)


def test_gradients_are_those_of_finite_differences() -> None:
    torch.manual_seed(0)
    block = Highway(lambda: nn.Conv1d(2, 2, 3, padding=1)).double()
    assert torch.autograd.gradcheck(block, torch.randn(3, 2, 4, dtype=torch.float64, requires_grad=True))


def test_layers_without_bias_are_refused() -> None:
    with pytest.raises(InputError, match="Highway: needs layers with a bias"):
        Highway(lambda: nn.Linear(5, 5, bias=False))
