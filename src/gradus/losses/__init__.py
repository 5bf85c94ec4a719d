"""Learning criteria. A loss is a function of output and target that gives one number, the mean over the batch."""

from dataclasses import dataclass

from gradus.core.cards import Card, Registry
from gradus.core.spec import Task


@dataclass(frozen=True, kw_only=True)
class CriterionCard(Card):
    """A loss. `build` takes the options and returns ``(output, target) -> scalar``.

    Attributes:
        tasks: what it can be a criterion of; decides the targets it accepts, (N,) int64 classes or (N, K) values.
        class_counts: `build` takes first the number of training examples of each class, (C,) int64.
    """

    tasks: tuple[Task, ...]
    class_counts: bool = False


criteria: Registry[CriterionCard] = Registry("criterion", "gradus.losses", CriterionCard)
