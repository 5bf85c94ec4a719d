"""Run preflight over the ward: ``python -m benchmarks.ward.preflight [--only NAME ...] [--names f1 h1 ...]``."""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import gradus.diagnosis.preflight.examiner  # noqa: F401  what every program needs is loaded before it is forked
from benchmarks.measure import table
from benchmarks.ward.__main__ import share
from benchmarks.ward.programs import Program, programs
from gradus.core.errors import InputError
from gradus.diagnosis.preflight.script import examine_script

BEFORE_TRAINING = frozenset({
    "bad-initialization", "symmetric-initialization", "missing-nonlinearity", "vanishing-gradient",
    "exploding-gradient", "saturated-units", "dead-units", "vanishing-through-time", "exploding-through-time",
    "softmax-twice", "softmax-wrong-axis", "softmax-single-unit", "missing-log", "loss-output-mismatch", "output-range",
    "nonlinear-logits", "broadcast-loss", "summed-loss", "loss-sign", "optimizer-epsilon-too-large",
    "learning-rate-too-high", "learning-rate-too-low", "non-finite-input", "unscaled-inputs", "unscaled-targets",
    "feature-scale", "constant-inputs", "batch-mixing", "batch-norm-tiny-batch", "missing-zero-grad", "missing-step",
    "stale-optimizer", "parameters-not-in-optimizer", "unregistered-parameters", "frozen-parameters", "detached-graph",
    "training-in-eval-mode", "checkerboard",
})  # fmt: skip
"""Causes that are there before the first step."""


@dataclass(frozen=True)
class Seen:
    """A program, or its twin, and what preflight said of it.

    Attributes:
        seconds: by the clock on the wall, on a machine that others may use.
        busy: of the processor, which others do not lengthen.
    """

    program: Program
    twin: bool
    seconds: float
    busy: float
    document: dict[str, Any]
    error: str = ""

    @property
    def symptoms(self) -> list[str]:
        return [each["symptom"] for each in self.document.get("findings", ())]

    @property
    def causes(self) -> list[str]:
        return [each["id"] for each in self.document.get("causes", ())]

    @property
    def right(self) -> bool:
        """Whether the cause is what comes first."""
        return bool({self.program.cause, *self.program.accept} & set(self.causes[:1]))

    @property
    def named(self) -> bool:
        """Whether the cause is among what was found."""
        return bool({self.program.cause, *self.program.accept} & {*self.causes[:3], *self.symptoms})


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was found of each program, and in total."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="programs by name")
    parser.add_argument("--names", nargs="*", default=[], help="beginnings of names")
    parser.add_argument("--group", choices=("all", "faults", "twins", "healthy"), default="all")
    parser.add_argument("--budget", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write every document there")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    chosen = [
        each
        for each in programs()
        if (not options.only or each.name in options.only)
        and (not options.names or each.name.startswith(tuple(options.names)))
        and (each.group != "faults" or each.cause in BEFORE_TRAINING)
    ]
    jobs = [
        (each, twin)
        for each in chosen
        for twin in ((False, True) if each.group == "faults" else (False,))
        if options.group in ("all", "twins" if twin else "healthy" if each.group != "faults" else "faults")
    ]
    with ProcessPoolExecutor(options.workers, multiprocessing.get_context("fork")) as pool:
        seen = list(pool.map(_examine, jobs, [options.seed] * len(jobs), [options.budget] * len(jobs)))
    _print(seen)
    if options.json is not None:
        rows = [
            {"name": each.program.name, "twin": each.twin, "cause": each.program.cause, "seconds": each.seconds,
             "error": each.error, **each.document}
            for each in seen
        ]  # fmt: skip
        options.json.write_text(json.dumps(rows), encoding="utf-8")
    return 0


def _examine(job: tuple[Program, bool], seed: int, budget: float) -> Seen:
    program, twin = job
    with tempfile.TemporaryDirectory() as place:
        script = Path(place, f"{program.name}.py")
        script.write_text(program.twin if twin else program.source, encoding="utf-8")
        began, busy = time.perf_counter(), _busy()
        try:
            document, error = examine_script(script, [str(seed)], budget=budget), ""
        except (InputError, RuntimeError) as refused:
            document, error = {}, str(refused)
        seen = Seen(program, twin, time.perf_counter() - began, _busy() - busy, document, error)
        assert os.listdir(place) == [script.name]  # noqa: PTH208
        return seen


def _busy() -> float:
    """Processor seconds of the processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _print(seen: Sequence[Seen]) -> None:
    faults = [each for each in seen if each.program.group == "faults" and not each.twin]
    well = [each for each in seen if each not in faults]
    if faults:
        rows = [
            [each.program.name, each.program.cause, "x" if each.symptoms else "-", "x" if each.named else "-",
             "x" if each.right else "-", f"{each.seconds:.1f}", str(each.document.get("steps_seen", each.error[:60])),
             " ".join(each.symptoms), " ".join(each.causes[:2])]
            for each in faults
        ]  # fmt: skip
        print("\n## Faults\n")
        print(table(["program", "cause", "found", "named", "first", "seconds", "steps", "said", "causes"], rows))
    alarms = [each for each in well if each.symptoms or each.error]
    rows = [
        [
            each.program.name + (" (twin)" if each.twin else ""),
            f"{each.seconds:.1f}",
            " ".join(each.symptoms),
            each.error[-200:],
        ]
        for each in alarms
    ]
    print("\n## False alarms, and programs that could not be examined\n")
    print(table(["program", "seconds", "said", "refused"], rows))
    print("\n## In total\n")
    total = []
    if faults:
        total += [
            ["faults, any alarm", share(bool(each.symptoms) for each in faults)],
            ["faults, cause named", share(each.named for each in faults)],
            ["faults, cause first", share(each.right for each in faults)],
        ]
    for name, some in (
        ("healthy programs", [each for each in well if not each.twin]),
        ("twins", [each for each in well if each.twin]),
        ("healthy and twins", well),
    ):
        if some:
            total.append([f"{name} with an alarm", share(bool(each.symptoms) for each in some)])
    slow = [each.seconds for each in seen]
    total.append(["seconds, longest", f"{max(slow):.1f}"])
    total.append(["seconds, median", f"{sorted(slow)[len(slow) // 2]:.1f}"])
    busy = [each.busy for each in seen]
    total.append(["processor seconds, longest", f"{max(busy):.1f}"])
    total.append(["processor seconds, median", f"{sorted(busy)[len(busy) // 2]:.1f}"])
    print(table(["figure", "value"], total))


if __name__ == "__main__":
    sys.exit(main())
