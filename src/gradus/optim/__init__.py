"""Optimization algorithms and learning-rate schedules, by name."""

from dataclasses import dataclass

from gradus.core.cards import Card, Registry


@dataclass(frozen=True, kw_only=True)
class OptimizerCard(Card):
    """An algorithm. `build` takes the parameters and the options, and returns a torch Optimizer.

    Attributes:
        closure: whether its step evaluates the loss itself, several times perhaps.
    """

    closure: bool = False


optimizers: Registry[OptimizerCard] = Registry("optimizer", "gradus.optim", OptimizerCard)
schedules: Registry[Card] = Registry("schedule", "gradus.optim.rates", Card)
