"""Inception against its branches, computed one by one."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from gradus.nn.blocks.inception import Inception

WIDTHS = (2, 3, 4, 5, 6, 7)


def test_branches_lie_side_by_side_in_the_order_of_table_1() -> None:
    torch.manual_seed(0)
    block, x = Inception(8, WIDTHS), torch.randn(2, 8, 9, 9)
    one, before3, three, before5, five, pooled = (each for each in block.modules() if isinstance(each, nn.Conv2d))

    def conv(layer: nn.Conv2d, x: torch.Tensor, padding: int) -> torch.Tensor:
        return functional.conv2d(x, layer.weight, layer.bias, padding=padding).relu()

    expected = [
        conv(one, x, 0),
        conv(three, conv(before3, x, 0), 1),
        conv(five, conv(before5, x, 0), 2),
        # A maximum over what lies within the map only.
        conv(pooled, functional.pad(x, (1, 1, 1, 1), value=-torch.inf).unfold(2, 3, 1).unfold(3, 3, 1).amax((4, 5)), 0),
    ]
    assert [each.shape[1] for each in expected] == [2, 4, 6, 7]
    torch.testing.assert_close(block(x), torch.cat(expected, dim=1))


@pytest.mark.parametrize("kernel", [3, 5])
def test_normalized_convolutions_have_no_bias(kernel: int) -> None:
    block = Inception(8, WIDTHS, kernel=kernel, norm=nn.BatchNorm2d)
    weights = 8 * 2 + 8 * 3 + 9 * 3 * 4 + 8 * 5 + kernel**2 * 5 * 6 + 8 * 7
    assert sum(each.numel() for each in block.parameters()) == weights + 2 * sum(WIDTHS)
    assert block(torch.zeros(1, 8, 5, 7)).shape == (1, 19, 5, 7)
