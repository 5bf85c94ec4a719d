"""Images: a row for each class, or, of values, from the smallest to the largest; of a video, its frames in a row."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from gradus.core.characters import printable
from gradus.data.raw import RawData
from gradus.data.splits import Split

CELL, GAP = 64, 4  # pixels
COLUMNS = 12
MOST_ROWS = 25
_LABEL, _TOP, _DPI = 170, 44, 100


def draw(data: RawData, part: Split) -> Figure:
    """Up to COLUMNS training images of each of up to MOST_ROWS classes, spread over the split.

    Of sequences of rows, what they are rows of; of videos up to COLUMNS frames of one of each class.
    """
    rows = _by_class(data, part) if data.task == "classification" else _by_value(part)
    more = len(data.classes) - MOST_ROWS
    cell_high, cell_wide = _size(*data.spec.inputs[0][-2:])
    down_step, across_step = cell_high + GAP, cell_wide + GAP
    mosaic = np.full((len(rows) * down_step, COLUMNS * across_step, 3), 255, np.uint8)
    for down, (_, index) in enumerate(rows):
        top = down * down_step
        for across, picture in enumerate(_pictures(_images(part, index)) if len(index) else ()):
            left = across * across_step
            mosaic[top : top + cell_high, left : left + cell_wide] = picture
    high, wide = mosaic.shape[0] + _TOP + (20 if more > 0 else 0), mosaic.shape[1] + _LABEL
    figure = Figure(figsize=(wide / _DPI, high / _DPI), dpi=_DPI)
    # As an image of the figure it keeps its pixels; an axes would draw them anew.
    figure.figimage(mosaic, xo=_LABEL, yo=high - _TOP - mosaic.shape[0])
    for down, (label, _) in enumerate(rows):
        middle = _TOP + down * down_step + cell_high / 2
        figure.text((_LABEL - 10) / wide, 1 - middle / high, label, ha="right", va="center")
    if more > 0:
        figure.text((_LABEL - 10) / wide, 10 / high, f"and {more:,} classes more", ha="right", va="center")
    return figure


def _by_class(data: RawData, part: Split) -> list[tuple[str, NDArray[np.int64]]]:
    rows = []
    for code, name in enumerate(data.classes[:MOST_ROWS]):
        members = part.index[part.target == code]
        rows.append((f"{printable(name, 18)}  ({len(members):,})", _spread(members, COLUMNS)))
    return rows


def _by_value(part: Split) -> list[tuple[str, NDArray[np.int64]]]:
    ordered = part.index[np.argsort(part.target[:, 0], kind="stable")]
    chosen = _spread(ordered, 6 * COLUMNS)
    values = part.examples.target[:, 0]
    rows = [chosen[start : start + COLUMNS] for start in range(0, len(chosen), COLUMNS)]
    return [(f"{values[each[0]]:.4g} to {values[each[-1]]:.4g}", each) for each in rows]


def _spread(index: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """At most `count` of `index`, evenly apart."""
    return index[np.unique(np.linspace(0, len(index) - 1, min(count, len(index))).astype(np.int64))]


def _images(part: Split, index: NDArray[np.int64]) -> NDArray[Any]:
    """What is drawn of the examples `index`, (COLUMNS, C, H, W) or fewer."""
    rows = part.examples.inputs[0]
    axes = len(rows.shape)
    if axes == 5:
        (film,) = rows[index[:1]]
        return np.moveaxis(film[:, _spread(np.arange(film.shape[1]), COLUMNS)], 1, 0)
    images: NDArray[Any] = rows[index]
    return images[:, None] if axes == 3 else images


def _pictures(rows: NDArray[Any]) -> list[NDArray[np.uint8]]:
    """Images (N, C, H, W) as RGB of at most CELL pixels a side."""
    low, high = min(float(rows.min()), 0.0), float(rows.max())
    whites = (255.0,) if rows.dtype.kind in "iu" else (1.0, 255.0)
    top = next((each for each in whites if high <= each), high)
    levels = (255 * (rows.astype(np.float64) - low) / (top - low)).round().astype(np.uint8)
    return [_fit(each) for each in levels]


def _fit(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    channels, *sides = levels.shape
    if channels == 4:
        colours, opacity = levels[:3].astype(np.float64), levels[3] / 255
        levels = (colours * opacity + 255 * (1 - opacity)).astype(np.uint8)
    elif channels != 3:
        levels = np.repeat(levels[:1], 3, axis=0)
    high, wide = _size(*sides)
    picture = Image.fromarray(np.ascontiguousarray(np.moveaxis(levels, 0, -1)))
    # Pixels stay squares where they are enlarged.
    return np.asarray(
        picture.resize((wide, high), Image.Resampling.NEAREST if max(sides) < CELL else Image.Resampling.BOX)
    )


def _size(high: int, wide: int) -> tuple[int, int]:
    """Height and width of a picture in its cell, its longer side CELL."""
    scale = CELL / max(high, wide)
    return max(round(high * scale), 1), max(round(wide * scale), 1)
