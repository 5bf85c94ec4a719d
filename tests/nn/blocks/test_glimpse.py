"""Glimpses against a crop of each picture by itself, in NumPy."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gradus.core.errors import InputError
from gradus.nn.blocks.glimpse import GlimpseSensor, frames, glimpses

Floats = NDArray[np.float64]


def one_by_one(x: Floats, places: Floats, patch: int, scales: int) -> Floats:
    """Each window cut out of its own picture, a pixel at a time, and shrunk by means of blocks."""
    examples, channels, height, width = x.shape
    made = np.zeros((examples, scales, channels, patch, patch))
    widest = patch * 2 ** (scales - 1)
    for n, place in enumerate(places):
        across, down = np.clip(place, -1, 1)
        left = math.floor((across + 1) / 2 * width - widest / 2 + 0.5)
        top = math.floor((down + 1) / 2 * height - widest / 2 + 0.5)
        for k in range(scales):
            side = patch * 2**k
            window = np.zeros((channels, side, side))
            margin = (widest - side) // 2
            for i in range(side):
                for j in range(side):
                    row, column = top + margin + i, left + margin + j
                    if 0 <= row < height and 0 <= column < width:
                        window[:, i, j] = x[n, :, row, column]
            made[n, k] = window.reshape(channels, patch, 2**k, patch, 2**k).mean((2, 4))
    return made


@pytest.mark.parametrize(("patch", "scales"), [(8, 1), (8, 3), (5, 1), (3, 2), (1, 1), (12, 3)])
@pytest.mark.parametrize("sides", [(28, 28), (9, 17)])
def test_each_picture_by_itself_gives_the_same(patch: int, scales: int, sides: tuple[int, int]) -> None:
    generator = np.random.default_rng(patch)
    edges = [[-1, -1], [1, 1], [-1, 1], [0, 0], [1, -1], [-3, 0.2], [0.5, 7]]
    places = np.concatenate([edges, generator.uniform(-1, 1, (25, 2))])
    x = generator.normal(size=(len(places), 3, *sides))
    found = glimpses(torch.from_numpy(x), torch.from_numpy(places), patch=patch, scales=scales)
    # Places are of single precision, as those of a network are.
    expected = one_by_one(x, places.astype(np.float32), patch, scales)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


def test_the_middle_of_an_even_picture_is_between_its_pixels() -> None:
    x = torch.arange(36.0).view(1, 1, 6, 6)
    found = glimpses(x, torch.zeros(1, 2), patch=2)
    assert found.tolist() == [[[[[14, 15], [20, 21]]]]]
    right = glimpses(x, torch.tensor([[1.0, 0.0]]), patch=2)  # x comes first; half of it is outside
    assert right.tolist() == [[[[[17, 0], [23, 0]]]]]


def test_a_place_that_is_no_number_is_the_middle() -> None:
    """Where weights diverged it is for the loss to say so, not for an index."""
    x = torch.arange(36.0).view(1, 1, 6, 6)
    assert glimpses(x, torch.full((1, 2), math.nan), patch=2).equal(glimpses(x, torch.zeros(1, 2), patch=2))
    assert frames(torch.full((1, 2), math.nan), (6, 6), patch=2).equal(frames(torch.zeros(1, 2), (6, 6), patch=2))


def test_of_no_pictures_there_are_no_glimpses() -> None:
    assert glimpses(torch.zeros(0, 3, 28, 28), torch.zeros(0, 2), patch=8, scales=2).shape == (0, 2, 3, 8, 8)


def test_frames_hold_what_is_seen() -> None:
    places = torch.tensor([[0.0, 0.0], [1.0, -1.0]])
    found = frames(places, (20, 40), patch=4, scales=2)
    assert found.shape == (2, 2, 4, 2)
    # 4 of 40 pixels across and of 20 down, around the middle; then twice as many.
    assert torch.allclose(found[0, 0], torch.tensor([[-0.1, -0.2], [0.1, -0.2], [0.1, 0.2], [-0.1, 0.2]]))
    assert torch.allclose(found[0, 1], 2 * found[0, 0])
    assert torch.allclose(found[1].mean(1), places[1].expand(2, 2))


def test_pictures_learn_through_it_but_places_do_not() -> None:
    x = torch.randn(2, 1, 6, 6, dtype=torch.float64, requires_grad=True)
    places = torch.tensor([[0.1, 0.9], [-0.4, 0.0]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: glimpses(x, places, patch=2, scales=2), (x,))
    assert not glimpses(x.detach(), places.requires_grad_(), patch=2).requires_grad


def test_what_is_refused() -> None:
    x = torch.zeros(3, 1, 8, 8)
    with pytest.raises(InputError, match=r"^glimpses: takes images and places of shapes"):
        glimpses(x, torch.zeros(2, 2), patch=4)
    with pytest.raises(InputError, match=r"^glimpses: takes images and places of shapes"):
        glimpses(x[0], torch.zeros(3, 2), patch=4)
    with pytest.raises(InputError, match="`patch` must be at least 1"):
        GlimpseSensor(0)
    with pytest.raises(InputError, match="`scales` must be at least 1"):
        frames(torch.zeros(3, 2), (8, 8), patch=4, scales=0)
