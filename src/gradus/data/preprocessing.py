"""What is done to examples before a model sees them: fitted to the training split only, and saved with the run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.data.raw import RawData
from gradus.data.scaling import Affine, Rotation, Scaling, fit_scaling
from gradus.data.splits import Split
from gradus.data.tables import Missing, TableEncoding, fit_table


@dataclass(frozen=True)
class Codes:
    """Text, (N, T) codes: as it is."""

    kind: ClassVar = "codes"

    def apply(self, rows: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.array(rows, dtype=np.int64, order="C"))

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        return cls()


Transform = Affine | Rotation | TableEncoding | Codes
_KINDS: dict[str, type[Transform]] = {each.kind: each for each in (Affine, Rotation, TableEncoding, Codes)}


@dataclass(frozen=True)
class Preprocessing:
    """Raw examples to model inputs, and regression targets to values near 1 and back.

    Attributes:
        inputs: a transform for each raw input; a table's two parts have one between them.
        target: of regression targets (N, K); None where they are left as they are.
    """

    inputs: tuple[Transform, ...]
    target: Affine | None = None

    @classmethod
    def fit(
        cls,
        raw: RawData,
        train: Split,
        scaling: Scaling = "standard",
        *,
        components: float | None = None,
        missing: Missing = "median",
        target: Scaling = "none",
    ) -> Self:
        """Fit to the training split, a chunk at a time; `gradus.data.scaling` says what each scaling does.

        Args:
            components: what ``pca`` keeps, a number of components or a share of the variance.
            missing: what a missing number of a table becomes.
            target: how regression targets are scaled.
        """

        def chunks(step: int) -> Iterable[tuple[NDArray[Any], ...]]:
            return train.examples.chunks(train.index[::step])

        def fit_input(place: int) -> Transform:
            def rows(step: int) -> Iterable[NDArray[Any]]:
                return (chunk[place] for chunk in chunks(step))

            return fit_scaling(scaling, rows, raw.spec.inputs[place], len(train), components)

        fitted: tuple[Transform, ...]
        if raw.is_table:
            fitted = (
                fit_table(raw.columns, chunks, len(train), scaling=scaling, components=components, missing=missing),
            )
        elif raw.vocabulary:
            fitted = (Codes(),)
        else:
            fitted = tuple(fit_input(place) for place in range(len(raw.train.inputs)))
        return cls(fitted, _fit_target(raw, train, target))

    @classmethod
    def none(cls, inputs: int = 1) -> Self:
        """Everything as it is."""
        return cls((Affine(np.zeros(()), np.ones(())),) * inputs)

    @property
    def table(self) -> TableEncoding | None:
        """How a table is encoded; None for other data."""
        (first, *_) = self.inputs
        return first if isinstance(first, TableEncoding) else None

    def apply(self, rows: Sequence[NDArray[Any]]) -> tuple[Tensor, ...]:
        """Model inputs from raw rows, each (N, ...)."""
        if self.table is not None:
            return (self.table.apply(*rows),)
        ready = []
        for transform, each in zip(self.inputs, rows, strict=True):
            assert not isinstance(transform, TableEncoding)
            ready.append(transform.apply(each))
        return tuple(ready)

    def apply_target(self, target: NDArray[Any]) -> Tensor:
        """Targets as a model learns them."""
        return torch.tensor(target) if self.target is None else self.target.apply(target)

    def restore(self, values: Tensor) -> Tensor:
        """Outputs or targets (N, K) in the units of the data."""
        return values if self.target is None else self.target.restore(values)

    def of(self, value: float) -> Tensor:
        """What a raw `value` becomes in the first input, shape (C, 1, 1) or ().

        Raises:
            InputError: where numbers are mixed with one another, so that none has a value of its own.
        """
        first = self.inputs[0]
        if not isinstance(first, Affine):
            raise InputError("data.augment", "needs inputs that are scaled each by itself", repair="Use `standard`.")
        return first.of(value)

    def spec(self, raw: DataSpec) -> DataSpec:
        """The data as a model sees them."""
        if self.table is not None:
            return replace(raw, inputs=((len(self.table.features),),), input_dtypes=("float32",))
        shapes = []
        for transform, shape in zip(self.inputs, raw.inputs, strict=True):
            assert not isinstance(transform, TableEncoding)
            shapes.append(transform.shape_of(shape))
        return replace(raw, inputs=tuple(shapes))

    def to_json(self) -> dict[str, Any]:
        return {
            "inputs": [each.to_json() for each in self.inputs],
            "target": None if self.target is None else self.target.to_json(),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        if "shifts" in document:  # format 1 of a run's data
            pairs = zip(document["shifts"], document["scales"], strict=True)
            return cls(tuple(Affine.from_json({"shift": shift, "scale": scale}) for shift, scale in pairs))
        target = document["target"]
        return cls(
            tuple(_KINDS[each["kind"]].from_json(each) for each in document["inputs"]),
            None if target is None else Affine.from_json(target),
        )


def _fit_target(raw: RawData, train: Split, scaling: Scaling) -> Affine | None:
    if raw.task == "classification" or scaling == "none":
        return None
    fitted = fit_scaling(scaling, lambda step: [train.target[::step]], train.target.shape[1:], len(train))
    assert isinstance(fitted, Affine)
    return fitted
