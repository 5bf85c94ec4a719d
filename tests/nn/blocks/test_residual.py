import pytest
import torch
from torch import nn

from gradus.nn.blocks.residual import PaddedShortcut, Residual


def test_adds_what_its_branch_makes_to_its_input() -> None:
    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(Residual(nn.Sigmoid())(x), x.sigmoid() + x)
    whole = Residual(nn.Sigmoid(), nn.Softplus(), activation=nn.Tanhshrink(), first=nn.Tanh())
    a = x.tanh()
    assert torch.equal(whole(x), nn.Tanhshrink()(a.sigmoid() + nn.functional.softplus(a)))


@pytest.mark.parametrize(("channels", "stride"), [(3, 2), (5, 2), (7, 1), (4, 3)])
def test_a_padded_shortcut_leaves_numbers_out_and_ends_in_zeros(channels: int, stride: int) -> None:
    x = torch.randn(2, 3, 5, 8, generator=torch.Generator().manual_seed(0))
    y = PaddedShortcut(channels, stride)(x)
    assert y.shape == (2, channels, -(-5 // stride), -(-8 // stride))
    for (n, c, h, w), each in zip(torch.cartesian_prod(*map(torch.arange, y.shape)).tolist(), y.flatten(), strict=True):
        assert each == (x[n, c, stride * h, stride * w] if c < 3 else 0)
