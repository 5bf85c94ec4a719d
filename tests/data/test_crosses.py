"""Polynomial crosses: scikit-learn's products, of scaled features, fitted to the training split only."""

import json
from math import comb
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from gradus.core.errors import InputError
from gradus.data.arrays import from_arrays
from gradus.data.crosses import Crosses, count_crosses
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import Column, Examples, RawData
from gradus.data.scaling import Scaling
from gradus.data.splits import Split


def table(rows: int = 300) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 3)) * [1, 10, 0.1] + [50, -3, 0.2]


def crossed(
    x: NDArray[Any], degree: int = 2, *, scaling: Scaling = "standard", interaction_only: bool = False, seen: int = 200
) -> Preprocessing:
    raw = from_arrays(x, np.arange(len(x)) % 2)
    train = Split(raw.train, np.arange(seen))
    return Preprocessing.fit(raw, train, scaling).crossed(
        raw, train, scaling, degree, interaction_only=interaction_only
    )


@pytest.mark.parametrize("degree", [2, 3])
@pytest.mark.parametrize("interaction_only", [False, True])
def test_they_are_scikit_learns_products_of_scaled_features(degree: int, interaction_only: bool) -> None:
    x = table()
    found = crossed(x, degree, interaction_only=interaction_only).apply((x,))[0].numpy()
    scaled = StandardScaler().fit(x[:200]).transform(x)
    products = PolynomialFeatures(degree, interaction_only=interaction_only, include_bias=False).fit_transform(scaled)
    expected = StandardScaler().fit(products[:200]).transform(products)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert found.shape[1] == count_crosses(3, degree, interaction_only=interaction_only)


def test_scaling_first_keeps_a_least_squares_problem_well_conditioned() -> None:
    x = table()
    raw = PolynomialFeatures(2, include_bias=False).fit_transform(x)
    late = StandardScaler().fit_transform(raw)
    ours = crossed(x, seen=300).apply((x,))[0].numpy()
    assert np.linalg.cond(ours) < 2
    assert np.linalg.cond(late) > 100


def test_a_fit_by_least_squares_is_the_same_either_way() -> None:
    x = table()
    y = 3 + x[:, 0] * x[:, 1] - x[:, 2] ** 2
    for features in (crossed(x).apply((x,))[0].double().numpy(), PolynomialFeatures(2).fit_transform(x)):
        design = np.column_stack([np.ones(len(x)), features])
        fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
        np.testing.assert_allclose(fitted, y, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("interaction_only", [False, True])
@pytest.mark.parametrize(("features", "degree"), [(1, 2), (4, 2), (5, 3), (3, 5)])
def test_the_count_is_scikit_learns(features: int, degree: int, interaction_only: bool) -> None:
    maker = PolynomialFeatures(degree, interaction_only=interaction_only, include_bias=False)
    expected = maker.fit(np.zeros((1, features))).n_output_features_
    assert count_crosses(features, degree, interaction_only=interaction_only) == expected


def test_what_is_constant_in_training_is_left_out() -> None:
    """Two values of a category are never there together, and the square of an indicator is itself."""
    numbers, codes = table(60)[:, :1], (np.arange(60) % 3)[:, None]
    columns = (Column("x", "number"), Column("town", "category", ("a", "b", "c")))
    raw = RawData(kind="t", task="classification", train=Examples((numbers, codes), np.arange(60) % 2), columns=columns)
    train = Split(raw.train, np.arange(60))
    made = Preprocessing.fit(raw, train).crossed(raw, train, "standard", 2, interaction_only=True)
    # x, a, b, c and x a, x b, x c; not a b, a c, b c
    assert made.spec(raw.spec).inputs == ((7,),)
    (found,) = made.apply((numbers, codes))
    assert found.shape == (60, 7)
    assert found.std(dim=0).min() > 0.9


@pytest.mark.parametrize("scaling", ["none", "minmax", "robust", "whiten"])
def test_crosses_get_the_scaling_of_the_features(scaling: Scaling) -> None:
    x = table()
    found = crossed(x, scaling=scaling, seen=300).apply((x,))[0].numpy()
    if scaling == "none":
        np.testing.assert_allclose(found, PolynomialFeatures(2, include_bias=False).fit_transform(x), rtol=1e-5)
    elif scaling == "minmax":
        np.testing.assert_allclose([found.min(axis=0), found.max(axis=0)], [[0] * 9, [1] * 9], atol=1e-6)
    elif scaling == "robust":
        np.testing.assert_allclose(np.median(found, axis=0), 0, atol=1e-6)
    else:
        np.testing.assert_allclose(found.std(axis=0), 1, rtol=1e-4)


def test_json_round_trip_is_exact() -> None:
    x = table()
    made = crossed(x, 3)
    back = Preprocessing.from_json(json.loads(json.dumps(made.to_json())))
    assert back.to_json() == made.to_json()
    assert np.array_equal(back.apply((x,))[0].numpy(), made.apply((x,))[0].numpy())


def test_a_row_is_the_same_in_any_company() -> None:
    x = table()
    made = crossed(x, 3)
    rows = [5, 250, 5, 17]
    assert np.array_equal(made.apply((x[rows],))[0].numpy(), made.apply((x,))[0].numpy()[rows])


def test_what_would_become_too_long_is_refused_with_its_length() -> None:
    wide = comb(300 + 2, 2) - 1
    with pytest.raises(InputError, match=rf"data.crosses: would make {wide:,} numbers of 300; at most 10,000"):
        crossed(np.random.default_rng(0).normal(size=(250, 300)))


def test_images_and_text_are_refused() -> None:
    with pytest.raises(InputError, match=r"data.crosses: is for examples that are vectors, got \(1, 4, 4\)"):
        crossed(np.random.default_rng(0).normal(size=(250, 4, 4)))
    codes = np.zeros((9, 5), np.int64)
    raw = RawData(kind="text", task="classification", train=Examples((codes,), np.zeros(9, int)), vocabulary=("a", "b"))
    train = Split(raw.train, np.arange(9))
    with pytest.raises(InputError, match=r"data.crosses: is for vectors, tables and images, got `text`"):
        Preprocessing.fit(raw, train).crossed(raw, train, "standard", 2, interaction_only=False)


def test_a_feature_that_is_constant_stays() -> None:
    x = np.column_stack([table()[:, 0], np.full(300, 4.0)])
    made = crossed(x)
    assert isinstance(made.crosses, Crosses)
    assert made.crosses.kept.tolist() == [0, 1, 2]  # centred it is 0, and so are its products
