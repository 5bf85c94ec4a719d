"""A remedy's card."""

from dataclasses import dataclass

from gradus.core.text import Message


@dataclass(frozen=True, kw_only=True)
class RemedyCard:
    """Something to do.

    Attributes:
        text: what, as an order.
        why: the reason that it helps.
        source: paper and equation or section, the documentation, or what was measured here (accuracy without and with).
    """

    id: str
    text: Message
    why: Message
    source: str
