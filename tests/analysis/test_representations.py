"""Measures of codes against closed forms, and on mixtures whose sources are known."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from gradus.analysis.representations import (
    Given,
    amari_distance,
    compare,
    hoyer,
    independent_components,
    mutual_information,
    principal_components,
)
from gradus.core.errors import InputError

Array = NDArray[Any]
MIXING = np.array([[2.0, 1.0, 0.3], [1.0, 1.5, -0.8], [-0.5, 0.7, 1.2]])


def sources(count: int = 4000) -> Array:
    """Independent, of variance 1: flat, peaked, and of two values nearly."""
    rng = np.random.default_rng(0)
    two = np.sign(rng.normal(size=count)) + 0.3 * rng.normal(size=count)
    columns = [rng.uniform(-1, 1, count) * np.sqrt(3), rng.laplace(size=count) / np.sqrt(2), two / np.sqrt(1.09)]
    return np.column_stack(columns)


def test_ica_finds_the_sources_and_pca_only_undoes_their_correlation() -> None:
    x = sources() @ MIXING.T
    pca, ica = principal_components(3), independent_components(3)
    found = compare({"pca": pca, "ica": ica}, x[:2000], x[2000:]).measures
    unmixing = ica.estimator["fastica"].components_ @ ica.estimator["pca"].components_
    assert amari_distance(unmixing, MIXING) < 0.03
    assert amari_distance(pca.estimator.components_, MIXING) > 0.15
    assert found["pca"].correlation < 0.05  # a deviation of 1 / sqrt(2000) beside the training split's own
    assert found["ica"].correlation < 0.05
    assert found["ica"].dependence < 0.02
    assert found["pca"].dependence > 5 * found["ica"].dependence
    for each in found.values():
        assert each.unexplained < 1e-20


def test_of_gaussian_sources_uncorrelated_is_independent() -> None:
    x = np.random.default_rng(0).normal(size=(4000, 3)) @ MIXING.T
    found = compare({"pca": principal_components(3)}, x[:2000], x[2000:]).measures["pca"]
    assert found.dependence < 0.02


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_mutual_information_is_that_of_correlated_gaussians(correlation: float) -> None:
    """- log(1 - r^2) / 2 nats."""
    rng = np.random.default_rng(1)
    pair = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], size=2000)
    expected = -0.5 * np.log(1 - correlation**2)
    assert mutual_information(pair)[0, 1] == pytest.approx(expected, abs=0.04)
    # It is the same of any monotone function of either.
    bent = np.column_stack([np.exp(3 * pair[:, 0]), pair[:, 1] ** 3])
    assert mutual_information(bent)[0, 1] == pytest.approx(mutual_information(pair)[0, 1], abs=1e-9)


def test_zeros_in_common_by_chance_are_no_dependence() -> None:
    rng = np.random.default_rng(0)
    code = rng.normal(size=(2000, 2)) * (rng.random((2000, 2)) < 0.3)
    assert mutual_information(code)[0, 1] < 0.03
    # Zero together and at no other time: the entropy of that event, at least.
    together = rng.normal(size=(2000, 2)) * (rng.random((2000, 1)) < 0.3)
    assert mutual_information(together)[0, 1] == pytest.approx(-0.3 * np.log(0.3) - 0.7 * np.log(0.7), abs=0.1)


def test_dependence_without_correlation_is_seen() -> None:
    """A point on a circle: neither coordinate tells the other's mean, but nearly its size."""
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 2000)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    same = Given(lambda x: x, lambda code: code)
    found = compare({"circle": same}, circle, circle).measures["circle"]
    assert found.correlation < 0.05
    assert found.dependence > 1


def test_hoyers_sparseness_by_hand() -> None:
    code = np.array([[1.0, 1, 1, 1], [0, -3, 0, 0], [0, 0, 0, 0], [2, 2, 0, 0]])
    # 2 - 4 / 2, 2 - 1, none, 2 - 4 / sqrt(8); over 2 - 1
    np.testing.assert_allclose(hoyer(code), [0, 1, 0, 2 - np.sqrt(2)], atol=1e-15)
    assert hoyer(np.ones((2, 1))).tolist() == [0, 0]


@given(st.integers(0, 1000), st.integers(2, 9), st.floats(1e-3, 1e3))
def test_hoyer_lies_between_0_and_1_and_knows_no_scale(seed: int, size: int, scale: float) -> None:
    code = np.random.default_rng(seed).normal(size=(5, size))
    assert ((hoyer(code) >= -1e-12) & (hoyer(code) <= 1)).all()
    np.testing.assert_allclose(hoyer(scale * code), hoyer(code), atol=1e-12)


