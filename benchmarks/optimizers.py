"""What a step of gradus's own optimizers costs beside torch's.

    python -m benchmarks.optimizers

One thread, processor time. Every figure is a median of interleaved rounds; ratios are taken within a round, and given
with their quartiles. The control is the reference against a second one of its own.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn, optim
from torch.optim import Optimizer

from benchmarks.measure import Spread, table
from gradus.optim.adam import AdaMax
from gradus.optim.flat import Flat
from gradus.optim.momentum import MomentumSGD, Nesterov
from gradus.optim.proximal import ProximalSGD
from gradus.optim.rmsprop import RMSProp

SIZES = ((1000, 1_000), (10, 100_000))
MOST, LEAST = 1.2, 3.0
"""An own step may take so many times a foreach one of torch's; fused Adam must take so many times the flat one."""
Make = Callable[[list[nn.Parameter]], Optimizer]


@dataclass(frozen=True)
class Case:
    """A step of ours, and the step of torch's that does as much work."""

    name: str
    ours: Make
    reference: str
    theirs: Make
    fresh: bool = False


CASES = (
    Case(
        "RMSProp",
        lambda p: RMSProp(p, lr=1e-4),
        "RMSprop, foreach",
        lambda p: optim.RMSprop(p, lr=1e-4, foreach=True),
    ),
    Case(
        "RMSProp, Nesterov, eps within",
        lambda p: RMSProp(p, lr=1e-4, momentum=0.9, nesterov=True, eps_in_sqrt=True),
        "RMSprop with momentum, foreach",
        lambda p: optim.RMSprop(p, lr=1e-4, momentum=0.9, foreach=True),
    ),
    Case(
        "MomentumSGD",
        lambda p: MomentumSGD(p, lr=1e-4, momentum=0.9),
        "SGD with momentum, foreach",
        lambda p: optim.SGD(p, lr=1e-4, momentum=0.9, foreach=True),
    ),
    Case(
        "Nesterov",
        lambda p: Nesterov(p, lr=1e-4, momentum=0.9),
        "SGD with Nesterov, foreach",
        lambda p: optim.SGD(p, lr=1e-4, momentum=0.9, nesterov=True, foreach=True),
    ),
    Case(
        "AdaMax, eps outside",
        lambda p: AdaMax(p, lr=1e-4),
        "Adamax, foreach",
        lambda p: optim.Adamax(p, lr=1e-4, foreach=True),
    ),
    Case(
        "ProximalSGD, L1",
        lambda p: ProximalSGD(p, lr=1e-4, l1=1e-4),
        "RMSprop, foreach",  # as many passes over memory
        lambda p: optim.RMSprop(p, lr=1e-4, foreach=True),
    ),
)
FLAT = (
    Case("flat Adam", lambda p: Flat(optim.Adam(p, fused=True)), "fused Adam", lambda p: optim.Adam(p, fused=True)),
    Case(
        "flat Adam, fresh gradients",
        lambda p: Flat(optim.Adam(p, fused=True)),
        "fused Adam",
        lambda p: optim.Adam(p, fused=True),
        fresh=True,
    ),
)


def stepper(make: Make, tensors: int, elements: int, *, fresh: bool) -> Callable[[], float]:
    """A function that takes one step and returns its seconds of processor time."""
    generator = torch.Generator().manual_seed(0)
    points = [nn.Parameter(torch.randn(elements, generator=generator)) for _ in range(tensors)]
    optimizer = make(points)
    optimizer.zero_grad()
    gradients = [torch.randn(elements, generator=generator) for _ in points]
    for point, gradient in zip(points, gradients, strict=True):
        if point.grad is None or fresh:
            point.grad = gradient
        else:
            point.grad.copy_(gradient)

    def closure() -> Tensor:
        return torch.zeros(())

    def step() -> float:
        begun = time.process_time()
        optimizer.step(closure)  # type: ignore[arg-type]
        return time.process_time() - begun

    for _ in range(3):
        step()
    return step


def measured(case: Case, tensors: int, elements: int, rounds: int, calls: int) -> tuple[list[str], float]:
    """A row of the table, and the ratio it is judged by."""
    steppers = {
        name: stepper(make, tensors, elements, fresh=case.fresh)
        for name, make in (("ours", case.ours), ("theirs", case.theirs), ("control", case.theirs))
    }
    names = list(steppers)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(statistics.median(steppers[name]() for _ in range(calls)))
    ratio = Spread.of([a / b for a, b in zip(seconds["ours"], seconds["theirs"], strict=True)])
    control = Spread.of([a / b for a, b in zip(seconds["control"], seconds["theirs"], strict=True)])
    row = [
        case.name,
        f"{tensors} x {elements:,}",
        case.reference,
        f"{1e3 * statistics.median(seconds['ours']):.2f}",
        f"{1e3 * statistics.median(seconds['theirs']):.2f}",
        ratio.text(2),
        control.text(2),
    ]
    return row, ratio.middle


def main() -> int:
    """Print the table; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="show that it runs; the figures mean nothing")
    quick = parser.parse_args().quick
    rounds, calls = (2, 1) if quick else (15, 5)
    torch.set_num_threads(1)
    rows, missed = [], []
    for tensors, elements in SIZES:
        for case in (*CASES, *FLAT):
            row, ratio = measured(case, tensors, elements, rounds, calls)
            rows.append(row)
            if case in CASES and ratio > MOST:
                missed.append(f"{case.name} at {row[1]}: {ratio:.2f} times {case.reference}, at most {MOST}")
            if case is FLAT[0] and tensors > 100 and 1 / ratio < LEAST:
                missed.append(f"{case.name} at {row[1]}: {1 / ratio:.2f} times cheaper, at least {LEAST}")
    print(table(["step", "tensors", "beside", "ms", "theirs", "ratio", "control"], rows))
    print("\n".join(["", *(f"missed: {each}" for each in missed)]) if missed else "\nall targets met")
    return 1 if missed and not quick else 0


if __name__ == "__main__":
    sys.exit(main())
