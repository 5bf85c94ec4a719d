from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from torch import nn

from gradus.analysis.inspect import inspect
from gradus.nn.convolution import ChannelShuffle, Concatenated, conv_norm, depthwise_separable, divisible, interleaved
from gradus.nn.locally_connected import LocallyConnected2d

# N examples, C channels, H height, W width


def macs(module: nn.Module, channels: int) -> int:
    return inspect(module.to("meta"), torch.empty(1, channels, 14, 14, device="meta")).macs


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def moved(x: torch.Tensor, by: int) -> torch.Tensor:
    """By so many rows and columns, round the edge."""
    return x.roll((by, by), (2, 3))


def off(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The difference, beside what is expected."""
    return float((found - expected).detach().norm() / expected.detach().norm())


def test_shared_weights_see_the_same_wherever_it_is() -> None:
    """f(moved x) = moved f(x) for a convolution round the edge; a kernel for each place knows where it is."""
    torch.manual_seed(0)
    shared = nn.Conv2d(2, 4, 3, padding=1, padding_mode="circular", bias=False)
    own = LocallyConnected2d(2, 4, 12, 3, padding=1, bias=False)
    x = noise(3, 2, 12, 12)
    for by in (1, 5):
        assert off(shared(moved(x, by)), moved(shared(x), by)) < 1e-6
        assert off(own(moved(x, by)), moved(own(x), by)) > 1


def test_zeros_around_are_seen_at_the_edge_and_strides_only_where_they_step() -> None:
    torch.manual_seed(0)
    padded, strided = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(2, 4, 3, 2, 1, padding_mode="circular")
    x = noise(3, 2, 12, 12)
    found, expected = padded(moved(x, 1)), moved(padded(x), 1)
    assert off(found, expected) > 0.05
    assert off(found[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2]) < 1e-6
    assert off(strided(moved(x, 2)), moved(strided(x), 1)) < 1e-6
    assert off(strided(moved(x, 1)), strided(x)) > 0.5


@pytest.mark.parametrize("pool", [nn.MaxPool2d, nn.AvgPool2d])
def test_what_is_pooled_stays_as_it_is_within_a_window_and_changes_less_beyond(
    pool: Callable[[int], nn.Module],
) -> None:
    places = torch.eye(16).view(16, 1, 4, 4)  # a spot in every place of a window
    assert pool(4)(places).unique().numel() == 1
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, padding_mode="circular"), nn.ReLU())
    x = nn.functional.interpolate(noise(8, 1, 8, 8), scale_factor=4, mode="bicubic")  # as smooth as pictures are
    whole, y = features(x), features(moved(x, 1))
    changes = [off(pool(window)(y), pool(window)(whole)) for window in (1, 2, 4, 8)]
    assert changes == sorted(changes, reverse=True)
    assert changes[-1] < 0.5 * changes[0]
    assert off(y.mean((2, 3)), whole.mean((2, 3))) < 1e-6  # all places pooled: none is told from another


def test_dilation_sees_more_with_as_many_weights() -> None:
    """Doubled from layer to layer, three layers of 3 x 3 see 15 pixels in place of 7; plain ones need seven layers."""

    def found(*dilations: int) -> tuple[int | None, int, int]:
        layers = [nn.Conv2d(4, 4, 3, padding=each, dilation=each) for each in dilations]
        seen = inspect(nn.Sequential(*layers), torch.empty(1, 4, 32, 32))
        return seen.fields.layers[0][0].extent, seen.parameters, seen.macs

    plain, dilated, deep = found(1, 1, 1), found(1, 2, 4), found(*[1] * 7)
    assert (plain[0], dilated[0], deep[0]) == (7, 15, 15)
    assert plain[1:] == dilated[1:]
    assert Fraction(deep[1], dilated[1]) == Fraction(7, 3)


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
