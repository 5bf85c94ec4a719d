import pytest
import torch
from torch import nn

from gradus.analysis.inspect import inspect
from gradus.nn.blocks.inverted_residual import inverted_residual
from gradus.nn.blocks.residual import Residual


def macs(module: nn.Module, channels: int) -> int:
    return inspect(module.to("meta"), torch.empty(1, channels, 14, 14, device="meta")).macs


def test_costs_more_than_a_full_convolution_at_equal_width() -> None:
    block, full = inverted_residual(64, 64), nn.Conv2d(64, 64, 3, padding=1)
    assert macs(block, 64) == 14 * 14 * 6 * 64 * (64 + 9 + 64)
    assert round(macs(block, 64) / macs(full, 64), 2) == 1.43


@pytest.mark.parametrize(("outputs", "stride"), [(8, 2), (12, 1)])
def test_adds_its_input_only_where_shapes_agree(outputs: int, stride: int) -> None:
    assert isinstance(inverted_residual(8, 8), Residual)
    changing = inverted_residual(8, outputs, stride=stride)
    assert not isinstance(changing, Residual)
    assert changing(torch.zeros(2, 8, 7, 7)).shape == (2, outputs, 7 // stride + 7 % stride, 7 // stride + 7 % stride)


def test_ends_without_activation() -> None:
    """So twice the projection gives twice as much to add, of either sign."""
    torch.manual_seed(0)
    block, x = inverted_residual(8, 8).eval(), torch.randn(2, 8, 6, 6)
    with torch.no_grad():
        once = block(x) - x
        block.get_parameter("branch.project.conv.weight").mul_(-2)
        torch.testing.assert_close(block(x) - x, -2 * once, rtol=1e-4, atol=1e-5)
    assert once.min() < 0 < once.max()


def test_expands_only_where_asked() -> None:
    kernels = [
        each.weight.shape for each in inverted_residual(8, 16, expansion=1).modules() if isinstance(each, nn.Conv2d)
    ]
    assert kernels == [(8, 1, 3, 3), (16, 8, 1, 1)]
