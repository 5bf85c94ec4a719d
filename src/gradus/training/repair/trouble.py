"""What is to be treated."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A cause to be treated.

    Attributes:
        since: the first step at which any of the findings it rests on began.
    """

    cause: str
    confidence: float
    since: int
