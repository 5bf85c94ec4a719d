from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gradus.nn.blocks.attention import CBAM, ChannelAttention, SpatialAttention, SqueezeExcitation


def sigmoid(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = 1 / (1 + np.exp(-x))
    return found


def images() -> torch.Tensor:
    return torch.randn(3, 8, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", [SqueezeExcitation, ChannelAttention])
def test_weighs_each_map(kind: type[SqueezeExcitation] | type[ChannelAttention], bias: bool) -> None:
    torch.manual_seed(0)
    block = kind(8, 4, bias=bias).double()
    weights = {name: each.numpy() for name, each in block.state_dict().items()}
    assert [each.shape for each in weights.values()] == (
        [(2, 8, 1, 1), (2,), (8, 2, 1, 1), (8,)] if bias else [(2, 8, 1, 1), (8, 2, 1, 1)]
    )

    def layers(z: np.ndarray) -> np.ndarray:
        z = np.maximum(z @ weights["layers.squeeze.weight"][:, :, 0, 0].T + weights.get("layers.squeeze.bias", 0), 0)
        found: np.ndarray = z @ weights["layers.excite.weight"][:, :, 0, 0].T + weights.get("layers.excite.bias", 0)
        return found

    x = images()
    given = x.numpy()
    logits = layers(given.mean((2, 3)))
    if kind is ChannelAttention:
        logits = logits + layers(given.max((2, 3)))
    assert np.allclose(block(x).detach().numpy(), given * sigmoid(logits)[:, :, None, None])


def test_weighs_each_place() -> None:
    torch.manual_seed(0)
    block = SpatialAttention(3).double().eval()
    kernel = block.state_dict()["layers.conv.weight"].numpy()[0]
    x = images()
    given = x.numpy()
    padded = np.pad(np.stack((given.mean(1), given.max(1)), 1), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    logits = np.einsum("nchwij,cij->nhw", windows, kernel) / np.sqrt(1 + 1e-5)
    assert np.allclose(block(x).detach().numpy(), given * sigmoid(logits)[:, None])


def test_cbam_weighs_channels_then_places() -> None:
    torch.manual_seed(0)
    block: Any = CBAM(8, 4, kernel=3).double().eval()
    x = images()
    assert torch.equal(block(x), block.spatial(block.channel(x)))
    assert not torch.allclose(block(x), block.channel(block.spatial(x)))


@pytest.mark.parametrize("block", [SqueezeExcitation(4, 2), CBAM(4, 2, kernel=3)], ids=["se", "cbam"])
def test_gradients_are_those_of_finite_differences(block: nn.Module) -> None:
    x = torch.randn(2, 4, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    assert torch.autograd.gradcheck(block.double(), x)


def test_places_are_weighed_by_so_many_around_them() -> None:
    assert SpatialAttention().state_dict()["layers.conv.weight"].shape == (1, 2, 7, 7)
    for kernel in (7, 5):
        block = CBAM(8) if kernel == 7 else CBAM(8, kernel=kernel)
        assert block.state_dict()["spatial.layers.conv.weight"].shape == (1, 2, kernel, kernel)


def test_at_least_one_channel_is_left() -> None:
    assert SqueezeExcitation(8, 16).state_dict()["layers.squeeze.weight"].shape == (1, 8, 1, 1)
