"""Several processes that train one model: whether they stay alike, and whether one keeps the others waiting.

Processes meet through the key-value store of their default group, which each reads when it comes by: no collective
operation is added, nobody waits for anybody, and a process that is gone is not missed.
"""

import json
from collections.abc import Iterable
from time import perf_counter
from typing import Any

from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from gradus.diagnosis.history import History
from gradus.diagnosis.signs import RankSigns

_TENSORS, _ELEMENTS = 16, 256
"""Of the parameters, what is compared."""
_OPEN = 64
"""Meetings that the first process waits for at most; older ones will not come about any more."""


class Ranks:
    """One process's part in it.

    Attributes:
        on: whether there are other processes, as far as is known.
    """

    def __init__(self) -> None:
        self.on = False
        self._store: Any = None
        self._open: dict[int, None] = {}
        self._work, self._free = 0.0, 0.0
        self._since, self._steps = 0.0, 0
        self._exchanging, self._exchanges = False, 0

    def exchanged(self) -> None:
        """The program itself has summed something over the processes."""
        self._exchanging = True

    def backward_began(self) -> None:
        """What a process does before its first backward pass is its own: there is no exchange in it to wait for."""
        if self._free:
            self._work += perf_counter() - self._free
            self._free = 0.0

    def step_ended(self) -> None:
        """The optimizer has stepped."""
        self._free = perf_counter()
        self._steps += 1
        self._exchanges += self._exchanging
        self._exchanging = False

    def meet(self, history: History, optimizer: Optimizer | None, models: Iterable[nn.Module]) -> bool:
        """Leave a word for the others; as the first process, read theirs. Whether there was something new."""
        if not (distributed.is_available() and distributed.is_initialized()):
            self.on = False
            return False
        rank, size = distributed.get_rank(), distributed.get_world_size()
        if size < 2 or optimizer is None:
            return False
        now = perf_counter()
        if not self.on:  # from here on time is taken
            self.on, self._store = True, distributed.distributed_c10d._get_default_store()
        elif self._steps:
            whole = (now - self._since) / self._steps
            word = [self._work / self._steps, whole, *_fingerprint(optimizer)]
            self._store.set(_key(history.step, rank), json.dumps(word))
            self._open[history.step] = None
        wrapped = any(isinstance(each, DistributedDataParallel) for each in models)
        together = wrapped or self._exchanges > 0.9 * self._steps > 0
        self._work, self._free, self._steps, self._exchanges, self._since = 0.0, now, 0, 0, now
        return rank == 0 and self._read(history, size, together)

    def _read(self, history: History, size: int, together: bool) -> bool:
        """The meetings at which all have been."""
        found = False
        while len(self._open) > _OPEN:
            self._open.pop(next(iter(self._open)))
        for step in list(self._open):
            keys = [_key(step, rank) for rank in range(size)]
            if not self._store.check(keys):
                continue
            del self._open[step]
            words = [json.loads(self._store.get(key)) for key in keys]
            for key in keys:
                self._store.delete_key(key)
            fingerprints = [word[2:] for word in words]
            signs = RankSigns(
                step=step,
                apart=tuple(_apart(fingerprints[0], each) for each in fingerprints),
                work=tuple(word[0] for word in words),
                whole=words[0][1],
                together=together,
            )
            history.ranks = [*history.ranks[-_OPEN:], signs]
            found = True
        return found


def _key(step: int, rank: int) -> str:
    return f"gradus/{step}/{rank}"


def _fingerprint(optimizer: Optimizer) -> list[float]:
    """Sums of some elements of some parameters; of sharded ones, which are not meant to be alike, none."""
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    every = max(1, len(parameters) // _TENSORS)
    return [
        float(each.detach().reshape(-1)[:_ELEMENTS].double().sum())
        for each in parameters[::every]
        if type(each) in (nn.Parameter, Tensor) and not each.is_meta
    ]


def _apart(one: list[float], other: list[float]) -> float:
    """The largest relative difference."""
    if len(one) != len(other):
        return 1.0
    return max((abs(a - b) / max(abs(a), abs(b), 1e-12) for a, b in zip(one, other, strict=True)), default=0.0)
