"""Timing on a machine that is never quite still: short interleaved runs, medians and quartiles."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Clock = Literal["wall", "cpu"]
Mark = Callable[[], None]
Runner = Callable[[int, Mark], object]
"""Trains for so many epochs and calls the mark after each."""


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock on the wall, and of this process on a processor."""

    wall: float
    cpu: float

    def by(self, clock: Clock) -> float:
        return self.wall if clock == "wall" else self.cpu


@dataclass(frozen=True)
class Spread:
    """Median and quartiles."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        return cls(*statistics.quantiles(values, n=4, method="inclusive"))

    def text(self, digits: int) -> str:
        return f"{self.middle:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def time_epochs(runner: Runner, epochs: int) -> Spent:
    """Seconds from the end of the first epoch to the end of the last.

    So that what a framework does once, before it trains, is not charged to its steps.
    """
    marks: list[tuple[float, float]] = []
    gc.collect()
    runner(epochs, lambda: marks.append((time.perf_counter(), time.process_time())))
    if len(marks) != epochs:
        raise RuntimeError(f"{epochs} epochs were to be trained, and {len(marks)} came to their end")
    return Spent(marks[-1][0] - marks[0][0], marks[-1][1] - marks[0][1])


def interleave(runners: Mapping[str, Runner], epochs: int, rounds: int) -> dict[str, list[Spent]]:
    """Time every runner once a round, after one round that does not count.

    Every round begins with another runner, so that none always follows the same one.
    """
    names = list(runners)
    spent: dict[str, list[Spent]] = {name: [] for name in names}
    for each in runners.values():
        time_epochs(each, 2)
    gc.freeze()  # so that collecting before every run is quick: what is there by now need not be looked over again
    try:
        for turn in range(rounds):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                spent[name].append(time_epochs(runners[name], epochs))
    finally:
        gc.unfreeze()
    return spent


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that reads as plain text and as Markdown; the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        return "| " + " | ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return "\n".join([line(header), rule, *(line(row) for row in rows)])
