"""A picture of the loss around a run's weights."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradus.report.figures import writing
from gradus.training.landscape import Landscape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEVELS = 20


def write_landscape(found: Landscape, output: str | Path, title: str = "") -> Path:
    """Draw a line as a curve, a plane by its level lines, evenly spaced in the logarithm.

    Args:
        output: the file, of a kind that its suffix tells: png, svg or pdf.
    Raises:
        InputError: no such kind of file.
        ResourceError: the file cannot be written.
    """
    with writing(output, "--figure") as place:
        _drawn(found, title).savefig(place, dpi=150)
        return place


def _drawn(found: Landscape, title: str) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.5), layout="constrained")
    axes = figure.add_subplot()
    losses = found.losses.numpy()
    finite = losses[np.isfinite(losses)]
    if losses.ndim == 1:
        axes.plot(found.offsets, losses, "o-", markersize=3)
        axes.set(xlabel="towards the other run" if found.other else "offset", ylabel=f"loss ({found.split})")
    elif finite.size and np.ptp(finite) > 0:
        lowest, span = finite.min(), np.ptp(finite)
        levels = lowest + np.geomspace(1e-3 * span, span, _LEVELS)
        drawn = axes.contour(found.offsets, found.offsets, np.ma.masked_invalid(losses.T), levels)
        axes.clabel(drawn, fontsize=7)
        axes.plot(0, 0, "k+")
        axes.set(xlabel="first direction", ylabel="second direction")
    axes.set_title(title, fontsize=10, parse_math=False)  # a folder's name is no formula
    return figure
