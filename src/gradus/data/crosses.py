"""Polynomial crosses: products of features beside the features themselves."""

# N examples, F features, K kept products and powers

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import comb
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gradus.core.errors import InputError
from gradus.data.scaling import Affine, Chunks, Scaling, fit_scaling

MOST_CROSSED = 10_000
"""Features with their crosses, beyond which they are refused."""


@dataclass(frozen=True)
class Crosses:
    """(N, F) features to (N, K): the features and their products of up to `degree` factors, brought to a scale.

    Features are scaled before they are crossed, and crosses once more after it. Of a feature far from 0 the square is
    nearly a multiple of the feature, so that a linear model could hardly tell them apart (centred, they are
    uncorrelated if it is symmetric); and products of numbers near 1 are not near 1 themselves. What a linear model
    with all these terms can say is the same with or without either.

    Attributes:
        features: F.
        interaction_only: products of different features, no powers.
        kept: (K,) those of scikit-learn's columns that vary in training; the product of two values of one category
            does not.
        scaling: of what is kept.
    """

    features: int
    degree: int
    interaction_only: bool
    kept: NDArray[np.int64]
    scaling: Affine
    kind: ClassVar = "crosses"

    @classmethod
    def fit(
        cls,
        chunks: Chunks,
        shape: tuple[int, ...],
        count: int,
        *,
        degree: int,
        interaction_only: bool = False,
        scaling: Scaling = "standard",
    ) -> Self:
        """Fit to `count` scaled training examples of `shape`; whitened or principal components get ``standard``.

        Raises:
            InputError: if an example is no vector, or would become more than MOST_CROSSED numbers.
        """
        if len(shape) != 1:
            repair = 'Set preprocess = "pca" with `components` to make vectors of them.'
            raise InputError("data.crosses", "is for examples that are vectors", shape, repair)
        (features,) = shape
        wide = count_crosses(features, degree, interaction_only=interaction_only)
        if wide > MOST_CROSSED:
            repair = 'Cross fewer features, or leave fewer: preprocess = "pca" with `components`.'
            raise InputError(
                "data.crosses",
                f"would make {wide:,} numbers of {features:,}; at most {MOST_CROSSED:,} are allowed",
                repair=repair,
            )
        unscaled = Affine(np.zeros(()), np.ones(()))
        every = cls(features, degree, interaction_only, np.arange(wide), unscaled)

        def crossed(step: int) -> Iterable[NDArray[Any]]:
            return (every._products(rows) for rows in chunks(step))

        low, high = np.full(wide, np.inf), np.full(wide, -np.inf)
        for rows in crossed(1):
            low, high = np.minimum(low, rows.min(axis=0)), np.maximum(high, rows.max(axis=0))
        # A feature stays even if it is constant: whoever gave it will look for it.
        kept = np.flatnonzero((high > low) | (np.arange(wide) < features))
        some = replace(every, kept=kept)
        again: Scaling = "standard" if scaling in ("whiten", "pca") else scaling
        fitted = fit_scaling(again, lambda step: (some._products(rows) for rows in chunks(step)), (len(kept),), count)
        assert isinstance(fitted, Affine)
        return replace(some, scaling=fitted)

    def apply(self, x: Tensor) -> Tensor:
        """(N, F) float32 to (N, K) float32."""
        return self.scaling.apply(self._products(x.numpy()))

    def _products(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        from sklearn.preprocessing import PolynomialFeatures

        maker = PolynomialFeatures(self.degree, interaction_only=self.interaction_only, include_bias=False)
        products: NDArray[np.float64] = maker.fit_transform(rows.astype(np.float64))[:, self.kept]
        return products

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "features": self.features,
            "degree": self.degree,
            "interaction_only": self.interaction_only,
            "kept": self.kept.tolist(),
            "scaling": self.scaling.to_json(),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        return cls(
            features=document["features"],
            degree=document["degree"],
            interaction_only=document["interaction_only"],
            kept=np.asarray(document["kept"], np.int64),
            scaling=Affine.from_json(document["scaling"]),
        )


def count_crosses(features: int, degree: int, *, interaction_only: bool = False) -> int:
    """Products of one to `degree` features, themselves included: with repetition C(F + d, d) - 1, else sum C(F, i).

    >>> count_crosses(3, 2), count_crosses(3, 2, interaction_only=True)
    (9, 6)
    """
    if interaction_only:
        return sum(comb(features, each) for each in range(1, min(degree, features) + 1))
    return comb(features + degree, degree) - 1
