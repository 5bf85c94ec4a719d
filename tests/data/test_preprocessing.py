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

from gradus.data.arrays import from_arrays
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import Examples, RawData
from gradus.data.scaling import Affine, Scaling
from gradus.data.splits import Split, split

SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler}
Fitted = Literal["standard", "minmax"]


def fit(scaling: Scaling, *arrays: NDArray[Any]) -> Preprocessing:
    raw = RawData(kind="test", task="regression", train=Examples(arrays, np.zeros((len(arrays[0]), 1))))
    return Preprocessing.fit(raw, whole(raw), scaling)


def whole(raw: RawData) -> Split:
    return Split(raw.train, np.arange(len(raw.train)))


def affine(preprocessing: Preprocessing, place: int = 0) -> Affine:
    found = preprocessing.inputs[place]
    assert isinstance(found, Affine)
    return found


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
    assert affine(preprocessing).shift.shape == affine(preprocessing).scale.shape == (3, 1, 1)
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
    raw = from_arrays(marked, y)
    marked_splits = split(raw, validation=0.2, test=0.2, seed=3)
    (ours,) = Preprocessing.fit(raw, marked_splits.train, scaling).apply((x,))
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
    assert preprocessing.of(0.0).item() == 0


def test_every_input_has_a_scaling_of_its_own() -> None:
    preprocessing = fit("standard", images(), table(1500))
    assert [affine(preprocessing, place).shift.shape for place in (0, 1)] == [(3, 1, 1), (4,)]
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
    assert back.to_json() == preprocessing.to_json()
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
        return data, Preprocessing.fit(data, whole(data), scaling)

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
@pytest.mark.parametrize("value", [0, 255])
def test_a_raw_value_becomes_what_the_same_pixel_does(scaling: Fitted, value: int) -> None:
    preprocessing = fit(scaling, images() + np.uint8(3))
    (pixel,) = preprocessing.apply((np.full((1, 3, 1, 1), value, np.uint8),))
    assert preprocessing.of(value).dtype == torch.float32
    torch.testing.assert_close(preprocessing.of(value), pixel[0], rtol=1e-6, atol=0)
