"""A picture of what a network looks at: its effective receptive field over an image, within the theoretical one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradus.analysis.effective_field import EffectiveField
from gradus.analysis.receptive_field import Field
from gradus.core.errors import InputError
from gradus.report.figures import writing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIDE = 5.0  # inches of the longer side


def write_field(
    found: EffectiveField, theoretical: tuple[Field, ...], output: str | Path, image: NDArray[Any] | None = None
) -> Path:
    """Draw influence as a glow over the image, and the box of the theoretical field around it.

    Args:
        theoretical: of the same layer, by axis; empty if it is not known.
        output: the file, of a kind that its suffix tells: png, svg or pdf.
        image: shape (H, W) or (H, W, 3), from 0 to 1; grey if there is none.

    Raises:
        InputError: the field is not that of images, or no such kind of file.
        ResourceError: the file cannot be written.
    """
    if found.influence.ndim != 2:
        raise InputError("field", "can be drawn of images only, which have two axes", found.influence.ndim)
    with writing(output, "field") as place:
        _drawn(found, theoretical, image).savefig(place, dpi=150)
        return place


def _drawn(found: EffectiveField, theoretical: tuple[Field, ...], image: NDArray[Any] | None) -> "Figure":
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    height, width = found.influence.shape
    figure = Figure(figsize=(_SIDE * width / max(height, width), _SIDE * height / max(height, width) + 0.6))
    axes = figure.add_axes((0.0, 0.0, 1.0, _SIDE / (_SIDE + 0.6)))
    axes.set_axis_off()
    axes.imshow(np.full((height, width), 0.35) if image is None else image, cmap="gray", vmin=0, vmax=1)
    glow = np.sqrt(found.influence.numpy())  # so that what is faint can be seen
    axes.imshow(np.ones((height, width)), cmap="autumn", vmin=0, vmax=1.2, alpha=0.85 * glow)
    box = _box(theoretical, found.middle)
    if box is not None:
        axes.add_patch(Rectangle(*box, fill=False, edgecolor="white", linewidth=1.5, linestyle="--"))
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    extent = " x ".join("all" if each.whole else str(each.extent) for each in theoretical) or "unknown"
    figure.suptitle(f"could see {extent} (dashed); looks at {found.size:.0f} x {found.size:.0f}", fontsize=9)
    return figure


def _box(theoretical: tuple[Field, ...], middle: tuple[int, ...]) -> tuple[tuple[float, float], float, float] | None:
    """Corner, width and height of the theoretical field of the output in the middle."""
    if len(theoretical) != 2 or len(middle) != 2:
        return None
    rows, columns = (each.positions(at) for each, at in zip(theoretical, middle, strict=True))
    if not rows or not columns:
        return None
    return (columns[0] - 0.5, rows[0] - 0.5), columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
