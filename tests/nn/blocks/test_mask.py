"""Masks are what their formulas say, and weigh a trunk as the two kinds of learning say."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gradus.nn.blocks.mask import Attention, ChannelMask, Hourglass, MaskKind, SpatialMask, soft_mask


def maps(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_a_channel_mask_has_length_one_at_every_place() -> None:
    x = maps(2, 5, 3, 4)
    expected = x.numpy() / np.linalg.norm(x.numpy(), axis=1, keepdims=True)
    np.testing.assert_allclose(ChannelMask()(x).numpy(), expected, rtol=1e-5)


def test_a_spatial_mask_is_a_sigmoid_of_standardized_maps() -> None:
    x = 3 * maps(2, 5, 3, 4) + 1
    rows = x.numpy().reshape(10, 12).astype(np.float64)
    standardized = (rows - rows.mean(1, keepdims=True)) / rows.std(1, keepdims=True)
    expected = (1 / (1 + np.exp(-standardized))).reshape(2, 5, 3, 4)
    np.testing.assert_allclose(SpatialMask()(x).numpy(), expected, rtol=1e-4)
    assert SpatialMask()(maps(1, 2, 1, 1)).tolist() == [[[[0.5]], [[0.5]]]]


@pytest.mark.parametrize(("kind", "over"), [("channel_mean", (2, 3)), ("spatial_mean", 1)])
def test_a_mask_of_means_is_the_same_along_what_it_does_not_tell_apart(
    kind: MaskKind, over: int | tuple[int, int]
) -> None:
    torch.manual_seed(0)
    mask, x = soft_mask(6, nn.Identity, depth=1, units=1, kind=kind).eval(), maps(2, 6, 4, 4)
    means = mask[:-1](x).detach().numpy().mean(over, keepdims=True)
    np.testing.assert_allclose(mask(x).detach().numpy(), 1 / (1 + np.exp(-means)), rtol=1e-5)
    weighed = Attention(nn.Identity(), mask)(x).detach()
    np.testing.assert_allclose(weighed.numpy(), x.numpy() * (1 + 1 / (1 + np.exp(-means))), rtol=1e-5)


def test_an_hourglass_of_identities_is_pooling_and_enlarging() -> None:
    x = torch.arange(64.0).reshape(1, 1, 8, 8)
    pooled = x[..., 1::2, 1::2]  # of a ramp, the largest around every even place
    enlarged = nn.functional.interpolate(pooled, size=(8, 8), mode="bilinear", align_corners=True)
    assert torch.equal(Hourglass(nn.Identity, 1, 2)(x), enlarged)
    before = torch.tensor([0, 1, 3, 5])  # of the opposite ramp, the largest are on the other side
    assert torch.equal(Hourglass(nn.Identity, 1, 2).pool(-x), -x[..., before, :][..., before])
    inner = nn.functional.interpolate(pooled[..., 1::2, 1::2], size=(4, 4), mode="bilinear", align_corners=True)
    both = nn.functional.interpolate(pooled + inner, size=(8, 8), mode="bilinear", align_corners=True)
    assert torch.allclose(Hourglass(nn.Identity, 2, 1)(x), both)


@pytest.mark.parametrize(("depth", "units", "expected"), [(1, 1, 2), (2, 1, 5), (3, 1, 8), (3, 3, 20)])
def test_an_hourglass_has_units_down_up_and_aside(depth: int, units: int, expected: int) -> None:
    made: list[nn.Module] = []

    def unit() -> nn.Module:
        made.append(nn.Identity())
        return made[-1]

    Hourglass(unit, depth, units)
    assert len(made) == expected  # 2 units a depth, and one aside at each but the deepest


def test_residual_learning_adds_the_trunk() -> None:
    x = maps(2, 4, 5, 5)
    naive = Attention(nn.Tanh(), nn.Sigmoid(), residual=False)(x)
    assert torch.allclose(naive, x.tanh() * x.sigmoid())
    assert torch.allclose(Attention(nn.Tanh(), nn.Sigmoid())(x), x.tanh() * (1 + x.sigmoid()))


@pytest.mark.parametrize("kind", ["mixed", "channel", "spatial"])
def test_a_hook_sees_the_mask(kind: MaskKind) -> None:
    attention = Attention(nn.Identity(), soft_mask(4, nn.Identity, depth=2, units=1, kind=kind), residual=False)
    seen: list[Tensor] = []
    attention.mask.register_forward_hook(lambda _module, _inputs, mask: seen.append(mask))
    x = maps(2, 4, 12, 12)
    y = attention(x)
    assert torch.equal(seen[0] * x, y)
    # Of the three, only the channel mask has negative numbers and only that has the length 1 at every place.
    assert bool((seen[0] < 0).any()) is (kind == "channel")
    assert seen[0].abs().max() <= 1
