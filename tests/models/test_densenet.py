from typing import Any

import pytest
import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.models import create_model
from gradus.models.reuse import FeatureMaps
from gradus.nn.blocks.dense import DenseBlock


def maps(name: str, **options: Any) -> list[int]:
    """Channels of the last maps of each resolution."""
    with torch.device("meta"):
        found = create_model(name, features_only=True, **options)
    assert isinstance(found, FeatureMaps)
    return list(found.channels)


def test_growth_and_compression_say_how_many_maps_there_are() -> None:
    # 24 + 6 * 12 = 96 -> 48 + 12 * 12 = 192 -> 96 + 24 * 12 = 384 -> 192 + 16 * 12 = 384
    assert maps("densenet121", growth=12) == [24, 96, 192, 384, 384]
    # 16 + 12 * 12 = 160 -> 80 + 144 = 224 -> 112 + 144 = 256
    assert maps("densenet_40_12", compression=0.5) == [160, 224, 256]
    # 16 + 12 * 12 = 160 -> 1 + 144 = 145 -> 1 + 144
    assert maps("densenet_40_12", compression=0.001) == [160, 145, 145]


def test_small_networks_become_bc_with_bottleneck_and_compression() -> None:
    # without compression they begin with 16 maps: 16 + 6 * 12 = 88
    assert maps("densenet_40_12", bottleneck=True) == [88, 160, 232]
    # 24 + 6 * 12 = 96 -> 48 + 72 = 120 -> 60 + 72 = 132
    assert maps("densenet_40_12", bottleneck=True, compression=0.5) == [96, 120, 132]
    with torch.device("meta"):
        whole = create_model("densenet_100_12", bottleneck=True, compression=0.5)
        other = create_model("densenet_bc_100_12")
    assert str(whole) == str(other)


def test_dropout_follows_every_convolution_but_the_first() -> None:
    model = create_model("densenet_40_12", dropout=0.2)
    layers = [type(each) for each in model.modules() if isinstance(each, nn.Conv2d | nn.Dropout)]
    assert layers == [nn.Conv2d] + [nn.Conv2d, nn.Dropout] * 38
    assert not any(isinstance(each, nn.Dropout) for each in create_model("densenet_40_12").modules())


def test_all_blocks_recompute_or_none() -> None:
    for recompute in (False, True):
        model = create_model("densenet_40_12", recompute=recompute)
        assert [each.recompute for each in model.modules() if isinstance(each, DenseBlock)] == [recompute] * 3


@pytest.mark.parametrize(("reduction", "strides"), [(32, (2, 4, 8, 16, 32)), (8, (1, 2, 4, 8)), (4, (1, 2, 4))])
def test_reduction_takes_strides_from_the_front(reduction: int, strides: tuple[int, ...]) -> None:
    with torch.device("meta"):
        found = create_model("densenet121", input_shape=(3, 32, 32), reduction=reduction, features_only=True)
    assert isinstance(found, FeatureMaps)
    assert found.strides == strides


def test_other_data_and_options_are_refused() -> None:
    with pytest.raises(InputError, match="model `densenet161`: takes images of at least 32 x 32"):
        create_model("densenet161", input_shape=(3, 31, 64))
    with pytest.raises(InputError, match="model `densenet_40_12`: `compression`"):
        create_model("densenet_40_12", compression=1.5)
