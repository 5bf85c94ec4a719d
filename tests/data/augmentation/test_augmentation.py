"""A recipe's changes are made by draws of their own, in any company."""

from collections.abc import Iterator
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
from gradus.core.spec import DataSpec
from gradus.data import augmentation as module
from gradus.data.arrays import from_arrays
from gradus.data.augmentation import Augmentation, Tones
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import RawData
from gradus.data.splits import Split
from tests.data.augmentation.examples import SPECS, held, pictures

SPEC = DataSpec(task="classification", inputs=((3, 9, 7),), outputs=4)
IMAGES = pictures(64, 3, 9, 7)
TARGET = torch.arange(64) % 4
CHANGES: list[Any] = [
    *("shift", {"name": "rotate", "degrees": 45.0}, "scale", "shear", "flip", "crop", "colour", "noise"),
    *("mixup", "shift", "cutout"),
]
ALL = Augmentation(CHANGES, SPEC, Tones(torch.tensor([0.1, 0.2, 0.3])[:, None, None], torch.zeros(1), torch.ones(1)))


def changed(index: Any, seed: int = 1, epoch: int = 2) -> tuple[Tensor, Tensor]:
    (x,), target = ALL(held(IMAGES, TARGET), np.asarray(index), pool=np.arange(64), seed=seed, epoch=epoch)
    return x, target


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@given(st.integers(0, 2**32), st.integers(0, 50), st.lists(st.integers(0, 63), min_size=1, max_size=64))
def test_an_example_is_changed_alike_in_any_batch(seed: int, epoch: int, chosen: list[int]) -> None:
    whole, shares = changed(np.arange(64), seed, epoch)
    some, its = changed(chosen, seed, epoch)
    assert torch.equal(some, whole[chosen])
    assert torch.equal(its, shares[chosen])


def test_batch_size_and_threads_do_not_matter() -> None:
    with threads(1):
        whole, _ = changed(np.arange(64))
    for count in (1, 2, 3):
        with threads(count):
            for size in (1, 7, 64):
                pieces = [changed(np.arange(at, min(at + size, 64)))[0] for at in range(0, 64, size)]
                assert torch.equal(torch.cat(pieces), whole)


def test_large_images_do_not_depend_on_threads_or_company_either() -> None:
    """Sums over more numbers than torch leaves to one thread."""
    images = pictures(6, 3, 300, 300)
    spec = DataSpec(task="regression", inputs=((3, 300, 300),), outputs=1)
    make = Augmentation(["colour", "noise"], spec)

    def made(*index: int) -> Tensor:
        return make(held(images), np.array(index), pool=np.arange(6), seed=0, epoch=0)[0][0]

    with threads(1):
        whole = made(*range(6))
    for count in (1, 2, 4):
        with threads(count):
            assert torch.equal(torch.cat([made(each) for each in range(6)]), whole)
            assert torch.equal(made(2, 0), whole[[2, 0]])


def test_draws_come_from_the_shared_hash_each_with_a_number_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def spy(
        seed: int, stream: Stream, epoch: int, index: NDArray[np.int64], draws: int, *, first: int
    ) -> NDArray[np.float64]:
        asked.append((seed, stream, epoch, index.tolist(), draws, first))
        return uniform(seed, stream, epoch, index, draws, first=first)

    monkeypatch.setattr(module, "uniform", spy)
    make = Augmentation(["shift", "noise", "rotate", "cutmix"], SPEC)
    make(held(IMAGES, TARGET), np.array([5, 3]), pool=np.array([9]), seed=8, epoch=4)
    key = (8, Stream.AUGMENTATION, 4)
    assert sorted(asked, key=lambda each: each[-1]) == [
        (*key, [5, 3, 9, 9], 2, 0),
        (*key, [5, 3, 9, 9], 189, 2),
        (*key, [5, 3, 9, 9], 1, 191),
        (*key, [5, 3], 5, 192),
    ]


def test_draws_fill_the_whole_range() -> None:
    ramp = torch.arange(21.0).expand(4000, 1, 21, 21)
    spec = DataSpec(task="regression", inputs=((1, 21, 21),), outputs=1)
    index = np.arange(4000)
    make = Augmentation([{"name": "shift", "by": 0.2}], spec)
    centre = make(held(ramp), index, pool=index, seed=0, epoch=0)[0][0][:, 0, 10, 10] - 10
    assert centre.min() == pytest.approx(-4.2, abs=0.02)
    assert centre.max() == pytest.approx(4.2, abs=0.02)
    assert centre.mean() == pytest.approx(0, abs=0.15)


def raw_images(x: NDArray[Any]) -> RawData:
    return from_arrays(x, np.arange(len(x)) % 2)


