"""Which of a framework's numbers are the held-out loss and accuracy."""

import math
from collections.abc import Mapping


def loss_in(values: Mapping[str, float], split: str) -> float | None:
    """The number called ``<split>_loss`` or its like; None if there is none.

    >>> loss_in({"train_loss": 0.1, "val/loss": 0.5}, "val")
    0.5
    """
    return _first(values, split, ("loss",))


def accuracy_in(values: Mapping[str, float], split: str) -> float | None:
    """The same of ``<split>_accuracy`` and ``<split>_acc``, a share of 1."""
    value = _first(values, split, ("accuracy", "acc"))
    return value if value is not None and 0 <= value <= 1 else None


def _first(values: Mapping[str, float], split: str, words: tuple[str, ...]) -> float | None:
    for name, value in values.items():
        parts = name.lower().replace("/", "_").replace("-", "_").replace(".", "_").split("_")
        if parts[0].startswith(split) and parts[-1] in words and math.isfinite(value):
            return value
    return None
