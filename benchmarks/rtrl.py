"""What a step of learning forward in time costs, by method.

    python -m benchmarks.rtrl

One thread, float32, a tanh cell of n units with 8 inputs, one example; processor time, medians of interleaved
rounds. Every method takes in a loss at every step. Ratios are taken within a round, and given with their quartiles.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.measure import Spread, table
from gradus.nn.rtrl import ElementwiseRNNCell, Learner, rtrl

INPUTS = 8
TIMES_EXACT, TIMES_NAIVE = 10, 30
"""At 128 units a step of `block` must be so many times cheaper than one of `exact`, and of naive RTRL."""
Runner = Callable[[int], None]
"""Takes so many steps."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if `block` saves less than is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--units", type=int, nargs="+", default=[32, 64, 128])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="one round: shows that everything runs")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rounds = 1 if options.quick else options.rounds
    times = {units: measure(units, rounds) for units in options.units}
    print(
        f"# RTRL\n\ntorch {torch.__version__}, one thread, float32, {rounds} rounds; milliseconds of processor a step\n"
    )
    names = list(next(iter(times.values())))
    header = ["method", *(f"n = {units}" for units in times)]
    print(table(header, [[name, *(_milliseconds(times[units][name]) for units in times)] for name in names]))
    met = True
    print()
    for units, found in times.items():
        for name, wanted in (("exact", TIMES_EXACT), ("naive", TIMES_NAIVE)):
            ratio = Spread.of([slow / quick for slow, quick in zip(found[name], found["block"], strict=True)])
            verdict = ""
            if units == 128:
                enough = ratio.middle >= wanted
                met = met and enough
                verdict = f"; wanted {wanted}: {'met' if enough else 'missed'}"
            print(f"n = {units}: a step of {name} costs {ratio.text(1)} of `block`{verdict}")
    return 0 if met or options.quick else 1


def measure(units: int, rounds: int) -> dict[str, list[float]]:
    """Processor seconds a step of every method, one number a round."""
    runners = methods(units)
    # Whole blocks; of what is slow a few steps, which cost as much as any other.
    steps = {name: 4 if name in ("naive", "jacrev") else 2 * units for name in runners}
    steps |= {"exact": max(16, 1024 // units)}
    spent: dict[str, list[float]] = {name: [] for name in runners}
    for name, run in runners.items():
        run(steps[name])
    names = list(runners)
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            start = time.process_time()
            runners[name](steps[name])
            spent[name].append((time.process_time() - start) / steps[name])
    return spent


def methods(units: int) -> dict[str, Runner]:
    """By name; each goes on from where it stopped."""
    torch.manual_seed(0)
    cell, elementwise = nn.RNNCell(INPUTS, units), ElementwiseRNNCell(INPUTS, units)
    return {
        "BPTT": partial(backpropagate, cell, units),
        "naive": Naive(cell, by_rows),
        "jacrev": Naive(cell, by_jacrev),
        "exact": partial(run, rtrl("exact", cell), cell, 1),
        "block": partial(run, rtrl("block", cell), cell, units),
        "block, asked at every step": partial(run, rtrl("block", cell), cell, 1),
        "snap1": partial(run, rtrl("snap1", cell), cell, 1),
        "uoro": partial(run, rtrl("uoro", cell), cell, 1),
        "tbptt, back n, asked every n": partial(run, rtrl("tbptt", cell, back=units), cell, units),
        "elementwise: BPTT": partial(backpropagate, elementwise, units),
        "elementwise: diagonal": partial(run, rtrl("diagonal", elementwise), elementwise, 1),
    }


def run(learner: Learner, cell: nn.Module, every: int, steps: int) -> None:
    """A loss at every step; gradients every so many."""
    units = learner.recurrence.units
    for at, (x, dh) in enumerate(zip(torch.randn(steps, 1, INPUTS), torch.randn(steps, 1, units), strict=True)):
        learner.step(x)
        learner.credit(dh)
        if (at + 1) % every == 0:
            learner.gradients()


def backpropagate(cell: nn.Module, length: int, steps: int) -> None:
    """Autograd through sequences of `length` steps."""
    parameters = list(cell.parameters())
    units: int = cell.hidden_size  # type: ignore[assignment]
    for _ in range(steps // length):
        h, losses = torch.zeros(1, units), []
        for x, dh in zip(torch.randn(length, 1, INPUTS), torch.randn(length, 1, units), strict=True):
            h = cell(x, h)
            losses.append((h * dh).sum())
        torch.autograd.grad(torch.stack(losses).sum(), parameters)


Jacobians = Callable[[nn.RNNCell, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


class Naive:
    """RTRL without a thought for structure: dense Jacobians by autograd, and M' = J M + M_now."""

    def __init__(self, cell: nn.RNNCell, jacobians: Jacobians) -> None:
        self.cell, self.jacobians = cell, jacobians
        self.h = torch.zeros(1, cell.hidden_size)
        self.influence = torch.zeros(cell.hidden_size, sum(each.numel() for each in cell.parameters()))

    def __call__(self, steps: int) -> None:
        for x, dh in zip(torch.randn(steps, 1, INPUTS), torch.randn(steps, 1, self.cell.hidden_size), strict=True):
            self.h, by_h, now = self.jacobians(self.cell, x, self.h)
            self.influence = by_h @ self.influence + now
            dh @ self.influence


def by_rows(cell: nn.RNNCell, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A backward pass for every unit: the new h, and its Jacobians with respect to h (n, n) and the weights (n, P)."""
    leaf = h.detach().requires_grad_()
    new = cell(x, leaf)
    wanted = [leaf, *cell.parameters()]
    rows = [torch.autograd.grad(each, wanted, retain_graph=True) for each in new[0]]
    by_h = torch.stack([row[0][0] for row in rows])
    return new.detach(), by_h, torch.stack([torch.cat([each.flatten() for each in row[1:]]) for row in rows])


def by_jacrev(cell: nn.RNNCell, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same by torch.func.jacrev, which does all rows at once."""
    weights = {name: each.detach() for name, each in cell.named_parameters()}

    def step(h: Tensor, weights: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        new = torch.func.functional_call(cell, weights, (x, h))
        return new[0], new

    (by_h, by_weights), new = torch.func.jacrev(step, argnums=(0, 1), has_aux=True)(h, weights)
    return new.detach(), by_h[:, 0], torch.cat([each.flatten(1) for each in by_weights.values()], dim=1)


def _milliseconds(seconds: Sequence[float]) -> str:
    return f"{1e3 * statistics.median(seconds):.3f}"


if __name__ == "__main__":
    sys.exit(main())
