"""Pixel shuffle with equal sub-kernels, against resizing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from gradus.analysis.checkerboard import unevenness
from gradus.core.errors import InputError
from gradus.nn.upsampling import PixelShuffleUpsampling


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.sampled_from([1, 3, 5]), st.booleans())
def test_it_begins_as_nearest_neighbour_enlarging(
    inputs: int, outputs: int, scale: int, kernel: int, bias: bool
) -> None:
    up = PixelShuffleUpsampling(inputs, outputs, scale, kernel=kernel, bias=bias)
    x = torch.randn(2, inputs, 5, 4)
    small = functional.conv2d(x, up.conv.weight[:: scale**2], padding=kernel // 2)
    assert small.var() > 0
    torch.testing.assert_close(up(x), functional.interpolate(small, scale_factor=scale, mode="nearest"))
    assert sum(each.numel() for each in up.parameters()) == outputs * scale**2 * (kernel**2 * inputs + bias)


@pytest.mark.parametrize("scale", [2, 3])
def test_it_draws_no_checkerboard_until_its_sub_kernels_differ(scale: int) -> None:
    up = PixelShuffleUpsampling(4, 3, scale)
    found = unevenness(nn.Sequential(up, nn.Tanh()), (4, 8, 8))
    assert (found.taps, found.spectrum) == (0, 0)
    up.conv.reset_parameters()  # as torch begins any convolution
    found = unevenness(up, (4, 8, 8))
    assert found.taps == 0
    assert found.spectrum > 0.3


def test_sub_kernels_learn_apart() -> None:
    up = PixelShuffleUpsampling(2, 1, 2)
    up(torch.randn(1, 2, 4, 4))[..., ::2, ::2].sum().backward()
    assert up.conv.weight.grad is not None
    assert [bool(each.any()) for each in up.conv.weight.grad] == [True, False, False, False]


@pytest.mark.parametrize(("scale", "kernel"), [(0, 3), (2, 4)])
def test_bad_sizes_are_refused(scale: int, kernel: int) -> None:
    with pytest.raises(InputError, match=f"a scale of at least 1 and an odd kernel, got `{scale} and {kernel}`"):
        PixelShuffleUpsampling(2, 1, scale, kernel=kernel)
