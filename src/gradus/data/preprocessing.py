"""Scaling fitted on the training split only, saved with the run and applied to everything after it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Scaling = Literal["standard", "minmax", "none"]


@dataclass(frozen=True)
class Preprocessing:
    """``(x - shift) / scale`` for each input.

    `shifts` and `scales` hold one array per input that broadcasts against one example: (C, 1, 1) for images, one
    value a channel; (F,) for tables, one value a feature; () where nothing is scaled.
    """

    scaling: Scaling
    shifts: tuple[NDArray[np.float64], ...]
    scales: tuple[NDArray[np.float64], ...]

    @classmethod
    def fit(cls, scaling: Scaling, chunks: Iterable[tuple[NDArray[Any], ...]], inputs: int) -> Self:
        """Fit to the training examples, a chunk at a time.

        ``standard`` brings each channel or feature to mean 0 and deviation 1, ``minmax`` to [0, 1]; one that is
        constant is only shifted.
        """
        if scaling == "none":
            return cls(scaling, (np.zeros(()),) * inputs, (np.ones(()),) * inputs)
        from sklearn.preprocessing import MinMaxScaler, StandardScaler

        scalers = [StandardScaler() if scaling == "standard" else MinMaxScaler() for _ in range(inputs)]
        shapes: list[tuple[int, ...]] = [()] * inputs
        for chunk in chunks:
            shapes = [(-1, *(1,) * (rows.ndim - 2)) for rows in chunk]
            for scaler, rows in zip(scalers, chunk, strict=True):
                # scikit-learn reads (samples, features): for images every pixel is a sample of its channel.
                scaler.partial_fit(np.moveaxis(rows, 1, -1).reshape(-1, rows.shape[1]).astype(np.float64))
        if scaling == "standard":
            fitted = [(scaler.mean_, scaler.scale_) for scaler in scalers]
        else:
            fitted = [(scaler.data_min_, 1 / scaler.scale_) for scaler in scalers]
        return cls(
            scaling,
            tuple(shift.reshape(shape) for (shift, _), shape in zip(fitted, shapes, strict=True)),
            tuple(scale.reshape(shape) for (_, scale), shape in zip(fitted, shapes, strict=True)),
        )

    def apply(self, rows: tuple[NDArray[Any], ...]) -> tuple[Tensor, ...]:
        """Model inputs, float32, from raw rows (N, ...)."""
        ready = []
        for each, shift, scale in zip(rows, self.shifts, self.scales, strict=True):
            # Numbers that float32 does not hold, time stamps for one, would lose their differences before the shift.
            exact = np.float32 if np.can_cast(each.dtype, np.float32) else np.float64
            numbers = torch.from_numpy(np.array(each, dtype=exact, order="C"))
            if self.scaling != "none":
                numbers.sub_(torch.from_numpy(shift)).div_(torch.from_numpy(scale))
            ready.append(numbers.float())
        return tuple(ready)

    def of_zero(self) -> Tensor:
        """What a raw 0 becomes in the first input: the background of images, shape (C, 1, 1) or ()."""
        return torch.from_numpy(-self.shifts[0] / self.scales[0]).float()

    def to_json(self) -> dict[str, Any]:
        """Exact: JSON's decimals give every double back."""
        return {
            "scaling": self.scaling,
            "shifts": [each.tolist() for each in self.shifts],
            "scales": [each.tolist() for each in self.scales],
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        return cls(
            document["scaling"],
            tuple(np.asarray(each, np.float64) for each in document["shifts"]),
            tuple(np.asarray(each, np.float64) for each in document["scales"]),
        )
