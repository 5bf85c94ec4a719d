"""Images move as they should."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gradus.core.randomness import Stream, uniform
from gradus.data.augmentation import Tones
from tests.data.augmentation.examples import drawn, pictures, tones

GEOMETRY = ["shift", "rotate", "scale", "shear", "flip"]


@pytest.mark.parametrize("size", [(7, 7), (8, 5), (5, 8)])
def test_the_middle_of_every_range_changes_nothing(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    images = pictures(3, 2, *size)
    same = drawn(monkeypatch, images, GEOMETRY, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
    torch.testing.assert_close(same, images, rtol=0, atol=2e-6)


@pytest.mark.parametrize(("across", "down"), [(2, 0), (0, -3), (-1, 2)])
def test_a_shift_by_whole_pixels_moves_them(across: int, down: int, monkeypatch: pytest.MonkeyPatch) -> None:
    images = pictures(2, 3, 8, 10)
    background = torch.tensor([0.25, -1.0, 3.0])[:, None, None]
    u = [(1 + pixels / (0.5 * side)) / 2 for pixels, side in ((across, 10), (down, 8))]
    levels = Tones(background, torch.tensor(0.0), torch.tensor(1.0))
    moved = drawn(monkeypatch, images, [{"name": "shift", "by": 0.5}], *u, tones=levels)
    # What is read `across` to the right and `down` below: the content moves the other way.
    expected = images.roll((-down, -across), (2, 3))
    rows, columns = torch.arange(8) + down, torch.arange(10) + across
    outside = ((rows < 0) | (rows >= 8))[:, None] | (columns < 0) | (columns >= 10)
    expected = torch.where(outside, background, expected)
    torch.testing.assert_close(moved, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("u", "turns"), [(1.0, 1), (0.0, -1)])
def test_a_quarter_turn_is_rot90(u: float, turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    images = pictures(2, 3, 8, 8)
    turned = drawn(monkeypatch, images, [{"name": "rotate", "degrees": 90.0}], u)
    torch.testing.assert_close(turned, torch.rot90(images, turns, (2, 3)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(6, 9), (9, 6)])
def test_a_half_turn_of_an_oblong_image_flips_both_axes(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    images = pictures(2, 1, *size)
    turned = drawn(monkeypatch, images, [{"name": "rotate", "degrees": 180.0}], 1.0)
    torch.testing.assert_close(turned, images.flip(2, 3), rtol=0, atol=1e-5)


def test_a_turn_keeps_angles_in_oblong_images(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.zeros(1, 1, 5, 9)
    images[0, 0, 2, 3:6] = 1  # a bar lying at the centre
    turned = drawn(monkeypatch, images, [{"name": "rotate", "degrees": 90.0}], 1.0)
    expected = torch.zeros(1, 1, 5, 9)
    expected[0, 0, 1:4, 4] = 1  # stands, and is as long
    torch.testing.assert_close(turned, expected, rtol=0, atol=1e-5)


def test_scale_enlarges_by_its_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.arange(9.0) - 4
    ramp = x.expand(1, 1, 9, 9).contiguous()
    larger = drawn(monkeypatch, ramp, [{"name": "scale", "by": 0.25}], 1.0)
    torch.testing.assert_close(larger, ramp / 1.25, rtol=0, atol=1e-5)  # a ramp 1.25 times as large rises less steeply
    smaller = drawn(monkeypatch, ramp, [{"name": "scale", "by": 0.5}], 0.0, tones=tones(9.0, 0.0, 1.0))
    torch.testing.assert_close(smaller[..., 3:6, 3:6], 2 * ramp[..., 3:6, 3:6], rtol=0, atol=1e-5)
    assert smaller[0, 0, 0].eq(9).all()


@pytest.mark.parametrize("u", [0.0, 1.0])
def test_a_shear_by_45_degrees_lays_an_upright_line_on_a_diagonal(u: float, monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.zeros(1, 1, 7, 7)
    images[..., 3] = 1
    slanted = drawn(monkeypatch, images, [{"name": "shear", "degrees": 45.0}], u)
    diagonal = torch.eye(7)
    torch.testing.assert_close(slanted[0, 0], diagonal if u == 0 else diagonal.flip(1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("degrees", [10.0, 30.0])
def test_a_shear_moves_every_row_by_the_tangent_of_its_angle(degrees: float, monkeypatch: pytest.MonkeyPatch) -> None:
    ramp = torch.arange(31.0).expand(1, 1, 5, 31).contiguous()
    slanted = drawn(monkeypatch, ramp, [{"name": "shear", "degrees": degrees}], 1.0)
    expected = 15 + np.tan(np.deg2rad(degrees)) * (np.arange(5) - 2)
    np.testing.assert_allclose(slanted[0, 0, :, 15], expected, atol=1e-4)


@pytest.mark.parametrize(("vertical", "axis"), [(False, 3), (True, 2)])
def test_a_flip_exchanges_sides_in_every_other_image(
    vertical: bool, axis: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = pictures(2, 3, 7, 10)
    item = {"name": "flip", "vertical": vertical}
    torch.testing.assert_close(drawn(monkeypatch, images, [item], 0.49), images.flip(axis), rtol=0, atol=1e-5)
    torch.testing.assert_close(drawn(monkeypatch, images, [item], 0.5), images, rtol=0, atol=1e-5)


def gradient() -> Tensor:
    """Of 11 x 21 pixels; the first channel tells the column, the second the row."""
    return torch.stack((torch.arange(21.0).expand(11, 21), torch.arange(11.0)[:, None].expand(11, 21)))[None]


@pytest.mark.parametrize(
    ("draws", "columns", "rows"),
    [
        ((0, 0.5, 0, 0), (0, 10), (0, 5)),  # a quarter of the area: the upper left
        ((0, 0.5, 1, 1), (10, 20), (5, 10)),  # the lower right
        ((0, 0.5, 0.5, 0.5), (5, 15), (2.5, 7.5)),  # the middle
        ((1, 0.5, 0.3, 0.9), (0, 20), (0, 10)),  # all of it
        ((0, 1, 0, 1), (0, 20), (7.5, 10)),  # four times as wide, in proportion, as high
        ((0, 0, 1, 0), (15, 20), (0, 10)),  # and the other way round
        ((1, 1, 0.5, 0), (0, 20), (0, 5)),  # twice as wide as the image would be: cut to it
    ],
)
def test_a_crop_shows_a_part(
    draws: tuple[float, ...], columns: tuple[float, float], rows: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    item = {"name": "crop", "least": 0.25, "aspect": 4.0}
    part = drawn(monkeypatch, gradient(), [item], *draws, tones=tones(99.0, 0.0, 1.0))[0]
    np.testing.assert_allclose(part[0, 0], np.linspace(*columns, 21), atol=1e-4)
    np.testing.assert_allclose(part[1, :, 0], np.linspace(*rows, 11), atol=1e-4)


def test_crops_have_areas_evenly_between_the_least_and_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradus.data.augmentation.geometry import crop

    u = uniform(0, Stream.AUGMENTATION, 0, np.arange(20_000), 4)
    area = np.linalg.det(crop(least=0.4, aspect=1.0).matrix(u, (9, 9)))
    np.testing.assert_allclose(np.quantile(area, [0, 0.25, 0.5, 0.75, 1]), [0.4, 0.55, 0.7, 0.85, 1], atol=0.01)


def test_changes_are_made_in_the_order_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.zeros(1, 1, 9, 9)
    images[0, 0, 4, 4] = 1
    shift, rotate = {"name": "shift", "by": 0.5}, {"name": "rotate", "degrees": 90.0}
    right_by_two = ((1 - 2 / 4.5) / 2, 0.5)
    # Moved right and then turned counter-clockwise, the dot is above the centre; turned first, it ends on the right.
    first = drawn(monkeypatch, images, [shift, rotate], *right_by_two, 1.0)
    assert first[0, 0, 2, 4] == pytest.approx(1, abs=1e-4)
    second = drawn(monkeypatch, images, [rotate, shift], 1.0, *right_by_two)
    assert second[0, 0, 4, 6] == pytest.approx(1, abs=1e-4)


def test_changes_in_a_row_sample_the_image_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a pixel there and back blurs an image that is sampled twice."""
    images = pictures(2, 1, 8, 8)
    item: dict[str, Any] = {"name": "shift", "by": 0.5}
    there, back = (1 + 0.5 / 4) / 2, (1 - 0.5 / 4) / 2
    same = drawn(monkeypatch, images, [item, item], there, 0.5, back, 0.5)
    torch.testing.assert_close(same, images, rtol=0, atol=1e-5)
    blurred = drawn(monkeypatch, images, [item, "colour", item], there, 0.5, *(0.5,) * 3, back, 0.5)
    middle = (images[..., :-2] + 2 * images[..., 1:-1] + images[..., 2:]) / 4
    torch.testing.assert_close(blurred[..., 1:-1], middle, rtol=0, atol=1e-5)
