"""How much memory it takes to train on a folder of images that is larger than the memory it may take.

A folder of uncompressed images is made, all different, then trained on for one epoch in a process of its own; told is
the most memory that this process, and the largest of its workers, ever had. The folder is removed again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLASSES = 4
TRAIN = """
import gc, json, resource, sys
from pathlib import Path
import gradus
run = gradus.train(json.loads(sys.argv[1]), run=sys.argv[2])
gc.collect()  # the workers end, and are counted
status = Path("/proc/self/status").read_text().split()  # getrusage would count the process that started this one
workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([int(status[status.index("VmHWM:") + 1]), workers]))
"""


@dataclass(frozen=True)
class Taken:
    """What training on a folder took.

    Attributes:
        folder: bytes of its files.
        own: most bytes of memory of the process.
        worker: most bytes of the largest of its workers, what it shares with the process among them.
        seconds: from start to end.
    """

    folder: int
    images: int
    own: int
    worker: int
    seconds: float


def make_folder(root: Path, size: int, side: int) -> int:
    """BMP files of `side` squared pixels, `size` bytes of them together; returns how many."""
    pixels = 3 * side * side  # rows of a BMP are filled up to a multiple of four bytes
    if side % 4:
        raise SystemExit("--side must be a multiple of 4")
    numbers = (54 + pixels, 0, 54, 40, side, side)
    header = b"BM" + np.array(numbers, "<u4").tobytes() + np.array([1, 24], "<u2").tobytes() + bytes(24)
    count = size // (54 + pixels)
    draw = np.random.default_rng(0)
    for each in range(CLASSES):
        (root / f"class-{each}").mkdir(parents=True)
    for number in range(count):
        kind = number % CLASSES
        content = draw.integers(0, 192, pixels, dtype=np.uint8) + np.uint8(16 * kind)
        (root / f"class-{kind}" / f"{number:07}.bmp").write_bytes(header + content.tobytes())
    return count


def measure(size: int, side: int = 64, workers: int = 0, model: str = "logistic_regression") -> Taken:
    """Train on a folder of `size` bytes, streamed, and look at the memory it took."""
    with tempfile.TemporaryDirectory() as place:
        count = make_folder(Path(place) / "images", size, side)
        recipe = {
            "data": {"name": f"{place}/images"},
            "model": {"name": model},
            "criterion": {"name": "cross_entropy"},
            "optimizer": {"name": "sgd", "lr": 0.001},
            "training": {"epochs": 1, "stream": True, "workers": workers, "threads": 1, "device": "cpu"},
        }
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", TRAIN, json.dumps(recipe), f"{place}/run"],
            check=False,
            stdout=subprocess.PIPE,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        if done.returncode:
            raise SystemExit(done.returncode)
        seconds = time.perf_counter() - start
    own, worker = json.loads(done.stdout)
    return Taken(size, count, own * 1024, worker * 1024 if workers else 0, seconds)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--gigabytes", type=float, default=5.0, help="size of the folder")
    arguments.add_argument("--side", type=int, default=64, help="pixels of a side of each image")
    arguments.add_argument("--workers", type=int, default=0)
    arguments.add_argument(
        "--model", default="logistic_regression", help="a light one: its training is not what is measured"
    )
    given = arguments.parse_args()
    taken = measure(int(given.gigabytes * 1e9), given.side, given.workers, given.model)
    print(f"folder   {taken.folder / 1e9:.2f} GB, {taken.images:,} images of {given.side} x {given.side} pixels")
    print(f"memory   {taken.own / 1e9:.2f} GB, and {taken.worker / 1e9:.2f} GB in a worker, shared pages counted twice")
    print(f"seconds  {taken.seconds:.0f}")


if __name__ == "__main__":
    main()
