"""This machine's ceilings: how fast it computes, moves numbers and starts, by some seconds of small kernels."""

import hashlib
import json
import math
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gradus.analysis.kernels import KINDS, LINEAR, Demand
from gradus.analysis.timing import quiet, using
from gradus.analysis.trials import Trial, ladder, sequence, trials
from gradus.core.errors import InputError, ResourceError

FORMAT = 1
"""Of the cached file; counts up whenever what is measured changes."""
FRESH = 32 * 2**20
"""glibc asks the system for each piece of memory above this size, and its pages must be brought in every time."""
_ROUNDS = 15
_SPREAD = 0.2
_FASTER = 1.2
"""Bandwidth is that of the cache while it is this many times that of memory."""
_COMPUTES = LINEAR - {"vector"} | {"max pool", "sampling", "row norm", "transcendental"}
_MOVES = LINEAR - {"attention"} | {"channel norm", "moving"}
"""Kinds whose time grows with their work, and kinds that move their tensors at a pace of their own."""


@dataclass(frozen=True)
class Roof:
    """What one kind of kernel can do.

    Attributes:
        start: seconds it takes at least.
        rate: work a second, FLOP/s of linear algebra, elements a second of the others; None if nothing is computed.
        bandwidth: bytes a second at which it moves its tensors by itself, before or after it computes: matrices and
            images are first packed into blocks; None if it does no such thing, or only what memory always bounds.
    """

    start: float
    rate: float | None = None
    bandwidth: float | None = None


