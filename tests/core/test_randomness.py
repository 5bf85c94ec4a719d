"""Draws are a function of their keys: known bits, even, unrelated, and the same whoever asks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gradus.core.randomness import Stream, derive_seed, hash_keys, permutation, uniform

MASK = 2**64 - 1
SEED_OF = st.integers(0, 2**63 - 1)
INDICES = st.lists(st.integers(0, 10**9), min_size=1, max_size=40, unique=True)


def splitmix64(state: int, count: int) -> list[int]:
    """The published generator (Steele, Lea, Flood 2014), in Python's unbounded integers."""
    numbers = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        numbers.append(z ^ (z >> 31))
    return numbers


def test_reference_generator_gives_the_published_numbers() -> None:
    # Vigna's splitmix64.c, seed 1234567, as Rosetta Code lists it.
    assert splitmix64(1234567, 3) == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_one_key_is_the_output_of_that_number_of_splitmix64() -> None:
    assert [int(hash_keys(key)) for key in range(5)] == splitmix64(0, 5)


def test_every_further_key_picks_an_output_of_the_generator_seeded_so_far() -> None:
    first = splitmix64(0, 8)[7]
    second = splitmix64(first, 4)[3]
    assert int(hash_keys(7, 3, 2)) == splitmix64(second, 3)[2]


@given(SEED_OF, SEED_OF)
def test_large_keys_wrap_as_the_generator_does(a: int, b: int) -> None:
    state = splitmix64((a * 0x9E3779B97F4A7C15) & MASK, 1)[0]
    expected = splitmix64((state + b * 0x9E3779B97F4A7C15) & MASK, 1)[0]
    assert int(hash_keys(a, np.array([b]))[0]) == expected


@given(SEED_OF, st.sampled_from(Stream), st.integers(0, 10**12))
def test_a_derived_seed_is_the_hash_without_its_last_bit(seed: int, stream: Stream, step: int) -> None:
    assert derive_seed(seed, stream, step) == int(hash_keys(seed, stream, step)) >> 1
    assert 0 <= derive_seed(seed, stream) < 2**63


def test_the_numbers_of_streams_never_change() -> None:
    assert {each.name: each.value for each in Stream} == {
        "ORDER": 1, "AUGMENTATION": 2, "STEP": 3, "MODEL": 4, "SPLIT": 5, "BOOTSTRAP": 6, "DATA": 7,
    }  # fmt: skip


def test_uniform_numbers_fill_the_unit_interval_evenly() -> None:
    u = uniform(0, Stream.AUGMENTATION, 0, np.arange(50_000), 4)
    assert u.shape == (50_000, 4)
    assert u.min() >= 0
    assert u.max() < 1
    for column in u.T:
        counts = np.bincount((column * 100).astype(int), minlength=100)
        assert stats.chisquare(counts).pvalue > 1e-4
    lowest_bits = (u * 2**53).astype(np.uint64) & np.uint64(7)
    assert stats.chisquare(np.bincount(lowest_bits.ravel().astype(int), minlength=8)).pvalue > 1e-4


def test_neighbouring_keys_give_unrelated_numbers() -> None:
    index = np.arange(20_000)
    base = uniform(3, Stream.AUGMENTATION, 5, index, 2)
    others = {
        "seed": uniform(4, Stream.AUGMENTATION, 5, index, 2)[:, 0],
        "stream": uniform(3, Stream.STEP, 5, index, 2)[:, 0],
        "epoch": uniform(3, Stream.AUGMENTATION, 6, index, 2)[:, 0],
        "index": np.roll(base[:, 0], 1),
        "draw": base[:, 1],
    }
    for name, other in others.items():
        # Independent uniforms fill a 10 x 10 table evenly; the correlation of 20,000 has deviation 0.007.
        table = np.histogram2d(base[:, 0], other, bins=10, range=((0, 1), (0, 1)))[0]
        assert stats.chisquare(table.ravel()).pvalue > 1e-4, name
        assert abs(np.corrcoef(base[:, 0], other)[0, 1]) < 0.035, name


def test_half_the_bits_change_when_any_key_changes_by_one() -> None:
    keys = np.arange(4_000)
    for change in (hash_keys(keys, 1, 1), hash_keys(0, keys, 1), hash_keys(0, 1, keys)):
        flipped = np.bitwise_count(change[1:] ^ change[:-1])
        assert flipped.mean() == pytest.approx(32, abs=0.5)


@given(INDICES, st.integers(0, 99), st.data())
def test_a_draw_does_not_depend_on_which_others_are_asked_for(
    indices: list[int], epoch: int, data: st.DataObject
) -> None:
    index = np.array(indices, dtype=np.int64)
    chosen = data.draw(st.lists(st.integers(0, len(index) - 1), min_size=1))
    whole = uniform(7, Stream.AUGMENTATION, epoch, index, 3)
    assert (uniform(7, Stream.AUGMENTATION, epoch, index[chosen], 3) == whole[chosen]).all()
    assert (uniform(7, Stream.AUGMENTATION, epoch, index, 1) == whole[:, :1]).all()
    assert (uniform(7, Stream.AUGMENTATION, epoch, index, 2, first=1) == whole[:, 1:]).all()


@given(INDICES, st.integers(0, 99))
def test_a_permutation_keeps_every_number_once(indices: list[int], epoch: int) -> None:
    assert sorted(permutation(1, epoch, np.array(indices, dtype=np.int64)).tolist()) == sorted(indices)


@given(INDICES, st.data())
def test_a_subset_keeps_the_order_it_has_in_the_whole(indices: list[int], data: st.DataObject) -> None:
    chosen = set(data.draw(st.lists(st.sampled_from(indices), min_size=1, unique=True)))
    whole = permutation(1, 2, np.array(indices, dtype=np.int64)).tolist()
    subset = permutation(1, 2, np.array(sorted(chosen), dtype=np.int64)).tolist()
    assert subset == [each for each in whole if each in chosen]


def test_every_epoch_and_seed_has_an_order_of_its_own() -> None:
    index = np.arange(500)
    orders = {tuple(permutation(seed, epoch, index)) for seed in range(3) for epoch in range(5)}
    assert len(orders) == 15
    places = np.array([permutation(0, epoch, index) for epoch in range(400)])[:, 0]
    # Which example comes first is even over epochs.
    assert stats.chisquare(np.bincount(places // 50, minlength=10)).pvalue > 1e-4


def test_equal_hashes_would_still_be_ordered() -> None:
    repeated = np.array([5, 5, 5, 2])
    assert sorted(permutation(0, 0, repeated)) == [2, 5, 5, 5]
