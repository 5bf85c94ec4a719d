"""ShuffleNet V2's four guidelines, by which networks are fast and not only few in multiply-adds, layer by layer.

A layer that reads a map of I elements and W weights and writes a map of O elements has a memory access of I + O + W
elements. (The paper's memory access cost; never by its initials here, which are those of multiply-adds. Biases are not
counted.) Of convolutions of any kernel, stride, dilation, groups and number of axes, and of linear layers, whose
positions are tokens, W and I O are fixed by multiply-adds, kernel, groups and sizes of maps. So at equal multiply-adds

    I + O + W >= 2 sqrt(I O) + W        with equality if and only if I = O

which is the paper's h w (c1 + c2) + c1 c2 >= 2 sqrt(h w B) + B / (h w) for a kernel of 1 and a stride of 1, where I = O
means equal widths.

Source: Ma et al. (2018), ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design, arXiv 1807.11164.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import isqrt
from typing import Literal

from gradus.analysis.formulas import elementwise, macs
from gradus.core.graph import Operation, Trace, Value

Guideline = Literal["G1", "G2", "G3", "G4"]
Unit = Literal["elements", "operations"]

RULES: dict[Guideline, str] = {
    "G1": "equal channel widths need the least memory access",
    "G2": "groups need more memory access",
    "G3": "fragments leave a parallel machine idle",
    "G4": "element-wise operations move much and compute little",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one layer, or for G3 one block, keeps a guideline.

    Attributes:
        place: the module in which it happens.
        seen: what was found there, in words.
        macs: multiply-adds of what is judged.
        found: memory access in elements, or operations.
        least: as few as would do at equal multiply-adds.
    """

    guideline: Guideline
    place: str
    seen: str
    macs: int
    found: int
    least: int
    unit: Unit = "elements"

    @property
    def cost(self) -> int:
        """What breaking the guideline costs, in elements moved or in operations; 0 if it is kept."""
        return self.found - self.least


@dataclass(frozen=True, slots=True)
class Score:
    """How a whole network keeps a guideline.

    Attributes:
        judged, broken: how many layers or blocks.
        macs: multiply-adds of those that break it.
        cost: what they cost together.
        share: of all elements that the network moves, or of all its operations.
    """

    guideline: Guideline
    judged: int
    broken: int
    macs: int
    cost: int
    unit: Unit
    share: float


def judge(trace: Trace) -> list[Verdict]:
    """Every layer by the guidelines that concern it: by guideline, then in the order of the network.

    - G1, convolutions and linear layers that mix channels: against widths that make input and output equally large.
    - G2, those of them with groups: against a dense one with both widths divided by sqrt(groups).
    - G3, blocks: how many convolutions, linear layers and poolings work side by side, or are multiplied in a row with
      nothing between them; against one operation in their place.
    - G4, operations that make as many elements as they take, and depthwise convolutions: what they move; the first
      against nothing, as they could be done while their input is written, the second against a dense one.

    "Against" means at equal multiply-adds and, but for G3, an equal kernel.
    """
    steps = list(_steps(trace))
    mixing = [each for _, each in steps if each is not None]
    wide = [each for each in mixing if not each.is_depthwise]
    verdicts = [_widths(trace, each) for each in wide] + [_groups(trace, each) for each in wide if each.groups > 1]
    return [*verdicts, *_fragments(trace, steps), *_elementwise(trace, steps)]


def score(trace: Trace) -> list[Score]:
    """How a network keeps each of the four guidelines, and what breaking it costs in all."""
    verdicts = judge(trace)
    totals: dict[Unit, int] = {
        "elements": sum(map(_moved, trace.operations)),
        "operations": sum(not _is_view(each) for each in trace.operations),
    }
    scores = []
    for guideline in RULES:
        judged = [each for each in verdicts if each.guideline == guideline]
        broken = [each for each in judged if each.cost > 0]
        unit: Unit = "operations" if guideline == "G3" else "elements"
        arithmetic, cost = (sum(getattr(each, what) for each in broken) for what in ("macs", "cost"))
        share = cost / totals[unit] if cost else 0.0
        scores.append(Score(guideline, len(judged), len(broken), arithmetic, cost, unit, share))
    return scores


@dataclass(frozen=True, slots=True)
class _Mixing:
    """A convolution or a linear layer. Channels are axis 1 of both maps."""

    operation: Operation
    source: Value
    weight: Value
    groups: int

    @property
    def made(self) -> Value:
        return self.operation.results[0]

    @property
    def is_depthwise(self) -> bool:
        return 1 < self.groups == self.source.shape[1]

    @property
    def maps(self) -> tuple[int, int]:
        """I and O."""
        return self.source.elements, self.made.elements

    @property
    def access(self) -> int:
        return sum(self.maps) + self.weight.elements


Step = tuple[Operation, _Mixing | None]


def _steps(trace: Trace) -> Iterator[Step]:
    """Operations that are not views, and which of them are convolutions or linear layers."""
    fixed = set(trace.state)  # storages of weights, and of all that comes of them alone, as by weight normalization
    for operation in trace.operations:
        if _is_view(operation):
            continue
        yield operation, _mixing(operation, fixed)
        if all(each.storage in fixed for each in operation.inputs):
            fixed.update(each.storage for each in operation.results)


def _mixing(operation: Operation, fixed: AbstractSet[int]) -> _Mixing | None:
    if operation.name == "aten::convolution":
        source, weight, *_, groups = operation.arguments
        return _Mixing(operation, source, weight, groups)
    if operation.name in {"aten::mm", "aten::addmm"}:
        source, weight = operation.inputs[-2:]
        return _Mixing(operation, source, weight, 1) if weight.storage in fixed else None
    return None


