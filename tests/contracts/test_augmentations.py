"""What every augmentation promises."""

import inspect

import numpy as np
import pytest
import torch

from gradus.core.cards import Card
from gradus.data.augmentation import Augmentation, Warp, augmentations

CARDS = augmentations.cards()
EVERY = pytest.mark.parametrize("card", CARDS, ids=[card.name for card in CARDS])


def test_nothing_is_missing() -> None:
    assert {"shift", "rotate", "scale"} <= {card.name for card in CARDS}


@EVERY
def test_documents_itself(card: Card) -> None:
    assert card.kind == "augmentation"
    assert card.summary.endswith(".")
    assert card.source
    for option in card.options:
        assert f"`{option.name}`" in card.summary, "the summary says what each option does"


@EVERY
def test_options_are_annotated_and_their_defaults_valid(card: Card) -> None:
    assert all(option.annotation is not inspect.Parameter.empty for option in card.options)
    defaults = {option.name: option.default for option in card.options}
    assert card.validate(defaults) == card.validate({}) == defaults


@EVERY
def test_maps_are_affine_finite_and_a_function_of_their_draws(card: Card) -> None:
    warp = card.build()
    assert isinstance(warp, Warp)
    u = np.random.default_rng(0).random((50, warp.draws))
    map_ = warp.matrix(u, (9, 6))
    assert map_.shape == (50, 3, 3)
    assert np.array_equal(map_[:, 2], np.tile([0, 0, 1], (50, 1)))
    assert (np.linalg.det(map_) > 0).all(), "a label survives no reflection"
    assert np.array_equal(warp.matrix(u[[7]], (9, 6))[0], map_[7])
    assert not np.allclose(map_[0], map_[1])
    np.testing.assert_allclose(warp.matrix(np.full((1, warp.draws), 0.5), (9, 6))[0], np.eye(3), atol=1e-12)


@EVERY
def test_moves_images_but_not_plain_ones(card: Card) -> None:
    plain, index = torch.full((8, 2, 9, 6), 3.5), np.arange(8)
    images = torch.rand(8, 2, 9, 6, generator=torch.Generator().manual_seed(0))
    change = Augmentation([card.name], torch.tensor(3.5))
    torch.testing.assert_close(change(plain, 0, 0, index), plain)
    changed = change(images, 0, 0, index)
    assert changed.shape == images.shape
    assert changed.dtype == images.dtype
    assert not torch.allclose(changed, images)
