"""How long networks should take on this machine, by its ceilings, beside how long they do.

Run from the root of the repository: ``python -m benchmarks.latency``.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import torch

from benchmarks.measure import Spread, table
from benchmarks.zoo import ZOO
from gradus.analysis.ceilings import Ceilings, ceilings
from gradus.analysis.roofline import predict, share
from gradus.analysis.timing import Measured, time_network
from gradus.core.errors import ResourceError
from gradus.core.graph import trace

WANTED = 0.9
Found = TypeVar("Found")


@dataclass(frozen=True)
class Row:
    """One network: seconds predicted, what bounds most of them, and seconds measured."""

    name: str
    predicted: float
    bound: str
    measured: Measured

    @property
    def ratio(self) -> float:
        return self.predicted / self.measured.seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if the ranks agree less than is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch (default: all)")
    parser.add_argument("--known", action="store_true", help="only networks that the predictor was written beside")
    parser.add_argument("--again", action="store_true", help="measure the ceilings anew")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each network (default: 1)")
    parser.add_argument(
        "--patience", type=float, default=300, help="seconds to wait for a quiet machine (default: 300)"
    )
    options = parser.parse_args(arguments)
    machine = patiently(lambda: ceilings(options.threads, again=options.again), options.patience)
    print(f"# Latency\n\n{machine.processor}, {machine.threads} threads, torch {torch.__version__}\n", flush=True)
    rows = []
    for name in [name for name in ZOO if ZOO[name].known or not options.known]:
        rows.append(patiently(partial(measure, name, machine, options.seconds), options.patience))
        print(f"{name}: {rows[-1].ratio:.2f}", file=sys.stderr, flush=True)
    print(report(rows))
    return 0 if correlation(rows) >= WANTED else 1


def measure(name: str, machine: Ceilings, seconds: float) -> Row:
    """Predict first, then look."""
    model, x = ZOO[name].make()
    expected = share(predict(trace(model, (x,)), machine))
    return Row(
        name, expected.seconds, expected.bound, time_network(model, (x,), threads=machine.threads, seconds=seconds)
    )


def patiently(attempt: Callable[[], Found], patience: float) -> Found:
    """What an attempt gives, as soon as the machine is quiet enough for one."""
    end = time.monotonic() + patience
    while True:
        try:
            return attempt()
        except ResourceError:
            if time.monotonic() > end:
                raise
            time.sleep(1)


def correlation(rows: Sequence[Row]) -> float:
    """Spearman's, of predicted and measured seconds."""
    predicted, measured = (np.argsort(np.argsort(each)) for each in _seconds(rows))
    apart = predicted - measured
    return 1 - 6 * float(apart @ apart) / (len(rows) ** 3 - len(rows))


def _seconds(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    return [row.predicted for row in rows], [row.measured.seconds for row in rows]


def report(rows: Sequence[Row]) -> str:
    """All networks, and how far off the predictions are."""
    cells = [
        [
            row.name + ("" if ZOO[row.name].known else " *"),
            f"{row.predicted * 1e3:.2f}",
            Spread(*(1e3 * each for each in (row.measured.low, row.measured.seconds, row.measured.high))).text(2),
            f"{row.ratio:.2f}",
            row.bound,
        ]
        for row in rows
    ]
    header = ["network, batch (* not seen before)", "predicted ms", "measured ms", "ratio", "most is bound by"]
    lines = [table(header, cells), ""]
    unseen = [row for row in rows if not ZOO[row.name].known]
    for title, some in (("all", rows), ("not seen before", unseen)):
        if len(some) > 1:
            ratios = Spread.of([row.ratio for row in some])
            off = Spread.of([abs(row.ratio - 1) for row in some])
            lines.append(
                f"{title}: {len(some)} networks, rank correlation {correlation(some):.3f} (wanted: {WANTED}), "
                f"predicted / measured {ratios.text(2)}, off by {off.middle:.0%} [{off.low:.0%}, {off.high:.0%}]"
            )
    worst = sorted(rows, key=lambda row: abs(np.log(row.ratio)), reverse=True)[:5]
    lines.append("farthest off: " + ", ".join(f"{row.name} {row.ratio:.2f}" for row in worst))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