def _place(trace: Trace, operation: Operation) -> str:
    return trace.calls[operation.call].place if operation.call >= 0 else ""


def _widths(trace: Trace, mixing: _Mixing) -> Verdict:
    read, written = mixing.maps
    return Verdict(
        "G1",
        _place(trace, mixing.operation),
        f"{mixing.source.shape[1]} to {mixing.made.shape[1]} channels: "
        f"{read:,} elements read, {written:,} written, {mixing.weight.elements:,} weights",
        macs(mixing.operation) or 0,
        mixing.access,
        isqrt(4 * read * written) + mixing.weight.elements,  # rounded down: met only where read = written
    )


def _groups(trace: Trace, mixing: _Mixing) -> Verdict:
    inputs, outputs = mixing.source.shape[1], mixing.made.shape[1]
    return Verdict(
        "G2",
        _place(trace, mixing.operation),
        f"{mixing.groups} groups of {inputs // mixing.groups} to {outputs // mixing.groups} channels",
        macs(mixing.operation) or 0,
        mixing.access,
        isqrt(sum(mixing.maps) ** 2 // mixing.groups) + mixing.weight.elements,  # (I + O) / sqrt(g) + W
    )


def _elementwise(trace: Trace, steps: Sequence[Step]) -> Iterator[Verdict]:
    total = sum(_moved(each) for each, _ in steps)
    for each, mixing in steps:
        if mixing is not None and mixing.is_depthwise:
            found = mixing.access
            least = isqrt(4 * mixing.source.elements * mixing.made.elements // mixing.groups) + mixing.weight.elements
        elif _is_elementwise(each):
            found, least = _moved(each), 0
        else:
            continue
        name = "depthwise convolution" if mixing is not None else each.name.removeprefix("aten::").strip("_")
        size = sum(value.bytes for value in (*each.inputs, *each.results))
        seen = f"{name}: {size:,} bytes, {found / total:.1%} of all elements moved"
        yield Verdict("G4", _place(trace, each), seen, macs(each) or 0, found, least)


def _is_elementwise(operation: Operation) -> bool:
    """Whether it computes as many elements as its largest input has."""
    if not elementwise(operation) or not operation.inputs or not operation.results:
        return False
    return operation.results[0].elements == max(each.elements for each in operation.inputs)


def _is_view(operation: Operation) -> bool:
    """Whether the results are only other views of an input: torch does not mark all such operations."""
    given = {each.storage for each in operation.inputs}
    return not operation.is_mutable and {each.storage for each in operation.results} <= given


def _moved(operation: Operation) -> int:
    """Elements that an operation reads and writes."""
    return 0 if _is_view(operation) else sum(each.elements for each in (*operation.inputs, *operation.results))


def _fragments(trace: Trace, steps: Sequence[Step]) -> Iterator[Verdict]:
    """Blocks in which several operations share a rank; ranks depend on one another, so only they need an order."""
    blocks: dict[int, list[list[Operation]]] = defaultdict(list)
    for rank in _ranks(trace, steps):
        if len(rank) > 1:
            blocks[_around(trace, rank)].append(rank)
    for call, ranks in sorted(blocks.items()):
        seen = "; ".join(map(_split, ranks))
        total = sum(macs(each) or 0 for rank in ranks for each in rank)
        yield Verdict("G3", trace.calls[call].place, seen, total, sum(map(len, ranks)), len(ranks), "operations")


def _ranks(trace: Trace, steps: Sequence[Step]) -> list[list[Operation]]:
    """Fragments by how many must be done before them. One that takes what another made has that one's rank."""
    ranks: dict[int, list[Operation]] = defaultdict(list)
    rank_of: dict[int, int] = {}  # by storage, so that views and changes in place are followed
    bare: set[int] = set()  # storages as a convolution or linear layer left them
    for operation, mixing in steps:
        sources = {each.storage for each in operation.inputs} - trace.state
        made = {each.storage for each in operation.results}
        rank = max((rank_of.get(each, 0) for each in sources), default=0)
        mixes = mixing is not None and not mixing.is_depthwise
        if mixes or "pool" in operation.name:
            if not (mixes and sources & bare):
                rank += 1
            ranks[rank].append(operation)
        rank_of.update(dict.fromkeys(made, rank))
        if mixes:
            bare |= made
        else:
            bare -= made
    return [ranks[each] for each in sorted(ranks)]


def _around(trace: Trace, operations: Sequence[Operation]) -> int:
    """The innermost call within which all of them happen."""
    lineages = [_lineage(trace, max(each.call, 0)) for each in operations]
    return next(call for call in lineages[0] if all(call in each for each in lineages))


def _lineage(trace: Trace, call: int) -> list[int]:
    """A call and those around it, from within."""
    found = [call]
    while (call := trace.calls[call].parent) >= 0:
        found.append(call)
    return found


def _split(rank: Sequence[Operation]) -> str:
    """How the operations of a rank lie, and how their multiply-adds are split, of the first eight."""
    made = {each.results[0].storage for each in rank}
    chained = sum(any(value.storage in made for value in each.inputs) for each in rank)
    lie = "side by side" if not chained else "in a row" if chained == len(rank) - 1 else "side by side and in rows"
    counts = [macs(each) or 0 for each in rank]
    parts = [f"{each / (sum(counts) or 1):.0%}" for each in counts[:8]] + ["..."] * (len(rank) > 8)
    return f"{len(rank)} operations {lie}: {' + '.join(parts)} of their multiply-adds"
