"""A table's encoding against scikit-learn's imputer, scaler and one-hot encoder; only the training split counts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import gradus
from gradus.core.errors import InputError
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import Column, Examples, RawData
from gradus.data.splits import Split
from gradus.data.tables import MOST_FEATURES, Missing

COLUMNS = (
    Column("a", "number"),
    Column("b", "number"),
    Column("c", "number"),
    Column("town", "category", ("Aachen", "Bonn", "Ulm", "Zell")),
    Column("size", "category", ("L", "S")),
)


def table(count: int = 500) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Numbers, of which b has gaps, and codes; Zell (3) is only in the second half, and c is constant."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(count, 3)) * [1, 50, 0] + [0, 1000, 7]
    numbers[rng.random(count) < 0.2, 1] = np.nan
    codes = np.stack([rng.integers(0, 3, count), rng.integers(-1, 2, count)], axis=1).astype(np.int32)
    codes[count // 2 :: 3, 0] = 3
    return numbers, codes


def raw(numbers: NDArray[Any], codes: NDArray[Any]) -> RawData:
    target = np.arange(len(numbers)) % 2
    return RawData(
        kind="t", task="classification", train=Examples((numbers, codes), target), classes=("x", "y"), columns=COLUMNS
    )


def fit(numbers: NDArray[Any], codes: NDArray[Any], rows: int, missing: Missing = "median") -> Preprocessing:
    data = raw(numbers, codes)
    return Preprocessing.fit(data, Split(data.train, np.arange(rows)), missing=missing)


@pytest.mark.parametrize("missing", ["median", "mean"])
def test_the_encoding_is_scikit_learns(missing: Missing) -> None:
    numbers, codes = table()
    half = len(numbers) // 2
    both = np.concatenate([numbers, codes], axis=1)
    reference = ColumnTransformer(
        [
            ("n", make_pipeline(SimpleImputer(strategy=missing), StandardScaler()), [0, 1, 2]),
            ("gap", "passthrough", [5]),
            ("c", OneHotEncoder(handle_unknown="ignore", sparse_output=False), [3, 4]),
        ]
    )
    both = np.column_stack([both, np.isnan(numbers[:, 1])])
    expected = reference.fit(both[:half]).transform(both)
    (ours,) = fit(numbers, codes, half, missing).apply((numbers, codes))
    np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-5, atol=1e-5)


def test_its_columns_have_names() -> None:
    preprocessing = fit(*table(), 250)
    assert preprocessing.table is not None
    assert preprocessing.table.features == (
        "a", "b", "c", "b missing", "town = Aachen", "town = Bonn", "town = Ulm",
        "size = missing", "size = L", "size = S",
    )  # fmt: skip
    assert preprocessing.spec(raw(*table()).spec).inputs == ((10,),)
    assert preprocessing.spec(raw(*table()).spec).input_dtypes == ("float32",)


def test_a_marker_outside_the_training_split_leaves_no_trace() -> None:
    numbers, codes = table()
    marked, marked_codes = numbers.copy(), codes.copy()
    marked[250:], marked_codes[250:] = 1e30, 3
    assert fit(marked, marked_codes, 250).to_json() == fit(numbers, codes, 250).to_json()
    assert "Zell" not in json.dumps(fit(numbers, codes, 250).to_json())
    assert "Zell" in json.dumps(fit(numbers, codes, 500).to_json())


def test_no_marker_of_the_test_split_is_in_the_run(tmp_path: Path) -> None:
    lines = [f"{n},{'Ulm' if n % 3 else 'Bonn'},{'xy'[n % 2]}" for n in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["age,town,label", *lines]))
    (tmp_path / "u.csv").write_text("age,town,label\n98765,Marker,x\n98765,Marker,y\n")
    recipe = {
        "data": {"name": str(tmp_path / "t.csv"), "target": "label", "test_file": str(tmp_path / "u.csv")},
        "model": {"name": "mlp"},
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "adam"},
        "training": {"epochs": 1},
    }
    run = gradus.train(recipe, run=tmp_path / "run")
    kept = run.path / "data.json"
    assert "Bonn" in kept.read_text()
    assert "Marker" not in kept.read_text()
    table = run.preprocessing.table
    assert table is not None
    assert np.abs(table.fill).max() < 60


def test_json_round_trip_is_exact() -> None:
    numbers, codes = table()
    preprocessing = fit(numbers, codes, 250)
    back = Preprocessing.from_json(json.loads(json.dumps(preprocessing.to_json())))
    assert torch.equal(back.apply((numbers, codes))[0], preprocessing.apply((numbers, codes))[0])


def test_a_gap_that_training_did_not_have_is_filled() -> None:
    numbers, codes = table()
    preprocessing = fit(numbers, codes, 250)
    numbers[0, 0] = np.nan
    (ours,) = preprocessing.apply((numbers[:1], codes[:1]))
    assert ours.isfinite().all()
    numbers[0, 0] = np.median(table()[0][:250, 0])
    assert torch.equal(ours, preprocessing.apply((numbers[:1], codes[:1]))[0])


def test_too_wide_a_table_is_refused() -> None:
    names = tuple(f"{n:05}" for n in range(MOST_FEATURES + 1))
    codes = np.arange(len(names))[:, None]
    examples = Examples((np.zeros((len(names), 0)), codes), np.arange(len(names)) % 2)
    data = RawData(
        kind="t", task="classification", train=examples, classes=("x", "y"), columns=(Column("id", "category", names),)
    )
    with pytest.raises(InputError, match="column `id`: has 10,001 different values"):
        Preprocessing.fit(data, Split(examples, np.arange(len(names))))
