"""When to look: closely at first, then ever more rarely, and at once when something trips."""

import time
from typing import Any

FIRST_STEPS = 10
"""Steps examined one after the other at the start."""
GROWTH = 0.3
"""From then on the next examination comes after this share of the steps so far."""
SETTLED = 150
"""Until this step examinations come as planned, whatever they cost: most of what goes wrong does so by then."""
_MOST_ALARMS = 12
_MOST_STRETCH = 4096


class Cadence:
    """The steps at which to examine, to glance, and to rest.

    Args:
        budget: share of time that examinations may take once training has settled.
        events: what made the spacing change is noted there.
    """

    def __init__(self, budget: float, events: list[dict[str, Any]]) -> None:
        self._budget, self._events = budget, events
        self._examined_at = time.perf_counter()
        self.next, self._stretch, self._alarms = 0, 1, 0

    def alarm(self, step: int) -> None:
        """Examine the step after `step`, whenever the next examination was to come."""
        if self._alarms < _MOST_ALARMS:
            self._alarms += 1
            self.next = min(self.next, step + 1)

    def examined(self, step: int, cost: float) -> None:
        """The step was examined, which took `cost` seconds: when the next one comes."""
        now = time.perf_counter()
        between, self._examined_at = now - self._examined_at, now
        if step + 1 < FIRST_STEPS:
            self.next = step + 1
            return
        if step > SETTLED and cost > self._budget * between and self._stretch < _MOST_STRETCH:
            self._stretch *= 2
            share = round(cost / max(between, 1e-9), 4)
            self._events.append({"kind": "spacing", "step": step, "stretch": self._stretch, "share": share})
        self.next = step + max(1, round(GROWTH * step)) * self._stretch


def glances(step: int) -> bool:
    """Whether to look, at little cost, at gradients and at what is right in this step."""
    return not step % _spacing(step)


def next_glance(step: int) -> int:
    """The first step after `step` to glance at."""
    spacing = _spacing(step)
    return step - step % spacing + spacing


def _spacing(step: int) -> int:
    return 8 if step < 256 else 16 if step < 768 else 32 if step < 3072 else 64
