"""What examinations pass on to later ones."""

import math
from collections.abc import Sequence

from torch import Tensor

from gradus.diagnosis.players import Anchor
from gradus.diagnosis.signs import InputSigns

_MOST_LABELS = 20_000


class Memory:
    """Small masks and samples.

    Attributes:
        rows: prints of training examples, each once.
        critics: parameters, by id, that learned from squared errors alone.
        looked_at: how many prints were taken, those of examples that came again among them.
        labels: of training examples, by print, the label they came with first.
    """

    def __init__(self) -> None:
        self.silent: dict[str, list[Tensor]] = {}
        self.following: dict[str, str] = {}
        self.gradient: tuple[int, list[Tensor]] | None = None
        self.rows: set[int] = set()
        self.looked_at = 0
        self.labels: dict[int, float] = {}
        self.critics: set[int] = set()
        self.train_inputs: list[InputSigns] = []
        self.many_calls: set[str] = set()
        self.learning_norms: set[str] = set()
        self.anchors: dict[int, Anchor] = {}

    def again(self, prints: Sequence[int], target: Tensor, *, near: float = 0.0) -> tuple[int, int]:
        """How many examples have come before, and how many of these with about the label they have now.

        Args:
            target: one number for each example, of which `prints` are of the first.
            near: how far two labels may be apart.
        """
        labels = target.detach().flatten()[: len(prints)].tolist()
        known = [
            abs(self.labels[row] - label) <= near
            for row, label in zip(prints, labels, strict=False)
            if row in self.labels
        ]
        if len(self.labels) < _MOST_LABELS:
            for row, label in zip(prints, labels, strict=False):
                self.labels.setdefault(row, label)
        return len(known), sum(known)

    @property
    def share(self) -> float:
        """Share of the training examples that `rows` are, told by how often one came again; 0 where none has yet.

        Of N examples, S draws show N (1 - exp(-S / N)) different ones.
        """
        different = len(self.rows) / self.looked_at if self.looked_at else 1.0
        low, high = 1e-3, 50.0  # draws per example
        if different >= -math.expm1(-low) / low:
            return 0.0
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (low, middle) if -math.expm1(-middle) / middle < different else (middle, high)
        return -math.expm1(-low)
