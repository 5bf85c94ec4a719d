"""How long a network should take on a machine, and what bounds it: the roofline model, operation by operation.

    seconds = start + max(work / rate, moved / bandwidth)

with the start and the rate of the kind of kernel that computes the operation, and the bandwidth of cache or memory.
Kernels that pack their operands first have a bandwidth of their own, and the two terms add up.

Source: Williams, Waterman, Patterson (2009), Roofline: an insightful visual performance model for multicore
architectures, CACM 52(4). There the two always overlap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from gradus.analysis.ceilings import FRESH, Ceilings
from gradus.analysis.kernels import LINEAR, Demand, demand
from gradus.core.graph import Operation, Trace

Bound = Literal["compute", "memory", "overhead"]


@dataclass(frozen=True, slots=True)
class Timing:
    """What one operation should take, and which part of it is the largest."""

    operation: Operation
    seconds: float
    bound: Bound
    work: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """Seconds of a stretch of a forward pass, by what bounds the operations in it."""

    compute: float = 0.0
    memory: float = 0.0
    overhead: float = 0.0

    @property
    def seconds(self) -> float:
        return self.compute + self.memory + self.overhead

    @property
    def bound(self) -> Bound:
        """What bounds the largest part of it."""
        return max(get_args(Bound), key=lambda each: getattr(self, each))

    def __add__(self, other: "Share") -> "Share":
        return Share(self.compute + other.compute, self.memory + other.memory, self.overhead + other.overhead)


def predict(trace: Trace, machine: Ceilings) -> list[Timing]:
    """What each operation should take, in the order of ``trace.operations``.

    The first operation within a module also bears the calls that led to it. A weight that was used before in the pass
    and fits into the cache, as that of a recurrent cell, is found there.
    """
    found: list[Timing] = []
    begun = 0
    near: set[int] = set()
    for each in trace.operations:
        calls = max(0, each.call + 1 - begun)
        begun += calls
        asked = demand(each, near)
        found.append(_timing(each, asked, calls, machine))
        if asked.kind != "view":
            weights = [value for value in each.inputs if value.storage in trace.state]
            near.update(value.storage for value in weights if value.storage_bytes <= machine.cache_bytes)
    return found


def seconds(trace: Trace, machine: Ceilings) -> float:
    """How long the whole pass should take."""
    return share(predict(trace, machine)).seconds


def shares(trace: Trace, timings: Sequence[Timing]) -> list[Share]:
    """What each call should take, all within it included, in the order of ``trace.calls``."""
    found = [Share() for _ in trace.calls]
    for each in timings:
        if found:
            found[max(each.operation.call, 0)] += share([each])
    for number in range(len(found) - 1, 0, -1):
        found[trace.calls[number].parent] += found[number]
    return found


def share(timings: Iterable[Timing]) -> Share:
    """All of them together."""
    total = Share()
    for each in timings:
        total += Share(**{each.bound: each.seconds})
    return total


def explain(timings: Sequence[Timing], machine: Ceilings) -> str:
    """Why fewer multiply-adds may not make it faster here, in one sentence."""
    total = share(timings)
    if not total.seconds:
        return "Nothing is computed."
    part = {each: getattr(total, each) / total.seconds for each in get_args(Bound)}
    flops = sum(each.work for each in timings)
    reached = f"{flops / total.seconds / 1e9:,.3g} of {machine.peak / 1e9:,.3g} GFLOP/s"
    return (
        f"Of {total.seconds * 1e3:,.3g} ms arithmetic bounds {part['compute']:.0%}, memory {part['memory']:.0%} and "
        f"the start of operations {part['overhead']:.0%}: it reaches {reached}, and fewer multiply-adds alone would "
        f"save at most {part['compute']:.0%}."
    )


def _timing(operation: Operation, asked: Demand, calls: int, machine: Ceilings) -> Timing:
    roof = machine.roofs[asked.kind]
    overhead = roof.start * asked.starts + machine.call * calls
    compute = asked.work / roof.rate if roof.rate else 0.0
    fresh = asked.made / machine.fresh if asked.made > FRESH else 0.0
    if roof.bandwidth:  # packs its operands first, and then computes
        memory = asked.moved / roof.bandwidth
        busy = compute + memory
    else:
        memory = asked.moved / machine.bandwidth(asked.moved)
        busy = max(compute, memory)
    parts: dict[Bound, float] = {"compute": compute, "memory": memory + fresh, "overhead": overhead}
    bound = max(parts, key=lambda each: parts[each])
    return Timing(operation, overhead + busy + fresh, bound, asked.work if asked.kind in LINEAR else 0)
