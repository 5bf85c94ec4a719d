"""Series: every feature over time, the splits marked; or, of separate sequences, some of each class."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gradus.core.characters import printable
from gradus.data.describe.figures import feature_columns
from gradus.data.raw import RawData, Windows
from gradus.data.splits import Splits

MOST_FEATURES = 10
POINTS = 1_500
"""Across a panel; of a longer series each point is the range and the mean of several steps."""
LINES = 20
MOST_CLASSES = 10
"""Classes that get a colour of their own."""
COLOURS = {"train": "tab:blue", "validation": "tab:orange", "test": "tab:green"}


def draw(data: RawData, splits: Splits) -> Figure:
    """A panel for each of up to MOST_FEATURES features."""
    columns = [(place, each) for place, each in enumerate(feature_columns(data)) if each.kind == "number"]
    shown = columns[:MOST_FEATURES]
    high = 1.1 + 1.25 * len(shown)
    figure = Figure(figsize=(12, high), dpi=100)
    panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    figure.subplots_adjust(left=0.07, right=0.98, top=1 - 0.6 / high, bottom=0.45 / high, hspace=0.45)
    rows = data.train.inputs[0]
    for panel, (place, column) in zip(panels, shown, strict=True):
        panel.set_title(printable(column.name, 60), pad=3)
        if isinstance(rows, Windows):
            for name, part in splits.named().items():
                windows = part.examples.inputs[0]
                assert isinstance(windows, Windows)
                first, last = int(part.index.min()), int(part.index.max()) + windows.width
                _line(panel, windows.base[first:last, place], first, -(-len(rows.base) // POINTS), COLOURS[name])
        else:
            _sequences(panel, data, splits, place)
    if isinstance(rows, Windows):
        panels[-1].set_xlabel("step")
        colours = {name: COLOURS[name] for name in splits.named()}
    else:
        colours = {printable(name, 20): f"C{code}" for code, name in enumerate(data.classes[:MOST_CLASSES])}
    handles = [panels[0].plot([], [], color=colour, label=name)[0] for name, colour in colours.items()]
    figure.legend(handles=handles, loc="upper right", ncols=len(handles) or 1, frameon=False)
    if len(columns) > len(shown):
        figure.text(0.98, 0.1 / high, f"the first {len(shown)} of {len(columns):,} features", ha="right")
    return figure


def _line(panel: Axes, values: NDArray[np.floating], first: int, size: int, colour: str) -> None:
    """The values from step `first` on, `size` of them to a point."""
    starts = np.arange(0, len(values), size)
    middle = first + starts + size / 2
    if size > 1:
        low, high = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
        panel.fill_between(middle, low, high, color=colour, alpha=0.35, linewidth=0)
    counts = np.diff(np.append(starts, len(values)))
    panel.plot(middle, np.add.reduceat(values.astype(np.float64), starts) / counts, color=colour, linewidth=0.8)


def _sequences(panel: Axes, data: RawData, splits: Splits, place: int) -> None:
    part = splits.train
    chosen = part.index[np.unique(np.linspace(0, len(part) - 1, min(LINES, len(part))).astype(np.int64))]
    rows = part.examples.inputs[0][chosen]
    for row, target in zip(rows, part.examples.target[chosen], strict=True):
        colour = f"C{target}" if data.task == "classification" and target < MOST_CLASSES else "dimgrey"
        panel.plot(row[:, place], color=colour, linewidth=0.8, alpha=0.7)
