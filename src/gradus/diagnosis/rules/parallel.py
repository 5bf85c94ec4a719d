"""Several processes that train one model: they must stay alike, and the slowest sets the pace."""

import statistics
from collections.abc import Iterator

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, rules

_MEETINGS = 4
_ROUNDING = 1e-6
_SLOWER = 1.5
_WAITING = 0.1


@rules.register(
    "desynchronised-rank",
    source="data parallelism (Li et al. 2020, arXiv 2006.15704, section 3): replicas begin alike and take the same "
    "step, so they stay alike, to the bit",
    not_fooled_by="processes that train apart and exchange nothing, or average their weights now and then; shards",
    severity="critical",
    says=Message(
        en="Process {rank:.0f} has other weights than process 0, by {apart:.2g} of their size: they train different "
        "models, and their gradients do not belong together.",
        zh="进程 {rank:.0f} 的权重与进程 0 不同，相对差异 {apart:.2g}：它们在训练不同的模型，梯度不应合并。",
    ),
)
def desynchronised_rank(history: History) -> Iterator[Sighting]:
    """Processes that exchange gradients at every step have different weights."""
    latest = history.ranks[-_MEETINGS:]
    if len(latest) < _MEETINGS or not all(each.together and max(each.apart) > _ROUNDING for each in latest):
        return
    rank = max(range(len(latest[-1].apart)), key=lambda each: latest[-1].apart[each])
    apart = latest[-1].apart[rank]
    since = next(each.step for each in history.ranks if max(each.apart) > _ROUNDING)
    yield Sighting(since=since, confidence=0.95, worse=apart, evidence={"rank": rank, "apart": apart})


@rules.register(
    "straggler",
    source="our measure: the time before the backward pass is a process's own; half as much again as the others', and "
    "a tenth of a step, at four meetings in turn",
    not_fooled_by="a slow step now and then, which moves from process to process; differences that are small in a step",
    says=Message(
        en="Process {rank:.0f} keeps the others waiting: before each backward pass it takes {ratio:.2g} times as long "
        "as they do, {share:.0%} of a step.",
        zh="进程 {rank:.0f} 让其他进程等待：每次反向传播之前它用时是其他进程的 {ratio:.2g} 倍，"
        "相差为一步的 {share:.0%}。",
    ),
)
def straggler(history: History) -> Iterator[Sighting]:
    """One process takes longer than the others, at every meeting."""
    latest = [each for each in history.ranks[-_MEETINGS:] if each.together]
    if len(latest) < _MEETINGS:
        return
    rank = latest[-1].work.index(max(latest[-1].work))
    others = [statistics.median(work for at, work in enumerate(each.work) if at != rank) for each in latest]
    ratios = [each.work[rank] / max(other, 1e-9) for each, other in zip(latest, others, strict=True)]
    shares = [(each.work[rank] - other) / max(each.whole, 1e-9) for each, other in zip(latest, others, strict=True)]
    if min(ratios) > _SLOWER and min(shares) > _WAITING:
        evidence = {"rank": rank, "ratio": statistics.median(ratios), "share": min(1.0, statistics.median(shares))}
        yield Sighting(since=latest[0].step, confidence=0.85, evidence=evidence)
