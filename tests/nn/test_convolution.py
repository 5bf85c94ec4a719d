from fractions import Fraction

import pytest
import torch
from torch import nn

from gradus.analysis.inspect import inspect
from gradus.nn.convolution import ChannelShuffle, Concatenated, conv_norm, depthwise_separable, divisible, interleaved

# N examples, C channels, H height, W width


def macs(module: nn.Module, channels: int) -> int:
    return inspect(module.to("meta"), torch.empty(1, channels, 14, 14, device="meta")).macs


@pytest.mark.parametrize(
    ("inputs", "outputs", "kernel", "stride"), [(64, 128, 3, 1), (48, 64, 5, 1), (16, 16, 7, 1), (32, 64, 3, 2)]
)
def test_apart_by_space_and_channel_costs_a_fraction(inputs: int, outputs: int, kernel: int, stride: int) -> None:
    separable = macs(depthwise_separable(inputs, outputs, kernel, stride=stride), inputs)
    full = macs(conv_norm(inputs, outputs, kernel, stride=stride), inputs)
    assert Fraction(separable, full) == Fraction(1, outputs) + Fraction(1, kernel**2)


def test_apart_by_space_and_channel_is_a_full_convolution_of_rank_one() -> None:
    """Without what stands between them, kernel (o, i) of the full one is the pointwise weight times the depthwise."""
    block = depthwise_separable(4, 6, activation=None).eval()
    depthwise, pointwise = (each.weight for each in block.modules() if isinstance(each, nn.Conv2d))
    full = torch.einsum("oi,ihw->oihw", pointwise[:, :, 0, 0], depthwise[:, 0])
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = nn.functional.conv2d(x, full, padding=1) / (1 + 1e-5)  # both normalizations have seen nothing yet
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("width", "by", "expected"), [(16 * 0.35, 8, 8), (24 * 1.4, 8, 32), (18, 8, 24), (100, 8, 104)]
)
def test_widths_are_multiples_at_most_a_tenth_below(width: float, by: int, expected: int) -> None:
    assert divisible(width, by) == expected


def test_a_shuffle_takes_one_of_each_group_in_turn() -> None:
    x = torch.arange(6.0).view(1, 6, 1, 1)
    assert ChannelShuffle(2)(x).flatten().tolist() == [0, 3, 1, 4, 2, 5]


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 8, 24])
def test_a_shuffle_is_a_transposed_view_and_has_an_inverse(groups: int) -> None:
    x_NCHW = torch.randn(2, 24, 3, 5, generator=torch.Generator().manual_seed(0))
    shuffle = ChannelShuffle(groups)
    transposed = x_NCHW.reshape(2, groups, 24 // groups, 3, 5).transpose(1, 2).reshape(2, 24, 3, 5)
    assert torch.equal(shuffle(x_NCHW), transposed)
    assert torch.equal(shuffle.inverse(24)(shuffle(x_NCHW)), x_NCHW)
    assert torch.equal(shuffle(shuffle.inverse(24)(x_NCHW)), x_NCHW)


def test_a_shuffle_before_a_depthwise_convolution_can_follow_it() -> None:
    """With the kernels in the order from before the shuffle."""
    before, after = (nn.Conv2d(12, 12, 3, 2, 1, groups=12, bias=False) for _ in range(2))
    shuffle = ChannelShuffle(3)
    with torch.no_grad():
        before.weight.copy_(shuffle(after.weight.transpose(0, 1)).transpose(0, 1))
    x = torch.randn(2, 12, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(before(shuffle(x)), shuffle(after(x)))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_interleaving_is_concatenation_and_a_shuffle_of_two_groups(layout: torch.memory_format) -> None:
    first, second = torch.randn(2, 2, 6, 4, 4, generator=torch.Generator().manual_seed(0))
    first, second = first.contiguous(memory_format=layout), second.contiguous(memory_format=layout)
    assert torch.equal(interleaved(first, second), ChannelShuffle(2)(torch.cat((first, second), dim=1)))


def test_branches_stand_side_by_side() -> None:
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(Concatenated(nn.Identity(), nn.ReLU())(x), torch.cat((x, x.relu()), dim=1))
