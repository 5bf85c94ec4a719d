"""Each scaling against scikit-learn or a closed form; whitened data are uncorrelated; only training counts."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import RobustScaler

from gradus.core.errors import InputError
from gradus.data.arrays import from_arrays
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import CHUNK
from gradus.data.scaling import MOST_WHITENED, Affine, Rotation, Scaling, fit_scaling
from gradus.data.splits import Split


def correlated(count: int = 3000) -> NDArray[np.float64]:
    """Four features, far from 0, two of them nearly one."""
    rng = np.random.default_rng(0)
    mixing = np.array([[3.0, 0, 0, 0], [2.9, 0.1, 0, 0], [0, 1, 50, 0], [1, 1, 1, 0.01]])
    x: NDArray[np.float64] = rng.normal(size=(count, 4)) @ mixing.T + [1e3, 0, -7, 5]
    return x


def fit(scaling: Scaling, x: NDArray[Any], components: float | None = None) -> Affine | Rotation:
    return fit_scaling(scaling, chunks(x), x.shape[1:], len(x), components)


def chunks(x: NDArray[Any]) -> Callable[[int], Iterable[NDArray[Any]]]:
    return lambda step: (x[::step][start : start + CHUNK] for start in range(0, len(x[::step]), CHUNK))


def test_robust_scaling_is_scikit_learns() -> None:
    x = correlated()
    np.testing.assert_allclose(fit("robust", x).apply(x).numpy(), RobustScaler().fit_transform(x), rtol=1e-5, atol=1e-5)


def test_images_are_robustly_scaled_by_channel() -> None:
    x = np.random.default_rng(0).integers(0, 255, (1500, 2, 4, 3), dtype=np.uint8)
    fitted = fit("robust", x)
    assert isinstance(fitted, Affine)
    expected = [[np.median(x[:, c]), np.subtract(*np.percentile(x[:, c], [75, 25]))] for c in (0, 1)]
    np.testing.assert_allclose(np.stack([fitted.shift, fitted.scale]).reshape(2, 2).T, expected)


@pytest.mark.parametrize("scaling", ["whiten", "pca"])
@pytest.mark.parametrize("shape", [(4,), (1, 2, 2)])
def test_whitened_data_have_the_identity_for_covariance(scaling: Scaling, shape: tuple[int, ...]) -> None:
    x = correlated().reshape(-1, *shape)
    white = fit(scaling, x).apply(x)
    flat = white.reshape(len(x), -1).numpy().astype(np.float64)
    np.testing.assert_allclose(np.cov(flat.T), np.eye(4), atol=1e-4)
    np.testing.assert_allclose(flat.mean(axis=0), 0, atol=1e-4)
    assert white.shape == (x.shape if scaling == "whiten" else (len(x), 4))


def test_zca_is_the_whitening_nearest_to_the_data() -> None:
    """Its matrix is the symmetric inverse root of the covariance, which no other rotation of it is."""
    x = correlated()
    fitted = fit("whiten", x)
    assert isinstance(fitted, Rotation)
    np.testing.assert_allclose(fitted.matrix, fitted.matrix.T, atol=1e-8)
    np.testing.assert_allclose(fitted.matrix @ np.cov(x.T) @ fitted.matrix, np.eye(4), atol=1e-6)


@pytest.mark.parametrize("components", [2, 0.99, None])
def test_principal_components_are_scikit_learns_up_to_sign(components: float | None) -> None:
    x = correlated()
    reference = PCA(n_components=components, whiten=True).fit(x)
    fitted = fit("pca", x, components)
    ours, theirs = fitted.apply(x).numpy(), reference.transform(x)
    assert ours.shape == theirs.shape
    assert fitted.shape_of((4,)) == ours.shape[1:]
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), rtol=1e-3, atol=1e-3)


def test_directions_that_do_not_vary_are_not_blown_up() -> None:
    x = np.random.default_rng(0).normal(size=(200, 3)) @ np.array([[1.0, 0, 1], [0, 1, 1], [0, 0, 0]])
    assert fit("pca", x).apply(x).shape == (200, 2)
    assert fit("whiten", x).apply(x).abs().max() < 10
    with pytest.raises(InputError, match="must not exceed the 2 directions"):
        fit("pca", x, 3)


def test_a_constant_set_whitens_to_zero() -> None:
    x = np.full((50, 3), 2.5)
    for scaling in ("whiten", "pca"):
        assert fit(scaling, x).apply(x).eq(0).all()


def test_whitening_too_much_is_refused() -> None:
    with pytest.raises(InputError, match="whitening needs a matrix") as caught:
        fit("whiten", np.zeros((2, MOST_WHITENED + 1)))
    assert "Use `standard`" in str(caught.value)


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust"])
def test_a_scaled_target_comes_back(scaling: Scaling) -> None:
    target = (correlated(500)[:, :2] * 1e3).astype(np.float32)
    fitted = fit(scaling, target)
    assert isinstance(fitted, Affine)
    scaled = fitted.apply(target)
    assert scaled.abs().max() < 100
    np.testing.assert_allclose(fitted.restore(scaled).numpy(), target, rtol=0, atol=float(1e-6 * np.ptp(target)))


@pytest.mark.parametrize("scaling", ["robust", "whiten", "pca"])
def test_a_row_is_the_same_in_any_company(scaling: Scaling) -> None:
    x = correlated(700)
    fitted = fit(scaling, x)
    whole = fitted.apply(x)
    for rows in ([3], [699, 0], list(range(0, 700, 7))):
        assert torch.equal(fitted.apply(x[rows]), whole[rows])


@pytest.mark.parametrize("scaling", ["robust", "whiten", "pca"])
def test_json_round_trip_is_exact(scaling: Scaling) -> None:
    x = correlated(100)
    fitted = fit(scaling, x)
    back = type(fitted).from_json(json.loads(json.dumps(fitted.to_json())))
    assert torch.equal(back.apply(x), fitted.apply(x))


@pytest.mark.parametrize("scaling", ["standard", "minmax", "robust", "whiten", "pca"])
def test_a_marker_outside_the_training_split_leaves_no_trace(scaling: Scaling) -> None:
    x, y = correlated(300), correlated(300)[:, :1]
    train = np.arange(0, 200)
    marked_x, marked_y = x.copy(), y.copy()
    marked_x[200:], marked_y[200:] = 1e30, -1e30

    def fitted(inputs: NDArray[Any], target: NDArray[Any]) -> Preprocessing:
        raw = from_arrays(inputs, target)
        return Preprocessing.fit(raw, Split(raw.train, train), scaling, target="standard")

    assert fitted(marked_x, marked_y).to_json() == fitted(x, y).to_json()
    everywhere = from_arrays(x, y)
    assert (
        fitted(x, y).to_json()
        != Preprocessing.fit(everywhere, Split(everywhere.train, np.arange(300)), scaling, target="standard").to_json()
    )


def test_sequences_are_scaled_by_feature() -> None:
    x = np.random.default_rng(0).normal(size=(40, 6, 2)) * [1, 100] + [5, -5]
    scaled = fit("standard", x).apply(x)
    np.testing.assert_allclose(scaled.mean(dim=(0, 1)), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(dim=(0, 1), correction=0), 1, rtol=1e-5)
