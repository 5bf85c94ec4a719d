"""Representations of the same data compared: how much they keep, how sparse they are, how independent their parts.

Being uncorrelated is not being independent: principal components are the first, independent components seek the second.
"""

# N examples, F features, K numbers of a code

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradus.core.errors import InputError

Array = NDArray[np.float64]
NEAR_ZERO = 0.1
"""Of a code's root mean square: a smaller number counts as zero."""
MOST_COMPARED = 2000
"""Examples that mutual information is estimated from; it takes time in proportion to their number and to K^2."""
NEIGHBOURS = 3


class Representation(Protocol):
    """What makes codes (N, K) of examples (N, F), and examples of codes."""

    def fit(self, x: Array) -> object: ...
    def encode(self, x: Array) -> ArrayLike: ...
    def decode(self, code: Array) -> ArrayLike: ...


@dataclass(frozen=True)
class Given:
    """A representation that is there already, such as a trained autoencoder's: two functions of arrays."""

    encode: Callable[[Array], ArrayLike]
    decode: Callable[[Array], ArrayLike]

    def fit(self, x: Array) -> Self:
        return self


class Decomposed:
    """scikit-learn's PCA, FastICA, NMF and their like."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, x: Array) -> Self:
        self.estimator.fit(x)
        return self

    def encode(self, x: Array) -> ArrayLike:
        code: ArrayLike = self.estimator.transform(x)
        return code

    def decode(self, code: Array) -> ArrayLike:
        x: ArrayLike = self.estimator.inverse_transform(code)
        return x


def principal_components(size: int) -> Decomposed:
    """The `size` directions of the largest variance: the best linear reconstruction; codes are uncorrelated."""
    from sklearn.decomposition import PCA

    return Decomposed(PCA(size))


def independent_components(size: int, *, seed: int = 0) -> Decomposed:
    """Within the same subspace the directions that are least Gaussian, which makes codes as independent as can be.

    Source: Hyvarinen (1999), Fast and robust fixed-point algorithms for independent component analysis.
    """
    from sklearn.decomposition import PCA, FastICA
    from sklearn.pipeline import make_pipeline

    # FastICA whitens by itself, but loses directions where the first feature is constant: it takes the sign of a
    # direction from that feature's share, which is then 0. Within the principal components none is constant.
    ica = FastICA(whiten="unit-variance", random_state=seed, max_iter=1000)
    return Decomposed(make_pipeline(PCA(size), ica))


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Of codes of examples that nothing was fitted to.

    Attributes:
        size: K
        error: mean squared error of the reconstruction, per number.
        unexplained: the same as a share of the examples' variance; of what gives back nothing but the mean it is 1.
        sparsity: `hoyer`, mean over the examples.
        near_zero: share of numbers below NEAR_ZERO of the code's root mean square.
        correlation: mean of |correlation| over pairs of the code's numbers.
        dependence: `mutual_information`, mean over the same pairs, in nats: 0 if they are independent.
    """

    size: int
    error: float
    unexplained: float
    sparsity: float
    near_zero: float
    correlation: float
    dependence: float


@dataclass(frozen=True)
class Comparison:
    """`Measures` by name."""

    measures: Mapping[str, Measures]

    def __str__(self) -> str:
        names = [each.name for each in fields(Measures)]
        width = max(map(len, self.measures))
        lines = [" " * width + "".join(f"  {name:>11}" for name in names)]
        for label, found in self.measures.items():
            lines.append(f"{label:<{width}}" + "".join(f"  {getattr(found, name):>11.4g}" for name in names))
        return "\n".join(lines)


