"""Pictures of what networks attend to: weights of maps, places and tokens, and the parts that they read."""

from collections.abc import Mapping, Sequence
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradus.core.errors import InputError
from gradus.report.figures import writing
from gradus.report.words import count, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ROWS, MOST_COLUMNS = 8, 12
_SIDE = 2.2  # inches of a panel
_MOST_LABELS = 60
"""Of a matrix's side; more could not be read."""

Labels = tuple[Sequence[str], Sequence[str]]


def write_attention(
    output: str | Path,
    weights: Mapping[str, Tensor] | None = None,
    frames: Mapping[str, Tensor] | None = None,
    *,
    images: Sequence[NDArray[Any]] | None = None,
    titles: Sequence[str] = (),
    labels: Sequence[Labels] | None = None,
) -> Path:
    """Draw what a network attended to: a row for each example, a panel for each layer.

    A weight for each map, (N, C, 1, 1), is a bar; for places, (N, C, H, W), the mean over the maps glows over the
    image; so does what the class token takes of each patch, (N, heads, T, T), the mean of the heads, or where there is
    none, what all take of it. Tokens of no image, and (N, T, S), are a matrix. Frames, (N, T, K, 4, 2), are drawn on
    the image, from the first (dark) to the last (light), joined by the path of their middles.

    Drawn are at most 8 examples, the first, and 12 layers, evenly spread.

    Args:
        output: the file, of a kind that its suffix tells: png, svg or pdf.
        weights, frames: by layer, as `gradus.models.reuse.attention` finds them.
        images: of the examples, each (C, H, W) of one or three channels, in any range.
        titles: of the examples.
        labels: of the rows and of the columns of each example's matrix: what was written, and what was read.

    Raises:
        InputError: nothing to draw, weights of no such shape, frames without an image, fewer images or labels than
            examples, or no such kind of file.
        ResourceError: the file cannot be written.
    """
    layers = {**(frames or {}), **(weights or {})}
    if not layers:
        raise InputError("attention", "needs weights or frames to draw, got none")
    examples = min(len(each) for each in layers.values())
    if not examples:
        raise InputError("attention", "needs weights or frames of an example, got none")
    for name, each in (("images", images), ("labels", labels)):
        if each is not None and len(each) < examples:
            raise InputError("attention", f"needs as many {name} as examples, {examples}", len(each))
    with writing(output, "attention") as place:
        _drawn(layers, images, titles, labels).savefig(place, dpi=150)
        return place


def _drawn(
    layers: Mapping[str, Tensor],
    images: Sequence[NDArray[Any]] | None,
    titles: Sequence[str],
    labels: Sequence[Labels] | None,
) -> "Figure":
    from matplotlib.figure import Figure

    names = list(layers)
    if len(names) > MOST_COLUMNS:
        names = [names[round(each)] for each in np.linspace(0, len(names) - 1, MOST_COLUMNS)]
    rows = min(MOST_ROWS, *(len(each) for each in layers.values()))
    page = Figure(figsize=(_SIDE * max(2, len(names)), (_SIDE + 0.5) * rows + 0.5), layout="constrained")
    panels = page.subplots(rows, len(names), squeeze=False)
    for row in range(rows):
        image = None if images is None else _shown(images[row])
        for column, name in enumerate(names):
            axes = panels[row, column]
            _panel(axes, name, layers[name][row].detach().float().cpu(), image, None if labels is None else labels[row])
            # What stands in a name is no mathematics.
            if row == 0 and name:
                axes.set_title(name, fontsize=7, parse_math=False)
            if column == 0 and row < len(titles):
                axes.set_ylabel(titles[row], fontsize=7, parse_math=False)
    shown = [f"{count(len(names))} of {count(len(layers))} layers"] if len(names) < len(layers) else []
    examples = min(len(each) for each in layers.values())
    shown += [f"{count(rows)} of {count(examples)} examples"] if rows < examples else []
    if shown:
        page.supxlabel(f"Shown are {' and '.join(shown)}.", fontsize=7)
    return page


def _panel(axes: "Axes", name: str, found: Tensor, image: NDArray[Any] | None, labels: Labels | None) -> None:
    """One layer's attention to one example."""
    axes.set_xticks([])
    axes.set_yticks([])
    if found.dim() == 4 and found.shape[-2:] == (4, 2):
        if image is None:
            raise InputError("attention", "needs images to draw what is read of them, got none")
        _frames(axes, found, image)
    elif found.dim() == 2:
        _matrix(axes, found, labels)
    elif found.dim() != 3:
        raise InputError("attention", f"cannot draw weights of the shape `{name}` has", (1, *found.shape))
    elif found.shape[1:] == (1, 1):
        _bars(axes, found.flatten())
    elif not _of_tokens(found):
        _glow(axes, found.mean(0), image)
    elif image is not None and (taken := _of_patches(found.mean(0), *image.shape[:2])) is not None:
        _glow(axes, taken, image)
    else:
        _matrix(axes, found.mean(0), labels)


