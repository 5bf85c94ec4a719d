"""Seconds as they pass: of a network and its layers, on a machine that does little else."""

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gradus.core.errors import InputError, ResourceError
from gradus.core.graph import NONE
from gradus.core.untouched import untouched

MOST = 0.05
"""A machine is quiet while others take at most this share of the processors."""
_GLANCE = 0.5
"""Seconds to look for others; the counters go in hundredths of one."""
_FEWEST, _MOST_PASSES = 5, 1000


@dataclass(frozen=True)
class Reading:
    """Seconds that processors have been busy, those of this process among them, by a clock."""

    clock: float
    busy: float
    own: float
    processors: int

    def others(self, before: "Reading") -> float:
        """The share of the processors that other programs, and other machines on the same host, took since."""
        spent = self.busy - before.busy - (self.own - before.own)
        return max(0.0, spent / ((self.clock - before.clock) * self.processors))


@dataclass(frozen=True)
class LayerTime:
    """Median seconds of one call of a module, all within it included. ``place`` is as in `graph.Call`."""

    place: str
    seconds: float


@dataclass(frozen=True)
class Measured:
    """How long forward passes took.

    Attributes:
        seconds: the median; ``low`` and ``high`` are the quartiles.
        passes: how many were timed.
        layers: calls of modules in the order in which they began, from passes of their own: what notes them takes time.
    """

    seconds: float
    low: float
    high: float
    passes: int
    threads: int
    layers: tuple[LayerTime, ...]


def processors() -> int:
    """How many processors this process may use."""
    return len(_allowed()) or os.cpu_count() or 1


def read() -> Reading | None:
    """What the processors have done so far; None where that is not told (anywhere but on Linux)."""
    statistic = Path("/proc/stat")
    if not statistic.exists():
        return None
    own = os.times()
    lines = [line.split() for line in statistic.read_text().splitlines() if line.startswith("cpu")]
    allowed = {f"cpu{each}" for each in _allowed()}
    # user nice system idle iowait irq softirq steal: all but idle and iowait
    ticks = sum(sum(map(int, line[1:9])) - int(line[4]) - int(line[5]) for line in lines if line[0] in allowed)
    return Reading(time.perf_counter(), ticks / os.sysconf("SC_CLK_TCK"), own.user + own.system, len(allowed))


@contextmanager
def quiet(owner: str, look: Callable[[], Reading | None] = read) -> Iterator[None]:
    """Refuse to measure while others use the machine: looks for half a second before, and again at the end.

    Raises:
        ResourceError: others took more than 5 % of the processors, before or meanwhile.
    """
    first = look()
    time.sleep(_GLANCE if first else 0)
    begun = look()
    _check(owner, first, begun)
    yield
    _check(owner, begun, look())


@contextmanager
def using(threads: int | None) -> Iterator[int]:
    """Compute with so many threads of torch for a while; None leaves as many as there are.

    Raises:
        InputError: there are not so many processors.
    """
    before = torch.get_num_threads()
    wanted = before if threads is None else threads
    if isinstance(wanted, bool) or not isinstance(wanted, int) or not 1 <= wanted <= max(before, processors()):
        raise InputError("threads", f"must be a whole number from 1 to {processors()}, the processors here", wanted)
    torch.set_num_threads(wanted)
    try:
        yield wanted
    finally:
        torch.set_num_threads(before)


def time_network(
    model: nn.Module,
    inputs: Sequence[Any],
    named: Mapping[str, Any] = NONE,
    *,
    threads: int | None = None,
    seconds: float = 1.0,
    loaded: bool = False,
) -> Measured:
    """Time forward passes in evaluation mode. Weights, modes, threads and random state come out as they went in.

    Args:
        inputs, named: as the model is called.
        seconds: how long to go on, after warming up; at least five passes.
        loaded: whether to measure even though others use the machine.

    Raises:
        InputError: the model is not on the CPU, or cannot be called so.
        ResourceError: others use the machine.
    """
    if not isinstance(model, nn.Module):
        raise InputError("model", "must be a torch.nn.Module", type(model).__name__)
    elsewhere = {each.device.type for each in (*model.parameters(), *model.buffers())} - {"cpu"}
    if elsewhere:
        repair = "Move it there with `model.cpu()`."
        raise InputError("model", "must be on the CPU to be timed", ", ".join(sorted(elsewhere)), repair)
    if not seconds > 0:
        raise InputError("seconds", "must be above 0", seconds)

    def forward() -> None:
        model(*inputs, **named)

    with untouched(model), using(threads) as threads_used, torch.inference_mode():
        model.eval()
        with _told(model):
            forward()
        with nullcontext() if loaded else quiet("timing"):
            spent, layers = _passes(forward, seconds), _layers(model, forward, seconds / 2)
    low, middle, high = statistics.quantiles(spent, n=4, method="inclusive")
    return Measured(middle, low, high, len(spent), threads_used, layers)


def _passes(forward: Callable[[], object], seconds: float) -> list[float]:
    """Seconds of each pass, after one that warms up."""
    spent: list[float] = []
    forward()
    end = time.perf_counter() + seconds
    while len(spent) < _FEWEST or (time.perf_counter() < end and len(spent) < _MOST_PASSES):
        began = time.perf_counter()
        forward()
        spent.append(time.perf_counter() - began)
    return spent


def _layers(model: nn.Module, forward: Callable[[], object], seconds: float) -> tuple[LayerTime, ...]:
    """Median seconds of each call, by hooks that are gone at the end."""
    calls: list[tuple[str, float, float]] = []
    running: list[int] = []

    def entering(place: str) -> Callable[..., None]:
        def enter(*_: Any) -> None:
            running.append(len(calls))
            calls.append((place, time.perf_counter(), 0.0))

        return enter

    def leave(*_: Any) -> None:
        end = time.perf_counter()
        number = running.pop()
        place, began, _end = calls[number]
        calls[number] = (place, began, end)

    handles = []
    for place, module in model.named_modules():
        handles += [module.register_forward_pre_hook(entering(place)), module.register_forward_hook(leave)]
    passes: list[list[tuple[str, float, float]]] = []
    end = time.perf_counter() + seconds
    try:
        while len(passes) < _FEWEST or (time.perf_counter() < end and len(passes) < _MOST_PASSES):
            calls.clear()
            forward()
            passes.append(list(calls))
    finally:
        for each in handles:
            each.remove()
    places = [place for place, _, _ in passes[-1]]
    alike = [each for each in passes if [place for place, _, _ in each] == places]
    return tuple(
        LayerTime(place, statistics.median(each[number][2] - each[number][1] for each in alike))
        for number, place in enumerate(places)
    )


def _allowed() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def _check(owner: str, before: Reading | None, after: Reading | None) -> None:
    if before is None or after is None:
        share = os.getloadavg()[0] / processors() if hasattr(os, "getloadavg") else 0.0
        bound = 0.5  # the mean of a minute, in which this program may itself have worked
    else:
        share, bound = after.others(before), MOST
    if share > bound:
        raise ResourceError(
            owner,
            f"needs a machine that does little else, and others take {share:.0%} of its {processors()} processors",
            repair="Try again when it is quiet.",
        )


@contextmanager
def _told(model: nn.Module) -> Iterator[None]:
    """A forward pass that breaks is told in one line."""
    try:
        yield
    except (RuntimeError, TypeError, ValueError, IndexError, AssertionError, AttributeError) as error:
        said = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        repair = "Check the shapes of the input."
        raise InputError(type(model).__name__, f"cannot run: {said}", repair=repair) from error
