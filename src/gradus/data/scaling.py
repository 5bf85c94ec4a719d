"""Bringing numbers to a common scale: each feature by itself, or all of them rotated to be uncorrelated."""

# N examples, F features of an example in one vector, K of them kept

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradus.core.errors import InputError

Scaling = Literal["standard", "minmax", "robust", "whiten", "pca", "none"]
Numbers = NDArray[Any]
Chunks = Callable[[int], Iterable[Numbers]]
"""``chunks(step)``: every step-th training example (N, ...), some at a time."""

MOST_WHITENED = 4096
"""Features beyond which whitening, whose matrix has their number squared, is refused."""
MOST_SORTED = 1 << 24
"""Numbers that quantiles are taken of; of more, every k-th example is looked at."""
_NEGLIGIBLE = 1e-10
"""Of the largest variance: a direction that varies less is taken for constant."""


@dataclass(frozen=True)
class Affine:
    """``(x - shift) / scale``, with arrays that broadcast against one example.

    (C, 1, 1) for images and (C, 1, 1, 1) for videos, one value a channel; (F,) for tables and sequences, one value a
    feature; (1,) for sequences whose features are alike; () for no scaling.
    """

    shift: NDArray[np.float64]
    scale: NDArray[np.float64]
    kind: ClassVar = "affine"

    def apply(self, rows: Numbers) -> Tensor:
        """(N, ...) as float32, in memory of torch's own: NumPy aligns less, and some kernels round by alignment."""
        # Numbers that float32 does not hold, time stamps for one, would lose their differences before the shift.
        exact = np.float32 if np.can_cast(rows.dtype, np.float32) else np.float64
        numbers = torch.from_numpy(np.array(rows, dtype=exact, order="C"))
        return numbers.sub(torch.from_numpy(self.shift.astype(exact))).div_(self._scale(exact)).float()

    def restore(self, values: Tensor) -> Tensor:
        """What `apply` was given, float64 inside."""
        scaled = values.double() * torch.as_tensor(self.scale, device=values.device)
        return (scaled + torch.as_tensor(self.shift, device=values.device)).to(values.dtype)

    def of(self, value: float) -> Tensor:
        """What a raw `value` becomes, in the shape of `shift`."""
        return torch.as_tensor((value - self.shift) / self.scale, dtype=torch.float32)

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of an example after `apply`."""
        return shape

    def _scale(self, exact: type) -> Tensor:
        return torch.from_numpy(self.scale.astype(exact))

    def to_json(self) -> dict[str, Any]:
        """Exact: JSON's decimals give every double back."""
        return {"kind": self.kind, "shift": self.shift.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        return cls(np.asarray(document["shift"], np.float64), np.asarray(document["scale"], np.float64))


@dataclass(frozen=True)
class Rotation:
    """``(x - mean) W^T``, after which features have the identity for covariance.

    Attributes:
        mean: (F,)
        matrix: W (K, F).
        keeps_shape: whether an example keeps its shape (K = F) or becomes a vector (K,).

    Source: Kessy, Lewin, Strimmer (2018), Optimal whitening and decorrelation, The American Statistician 72,
        "ZCA" and "PCA" whitening.
    """

    mean: NDArray[np.float64]
    matrix: NDArray[np.float64]
    keeps_shape: bool
    kind: ClassVar = "rotation"

    def apply(self, rows: Numbers) -> Tensor:
        flat = np.asarray(rows, np.float64).reshape(len(rows), -1) - self.mean
        # einsum, not a matrix product, which rounds one way for a whole set and another for a batch of it.
        turned = torch.from_numpy(np.einsum("nf,kf->nk", flat, self.matrix)).float()
        return turned.reshape(rows.shape) if self.keeps_shape else turned

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of an example after `apply`."""
        return shape if self.keeps_shape else (len(self.matrix),)

    def to_json(self) -> dict[str, Any]:
        """Exact: JSON's decimals give every double back."""
        return {
            "kind": self.kind,
            "mean": self.mean.tolist(),
            "matrix": self.matrix.tolist(),
            "keeps_shape": self.keeps_shape,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        matrix = np.asarray(document["matrix"], np.float64)
        return cls(np.asarray(document["mean"], np.float64), matrix, document["keeps_shape"])


def fit_scaling(
    scaling: Scaling,
    chunks: Chunks,
    shape: tuple[int, ...],
    count: int,
    components: float | None = None,
    *,
    alike: bool = False,
) -> Affine | Rotation:
    """A scaling for examples of `shape`, fitted to `count` training examples.

    Args:
        scaling: ``standard`` brings each channel or feature to mean 0 and deviation 1, ``minmax`` to [0, 1], ``robust``
            to median 0 and an interquartile range of 1; one that is constant is only shifted. ``whiten`` (ZCA) makes
            all numbers of an example uncorrelated with variance 1 and stays as near to them as that allows; ``pca``
            gives their principal components, each with variance 1.
        components: for ``pca``, how many to keep, or below 1 the share of the variance they must hold.
        alike: all features have one shift and one scale.
    Raises:
        InputError: if whitening is asked for too many features, or more components than there are.
    """
    if scaling == "none":
        return Affine(np.zeros(()), np.ones(()))
    if scaling in ("whiten", "pca"):
        return _fit_rotation(scaling == "whiten", chunks(1), shape, components)
    from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

    wide = (-1, *(1,) * (len(shape) - 1)) if len(shape) in (3, 4) else (-1,)
    if scaling == "robust":
        step = -(-count * int(np.prod(shape)) // MOST_SORTED)
        columns = zip(*(_as_samples(rows, alike) for rows in chunks(step)), strict=True)
        fitted = [RobustScaler().fit(np.concatenate(each).astype(np.float64)) for each in columns]
        return _affine([each.center_ for each in fitted], [each.scale_ for each in fitted], wide)
    make = StandardScaler if scaling == "standard" else MinMaxScaler
    scalers: list[Any] = []
    for rows in chunks(1):
        parts = _as_samples(rows, alike)
        scalers = scalers or [make() for _ in parts]
        for scaler, part in zip(scalers, parts, strict=True):
            scaler.partial_fit(part.astype(np.float64))
    if scaling == "standard":
        return _affine([each.mean_ for each in scalers], [each.scale_ for each in scalers], wide)
    return _affine([each.data_min_ for each in scalers], [1 / each.scale_ for each in scalers], wide)


def _affine(shifts: list[Numbers], scales: list[Numbers], shape: tuple[int, ...]) -> Affine:
    return Affine(np.concatenate(shifts).reshape(shape), np.concatenate(scales).reshape(shape))


def _as_samples(rows: Numbers, alike: bool) -> list[Numbers]:
    """Rows as scikit-learn reads them, (samples, features): a table whole, images and videos a channel at a time.

    Every pixel is a sample of its channel, every step of a sequence a sample of its features, which are one feature
    where they are alike. A scaler for each channel is ten times as fast as one for three columns.
    """
    if alike:
        return [rows.reshape(-1, 1)]
    if rows.ndim in (4, 5):
        return [rows[:, channel].reshape(-1, 1) for channel in range(rows.shape[1])]
    return [rows.reshape(-1, rows.shape[-1])]


def _fit_rotation(
    keeps_shape: bool, chunks: Iterable[Numbers], shape: tuple[int, ...], components: float | None
) -> Rotation:
    features = int(np.prod(shape))
    if features > MOST_WHITENED:
        raise InputError(
            "data.preprocess",
            f"whitening needs a matrix of features squared, at most {MOST_WHITENED:,} features",
            features,
            "Use `standard`.",
        )
    mean, covariance = _covariance(chunks, features)
    variances, axes = np.linalg.eigh(covariance)
    variances, axes = variances[::-1], axes[:, ::-1].T  # largest first; an axis a row
    varying = variances > _NEGLIGIBLE * max(variances[0], np.finfo(np.float64).tiny)
    scale = np.where(varying, 1 / np.sqrt(np.where(varying, variances, 1)), 0.0)
    if keeps_shape:
        return Rotation(mean, (axes.T * scale) @ axes, keeps_shape=True)
    axes *= np.sign(axes[np.arange(features), np.abs(axes).argmax(axis=1)])[:, None]  # eigh leaves the sign open
    kept = _kept(variances, int(varying.sum()), components)
    return Rotation(mean, axes[:kept] * scale[:kept, None], keeps_shape=False)


def _kept(variances: Numbers, varying: int, components: float | None) -> int:
    """How many of the `varying` principal components to keep."""
    if components is None:
        return max(varying, 1)
    if components < 1:
        shares = np.cumsum(variances) / variances.sum()
        return min(int(np.searchsorted(shares, components)) + 1, max(varying, 1))
    if components > varying:
        raise InputError("data.components", f"must not exceed the {varying} directions the data vary in", components)
    return int(components)


def _covariance(chunks: Iterable[Numbers], features: int) -> tuple[Numbers, Numbers]:
    """Mean and covariance (divided by N - 1), a chunk at a time.

    Source: Chan, Golub, LeVeque (1983), Algorithms for computing the sample variance, equation 2.1.
    """
    count, mean, scatter = 0, np.zeros(features), np.zeros((features, features))
    for rows in chunks:
        flat = np.asarray(rows, np.float64).reshape(len(rows), -1)
        centre = flat.mean(axis=0)
        apart = centre - mean
        flat = flat - centre
        total = count + len(rows)
        scatter += flat.T @ flat + np.outer(apart, apart) * (count * len(rows) / total)
        mean = mean + apart * (len(rows) / total)
        count = total
    return mean, scatter / max(count - 1, 1)
