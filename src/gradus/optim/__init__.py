"""Optimization algorithms and learning-rate schedules, by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradus.core.cards import Card, Registry
from gradus.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class OptimizerCard(Card):
    """An algorithm. `build` takes the parameters and the options, and returns a torch Optimizer.

    The option `preset` sets the others as the paper or a library has them, which is what `elsewhere` holds; options
    given beside it prevail.

    Attributes:
        closure: whether its step evaluates the loss itself, several times perhaps.
    """

    closure: bool = False

    def validate(self, options: Mapping[str, Any], owner: str = "") -> dict[str, Any]:
        given = dict(options)
        preset = given.pop("preset", None)
        if preset is not None:
            if preset not in self.elsewhere:
                known = f"Known: {', '.join(self.elsewhere)}." if self.elsewhere else "It has none."
                raise InputError(owner or f"{self.kind} `{self.name}`", "no such preset", preset, known)
            given = {**self.elsewhere[preset], **given}
        return super().validate(given, owner)


optimizers: Registry[OptimizerCard] = Registry("optimizer", "gradus.optim", OptimizerCard)
schedules: Registry[Card] = Registry("schedule", "gradus.optim.rates", Card)
