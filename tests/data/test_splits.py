"""Splits keep every example once, each class in proportion, and the source's own test split as it is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import InputError
from gradus.data.arrays import from_arrays
from gradus.data.raw import Examples, RawData
from gradus.data.splits import split

COUNTS = {0: 500, 1: 300, 2: 120, 3: 80}


def classes(counts: dict[int, int] = COUNTS) -> RawData:
    y = np.random.default_rng(0).permutation(np.repeat(list(counts), list(counts.values())))
    return from_arrays(np.arange(len(y))[:, None], y)


def values(count: int) -> RawData:
    return from_arrays(np.arange(count)[:, None], np.arange(count) / 2)


def test_each_class_is_split_in_proportion() -> None:
    splits = split(classes(), validation=0.1, test=0.2, seed=0)
    assert splits.validation is not None
    assert splits.test is not None
    assert np.bincount(splits.test.target).tolist() == [100, 60, 24, 16]
    assert np.bincount(splits.validation.target).tolist() == pytest.approx([40, 24, 9.6, 6.4], abs=1)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (720, 80, 200)


@given(st.integers(0, 2**63 - 1), st.floats(0.02, 0.5), st.floats(0.02, 0.5), st.booleans())
def test_splits_are_disjoint_and_complete(seed: int, validation: float, test: float, by_class: bool) -> None:
    data = classes() if by_class else values(200)
    splits = split(data, validation=validation, test=test, seed=seed)
    parts = [part.index for part in splits.named().values()]
    assert sorted(np.concatenate(parts)) == list(range(len(data.train)))
    assert all((np.diff(part) > 0).all() for part in parts)
    for part in splits.named().values():
        assert np.array_equal(part.target, data.train.target[part.index])


def test_the_seed_decides() -> None:
    def indices(seed: int) -> list[list[int]]:
        return [part.index.tolist() for part in split(classes(), validation=0.1, test=0.2, seed=seed).named().values()]

    assert indices(5) == indices(5)
    assert all(a != b for a, b in zip(indices(5), indices(6), strict=True))


def test_the_test_split_does_not_depend_on_the_validation_share() -> None:
    one, other = (split(classes(), validation=share, test=None, seed=1) for share in (0.1, 0.3))
    assert one.test is not None
    assert other.test is not None
    assert np.array_equal(one.test.index, other.test.index)
    assert len(one.test) == 200


def test_test_and_validation_are_drawn_apart() -> None:
    test = split(classes(), validation=0, test=0.2, seed=0).named()["test"]
    validation = split(classes(), validation=0.2, test=0, seed=0).named()["validation"]
    assert len(test) == len(validation)
    assert not np.array_equal(test.index, validation.index)


def test_the_sources_own_test_split_is_untouched() -> None:
    x = np.arange(300)[:, None]
    data = from_arrays(x[:200], x[:200, 0] % 2, test=(x[200:], x[200:, 0] % 2))
    splits = split(data, validation=0.25, test=None, seed=0)
    assert splits.test is not None
    assert splits.test.examples is data.test
    assert splits.test.index.tolist() == list(range(100))
    assert (len(splits.train), len(splits.named()["validation"])) == (150, 50)
    with pytest.raises(InputError, match=r"^data.test: the data come with their own test split, got 0.3. Remove"):
        split(data, validation=0.1, test=0.3, seed=0)


def test_nothing_is_set_aside_for_a_share_of_zero() -> None:
    splits = split(classes(), validation=0, test=0, seed=0)
    assert list(splits.named()) == ["train"]
    assert splits.validation is splits.test is None
    assert splits.train.index.tolist() == list(range(1000))


def test_a_class_named_but_absent_takes_no_share() -> None:
    data = from_arrays(np.arange(20)[:, None], np.arange(20) % 2, classes=["a", "b", "c"])
    assert len(split(data, validation=0, test=0.1, seed=0).named()["test"]) == 2


def test_a_class_too_small_is_named() -> None:
    data = classes({0: 50, 1: 49, 2: 1})
    with pytest.raises(
        InputError, match=r"^data.test: too few examples .* 3 classes .*class `2` has 1 of 100.*set test = 0"
    ):
        split(data, validation=0.1, test=0.2, seed=0)
    with pytest.raises(InputError, match=r"^data.validation: too few examples .*validation = 0\.$"):
        split(data, validation=0.1, test=0, seed=0)


def test_a_share_too_small_for_the_classes_is_refused() -> None:
    with pytest.raises(InputError, match=r"^data.validation: too few .* 4 classes"):
        split(classes({0: 10, 1: 10, 2: 10, 3: 10}), validation=0.05, test=0, seed=0)


def test_values_taken_for_classes_are_pointed_out() -> None:
    data = from_arrays(np.arange(100)[:, None], np.arange(100))
    with pytest.raises(InputError, match='set task = "regression"'):
        split(data, validation=0.1, test=0, seed=0)


@pytest.mark.parametrize(("count", "share"), [(3, 0.1), (1, 0.5), (3, 0.9)])
def test_a_set_too_small_to_split_is_refused(count: int, share: float) -> None:
    with pytest.raises(
        InputError, match=rf"^data.validation: must leave examples on both sides of {count}.*validation = 0"
    ):
        split(values(count), validation=share, test=0, seed=0)


def series(count: int = 100, gap: int = 0) -> RawData:
    examples = Examples((np.zeros((count, 4, 1)),), np.zeros((count, 1), np.float32))
    return RawData(kind="series", task="regression", train=examples, ordered=True, gap=gap)


def test_of_an_ordered_set_the_end_is_set_aside() -> None:
    splits = split(series(), validation=0.1, test=0.2, seed=5).named()
    assert splits["train"].index.tolist() == list(range(72))
    assert splits["validation"].index.tolist() == list(range(72, 80))
    assert splits["test"].index.tolist() == list(range(80, 100))


def test_a_gap_is_left_at_every_cut() -> None:
    splits = split(series(gap=3), validation=0.1, test=0.2, seed=5).named()
    ends = [(part.index[0], part.index[-1]) for part in splits.values()]
    assert ends == [(0, 65), (69, 76), (80, 99)]
    with pytest.raises(InputError, match="gap of 3"):
        split(series(6, gap=3), validation=0.0, test=0.5, seed=0)


def test_a_validation_split_of_the_sources_own_is_passed_on() -> None:
    data = from_arrays(np.zeros((10, 2)), np.arange(10) % 2)
    own = Examples((np.ones((4, 2)),), np.zeros(4, np.int64))
    splits = split(replace(data, validation=own), validation=0.3, test=0.2, seed=0)
    assert splits.validation is not None
    assert splits.validation.examples is own
    assert (len(splits.train), len(splits.validation)) == (8, 4)
