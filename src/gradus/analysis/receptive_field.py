"""What each layer sees of the input: extent, stride and centre of its receptive field, exactly, through any graph.

Positions are followed through every operation of a trace as sets. Padding is ignored: the field of an output goes on
beyond the border. With branches it is the union of theirs. Of a convolution after another one (Araujo et al. 2019):

    extent = extent + (kernel - 1) * dilation * stride
    offset = offset + ((kernel - 1) * dilation / 2 - padding) * stride
    stride = stride * its stride
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from math import prod

from gradus.analysis.flow import origins
from gradus.analysis.origins import Origins, combined, joined
from gradus.analysis.reach import Axis, Reach, TooLong
from gradus.core.graph import Operation, Trace, Value


@dataclass(frozen=True, slots=True)
class Field:
    """What one output of a layer sees along one axis of the input, in positions of the input.

    Attributes:
        extent: from the first to the last position it depends on, those in padding among them; the largest, if outputs
            differ. At least the whole axis where some path sees that.
        taps: how many of them it depends on; fewer than `extent` if it looks through a grid.
        stride: how far the field moves from one output to the next, over phases on average; None where that varies.
        offset: the centre of the first output's field; None where all outputs see the same.
        phases: the centres of the first outputs' fields, one for each kind of output: behind a transposed convolution
            there are as many as its stride.
        whole: whether some path sees the whole axis, as global pooling and attention do.
        dim: the dimension of the output along which outputs differ in what they see of this axis; None likewise.
    """

    extent: int
    taps: int
    stride: Fraction | None = None
    offset: Fraction | None = None
    phases: tuple[Fraction, ...] = ()
    whole: bool = False
    dim: int | None = None
    _moving: Reach | None = field(default=None, repr=False, compare=False)

    @property
    def outputs(self) -> int:
        """How many there are along this axis; with tokens, as many as the map had from which they were cut."""
        return self._moving.axes[0].size if self._moving is not None else 1

    def positions(self, index: int) -> list[int]:
        """All that the output at this index sees by paths that tell positions apart; negative ones are in padding."""
        if self._moving is None:
            return []
        one = self._moving.picked(self._moving.axes[0], index)
        return [one.low + bit for bit in range(int(one.masks).bit_length()) if int(one.masks) >> bit & 1]


@dataclass(frozen=True, slots=True)
class Misalignment:
    """Branches that meet with their fields' centres apart.

    Attributes:
        place: the module in which they meet.
        axis: of the input.
        centres: of the branches, in positions of the input, averaged over phases.
    """

    place: str
    axis: int
    centres: tuple[float, ...]


@dataclass(slots=True)
class Fields:
    """The receptive fields of all layers.

    Attributes:
        axes: of the input, along which positions are followed.
        layers: by call of the trace, a Field for each axis of what it returned; empty where the input has no part.
        ended: by call, when it did, as a number of operations.
        misaligned: where branches meet with their centres apart.
        assumed: operations without a rule, taken to see everything, and how often each ran.
    """

    axes: tuple[int, ...] = ()
    layers: list[tuple[Field, ...]] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    misaligned: list[Misalignment] = field(default_factory=list)
    assumed: dict[str, int] = field(default_factory=dict)

    @property
    def network(self) -> int | None:
        """The call that speaks for the network: its own, or the last that looks around from different places.

        One in which each output sees one position does not: a network of which all before the end is such sees all at
        its end, and says so itself.
        """
        if not any(axis.offset is not None for each in self.layers for axis in each):
            return None
        told = [
            call for call, each in enumerate(self.layers) if any(a.offset is not None and a.extent > 1 for a in each)
        ]
        own = any(axis.offset is not None for axis in self.layers[0])
        return 0 if own or not told else max(told, key=lambda call: self.ended[call])


def receptive_fields(trace: Trace, axes: Sequence[int] | None = None) -> Fields:
    """What each layer of a traced network sees of its first input.

    Args:
        trace: in evaluation mode.
        axes: of the input, to be followed; if None those of an image, volume or sequence: all but batch and channels.
    """
    if not trace.calls or not trace.calls[0].inputs:
        return Fields()
    source = trace.calls[0].inputs[0]
    chosen = tuple(axes) if axes is not None else _followed(source)
    follower = _Follower(trace, source, chosen)
    follower.run()
    ended = [each.ended for each in trace.calls]
    found = Fields(chosen, follower.layers, ended, follower.misaligned, dict(follower.assumed))
    return found if axes is not None or len(source.shape) > 3 else _told_apart(found)


def _followed(source: Value) -> tuple[int, ...]:
    """All axes but batch and channels; of three both that may be the sequence."""
    rank = len(source.shape)
    return tuple(range(2, rank)) if rank > 3 else tuple(range(1, rank))


def _told_apart(found: Fields) -> Fields:
    """Of (N, C, L), (N, L, C) or (N, L) only the axes along which the last layer that tells positions apart does so."""
    for layer in reversed(found.layers):
        told = [place for place, each in enumerate(layer) if each.offset is not None]
        if told:
            kept = [place for place in told if layer[place].extent > 1] or told[-1:]
            axes = tuple(found.axes[place] for place in kept)
            layers = [tuple(each[place] for place in kept if each) for each in found.layers]
            return replace(found, axes=axes, layers=layers, misaligned=[m for m in found.misaligned if m.axis in axes])
    return replace(found, axes=(), layers=[() for _ in found.layers])


class _Follower:
    """Carries origins from operation to operation."""

    def __init__(self, trace: Trace, source: Value, axes: Sequence[int]) -> None:
        self.trace, self.axes = trace, tuple(axes)
        self.sizes = [source.shape[axis] for axis in axes]
        self.known = {source.number: Origins.itself(source.shape, axes)}
        self.layers: list[tuple[Field, ...]] = [() for _ in trace.calls]
        self.misaligned: list[Misalignment] = []
        self.assumed: Counter[str] = Counter()
        self._views: dict[int, tuple[Value, Operation]] = {}
        self._told: dict[int, tuple[Origins, tuple[Field, ...]]] = {}

    def run(self) -> None:
        waiting = sorted(range(len(self.trace.calls)), key=lambda call: self.trace.calls[call].ended, reverse=True)
        for done in range(len(self.trace.operations) + 1):
            while waiting and self.trace.calls[waiting[-1]].ended == done:
                self._settle(waiting.pop())
            if done < len(self.trace.operations):
                self._follow(self.trace.operations[done])

    def _settle(self, call: int) -> None:
        """What a call returned sees what it does as the call ends; later it may be written over."""
        outputs = self.trace.calls[call].outputs
        known = self.known.get(outputs[0].number) if outputs else None
        if known is not None:
            self.layers[call] = self._fields(known)

    def _follow(self, operation: Operation) -> None:
        if operation.is_view:
            self._views.update((each.number, (operation.inputs[0], operation)) for each in operation.results)
        given = [self.known.get(each.number) for each in operation.inputs]
        if not any(given) or not operation.results:
            return
        try:
            found = origins(operation, given)
        except LookupError:
            if not all(each is None or self._sees_everything(each) for each in given):
                self.assumed[operation.name] += 1
            found = [Origins.everything(each.shape, self.sizes) for each in operation.results]
        several = [found] * len(operation.results) if isinstance(found, Origins) else found
        for value, each in zip(operation.results, several, strict=False):
            if each is not None and each.shape == value.shape:
                self.known[value.number] = each
            else:
                self.known.pop(value.number, None)
        if operation.name in ("aten::add", "aten::add_", "aten::cat"):
            self._compare(operation, [each for each in given if each is not None])
        if operation.is_mutable:
            self._write_through(operation.results[0])

    def _sees_everything(self, known: Origins) -> bool:
        return all(each.whole and each.offset is None for each in self._fields(known))

    def _fields(self, known: Origins) -> tuple[Field, ...]:
        """For each axis; worked out once, for many layers and operations leave the origins as they are."""
        if id(known) not in self._told:
            self._told[id(known)] = known, tuple(_field(known, place, size) for place, size in enumerate(self.sizes))
        return self._told[id(known)][1]

    def _write_through(self, value: Value) -> None:
        """What was written into a view is in the tensor that it shows a part of."""
        if value.number not in self._views or value.number not in self.known:
            return
        base, operation = self._views[value.number]
        try:
            written = _put_back(self.known[value.number], operation, base)
        except TooLong:
            written = None
        if written is None:
            self.assumed[f"{operation.name} written into"] += 1
            written = Origins.everything(base.shape, self.sizes)
        before = self.known.get(base.number)
        self.known[base.number] = combined([written, *([before] if before is not None else [])], base.shape)
        self._write_through(base)

    def _compare(self, operation: Operation, branches: Sequence[Origins]) -> None:
        place = self.trace.calls[operation.call].place if operation.call >= 0 else ""
        for number, axis in enumerate(self.axes):
            fields = [self._fields(each)[number] for each in branches]
            moving = [each for each in fields if each.stride is not None and each.phases]
            centres = tuple(float(_centre(each)) for each in moving)
            if len({each.stride for each in moving}) == 1 and len(set(centres)) > 1:
                self.misaligned.append(Misalignment(place, axis, centres))


def _centre(field: Field) -> Fraction:
    """Of the first output's field, if the deviations of all phases from an even stride are averaged."""
    assert field.stride is not None
    return sum((each - phase * field.stride for phase, each in enumerate(field.phases)), Fraction(0)) / len(
        field.phases
    )


