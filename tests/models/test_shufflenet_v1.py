import pytest
import torch
from torch import nn

from gradus.analysis.inspect import inspect
from gradus.models import create_model
from gradus.nn.convolution import ChannelShuffle


@pytest.mark.parametrize(
    ("groups", "multiply_adds"),
    [(1, 142_502_976), (2, 140_036_512), (3, 136_500_672), (4, 133_251_776), (8, 136_829_952)],
)
def test_more_groups_afford_more_channels_for_as_much_work(groups: int, multiply_adds: int) -> None:
    """Without the last layer, as the paper counts; as pytorchcv's network."""
    with torch.device("meta"):
        model = create_model("shufflenet_v1", groups=groups, num_classes=0)
        assert inspect(model, torch.empty(1, 3, 224, 224)).macs == multiply_adds


@pytest.mark.parametrize(("groups", "shuffles"), [(1, 0), (3, 15)])
def test_shuffles_only_what_comes_in_groups(groups: int, shuffles: int) -> None:
    with torch.device("meta"):
        modules = list(create_model("shufflenet_v1", groups=groups).modules())
    assert sum(isinstance(each, ChannelShuffle) for each in modules) == shuffles


@pytest.mark.parametrize(("groups", "width", "stem", "last"), [(3, 0.5, 12, 480), (8, 0.5, 16, 768), (4, 0.5, 12, 576)])
def test_widths_are_those_that_groups_divide(groups: int, width: float, stem: int, last: int) -> None:
    """The first two as in the authors' code."""
    with torch.device("meta"):
        model = create_model("shufflenet_v1", groups=groups, width=width)
    assert model.get_parameter("stem.conv.weight").shape[0] == stem
    assert model.get_parameter("output.weight").shape[1] == last


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("width", [0.01, 0.3, 1.5, 2.7])
def test_takes_any_width(groups: int, width: float) -> None:
    with torch.device("meta"):
        model = create_model("shufflenet_v1", groups=groups, width=width, input_shape=(1, 32, 32))
        assert model(torch.empty(2, 1, 32, 32)).shape == (2, 1000)


@pytest.mark.parametrize(("reduction", "last"), [(32, 2), (16, 4), (8, 8), (4, 16)])
def test_reduction_says_how_large_the_last_maps_are(reduction: int, last: int) -> None:
    with torch.device("meta"):
        maps = create_model("shufflenet_v1", input_shape=(1, 64, 64), reduction=reduction, features_only=True)
        assert maps(torch.empty(2, 1, 64, 64))[-1].shape == (2, 960, last, last)
        assert any(isinstance(each, nn.MaxPool2d) for each in maps.modules()) == (reduction > 8)
