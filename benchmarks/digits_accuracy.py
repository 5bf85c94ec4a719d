"""How well, and how fast, the shipped recipe learns handwritten digits: one training for each of several splits.

Run from the root of the repository: ``python -m benchmarks.digits_accuracy``.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

import gradus
from benchmarks.measure import table
from gradus.training.recipe import Recipe, shipped_recipes

RECIPE = "digits-lenet"
LEAST_MEAN_ACCURACY = 0.985
MOST_SECONDS = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and print; 1 if the mean accuracy is below LEAST_MEAN_ACCURACY or a training takes MOST_SECONDS."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=5, help="trainings, each with its own split (default: 5)")
    parser.add_argument("--threads", type=int, help="of torch's arithmetic (default: as torch chooses)")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    print(f"# {RECIPE}\n")
    print(f"gradus {gradus.__version__}, torch {torch.__version__}, {torch.get_num_threads()} thread(s)\n")
    recipe = Recipe.read(shipped_recipes()[RECIPE])
    rows, accuracies, times = [], [], []
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as scratch:
            result = gradus.train(recipe.model_copy(update={"seed": seed}), run=Path(scratch, "run")).result
        accuracies.append(result["metrics"]["test_accuracy"])
        times.append(result["seconds"])
        rows.append([str(seed), f"{accuracies[-1]:.4f}", f"{times[-1]:.1f}"])
    mean = statistics.fmean(accuracies)
    spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    print(table(["seed", "test accuracy", "seconds of training"], rows))
    enough, in_time = mean >= LEAST_MEAN_ACCURACY, max(times) < MOST_SECONDS
    print(f"\n- mean {mean:.4f}, standard deviation {spread:.4f}; wanted {LEAST_MEAN_ACCURACY}: {_verdict(enough)}")
    print(f"- longest {max(times):.1f} s; wanted less than {MOST_SECONDS:g}: {_verdict(in_time)}")
    return 0 if enough and in_time else 1


def _verdict(met: bool) -> str:
    return "met" if met else "missed"


if __name__ == "__main__":
    sys.exit(main())
