"""A contact sheet: one picture to see what a data set is like before reading any number of it."""

import warnings
from io import BytesIO
from typing import Any

from gradus.data.raw import RawData
from gradus.data.splits import Splits

_FONTS = ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "PingFang SC")
"""In this order; those that this machine has. The first comes with matplotlib."""
MOST_LINES = 4
"""Features alike, as pixels of a row are, that are drawn as lines over time; more make a picture of the sequence."""


def draw_sheet(data: RawData, splits: Splits, title: str) -> bytes:
    """A PNG: pictures by class, the columns of a table beside the target, a series over time, or a text's symbols.

    Names from outside are drawn as they are; `$` means nothing in them, and what no font has becomes a box.
    """
    import matplotlib as mpl
    from matplotlib.font_manager import fontManager

    known = set(fontManager.get_font_names())
    style: Any = {
        "text.parse_math": False,
        "font.family": [each for each in _FONTS if each in known],
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.formatter.use_mathtext": False,
        "axes.formatter.limits": (-4, 6),
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
    }
    content = BytesIO()
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure = _draw(data, splits)
        figure.text(0.01, 1 - 0.1 / figure.get_figheight(), title, va="top", fontsize=12, fontweight="bold")
        figure.savefig(content, format="png")
    return content.getvalue()


def _draw(data: RawData, splits: Splits) -> Any:
    from gradus.data.sheet import images, series, tables, text

    if data.vocabulary:
        return text.draw(data, splits.train)
    axes, features = len(data.spec.inputs[0]), data.spec.inputs[0][-1]
    if axes > 2 or (axes == 2 and data.alike and features > MOST_LINES):
        return images.draw(data, splits.train)
    return series.draw(data, splits) if axes == 2 else tables.draw(data, splits.train)
