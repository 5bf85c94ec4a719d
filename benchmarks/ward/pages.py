"""The figures and measured tables of docs/causes: ``python -m benchmarks.ward.pages [CAUSE ...]``.

A page names a program of the ward: ``<!-- program: f1_deep_sigmoid -->``. Its figure shows that program beside its
healthy twin, and its table what each change that the doctor prescribes comes to, means of three seeds.
"""

import argparse
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.ward.__main__ import SEEDS
from benchmarks.ward.bed import run
from benchmarks.ward.fixes import Scores, unmarked
from benchmarks.ward.programs import Program, patched, programs

Signs = dict[str, Any]
Points = list[tuple[float, float]]
PAGES = Path(__file__).parents[2] / "docs" / "causes"
FAULTY, TWIN = "#c2410c", "#1d6fa5"
TRIES = 3
BY_LAYER = {
    "vanishing-gradient": "gradient", "exploding-gradient": "gradient", "bad-initialization": "gradient",
    "symmetric-initialization": "gradient", "vanishing-through-time": "gradient", "exploding-through-time": "gradient",
    "dead-units": "dead", "saturated-units": "saturated",
    "learning-rate-too-high": "update", "learning-rate-too-low": "update", "optimizer-epsilon-too-large": "update",
    "summed-loss": "update", "unscaled-targets": "update", "parameters-not-in-optimizer": "update",
    "stale-optimizer": "update", "missing-step": "update", "frozen-parameters": "update",
    "unregistered-parameters": "update", "detached-graph": "gradient",
}  # fmt: skip
"""Causes that show by layer, and in which sign; others show in what is held out, or in the share that is right."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw and measure; 1 if a page names no program of its cause."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("causes", nargs="*", help="all pages by default")
    parser.add_argument("--cache", type=Path, help="a folder that keeps scores of programs that ran before")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    scores = Scores(options.cache)
    known = {each.name: each for each in programs() if each.group == "faults"}
    pages = [page for page in sorted(PAGES.glob("*.md")) if not options.causes or page.stem in options.causes]
    with ThreadPoolExecutor(options.workers) as pool:
        done = list(pool.map(lambda page: _remake(page, known, scores), pages))
    return 0 if all(done) else 1


def _remake(page: Path, known: dict[str, Program], scores: Scores) -> bool:
    text = page.read_text(encoding="utf-8")
    named = re.search(r"^<!-- program: (\S+) -->$", text, re.MULTILINE)
    if named is None:
        return True  # one that no single process shows
    program = known.get(named[1])
    if program is None or page.stem not in (program.cause, *program.accept):
        print(f"{page.name}: {named[1]} is no program of this cause")
        return False
    source = unmarked(program.source)
    sick, well = (run(each, program.name, 0, watched=False, record=True).history for each in (source, program.twin))
    _draw(page.stem, sick, well)
    measured = _measured(program, source, scores)
    page.write_text(_illustrated(text, page.stem, measured), encoding="utf-8")
    return True


def _illustrated(text: str, cause: str, measured: str) -> str:
    """The page with its figure and its table, in place of those it had."""
    figure = f"![{cause}: a faulty program beside its healthy twin](figures/{cause}.svg)\n\n"
    shows, sources, begin, end = "## How it shows\n\n", "## Sources", "<!-- measured -->", "<!-- /measured -->"
    if figure not in text:
        text = text.replace(shows, shows + figure)
    if begin not in text:
        text = text.replace(sources, f"{begin}\n{end}\n\n{sources}")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{measured}{end}{after}"


def _measured(program: Program, source: str, scores: Scores) -> str:
    rows = [("as it is", scores.mean(source, program.name))]
    prescribed = run(source, program.name, SEEDS[0], watched=True).document.get("prescriptions", [])
    diff = ""
    for each in [each for each in prescribed if each["cause"] in (program.cause, *program.accept)][:TRIES]:
        score = scores.mean(patched(source, each["diff"]), program.name)
        rows.append((f"`{each['remedy']}`", score))
        diff = diff or each["diff"]
    rows.append(("its healthy twin", scores.mean(program.twin, program.name)))
    lines = [f"| `{program.name}` | score |", "|---|---|", *(f"| {name} | {_shown(score)} |" for name, score in rows)]
    shown = ["", "```diff", diff.rstrip(), "```"] if diff else []
    return "\n".join([*lines, *shown, ""])


def _shown(score: float) -> str:
    return f"{score:.3f}" if math.isfinite(score) else "no number"


def _draw(cause: str, sick: Signs, well: Signs) -> None:
    style: Any = {
        "svg.fonttype": "none", "svg.hashsalt": cause, "font.size": 8, "axes.spines.top": False,
        "axes.spines.right": False,
    }  # fmt: skip
    with rc_context(style):
        figure = Figure(figsize=(7.2, 2.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        _losses(left, sick, well)
        sign = BY_LAYER.get(cause)
        if sign is None or not _by_layer(right, sign, sick, well):
            _learned(right, sick, well)
        left.legend(frameon=False)
        place = PAGES / "figures" / f"{cause}.svg"
        place.parent.mkdir(exist_ok=True)
        figure.savefig(place, metadata={"Date": None})


def _each(axes: Axes, sick: Signs, well: Signs, points: Callable[[Signs], Points]) -> bool:
    """Draw the same of both; whether there was anything to draw of the faulty one."""
    for history, colour, name in ((well, TWIN, "healthy twin"), (sick, FAULTY, "faulty")):
        pairs = points(history)
        x, y = [each[0] for each in pairs], [each[1] for each in pairs]
        axes.plot(x, y, color=colour, label=name, lw=1.2, marker="." if len(pairs) < 12 else None)
    return bool(points(sick))


def _losses(axes: Axes, sick: Signs, well: Signs) -> None:
    def points(history: Signs) -> Points:
        losses = history["losses"]
        return [(history["steps"] * (at + 0.5) / len(losses), loss) for at, loss in enumerate(losses)]

    _each(axes, sick, well, points)
    values = [each for history in (sick, well) for each in history["losses"] if math.isfinite(each)]
    if values and min(values) > 0 and max(values) > 50 * min(values):
        axes.set_yscale("log")
    axes.set(xlabel="step", ylabel="training loss")


def _by_layer(axes: Axes, sign: str, sick: Signs, well: Signs) -> bool:
    """The sign of every layer, from the first to the last, in the middle of the run."""

    def points(history: Signs) -> Points:
        seen = [layers for _, layers in history["signs"][: len(history["signs"]) // 2 + 1]]
        values = [row[sign] for row in (seen[-1] if seen else {}).values() if sign in row]
        return list(enumerate(values, 1))

    drawn = _each(axes, sick, well, points)
    words = {"gradient": "root mean square of the gradient", "update": "update over weight"}
    if sign in words and drawn:
        axes.set_yscale("log")
    axes.set(xlabel="layer", ylabel=words.get(sign, f"share of units {sign}"))
    return drawn


def _learned(axes: Axes, sick: Signs, well: Signs) -> None:
    """What is held out, where the program looks at it; else what is right in training, else the size of updates."""

    def held_out(which: int) -> Callable[[Signs], Points]:
        return lambda history: [(each[0], each[which]) for each in history["evaluations"] if each[which] is not None]

    for label, points in (
        ("held-out accuracy", held_out(2)),
        ("held-out loss", held_out(1)),
        ("right in training", lambda history: [tuple(each) for each in history["right"]]),
        ("update over weight", _updates),
    ):
        if len(points(sick)) > 1:
            _each(axes, sick, well, points)
            axes.set(xlabel="step", ylabel=label)
            return
    axes.set_axis_off()


def _updates(history: Signs) -> Points:
    """The median over layers at each examined step."""
    pairs = []
    for step, layers in history["signs"]:
        ratios = sorted(row["update"] for row in layers.values() if row.get("update"))
        if ratios:
            pairs.append((float(step), ratios[len(ratios) // 2]))
    return pairs


if __name__ == "__main__":
    sys.exit(main())
