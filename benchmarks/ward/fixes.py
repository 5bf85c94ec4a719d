"""Whether what the doctor prescribes works: ``python -m benchmarks.ward.fixes [--half reported] [--random]``.

Each faulty program is watched; what is prescribed is applied to its source, one after the other, and run. A fix works
if it recovers 90 % of the way from the faulty program's score to its healthy twin's, in the mean over three seeds; of a
structural fault, which hurts little, if the doctor named it and does no longer, and the score is no worse.

With ``--judged`` the doctor tries them itself (``gradus doctor --try 3 --maximize score``), and only what it then
prescribes is applied.
"""

import argparse
import hashlib
import math
import os
import random
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import gradus.diagnosis.watch  # noqa: F401  what every program needs is loaded before it is forked
from benchmarks.measure import table
from benchmarks.ward.__main__ import SEEDS, share
from benchmarks.ward.bed import run
from benchmarks.ward.programs import Program, drawn, patched, programs
from gradus.diagnosis.prescription import delivery
from gradus.diagnosis.prescription.fixes import Case
from gradus.diagnosis.prescription.prescribe import Prescription, prescriptions
from gradus.diagnosis.remedies import BY_ID

WORKS = 0.9
WORSE = 0.02
"""Of the gap, or of a score whose gap is less than 1: what chance does."""


