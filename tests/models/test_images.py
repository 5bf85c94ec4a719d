"""What networks for images share."""

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
