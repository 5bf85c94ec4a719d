"""Reading losses without making the run wait for them."""

from collections import deque

import torch
from torch import Tensor


class LossReader:
    """Adds up the losses of a step, and gives their mean when it is known.

    On the CPU that is at once. From a GPU a copy is started, and read when it has arrived, a step or more later.
    """

    def __init__(self) -> None:
        self.immediate = True
        self._now: list[float] = []
        self._pending: list[Tensor] = []
        self._copies: deque[tuple[int, Tensor, torch.cuda.Event]] = deque()

    def add(self, loss: Tensor) -> float:
        """A loss about to be propagated backward; its value where that is known without waiting, else 0."""
        if loss.is_cpu:
            value = float(loss.item())
            self._now.append(value)
            return value
        self.immediate = False
        self._pending.append(loss.detach().reshape(()))
        return 0.0

    def take_now(self) -> float | None:
        """An optimizer has stepped: the mean of the losses before it, on the CPU; None if there were none."""
        if len(self._now) == 1:
            return self._now.pop()
        mean = sum(self._now) / len(self._now) if self._now else None
        self._now.clear()
        return mean

    def take(self, key: int) -> list[tuple[int, float]]:
        """An optimizer has stepped: the means that are known by now, with the optimizers they belong to."""
        now = self.take_now()
        if now is not None:
            return [(key, now)]
        if self._pending:
            mean_there = torch.stack(self._pending).mean()
            self._pending.clear()
            copy = mean_there.to("cpu", non_blocking=True)
            arrived = torch.cuda.Event()
            arrived.record()
            self._copies.append((key, copy, arrived))
        return self._arrived(wait=False)

    def rest(self) -> list[tuple[int, float]]:
        """Those still on their way, at the end."""
        return self._arrived(wait=True)

    def _arrived(self, *, wait: bool) -> list[tuple[int, float]]:
        found = []
        while self._copies and (wait or self._copies[0][2].query()):
            key, copy, arrived = self._copies.popleft()
            arrived.synchronize()
            found.append((key, float(copy)))
        return found
