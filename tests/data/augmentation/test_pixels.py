"""Values change as they should, and mean the same whatever their scale."""

import numpy as np
import pytest
import torch
from scipy import stats

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.data.augmentation import Augmentation, Tones
from tests.data.augmentation.examples import drawn, held, pictures, tones


@pytest.mark.parametrize("channels", [1, 3])
def test_the_middle_of_every_range_changes_nothing(channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    images = pictures(3, channels, 5, 4)
    torch.testing.assert_close(drawn(monkeypatch, images, ["colour"], 0.5, 0.5, 0.5), images, rtol=0, atol=1e-6)


RED, GREY, DARK = (1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.0, 0.0, 0.2)


@pytest.mark.parametrize(
    ("draws", "pixels", "expected"),
    [
        # Brightness, times 1.5 or 0.5; what is lighter than white is white.
        ((1, 0.5, 0.5), (GREY, DARK), ((0.75, 0.75, 0.75), (0, 0, 0.3))),
        ((0, 0.5, 0.5), (RED, GREY), ((0.5, 0, 0), (0.25, 0.25, 0.25))),
        ((1, 0.5, 0.5), (RED, GREY), ((1, 0, 0), (0.75, 0.75, 0.75))),
        # Contrast, about the mean lightness (0.299 + 0.5) / 2 = 0.3995.
        ((0.5, 0, 0.5), (RED, GREY), ((0.69975, 0.19975, 0.19975), (0.44975, 0.44975, 0.44975))),
        ((0.5, 1, 0.5), (RED, GREY), ((1, 0, 0), (0.55025, 0.55025, 0.55025))),
        # Red, 1.5 times as bright, is cut to white's level before contrast is taken about (0.299 + 0.75) / 2 = 0.5245.
        ((1, 0, 0.5), (RED, GREY), ((0.76225, 0.26225, 0.26225), (0.63725, 0.63725, 0.63725))),
        # Saturation: half way to the same lightness in grey, or half as far again away from it.
        ((0.5, 0.5, 0), (RED, GREY), ((0.6495, 0.1495, 0.1495), GREY)),
        ((0.5, 0.5, 1), (DARK, GREY), ((0, 0, 0.2886), GREY)),
    ],
)
def test_colours_worked_by_hand(
    draws: tuple[float, ...],
    pixels: tuple[tuple[float, ...], ...],
    expected: tuple[tuple[float, ...], ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = {"name": "colour", "brightness": 0.5, "contrast": 0.5, "saturation": 0.5}
    image = torch.tensor(pixels).T[None, :, None]  # (1, 3, 1, 2)
    changed = drawn(monkeypatch, image, [item], *draws)
    np.testing.assert_allclose(changed[0, :, 0].T, expected, atol=1e-6)


def test_colours_are_changed_in_raw_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standardised by channel or not, an image is changed to the same picture."""
    images = pictures(4, 3, 6, 5)
    mean, deviation = torch.tensor([0.2, 0.5, 0.7])[:, None, None], torch.tensor([0.1, 0.3, 2.0])[:, None, None]
    levels = Tones(*((torch.tensor(level) - mean) / deviation for level in (0.0, 0.0, 1.0)))
    for item, draws in (("colour", (0.9, 0.2, 0.1)), ("cutout", (0.4, 0.6))):
        plain = drawn(monkeypatch, images, [item], *draws)
        scaled = drawn(monkeypatch, (images - mean) / deviation, [item], *draws, tones=levels)
        torch.testing.assert_close(scaled * deviation + mean, plain, rtol=0, atol=1e-5)
        assert not torch.allclose(plain, images)


def test_grey_images_have_no_saturation(monkeypatch: pytest.MonkeyPatch) -> None:
    images = pictures(4, 1, 6, 5)
    assert torch.equal(
        drawn(monkeypatch, images, ["colour"], 0.8, 0.3, 0.0), drawn(monkeypatch, images, ["colour"], 0.8, 0.3, 1.0)
    )


def test_colours_of_four_channels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"^data.augment `colour`: needs images of 1 or 3 channels, got 4"):
        drawn(monkeypatch, pictures(1, 4, 3, 3), ["colour"], 0.5, 0.5, 0.5)


def noise(shape: tuple[int, ...], count: int, levels: Tones | None = None, by: float = 0.5) -> torch.Tensor:
    spec = DataSpec(task="regression", inputs=(shape,), outputs=1)
    make = Augmentation([{"name": "noise", "by": by}], spec, levels)
    index = np.arange(count)
    return make(held(torch.zeros(count, *shape)), index, pool=index, seed=3, epoch=1)[0][0]


def test_noise_is_normal_and_independent() -> None:
    some = noise((5, 8), 2000).double().numpy() / 0.5
    assert stats.kstest(some.ravel(), "norm").pvalue > 0.01
    assert np.abs(np.corrcoef(some.reshape(2000, 40).T) - np.eye(40)).max() < 5 / np.sqrt(2000)
    assert np.abs(np.corrcoef(some.reshape(2000, 40)[:40]) - np.eye(40)).max() < 5 / np.sqrt(40)


def test_noise_has_its_deviation_in_units_of_white_less_black() -> None:
    assert noise((1, 9, 9), 500, tones(3.0, -1.0, 7.0), by=0.25).std().item() == pytest.approx(2, rel=0.02)


def test_noise_is_finite_at_the_ends_of_its_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.zeros(1, 1, 1, 3)
    found = drawn(monkeypatch, images, [{"name": "noise", "by": 1.0}], 0.0, 0.5, 1 - 2.0**-53)[0, 0, 0]
    np.testing.assert_allclose(found, stats.norm.ppf([2.0**-54, 0.5, 1 - 2.0**-53]), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("draws", "rows", "columns"),
    [
        ((0.5, 0.5), slice(2, 6), slice(4, 8)),  # about the middle, row 4 and column 6
        ((0.0, 0.999), slice(0, 2), slice(9, 12)),  # about the corner: part is outside
    ],
)
def test_cutout_blacks_out_a_square(
    draws: tuple[float, float], rows: slice, columns: slice, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = pictures(2, 3, 8, 12)
    changed = drawn(monkeypatch, images, ["cutout"], *draws, tones=tones(0.5, -2.0, 3.0))
    expected = images.clone()
    expected[..., rows, columns] = -2  # half the shorter side, 4 pixels, where nothing is cut off
    torch.testing.assert_close(changed, expected)


def test_cutouts_lie_about_every_pixel() -> None:
    spec = DataSpec(task="regression", inputs=((1, 6, 9),), outputs=1)
    index = np.arange(4000)
    make = Augmentation([{"name": "cutout", "side": 0.17}], spec)  # one pixel of 6
    (x,), _ = make(held(torch.ones(4000, 1, 6, 9)), index, pool=index, seed=0, epoch=0)
    hidden = (x == 0).sum(dim=(0, 1))
    assert hidden.sum() == 4000
    assert stats.chisquare(hidden.numpy().ravel()).pvalue > 0.01
