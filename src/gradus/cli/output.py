"""JSON and tables on stdout."""

import json
import math
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

_WIDEST = 1000


def print_json(document: Any) -> None:
    """One JSON document; the numbers JSON lacks become the strings "NaN", "Infinity", "-Infinity"."""
    json.dump(to_json(document), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, right: Collection[str] = (), wide: bool = False
) -> None:
    """Rows under their column names, whole numbers to the right.

    Args:
        right: columns of text that go to the right too.
        wide: lines are as long as they need to be where the output is no terminal.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        numeric = name in right or all(isinstance(row[name], int) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", no_wrap=name == columns[0])
    _print(table, [[row[name] for name in columns] for row in rows], wide=wide)


def print_cells(cells: Sequence[Sequence[str]]) -> None:
    """A table of text, its first row the headings; columns after the first to the right.

    What is too wide for a terminal goes on below, beside the first column again.
    """
    from rich.table import Table

    for columns in _that_fit(cells):
        table = Table(box=None, pad_edge=False, header_style="bold")
        for number in columns:
            table.add_column(cells[0][number], justify="right" if number else "left", no_wrap=True)
        _print(table, [[row[number] for number in columns] for row in cells[1:]], wide=True)
        if columns[-1] < len(cells[0]) - 1:
            print()


def _that_fit(cells: Sequence[Sequence[str]]) -> list[list[int]]:
    """The columns of each table that is made of `cells`, the first always among them."""
    from rich.cells import cell_len
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        return [list(range(len(cells[0])))]
    widths = [max(cell_len(row[number]) for row in cells) for number in range(len(cells[0]))]
    tables = [[0]]
    for number in range(1, len(widths)):
        between = 2 * len(tables[-1])
        if len(tables[-1]) > 1 and sum(widths[each] for each in (*tables[-1], number)) + between > console.width:
            tables.append([0])
        tables[-1].append(number)
    return tables


def print_fields(fields: Mapping[str, Any]) -> None:
    """Names and their values, a line each; empty ones are left out."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    _print(table, [[name, value] for name, value in fields.items() if value not in ("", [], {})])


def _print(table: "Table", rows: Sequence[Sequence[Any]], *, wide: bool = False) -> None:
    from rich.console import Console
    from rich.text import Text

    for row in rows:
        # Text, so that brackets in what comes from outside are not read as markup.
        table.add_row(*(Text(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in row))
    console = Console(highlight=False)
    if wide and not console.is_terminal:
        console.width = _WIDEST  # a file has no edge at which to cut
    console.print(table)


def to_json(value: Any) -> Any:
    """`value` with the numbers that JSON lacks as words."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(each) for each in value]
    return value