@dataclass(frozen=True)
class Tried:
    """What came of a program.

    Attributes:
        faulty, twin: mean scores.
        remedies: those tried, in order.
        recovered: the share of the gap that each recovered.
        scores: the mean score after each.
    """

    program: Program
    faulty: float
    twin: float
    causes: list[str]
    remedies: list[str]
    recovered: list[float]
    scores: list[float]

    def works(self, tries: int) -> bool:
        return any(each >= WORKS for each in self.recovered[:tries])

    @property
    def worse(self) -> bool:
        """Whether the first one did harm."""
        room = WORSE * max(1.0, abs(self.twin))
        return bool(self.scores) and not self.scores[0] >= self.faulty - room and not math.isnan(self.faulty)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row per program, and totals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("all", "tuning", "reported"), default="all")
    parser.add_argument("--only", nargs="*", default=[], help="programs by name, or the beginnings of names")
    parser.add_argument("--cause", nargs="*", default=[], help="only programs of these causes")
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--judged", action="store_true", help="apply only what the doctor keeps after trying it")
    parser.add_argument("--random", action="store_true", help="any change the table of fixes can make, by chance")
    parser.add_argument("--cache", type=Path, help="a folder that keeps scores of programs that ran before")
    parser.add_argument(
        "--from", type=drawn, dest="mistakes", help="a folder of mistakes that `benchmarks.ward.mutants` drew"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.random:
        delivery.prescriptions = _by_chance  # type: ignore[attr-defined]
    chosen = [
        each
        for each in programs(options.mistakes)
        if each.group == "faults"
        and (not options.only or each.name.startswith(tuple(options.only)))
        and (not options.cause or each.cause in options.cause)
        and (options.half == "all" or each.tuning == (options.half == "tuning"))
    ]
    scores = Scores(options.cache)
    with ThreadPoolExecutor(options.workers) as pool:
        tried = list(pool.map(lambda each: _try(each, scores, options.tries, judged=options.judged), chosen))
    header = ["program", "cause", "named", "faulty", "twin", "tried", "recovered", "works"]
    print(table(header, [_row(each, options.tries) for each in tried]))
    print()
    print(table(["half", "figure", "value"], list(_totals(tried, options.tries))))
    return 0


class Scores:
    """Scores of sources by seed; each is run once."""

    def __init__(self, place: Path | None) -> None:
        self._place = place
        if place is not None:
            place.mkdir(parents=True, exist_ok=True)

    def of(self, source: str, name: str, seed: int) -> float:
        digest = hashlib.sha256(f"{seed}\n{source}".encode()).hexdigest()[:24]
        kept = None if self._place is None else self._place / digest
        if kept is not None and kept.exists():
            return float(kept.read_text())
        score = run(source, name, seed, watched=False).score
        if kept is not None:
            kept.write_text(repr(score))
        return score

    def mean(self, source: str, name: str) -> float:
        return sum(self.of(source, name, seed) for seed in SEEDS) / len(SEEDS)


def unmarked(source: str) -> str:
    """A faulty program without what tells the answer: the marks of its fault and its twin, and its cause."""
    lines = [
        re.sub(r"\s*# FAULT\s*$", "", line)
        for line in source.splitlines()
        if not re.match(r"\s*# (TWIN:|cause:|accept:|kind:)", line)
    ]
    return "\n".join(lines) + "\n"


def _try(program: Program, scores: Scores, tries: int, *, judged: bool) -> Tried:
    source = unmarked(program.source)
    faulty, twin = scores.mean(source, program.name), scores.mean(program.twin, program.name)
    watched = run(source, program.name, SEEDS[0], watched=True, tries=tries if judged else 0)
    prescribed = watched.document.get("prescriptions", [])[: 1 if judged else tries]
    found = bool({program.cause, *program.accept} & set(watched.causes))
    remedies: list[str] = []
    recovered: list[float] = []
    after: list[float] = []
    for each in prescribed:
        if judged and not each["tried"]["kept"]:
            break
        fixed = patched(source, each["diff"])
        score = scores.mean(fixed, program.name)
        remedies.append(each["remedy"])
        recovered.append(_recovered(program, fixed, score, faulty, twin, found=found))
        after.append(score)
        if recovered[-1] >= WORKS:
            break
    return Tried(program, faulty, twin, watched.causes, remedies, recovered, after)


def _recovered(program: Program, fixed: str, score: float, faulty: float, twin: float, *, found: bool) -> float:
    """The share of the gap; a gap larger than the twin's own score counts as that, so that no divergence helps.

    Args:
        found: whether the doctor named the cause: what it never saw cannot be told to be gone.
    """
    floor = twin - max(1.0, abs(twin))
    low = max(faulty, floor) if math.isfinite(faulty) else floor
    if not math.isfinite(score):
        return 0.0
    if not program.structural or not found:
        return (score - low) / (twin - low) if twin > low else float(score >= twin)
    again = run(fixed, program.name, SEEDS[0], watched=True)
    cured = not {program.cause, *program.accept} & set(again.causes)
    # The right program itself may score a little lower.
    return float(cured and score >= min(low, twin) - WORSE * max(1.0, abs(twin)))


def _by_chance(case: Case, causes: Sequence[str]) -> Iterator[Prescription]:
    """Every change that the table can make of the program, for whatever cause, in random order."""
    every = list(prescriptions(case, list(BY_ID)))
    random.Random(case.program.script.text).shuffle(every)
    # They are told as if they were for the cause that was found, or the first would not be shown.
    return iter(every)


def _row(tried: Tried, tries: int) -> list[str]:
    marks = [f"{each:.2f}" for each in tried.recovered]
    program, works = tried.program, tried.works(tries)
    named = "x" if {program.cause, *program.accept} & set(tried.causes[:1]) else " ".join(tried.causes[:1]) or "-"
    scores = [f"{tried.faulty:.3f}", f"{tried.twin:.3f}"]
    return [
        program.name,
        program.cause,
        named,
        *scores,
        " ".join(tried.remedies),
        " ".join(marks),
        "x" if works else "-",
    ]


def _totals(tried: Sequence[Tried], tries: int) -> Iterator[list[str]]:
    for half in ("reported", "tuning"):
        some: list[Any] = [each for each in tried if each.program.tuning == (half == "tuning")]
        if some:
            yield [half, "a diff is prescribed", share(bool(each.remedies) for each in some)]
            yield [half, "the first works", share(each.works(1) for each in some)]
            yield [half, f"one of the first {tries} works", share(each.works(tries) for each in some)]
            yield [half, "the first does harm", share(each.worse for each in some)]


if __name__ == "__main__":
    sys.exit(main())
