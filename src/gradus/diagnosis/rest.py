"""Steps that are not looked at: their losses and rates are kept together until one is."""

import math

from gradus.diagnosis.history import History
from gradus.diagnosis.series import Series

_SPIKE = 3.0
"""A loss is a spike when it is this many times the mean of the latest ones..."""
_FLOOR = 0.1
"""... and this share of the first ones more: where nearly all is learned, losses differ by much and mean little."""
_KNOWN = 20


class Rest:
    """A stretch of steps in which callbacks do next to nothing.

    Attributes:
        on: whether it lasts.
        until: the step that is to be looked at again.
        guarding: whether gradients are looked at all the same, because that costs little beside a step.
    """

    def __init__(self) -> None:
        self.on = self.guarding = False
        self.until = 0
        self._most = math.inf
        self._losses: list[float] = []
        self._rates: list[float] = []

    def begin(self, history: History, until: int, *, guarding: bool) -> None:
        """No step is looked at before `until`."""
        self.on, self.until, self.guarding = True, until, guarding
        self._most = spike_above(history.losses)

    def step(self, loss: float | None, rate: float) -> bool:
        """One more, with its loss where there is one; whether that is a spike."""
        self._rates.append(rate)
        if loss is None:
            return False
        self._losses.append(loss)
        return loss > self._most

    def tell(self, history: History) -> int:
        """Enter what was kept into the history of the optimizer that leads; how many steps that were."""
        number = len(self._rates)
        if number:
            history.losses.extend(self._losses)
            history.rates.extend(self._rates)
            self._losses.clear()
            self._rates.clear()
        return number


def spike_above(losses: Series) -> float:
    """The value above which the next loss is a spike; infinite while few are known."""
    recent = losses.recent
    if len(recent) <= _KNOWN:
        return math.inf
    return _SPIKE * abs(sum(recent) / len(recent)) + _FLOOR * abs(losses.start()) + 1e-12
