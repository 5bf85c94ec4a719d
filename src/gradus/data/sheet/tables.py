"""Tables: the target, then each column beside it."""

# n examples looked at, F number columns, G category columns

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from gradus.core.characters import printable
from gradus.data.describe.figures import feature_columns
from gradus.data.raw import Column, RawData
from gradus.data.splits import Split

ACROSS = 4
MOST_COLUMNS = 27
MOST_EXAMPLES, MOST_NUMBERS = 20_000, 5_000_000
"""Looked at, spread evenly over the training split."""
MOST_POINTS = 2_000
MOST_CLASSES = 6
"""Classes that get a colour of their own."""
MOST_BARS = 8


@dataclass(frozen=True)
class Sample:
    """Some training examples: numbers (n, F), codes (n, G), target (n,)."""

    numbers: NDArray[Any]
    codes: NDArray[Any]
    target: NDArray[Any]
    classes: tuple[str, ...]


def draw(data: RawData, part: Split) -> Figure:
    """A panel for the target, and one for each of up to MOST_COLUMNS columns."""
    columns = [(place, each) for place, each in enumerate(feature_columns(data)) if each.kind != "date"]
    shown = columns[:MOST_COLUMNS]
    sample = _sample(data, part)
    down = -(-(len(shown) + 1) // ACROSS)
    high = 0.9 + 2.3 * down
    figure = Figure(figsize=(13, high), dpi=100)
    panels = figure.subplots(down, ACROSS, squeeze=False).ravel()
    figure.subplots_adjust(left=0.1, right=0.985, top=1 - 0.75 / high, bottom=0.4 / high, hspace=0.5, wspace=0.62)
    _target(panels[0], data, sample)
    for panel, (place, column) in zip(panels[1:], shown, strict=False):
        panel.set_title(printable(column.name, 30))
        panel.xaxis.set_major_locator(MaxNLocator(4))
        if column.kind == "category":
            _category(panel, column, sample.codes[:, place - sample.numbers.shape[1]], sample)
        else:
            _number(panel, sample.numbers[:, place], sample)
    for panel in panels[len(shown) + 1 :]:
        panel.axis("off")
    if len(columns) > len(shown):
        more = f"the first {len(shown)} of {len(columns):,} columns"
        figure.text(0.985, 1 - 0.1 / high, more, ha="right", va="top")
    return figure


def _sample(data: RawData, part: Split) -> Sample:
    width = sum(each.shape[1] for each in part.examples.inputs)
    most = min(MOST_EXAMPLES, max(MOST_NUMBERS // width, 1))
    index = part.index[:: -(-len(part) // most)]
    inputs = [np.concatenate(each) for each in zip(*part.examples.chunks(index), strict=True)]
    codes = inputs[1] if len(inputs) > 1 else np.zeros((len(index), 0), np.int32)
    target = part.examples.target[index]
    return Sample(inputs[0], codes, target if target.ndim == 1 else target[:, 0], data.classes)


def _target(panel: Axes, data: RawData, sample: Sample) -> None:
    named = f": {data.target_names[0]}" if data.target_names else ""
    panel.set_title(printable(f"target{named}", 30))
    if not sample.classes:
        panel.hist(sample.target, bins=40, color="dimgrey")
        panel.set_yticks([])
        return
    counts = np.bincount(sample.target, minlength=len(sample.classes))
    most = np.argsort(-counts, kind="stable")[: MOST_BARS if len(counts) > MOST_CLASSES else None]
    colours = [_colour(sample, each) for each in most]
    panel.barh(np.arange(len(most)), counts[most] / counts.sum(), color=colours)
    _name_bars(panel, [sample.classes[each] for each in most])


def _number(panel: Axes, values: NDArray[Any], sample: Sample) -> None:
    """A histogram for each class, all of one area; or the values against the target's."""
    present = np.isfinite(values)
    if not present.any():
        panel.text(0.5, 0.5, "no value", ha="center", transform=panel.transAxes)
        return
    if not sample.classes:
        some = np.flatnonzero(present)[:: -(-int(present.sum()) // MOST_POINTS)]
        panel.plot(values[some], sample.target[some], ".", markersize=2.5, alpha=0.4, color="dimgrey")
        panel.set_ylabel("target")
        return
    edges = np.histogram_bin_edges(values[present], bins=30).tolist()
    few = len(sample.classes) <= MOST_CLASSES
    for code in range(len(sample.classes)) if few else (-1,):
        own = values[present & ((sample.target == code) if few else True)]
        if len(own):
            weights = np.full(len(own), 1 / len(own))
            colour = _colour(sample, code)
            panel.hist(own, edges, weights=weights, histtype="stepfilled", alpha=0.25, color=colour)
            panel.hist(own, edges, weights=weights, histtype="step", color=colour)
    panel.set_yticks([])


def _category(panel: Axes, column: Column, codes: NDArray[Any], sample: Sample) -> None:
    """The most frequent values, each bar divided among the classes; or the target's mean and deviation for each."""
    counts = np.bincount(codes + 1, minlength=len(column.categories) + 1)
    most = [int(each) - 1 for each in np.argsort(-counts, kind="stable")[:MOST_BARS] if counts[each]]
    places = np.arange(len(most))
    if sample.classes:
        few = len(sample.classes) <= MOST_CLASSES
        left = np.zeros(len(most))
        for code in range(len(sample.classes)) if few else (-1,):
            own = codes[sample.target == code] if few else codes
            shares = np.array([(own == each).sum() for each in most]) / len(codes)
            panel.barh(places, shares, left=left, color=_colour(sample, code))
            left += shares
    else:
        means = [sample.target[codes == each].mean() for each in most]
        spread = [sample.target[codes == each].std() for each in most]
        panel.errorbar(means, places, xerr=spread, fmt="o", color="dimgrey", markersize=4)
    _name_bars(panel, ["missing" if each < 0 else column.categories[each] for each in most], share=bool(sample.classes))


def _name_bars(panel: Axes, names: list[str], *, share: bool = True) -> None:
    panel.set_yticks(np.arange(len(names)), [printable(each, 16) for each in names])
    panel.set_ylim(max(len(names), 2) - 0.5, -0.5)
    if share:
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _colour(sample: Sample, code: int) -> str:
    return f"C{code}" if 0 <= code < len(sample.classes) <= MOST_CLASSES else "dimgrey"
