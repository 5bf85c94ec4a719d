"""Where in the input the elements of a tensor come from, and how reshaping, picking and mixing change that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import prod

from gradus.analysis.reach import Axis, Pattern, Reach


@dataclass(frozen=True, slots=True)
class Origins:
    """What the elements of a tensor depend on.

    Attributes:
        dims: the axes that each dimension of the tensor is the product of, the outermost first.
        reaches: for each axis of the input that is followed, Reaches whose union the tensor depends on. One without
            axes is the same for all elements, as behind global pooling.
    """

    dims: tuple[tuple[Axis, ...], ...]
    reaches: tuple[tuple[Reach, ...], ...]

    @classmethod
    def itself(cls, shape: Sequence[int], followed: Sequence[int]) -> "Origins":
        """Of the input: each element depends on its own position."""
        dims = _fresh(shape)
        return cls(dims, tuple((Reach.each(dims[dim][0]),) for dim in followed))

    @classmethod
    def everything(cls, shape: Sequence[int], sizes: Sequence[int]) -> "Origins":
        """Each element depends on all of an input whose followed axes have these sizes."""
        return cls(_fresh(shape), tuple((Reach.every(size),) for size in sizes))

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(prod(axis.size for axis in dim) for dim in self.dims)

    def carries(self, dim: int) -> bool:
        """Whether the positions differ along a dimension."""
        return any(axis in reach.axes for reaches in self.reaches for reach in reaches for axis in self.dims[dim])

    def pull(self, dim: int, pattern: Pattern, size: int) -> "Origins":
        """Of an operation that looks along a dimension as the pattern says, and makes so many outputs."""
        flat, new = self.flat(dim), Axis(size)
        (old,) = flat.dims[dim]
        return flat._with(dim, (new,))._each(lambda reach: reach.pull(old, pattern, new))

    def flat(self, dim: int) -> "Origins":
        """With a dimension that is one axis."""
        axes = self.dims[dim]
        if len(axes) == 1:
            return self
        one = Axis(self.shape[dim])
        return self._with(dim, (one,))._each(lambda reach: reach.merged(axes, one))

    def mixed(self, *dims: int) -> "Origins":
        """Of an operation that mixes all along these dimensions, and leaves them as long as they were."""
        axes = [axis for dim in dims for axis in self.dims[dim]]
        out = self._each(lambda reach: reach.without(*axes))
        for dim in dims:
            out = out._with(dim, (Axis(self.shape[dim]),))
        return out

    def sized(self, dim: int, size: int) -> "Origins":
        """With a dimension of another size, all along which the positions are the same."""
        return self.mixed(dim)._with(dim, (Axis(size),))

    def inserted(self, dim: int, size: int = 1) -> "Origins":
        """With one more dimension, all along which the positions are the same."""
        return replace(self, dims=(*self.dims[:dim], (Axis(size),), *self.dims[dim:]))

    def removed(self, *dims: int) -> "Origins":
        """Without these dimensions, mixed along them."""
        gone = {dim % len(self.dims) for dim in dims}
        out = self.mixed(*gone)
        return replace(out, dims=tuple(each for place, each in enumerate(out.dims) if place not in gone))

    def picked(self, dim: int, index: int) -> "Origins":
        """At one index of a dimension, which goes."""
        return self.pull(dim, Pattern([[index % self.shape[dim]]], 0), 1).removed(dim)

    def permuted(self, order: Sequence[int]) -> "Origins":
        return replace(self, dims=tuple(self.dims[dim] for dim in order))

    def viewed(self, shape: Sequence[int]) -> "Origins":
        """With the same elements in another shape."""
        out, dims = self._dealt([axis for dim in self.dims for axis in dim], shape)
        return replace(out, dims=dims)

    def within(self, dim: int, start: int, size: int, step: int = 1) -> "Origins":
        """At every so many indices of a longer dimension, from `start` on; nothing elsewhere."""
        flat, whole = self.flat(dim), Axis(size)
        (inside,) = flat.dims[dim]
        return flat._with(dim, (whole,))._each(lambda reach: reach.within(inside, start, whole, step))

    def up_to(self, dim: int, size: int, *, back: bool = False) -> "Origins":
        """Of all indices along a dimension up to one's own, or from there on."""
        flat, new = self.flat(dim), Axis(size)
        (old,) = flat.dims[dim]
        return flat._with(dim, (new,))._each(lambda reach: reach.up_to(old, new, back=back))

    def bounded(self) -> "Origins":
        """With nothing beyond the borders."""
        return self._each(Reach.listed)

    def broadcast(self, shape: Sequence[int]) -> "Origins":
        out = self
        for _ in range(len(shape) - len(self.dims)):
            out = out.inserted(0)
        for dim, size in enumerate(shape):
            out = out if out.shape[dim] == size else out.sized(dim, size)
        return out

    def _with(self, dim: int, axes: tuple[Axis, ...]) -> "Origins":
        dim %= len(self.dims)
        return replace(self, dims=(*self.dims[:dim], axes, *self.dims[dim + 1 :]))

    def _each(self, change: Callable[[Reach], Reach]) -> "Origins":
        return replace(self, reaches=tuple(joined([change(each) for each in reaches]) for reaches in self.reaches))

    def _along(self, dim: int, axes: tuple[Axis, ...]) -> "Origins":
        """With a dimension that is the product of these very axes."""
        if not self.carries(dim):
            return self._with(dim, axes)
        if [each.size for each in self.dims[dim]] == [each.size for each in axes]:
            names = dict(zip(self.dims[dim], axes, strict=True))
            return self._with(dim, axes)._each(lambda reach: reach.renamed(names))
        out, groups = self._dealt(self.dims[dim], [each.size for each in axes])
        for group, axis in zip(groups, axes, strict=True):
            out = out._each(partial(Reach.merged, axes=group, one=axis))
        return out._with(dim, axes)

    def _dealt(self, axes: Sequence[Axis], sizes: Sequence[int]) -> "tuple[Origins, tuple[tuple[Axis, ...], ...]]":
        """With these axes dealt out to dimensions of these sizes, cut and joined only where they must be."""
        out, left = self, list(axes)
        dims: list[tuple[Axis, ...]] = []
        for size in reversed(sizes):
            dim: list[Axis] = []
            while prod(axis.size for axis in dim) < size:
                missing, axis = size // prod(each.size for each in dim), left.pop()
                if missing % axis.size == 0:
                    dim.insert(0, axis)
                elif axis.size % missing == 0:
                    outer, inner = Axis(axis.size // missing), Axis(missing)
                    out = out._each(partial(Reach.split, axis=axis, outer=outer, inner=inner))
                    left.append(outer)
                    dim.insert(0, inner)
                else:  # the old and the new shape have no boundary in common here
                    pair = (left.pop(), axis)
                    left.append(Axis(pair[0].size * axis.size))
                    out = out._each(partial(Reach.merged, axes=pair, one=left[-1]))
            dims.insert(0, tuple(dim) or (Axis(1),))
        return out._each(lambda reach: reach.without(*left)), tuple(dims)


def combined(parts: Sequence[Origins], shape: Sequence[int]) -> Origins:
    """What an element-wise operation of several tensors depends on: all that they do, position by position."""
    parts = [each.broadcast(shape) for each in parts]
    if len(parts) == 1:
        return parts[0]
    dims: list[tuple[Axis, ...]] = []
    for dim, size in enumerate(shape):
        sizes = _common([[axis.size for axis in each.dims[dim]] for each in parts if each.carries(dim)], size)
        axes = tuple(Axis(each) for each in sizes)
        parts = [each._along(dim, axes) for each in parts]
        dims.append(axes)
    reaches = [
        joined([reach for each in alike for reach in each])
        for alike in zip(*(each.reaches for each in parts), strict=True)
    ]
    return Origins(tuple(dims), tuple(reaches))


def _fresh(shape: Sequence[int]) -> tuple[tuple[Axis, ...], ...]:
    return tuple((Axis(size),) for size in shape)


def joined(reaches: Sequence[Reach]) -> tuple[Reach, ...]:
    """The same union in as few Reaches as there are laws."""
    out: list[Reach] = []
    for each in reaches:
        for place, other in enumerate(out):
            if (both := other.joined(each)) is not None:
                out[place] = both
                break
        else:
            out.append(each)
    return tuple(out)


def _common(factors: Sequence[Sequence[int]], size: int) -> list[int]:
    """Sizes, the outermost first, that refine all these factorizations of a size; the size itself if none does."""
    cuts = sorted({prod(each[place:]) for each in factors for place in range(len(each) + 1)} | {1, size})
    if any(larger % smaller for smaller, larger in pairwise(cuts)):
        return [size]
    return [larger // smaller for smaller, larger in pairwise(cuts)][::-1] or [size]