@given(st.integers(0, 1000), st.integers(2, 6))
def test_the_amari_distance_knows_neither_order_nor_scale(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    mixing = np.linalg.qr(rng.normal(size=(size, size)))[0]
    undone = rng.permutation(np.diag(rng.uniform(0.5, 3, size))) @ mixing.T
    assert amari_distance(undone, mixing) == pytest.approx(0, abs=1e-12)
    assert amari_distance(np.ones((size, size)), np.eye(size)) == pytest.approx(1)
    assert 0 <= amari_distance(rng.normal(size=(size, size)), mixing) <= 1


def test_independent_components_keep_what_principal_ones_do() -> None:
    """They lie in the same subspace, also where the first of the features is constant."""
    x = load_digits().data
    assert x[:, 0].std() == 0
    both = {"pca": principal_components(6), "ica": independent_components(6)}
    found = compare(both, x[:1200], x[1200:]).measures
    assert found["ica"].error == pytest.approx(found["pca"].error, rel=1e-9)
    assert found["ica"].dependence < found["pca"].dependence


def test_reconstruction_is_measured_on_what_was_held_out() -> None:
    x = load_digits().data
    train, test = x[:1200], x[1200:]
    found = compare({"pca": principal_components(10)}, train, test).measures["pca"]
    pca = PCA(10).fit(train)
    expected = ((pca.inverse_transform(pca.transform(test)) - test) ** 2).mean()
    assert found.error == pytest.approx(expected, rel=1e-9)
    assert found.unexplained == pytest.approx(expected / ((test - train.mean(axis=0)) ** 2).mean(), rel=1e-9)
    mean = Given(lambda x: x[:, :1], lambda code: np.tile(train.mean(axis=0), (len(code), 1)))
    assert compare({"mean": mean}, train, test).measures["mean"].unexplained == pytest.approx(1, rel=1e-12)


def test_a_sparse_code_is_told_from_a_dense_one() -> None:
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(500, 8))
    sparse = dense * (rng.random((500, 8)) < 0.2)
    same = Given(lambda x: x, lambda code: code)
    found = {name: compare({"x": same}, each, each).measures["x"] for name, each in (("d", dense), ("s", sparse))}
    assert found["s"].near_zero == pytest.approx(0.8, abs=0.05)
    # P(|z| < 0.1) of a normal
    assert found["d"].near_zero == pytest.approx(0.0797, abs=0.02)
    assert found["s"].sparsity > found["d"].sparsity + 0.3


def test_a_constant_number_depends_on_nothing() -> None:
    x = np.column_stack([np.random.default_rng(0).normal(size=300), np.full(300, 2.0)])
    found = compare({"x": Given(lambda x: x, lambda code: code)}, x, x)
    assert (found.measures["x"].correlation, found.measures["x"].dependence) == (0, 0)
    assert "dependence" in str(found)


def test_what_cannot_be_compared_is_refused() -> None:
    x = np.eye(5, 3)
    with pytest.raises(InputError, match=r"compare: needs arrays \(N, F\) of the same F"):
        compare({}, x, x[:, :2])
    with pytest.raises(InputError, match="compare: needs finite numbers"):
        compare({}, x * np.nan, x)
    with pytest.raises(InputError, match=r"compare `flat`: must encode 5 examples as \(N, K\), got \(15,\)"):
        compare({"flat": Given(np.ravel, lambda code: code)}, x, x)
    with pytest.raises(InputError, match=r"compare `half`: must decode to \(5, 3\), got \(5, 2\)"):
        compare({"half": Given(lambda x: x[:, :2], lambda code: code)}, x, x)
    with pytest.raises(InputError, match="amari_distance: needs square matrices"):
        amari_distance(np.ones((2, 3)), np.ones((3, 4)))


@pytest.mark.parametrize(
    ("forms", "x", "rule"),
    [
        ({}, np.eye(6), "needs a representation"),
        ({"x": Given(np.asarray, np.asarray)}, np.eye(3), "more than 3 examples"),
        ({"x": Given(np.asarray, np.asarray)}, np.ones((6, 2)), "examples that differ"),
        ({"x": Given(lambda x: x * np.nan, np.asarray)}, np.eye(6), "compare `x`: must give finite numbers"),
    ],
)
def test_what_measures_would_be_nonsense_of_is_refused(forms: Any, x: NDArray[Any], rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        compare(forms, x, x)
