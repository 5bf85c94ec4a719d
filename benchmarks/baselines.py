"""What simple methods reach on the same splits: fitted to the training split, scored on the test split."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import root_mean_squared_error

import gradus
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import RawData
from gradus.data.sources.series import last_values
from gradus.data.splits import Split, Splits
from gradus.training.recipe import Recipe, anchored, override, read_toml, shipped_recipes


def of_table(raw: RawData, splits: Splits) -> dict[str, float]:
    """Test accuracy of scikit-learn's logistic regression on the same encoding."""
    assert splits.test is not None
    preprocessing = Preprocessing.fit(raw, splits.train)

    def ready(part: Split) -> NDArray[np.float32]:
        (inputs,) = preprocessing.apply([each[part.index] for each in part.examples.inputs])
        return inputs.numpy()

    fitted = LogisticRegression(max_iter=1000).fit(ready(splits.train), splits.train.target)
    return {"logistic regression": float(fitted.score(ready(splits.test), splits.test.target))}


def of_code(raw: RawData, splits: Splits) -> dict[str, float]:
    """Test error (RMSE) of standardized examples that are made again from 16 principal components."""
    assert splits.test is not None
    preprocessing = Preprocessing.fit(raw, splits.train)
    train, test = (
        preprocessing.apply([each[part.index] for each in part.examples.inputs])[0].flatten(1).numpy()
        for part in (splits.train, splits.test)
    )
    fitted = PCA(16).fit(train)
    again = fitted.inverse_transform(fitted.transform(test))
    return {"16 principal components": float(np.sqrt(((again - test) ** 2).mean()))}


def of_series(raw: RawData, splits: Splits) -> dict[str, float]:
    """Test error (RMSE) of the last value, and of linear regression on the same windows."""
    assert splits.test is not None
    train, test = splits.train, splits.test
    windows = raw.train.inputs[0]

    def flat(part: Split) -> NDArray[np.float64]:
        rows: NDArray[np.float64] = windows[part.index].reshape(len(part), -1)
        return rows

    fitted = LinearRegression().fit(flat(train), train.target)
    return {
        "last value": float(root_mean_squared_error(test.target, last_values(raw)[test.index])),
        "linear regression": float(root_mean_squared_error(test.target, fitted.predict(flat(test)))),
    }


def of_rival(name: str, recipe: str, changes: Mapping[str, Any]) -> Callable[[RawData, Splits], dict[str, float]]:
    """Test accuracy of what a shipped recipe trains with some of its fields set otherwise."""

    def trained(raw: RawData, splits: Splits) -> dict[str, float]:
        path = shipped_recipes()[recipe]
        document = anchored(read_toml(path), path.parent)
        for field, value in changes.items():
            document = override(document, field, value)
        with tempfile.TemporaryDirectory() as scratch:
            run = gradus.train(Recipe.from_dict(document), data=raw, run=Path(scratch, "run"))
            return {name: run.result["metrics"]["test_accuracy"]}

    return trained


def of_text(raw: RawData, splits: Splits) -> dict[str, float]:
    """Validation loss (nats a character) of counted pairs and triples of characters, each count one more than it is.

    The probability of a character after another, or after another two, is its share of the training text's.
    """
    assert splits.validation is not None
    size = len(raw.vocabulary)
    windows = raw.train.inputs[0]

    def context(part: Split, length: int) -> NDArray[np.int64]:
        last = windows[part.index][:, -length:].astype(np.int64)
        codes: NDArray[np.int64] = last @ size ** np.arange(length)
        return codes

    losses = {}
    for name, length in (("pairs", 1), ("triples", 2)):
        counts = np.ones((size**length, size))
        np.add.at(counts, (context(splits.train, length), splits.train.target), 1)
        shares = counts / counts.sum(axis=1, keepdims=True)
        losses[name] = float(-np.log(shares[context(splits.validation, length), splits.validation.target]).mean())
    return losses
