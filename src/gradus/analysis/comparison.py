"""Networks side by side: what each is and costs, and how many times as much as the first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gradus.analysis.figures import FIGURES
from gradus.analysis.inspect import Inspection
from gradus.analysis.units import plain


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of several networks.

    Attributes:
        name: as in `FIGURES`.
        amounts: None where it is not known.
        ratios: to the first amount; None where there is none.
    """

    name: str
    amounts: tuple[float | None, ...]
    ratios: tuple[float | None, ...]


def compare(*founds: Inspection) -> list[Compared]:
    """Every figure of networks that were inspected, the first one being what the others are measured by."""
    rows = []
    for name, figure in FIGURES.items():
        amounts = tuple(figure.of(each) for each in founds)
        rows.append(Compared(name, amounts, tuple(_ratio(each, amounts[0]) for each in amounts)))
    return rows


def _ratio(amount: float | None, base: float | None) -> float | None:
    return None if amount is None or not base else amount / base


def document(names: Sequence[str], founds: Sequence[Inspection]) -> list[dict[str, Any]]:
    """The comparison as programs read it: for each network its figures, and how many times those of the first."""
    rows = compare(*founds)
    return [
        {
            "model": name,
            "input": [list(shape) for shape in found.inputs],
            "figures": {row.name: row.amounts[number] for row in rows},
            "ratios": {row.name: row.ratios[number] for row in rows},
        }
        for number, (name, found) in enumerate(zip(names, founds, strict=True))
    ]


def cells(names: Sequence[str], founds: Sequence[Inspection]) -> list[list[str]]:
    """The comparison as people read it: a table, its first row the headings."""
    table = [["", names[0], *(cell for each in names[1:] for cell in (each, "ratio"))]]
    for row in compare(*founds):
        figure = FIGURES[row.name]
        first, *others = [figure.unit.written(each) for each in row.amounts]
        ratios = ["-" if each is None else f"{plain(each)}x" for each in row.ratios[1:]]
        table.append([figure.label, first, *(cell for pair in zip(others, ratios, strict=True) for cell in pair)])
    return table
