import pytest
import torch

from gradus.core.errors import InputError
from gradus.models import create_model


@pytest.mark.parametrize("width", [0.75, 1.75])
def test_widths_are_those_of_the_papers_table(width: float) -> None:
    with pytest.raises(InputError, match=r"model `shufflenet_v2`: `width` must be 0.5, 1, 1.5 or 2, got `?1?0?\.75"):
        create_model("shufflenet_v2", width=width)


@pytest.mark.parametrize(("width", "channels"), [(0.5, (24, 24, 48, 96, 1024)), (2.0, (24, 24, 244, 488, 2048))])
def test_maps_are_as_wide_as_the_table_says(width: float, channels: tuple[int, ...]) -> None:
    with torch.device("meta"):
        maps = create_model("shufflenet_v2", width=width, features_only=True)
    assert maps.channels == channels
    assert maps.strides == (2, 4, 8, 16, 32)


@pytest.mark.parametrize(("reduction", "last"), [(32, 2), (16, 4), (8, 8), (4, 16)])
def test_reduction_says_how_large_the_last_maps_are(reduction: int, last: int) -> None:
    with torch.device("meta"):
        maps = create_model("shufflenet_v2", input_shape=(1, 64, 64), reduction=reduction, features_only=True)
        assert maps(torch.empty(2, 1, 64, 64))[-1].shape == (2, 1024, last, last)
