"""Attention, read off autograd's graph: over which axis weights add up to 1, and over which one they are summed."""

from collections.abc import Iterator, Sequence
from typing import Any

from gradus.diagnosis.operations import RESHAPING, children_of, describe, operands, short_name

_FAR = 12
_MANY, _MOST = 64, 1000
_KEEPING_AXES = ("NativeDropout", "MaskedFill", "Clone")
_ON_SCORES = RESHAPING | {"Mul", "Div", "Add", "Sub", "MaskedFill", "Where", "Clamp"}
_AMONG_WEIGHTS = RESHAPING | {"Mul", "Div", "Add", "Sub", "Bmm", "NativeDropout"}


def crossed(products: Sequence[Any]) -> tuple[int, int, int] | None:
    """Of a softmax of scores all of whose products sum over another axis: its axis, theirs, and how many it has.

    What is summed has to be computed, too, and no weights: marks may be handed on along a soft matching, and those of
    two softmaxes over both axes be multiplied. Scores are products themselves, as those of an assignment to clusters
    are not, which is normalized over the clusters and summed over their members.
    """
    found: dict[Any, tuple[int, int, int]] = {}
    right = set()
    for product in products[:_MANY]:
        for softmax, summed, other in _weighing(product):
            op = describe(softmax, "Softmax", [])
            axes = len(op.shape)
            if op.axis is None or op.axis == axes + summed:
                right.add(softmax)
            elif _are_scores(softmax) and other is not None and not _from_weights(other):
                found[softmax] = op.axis, axes + summed, axes
            else:
                right.add(softmax)
    return next((each for softmax, each in found.items() if softmax not in right), None)


def _weighing(product: Any) -> Iterator[tuple[Any, int, Any]]:
    """Softmaxes that a product sums by, the axis of them that it sums over, from the last, and its other operand."""
    left, right = children_of(product)[:2]
    for operand, axis, other in ((left, -1, right), (right, -2, left)):
        below: tuple[Any, int] | None = (operand, axis)
        for _ in range(_FAR):
            if below is None or below[0] is None:
                break
            if short_name(below[0]) == "Softmax":
                yield *below, other
                break
            below = _one_down(*below)


def _one_down(node: Any, axis: int) -> tuple[Any, int] | None:
    """What a node was given, and where there its axis is; None where that cannot be told."""
    name, shape = short_name(node), _shape(node)
    child = next(iter(operands(node)), None)
    if child is None:
        return None
    if name == "Transpose":
        one, other = (_from_last(each, len(shape)) for each in (node._saved_dim0, node._saved_dim1))
        return child, {one: other, other: one}.get(axis, axis)
    if name == "Permute":
        return child, _from_last(node._saved_dims[axis], len(shape))
    if name in _KEEPING_AXES or (name in ("Mul", "Div") and None in children_of(node)):
        return child, axis
    same = _same_axis(shape, axis, _shape(child)) if name in RESHAPING else None
    return None if same is None else (child, same)


def _same_axis(shape: Sequence[int], axis: int, given: Sequence[int]) -> int | None:
    """The axis of what was given another shape: of the same size, with the same ones behind it, but for those of 1."""
    tail = [size for size in shape[axis:] if size > 1]
    long = [number - len(given) for number, size in enumerate(given) if size > 1]
    same = shape[axis] > 1 and [given[each] for each in long[-len(tail) :]] == tail
    return long[-len(tail)] if same else None


def _from_last(axis: int, axes: int) -> int:
    axis = axis - 2**64 if axis >= 2**63 else axis  # negative ones are kept unsigned
    return axis - axes if axis >= 0 else axis


def _shape(node: Any) -> tuple[int, ...]:
    return describe(node, "", []).shape


def _are_scores(softmax: Any) -> bool:
    """Whether it is given products, scaled or masked."""
    node = softmax
    for _ in range(_FAR):
        node = next(iter(operands(node)), None)
        if node is None or short_name(node) not in _ON_SCORES:
            break
    return node is not None and short_name(node) == "Bmm"


def _from_weights(node: Any) -> bool:
    """Whether it is made of softmaxes alone, by products and the like."""
    seen, stack = {node}, [node]
    while stack:
        current = stack.pop()
        if short_name(current) == "Softmax":
            continue
        if short_name(current) not in _AMONG_WEIGHTS or len(seen) > _MOST:
            return False
        new = [each for each in operands(current) if each not in seen]
        seen.update(new)
        stack += new
    return True
