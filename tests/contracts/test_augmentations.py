"""What every augmentation promises."""

import inspect
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.data.augmentation import Augmentation, Tones
from gradus.data.augmentation.changes import AugmentationCard, Kind, Mixing, Retouch, Rewriting, Warp, augmentations
from tests.data.augmentation.examples import SPECS, examples

CARDS = augmentations.cards()
EVERY = pytest.mark.parametrize("card", CARDS, ids=[card.name for card in CARDS])
WARPS = [card for card in CARDS if card.name in {"shift", "rotate", "scale", "shear", "flip", "crop"}]
EVERY_WARP = pytest.mark.parametrize("card", WARPS, ids=[card.name for card in WARPS])
EVERY_USE = pytest.mark.parametrize(
    ("card", "kind"),
    [(card, kind) for card in CARDS for kind in card.takes],
    ids=lambda each: getattr(each, "name", each),
)
ARRIVE = np.array([3, 4, 40, 5, 41, 7])


def item(card: AugmentationCard) -> dict[str, Any]:
    """A recipe's line for it; only user code has no defaults."""
    return {"name": card.name} | ({"module": f"{__file__}:backwards"} if card.name == "rewrite" else {})


def backwards(texts: list[str], u: Any) -> list[str]:
    assert len(u) == len(texts)
    return [text[::-1] if draw < 0.8 else text for text, draw in zip(texts, u, strict=True)]


def changed(
    card: AugmentationCard, kind: Kind, index: Any = ARRIVE, *, seed: int = 0, epoch: int = 0
) -> tuple[Tensor, Tensor]:
    tones = Tones(torch.tensor(-1.0), torch.tensor(-1.0), torch.tensor(2.0))
    make = Augmentation([item(card)], SPECS[kind], tones)
    (x,), target = make(examples(kind), np.asarray(index), pool=np.arange(64), seed=seed, epoch=epoch)
    return x, target


def test_nothing_is_missing() -> None:
    assert {card.name for card in CARDS} == {
        *("shift", "rotate", "scale", "shear", "flip", "crop", "colour", "noise", "cutout", "mixup", "cutmix"),
        "rewrite",
    }


@EVERY
def test_documents_itself(card: AugmentationCard) -> None:
    assert card.kind == "augmentation"
    assert card.summary.endswith(".")
    assert card.source
    for option in card.options:
        assert f"`{option.name}`" in card.summary, "the summary says what each option does"


@EVERY
def test_options_are_annotated_and_their_defaults_valid(card: AugmentationCard) -> None:
    assert all(option.annotation is not inspect.Parameter.empty for option in card.options)
    given = {name: value for name, value in item(card).items() if name != "name"}
    defaults = {option.name: option.default for option in card.options} | given
    assert card.validate(defaults) == card.validate(given) == defaults
    assert isinstance(card.build(**defaults), Warp | Retouch | Mixing | Rewriting)


@EVERY_WARP
def test_maps_are_affine_finite_and_a_function_of_their_draws(card: AugmentationCard) -> None:
    warp = card.build()
    assert isinstance(warp, Warp)
    u = np.random.default_rng(0).random((50, warp.draws))
    map_ = warp.matrix(u, (9, 6))
    assert map_.shape == (50, 3, 3)
    assert np.array_equal(map_[:, 2], np.tile([0, 0, 1], (50, 1)))
    assert (np.abs(np.linalg.det(map_)) > 0.1).all(), "nothing is squeezed to a line"
    if card.name != "flip":
        assert (np.linalg.det(map_) > 0).all(), "a label survives no reflection that was not asked for"
    assert np.array_equal(warp.matrix(u[[7]], (9, 6))[0], map_[7])
    assert len(np.unique(map_.round(6), axis=0)) > 1


@EVERY_USE
def test_shapes_dtypes_and_the_examples_themselves_are_kept(card: AugmentationCard, kind: Kind) -> None:
    (before,), labels = examples(kind)(torch.from_numpy(ARRIVE))
    x, target = changed(card, kind)
    assert (x.shape, x.dtype) == (before.shape, before.dtype)
    if x.is_floating_point():
        assert x.isfinite().all()
    assert not torch.equal(x, before)
    (again,), _ = examples(kind)(torch.from_numpy(ARRIVE))
    assert torch.equal(again, before)
    if isinstance(card.build(**{k: v for k, v in item(card).items() if k != "name"}), Mixing):
        assert (target.shape, target.dtype) == ((6, SPECS[kind].outputs), torch.float32)
        torch.testing.assert_close(target.sum(1), torch.ones(6))
        assert (target.gather(1, labels[:, None]) > 0).all(), "an example keeps a share in itself"
    else:
        assert torch.equal(target, labels)


@EVERY_USE
def test_an_example_is_changed_alike_in_any_batch(card: AugmentationCard, kind: Kind) -> None:
    x, target = changed(card, kind, seed=5, epoch=2)
    for chosen in ([0], [5, 2], [4, 3, 2, 1, 0]):
        some, its = changed(card, kind, ARRIVE[chosen], seed=5, epoch=2)
        assert torch.equal(some, x[chosen])
        assert torch.equal(its, target[chosen])


@EVERY_USE
def test_epochs_and_seeds_differ(card: AugmentationCard, kind: Kind) -> None:
    index = np.arange(64)
    x, _ = changed(card, kind, index)
    assert not torch.equal(changed(card, kind, index, epoch=1)[0], x)
    assert not torch.equal(changed(card, kind, index, seed=1)[0], x)


@EVERY
def test_goes_to_another_process(card: AugmentationCard) -> None:
    kind = card.takes[0]
    make = Augmentation([item(card)], SPECS[kind], Tones(torch.tensor(0.5), torch.tensor(0.25), torch.tensor(2.0)))
    twin = pickle.loads(pickle.dumps(make))  # noqa: S301 - what is tested
    one, other = (each(examples(kind), ARRIVE, pool=np.arange(64), seed=1, epoch=2)[0][0] for each in (make, twin))
    assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("card", "kind"), [(card, kind) for card in CARDS for kind in SPECS if kind not in card.takes],
    ids=lambda each: getattr(each, "name", each),
)  # fmt: skip
def test_refuses_data_of_another_kind(card: AugmentationCard, kind: Kind) -> None:
    with pytest.raises(InputError, match=f"^data.augment `{card.name}`: is for .*, got "):
        Augmentation([item(card)], SPECS[kind])


def test_specs_are_of_the_kinds_they_are_filed_under() -> None:
    assert all(isinstance(spec, DataSpec) for spec in SPECS.values())
    assert set(SPECS) == {"images", "numbers", "text"}
