import pytest
import torch
from torch import Tensor
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.models.field import ImageField, background


def grey(*rows: list[float]) -> Tensor:
    return torch.tensor(rows)[None, None]


def test_an_image_as_large_as_the_field_is_left_alone() -> None:
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(ImageField(32)(x), x)


def test_a_smaller_image_is_centred_on_its_background() -> None:
    field = ImageField(4)(grey([7.0, 7.0], [7.0, 9.0], [7.0, 7.0]))
    expected = grey([7.0, 7.0, 7.0, 7.0], [7.0, 7.0, 9.0, 7.0], [7.0, 7.0, 7.0, 7.0], [7.0, 7.0, 7.0, 7.0])
    assert torch.equal(field, expected)


def test_enlarging_is_bilinear_by_the_largest_whole_factor() -> None:
    # Factor 2 of 2 x 2 fills 4 x 4; pixel centres at 1/4 and 3/4, and the odd row and column go last.
    field = ImageField(5)(grey([0.0, 16.0], [0.0, 16.0]))
    row = [0.0, 4.0, 12.0, 16.0, 8.0]
    torch.testing.assert_close(field, grey(row, row, row, row, [8.0] * 5))


def test_the_digits_of_8_by_8_fill_the_field_whole() -> None:
    x = torch.randn(2, 1, 8, 8)
    expected = functional.interpolate(x, size=(32, 32), mode="bilinear")
    torch.testing.assert_close(ImageField(32)(x), expected)


def test_28_by_28_gains_two_pixels_of_background_as_in_the_paper() -> None:
    x = torch.zeros(2, 1, 28, 28)
    x[:, :, 4:24, 4:24] = torch.rand(2, 1, 20, 20)
    assert torch.equal(ImageField(32)(x), functional.pad(x, (2, 2, 2, 2)))


def test_standardising_before_or_after_makes_no_difference() -> None:
    x = torch.rand(2, 1, 20, 28, dtype=torch.float64)
    torch.testing.assert_close(ImageField(32)((x - 0.3) / 0.2), (ImageField(32)(x) - 0.3) / 0.2)


def test_the_background_is_each_images_and_channels_own_and_outvotes_one_corner() -> None:
    x_NCHW = torch.full((2, 2, 3, 3), 5.0)
    x_NCHW[0, 1] = -1.0
    x_NCHW[1, 0, 0, 0] = 99.0  # ink
    x_NCHW[:, :, 1, 1] = 42.0
    assert background(x_NCHW).flatten(1).tolist() == [[5.0, -1.0], [5.0, 5.0]]


def test_an_image_larger_than_the_field_is_refused() -> None:
    with pytest.raises(InputError, match=r"images must fit in 32 x 32, got \(33, 8\)"):
        ImageField(32)(torch.zeros(1, 1, 33, 8))
