"""Images move as they should, by draws of their own, in any company."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from gradus.core.errors import InputError
from gradus.core.randomness import Stream, uniform
from gradus.data import augmentation as module
from gradus.data.augmentation import Augmentation

ZERO = torch.tensor(0.0)


def pictures(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def drawn(
    monkeypatch: pytest.MonkeyPatch, images: Tensor, items: Sequence[str | Mapping[str, Any]], *numbers: float,
    background: Tensor = ZERO,
) -> Tensor:  # fmt: skip
    """`images` changed by these uniform numbers, the same for each."""

    def fixed(seed: int, stream: Stream, epoch: int, index: NDArray[np.int64], draws: int) -> NDArray[np.float64]:
        assert stream is Stream.AUGMENTATION
        assert draws == len(numbers)
        return np.tile(np.array(numbers), (len(index), 1))

    monkeypatch.setattr(module, "uniform", fixed)
    return Augmentation(items, background)(images, 0, 0, np.arange(len(images)))


@pytest.mark.parametrize("size", [(7, 7), (8, 5), (5, 8)])
def test_the_middle_of_every_range_changes_nothing(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    images = pictures(3, 2, *size)
    same = drawn(monkeypatch, images, ["shift", "rotate", "scale"], 0.5, 0.5, 0.5, 0.5)
    torch.testing.assert_close(same, images, rtol=0, atol=2e-6)


@pytest.mark.parametrize(("across", "down"), [(2, 0), (0, -3), (-1, 2)])
def test_a_shift_by_whole_pixels_moves_them(across: int, down: int, monkeypatch: pytest.MonkeyPatch) -> None:
    images = pictures(2, 3, 8, 10)
    background = torch.tensor([0.25, -1.0, 3.0])[:, None, None]
    u = [(1 + pixels / (0.5 * side)) / 2 for pixels, side in ((across, 10), (down, 8))]
    moved = drawn(monkeypatch, images, [{"name": "shift", "by": 0.5}], *u, background=background)
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
    smaller = drawn(monkeypatch, ramp, [{"name": "scale", "by": 0.5}], 0.0, background=torch.tensor(9.0))
    torch.testing.assert_close(smaller[..., 3:6, 3:6], 2 * ramp[..., 3:6, 3:6], rtol=0, atol=1e-5)
    assert smaller[0, 0, 0].eq(9).all()


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


def test_draws_fill_the_whole_range(monkeypatch: pytest.MonkeyPatch) -> None:
    ramp = torch.arange(21.0).expand(4000, 1, 21, 21)
    centre = Augmentation([{"name": "shift", "by": 0.2}], ZERO)(ramp, 0, 0, np.arange(4000))[:, 0, 10, 10] - 10
    assert centre.min() == pytest.approx(-4.2, abs=0.02)
    assert centre.max() == pytest.approx(4.2, abs=0.02)
    assert centre.mean() == pytest.approx(0, abs=0.15)


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


IMAGES = pictures(64, 3, 9, 7)
ALL = Augmentation(
    ["shift", {"name": "rotate", "degrees": 45.0}, "scale"], torch.tensor([0.1, 0.2, 0.3])[:, None, None]
)


@given(st.integers(0, 2**32), st.integers(0, 50), st.lists(st.integers(0, 63), min_size=1, max_size=64))
def test_an_example_is_changed_alike_in_any_batch(seed: int, epoch: int, chosen: list[int]) -> None:
    index = np.arange(1000, 1064)
    whole = ALL(IMAGES, seed, epoch, index)
    assert torch.equal(ALL(IMAGES[chosen], seed, epoch, index[chosen]), whole[chosen])


def test_batch_size_and_threads_do_not_matter() -> None:
    index = np.arange(64)
    with threads(1):
        whole = ALL(IMAGES, 1, 2, index)
    for count in (1, 2, 3):
        with threads(count):
            for size in (1, 7, 64):
                pieces = [ALL(IMAGES[at : at + size], 1, 2, index[at : at + size]) for at in range(0, 64, size)]
                assert torch.equal(torch.cat(pieces), whole)


def test_epochs_seeds_and_examples_differ() -> None:
    one = IMAGES[:1].expand(3, -1, -1, -1)
    base = ALL(one, 0, 0, np.arange(3))
    assert not torch.equal(base[0], base[1])
    assert not torch.equal(base, ALL(one, 0, 1, np.arange(3)))
    assert not torch.equal(base, ALL(one, 1, 0, np.arange(3)))


def test_draws_come_from_the_shared_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def spy(seed: int, stream: Stream, epoch: int, index: NDArray[np.int64], draws: int) -> NDArray[np.float64]:
        asked.append((seed, stream, epoch, index.tolist(), draws))
        return uniform(seed, stream, epoch, index, draws)

    monkeypatch.setattr(module, "uniform", spy)
    ALL(IMAGES[:2], 8, 9, np.array([5, 3]))
    assert asked == [(8, Stream.AUGMENTATION, 9, [5, 3], 4)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shape_and_dtype_are_kept_and_the_images_too(dtype: torch.dtype) -> None:
    images = IMAGES.to(dtype)
    before = images.clone()
    changed = ALL(images, 0, 0, np.arange(64))
    assert (changed.shape, changed.dtype) == (images.shape, dtype)
    assert torch.equal(images, before)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (["shft"], r"data.augment: unknown name, got `shft`. Did you mean `shift`\?"),
        ([{"name": "shift", "bye": 0.1}], r"data.augment `shift`: unknown option `bye`. Did you mean `by`\?"),
        ([{"name": "shift", "by": 1.5}], "data.augment `shift`: `by` should be less than 1, got 1.5"),
        ([{"name": "rotate", "degrees": 0}], "data.augment `rotate`: `degrees` should be greater than 0, got 0"),
        ([{"by": 0.1}], "data.augment: every item must be a name or have one"),
        ([{"name": 3}], "data.augment: every item must be a name or have one"),
        ([""], "data.augment: every item must be a name or have one"),
    ],
)
def test_a_mistake_is_named(items: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        Augmentation(items, ZERO)