def compare(
    representations: Mapping[str, Representation], x_train: ArrayLike, x_test: ArrayLike, *, seed: int = 0
) -> Comparison:
    """Fit each representation to `x_train` (N, F) and measure it on `x_test` (N', F).

    Raises:
        InputError: for arrays that are no such tables of finite numbers, or a code or reconstruction of another shape.
    Example:
        >>> x = np.random.default_rng(0).laplace(size=(400, 2)) @ np.array([[2.0, 1.0], [1.0, 1.0]])
        >>> both = {"pca": principal_components(2), "ica": independent_components(2)}
        >>> found = compare(both, x[:200], x[200:]).measures
        >>> found["ica"].dependence < found["pca"].dependence
        True
    """
    train, test = (np.asarray(each, np.float64) for each in (x_train, x_test))
    if train.ndim != 2 or test.ndim != 2 or train.shape[1] != test.shape[1]:
        raise InputError("compare", "needs arrays (N, F) of the same F", (train.shape, test.shape))
    if not (np.isfinite(train).all() and np.isfinite(test).all()):
        raise InputError("compare", "needs finite numbers", repair="Fill or drop what is missing.")
    if not representations or len(test) <= NEIGHBOURS:
        raise InputError("compare", f"needs a representation and more than {NEIGHBOURS} examples to test it", len(test))
    variance = float(((test - train.mean(axis=0)) ** 2).mean())
    if variance == 0:
        raise InputError("compare", "needs examples that differ")
    measures = {}
    for name, each in representations.items():
        each.fit(train)
        code = np.asarray(each.encode(test), np.float64)
        if code.ndim != 2 or len(code) != len(test):
            raise InputError(f"compare `{name}`", f"must encode {len(test)} examples as (N, K)", code.shape)
        again = np.asarray(each.decode(code), np.float64)
        if again.shape != test.shape:
            raise InputError(f"compare `{name}`", f"must decode to {test.shape}", again.shape)
        if not (np.isfinite(code).all() and np.isfinite(again).all()):
            raise InputError(f"compare `{name}`", "must give finite numbers")
        error = float(((again - test) ** 2).mean())
        some = code[np.random.default_rng(seed).permutation(len(code))[:MOST_COMPARED]]
        measures[name] = Measures(
            size=code.shape[1],
            error=error,
            unexplained=error / variance,
            sparsity=float(hoyer(code).mean()),
            near_zero=float((np.abs(code) < NEAR_ZERO * np.sqrt((code**2).mean())).mean()),
            correlation=_off_diagonal(np.abs(_correlations(code))),
            dependence=_off_diagonal(mutual_information(some, seed=seed)),
        )
    return Comparison(measures)


def hoyer(code: Array) -> Array:
    """``(sqrt(K) - |c|_1 / |c|_2) / (sqrt(K) - 1)`` of each example: 0 if all are equal, 1 if one is all; (N,).

    Of a code that is 0 it is 0, and of codes of one number.

    Source: Hoyer (2004), Non-negative matrix factorization with sparseness constraints, JMLR 5.
    """
    size = code.shape[1]
    if size == 1:
        return np.zeros(len(code))
    long = np.linalg.norm(code, axis=1)
    ratio = np.abs(code).sum(axis=1) / np.where(long > 0, long, 1)
    return np.where(long > 0, (np.sqrt(size) - ratio) / (np.sqrt(size) - 1), 0.0)


def mutual_information(code: Array, *, seed: int = 0) -> Array:
    """Between each two numbers of a code, in nats, (K, K); estimated from the distances to nearest neighbours.

    A pair of which one is constant has none. Joint dependence of three that are independent in pairs is not seen.

    Source: Kraskov, Stoegbauer, Grassberger (2004), Estimating mutual information, Physical Review E 69, as
        scikit-learn has it.
    """
    from sklearn.feature_selection import mutual_info_regression

    # It is the same of any increasing function, and ranks have no outliers. Equal numbers, such as the zeros of a
    # sparse code, are put in an order of chance, which tells nothing of the others.
    rng = np.random.default_rng(seed)
    order = [np.lexsort((rng.random(len(code)), column)) for column in code.T]
    ranks = np.argsort(order, axis=1).T.astype(np.float64)
    varying = code.std(axis=0) > 0
    found = np.zeros((code.shape[1], code.shape[1]))
    for place in np.flatnonzero(varying):
        found[place, varying] = mutual_info_regression(
            ranks[:, varying], ranks[:, place], n_neighbors=NEIGHBOURS, random_state=seed
        )
    return (found + found.T) / 2


def amari_distance(unmixing: ArrayLike, mixing: ArrayLike) -> float:
    """How far `unmixing` (K, K) is from undoing `mixing` (K, K), up to order and scale: from 0, exactly, to 1.

    Source: Amari, Cichocki, Yang (1996), A new learning algorithm for blind signal separation, NIPS 8.
    """
    product = np.abs(np.asarray(unmixing, np.float64) @ np.asarray(mixing, np.float64))
    size = len(product)
    if product.shape != (size, size) or size < 2:
        raise InputError("amari_distance", "needs square matrices of two sources or more", product.shape)
    rows = (product.sum(axis=1) / product.max(axis=1) - 1).sum()
    columns = (product.sum(axis=0) / product.max(axis=0) - 1).sum()
    return float((rows + columns) / (2 * size * (size - 1)))


def _correlations(code: Array) -> Array:
    """(K, K); 0 for a number that is constant."""
    centred = code - code.mean(axis=0)
    deviation = np.linalg.norm(centred, axis=0)
    scaled: Array = centred / np.where(deviation > 0, deviation, 1)
    found: Array = scaled.T @ scaled
    return found


def _off_diagonal(matrix: Array) -> float:
    """The mean over pairs; 0 where there is one number."""
    size = len(matrix)
    return 0.0 if size < 2 else float((matrix.sum() - np.trace(matrix)) / (size * (size - 1)))
