"""What gradus's training loop costs, beside loops written by hand and other frameworks.

Run from the root of the repository: ``python -m benchmarks.training_loop [--quick]``.
"""

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

import gradus
from benchmarks import aten, loops
from benchmarks.frameworks import FRAMEWORKS, quiet
from benchmarks.loops import Loop
from benchmarks.measure import Clock, Mark, Runner, Spent, Spread, interleave, table
from benchmarks.tasks import Task, digits_task, image_task, null_task

TARGET_MICROSECONDS = 40.0
PARTS = ("cost", "operations", "frameworks")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if the operations differ from the hand-written loop's, which noise cannot explain."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="few and short rounds: see that it runs, not how fast")
    parser.add_argument("--threads", type=int, default=1, help="of torch's arithmetic (default: 1)")
    parser.add_argument("--rounds", type=int, default=15, help="of the frameworks' tables (default: 15)")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure (default: all)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    quiet()
    print(surroundings(), flush=True)
    equal = True
    if "cost" in options.parts:
        print(direct_cost(rounds=10 if options.quick else 300), flush=True)
    if "operations" in options.parts:
        text, equal = operations()
        print(text, flush=True)
    if "frameworks" in options.parts:
        folder = Path(os.environ.get("GRADUS_DATA", ""), "mnist")
        images = image_task(640 if options.quick else 3200, folder if folder.is_dir() else None)
        for task, epochs in ((digits_task(), 11), (images, 2)):
            chosen = {"rounds": 2, "epochs": 2} if options.quick else {"rounds": options.rounds, "epochs": epochs}
            print(end_to_end(task, **chosen), flush=True)
    return 0 if equal else 1


def surroundings() -> str:
    """The machine and the versions that the figures hold for."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    versions = [
        f"gradus {gradus.__version__}",
        f"torch {torch.__version__}",
        f"numpy {np.__version__}",
        f"Python {platform.python_version()}",
        *dict.fromkeys(f"{each.package} {each.version or 'absent'}" for each in FRAMEWORKS),
    ]
    machine = f"{processor or platform.machine()}, {os.cpu_count()} processors"
    return f"""# The training loop

- {", ".join(versions)}
- {machine}; torch computes with {torch.get_num_threads()} thread(s)"""


def direct_cost(*, rounds: int, epochs: int = 2) -> str:
    """Part (a): microseconds a step beyond the hand-written loop's, on a model that computes nearly nothing."""
    task = null_task()
    compared = [loops.BY_HAND, loops.AGAIN, loops.TRAINER, loops.WITH_CALLBACKS]
    spent = interleave({each.name: _runner(each, task) for each in compared}, epochs, rounds)
    steps = (epochs - 1) * task.steps

    def beyond(loop: Loop, clock: Clock) -> Spread:
        pairs = zip(spent[loop.name], spent[loops.BY_HAND.name], strict=True)
        return Spread.of([1e6 * (each.by(clock) - by_hand.by(clock)) / steps for each, by_hand in pairs])

    rows = []
    for loop in compared:
        whole = Spread.of([1e6 * each.cpu / steps for each in spent[loop.name]])
        differences = ["", ""] if loop is loops.BY_HAND else [beyond(loop, clock).text(1) for clock in ("cpu", "wall")]
        rows.append([loop.name, whole.text(1), *differences])
    reached = beyond(loops.TRAINER, "cpu").middle
    verdict = "met" if reached <= TARGET_MICROSECONDS else "missed"
    return f"""
## (a) Direct cost of a step

Microseconds a step on a model of one number: {rounds} interleaved rounds of {steps} steps, {task.steps} an epoch;
median [quartiles]. What goes beyond the loop by hand is taken round by round.

{table(["loop", "CPU time", "beyond by hand, CPU time", "beyond by hand, wall clock"], rows)}

Target, at most {TARGET_MICROSECONDS:g} of CPU time for the Trainer: {verdict} with {reached:.1f}."""


def operations() -> tuple[str, bool]:
    """Part (b): what torch is asked for, in order; and whether that is the same for every task."""
    rows, differences = [], []
    for task in (digits_task(), image_task(640)):
        for scheduled in (False, True):
            name = f"{task.name}, AdamW{', one-cycle rate' if scheduled else ''}"
            by_hand, by_trainer = aten.record_training(task, scheduled=scheduled)
            found = aten.difference(by_hand, by_trainer)
            rows.append([name, str(len(by_hand)), str(len(by_trainer)), "no" if found else "yes"])
            if found:
                differences += ["", f"{name}:", "", *(f"    {line}" for line in found)]
    text = f"""
## (b) Operations

Every operation torch is asked for in two epochs, and the tensors it takes: forward, backward, step and what is between.

{table(["task", "by hand", "gradus", "equal"], rows)}"""
    return "\n".join([text, *differences]), not differences


def end_to_end(task: Task, *, rounds: int, epochs: int) -> str:
    """Part (c): steps per second of whole epochs, beside other ways to train the same network."""
    compared = [loops.BY_HAND, loops.AGAIN, loops.TRAINER, loops.WITH_FOLDER, loops.FROM_LOADER, loops.PLAINLY]
    compared += FRAMEWORKS
    final: dict[str, float] = {}
    spent = interleave({each.name: _runner(each, task, final) for each in compared if each.version}, epochs, rounds)
    steps = (epochs - 1) * task.steps
    rows = []
    for loop in compared:
        if loop.version is None:
            rows.append([loop.name, "absent", "", "", "", ""])
            continue
        rate = Spread.of([steps / each.wall for each in spent[loop.name]])
        ratios = [_ratio(spent, loop, loops.FROM_LOADER, clock).text(2) for clock in ("wall", "cpu")]
        rows.append([loop.name, rate.text(0), *ratios, f"{final[loop.name]:.3f}", loop.note])
    others = [each for each in FRAMEWORKS if each.version]
    ahead_of = [each.name for each in others if _ratio(spent, loops.TRAINER, each, "wall").middle > 1]
    to_plain = _ratio(spent, loops.TRAINER, loops.PLAINLY, "wall")
    header = ["loop", "steps/s", "ratio to `by hand, DataLoader`", "the same, CPU time", "loss after", "note"]
    return f"""
## (c) {task.name}, {len(task.target)} examples, batch {task.batch_size}, AdamW

{rounds} interleaved rounds of {steps} steps in {epochs - 1} whole epochs, after one epoch that does not count; median
[quartiles]. Ratios are taken round by round; above 1 is faster. `loss after` is over all examples.

{table(header, rows)}

- The gradus Trainer is ahead of {len(ahead_of)} of {len(others)} frameworks: {", ".join(ahead_of) or "none"}.
- Beside `{loops.PLAINLY.name}` its ratio is {to_plain.text(2)}."""


def _ratio(spent: dict[str, list[Spent]], loop: Loop, base: Loop, clock: Clock) -> Spread:
    """How many times as fast as `base`."""
    pairs = zip(spent[base.name], spent[loop.name], strict=True)
    return Spread.of([before.by(clock) / after.by(clock) for before, after in pairs])


def _runner(loop: Loop, task: Task, final: dict[str, float] | None = None) -> Runner:
    """The loop on a fresh network; its last loss over all examples goes into `final`."""

    def run(epochs: int, mark: Mark) -> None:
        network = task.network()
        loop.train(task, network, epochs, mark)
        if final is not None:
            with torch.no_grad():
                final[loop.name] = float(task.criterion(network(task.inputs), task.target))

    return run


if __name__ == "__main__":
    sys.exit(main())
