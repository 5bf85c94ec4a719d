"""What is left out in training: the same ones at every step, and nothing in evaluation."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.nn.recurrent import Recurrent
from tests.nn.recurrent.reference import FUSED, OPTIONS
from tests.nn.recurrent.test_layer import T, assert_same, make, sequences, state_for, twin_of

WIDTH = 400


def adding(**options: Any) -> Recurrent:
    """Hands the sum of its inputs on: h' = relu(x + h)."""
    layer = Recurrent("irnn", WIDTH, WIDTH, **options)
    with torch.no_grad():
        for name, each in layer.named_parameters():
            if "weight" in name:
                nn.init.eye_(each)
    return layer


def share(kept: Tensor) -> float:
    return float(kept.float().mean())


def test_the_state_loses_the_same_units_at_every_step() -> None:
    """What is dropped begins anew at every step; what is kept is scaled by 2 where it meets the matrix."""
    layer = adding(variational=(0.0, 0.0, 0.5))
    y, _ = layer(torch.ones(2, 4, WIDTH))
    kept = y[:, 1] > 1
    assert 0.4 < share(kept) < 0.6
    assert not torch.equal(kept[0], kept[1])
    for step in range(4):
        assert torch.equal(y[:, step], torch.where(kept, 2.0 ** (step + 1) - 1, 1.0))
    assert torch.equal(layer.eval()(torch.ones(2, 4, WIDTH))[0][0, :, 0], torch.arange(1.0, 5))


def test_what_a_gru_carries_past_its_gates_is_not_dropped() -> None:
    layer: Any = Recurrent("gru", 3, WIDTH, variational=(0.0, 0.0, 0.5), biases=1)
    with torch.no_grad():
        layer.kernel.bias_ih_l0[WIDTH : 2 * WIDTH] = 50.0  # it keeps its state
    h = torch.rand(1, 2, WIDTH)
    torch.testing.assert_close(layer(torch.randn(2, 9, 3), h)[1], h)


@pytest.mark.parametrize("at", [0, 1])
def test_inputs_of_a_layer_lose_the_same_features_at_every_step(at: int) -> None:
    chances = (0.5, 0.0, 0.0) if at == 0 else (0.0, 0.5, 0.0)
    y, _ = adding(num_layers=2, variational=chances)(torch.ones(2, 3, WIDTH))
    kept = y[:, 0] > 0
    assert 0.4 < share(kept) < 0.6
    assert not torch.equal(kept[0], kept[1])
    for step, total in enumerate((1, 3, 6)):
        assert torch.equal(y[:, step], torch.where(kept, 2.0 * total, 0.0))


@pytest.mark.parametrize("fused", [True, False])
def test_dropout_between_layers_is_of_each_number(fused: bool) -> None:
    layer = adding(num_layers=2, dropout=0.5, fused=fused)
    y, _ = layer(torch.eye(3, 6).bool().any(0).float()[None, :, None].expand(2, 6, WIDTH))
    steps = y.diff(dim=1, prepend=torch.zeros(2, 1, WIDTH)).bool()
    assert 0.45 < share(steps) < 0.55
    assert not torch.equal(steps[:, 0], steps[:, 1])
    assert torch.equal(layer.eval()(torch.ones(1, 2, WIDTH))[0][0, :, 0], torch.tensor([1.0, 3.0]))


@pytest.mark.parametrize("name", FUSED)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_dropped_weights_are_torchs_layer_with_those_weights(name: str, bidirectional: bool) -> None:
    layer: Any = make(name, weight_drop=0.5, bidirectional=bidirectional)
    plain: Any = make(name, bidirectional=bidirectional)
    torch.manual_seed(3)
    y, last = layer(sequences(), state_for(layer))
    torch.manual_seed(3)
    with torch.no_grad():
        for place in plain.places:
            matrix = plain.kernel.get_parameter(f"weight_hh_{place}")
            matrix.copy_(functional.dropout(layer.kernel.get_parameter(f"weight_hh_{place}"), 0.5))
            assert 0 < share(matrix == 0) < 1
    assert_same((y, last), plain(sequences(), state_for(plain)))
    twin = twin_of(layer, name, weight_drop=0.5, bidirectional=bidirectional)
    torch.manual_seed(3)
    assert_same(twin(sequences(), state_for(twin)), (y, last))


@pytest.mark.parametrize("name", OPTIONS)
def test_everything_at_once_learns_and_evaluation_leaves_nothing_out(name: str) -> None:
    layer = make(name, dropout=0.2, variational=0.2, weight_drop=0.2)
    x = sequences()
    y, _ = layer(x, lengths=[T, 3, 5])
    assert not torch.equal(y, layer(x, lengths=[T, 3, 5])[0])
    y.sum().backward()
    assert all(each.grad is not None and each.grad.any() for each in layer.parameters())
    plain = make(name)
    plain.load_state_dict(layer.state_dict())
    random = torch.get_rng_state()
    assert_same(layer.eval()(x), plain(x))
    assert torch.equal(torch.get_rng_state(), random)
