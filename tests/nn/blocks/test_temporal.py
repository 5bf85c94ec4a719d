"""Causal convolutions against the sum written out; blocks of them against their equation."""

import numpy as np
import pytest
import torch
from torch import nn

from gradus.nn.blocks.temporal import CausalConv1d, steps_seen, temporal_block


@pytest.mark.parametrize(("kernel", "dilation"), [(1, 1), (2, 1), (3, 2), (4, 5)])
def test_a_causal_convolution_is_its_sum(kernel: int, dilation: int) -> None:
    torch.manual_seed(0)
    layer = CausalConv1d(3, 4, kernel, dilation).double()
    x = torch.randn(2, 3, 9, dtype=torch.float64)
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()  # type: ignore[union-attr]
    expected = np.zeros((2, 4, 9)) + bias[:, None]
    for step in range(9):
        for back in range(kernel):
            if step - dilation * back >= 0:
                expected[:, :, step] += x[:, :, step - dilation * back].numpy() @ weight[:, :, kernel - 1 - back].T
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("inputs", [4, 3])
def test_a_block_is_two_of_them_with_normalized_weights_added_to_what_it_is_given(inputs: int) -> None:
    torch.manual_seed(0)
    block, x = temporal_block(inputs, 4, 3, 2), torch.randn(2, inputs, 9)
    y = x
    for conv in (block.branch[0], block.branch[2]):  # type: ignore[index]
        lengths, directions = conv.parametrizations.weight.original0, conv.parametrizations.weight.original1
        plain = CausalConv1d(y.shape[1], 4, 3, 2)
        with torch.no_grad():
            plain.weight.copy_(lengths * directions / directions.flatten(1).norm(dim=1)[:, None, None])
            plain.bias.copy_(conv.bias)  # type: ignore[union-attr]
        y = plain(y).relu()
    way_around = x if inputs == 4 else block.shortcut(x)  # type: ignore[misc]
    torch.testing.assert_close(block(x), (y + way_around).relu())


def test_dropout_is_of_channels() -> None:
    block = temporal_block(4, 4, 2, 1, dropout=0.5)
    kept = block.branch(torch.randn(3, 4, 50)).abs().sum(2) > 0
    assert sum(isinstance(each, nn.Dropout1d) for each in block.modules()) == 2
    assert 0 < int(kept.sum()) < 12
    assert not any(isinstance(each, nn.Dropout1d) for each in temporal_block(4, 4, 2, 1).modules())


@pytest.mark.parametrize(("kernel", "levels"), [(2, 1), (3, 2), (2, 5)])
def test_a_stack_sees_what_the_sum_over_its_blocks_is(kernel: int, levels: int) -> None:
    blocks = nn.Sequential(*[temporal_block(2, 2, kernel, 2**level) for level in range(levels)]).double()
    with torch.no_grad():  # so that every rectifier is open
        for each in blocks.parameters():
            each.fill_(0.5)
    x = torch.ones(1, 2, 80, dtype=torch.float64, requires_grad=True)
    blocks(x)[..., -1].sum().backward()
    assert x.grad is not None
    assert int((x.grad[0, 0] > 0).sum()) == steps_seen(kernel, levels)
