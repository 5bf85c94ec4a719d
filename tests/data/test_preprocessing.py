"""Scaling equals scikit-learn's, sees the training split only, and is the same bits wherever data live."""

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from gradus.data.preprocessing import Preprocessing, Scaling
from gradus.data.raw import Examples, RawData, from_arrays
from gradus.data.splits import split

SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler}
Fitted = Literal["standard", "minmax"]


def fit(scaling: Scaling, *arrays: NDArray[Any]) -> Preprocessing:
    examples = Examples(arrays, np.zeros(len(arrays[0])))
    return Preprocessing.fit(scaling, examples.chunks(np.arange(len(arrays[0]))), len(arrays))


def table(count: int = 3000) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 4)) * [1, 10, 0.01, 100] + [0, 5, -3, 40]


def images(count: int = 1500, channels: int = 3) -> NDArray[np.uint8]:
    rng = np.random.default_rng(1)
    tops = np.array([256, 100, 20])[:channels, None, None]
    pixels: NDArray[np.uint8] = (rng.random((count, channels, 6, 5)) * tops).astype(np.uint8)
    return pixels


@pytest.mark.parametrize("scaling", ["standard", "minmax"])
def test_a_table_is_scaled_as_scikit_learn_does(scaling: Fitted) -> None:
    x = table()
    (ours,) = fit(scaling, x).apply((x,))
    assert ours.dtype == torch.float32
    np.testing.assert_allclose(ours.numpy(), SCALERS[scaling]().fit_transform(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scaling", ["standard", "minmax"])
def test_images_are_scaled_by_channel(scaling: Fitted) -> None:
    x = images()
    preprocessing = fit(scaling, x)
    assert preprocessing.shifts[0].shape == preprocessing.scales[0].shape == (3, 1, 1)
    (ours,) = preprocessing.apply((x,))
    pixels = np.moveaxis(x, 1, -1).reshape(-1, 3).astype(np.float64)
    expected = np.moveaxis(SCALERS[scaling]().fit_transform(pixels).reshape(1500, 6, 5, 3), -1, 1)
    np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scaling", ["standard", "minmax"])
def test_only_the_training_split_is_seen(scaling: Fitted) -> None:
    x = table(400)
    y = np.arange(400) % 2
    splits = split(from_arrays(x, y), validation=0.2, test=0.2, seed=3)
    aside = np.concatenate([splits.named()["validation"].index, splits.named()["test"].index])
    marked = x.copy()
    marked[aside] = 1e30
    marked_splits = split(from_arrays(marked, y), validation=0.2, test=0.2, seed=3)
    chunks = marked_splits.train.examples.chunks(marked_splits.train.index)
    (ours,) = Preprocessing.fit(scaling, chunks, 1).apply((x,))
    expected = SCALERS[scaling]().fit(x[splits.train.index]).transform(x)
    np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scaling", ["standard", "minmax"])
def test_a_constant_column_is_only_shifted(scaling: Fitted) -> None:
    x = np.column_stack([np.full(50, 7.25), np.arange(50.0), np.full(50, 0.1)])
    (ours,) = fit(scaling, x).apply((x,))
    assert ours[:, 0].eq(0).all()
    assert ours[:, 2].abs().max() < 1e-6
    (other,) = fit(scaling, x).apply((x + 1,))
    assert other[:, 0].eq(1).all()


def test_none_leaves_numbers_as_they_are() -> None:
    preprocessing = fit("none", images(10), table(10))
    grey, numbers = preprocessing.apply((images(10), table(10)))
    assert torch.equal(grey, torch.from_numpy(images(10)).float())
    assert torch.equal(numbers, torch.from_numpy(table(10)).float())
    assert preprocessing.of_zero().item() == 0


def test_every_input_has_a_scaling_of_its_own() -> None:
    preprocessing = fit("standard", images(), table(1500))
    assert [each.shape for each in preprocessing.shifts] == [(3, 1, 1), (4,)]
    for each in preprocessing.apply((images(), table(1500))):
        assert each.mean().abs() < 1e-5
        assert each.std(correction=0) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("kind", [np.int64, np.float64])
def test_large_numbers_keep_their_differences(kind: type) -> None:
    # Seconds since 1970: neighbours within two minutes are one and the same float32.
    x: NDArray[Any] = (1_700_000_000 + np.arange(100)[:, None]).astype(kind)
    (ours,) = fit("standard", x).apply((x,))
    np.testing.assert_allclose(ours.numpy(), StandardScaler().fit_transform(x.astype(np.float64)), atol=1e-6)


@pytest.mark.parametrize("scaling", ["standard", "minmax", "none"])
def test_json_round_trip_is_exact(scaling: Scaling) -> None:
    x: tuple[NDArray[Any], ...] = (images(), table(1500))
    preprocessing = fit(scaling, *x)
    back = Preprocessing.from_json(json.loads(json.dumps(preprocessing.to_json())))
    assert back.scaling == scaling
    for one, other in zip(preprocessing.shifts + preprocessing.scales, back.shifts + back.scales, strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert one.tobytes() == other.tobytes()
    for a, b in zip(preprocessing.apply(x), back.apply(x), strict=True):
        assert torch.equal(a, b)


@given(st.lists(st.integers(0, 59), min_size=1, max_size=30))
def test_a_row_is_the_same_in_any_company(rows: list[int]) -> None:
    x = table(60)
    preprocessing = fit("standard", x)
    assert torch.equal(preprocessing.apply((x[rows],))[0], preprocessing.apply((x,))[0][rows])


@pytest.mark.parametrize("scaling", ["standard", "minmax"])
@pytest.mark.parametrize("x", [table(2500), images(), np.moveaxis(images(), 1, -1)], ids=["table", "images", "last"])
def test_a_memory_map_gives_the_bits_of_an_array(x: NDArray[Any], scaling: Fitted, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", x)
    y = np.arange(len(x)) % 2

    def fitted(given: NDArray[Any]) -> tuple[RawData, Preprocessing]:
        data = from_arrays(given, y)
        return data, Preprocessing.fit(scaling, data.train.chunks(np.arange(len(x))), 1)

    data, kept = fitted(x)
    mapped_data, mapped = fitted(np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert kept.to_json() == mapped.to_json()
    some = np.array([3, 1, 700])
    for a, b in zip(
        kept.apply((data.train.inputs[0][some],)), mapped.apply((mapped_data.train.inputs[0][some],)), strict=True
    ):
        assert torch.equal(a, b)
        assert a.is_contiguous()


def test_the_given_array_is_not_changed() -> None:
    x = table(20).astype(np.float32)
    before = x.copy()
    fit("standard", x).apply((x,))
    fit("none", x).apply((x,))[0].zero_()
    assert np.array_equal(x, before)


@pytest.mark.parametrize("scaling", ["standard", "minmax"])
def test_the_background_is_what_zero_becomes(scaling: Fitted) -> None:
    preprocessing = fit(scaling, images() + np.uint8(3))
    (zero,) = preprocessing.apply((np.zeros((1, 3, 1, 1), np.uint8),))
    assert preprocessing.of_zero().dtype == torch.float32
    torch.testing.assert_close(preprocessing.of_zero(), zero[0], rtol=1e-6, atol=0)
