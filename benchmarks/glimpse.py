"""How much faster all glimpses of a batch are in one crop than picture by picture.

Run from the root of the repository: ``python -m benchmarks.glimpse``. Exit code 1 where it is less than five times.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from gradus.nn.blocks.glimpse import glimpses

WANTED = 5.0
CASES = {"28 x 28, one of 8 x 8": (28, 8, 1), "60 x 60, three of 12 x 12": (60, 12, 3)}


def one_by_one(x: Tensor, locations: Tensor, *, patch: int, scales: int) -> Tensor:
    """As it is often written: each picture is padded and sliced for itself, scale after scale."""
    height, width = x.shape[-2:]
    widest = patch * 2 ** (scales - 1)
    made: list[Tensor] = []
    for image, (across, down) in zip(x, locations.tolist(), strict=True):
        wide = pad(image, (widest,) * 4)
        left = int((across + 1) / 2 * width - widest / 2 + 0.5 + widest)
        top = int((down + 1) / 2 * height - widest / 2 + 0.5 + widest)
        parts: list[Tensor] = []
        for k in range(scales):
            side = patch * 2**k
            margin = (widest - side) // 2
            part = wide[:, top + margin : top + margin + side, left + margin : left + margin + side]
            parts.append(avg_pool2d(part, 2**k) if k else part)
        made.append(torch.stack(parts))
    return torch.stack(made)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where one crop is not as much faster as is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--batch", type=int, default=128, help="pictures (default: 128)")
    parser.add_argument("--rounds", type=int, default=101, help="of each, in turn (default: 101)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"# Glimpses\n\nBatches of {options.batch}, one thread, the least of {options.rounds} in turn.\n")
    print("| pictures, windows | one crop, ms | one by one, ms | times as fast |\n|---|---|---|---|")
    slowest = float("inf")
    for name, (side, patch, scales) in CASES.items():
        x = torch.rand(options.batch, 1, side, side, generator=torch.Generator().manual_seed(0))
        places = torch.rand(options.batch, 2, generator=torch.Generator().manual_seed(1)) * 2 - 1
        both = partial(glimpses, patch=patch, scales=scales), partial(one_by_one, patch=patch, scales=scales)
        ways = [partial(each, x, places) for each in both]
        # The same pixels, and so the same work.
        torch.testing.assert_close(ways[0](), ways[1]())
        ours, theirs = times(ways, options.rounds)
        slowest = min(slowest, theirs / ours)
        print(f"| {name} | {1e3 * ours:.3f} | {1e3 * theirs:.2f} | {theirs / ours:.1f} |")
    return 0 if slowest >= WANTED else 1


def times(ways: Sequence[Callable[[], Tensor]], rounds: int) -> list[float]:
    """The least seconds of each, called in turn: others may be at work beside."""
    found: list[list[float]] = [[] for _ in ways]
    with torch.no_grad():
        for _ in range(rounds):
            for way, seconds in zip(ways, found, strict=True):
                began = time.perf_counter()
                way()
                seconds.append(time.perf_counter() - began)
    return [min(each) for each in found]


if __name__ == "__main__":
    sys.exit(main())
