"""What networks for images share."""

from typing import Any

import pytest
import torch
from torch import nn

from gradus import create_model
from gradus.models.images import he_normal, strides


@pytest.mark.parametrize(
    ("layer", "fan_out"),
    [
        (nn.Conv2d(32, 64, 3), 64 * 9),
        (nn.Conv2d(64, 64, 3, groups=64), 9),
        (nn.Conv2d(64, 128, 1, groups=4), 32),
        (nn.Conv3d(16, 32, 3, bias=False), 32 * 27),
    ],
)
def test_first_weights_keep_the_variance_of_gradients(layer: nn.Conv2d, fan_out: int) -> None:
    torch.manual_seed(0)
    he_normal(layer)
    assert layer.weight.mean().item() == pytest.approx(0, abs=0.2 * (2 / fan_out) ** 0.5)
    assert layer.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.1)
    assert layer.bias is None or not layer.bias.any()


def test_the_first_strides_go() -> None:
    assert [strides(each, 5) for each in (32, 16, 4)] == [[2] * 5, [1, 2, 2, 2, 2], [1, 1, 1, 2, 2]]


@pytest.mark.parametrize(
    "name", ["alexnet", "alexnet_owt", "vgg11", "googlenet", "resnet18", "se_resnet50", "attention56"]
)
def test_width_multiplies_every_layer_but_the_last(name: str) -> None:
    with torch.device("meta"):
        wide, narrow = (create_model(name, input_shape=(3, 96, 96), width=width) for width in (2.0, 1.0))
        given = wide(torch.empty(2, 3, 96, 96))
    assert all(each.shape == (2, 1000) for each in (getattr(given, "output", given), *getattr(given, "auxiliary", ())))
    for (place, one), other in zip(wide.named_parameters(), narrow.parameters(), strict=True):
        assert one.shape[0] == (1 if "output." in place else 2) * other.shape[0], place


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("alexnet_owt", {"width": 0.25}),
        ("attention56", {"width": 0.125}),
        ("c3d", {}),
        ("densenet_bc_100_12", {}),
        ("googlenet", {"width": 0.25}),
        ("mobilenet_v1_0.25", {}),
        ("mobilenet_v2_0.35", {}),
        ("r3d_18", {}),
        ("resnet18", {"width": 0.25}),
        ("resnet20", {}),
        ("se_resnet18", {"width": 0.25}),
        ("shufflenet_v1_g3", {}),
        ("shufflenet_v2_0.5", {}),
        ("st_cnn", {"transform": "none"}),
        ("vgg11", {"width": 0.25}),
    ],
)
def test_networks_begin_with_such_weights(name: str, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    layers = [each for each in create_model(name, **options).modules() if isinstance(each, nn.Conv2d | nn.Conv3d)]
    # All weights of a network that have deviation 1 when divided by what theirs should be.
    scaled = [each.weight.flatten() * (each.weight[:, 0].numel() / each.groups / 2) ** 0.5 for each in layers]
    assert torch.cat(scaled).std().item() == pytest.approx(1, abs=0.02)
