"""A race of optimizers in pictures: a GIF, or one page on which it can be played and stepped through."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from gradus.optim.race import Race, Result
from gradus.optim.surfaces import SurfaceCard
from gradus.report.figures import writing
from gradus.report.template import embedded, fill, resource
from gradus.report.words import count, figure

if TYPE_CHECKING:
    from PIL.Image import Image

FRAMES = 90
_MILLISECONDS, _PAUSE = 70, 2500  # of a frame, and of the last one
_COLOURS = (
    "#1f77b4", "#d62728", "#2ca02c", "#ff7f0e", "#9467bd", "#17becf", "#e377c2", "#8c564b", "#bcbd22", "#7f7f7f",
)  # fmt: skip
_WIDTH, _HEIGHT = 720.0, 480.0  # of the page's drawing
_MOST_STEPS = 1000  # that a page has; of more, every k-th
_GRID = 241
_LEVELS = 16


def write_gif(race: Race, output: str | Path, frames: int = FRAMES) -> Path:
    """Write an animation: level lines, evenly spaced in the logarithm, and the trail of each racer over them.

    Steps go by faster and faster, for most happens in the first.

    Raises:
        InputError: if `output` does not end in .gif.
        ResourceError: if it cannot be written.
    """
    from PIL.Image import Dither

    with writing(output, "--gif", (".gif",)) as place:
        images = _images(race, _spread(race.steps, frames))
        palette = images[-1].quantize(128)
        first, *others = (each.quantize(palette=palette, dither=Dither.NONE) for each in images)
        durations = [_MILLISECONDS] * len(others) + [_PAUSE]
        first.save(place, save_all=True, append_images=others, duration=durations, loop=0, optimize=False)
        return place


def write_page(race: Race, output: str | Path) -> Path:
    """Write a page: one HTML file that loads nothing.

    Raises:
        ResourceError: if it cannot be written.
    """
    from gradus.training.folder import write_text

    write_text(Path(output), render(race))
    return Path(output)


def render(race: Race) -> str:
    """The page."""
    stride = -(-race.steps // _MOST_STEPS)
    steps = [*range(0, race.steps, stride), race.steps]
    rows = [
        {
            "rank": rank,
            "name": each.racer.name,
            "colour": _COLOURS[(rank - 1) % len(_COLOURS)],
            "lr": "" if each.lr is None else f"{each.lr:g}",
            "steps": reached(race, each),
            "evaluations": count(each.evaluations),
            "final": figure(each.descent.final),
            "points": _text(_scaled(race.surface, each.descent.points[_rows(each, steps)].numpy())),
        }
        for rank, each in enumerate(race.results, 1)
    ]
    values = [[figure(value) for value in each.descent.values[_rows(each, steps)].tolist()] for each in race.results]
    return fill(
        "race.html.jinja",
        style=resource("report.css") + resource("race.css"),
        script=resource("race.js"),
        surface=race.surface,
        said=said(race),
        rows=rows,
        width=_WIDTH,
        height=_HEIGHT,
        contours=_contours(race.surface),
        minima=_scaled(race.surface, np.array(race.surface.minima)).tolist(),
        steps=race.steps,
        race_json=embedded({"steps": steps, "values": values}),
    )


def said(race: Race) -> str:
    """Where from, where to, in how many steps."""
    x, y = race.start
    return (
        f"From ({x:g}, {y:g}) to a value below {race.target:g}, in at most {count(race.steps)} steps; "
        "each at the rate of the grid that gets there first."
    )


def reached(race: Race, result: Result) -> str:
    """In how many steps, or that it was not."""
    steps = result.descent.steps_to_target
    if steps is not None:
        return count(steps)
    return "diverged" if result.descent.diverged else f"not in {count(race.steps)}"


def _spread(steps: int, frames: int) -> list[int]:
    """At most `frames` step numbers from 0 to the last, further and further apart."""
    return sorted({round(steps * (each / (frames - 1)) ** 2) for each in range(frames)})


def _rows(result: Result, steps: Sequence[int]) -> list[int]:
    """Where in a descent these steps are; one that ended early stays where it is."""
    return [min(each, len(result.descent.points) - 1) for each in steps]


def _levels(surface: SurfaceCard) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Places and values on a grid over the domain, and the levels to draw."""
    x, y = (torch.linspace(*ends, _GRID, dtype=torch.float64) for ends in surface.domain)
    values = surface.build(torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)).numpy()
    span = values.max() - surface.lowest
    return x.numpy(), y.numpy(), values, surface.lowest + np.geomspace(1e-4 * span, span, _LEVELS + 1)[:-1]


def _contours(surface: SurfaceCard) -> list[str]:
    """An SVG path for each level."""
    from matplotlib.figure import Figure

    drawn = Figure().add_subplot().contour(*_levels(surface))
    return [
        " ".join("M" + _text(_scaled(surface, line)).replace(" ", "L") for line in lines if len(line) > 1)
        for lines in drawn.allsegs
    ]


def _scaled(surface: SurfaceCard, points: NDArray[Any]) -> NDArray[Any]:
    """Pixels of the page's drawing, (N, 2); what lies far outside is brought nearer."""
    (left, right), (bottom, top) = surface.domain
    with np.errstate(over="ignore"):
        pixels = (points - (left, top)) * (_WIDTH / (right - left), -_HEIGHT / (top - bottom))
    return np.nan_to_num(pixels, nan=1e4).clip(-1e4, 1e4)


def _text(pixels: NDArray[Any]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)


def _images(race: Race, steps: Sequence[int]) -> list["Image"]:
    """A picture for each of these steps; what does not move is drawn once."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    drawing = Figure(figsize=(7.2, 4.6), dpi=100)
    canvas = FigureCanvasAgg(drawing)
    axes = drawing.add_axes((0.06, 0.08, 0.64, 0.84))
    axes.contour(*_levels(race.surface), colors="0.75", linewidths=0.7, linestyles="solid")
    axes.plot(*zip(*race.surface.minima, strict=True), "x", color="black")
    axes.set(xlim=race.surface.domain[0], ylim=race.surface.domain[1])
    title = axes.set_title("", loc="left", fontsize=10, animated=True)
    lines = [
        axes.plot(
            [], [], "o-", color=_COLOURS[rank % len(_COLOURS)], linewidth=1.5, markersize=6, animated=True,
            label=f"{each.racer.name}: {reached(race, each)}",
        )[0]
        for rank, each in enumerate(race.results)
    ]  # fmt: skip
    legend = axes.legend(
        loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=8, title="steps to target", frameon=False
    )
    for text in legend.get_texts():
        text.set_parse_math(False)  # a name is no formula
    canvas.draw()
    background = canvas.copy_from_bbox(drawing.bbox)
    images = []
    for step in steps:
        canvas.restore_region(background)
        for line, result in zip(lines, race.results, strict=True):
            trail = result.descent.points[: step + 1].numpy()
            line.set_data(trail[:, 0], trail[:, 1])
            line.set_markevery([len(trail) - 1])
            axes.draw_artist(line)
        title.set_text(f"{race.surface.name}, step {count(step)}")
        axes.draw_artist(title)
        images.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))
    return images
