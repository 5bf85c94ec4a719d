"""Which optimizer's steps are the steps of a run, where there are several."""

import weakref

from torch import Tensor
from torch.optim import Optimizer

from gradus.diagnosis.optimizers import parameters_of

_ALONE = 8
"""Steps of one optimizer without one of the leading optimizer's, after which it leads."""


class Lead:
    """Counts steps by optimizer. The one that has made most leads; another takes over when it steps no more.

    Attributes:
        key: of the one that leads.
        optimizer: that one, if it is still there.
        keys: a number for each optimizer; one made anew for the same parameters has the number of the one before.
    """

    def __init__(self) -> None:
        self.key = 0
        self.keys: weakref.WeakKeyDictionary[Optimizer, int] = weakref.WeakKeyDictionary()
        self._optimizer: weakref.ref[Optimizer] | None = None
        self._ends: dict[int, tuple[weakref.ref[Tensor], weakref.ref[Tensor]]] = {}
        self._counts: dict[int, int] = {}
        self._offset = self._alone = 0

    @property
    def optimizer(self) -> Optimizer | None:
        return None if self._optimizer is None else self._optimizer()

    @property
    def stepping(self) -> int:
        """Optimizers that have stepped in this phase."""
        return len(self._counts)

    def enroll(self, optimizer: Optimizer) -> bool:
        """Give an optimizer its number; whether it is new."""
        if optimizer in self.keys:
            return False
        held = parameters_of(optimizer)
        ends = held[0], held[-1]
        for key, references in self._ends.items():
            if all(reference() is each for reference, each in zip(references, ends, strict=True)):
                self.keys[optimizer] = key
                return True
        key = len(self._ends)
        self._ends[key] = (weakref.ref(ends[0]), weakref.ref(ends[1]))
        self.keys[optimizer] = key
        return True

    def count(self, key: int) -> bool:
        """One more step of an optimizer; whether it is to take over."""
        self._counts[key] = self._counts.get(key, 0) + 1
        self._alone = self._alone + 1 if key != self.key else 0
        return self._alone >= _ALONE

    def leads(self, optimizer: Optimizer, key: int, step: int) -> bool:
        """Whether the step just counted is the run's, which has made `step` before."""
        if self._counts[key] + self._offset <= step:
            return False
        self.key, self._alone, self._optimizer = key, 0, weakref.ref(optimizer)
        return True

    def rested(self, number: int) -> None:
        """So many more steps of the one that leads."""
        self._counts[self.key] += number

    def take_over(self, key: int, step: int) -> None:
        """Another leads from here on, which has made `step` steps and this one."""
        self.key, self._alone = key, 0
        self._counts, self._offset = {key: step + 1}, 0

    def begin_after(self, step: int) -> None:
        """Optimizers step from here on, after so many steps without one."""
        self._offset = step
