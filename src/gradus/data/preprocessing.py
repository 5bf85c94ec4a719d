"""What is done to examples before a model sees them: fitted to the training split only, and saved with the run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.data.crosses import Crosses
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


class Encoder(Protocol):
    """A trained network that makes a vector of an example."""

    @property
    def width(self) -> int:
        """K, the numbers of its vectors."""
        ...

    @property
    def table(self) -> TableEncoding | None:
        """How its table is encoded; None for other data."""
        ...

    def apply(self, rows: Sequence[NDArray[Any]]) -> Tensor:
        """Vectors (N, K), float32, of raw rows, each (N, ...)."""
        ...


@dataclass(frozen=True)
class Preprocessing:
    """Raw examples to model inputs, and regression targets to values near 1 and back.

    Attributes:
        inputs: a transform for each raw input; a table's two parts have one between them.
        target: of regression targets (N, K); None where they are left as they are.
        encoder: its vectors take the place of the raw inputs.
        crosses: made of the one input after its transform.
        reconstruct: the target is the one input as a model sees it, as a vector (N, F).
    """

    inputs: tuple[Transform, ...]
    target: Affine | None = None
    encoder: Encoder | None = None
    crosses: Crosses | None = None
    reconstruct: bool = False

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
        encoder: Encoder | None = None,
    ) -> Self:
        """Fit to the training split, a chunk at a time; `gradus.data.scaling` says what each scaling does.

        Args:
            components: what ``pca`` keeps, a number of components or a share of the variance.
            missing: what a missing number of a table becomes.
            target: how regression targets are scaled.
            encoder: gives what is to be scaled, in place of the raw inputs.
        """

        def chunks(step: int) -> Iterable[tuple[NDArray[Any], ...]]:
            given = train.examples.chunks(train.index[::step])
            return given if encoder is None else ((encoder.apply(rows).numpy(),) for rows in given)

        def fit_input(place: int) -> Transform:
            def rows(step: int) -> Iterable[NDArray[Any]]:
                return (chunk[place] for chunk in chunks(step))

            return fit_scaling(scaling, rows, raw.spec.inputs[place], len(train), components, alike=raw.alike)

        fitted: tuple[Transform, ...]
        if encoder is not None:

            def codes(step: int) -> Iterable[NDArray[Any]]:
                return (code for (code,) in chunks(step))

            fitted = (fit_scaling(scaling, codes, (encoder.width,), len(train), components),)
        elif raw.is_table:
            fitted = (
                fit_table(raw.columns, chunks, len(train), scaling=scaling, components=components, missing=missing),
            )
        elif raw.vocabulary:
            fitted = (Codes(),)
        else:
            fitted = tuple(fit_input(place) for place in range(len(raw.train.inputs)))
        return cls(fitted, _fit_target(raw, train, target), encoder)

    def crossed(self, raw: RawData, train: Split, scaling: Scaling, degree: int, *, interaction_only: bool) -> Self:
        """Followed by products of up to `degree` features, fitted to the training split.

        Raises:
            InputError: if the examples are no vectors, or would become too long.
        """

        def rows(step: int) -> Iterable[NDArray[Any]]:
            return (self.apply(chunk)[0].numpy() for chunk in train.examples.chunks(train.index[::step]))

        shape = self._one_input(raw.spec, "data.crosses")
        crosses = Crosses.fit(
            rows, shape, len(train), degree=degree, interaction_only=interaction_only, scaling=scaling
        )
        return replace(self, crosses=crosses)

    def reconstructing(self, raw: RawData) -> Self:
        """With the input for a target in place of the data's own.

        Raises:
            InputError: if there are several inputs, or text or windows of a series.
        """
        self._one_input(raw.spec, "data.reconstruct")
        return replace(self, target=None, reconstruct=True)

    def _one_input(self, raw: DataSpec, owner: str) -> tuple[int, ...]:
        """The shape of the one input as a model sees it, a vector or an image."""
        shape, *others = self.spec(raw).inputs
        if others or raw.vocabulary or len(shape) == 2:
            raise InputError(owner, "is for vectors, tables and images", "text" if raw.vocabulary else [shape, *others])
        return shape

    @classmethod
    def none(cls, inputs: int = 1) -> Self:
        """Everything as it is."""
        return cls((Affine(np.zeros(()), np.ones(())),) * inputs)

    @property
    def table(self) -> TableEncoding | None:
        """How a raw table is encoded; None for other data."""
        if self.encoder is not None:
            return self.encoder.table
        (first, *_) = self.inputs
        return first if isinstance(first, TableEncoding) else None

    def apply(self, rows: Sequence[NDArray[Any]]) -> tuple[Tensor, ...]:
        """Model inputs from raw rows, each (N, ...)."""
        if self.encoder is not None:
            rows = (self.encoder.apply(rows).numpy(),)
        ready = []
        if isinstance(self.inputs[0], TableEncoding):
            ready.append(self.inputs[0].apply(*rows))
        else:
            for transform, each in zip(self.inputs, rows, strict=True):
                assert not isinstance(transform, TableEncoding)
                ready.append(transform.apply(each))
        if self.crosses is not None:
            ready[0] = self.crosses.apply(ready[0])
        return tuple(ready)

    def apply_target(self, target: NDArray[Any], inputs: Sequence[Tensor]) -> Tensor:
        """Targets as a model learns them, of examples whose `inputs` are as a model sees them."""
        if self.reconstruct:
            return inputs[0].flatten(1)
        return self.scaled_target(target)

    def scaled_target(self, target: NDArray[Any]) -> Tensor:
        """The data's own targets, scaled."""
        return torch.tensor(target) if self.target is None else self.target.apply(target)

    def restore(self, values: Tensor) -> Tensor:
        """Outputs or targets (N, K) in the units of the data."""
        return values if self.target is None else self.target.restore(values)

    def of(self, value: float) -> Tensor:
        """What a raw `value` becomes in the first input, in a shape that broadcasts against one example.

        Raises:
            InputError: where numbers are mixed with one another, so that none has a value of its own.
        """
        first = self.inputs[0]
        if not isinstance(first, Affine):
            raise InputError("data.augment", "needs inputs that are scaled each by itself", repair="Use `standard`.")
        return first.of(value)

    def spec(self, raw: DataSpec) -> DataSpec:
        """The data as a model sees them."""
        given = raw.inputs if self.encoder is None else ((self.encoder.width,),)
        shapes: list[tuple[int, ...]] = []
        if isinstance(self.inputs[0], TableEncoding):
            shapes.append((len(self.inputs[0].features),))
        else:
            for transform, shape in zip(self.inputs, given, strict=True):
                assert not isinstance(transform, TableEncoding)
                shapes.append(transform.shape_of(shape))
        if self.crosses is not None:
            shapes[0] = (len(self.crosses.kept),)
        seen = replace(raw, inputs=tuple(shapes), input_dtypes=raw.input_dtypes[: len(shapes)])
        if self.reconstruct:
            return replace(seen, task="regression", outputs=seen.features, classes=())
        return seen

    def to_json(self) -> dict[str, Any]:
        """All but the encoder, which is kept beside this."""
        return {
            "inputs": [each.to_json() for each in self.inputs],
            "target": None if self.target is None else self.target.to_json(),
            "crosses": None if self.crosses is None else self.crosses.to_json(),
            "reconstruct": self.reconstruct,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any], encoder: Encoder | None = None) -> Self:
        if "shifts" in document:  # format 1 of a run's data
            pairs = zip(document["shifts"], document["scales"], strict=True)
            return cls(tuple(Affine.from_json({"shift": shift, "scale": scale}) for shift, scale in pairs))
        target, crosses = document["target"], document.get("crosses")
        return cls(
            tuple(_KINDS[each["kind"]].from_json(each) for each in document["inputs"]),
            None if target is None else Affine.from_json(target),
            encoder,
            None if crosses is None else Crosses.from_json(crosses),
            document.get("reconstruct", False),
        )


def _fit_target(raw: RawData, train: Split, scaling: Scaling) -> Affine | None:
    if raw.task == "classification" or scaling == "none":
        return None
    fitted = fit_scaling(scaling, lambda step: [train.target[::step]], train.target.shape[1:], len(train))
    assert isinstance(fitted, Affine)
    return fitted
