import pytest
import torch

from gradus.core.errors import InputError
from gradus.models import create_model


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (2, 17, 64)])
def test_takes_images_of_any_channels_from_8_to_64(shape: tuple[int, int, int]) -> None:
    assert create_model("small_cnn", input_shape=shape)(torch.zeros(2, *shape)).shape == (2, 10)


@pytest.mark.parametrize("shape", [(1, 7, 8), (1, 8, 65), (64,)])
def test_other_data_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="model `small_cnn`: takes images"):
        create_model("small_cnn", input_shape=shape)


def test_stays_under_a_hundred_thousand_parameters() -> None:
    assert sum(each.numel() for each in create_model("small_cnn").parameters()) < 100_000


def test_width_scales_every_stage() -> None:
    def maps(width: int) -> list[int]:
        model = create_model("small_cnn", width=width)
        return [each.out_channels for each in model.modules() if isinstance(each, torch.nn.Conv2d)]

    assert maps(8) == [each // 2 for each in maps(16)]
    with pytest.raises(InputError, match="model `small_cnn`: `width`"):
        create_model("small_cnn", width=0)
