"""One HTML file that tells what a network is and costs: its tree, and where in it the costs are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradus.analysis.figures import FIGURES
from gradus.analysis.inspect import Inspection
from gradus.analysis.summary import totals, warnings
from gradus.analysis.table import COLUMNS, rows
from gradus.analysis.units import count, size
from gradus.report import words
from gradus.report.template import fill, resource
from gradus.training.folder import write_text

_THINNEST = 0.003
"""Share of a chart's width below which a block is not drawn."""
_TEXT = 0.03
"""And below which it has no room for its name."""


@dataclass(frozen=True, slots=True)
class _Measure:
    title: str
    by_call: Callable[[Inspection], Sequence[int]]
    write: Callable[[float], str]


_MEASURES = (
    _Measure("Multiply-adds", lambda found: [each.cost.macs for each in found.layers], count),
    _Measure("Parameters", lambda found: [each.parameters for each in found.layers], count),
    _Measure("Memory traffic", lambda found: [each.cost.moved for each in found.layers], size),
    _Measure("Kept for backward", lambda found: found.saved or [], size),
)
_SORTED = {
    "parameters": lambda row: row.parameters,
    "macs": lambda row: row.cost.macs,
    "elementwise": lambda row: row.cost.elementwise,
    "moved": lambda row: row.cost.moved,
    "saved": lambda row: row.saved_bytes or 0,
    "intensity": lambda row: row.cost.intensity,
}


def write_inspection(found: Inspection, output: str | Path, title: str = "") -> Path:
    """Write the page of an inspection.

    Args:
        title: of the network; the name of its class if empty.
    Raises:
        ResourceError: if the file cannot be written.
    """
    write_text(Path(output), render(found, title))
    return Path(output)


def render(found: Inspection, title: str = "") -> str:
    """The page."""
    lines = rows(found)
    sums = totals(found)
    cards = {FIGURES[name].label: FIGURES[name].written(found) for name in ("params", "macs", "traffic", "saved")}
    if "receptive field" in sums:
        cards["receptive field"] = sums["receptive field"].partition(",")[0]
    return fill(
        "inspection.html.jinja",
        style=resource("report.css") + resource("inspection.css"),
        script=resource("inspection.js"),
        title=title or found.model,
        shapes=", ".join(" x ".join(map(str, shape)) for shape in found.inputs),
        cards=cards,
        totals=sums,
        warnings=warnings(found),
        charts=[each for each in (_chart(found, measure) for measure in _MEASURES) if each],
        columns=COLUMNS,
        sorted=_SORTED,
        rows=lines,
        layers=found.layers,
        deepest=max((each.depth for each in lines), default=0),
    )


def _chart(found: Inspection, measure: _Measure) -> dict[str, Any]:
    """A row of blocks for each depth, as wide as their share; what a module spends itself leaves a gap below it."""
    spent = measure.by_call(found)
    if not spent or not spent[0]:
        return {}
    total = spent[0]
    blocks = list(_blocks(found, measure, spent))
    largest = sorted((each for each in blocks if each["depth"] == 1), key=lambda each: -each["width"])[:3]
    said = ", ".join(f"{each['name']} ({words.percent(each['width'] / 100)})" for each in largest)
    return {
        "title": measure.title,
        "said": measure.write(total) + (f"; most in {said}" if said else ""),
        "blocks": blocks,
        "levels": 1 + max(each["depth"] for each in blocks),
    }


def _blocks(found: Inspection, measure: _Measure, spent: Sequence[int]) -> Iterator[dict[str, Any]]:
    starts = [0.0] * (len(found.layers) + 1)  # where the next block within each call begins
    for call, layer in enumerate(found.layers):
        parent, share = found.trace.calls[call].parent, spent[call] / spent[0]
        start = starts[call] = starts[parent]
        starts[parent] += share
        if share >= _THINNEST:
            yield {
                "depth": layer.depth,
                "start": f"{100 * start:.2f}",
                "width": 100 * share,
                "name": layer.name or found.model,
                "short": layer.name.rpartition(".")[2] or found.model if share >= _TEXT else "",
                "said": f"{measure.write(spent[call])}, {words.percent(share)}",
            }
