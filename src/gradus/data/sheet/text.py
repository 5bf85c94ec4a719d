"""Text: its most frequent symbols, and pieces of it."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gradus.core.characters import printable
from gradus.data.raw import RawData, Windows
from gradus.data.splits import Split

MOST_SYMBOLS = 40
PIECES, LENGTH, WIDTH, LINES = 4, 360, 62, 10
_NAMES = {" ": "space", "\n": "line end", "\t": "tab", "\r": "return"}


def draw(data: RawData, part: Split) -> Figure:
    """Bars of the symbols, and PIECES of the training text."""
    figure = Figure(figsize=(11, 8), dpi=100)
    bars, pieces = figure.subplots(1, 2, width_ratios=(1, 2))
    figure.subplots_adjust(left=0.07, right=0.98, top=0.9, bottom=0.06, wspace=0.08)
    (windows,) = part.examples.inputs
    first, last = int(part.index.min()), int(part.index.max())
    if isinstance(windows, Windows):
        text = windows.base[first * windows.stride : last * windows.stride + windows.width]
        starts = np.linspace(0, max(len(text) - LENGTH, 0), PIECES).astype(np.int64)
        excerpts = [text[start : start + LENGTH] for start in starts]
        counts = np.bincount(text, minlength=len(data.vocabulary))
    else:
        excerpts = list(windows[part.index[:: max(len(part) // PIECES, 1)][:PIECES]])
        counts = np.zeros(len(data.vocabulary), np.int64)
        for (rows,) in part.examples.chunks(part.index):
            counts += np.bincount(rows.ravel(), minlength=len(data.vocabulary))
    shares = counts / counts.sum()
    most = np.argsort(-shares, kind="stable")[:MOST_SYMBOLS]
    most = most[shares[most] > 0]
    symbols = [_NAMES.get(data.vocabulary[each]) or printable(data.vocabulary[each], 12) for each in most]
    bars.barh(np.arange(len(most)), shares[most], color="tab:blue")
    bars.set_yticks(np.arange(len(most)), symbols)
    bars.set_ylim(len(most) - 0.5, -0.5)
    bars.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    bars.set_title(f"{len(symbols)} most frequent of {int((counts > 0).sum())} symbols")
    pieces.axis("off")
    pieces.set_title("from the beginning to the end of the training text")
    pieces.set_ylim(0, 1)
    for place, codes in enumerate(excerpts):
        shown = "\n".join(_lines(data, codes))
        pieces.text(0.02, 0.98 - place / PIECES, shown, family=["DejaVu Sans Mono", *_family()], fontsize=8.5, va="top")
    return figure


def _family() -> list[str]:
    import matplotlib as mpl

    return list(mpl.rcParams["font.family"])


def _lines(data: RawData, codes: NDArray[np.integer]) -> list[str]:
    """The text as lines of at most WIDTH characters; what acts rather than shows is escaped."""
    text = "".join(data.vocabulary[each] for each in codes.tolist())
    lines = []
    for line in text.split("\n"):
        shown = printable(line, LENGTH)
        lines += [shown[start : start + WIDTH] for start in range(0, max(len(shown), 1), WIDTH)]
    return lines[:LINES]
