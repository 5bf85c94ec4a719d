"""An inspection as a table: a line for each module, folded at a depth, and the totals below."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Literal

from gradus.analysis.inspect import Cost, Inspection, Layer
from gradus.analysis.summary import extent, stride, totals, warnings
from gradus.analysis.units import count, plain, size

if TYPE_CHECKING:
    from rich.console import Group

WIDTH = 120
_GAP = 2
_NONE, _UNKNOWN = "-", "?"


@dataclass(frozen=True, slots=True)
class Row:
    """A call of a module; or several in a row that are alike, with all that they cost together.

    Attributes:
        calls: which, as indices into `Inspection.layers`.
        name: within the module around it.
        depth: how many modules it is within.
        share: of the network's multiply-adds.
        field: extent and stride of the receptive field of the last of them.
    """

    calls: tuple[int, ...]
    name: str
    depth: int
    type: str
    output: str
    parameters: int
    cost: Cost
    share: float
    saved_bytes: int | None
    field: str


def rows(found: Inspection, depth: int | None = None) -> list[Row]:
    """The calls down to a depth, all if None.

    A module that is called again within the same one, as at each step of a sequence, has one row. Where what is within
    is folded away, so have neighbours alike.
    """
    layers = found.layers
    groups: list[list[int]] = []
    placed: dict[int, int] = {}  # the group of a call
    again: dict[tuple[int, str], int] = {}  # that of a module within a group
    for call, layer in enumerate(layers):
        if depth is not None and layer.depth > depth:
            continue
        place = placed.get(found.trace.calls[call].parent, -1), layer.name
        group = again.get(place)
        if group is not None and not _called_again(layers[groups[group][0]], layer):
            group = None
        folded = layer.depth == depth and _holds_others(layers, call)
        if group is None and folded and groups and _alike(layers[groups[-1][-1]], layer):
            group = len(groups) - 1
        if group is None:
            group = len(groups)
            groups.append([])
        groups[group].append(call)
        placed[call] = again[place] = group
    return [_row(found, each) for each in groups]


def _holds_others(layers: Sequence[Layer], call: int) -> bool:
    return call + 1 < len(layers) and layers[call + 1].depth > layers[call].depth


def _called_again(one: Layer, other: Layer) -> bool:
    """Whether two calls of a module are of the same sizes; its parameters are counted with the first."""
    return (one.type, one.inputs, one.outputs) == (other.type, other.inputs, other.outputs)


def _alike(one: Layer, other: Layer) -> bool:
    """Whether they differ in no more than their place, and what was kept before them."""
    same = ("type", "depth", "inputs", "outputs", "parameters", "cost")
    return all(getattr(one, each) == getattr(other, each) for each in same)


def _row(found: Inspection, calls: Sequence[int]) -> Row:
    layers = [found.layers[call] for call in calls]
    first, last = layers[0], layers[-1]
    name = _name(found, calls[0]) + (f" .. {last.name.rpartition('.')[2]}" if first.name != last.name else "")
    together = sum((each.cost for each in layers), Cost())
    axes = found.fields.layers[calls[-1]] if found.fields.layers else ()
    return Row(
        calls=tuple(calls),
        name=name,
        depth=first.depth,
        type="" if not first.depth else first.type if first is last else f"{len(layers)} x {first.type}",
        output=", ".join("x".join(map(str, shape)) for shape in first.outputs),
        parameters=sum(each.parameters for each in layers),
        cost=together,
        share=together.macs / found.macs if found.macs else 0.0,
        saved_bytes=sum(found.saved[call] for call in calls) if found.saved is not None else None,
        field="/".join(filter(None, (extent(axes), stride(axes)))) if axes else "",
    )


def _name(found: Inspection, call: int) -> str:
    name, parent = found.layers[call].name, found.trace.calls[call].parent
    return name.removeprefix(f"{found.layers[parent].name}.") if parent >= 0 else found.model


@dataclass(frozen=True, slots=True)
class Column:
    """What a table shows of each row.

    Attributes:
        text: of a row; "" where there is nothing to say.
        side: to which it is aligned.
    """

    heading: str
    text: Callable[[Row], str]
    side: Literal["left", "right"] = "right"


def _some(write: Callable[[float], str], amount: float | None) -> str:
    return _UNKNOWN if amount is None else write(amount) if amount else _NONE


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.005 else "<1 %"


COLUMNS = {
    "module": Column("module", lambda row: "  " * row.depth + row.name, "left"),
    "type": Column("type", lambda row: row.type, "left"),
    "output": Column("output", lambda row: row.output, "left"),
    "parameters": Column("params", lambda row: _some(count, row.parameters)),
    "macs": Column("MACs", lambda row: _some(count, row.cost.macs)),
    "share": Column("share", lambda row: _percent(row.share) if row.cost.macs else ""),
    "elementwise": Column("element-\nwise", lambda row: _some(count, row.cost.elementwise)),
    "moved": Column("memory\ntraffic", lambda row: _some(size, row.cost.moved)),
    "saved": Column("kept for\nbackward", lambda row: _some(size, row.saved_bytes)),
    "intensity": Column("FLOPs\n/ byte", lambda row: _some(plain, row.cost.intensity)),
    "field": Column("field\n/ stride", lambda row: row.field),
}
_EXPENDABLE = ("elementwise", "intensity", "share", "field", "saved", "moved", "type", "output")
"""Left out in this order where the width does not suffice."""


def text(found: Inspection, depth: int = 2, width: int | None = None) -> str:
    """The table and the totals, without colours.

    Args:
        depth: show modules that are within at most this many.
        width: in characters; that of the terminal if None, 120 where there is none.
    """
    from rich.console import Console

    columns = width or get_terminal_size((WIDTH, 0)).columns
    written = StringIO()
    Console(file=written, width=columns, highlight=False, color_system=None).print(render(found, depth, columns))
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines())


def render(found: Inspection, depth: int, width: int) -> "Group":
    """The table and the totals, for a console of this width."""
    from rich.cells import cell_len
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    lines = rows(found, depth)
    cells = {
        name: [*column.heading.split("\n"), *(column.text(row) for row in lines)] for name, column in COLUMNS.items()
    }
    widths = {name: max(map(cell_len, each)) + _GAP for name, each in cells.items()}
    for name in _EXPENDABLE:
        if sum(widths.values()) - _GAP > width:
            del widths[name]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for name in widths:
        table.add_column(COLUMNS[name].heading, justify=COLUMNS[name].side,
                         vertical="bottom", no_wrap=True, overflow="ellipsis")  # fmt: skip
    for row in lines:
        # Text, so that brackets in what comes from outside are not read as markup.
        table.add_row(*(Text(COLUMNS[name].text(row)) for name in widths))
    sums = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), show_header=False)
    sums.add_column(style="bold", no_wrap=True)
    sums.add_column(overflow="fold")
    for label, said in totals(found).items():
        sums.add_row(label, Text(said))
    left_out = [column.heading for name, column in COLUMNS.items() if name not in widths]
    if left_out:
        headings = ", ".join(left_out).replace("-\n", "-").replace("\n", " ")
        sums.add_row("not shown", f"for want of width: {headings}")
    for number, each in enumerate(warnings(found)):
        sums.add_row("" if number else "note", Text(each, style="yellow"))
    return Group(table, "", sums)
