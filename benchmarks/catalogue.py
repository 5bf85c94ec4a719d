"""Networks of the catalogue beside the same ones in torchvision and timm: operations asked for, and time taken.

Run from the root of the repository: ``python -m benchmarks.catalogue [NAME...]``. It fails (exit code 1) where a
network of ours asks for more operations than its twin.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.aten import record
from benchmarks.measure import Spread, table
from benchmarks.peers import Twin, twins
from gradus.core.untouched import as_written
from gradus.models import create_model
from gradus.training.objective import output_of

BATCH = 8
EXPLAINED = 1.07
"""A ratio above this is seen beside the control, and must be explained or mended."""
Step = Callable[[], object]


def evaluate(model: nn.Module, x: Tensor) -> None:
    """One forward pass as in use."""
    model.eval()
    with torch.no_grad():
        output_of(model(x))


def train(model: nn.Module, x: Tensor, labels: Tensor) -> None:
    """One forward and one backward pass; no optimizer, which would be the same for both."""
    model.train()
    model.zero_grad()
    functional.cross_entropy(output_of(model(x)), labels).backward()


def steps(twin: Twin) -> dict[str, tuple[Step, Step]]:
    """What is compared, ours and theirs."""
    shape = (BATCH, 3, *[twin.frames] * bool(twin.frames), twin.side, twin.side)
    x, labels = torch.randn(shape), torch.randint(1000, (BATCH,)) % 400
    ours, theirs = create_model(twin.name, **twin.options), twin.build()
    return {
        "evaluation": (partial(evaluate, ours, x), partial(evaluate, theirs, x)),
        "training": (partial(train, ours, x, labels), partial(train, theirs, x, labels)),
    }


def seconds(step: Step) -> float:
    """By the clock."""
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def ratios(ours: Step, theirs: Step, rounds: int) -> tuple[Spread, Spread]:
    """Ours by theirs, and ours by ours again, each round beginning with another of the three."""
    ours(), theirs()  # the first time, memory is found and kernels are chosen
    taken: list[list[float]] = []
    for turn in range(rounds):
        three = [ours, theirs, ours]
        order = [(turn + each) % 3 for each in range(3)]
        spent = dict(zip(order, (seconds(three[each]) for each in order), strict=True))
        taken.append([spent[0], spent[1], spent[2]])
    return Spread.of([a / b for a, b, _ in taken]), Spread.of([a / c for a, _, c in taken])


def compare(twin: Twin, rounds: int) -> Iterator[list[str]]:
    """A row for each way of use."""
    for use, (ours, theirs) in steps(twin).items():
        with as_written():  # torch has a transformer's layer as one operation in evaluation, with the same within it
            operations = len(record(ours)), len(record(theirs))
        beside, control = ratios(ours, theirs, rounds)
        yield [
            f"{twin.name} {' '.join(f'{key}={value}' for key, value in twin.options.items())}".strip(),
            twin.elsewhere,
            use,
            f"{operations[0]}",
            f"{operations[1]}",
            beside.text(3),
            control.text(3),
            "" if beside.middle <= max(EXPLAINED, control.high) else "slower",
        ]


def main() -> None:
    """Print the table; complain of what is longer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="networks of ours; all by default")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--heavy", action="store_true", help="those of more than 50 million parameters too")
    chosen = parser.parse_args()
    wanted = [
        each
        for each in twins()
        if (each.name in chosen.names or not chosen.names) and (chosen.heavy or chosen.names or not each.heavy)
    ]
    header = ["network", "twin", "use", "operations", "theirs", "time, ours / theirs", "ours / ours", ""]
    rows: list[list[str]] = []
    for twin in wanted:
        rows += compare(twin, chosen.rounds)
        print(table(header, rows[-2:]), flush=True)
    print(f"\n{torch.get_num_threads()} threads, batches of {BATCH}, medians and quartiles of {chosen.rounds} rounds\n")
    print(table(header, rows))
    print(f"\nmedian of all: {statistics.median(float(row[5].partition(' ')[0]) for row in rows):.3f}")
    longer = [row[0] for row in rows if int(row[3]) > int(row[4])]
    sys.exit(f"more operations than their twins: {', '.join(longer)}" if longer else 0)


if __name__ == "__main__":
    main()
