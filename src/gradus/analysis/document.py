"""An inspection as programs read it: a document for JSON, and a row for each call of a module for CSV."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from gradus.analysis.inspect import Inspection, Layer


def document(found: Inspection) -> dict[str, Any]:
    """All figures, under names that stay; what does not apply is absent."""
    fields, cost = found.fields, found.cost
    speaker = fields.network
    return {
        "input": [list(each) for each in found.inputs],
        "parameters": found.parameters,
        "trainable": found.trainable,
        "buffers": found.buffers,
        "macs": cost.macs,
        "elementwise": cost.elementwise,
        "flops": cost.flops,
        "read_bytes": cost.read,
        "written_bytes": cost.written,
        "saved_bytes": found.saved_bytes,
        "intensity": cost.intensity,
        "uncounted": found.uncounted,
        "unresolved": found.unresolved,
        **({} if speaker is None else {"receptive_field": _sees(found, speaker)}),
        "misaligned": [{"name": m.place, "axis": m.axis, "centres": m.centres} for m in fields.misaligned],
        "layers": [_layer(found, call, each) for call, each in enumerate(found.layers)],
    }


def table(found: Inspection) -> str:
    """CSV with a row for each call of a module; shapes, and what differs by axis, as numbers with an x between."""
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for each in document(found)["layers"]:
        sees = each.pop("receptive_field", {})
        field = {f"field_{name}": _joined(sees[name]) for name in ("extent", "taps", "stride", "offset") if sees}
        shapes = {name: ";".join(map(_joined, each[name])) for name in ("input", "output")}
        writer.writerow(each | shapes | field)
    return written.getvalue()


COLUMNS = (
    *("name", "type", "depth", "input", "output", "parameters", "own_parameters", "macs", "elementwise"),
    *("read_bytes", "written_bytes", "saved_bytes", "field_extent", "field_taps", "field_stride", "field_offset"),
)


def _layer(found: Inspection, call: int, layer: Layer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "type": layer.type,
        "depth": layer.depth,
        "input": [list(shape) for shape in layer.inputs],
        "output": [list(shape) for shape in layer.outputs],
        "parameters": layer.parameters,
        "own_parameters": layer.own,
        "macs": layer.cost.macs,
        "elementwise": layer.cost.elementwise,
        "read_bytes": layer.cost.read,
        "written_bytes": layer.cost.written,
        "saved_bytes": found.saved[call] if found.saved is not None else None,
        **({"receptive_field": _sees(found, call)} if found.fields.layers[call] else {}),
    }


def _sees(found: Inspection, call: int) -> dict[str, Any]:
    """A layer's receptive field, one number for each axis of the input; null for what outputs do not have."""
    axes = found.fields.layers[call]
    return {
        "name": found.layers[call].name,
        "axes": found.fields.axes,
        "extent": [each.extent for each in axes],
        "taps": [each.taps for each in axes],
        "stride": [None if each.stride is None else float(each.stride) for each in axes],
        "offset": [None if each.offset is None else float(each.offset) for each in axes],
        "whole": [each.whole for each in axes],
    }


def _joined(numbers: Sequence[float | None]) -> str:
    told = ["-" if each is None else f"{each:.10g}" for each in numbers]
    return "" if set(told) == {"-"} else "x".join(told)
