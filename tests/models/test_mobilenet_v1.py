from typing import Any

import pytest
import torch
from torch import nn

from gradus.analysis.inspect import inspect
from gradus.models import create_model, models


def multiply_adds(name: str, side: int = 224, **options: Any) -> int:
    with torch.device("meta"):
        model = create_model(name, input_shape=(3, side, side), **options)
        return inspect(model, torch.empty(1, 3, side, side)).macs


# Table 7, and the counts of timm's network.
@pytest.mark.parametrize(
    ("side", "published", "counted"),
    [(192, 418e6, 418_121_728), (160, 290e6, 290_675_200), (128, 186e6, 186_400_768)],
)
def test_cost_falls_with_the_square_of_the_resolution(side: int, published: float, counted: int) -> None:
    assert multiply_adds("mobilenet_v1", side) == counted
    assert counted == pytest.approx(published, rel=0.003)


def test_full_convolutions_take_eight_to_nine_times_as_much() -> None:
    assert round(multiply_adds("mobilenet_v1_full") / multiply_adds("mobilenet_v1"), 2) == 8.56


def test_nearly_all_weights_are_in_pointwise_convolutions() -> None:
    with torch.device("meta"):
        model = create_model("mobilenet_v1")
    convolutions = [each for each in model.modules() if isinstance(each, nn.Conv2d)]
    sizes = {
        "pointwise": sum(each.weight.numel() for each in convolutions if each.kernel_size == (1, 1)),
        "depthwise": sum(each.weight.numel() for each in convolutions if each.groups > 1),
    }
    assert sizes == {"pointwise": 3_139_584, "depthwise": 44_640}


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v1_full"])
@pytest.mark.parametrize(("reduction", "last"), [(32, 2), (16, 4), (8, 8), (4, 16)])
def test_reduction_says_how_large_the_last_maps_are(name: str, reduction: int, last: int) -> None:
    with torch.device("meta"):
        maps = create_model(name, input_shape=(1, 64, 64), reduction=reduction, features_only=True)
        assert maps(torch.empty(2, 1, 64, 64))[-1].shape == (2, 1024, last, last)
        assert create_model(name, input_shape=(1, reduction, reduction), reduction=reduction) is not None


@pytest.mark.parametrize(("width", "channels"), [(2.0, 64), (0.3, 9), (0.01, 8)])
def test_width_multiplies_channels(width: float, channels: int) -> None:
    with torch.device("meta"):
        model = create_model("mobilenet_v1", width=width)
    assert model.get_parameter("stem.conv.weight").shape[0] == channels
    assert model.get_parameter("output.weight").shape[1] == max(8, int(1024 * width))


def test_activations_are_the_option() -> None:
    with torch.device("meta"):
        kinds = {type(each) for each in create_model("mobilenet_v1", activation="relu6").modules()}
    assert nn.ReLU6 in kinds
    assert nn.ReLU not in kinds


def test_summaries_say_which_convolutions() -> None:
    assert models.get("mobilenet_v1_full").summary == "MobileNet V1 with full convolutions."
