"""An inspection in a few lines: the totals, and what there is to know about them."""

from collections.abc import Iterable, Sequence

from gradus.analysis.formulas import macs
from gradus.analysis.inspect import Inspection
from gradus.analysis.receptive_field import Field
from gradus.analysis.units import plain, size

_MOST = 3
"""Places named of those where something is amiss."""


def totals(found: Inspection) -> dict[str, str]:
    """What it is and costs in total, in words."""
    cost = found.cost
    frozen = found.parameters - found.trainable
    kept = "unknown" if found.saved_bytes is None else size(found.saved_bytes)
    return {
        "parameters": f"{found.parameters:,} ({found.trainable:,} trainable, {frozen:,} frozen)",
        "buffers": f"{found.buffers:,}",
        "multiply-adds": f"{cost.macs:,}",
        "FLOPs": f"{cost.flops:,} (two a multiply-add, and {cost.elementwise:,} element-wise)",
        "memory traffic": f"{size(cost.moved)} ({size(cost.read)} read, {size(cost.written)} written)",
        "kept for backward": kept,
        "intensity": f"{plain(cost.intensity)} FLOPs a byte",
        **_field(found),
    }


def warnings(found: Inspection) -> list[str]:
    """What could not be counted or followed, and what is odd about the receptive field."""
    said = [
        f"not followed to its end: {each}; the figures are of what came before. `run` (--run) runs it for real"
        for each in found.unresolved
    ]
    if found.saved_bytes is None and not found.unresolved:
        said.append("kept for backward: the pass in training mode could not be followed to its end")
    said += [f"not counted: {name}, {_times(n)}, in {_places(found, name)}" for name, n in found.uncounted.items()]
    said += [f"receptive field: {name}, {_times(n)}, has no rule and was taken to see everything"
             for name, n in found.fields.assumed.items()]  # fmt: skip
    return said + _misaligned(found) + _gridded(found)


def extent(axes: Sequence[Field]) -> str:
    """How far outputs see along each axis, told once if axes are alike.

    >>> extent([Field(5, 5), Field(7, 7)])
    '5x7'
    """
    return _joined("all" if each.whole else str(each.extent) for each in axes)


def stride(axes: Sequence[Field]) -> str:
    """How far the field moves from one output to the next; "" where all outputs see the same, or all there is."""
    return "" if all(each.offset is None or each.whole for each in axes) else _joined(map(_stride, axes))


def _stride(axis: Field) -> str:
    if axis.whole or axis.offset is None:
        return "-"
    if axis.stride is None:
        return "uneven"
    return str(axis.stride) if axis.stride.denominator == 1 else f"{float(axis.stride):.3g}"


def _joined(parts: Iterable[str]) -> str:
    told = list(parts)
    return told[0] if len(set(told)) == 1 else "x".join(told)


def _field(found: Inspection) -> dict[str, str]:
    """The network's receptive field, and where in it: after global pooling, all outputs see all."""
    fields = found.fields
    if fields.network is None:
        return {}
    layer, axes = found.layers[fields.network], fields.layers[fields.network]
    place = f", of {layer.name} ({layer.type})" if layer.name else ""
    moves = stride(axes)
    said = f"{extent(axes)}, stride {moves}" if moves else "all of the input"
    after = "; after it all of the input" if moves and all(each.whole for each in fields.layers[0]) else ""
    return {"receptive field": said + place + after}


def _misaligned(found: Inspection) -> list[str]:
    """Branches that meet with their centres apart, a line for each place."""
    by_place = {each.place: each for each in found.fields.misaligned}
    said = [
        f"receptive field: branches meet in {place or 'the model'} with their centres apart, at "
        f"{' and '.join(f'{centre:g}' for centre in each.centres)} along axis {each.axis} of the input"
        for place, each in by_place.items()
    ]
    return said[:_MOST] + ([f"and so in {len(said) - _MOST} other modules"] if len(said) > _MOST else [])


def _gridded(found: Inspection) -> list[str]:
    """Whether the network looks at its input through a grid, as dilated convolutions do."""
    fields = found.fields
    if fields.network is None:
        return []
    name = found.layers[fields.network].name or "the model"
    seen = zip(fields.axes, fields.layers[fields.network], strict=True)
    holes = [f"{each.taps} of {each.extent} along axis {axis}" for axis, each in seen if each.taps < each.extent]
    return [f"receptive field: it has holes, {name} sees {' and '.join(holes)} of the input"] if holes else []


def _places(found: Inspection, name: str) -> str:
    """The modules in which an operation without a formula ran."""
    calls = found.trace.calls
    uncounted = (each for each in found.trace.operations if each.name == name and macs(each) is None)
    places = [*dict.fromkeys(calls[max(each.call, 0)].place or "the model" for each in uncounted)]
    return ", ".join(places[:_MOST]) + (f" and {len(places) - _MOST} others" if len(places) > _MOST else "")


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"
