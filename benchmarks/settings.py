"""Which ways of computing pay on this machine, one by one, at equal accuracy.

Run from the root of the repository: ``python -m benchmarks.settings``. `gradus.training.settings` chooses accordingly.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import gradus
from benchmarks.measure import Spread, table
from benchmarks.recipes import processor
from gradus.core.errors import InputError
from gradus.data.arrays import from_arrays
from gradus.data.raw import RawData
from gradus.data.sources import open_data
from gradus.models import create_model
from gradus.training.settings import describe

Batches = Iterator[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Way:
    """How a loop written by hand computes."""

    name: str
    in_memory: bool = False
    fused: bool = False
    channels_last: bool = False
    bf16: bool = False
    compile: bool = False


@dataclass(frozen=True)
class Task:
    """Data, standardised, and a network."""

    name: str
    raw: RawData
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    make: Callable[[], nn.Module]
    model: dict[str, Any]
    epochs: int
    batch_size: int
    threads: int
    lr: float


PLAIN = Way("by hand: fp32, DataLoader")
ONE_BY_ONE = (
    replace(PLAIN, name="+ batches by index, in memory", in_memory=True),
    replace(PLAIN, name="+ fused AdamW", fused=True),
    replace(PLAIN, name="+ channels last", channels_last=True),
    replace(PLAIN, name="+ bf16 autocast", bf16=True),
    replace(PLAIN, name="+ channels last, bf16", channels_last=True, bf16=True),
    replace(PLAIN, name="+ torch.compile", compile=True),
)
GRADUS = "gradus, everything auto"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each (default: 3)")
    parser.add_argument("--tasks", nargs="+", choices=("digits", "fashion"), default=("digits", "fashion"))
    parser.add_argument("--epochs", type=int, help="of each training (default: 30 of digits, 3 of Fashion-MNIST)")
    options = parser.parse_args(arguments)
    print(f"# Ways of computing\n\n{processor()}, {os.cpu_count()} processors, torch {torch.__version__}\n", flush=True)
    for make in [{"digits": digits, "fashion": fashion}[name] for name in options.tasks]:
        try:
            task = make()
        except InputError as error:  # its data are not there
            print(f"Left out, {error}\n")
            continue
        print(compare(task if options.epochs is None else replace(task, epochs=options.epochs), options.seeds))
    return 0


def digits() -> Task:
    """The digits MLP, 64-128-10."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    raw = from_arrays(x[:1400], y[:1400], test=(x[1400:], y[1400:]))
    model: dict[str, Any] = {"name": "mlp", "hidden": [128]}
    return _task("digits MLP", raw, model, epochs=30, batch_size=64, threads=1, lr=1e-3)


def fashion() -> Task:
    """The shipped recipe's network on Fashion-MNIST."""
    raw = open_data("$GRADUS_DATA/fashion-mnist", {})
    threads = torch.get_num_threads()
    return _task("Fashion CNN", raw, {"name": "small_cnn"}, epochs=3, batch_size=128, threads=threads, lr=1e-2)


def _task(
    name: str, raw: RawData, model: dict[str, Any], *, epochs: int, batch_size: int, threads: int, lr: float
) -> Task:
    assert raw.test is not None
    train, test = (np.asarray(each.inputs[0][:], np.float32) for each in (raw.train, raw.test))
    mean, deviation = train.mean(axis=0 if train.ndim == 2 else None), train.std(axis=0 if train.ndim == 2 else None)
    deviation = np.where(deviation == 0, 1, deviation)
    options = {key: value for key, value in model.items() if key != "name"}

    def ready(x: np.ndarray, target: np.ndarray) -> tuple[Tensor, Tensor]:
        return torch.from_numpy((x - mean) / deviation).float(), torch.tensor(target)

    return Task(
        name=name,
        raw=raw,
        train=ready(train, raw.train.target),
        test=ready(test, raw.test.target),
        make=lambda: create_model(str(model["name"]), spec=raw.spec, **options),
        model=model,
        epochs=epochs,
        batch_size=batch_size,
        threads=threads,
        lr=lr,
    )


def compare(task: Task, seeds: int) -> str:
    """Every way once a seed, in turn; ratios are taken within a seed."""
    ways = (PLAIN, *ONE_BY_ONE)
    seconds: dict[str, list[float]] = {name: [] for name in (*(each.name for each in ways), GRADUS)}
    accuracy: dict[str, list[float]] = {name: [] for name in seconds}
    computed = ""
    for seed in range(seeds):
        for way in ways:
            spent, score = by_hand(task, way, seed)
            seconds[way.name].append(spent)
            accuracy[way.name].append(score)
        spent, score, computed = by_gradus(task, seed)
        seconds[GRADUS].append(spent)
        accuracy[GRADUS].append(score)
        print(f"{task.name}: seed {seed} done", file=sys.stderr, flush=True)
    rows = []
    for name, spent_all in seconds.items():
        ratio = Spread.of([plain / each for plain, each in zip(seconds[PLAIN.name], spent_all, strict=True)])
        rows.append(
            [name, f"{statistics.median(spent_all):.2f}", ratio.text(2), f"{statistics.mean(accuracy[name]):.4f}"]
        )
    return f"""## {task.name}: {task.epochs} epochs, batch {task.batch_size}, {task.threads} thread(s)

Median seconds of {seeds} trainings, times as fast as the first row [quartiles], mean test accuracy. gradus chose:
{computed}.

{table(["way", "seconds", "times as fast", "accuracy"], rows)}
"""


def by_hand(task: Task, way: Way, seed: int) -> tuple[float, float]:
    """Seconds and test accuracy of the loop that tutorials have, and `way`."""
    torch.set_num_threads(task.threads)
    torch.manual_seed(seed)
    network = task.make()
    if way.channels_last:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=task.lr, fused=way.fused or None)
    x, y = task.train
    steps = task.epochs * -(-len(y) // task.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, task.lr, total_steps=steps)
    if way.compile:
        network.compile()
    began = time.perf_counter()
    network.train()
    for _ in range(task.epochs):
        for inputs, target in _batches(x, y, task.batch_size, in_memory=way.in_memory):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16) if way.bf16 else nullcontext():
                loss = functional.cross_entropy(network(inputs), target)
            loss.backward()
            optimizer.step()
            schedule.step()
    spent = time.perf_counter() - began
    network.eval()
    with torch.no_grad():
        right = [network(part).argmax(1) for part in task.test[0].split(1000)]
    return spent, float((torch.cat(right) == task.test[1]).float().mean())


def _batches(x: Tensor, y: Tensor, size: int, *, in_memory: bool) -> Batches:
    if in_memory:
        return ((x[rows], y[rows]) for rows in torch.randperm(len(y)).split(size))
    return iter(DataLoader(TensorDataset(x, y), batch_size=size, shuffle=True))


def by_gradus(task: Task, seed: int) -> tuple[float, float, str]:
    """Seconds and test accuracy of `gradus.train`, and how it chose to compute."""
    recipe = {
        "seed": seed,
        "data": {"name": "arrays", "validation": 0.0},
        "model": task.model,
        "criterion": {"name": "cross_entropy"},
        "optimizer": {"name": "adamw", "lr": task.lr},
        "schedule": {"name": "one_cycle"},
        "training": {"epochs": task.epochs, "batch_size": task.batch_size, "device": "cpu"},
    }
    with tempfile.TemporaryDirectory() as scratch:
        run = gradus.train(recipe, run=Path(scratch, "run"), data=task.raw)
        return run.result["seconds"], run.result["metrics"]["test_accuracy"], describe(run.recipe.training)


if __name__ == "__main__":
    sys.exit(main())
