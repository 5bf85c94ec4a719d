import pytest
import torch
from torch import nn

from gradus.models import create_model


@pytest.mark.parametrize(
    ("width", "stem", "last"), [(0.35, 16, 1280), (1.0, 32, 1280), (1.3, 40, 1664), (1.4, 48, 1792)]
)
def test_width_multiplies_the_last_convolution_only_above_one(width: float, stem: int, last: int) -> None:
    with torch.device("meta"):
        model = create_model("mobilenet_v2", width=width)
    assert model.get_parameter("stem.conv.weight").shape[0] == stem
    assert model.get_parameter("output.weight").shape[1] == last


@pytest.mark.parametrize(("reduction", "last"), [(32, 2), (16, 4), (8, 8), (4, 16)])
def test_reduction_says_how_large_the_last_maps_are(reduction: int, last: int) -> None:
    with torch.device("meta"):
        maps = create_model("mobilenet_v2", input_shape=(1, 64, 64), reduction=reduction, features_only=True)
        assert maps(torch.empty(2, 1, 64, 64))[-1].shape == (2, 1280, last, last)


def test_without_batch_normalization_and_biases_it_has_what_the_paper_gives() -> None:
    with torch.device("meta"):
        model = create_model("mobilenet_v2")
    assert sum(each.numel() for each in model.parameters() if each.ndim > 1) == 3_469_760


def test_dropout_is_the_option() -> None:
    with torch.device("meta"):
        shares = [
            [each.p for each in create_model("mobilenet_v2", dropout=share).modules() if isinstance(each, nn.Dropout)]
            for share in (0.0, 0.5)
        ]
    assert shares == [[], [0.5]]
