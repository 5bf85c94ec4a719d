"""Run the ward: ``python -m benchmarks.ward [--half reported] [--check gaps identical]``."""

import argparse
import math
import os
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch

import gradus.diagnosis.watch  # noqa: F401  what every program needs is loaded before it is forked
from benchmarks.measure import table
from benchmarks.ward.bed import Outcome, run
from benchmarks.ward.programs import LOOP_AND_OUTPUT, Program, drawn, programs

SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Seen:
    """A program and what the doctor said of it."""

    program: Program
    outcome: Outcome

    @property
    def detected(self) -> bool:
        return bool(self.outcome.findings)

    def right(self, among: int) -> bool:
        """Whether the cause is among the first so many."""
        named = self.outcome.causes[:among]
        return any(each in named for each in (self.program.cause, *self.program.accept))

    @property
    def steps_until_said(self) -> int | None:
        """Steps from where the first finding could be seen to where it was said."""
        said = [each["said_at_step"] - each["since_step"] for each in self.outcome.findings]
        return min(said) if said else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Print per program and in total; 1 if a program broke, was changed, or a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("all", "tuning", "reported"), default="all")
    parser.add_argument("--group", choices=("all", "faults", "twins", "healthy", "examples"), default="all")
    parser.add_argument("--only", nargs="*", default=[], help="programs by name")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", nargs="*", choices=("gaps", "identical"), default=[])
    parser.add_argument(
        "--from", type=drawn, dest="mistakes", help="a folder of mistakes that `benchmarks.ward.mutants` drew"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    chosen = [
        each
        for each in programs(options.mistakes)
        if (not options.only or each.name in options.only)
        and (options.half == "all" or (each.tuning == (options.half == "tuning")))
    ]
    good = True
    if "gaps" in options.check:
        good &= _gaps([each for each in chosen if each.group == "faults"], options.workers)
    if "identical" in options.check:
        good &= _identical(chosen, options.workers)
    if not options.check:
        good = _ward(chosen, options.group, options.seed, options.workers)
    return 0 if good else 1


def _ward(chosen: Sequence[Program], group: str, seed: int, workers: int) -> bool:
    faults = [each for each in chosen if each.group == "faults"]
    seen_faults = _watch(faults if group in ("all", "faults") else [], lambda each: each.source, seed, workers)
    twins = _watch(faults if group in ("all", "twins") else [], lambda each: each.twin, seed, workers)
    well = [each for each in chosen if each.group != "faults" and group in ("all", each.group)]
    healthy = _watch(well, lambda each: each.source, seed, workers)
    if seen_faults:
        print("\n## Faults\n")
        header = ["program", "half", "kind", "cause", "detected", "first", "in three", "steps", "said", "causes"]
        print(table(header, [_fault_row(each) for each in seen_faults]))
    quiet = [each for each in (*healthy, *twins) if each.detected or each.outcome.code]
    print("\n## False alarms\n")
    print(table(["program", "half", "symptoms", "code"], [_alarm_row(each) for each in quiet]))
    print("\n## In total\n")
    print(table(["half", "figure", "value"], _totals(seen_faults, healthy, twins)))
    broken = [each for each in (*healthy, *twins) if "stumbled" in each.outcome.err or each.outcome.code not in (0, 1)]
    for each in (*broken, *(one for one in seen_faults if "stumbled" in one.outcome.err)):
        print(f"\nbroke: {each.program.name}: {each.outcome.err[-600:]}")
    return not broken


def _watch(chosen: Sequence[Program], source: Callable[[Program], str], seed: int, workers: int) -> list[Seen]:
    with ThreadPoolExecutor(workers) as pool:
        outcomes = pool.map(lambda each: run(source(each), each.name, seed, watched=True), chosen)
        return [Seen(program, outcome) for program, outcome in zip(chosen, outcomes, strict=True)]


def _fault_row(seen: Seen) -> list[str]:
    program, outcome = seen.program, seen.outcome
    marks = ["x" if each else "-" for each in (seen.detected, seen.right(1), seen.right(3))]
    steps = "" if seen.steps_until_said is None else str(seen.steps_until_said)
    said = " ".join(each["symptom"] for each in outcome.findings)
    half, kind = _half(program), "structural" if program.structural else "dynamic"
    return [program.name, half, kind, program.cause, *marks, steps, said, " ".join(outcome.causes[:3])]


def _alarm_row(seen: Seen) -> list[str]:
    said = " ".join(each["symptom"] for each in seen.outcome.findings)
    name = f"{seen.program.name} (twin)" if seen.program.group == "faults" else seen.program.name
    return [name, _half(seen.program), said, str(seen.outcome.code)]


def _half(program: Program) -> str:
    return "tuning" if program.tuning else "reported"


def _totals(faults: Sequence[Seen], healthy: Sequence[Seen], twins: Sequence[Seen]) -> list[list[str]]:
    rows = []
    for half in ("reported", "tuning"):
        sick = [each for each in faults if _half(each.program) == half]
        for name, some in (
            ("dynamic", [each for each in sick if not each.program.structural]),
            ("structural", [each for each in sick if each.program.structural]),
            ("all", sick),
        ):
            if some:
                rows += [
                    [half, f"{name} faults detected", share(each.detected for each in some)],
                    [half, f"{name} faults, cause first", share(each.right(1) for each in some)],
                    [half, f"{name} faults, cause in three", share(each.right(3) for each in some)],
                ]
        soon = [each.steps_until_said for each in sick if each.program.cause in LOOP_AND_OUTPUT and each.detected]
        if soon:
            rows.append([half, "loop and output, named within 5 steps", share((each or 0) <= 5 for each in soon)])
        for name, well in (("healthy programs", healthy), ("twins", twins)):
            some = [each for each in well if _half(each.program) == half]
            if some:
                rows.append([half, f"{name} with an alarm", share(each.detected for each in some)])
                cost = statistics.median(each.outcome.document.get("overhead", math.nan) for each in some)
                rows.append([half, f"{name}, share of time, median", f"{cost:.3f}"])
    return rows


def share(marks: Iterable[bool]) -> str:
    """A share with its Wilson interval at 95 %."""
    known = list(marks)
    n, k, z = len(known), sum(known), 1.96
    centre, spread = (k + z * z / 2) / (n + z * z), z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    return f"{k}/{n} = {k / n:.3f} [{max(0.0, centre - spread):.3f}, {min(1.0, centre + spread):.3f}]"


def _gaps(faults: Sequence[Program], workers: int) -> bool:
    """Whether every dynamic fault hurts: its score beside its twin's, over three seeds, unwatched."""
    with ThreadPoolExecutor(workers) as pool:
        jobs = [(each, source, seed) for each in faults for source in (each.source, each.twin) for seed in SEEDS]
        scores = list(pool.map(lambda job: run(job[1], job[0].name, job[2], watched=False).score, jobs))
    rows, good = [], True
    for at, each in enumerate(faults):
        sick, well = (scores[6 * at + 3 * part : 6 * at + 3 * part + 3] for part in (0, 1))
        # A score that is no number is as bad as can be.
        hurts = all(not math.isfinite(one) or one < other for one, other in zip(sick, well, strict=True))
        hurts &= all(map(math.isfinite, well))
        good &= hurts or each.structural
        shown = [" ".join(f"{score:.3f}" for score in part) for part in (sick, well)]
        rows.append([each.name, "structural" if each.structural else "dynamic", *shown, "yes" if hurts else "no"])
    print(table(["program", "kind", "faulty", "twin", "hurts"], rows))
    return good


def _identical(chosen: Sequence[Program], workers: int) -> bool:
    """Whether watched programs print the same and take the same steps, bit for bit."""
    well = [each for each in chosen if each.group != "faults"]
    with ThreadPoolExecutor(workers) as pool:

        def both(each: Program) -> tuple[Outcome, Outcome]:
            plain, seen = (run(each.source, each.name, 0, watched=watched, digest=True) for watched in (False, True))
            return plain, seen

        pairs = list(pool.map(both, well))
    rows, good = [], True
    for each, (plain, seen) in zip(well, pairs, strict=True):
        marks = [not plain.code, bool(plain.weights) and plain.weights == seen.weights, plain.out == seen.out]
        good &= all(marks) and seen.code in (0, 1)
        rows.append([each.name, *("yes" if mark else "NO" for mark in marks)])
    print(table(["program", "ran", "same weights", "same output"], rows))
    return good


if __name__ == "__main__":
    sys.exit(main())
