"""Pictures of an activation and its derivative: a figure, and one of characters for the terminal."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from gradus.analysis.curve import Curve
from gradus.report.figures import writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REACH = 4.0
"""Drawn from minus this to this."""
_COLUMNS, _ROWS = 65, 17


def sketch(curve: Curve) -> str:
    """The curve in characters, `o` for its values and `.` for its derivative, with the axes through 0."""
    z = torch.linspace(-REACH, REACH, _COLUMNS, dtype=torch.float64)
    value, slope = (each.clamp(-REACH, REACH) for each in (curve.value(z), curve.slope(z)))
    low, high = min(0.0, float(value.min()), float(slope.min())), max(0.0, float(value.max()), float(slope.max()))
    unit = (high - low) / (_ROWS - 1) or 1.0

    def row(height: float) -> int:
        return round((high - height) / unit)

    canvas = [[" "] * _COLUMNS for _ in range(_ROWS)]
    canvas[row(0.0)] = ["-"] * _COLUMNS
    for line in canvas:
        line[_COLUMNS // 2] = "|"
    for mark, heights in ((".", slope.tolist()), ("o", value.tolist())):
        for column, height in enumerate(heights):
            canvas[row(height)][column] = mark
    labels = {0: high, _ROWS - 1: low, row(0.0): 0.0}
    lines = [f"{labels[n]:>6.2f} " if n in labels else " " * 7 for n in range(_ROWS)]
    ends = f"{-REACH:<6g}{'z':^{_COLUMNS - 12}}{REACH:>6g}"
    return "\n".join(
        [*(edge + "".join(line).rstrip() for edge, line in zip(lines, canvas, strict=True)), " " * 7 + ends]
    )


def write_activation(curve: Curve, name: str, output: str | Path) -> Path:
    """Draw values and derivative; kinks and jumps are dots, where it saturates is grey.

    Args:
        output: the file, of a kind that its suffix tells: png, svg or pdf.
    Raises:
        InputError: no such kind of file.
        ResourceError: the file cannot be written.
    """
    with writing(output, "--figure") as place:
        _drawn(curve, name).savefig(place, dpi=150)
        return place


def _drawn(curve: Curve, name: str) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for flat in curve.flats(0.01):
        axes.axvspan(max(flat.low, -REACH), min(flat.high, REACH), color="0.92", lw=0)
    axes.axhline(0, color="0.6", lw=0.8)
    axes.axvline(0, color="0.6", lw=0.8)
    z = torch.linspace(-REACH, REACH, 1601, dtype=torch.float64)
    value, slope = curve.value(z), curve.slope(z)
    broken = [each for each in curve.breaks if abs(each.at) < REACH]
    for each in broken:  # a line across a jump would be no part of the curve
        nearest = int((z - each.at).abs().argmin())
        slope[nearest] = torch.nan
        if each.jumps:
            value[nearest] = torch.nan
    axes.plot(z.numpy(), value.numpy(), label="f(z)")
    axes.plot(z.numpy(), slope.numpy(), "--", label="f'(z)")
    dots = [(each.at, side) for each in broken for side in each.values]
    axes.plot([at for at, _ in dots], [side for _, side in dots], "k.")
    axes.set_title(name, parse_math=False)  # a name is no formula
    axes.set(xlabel="z", xlim=(-REACH, REACH))
    bottom, top = axes.get_ylim()
    axes.set_ylim(max(bottom, -REACH - 0.2), min(top, REACH + 0.2))
    axes.legend()
    return figure
