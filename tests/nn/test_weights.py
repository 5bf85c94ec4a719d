"""Fans against what is counted by layers of ones."""

from typing import Any

import pytest
import torch
from torch import nn

from gradus.nn.weights import blocks

CONVOLUTIONS = [
    nn.Conv1d(6, 4, 3),
    nn.Conv2d(6, 4, 3, groups=2, padding=1),
    nn.Conv2d(8, 8, 5, groups=8, dilation=2),
    nn.Conv3d(2, 4, (1, 3, 2)),
    nn.ConvTranspose1d(4, 6, 4, stride=2),
    nn.ConvTranspose2d(6, 4, 3, stride=1, groups=2),
    nn.ConvTranspose2d(3, 4, (4, 6), stride=(2, 3)),
    nn.ConvTranspose3d(2, 3, 2, stride=2),
]


@pytest.mark.parametrize("layer", CONVOLUTIONS, ids=repr)
def test_fans_of_convolutions_are_what_meets(layer: Any) -> None:
    axes = layer.weight.dim() - 2
    x = torch.ones(1, layer.in_channels, *[30] * axes, requires_grad=True)
    with torch.no_grad():
        layer.weight.fill_(1)
        layer.bias.zero_()
    y = layer(x)
    y.sum().backward()
    assert x.grad is not None
    # Away from the borders; in a transposed convolution outputs take turns, so the mean over whole strides.
    inner = (slice(None), slice(None), *[slice(12, 18)] * axes)
    (block,) = blocks(layer)
    assert block.fans.inputs == pytest.approx(float(y.detach()[inner].mean()))
    assert block.fans.outputs == pytest.approx(float(x.grad[inner].mean()))


def test_recurrent_matrices_are_taken_gate_by_gate() -> None:
    found = blocks(nn.LSTM(5, 3, num_layers=2, bidirectional=True, proj_size=2))
    assert len(found) == 2 * 2 * (4 + 4 + 1)
    first, state = found[0], next(each for each in found if each.role == "recurrent")
    assert (first.parameter, first.rows, first.fans) == ("weight_ih_l0", slice(0, 3), (5, 3))
    assert (state.parameter, state.rows, state.fans) == ("weight_hh_l0", slice(0, 3), (2, 3))
    assert [len(blocks(each)) for each in (nn.GRU(5, 3), nn.RNN(5, 3), nn.GRUCell(5, 3))] == [6, 2, 6]


def test_what_is_not_understood_has_no_matrices() -> None:
    assert blocks(nn.PReLU()) == blocks(nn.LayerNorm(3)) == blocks(nn.Sequential(nn.Linear(2, 2))) == []
