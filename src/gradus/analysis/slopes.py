"""How steep a function is to both sides of a point, as differences tell."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slopes:
    """Differences ahead and behind, and how much of each may be rounding."""

    ahead: float
    behind: float
    rounding: float

    @property
    def mean(self) -> float:
        """The central difference."""
        return (self.ahead + self.behind) / 2

    @property
    def gap(self) -> float:
        return abs(self.ahead - self.behind)

    def straight(self, tolerance: float) -> bool:
        """Whether the slopes to both sides are the same, so that no kink lies between."""
        return self.gap <= max(tolerance * abs(self.mean), self.rounding)

    def error(self, exact: float, tolerance: float) -> float:
        """Relative to the larger of the two; at most the tolerance where rounding explains it."""
        size = max(abs(exact), abs(self.mean), self.rounding / tolerance)
        return abs(exact - self.mean) / size if size else 0.0
