"""Maps of what the doctor measured: a row for each layer, a column for each examined step, a shade for each number.

Drawn here, as paths for inline SVG, so that a page shows them without its script, too.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradus.report.words import count, figure, percent

Signs = Mapping[int, Mapping[str, Mapping[str, float]]]
SHADES = 9
MOST_ROWS, MOST_COLUMNS = 120, 60
_MOST_LETTERS = 22
_LETTER = 6.7  # width in pixels of a monospaced letter of 11 pixels
HEAD = 18  # pixels above the cells, for the steps
_NARROW = 340  # pixels for the cells of a map that stands beside another


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of sign."""

    id: str
    title: str
    about: str
    share: bool = False


KINDS = (
    Kind(id="gradient", title="Gradient", about="Root mean square of the gradient of a layer's weights."),
    Kind(id="update", title="Update ratio", about="What a step changes of a layer's weights, as a share of them."),
    Kind(id="dead", title="Dead units", about="Share of units that give zero for every example.", share=True),
    Kind(id="saturated", title="Saturated units", about="Share of units at an end of their range.", share=True),
    Kind(id="through_time", title="Gradient through time", about="At a sequence's first step, by that at the last."),
    Kind(id="kept", title="Memory kept", about="Mean of a forget gate, or of a GRU's update gate.", share=True),
)  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """From numbers to shades: linear from 0 to 1, or powers of ten from `low` to `high`, every `every`th marked."""

    low: int
    high: int
    every: int
    share: bool

    @classmethod
    def of(cls, kind: Kind, values: Sequence[float]) -> "Scale":
        powers = [math.log10(each) for each in values if 0 < each < math.inf]
        if kind.share or not powers:
            return cls(0, 1, 1, kind.share)
        low = math.floor(min(powers))
        span = max(1, math.ceil(max(powers)) - low)
        every = math.ceil(span / 4)
        return cls(low, low + every * math.ceil(span / every), every, share=False)

    def shade(self, value: float) -> str:
        """The class of a cell."""
        if not math.isfinite(value):
            return "bad"
        if value <= 0 and not self.share:
            return "zero"
        place = ((value if self.share else math.log10(value)) - self.low) / (self.high - self.low)
        return str(min(SHADES - 1, max(0, int(place * SHADES))))

    def marks(self) -> list[tuple[float, str]]:
        """Where between 0 and 1 which number stands: at most five."""
        if self.share:
            return [(each / 4, f"{25 * each} %") for each in range(5)]
        span = self.high - self.low
        return [(each / span, f"1e{self.low + each}") for each in range(0, span + 1, self.every)]


def heat_maps(signs: Signs) -> list[dict[str, Any]]:
    """A map for every kind of sign that any layer has."""
    steps = sorted(signs)
    maps = []
    for kind in KINDS:
        layers = list(dict.fromkeys(name for step in steps for name, row in signs[step].items() if kind.id in row))
        values = [[signs[step].get(name, {}).get(kind.id) for step in steps] for name in layers]
        if layers:
            maps.append(_map(kind, layers, steps, values))
    return maps


def _map(
    kind: Kind, layers: Sequence[str], steps: Sequence[int], values: Sequence[Sequence[float | None]]
) -> dict[str, Any]:
    rows, columns = _spread(len(layers), MOST_ROWS), _spread(len(steps), MOST_COLUMNS)
    known = [each for row in values for each in row if each is not None]
    scale = Scale.of(kind, known)
    names = [layers[row] or "(the network)" for row in rows]
    cells = [[values[row][column] for column in columns] for row in rows]
    said = [kind.about, *_extremes(kind, layers, steps, values)]
    for shown, total, what in ((rows, layers, "layers"), (columns, steps, "examined steps")):
        if len(shown) < len(total):
            said.append(f"Shown are {count(len(shown))} of {count(len(total))} {what}, evenly spread.")
    shown_steps = [steps[column] for column in columns]
    say = percent if kind.share else figure
    return {
        "id": kind.id,
        "title": kind.title,
        "said": " ".join(said),
        "names": names,
        "steps": shown_steps,
        "cells": [["" if each is None else say(each) for each in row] for row in cells],
        "marks": scale.marks(),
        **_drawing(names, shown_steps, [["" if each is None else scale.shade(each) for each in row] for row in cells]),
    }


def _spread(total: int, most: int) -> list[int]:
    """At most `most` of `total` places, the first and the last among them."""
    if total <= most:
        return list(range(total))
    return [round(each * (total - 1) / (most - 1)) for each in range(most)]


def _extremes(
    kind: Kind, layers: Sequence[str], steps: Sequence[int], values: Sequence[Sequence[float | None]]
) -> Iterator[str]:
    """The smallest, the largest, and what no scale has, in words, also of what is not shown; the earliest of equals."""
    cells = [
        (row[column], steps[column], layer or "the network")
        for column in range(len(steps))
        for layer, row in zip(layers, values, strict=True)
    ]
    known = [(value, step, layer) for value, step, layer in cells if value is not None]
    finite = [each for each in known if math.isfinite(each[0])]
    scaled = [each for each in finite if kind.share or each[0] > 0]
    say = percent if kind.share else figure
    if scaled:
        low, high = min(scaled, key=lambda each: each[0]), max(scaled, key=lambda each: each[0])
        if low[0] == high[0]:
            yield f"{say(low[0])} everywhere."
        else:
            places = (f"{say(value)} in {layer} at step {count(step)}" for value, step, layer in (low, high))
            yield "Smallest {}, largest {}.".format(*places)
    for what, some in (
        ("Zero", [each for each in finite if not kind.share and each[0] <= 0]),
        ("Not finite", [each for each in known if not math.isfinite(each[0])]),
    ):
        if some:
            _, step, layer = some[0]
            yield f"{what} {count(len(some))} time{'s' * (len(some) > 1)}, first in {layer} at step {count(step)}."


def _drawing(names: Sequence[str], steps: Sequence[int], shades: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Sizes in pixels, one path for each shade, and the words along both axes."""
    wide = len(steps) * 9 > _NARROW
    width = 14 if wide else max(9, min(28, _NARROW // len(steps)))
    height = 18 if len(names) <= 40 else 13
    paths: dict[str, str] = {}
    for row, line in enumerate(shades):
        for column, shade in enumerate(line):
            if shade:
                cell = f"M{column * width} {HEAD + row * height}h{width - 1}v{height - 1}h{1 - width}z"
                paths[shade] = paths.get(shade, "") + cell
    labels = [_shortened(each) for each in names]
    words = [str(each) for each in steps]
    every = math.ceil((max(map(len, words)) * _LETTER + 8) / width)
    ticks = [(column * width, words[column]) for column in range(0, len(words), every)]
    return {
        "wide": wide,
        "cell": (width, height),
        "width": max(width * len(steps), math.ceil(ticks[-1][0] + len(ticks[-1][1]) * _LETTER)),
        "height": HEAD + height * len(names),
        "head": HEAD,
        "margin": math.ceil(max(len("step"), *map(len, labels)) * _LETTER) + 8,
        "labels": labels,
        "ticks": ticks,
        "paths": paths,
        "holes": any("" in line for line in shades),
    }


def _shortened(name: str) -> str:
    """``e.l.11.s.projection``: initials from the left until it fits; numbers and the last part stay."""
    parts = name.split(".")
    for place, part in enumerate(parts[:-1]):
        if len(".".join(parts)) <= _MOST_LETTERS:
            break
        parts[place] = part if part.isdigit() else part[:1]
    short = ".".join(parts)
    return short if len(short) <= _MOST_LETTERS else f"…{short[1 - _MOST_LETTERS :]}"
