"""The table of treatments: which remedies can be applied to a live network, and what each takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gradus.core.cards import Card, Registry
from gradus.core.text import Message


@dataclass(frozen=True, kw_only=True)
class TreatmentCard(Card):
    """A treatment is named after the remedy that it is.

    Attributes:
        changes: "weights", numbers in place; "layers", which modules and parameters there are; "optimizer", settings.
        live: it goes by what a network in training does, so that there is nothing for it before.
    """

    changes: Literal["weights", "layers", "optimizer"]
    live: bool = False


@dataclass(frozen=True)
class Done:
    """What a treatment did.

    Attributes:
        says: with a placeholder for each of the figures.
        places: the modules or groups that were changed.
    """

    says: Message
    places: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)


treatments = Registry("treatment", "gradus.diagnosis.treatments", TreatmentCard)