def _put_back(part: Origins, operation: Operation, base: Value) -> Origins | None:
    """The origins of a tensor of which only a part, a slice of it, is known to depend on the input."""
    name, (_, *arguments) = operation.name, operation.arguments
    if name == "aten::slice":
        given = dict(enumerate(arguments))
        dim, start, step = given.get(0, 0), given.get(1) or 0, given.get(3, 1)
        start = max(start + base.shape[dim], 0) if start < 0 else start
        return part.within(dim, start, base.shape[dim], step)
    if name == "aten::select":
        dim, index = arguments[0] % len(base.shape), arguments[1] % base.shape[arguments[0]]
        return part.inserted(dim).within(dim, index, base.shape[dim])
    if name in ("aten::view", "aten::unsqueeze", "aten::squeeze", "aten::detach", "aten::alias"):
        return part.viewed(base.shape)
    return None


def _field(known: Origins, number: int, size: int) -> Field:
    """What the elements of a tensor see along one axis of the input."""
    alike, moving, dim = _settled(known, number)
    whole = alike is not None and not ~_shifted(alike, 0)[0] & ((1 << size) - 1)
    if whole and moving is None:
        return Field(size, size, whole=True)
    if moving is None:
        (mask,) = _shifted(alike, alike.low) if alike is not None else [0]
        return Field(_length(mask), mask.bit_count())
    masks = _shifted(moving, moving.low)
    doubled = [2 * (moving.low + _zeros(each)) + _length(each) - 1 for each in masks]  # the centres, in half positions
    lawful = moving.law is not None
    return Field(
        extent=max(*map(_length, masks), size if whole else 0),
        taps=max(*(each.bit_count() for each in masks), size if whole else 0),
        stride=Fraction(moving.step, len(masks))
        if lawful
        else _even([at for at, m in zip(doubled, masks, strict=True) if m]),
        offset=Fraction(doubled[0], 2),
        phases=tuple(Fraction(each, 2) for each in doubled) if lawful else (),
        whole=whole,
        dim=dim,
        _moving=moving,
    )


