import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.nn.blocks.fire import Bypass, fire


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("bypass", "outputs"), [("none", 16), ("simple", 16), ("simple", 32), ("complex", 32)])
def test_is_as_the_paper_draws_it(bypass: Bypass, outputs: int) -> None:
    module, x = fire(16, outputs, bypass=bypass), numbers(2, 16, 5, 5)
    squeeze, narrow, wide, *projection = (each for each in module.modules() if isinstance(each, nn.Conv2d))
    y = squeeze(x).relu()
    expected = torch.cat((narrow(y).relu(), functional.conv2d(y, wide.weight, wide.bias, padding=1).relu()), dim=1)
    if projection:
        expected = expected + projection[0](x)
    elif bypass == "simple" and outputs == 16:
        expected = expected + x
    assert bool(projection) == (bypass == "complex")
    assert (squeeze.out_channels, wide.out_channels) == (outputs // 8, outputs // 2)
    torch.testing.assert_close(module(x), expected)


@pytest.mark.parametrize(
    ("ratio", "share", "widths"), [(0.5, 0.25, (16, 24, 8)), (0.75, 0.99, (24, 1, 31)), (0.01, 0.01, (1, 31, 1))]
)
def test_its_widths_are_shares_of_the_outputs(ratio: float, share: float, widths: tuple[int, ...]) -> None:
    module = fire(16, 32, squeeze_ratio=ratio, share_3x3=share)
    assert tuple(each.out_channels for each in module.modules() if isinstance(each, nn.Conv2d)) == widths
