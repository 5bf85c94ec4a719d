"""States of a Trainer to go back to, in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from gradus.training.trainer import Trainer

_SLOTS, _FEWEST = 8, 3
_MOST_BYTES = 2 << 30
_LOOKS = 64
"""Of a training, evenly; at each a state is taken, and one that lies too near to others is given up."""


@dataclass(frozen=True)
class Snapshot:
    """A Trainer's `state_dict` after so many steps, on the CPU."""

    step: int
    state: Mapping[str, Any]


class Ring:
    """The first state, the latest, and a few between: the older, the farther apart.

    So a fault that began a while ago costs little more than that while, and memory is bounded: 8 states, or as many
    as fit in 2 GiB, but never fewer than 3.

    Args:
        steps: of the whole training.
    """

    def __init__(self, steps: int) -> None:
        self._between = max(1, steps // _LOOKS)
        self._snapshots: list[Snapshot] = []
        self._slots = _SLOTS

    @property
    def steps(self) -> list[int]:
        return [each.step for each in self._snapshots]

    def look(self, trainer: "Trainer") -> None:
        """Take a state if one is due; never one of a training that has gone wrong or was told to stop."""
        if self._snapshots and trainer.step < self._snapshots[-1].step + self._between:
            return
        state = copied(trainer.state_dict())
        if trainer.stopped:
            return
        if not self._snapshots:
            self._slots = max(_FEWEST, min(_SLOTS, _MOST_BYTES // max(1, _bytes(state))))
        self._snapshots.append(Snapshot(trainer.step, state))
        if len(self._snapshots) > self._slots:
            del self._snapshots[self._dearest()]

    def before(self, step: int) -> Snapshot | None:
        """The latest state that nothing of step `step` (counted from 1) or the one before it has touched."""
        earlier = [each for each in self._snapshots if each.step < step - 1]
        return earlier[-1] if earlier else None

    def _dearest(self) -> int:
        """Which to give up: that whose neighbours lie closest together for their age. Never the ends."""
        now = self._snapshots[-1].step + self._between
        age = [now - each.step for each in self._snapshots]
        return min(range(1, len(age) - 1), key=lambda at: age[at - 1] / age[at + 1])


def copied(value: Any) -> Any:
    """A deep copy of nested dicts, lists and tuples, its tensors on the CPU and laid out as they were."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {name: copied(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(copied(each) for each in value)
    return value


def _bytes(value: Any) -> int:
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, Mapping):
        return sum(_bytes(each) for each in value.values())
    return sum(_bytes(each) for each in value) if isinstance(value, list | tuple) else 0