def _settled(known: Origins, number: int) -> tuple[Reach | None, Reach | None, int]:
    """What all elements of a tensor see alike; what differs along the dimension that tells positions apart; that."""
    reaches = known.reaches[number]
    used = {axis for each in reaches for axis in each.axes}
    others = {axis for each in known.reaches for reach in each for axis in reach.axes} - used
    laws = {each.law for each in reaches if each.law is not None}
    dims = {
        place: [axis for axis in dim if axis not in others] for place, dim in enumerate(known.dims) if used & set(dim)
    }
    told = max(dims, key=lambda dim: (bool(laws & set(dims[dim])), prod(axis.size for axis in dims[dim])), default=-1)
    if dims:
        axes = dims[told]
        one = Axis(prod(axis.size for axis in axes))
        reaches = joined([each.without(*(used - set(axes))).merged(axes, one) for each in reaches])
        if sum(bool(each.axes) for each in reaches) > 1:  # they move on by different laws
            try:
                reaches = joined([each.listed() for each in reaches])
            except TooLong:
                reaches = joined([each.without(one) for each in reaches])
    alike = [each for each in reaches if not each.axes]
    moving = [each for each in reaches if each.axes]
    return next(iter(alike), None), next(iter(moving), None), told


def _shifted(reach: Reach, low: int) -> list[int]:
    """Its masks, with bit 0 for position `low`."""
    masks = [int(each) for each in reach.masks.flat]
    by = reach.low - low
    return [each << by if by >= 0 else each >> -by for each in masks]


def _zeros(mask: int) -> int:
    """How many positions come before the first of a set."""
    return max((mask & -mask).bit_length() - 1, 0)


def _length(mask: int) -> int:
    """From the first to the last position of a set."""
    return mask.bit_length() - _zeros(mask)


def _even(doubled: Sequence[int]) -> Fraction | None:
    """The distance from each centre to the next, if it is the same."""
    distances = {later - earlier for earlier, later in pairwise(doubled)}
    return Fraction(distances.pop(), 2) if len(distances) == 1 else None
