"""Which positions of an input the elements of a tensor depend on: exact sets, along one axis of the input.

A set of positions is the bits of a whole number. A tensor has one set for each index along those of its axes that carry
positions. Where the sets repeat, each time a little further along, one period of them is kept and the law by which it
moves on: so they go on beyond the border of the tensor, and what looks past it still has its whole field.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import gcd, lcm, prod
from operator import or_
from typing import Any

import numpy as np
import numpy.typing as npt

Masks = npt.NDArray[np.object_]
_MOST_BITS = 2**27
"""Of the masks of one Reach, 16 MB: a network has many."""


class TooLong(LookupError):
    """There are too many positions to write down sets of them for each output."""


@dataclass(frozen=True, eq=False, slots=True)
class Axis:
    """A run of indices. A tensor's dimension is a product of such, as flattening joins them and mixes nothing."""

    size: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """Where an operation looks along an axis: output q*len(sources) + p at each of sources[p] + q*advance."""

    sources: Sequence[Sequence[int]]
    advance: int

    def at(self, index: int) -> list[int]:
        turn, phase = divmod(index, len(self.sources))
        return [each + turn * self.advance for each in self.sources[phase]]


@dataclass(frozen=True, slots=True)
class Reach:
    """The positions along one axis of the input that the elements of a tensor depend on.

    Attributes:
        axes: those of the tensor along which the positions differ.
        masks: for each index along `axes` a whole number, whose bit b stands for position `low` + b.
        law: the axis along which `masks` has one period only; None if it has all there is.
        step: how far positions move on from one period to the next.
    """

    axes: tuple[Axis, ...]
    masks: Masks
    low: int = 0
    law: Axis | None = None
    step: int = 0

    @classmethod
    def each(cls, axis: Axis) -> "Reach":
        """Of an axis of the input itself: index i depends on position i."""
        return cls((axis,), _stack([1]), 0, axis, 1)

    @classmethod
    def every(cls, size: int) -> "Reach":
        """All positions of an axis of this size."""
        return cls((), _array((1 << size) - 1))

    def pull(self, axis: Axis, pattern: Pattern, new: Axis) -> "Reach":
        """Of an operation that looks along `axis` as the pattern says. Only a law leads beyond the border."""
        if axis not in self.axes:
            return self
        table, place = self._front(axis)
        if axis is not self.law:
            looks = [[each for each in pattern.at(index) if 0 <= each < axis.size] for index in range(new.size)]
            return self._back(_union(table, looks, table), place, new)._tidy()
        period = len(table)
        turns = period // gcd(period, pattern.advance)
        lasts = _repeats(turns * len(pattern.sources), new)
        looks = [pattern.at(index) for index in range(turns * len(pattern.sources) if lasts else new.size)]
        moves = {each: each // period * self.step for look in looks for each in look}
        lowest, highest = min(moves.values(), default=0), max(moves.values(), default=0)
        _afford(len(moves) * self.masks.size // period, highest - lowest)
        moved = {each: table[each % period] << (move - lowest) for each, move in moves.items()}
        rows = _union(table, looks, moved)
        out = replace(self, low=self.low + lowest, law=None, step=0)._back(rows, place, new)
        if lasts:
            out = replace(out, law=new, step=self.step * turns * pattern.advance // period)
        return out._tidy()

    def listed(self) -> "Reach":
        """With a mask for every index, and no law."""
        if self.law is None:
            return self
        table, place = self._front(self.law)
        moves = [index // len(table) * self.step for index in range(self.law.size)]
        lowest, highest = min(moves, default=0), max(moves, default=0)
        _afford(self.law.size * self.masks.size // len(table), highest - lowest)
        rows = [table[index % len(table)] << (move - lowest) for index, move in enumerate(moves)]
        return replace(self, low=self.low + lowest, law=None, step=0)._back(rows, place, self.law)

    def without(self, *axes: Axis) -> "Reach":
        """Of all indices along these axes together."""
        reach = self._all_at_once() if self.law in axes else self
        places = tuple(place for place, each in enumerate(reach.axes) if each in axes)
        kept = tuple(each for each in reach.axes if each not in axes)
        return replace(reach, axes=kept, masks=_array(np.bitwise_or.reduce(reach.masks, axis=places)))._tidy()

    def _all_at_once(self) -> "Reach":
        """With the law's axis gone, by doubling: what n periods see, and the same moved on by n steps, are 2 n."""
        assert self.law is not None
        table, place = self._front(self.law)
        turns = [-(-(self.law.size - phase) // len(table)) for phase in range(min(len(table), self.law.size))]
        lows = [min((each - 1) * self.step, 0) for each in turns]
        lowest = min(lows, default=0)
        rows = [
            _repeated(row, each, abs(self.step)) << (low - lowest)
            for row, each, low in zip(table, turns, lows, strict=False)
        ]
        reach = replace(self, low=self.low + lowest, law=None, step=0)._back(rows, place, one := Axis(len(rows)))
        return reach.without(one)

    def up_to(self, axis: Axis, new: Axis, *, back: bool = False) -> "Reach":
        """Of all indices along an axis up to one's own, or from there on."""
        if axis not in self.axes:
            return self
        reach = self.listed()
        table, place = reach._front(axis)
        rows = np.bitwise_or.accumulate(table[::-1] if back else table, axis=0)
        rows = rows[::-1] if back else rows
        return reach._back([rows[min(index, axis.size - 1)] for index in range(new.size)], place, new)._tidy()

    def picked(self, axis: Axis, index: int) -> "Reach":
        """Of one index along an axis."""
        return self.pull(axis, Pattern([[index]], 0), one := Axis(1)).without(one)

    def split(self, axis: Axis, outer: Axis, inner: Axis) -> "Reach":
        """With an axis seen as the product of two."""
        if axis not in self.axes:
            return self
        reach, rows = self, outer.size
        if axis is self.law:
            period = len(self._front(axis)[0])
            rows = period // gcd(period, inner.size)
            if not _repeats(rows, outer):
                return self.listed().split(axis, outer, inner)
            longer = Axis(rows * inner.size)
            step = self.step * longer.size // period
            reach = replace(self.renamed({axis: longer}).listed(), law=outer, step=step)
            axis = longer
        table, place = reach._front(axis)
        masks = np.moveaxis(table.reshape(rows, inner.size, *table.shape[1:]), (0, 1), (place, place + 1))
        axes = (*reach.axes[:place], outer, inner, *reach.axes[place + 1 :])
        return replace(reach, axes=axes, masks=masks)._tidy()

    def merged(self, axes: Sequence[Axis], one: Axis) -> "Reach":
        """With several axes, the outermost first, seen as one."""
        if not set(axes) & set(self.axes):
            return self
        lawful = self.law is None or self.law is axes[0] or self.law not in axes
        reach = self if lawful else self.listed()
        rest = tuple(each for each in reach.axes if each not in axes)
        order = [*axes, *rest]
        masks = np.transpose(reach.masks, [reach.axes.index(each) for each in order if each in reach.axes])
        masks = masks[tuple(slice(None) if each in reach.axes else None for each in order)]
        sizes = [len(masks) if each is reach.law else each.size for each in axes]
        others = masks.shape[len(axes) :]
        masks = np.broadcast_to(masks, (*sizes, *others)).reshape(prod(sizes), *others)
        law = one if reach.law is axes[0] else reach.law
        return replace(reach, axes=(one, *rest), masks=masks, law=law)._tidy()

    def within(self, inside: Axis, start: int, whole: Axis, step: int = 1) -> "Reach":
        """At every so many indices of a longer axis, from `start` on; nothing elsewhere."""
        reach = self.listed() if self.law is inside else self
        if inside not in reach.axes:
            repeated = np.broadcast_to(reach.masks, (inside.size, *reach.masks.shape))
            reach = replace(reach, axes=(inside, *reach.axes), masks=repeated)
        table, place = reach._front(inside)
        rows = np.zeros((whole.size, *table.shape[1:]), dtype=object)
        rows[start : start + inside.size * step : step] = table
        return reach._back(list(rows), place, whole)._tidy()

    def joined(self, other: "Reach") -> "Reach | None":
        """The positions of both; None where they do not move on by one law."""
        if set(self.axes) != set(other.axes) or self.law is not other.law:
            return None
        order = [other.axes.index(each) for each in self.axes]
        mine, theirs = self, replace(other, axes=self.axes, masks=np.transpose(other.masks, order))
        if self.law is not None:
            place = self.axes.index(self.law)
            period = lcm(self.masks.shape[place], theirs.masks.shape[place])
            if not _repeats(period, self.law):
                return None
            mine, theirs = mine._for(period), theirs._for(period)
            if mine.step != theirs.step:
                return None
        low = min(mine.low, theirs.low)
        masks = (mine.masks << (mine.low - low)) | (theirs.masks << (theirs.low - low))
        return replace(mine, masks=_array(masks), low=low)._tidy()

    def _for(self, period: int) -> "Reach":
        """With so many masks in a period."""
        assert self.law is not None
        longer = Axis(period)
        step = self.step * period // self.masks.shape[self.axes.index(self.law)]
        listed = self.renamed({self.law: longer}).listed().renamed({longer: self.law})
        return replace(listed, law=self.law, step=step)

    def renamed(self, names: Mapping[Axis, Axis]) -> "Reach":
        """With other axes in the place of some."""
        law = names.get(self.law, self.law) if self.law is not None else None
        return replace(self, axes=tuple(names.get(each, each) for each in self.axes), law=law)

    def _front(self, axis: Axis) -> tuple[Masks, int]:
        place = self.axes.index(axis)
        return np.moveaxis(self.masks, place, 0), place

    def _back(self, rows: Sequence[Any], place: int, new: Axis) -> "Reach":
        axes = (*self.axes[:place], new, *self.axes[place + 1 :])
        return replace(self, axes=axes, masks=np.moveaxis(_stack(rows), 0, place))

    def _tidy(self) -> "Reach":
        """In the fewest masks that say the same."""
        reach = self
        for axis in self.axes:
            table, place = reach._front(axis)
            if axis is not reach.law and bool(np.all(table == table[:1])):
                axes = reach.axes[:place] + reach.axes[place + 1 :]
                reach = replace(reach, axes=axes, masks=_array(table[0]))
        if reach.law is not None:
            reach = reach._in_its_shortest_period(reach.law)
        together = int(np.bitwise_or.reduce(reach.masks, axis=None)) if reach.masks.size else 0
        spare = (together & -together).bit_length() - 1
        if spare > 0:
            reach = replace(reach, masks=_array(reach.masks >> spare), low=reach.low + spare)
        return reach

    def _in_its_shortest_period(self, law: Axis) -> "Reach":
        table, place = self._front(law)
        period = len(table)
        for short in range(1, period + 1):
            step = self.step * short // period
            if period % short or self.step * short % period:
                continue
            later, earlier = table[short:] << max(-step, 0), table[:-short] << max(step, 0)
            if short == period or bool(np.all(later == earlier)):
                if step == 0 and short == 1:
                    axes = self.axes[:place] + self.axes[place + 1 :]
                    return replace(self, axes=axes, masks=_array(table[0]), law=None, step=0)
                return replace(self, masks=np.moveaxis(table[:short], 0, place), step=step)
        return self


def _array(masks: Any) -> Masks:
    """Also of a single number, and never of machine integers."""
    out = np.empty(np.shape(masks), dtype=object)
    out[...] = masks
    return out


def _stack(rows: Sequence[Any]) -> Masks:
    out = np.empty((len(rows), *(np.shape(rows[0]) if len(rows) else ())), dtype=object)
    for index, each in enumerate(rows):
        out[index] = each
    return out


def _union(table: Masks, looks: Iterable[Iterable[int]], moved: Any) -> list[Any]:
    """Of the rows that each output looks at, of none an empty set."""
    nothing = np.zeros(table.shape[1:], dtype=object)[()]
    return [reduce(or_, (moved[each] for each in look), nothing) for look in looks]


def _repeated(row: Any, times: int, step: int) -> Any:
    """The union of a set and of what it becomes as it moves on."""
    done = 1
    while done < times:
        more = min(done, times - done)
        row, done = row | (row << more * step), done + more
    return row


def _repeats(period: int, axis: Axis) -> bool:
    """Whether a law is worth while, or its period so much longer than the axis that it never comes round."""
    return period <= max(4 * axis.size, 256)


def _afford(masks: int, span: int) -> None:
    if masks * span > _MOST_BITS:
        raise TooLong(f"{masks} sets of {span} positions")