@pytest.mark.parametrize(
    ("x", "black", "white"),
    [
        (np.array([10, 200], np.uint8), 0, 255),  # as image files have them, whatever these happen to hold
        (np.array([0.1, 0.75]), 0, 0.75),
        (np.array([-3.0, 5.0]), -3, 5),
        (np.array([0, 60_000], np.uint16), 0, 60_000),
        (np.array([0.0, 0.0]), 0, 1),  # nothing to be seen
    ],
)
def test_black_and_white_are_the_ends_of_what_images_hold(x: NDArray[Any], black: float, white: float) -> None:
    raw = raw_images(np.tile(x, 24).reshape(4, 3, 4))
    # The last example is not trained on, and is not looked at.
    raw.train.inputs[0][3] = 255  # type: ignore[index]
    train = Split(raw.train, np.arange(3))
    scaling = Preprocessing.fit(raw, train)
    tones = Tones.fit(train, scaling)
    for found, level in ((tones.background, 0), (tones.black, black), (tones.white, white)):
        torch.testing.assert_close(scaling.inputs[0].restore(found), torch.full((1, 1, 1), float(level)))  # type: ignore[union-attr]


@pytest.mark.parametrize("item", ["cutout", {"name": "shift", "by": 0.5}])
def test_what_is_fitted_to_scaled_images_knows_their_black(item: Any) -> None:
    raw = raw_images(np.random.default_rng(0).integers(100, 200, (20, 8, 8)).astype(np.uint8))
    train = Split(raw.train, np.arange(20))
    scaling = Preprocessing.fit(raw, train)
    make = Augmentation.fit([item], raw, train, scaling)
    scaled = scaling.apply((raw.train.inputs[0][:],))[0]
    (x,), _ = make(held(scaled), np.arange(20), pool=np.arange(20), seed=0, epoch=0)
    restored = scaling.inputs[0].restore(x)  # type: ignore[union-attr]
    assert restored.min().item() == pytest.approx(0, abs=1e-3)
    assert (restored.abs() < 1e-3).sum() > 100


def test_images_whose_pixels_are_mixed_can_be_mixed_but_not_moved() -> None:
    raw = raw_images(np.random.default_rng(0).random((40, 3, 3)))
    train = Split(raw.train, np.arange(40))
    white = Preprocessing.fit(raw, train, "whiten")
    Augmentation.fit(["mixup"], raw, train, white)
    with pytest.raises(InputError, match="needs inputs that are scaled each by itself"):
        Augmentation.fit(["shift"], raw, train, white)


@pytest.mark.parametrize(
    ("kind", "items", "message"),
    [
        ("images", ["shft"], r"data.augment: unknown name, got `shft`. Did you mean `shift`\?"),
        ("images", [{"name": "shift", "bye": 0.1}], r"data.augment `shift`: unknown option `bye`. Did you mean `by`\?"),
        ("images", [{"name": "shift", "by": 1.5}], "data.augment `shift`: `by` should be less than 1, got 1.5"),
        ("images", [{"name": "rotate", "degrees": 0}], "data.augment `rotate`: `degrees` should be greater than 0"),
        ("images", [{"name": "shear", "degrees": 90}], "data.augment `shear`: `degrees` should be less than 90"),
        ("images", [{"name": "flip", "vertical": 1}], "data.augment `flip`: `vertical` should be a valid boolean"),
        ("images", [{"name": "crop", "aspect": 0.5}], "data.augment `crop`: `aspect` should be greater than or equal"),
        ("images", [{"name": "mixup", "alpha": 0.0}], "data.augment `mixup`: `alpha` should be greater than 0"),
        ("images", ["mixup", "shift", "cutmix"], "data.augment: may mix examples once, got .*Keep one of the two"),
        ("images", [{"by": 0.1}], "data.augment: every item must be a name or have one"),
        ("images", [{"name": 3}], "data.augment: every item must be a name or have one"),
        ("images", [""], "data.augment: every item must be a name or have one"),
        ("text", [{"name": "rewrite"}], "data.augment `rewrite`: option `module` must be given"),
        ("text", [{"name": "rewrite", "module": "x"}], "data.augment `rewrite`.*must look like `file.py:callable`"),
        ("numbers", ["cutmix"], r"data.augment `cutmix`: is for images \(C, H, W\), got `tables and series, \(5, 2\)`"),
        ("text", ["noise"], r"data.augment `noise`: is for images \(C, H, W\) or tables and series, got `text"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(kind: Any, items: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        Augmentation(items, SPECS[kind])


def test_examples_of_two_inputs_are_not_mixed() -> None:
    spec = DataSpec(task="classification", inputs=((5,), (2,)), outputs=4)
    with pytest.raises(InputError, match=r"^data.augment `mixup`: mixes examples of one input, got `2 inputs`"):
        Augmentation(["mixup"], spec)
