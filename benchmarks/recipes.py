"""How well, and how fast, every shipped recipe learns: several seeds each, beside what is known of the same data.

Run from the root of the repository: ``make bench-recipes``, or ``python -m benchmarks.recipes [RECIPE...]``. Given no
names it writes docs/results.md anew.
"""

import argparse
import math
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

import gradus
from benchmarks import baselines
from benchmarks.measure import table
from gradus.core.errors import InputError
from gradus.data.raw import RawData
from gradus.data.splits import Splits, split
from gradus.training.prepare import load_data, resolve
from gradus.training.recipe import Recipe, anchored, read_toml, shipped_recipes
from gradus.training.settings import describe

RESULTS = Path("docs/results.md")
Baselines = Callable[[RawData, Splits], dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A recipe's figure: what must hold of its mean, and what stands beside it.

    Attributes:
        seeds: trainings; a seed draws the first weights, the order and, where the data have no test split, the split.
        bound: the mean must be at least this, or at most where the metric is an error.
        source: of the bound.
        baselines: of the same splits, measured here; the mean must be better than each of theirs.
        minutes: the most a training may take.
    """

    recipe: str
    metric: str
    seeds: int
    bound: float
    source: str
    baselines: Baselines | None = None
    minutes: float = 10.0

    @property
    def falling(self) -> bool:
        """Whether less is better."""
        return not self.metric.endswith(("accuracy", "f1", "r2"))

    def reached(self, value: float) -> bool:
        return value <= self.bound if self.falling else value >= self.bound


_NANOGPT = "nanoGPT's small CPU setting"
ROWS = (
    Row(recipe="linear-walkthrough", metric="train_loss", seeds=3, bound=1e-3, source="the textbook's walk-through"),
    Row(recipe="digits-lenet", metric="test_accuracy", seeds=5, bound=0.985, source="LeNet-5 on these digits"),
    Row(
        recipe="digits-autoencoder",
        metric="test_rmse",
        seeds=5,
        bound=math.inf,
        source="the baseline beside it",
        baselines=baselines.of_code,
    ),
    Row(
        recipe="mnist-lenet", metric="test_accuracy", seeds=3, bound=0.9905, source="LeCun et al. (1998), 0.95 % errors"
    ),
    Row(recipe="fashion-small", metric="test_accuracy", seeds=3, bound=0.925, source="Fashion-MNIST's table, < 100 K"),
    Row(
        recipe="fashion-resnet20",
        metric="test_accuracy",
        seeds=1,
        bound=0.935,
        source="Fashion-MNIST's table: 0.934 with 500 K, 0.949 with ResNet-18",
        minutes=60,
    ),
    Row(
        recipe="fashion-mobilenet-v2",
        metric="test_accuracy",
        seeds=1,
        bound=0.915,
        source="Fashion-MNIST's table, two convolutions: 0.876 to 0.916",
        minutes=60,
    ),
    Row(
        recipe="digits-spatial-transformer",
        metric="test_accuracy",
        seeds=1,
        bound=-math.inf,
        source="the network alone",
        baselines=baselines.of_rival("network alone", "digits-spatial-transformer", {"model.transform": "none"}),
        minutes=60,
    ),
    Row(
        recipe="adult-mlp",
        metric="test_accuracy",
        seeds=5,
        bound=0.85,
        source="classical learners on Adult",
        baselines=baselines.of_table,
    ),
    Row(
        recipe="etth1-forecast",
        metric="test_rmse",
        seeds=3,
        bound=math.inf,
        source="the baselines beside it",
        baselines=baselines.of_series,
    ),
    Row(
        recipe="shakespeare-chars",
        metric="validation_loss",
        seeds=1,
        bound=1.88,
        source="nanoGPT's small CPU setting, on a validation split twice as long",
        baselines=baselines.of_text,
    ),
    *(
        Row(recipe=f"shakespeare-{name}", metric="validation_loss", seeds=1, bound=1.88, source=_NANOGPT)
        for name in ("lstm", "transformer")
    ),
    *(
        Row(recipe=f"adding-{name}", metric="test_loss", seeds=1, bound=0.01, source="0.167 is the error of a constant")
        for name in ("irnn", "lstm", "gru")
    ),
    Row(
        recipe="copy-memory-tcn",
        metric="test_loss",
        seeds=1,
        bound=0.0173,
        source="a tenth of the loss without memory, 0.1733",
        minutes=20,
    ),
    Row(recipe="mnist-rows-lstm", metric="test_accuracy", seeds=1, bound=0.985, source="an LSTM by rows"),
    Row(
        recipe="etth1-24",
        metric="test_rmse",
        seeds=3,
        bound=math.inf,
        source="the baselines beside it",
        baselines=baselines.of_series,
    ),
    Row(recipe="reversal-seq2seq", metric="test_accuracy", seeds=1, bound=0.999, source="0.038 is a guess"),
    Row(
        recipe="mnist-recurrent-attention",
        metric="test_accuracy",
        seeds=1,
        bound=0.96,
        source="half an hour of a CPU; Mnih et al. (2014): 0.9893 of six glimpses",
        minutes=30,
    ),
    Row(
        recipe="translated-mnist-recurrent-attention",
        metric="test_accuracy",
        seeds=1,
        bound=-math.inf,
        source="a dense network of the same cost",
        baselines=baselines.of_rival(
            "dense network",
            "translated-mnist-recurrent-attention",
            {"model.name": "mlp", "model.hidden": [380, 380], "objective.name": "supervised"},
        ),
        minutes=60,
    ),
)


@dataclass(frozen=True)
class Outcome:
    """What came of a row: values and seconds by seed, and the baselines' means."""

    row: Row
    values: list[float]
    seconds: list[float]
    parameters: int
    computed: str
    beside: dict[str, float]

    @property
    def mean(self) -> float:
        return statistics.mean(self.values)

    @property
    def held(self) -> bool:
        better = all((self.mean < each) if self.row.falling else (self.mean > each) for each in self.beside.values())
        return self.row.reached(self.mean) and better and max(self.seconds) <= 60 * self.row.minutes


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and print; 1 if a recipe falls short of what must hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recipes", nargs="*", help="which (default: all)")
    parser.add_argument("--seeds", type=int, help="trainings of each (default: as many as its row says)")
    options = parser.parse_args(arguments)
    chosen = [row for row in ROWS if not options.recipes or row.recipe in options.recipes]
    outcomes = []
    for row in chosen:
        try:
            outcomes.append(measure(row, options.seeds or row.seeds))
        except InputError as error:  # its data are not here
            print(f"{row.recipe}: not measured: {error}", file=sys.stderr)
            continue
        print(report(outcomes[-1:]), flush=True)
    if not options.recipes and not options.seeds and len(outcomes) == len(ROWS):
        RESULTS.write_text(page(outcomes), encoding="utf-8")
        print(f"written: {RESULTS}")
    return 0 if all(each.held for each in outcomes) else 1


def measure(row: Row, seeds: int) -> Outcome:
    """Train the recipe once for each seed, each from scratch and in a folder of its own."""
    path = shipped_recipes()[row.recipe]
    recipe = Recipe.from_dict(anchored(read_toml(path), path.parent))
    values, seconds, beside = [], [], dict[str, list[float]]()
    for seed in range(seeds):
        seeded = recipe.model_copy(update={"seed": seed})
        if row.baselines is not None:
            raw = load_data(resolve(seeded).data)
            splits = split(raw, validation=recipe.data.validation, test=recipe.data.test, seed=seed)
            for name, value in row.baselines(raw, splits).items():
                beside.setdefault(name, []).append(value)
        with tempfile.TemporaryDirectory() as scratch:
            run = gradus.train(seeded, run=Path(scratch, "run"))
            values.append(run.result["metrics"][row.metric])
            seconds.append(run.result["seconds"])
            parameters, computed = run.result["parameters"], describe(run.recipe.training)
    means = {name: statistics.mean(each) for name, each in beside.items()}
    return Outcome(row, values, seconds, parameters, computed, means)


def report(outcomes: Sequence[Outcome]) -> str:
    """A line for each recipe."""
    header = ["recipe", "parameters", "figure", "mean (least to most)", "must be", "beside it", "seconds", "holds"]
    return table(header, [_line(each) for each in outcomes])


def _line(outcome: Outcome) -> list[str]:
    row, values = outcome.row, outcome.values
    spread = (
        f" ({_short(min(values))} to {_short(max(values))}, {len(values)} seeds)" if len(values) > 1 else " (1 seed)"
    )
    sign = "<=" if row.falling else ">="
    bound = f"{sign} {_short(row.bound)}: {row.source}" if math.isfinite(row.bound) else f"better than {row.source}"
    return [
        f"`{row.recipe}`",
        f"{outcome.parameters:,}",
        row.metric,
        _short(outcome.mean) + spread,
        bound,
        ", ".join(f"{name} {_short(value)}" for name, value in outcome.beside.items()),
        f"{statistics.median(outcome.seconds):.0f} ({outcome.computed})",
        "yes" if outcome.held else "no",
    ]


def page(outcomes: Sequence[Outcome]) -> str:
    """The page docs/results.md."""
    return f"""# What the shipped recipes reach

Made by `make bench-recipes`; do not edit. Each line is `gradus train RECIPE --seed N`, from scratch, with the data in
`GRADUS_DATA`. Scores are of the test split, looked at once; the seconds are the median training's, as gradus chose to
compute. What stands beside a figure was fitted to the same training splits and scored on the same test splits.

{report(outcomes)}

Measured on {processor()}, {os.cpu_count()} processors, with torch {torch.__version__}, Python
{platform.python_version()} and gradus {gradus.__version__}.
"""


def processor() -> str:
    """The machine that figures hold for."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _short(value: float) -> str:
    return f"{value:.4g}" if value >= 1e-3 else f"{value:.1e}"


if __name__ == "__main__":
    sys.exit(main())
