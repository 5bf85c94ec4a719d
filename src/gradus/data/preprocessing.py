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

        make = StandardScaler if scaling == "standard" else MinMaxScaler
        groups: list[list[Any]] = [[] for _ in range(inputs)]
        shapes: list[tuple[int, ...]] = [()] * inputs
        for chunk in chunks:
            for place, rows in enumerate(chunk):
                parts = _as_samples(rows)
                groups[place] = groups[place] or [make() for _ in parts]
                shapes[place] = (-1, *(1,) * (rows.ndim - 2))
                for scaler, part in zip(groups[place], parts, strict=True):
                    scaler.partial_fit(part.astype(np.float64))
        shifts, scales = [], []
        for group, shape in zip(groups, shapes, strict=True):
            if scaling == "standard":
                shift, scale = [each.mean_ for each in group], [each.scale_ for each in group]
            else:
                shift, scale = [each.data_min_ for each in group], [1 / each.scale_ for each in group]
            shifts.append(np.concatenate(shift).reshape(shape))
            scales.append(np.concatenate(scale).reshape(shape))
        return cls(scaling, tuple(shifts), tuple(scales))

    def apply(self, rows: tuple[NDArray[Any], ...]) -> tuple[Tensor, ...]:
        """Model inputs, float32, from raw rows (N, ...)."""
        ready = []
        for each, shift, scale in zip(rows, self.shifts, self.scales, strict=True):
            # Numbers that float32 does not hold, time stamps for one, would lose their differences before the shift.
            exact = np.float32 if np.can_cast(each.dtype, np.float32) else np.float64
            numbers = torch.from_numpy(np.array(each, dtype=exact, order="C"))
            # Into memory of torch's own: NumPy aligns less strictly, and some kernels round by where numbers lie.
            numbers = numbers.sub(torch.from_numpy(shift.astype(exact))).div_(torch.from_numpy(scale.astype(exact)))
            ready.append(numbers.float())
        return tuple(ready)

    def of_zero(self) -> Tensor:
        """What a raw 0 becomes in the first input: the background of images, shape (C, 1, 1) or ()."""
        return torch.as_tensor(-self.shifts[0] / self.scales[0], dtype=torch.float32)

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


def _as_samples(rows: NDArray[Any]) -> list[NDArray[Any]]:
    """Rows as scikit-learn reads them, (samples, features): a table whole, images a channel at a time.

    Every pixel is a sample of its channel. A scaler for each channel is ten times as fast as one for three columns.
    """
    return [rows] if rows.ndim == 2 else [rows[:, channel].reshape(-1, 1) for channel in range(rows.shape[1])]