@dataclass(frozen=True)
class Ceilings:
    """What a machine can do at most, with so many threads (Williams et al. 2009).

    Attributes:
        cache_bandwidth, memory_bandwidth: bytes read and written a second by operations that move no more than
            ``cache_bytes``, and by larger ones.
        fresh: bytes a second at which pages are brought in for tensors above FRESH.
        call: seconds that the call of a module adds to what it computes.
        roofs: by kind of kernel.
    """

    processor: str
    threads: int
    cache_bandwidth: float
    memory_bandwidth: float
    cache_bytes: int
    fresh: float
    call: float
    roofs: Mapping[str, Roof]

    @property
    def peak(self) -> float:
        """The best of the rates of linear algebra, FLOP/s."""
        return max(self.roofs[kind].rate or 0.0 for kind in ("convolution", "matrix"))

    def bandwidth(self, moved: int) -> float:
        return self.cache_bandwidth if moved <= self.cache_bytes else self.memory_bandwidth

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def parse(cls, document: Any) -> "Ceilings":
        """What `document` told.

        Raises:
            InputError: that is none of ours.
        """
        try:
            roofs = {kind: Roof(**each) for kind, each in document["roofs"].items()}
            made = cls(**{**document, "roofs": roofs})
            numbers = [made.threads, made.cache_bandwidth, made.memory_bandwidth, made.fresh]
            numbers += [part for each in roofs.values() for part in (each.rate, each.bandwidth) if part is not None]
            sound = set(roofs) == set(KINDS) and all(0 < each < math.inf for each in numbers)
            sound = sound and all(
                0 <= each < math.inf for each in (made.call, *(roof.start for roof in roofs.values()))
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            sound = False
        if not sound:
            raise InputError("ceilings", "must be as `Ceilings.document` gives them")
        return made


def ceilings(threads: int | None = None, *, again: bool = False) -> Ceilings:
    """This machine's ceilings, measured once and kept in the user's cache folder.

    Args:
        threads: of torch; as many as it uses now if None.
        again: whether to measure even so.

    Raises:
        ResourceError: they must be measured, and others use the machine.
    """
    with using(threads) as number:
        path = cached_at(number)
        kept = None if again else _kept(path)
        if kept is None:
            kept = measure(number)
            _keep(path, kept)
        return kept


def cached_at(threads: int) -> Path:
    """The file for this processor, torch and number of threads."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    folder = given if given.is_absolute() else Path.home() / ".cache"
    key = hashlib.sha256(f"{processor()} {torch.__version__} {threads} {FORMAT}".encode()).hexdigest()
    return folder / "gradus" / f"ceilings-{key[:16]}.json"


def processor() -> str:
    """Its name, as the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _kept(path: Path) -> Ceilings | None:
    with suppress(OSError, ValueError, InputError):
        return Ceilings.parse(json.loads(path.read_text(encoding="utf-8")))
    return None


def _keep(path: Path, found: Ceilings) -> None:
    """Whole or not at all; a folder that cannot be written to only costs measuring again."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as incoming:
            json.dump(found.document(), incoming, indent=1)
        Path(incoming.name).replace(path)


def measure(threads: int | None = None) -> Ceilings:
    """Measure the ceilings: some seconds of small kernels, by turns, medians.

    Raises:
        ResourceError: others use the machine, or one kernel takes now this long and now that.
    """
    with using(threads) as number, torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        by_kind = trials()
        rungs = ladder()
        with torch.inference_mode(), quiet("measuring ceilings"):
            spent = _take_turns([*chain.from_iterable(by_kind.values()), *rungs])
            fresh, call = _fresh(), _call()
    vary = statistics.median(_spread(each) for each in spent)
    if vary > _SPREAD:
        rule = f"needs kernels that take as long each time, and half of them vary by {vary:.0%} or more"
        raise ResourceError("measuring ceilings", rule, repair="Try again when the machine is quiet.")
    seconds = map(statistics.median, spent)
    roofs = {kind: _roof(kind, [(each.demand, next(seconds)) for each in some]) for kind, some in by_kind.items()}
    cache, memory, cache_bytes = _levels([(each.demand.moved, next(seconds)) for each in rungs])
    return Ceilings(processor(), number, cache, memory, cache_bytes, fresh, call, roofs)


def _take_turns(some: Sequence[Trial]) -> list[list[float]]:
    """Seconds of each, once a round: as in a network, a kernel finds its input in the cache, and few of its weights."""
    spent: list[list[float]] = [[] for _ in some]
    turns = list(zip(some, spent, strict=True))
    order = random.Random(0)
    for turn in range(-2, _ROUNDS):  # the first two warm up
        order.shuffle(turns)
        for each, times in turns:
            for _ in range(3):
                each.twin.forward(each.x)
            x = each.x.clone()
            began = time.perf_counter()
            each.layer.forward(x)
            if turn >= 0:
                times.append(time.perf_counter() - began)
    return spent


def _fresh() -> float:
    """Bytes a second that a tensor's first use brings in."""
    size = 5 * FRESH // 4
    spent = []
    for _ in range(5):
        began = time.perf_counter()
        torch.empty(size, dtype=torch.uint8).zero_()
        spent.append(time.perf_counter() - began)
    return size / statistics.median(spent)


def _call() -> float:
    """Seconds that each of a chain of modules takes more than the functions it calls."""
    modules, functions, x, calls = sequence()
    extra = []
    for _ in range(2 * _ROUNDS):
        began = time.perf_counter()
        functions(x)
        between = time.perf_counter()
        modules(x)
        extra.append((time.perf_counter() - between) - (between - began))
    return max(0.0, statistics.median(extra) / calls)


def _spread(spent: Sequence[float]) -> float:
    """The distance of the quartiles, as a share of the median."""
    low, middle, high = statistics.quantiles(spent, n=4)
    return (high - low) / middle


def _levels(ladder: Sequence[tuple[int, float]]) -> tuple[float, float, int]:
    """Bandwidth of the cache and of the memory, and the most bytes that go faster than those of memory.

    The first is the best there is, the second that of the largest.
    """
    reached = [(moved, moved / seconds) for moved, seconds in ladder]
    cache, memory = max(each for _, each in reached), reached[-1][1]
    return cache, memory, max((moved for moved, each in reached if each > _FASTER * memory), default=0)


def _roof(kind: str, seen: Sequence[tuple[Demand, float]]) -> Roof:
    """seconds = start + work / rate + moved / bandwidth, with what the kind has of these."""
    terms = {"start": [each.starts for each, _ in seen]}
    if kind in _COMPUTES:
        terms["rate"] = [each.work for each, _ in seen]
    if kind in _MOVES:
        terms["bandwidth"] = [each.moved for each, _ in seen]
    found = _nonnegative(np.array(list(terms.values()), float).T, np.array([seconds for _, seconds in seen]))
    start, *others = (float(each) for each in found)
    return Roof(start, **{name: 1 / each for name, each in zip(list(terms)[1:], others, strict=True) if each > 0})


def _nonnegative(terms: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Coefficients, none negative, of the least squares of relative errors: of every choice of terms the best."""
    best, least = np.zeros(terms.shape[1]), math.inf
    relative = terms / seconds[:, None]
    for size in range(1, terms.shape[1] + 1):
        for chosen in map(list, combinations(range(terms.shape[1]), size)):
            found = np.linalg.lstsq(relative[:, chosen], np.ones(len(seconds)), rcond=None)[0]
            error = float(((relative[:, chosen] @ found - 1) ** 2).sum())
            if error < least and found.min() >= 0:
                best, least = np.zeros(terms.shape[1]), error
                best[chosen] = found
    return best