def _of_tokens(found: Tensor) -> bool:
    """Whether these are shares that tokens take of tokens, (heads, T, T), rather than weights of places, (C, H, W)."""
    square = found.shape[1] == found.shape[2]
    return square and bool((found >= 0).all()) and torch.allclose(found.sum(-1), torch.ones(()), atol=1e-2)


def _of_patches(shares: Tensor, height: int, width: int) -> Tensor | None:
    """What shares (T, T) take of each patch of an image, (rows, columns); None where no square patches fill it."""
    tokens = len(shares)
    for first in (1, 0):  # after a class token, or of patches alone
        side = isqrt(height * width // max(1, tokens - first))
        if side and not height % side and not width % side and height * width == side**2 * (tokens - first):
            taken = shares[0, 1:] if first else shares.mean(0)
            return taken.view(height // side, width // side)
    return None


def _shown(image: NDArray[Any]) -> NDArray[Any]:
    """(C, H, W) in any range to (H, W, 3) from 0 to 1."""
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise InputError("attention", "draws over images (1 or 3, height, width)", image.shape)
    pixels = np.moveaxis(image, 0, -1).astype(np.float64)
    low, high = pixels.min(), pixels.max()
    return np.broadcast_to((pixels - low) / max(high - low, 1e-12), (*pixels.shape[:2], 3))


def _glow(axes: "Axes", places: Tensor, image: NDArray[Any] | None) -> None:
    """Weights (h, w) over an image of whatever size: dark where nothing weighs, light where much does."""
    low, high = float(places.min()), float(places.max())
    height, width = image.shape[:2] if image is not None else places.shape
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    if image is not None:
        axes.imshow(0.6 * image, extent=extent)
    alpha = 1.0 if image is None else 0.6
    axes.imshow(places.numpy(), cmap="magma", extent=extent, alpha=alpha, vmin=low, vmax=max(high, low + 1e-12))
    axes.set_xlabel(f"{figure(low)} to {figure(high)}", fontsize=6)


def _bars(axes: "Axes", values: Tensor) -> None:
    """A weight for each map, in order."""
    axes.stairs(values.numpy(), fill=True, color="#3b6fb6")
    axes.set_ylim(min(0.0, float(values.min())), max(1.0, float(values.max())))
    axes.set_box_aspect(1)
    axes.set_xlabel(
        f"{count(len(values))} maps, {figure(float(values.min()))} to {figure(float(values.max()))}", fontsize=6
    )


def _matrix(axes: "Axes", shares: Tensor, labels: Labels | None) -> None:
    """A row for each that takes, a column for each that is taken of."""
    axes.imshow(shares.numpy(), cmap="magma", vmin=0.0, aspect="auto")
    axes.set_box_aspect(1)
    if labels is None:
        return
    for words, number, owner, ticks in (
        (labels[0], shares.shape[0], "rows", axes.set_yticks),
        (labels[1], shares.shape[1], "columns", axes.set_xticks),
    ):
        if len(words) != number:
            raise InputError("attention", f"needs as many labels as {owner}, {number}", len(words))
        if number <= _MOST_LABELS:
            ticks(np.arange(number), list(words), fontsize=5, parse_math=False)


def _frames(axes: "Axes", corners: Tensor, image: NDArray[Any]) -> None:
    """Windows (T, K, 4, 2) on an image, and the path of their middles."""
    from matplotlib import colormaps
    from matplotlib.patches import Polygon
    from matplotlib.patheffects import withStroke

    height, width = image.shape[:2]
    axes.imshow(0.8 * image)
    axes.set_facecolor("0.85")  # outside of the image
    # Places run between the outer edges; imshow has the middle of the first pixel at 0.
    pixels = ((corners + 1) / 2 * torch.tensor([width, height]) - 0.5).numpy()
    shades = colormaps["plasma"](np.linspace(0.25, 0.95, len(pixels)))
    middles = pixels[:, 0].mean(1)
    if len(pixels) > 1:
        axes.plot(middles[:, 0], middles[:, 1], color="white", linewidth=0.8, gid="path")
    for number, (windows, shade) in enumerate(zip(pixels, shades, strict=True), 1):
        for window in windows:
            axes.add_patch(Polygon(window, fill=False, edgecolor=shade, linewidth=1.0))
        if len(pixels) > 1:
            outline = [withStroke(linewidth=1.5, foreground="black")]
            x, y = middles[number - 1]
            axes.text(x, y, str(number), color=shade, fontsize=8, ha="center", va="center", path_effects=outline)
    seen = pixels.reshape(-1, 2)
    axes.set_xlim(min(-0.5, seen[:, 0].min() - 1), max(width - 0.5, seen[:, 0].max() + 1))
    axes.set_ylim(max(height - 0.5, seen[:, 1].max() + 1), min(-0.5, seen[:, 1].min() - 1))
