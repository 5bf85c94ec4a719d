"""What flows from the data to the objective."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Some examples.

    Attributes:
        inputs: one tensor per model input, each (N, ...): images float (N, C, H, W), sequences (N, T, ...),
            tables float and int64.
        target: (N,) int64 classes, or (N, T) one for every step, or (N, K) float values; of mixed examples (N, classes)
            float shares of classes.
        index: (N,) int64, each example's number in its source.
        weight: (N,) how much each example counts, or None for equally.
        lengths: (N,) int64 valid steps of each sequence, or None where all are whole.
    """

    inputs: tuple[Tensor, ...]
    target: Tensor
    index: Tensor
    weight: Tensor | None = None
    lengths: Tensor | None = None

    def __len__(self) -> int:
        return len(self.index)

    def split(self, parts: int) -> list["Batch"]:
        """At most `parts` smaller batches, in order: of equal size, but that the last may be smaller."""
        size = -(-len(self) // parts)
        return [self._rows(slice(start, start + size)) for start in range(0, len(self), size)]

    def _rows(self, rows: slice) -> "Batch":
        return Batch(
            inputs=tuple(each[rows] for each in self.inputs),
            target=self.target[rows],
            index=self.index[rows],
            weight=None if self.weight is None else self.weight[rows],
            lengths=None if self.lengths is None else self.lengths[rows],
        )
