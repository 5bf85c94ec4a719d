"""What a data set looks like from outside: all that a model and a criterion need to know of it."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    import torch

Task = Literal["classification", "regression"]


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """Data as models see it.

    Attributes:
        task: what is learned; decides which criteria and metrics apply.
        inputs: shape of each model input without the batch axis, e.g. ``((1, 28, 28),)``.
        input_dtypes: dtype name of each input, e.g. ``("float32",)``.
        outputs: number of classes, or of regression targets.
        classes: class names in label order; empty for regression.
        vocabulary: symbols in code order, for text; empty otherwise.
        steps: T, where every step of an example has a class of its own: targets (N, T), outputs (N, T, classes).
    """

    task: Task
    inputs: tuple[tuple[int, ...], ...]
    outputs: int
    input_dtypes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    steps: int | None = None

    def __post_init__(self) -> None:
        if not self.input_dtypes:
            object.__setattr__(self, "input_dtypes", ("float32",) * len(self.inputs))

    @property
    def features(self) -> int:
        """Numbers in the first input of one example."""
        size = 1
        for side in self.inputs[0]:
            size *= side
        return size

    def shape_of_output(self, examples: int) -> tuple[int, ...]:
        """What a model gives for so many examples: (N, outputs), or (N, T, outputs)."""
        return (examples, self.outputs) if self.steps is None else (examples, self.steps, self.outputs)

    def example(self, device: "torch.device | str" = "cpu") -> "list[torch.Tensor]":
        """Inputs of a batch of one, whose numbers mean nothing."""
        import torch

        types = (getattr(torch, each) for each in self.input_dtypes)
        return [
            torch.zeros(1, *shape, dtype=dtype, device=device) for shape, dtype in zip(self.inputs, types, strict=True)
        ]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        return cls(
            task=document["task"],
            inputs=tuple(tuple(shape) for shape in document["inputs"]),
            input_dtypes=tuple(document["input_dtypes"]),
            outputs=document["outputs"],
            classes=tuple(document["classes"]),
            vocabulary=tuple(document["vocabulary"]),
            steps=document.get("steps"),
        )
