"""Learning from targets."""

from gradus.training.objective import Supervised
from gradus.training.objectives import Parts, objectives


@objectives.register(source="docs/objective.md", formula="L(y, t) + penalties")
def supervised(parts: Parts) -> Supervised:
    """The model learns to give the target of each example."""
    return Supervised(
        parts.model,
        parts.criterion,
        parts.optimizer,
        closure=parts.closure,
        scheduler=parts.scheduler,
        penalties=parts.penalties,
    )
