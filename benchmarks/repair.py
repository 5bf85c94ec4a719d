"""Deliberately bad recipes, each beside its healthy twin: what `--repair` makes of them, unattended.

Run from the root of the repository: ``python -m benchmarks.repair [CASE ...] [--seeds 3]``.
"""

import argparse
import contextlib
import io
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradus
from benchmarks.measure import table

PARTS = Path(__file__).with_name("repair_parts.py")
NEAR = 0.02
"""Of accuracy: how near a repaired recipe must come to its healthy twin."""

_BASE: dict[str, Any] = {
    "data": {"name": "digits"},
    "model": {"name": "mlp", "hidden": [64, 64]},
    "criterion": {"name": "cross_entropy"},
    "optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.9},
    "training": {"epochs": 20, "batch_size": 64, "threads": 1, "device": "cpu"},
}


@dataclass(frozen=True)
class Case:
    """A healthy recipe as changes of the base, and what makes it bad as changes of that."""

    bad: Mapping[str, Any]
    healthy: Mapping[str, Any] = field(default_factory=dict)

    def recipe(self, seed: int, *, bad: bool) -> dict[str, Any]:
        document = _merged(_BASE, self.healthy) | {"seed": seed}
        return _merged(document, self.bad) if bad else document


_ADAM = {"name": "adamw", "lr": 1e-3}
_OWN = {"model": {"module": f"{PARTS}:perceptron"}}
_FEW = {"module": f"{PARTS}:few", "validation": 0.5}
_PULLED = {"augment": ["shift", "rotate", "scale"]}

CASES: dict[str, Case] = {
    "sigmoid, 12 layers": Case(
        bad={"model": {"name": "mlp", "activation": "sigmoid"}, "initialization": None},
        healthy={
            "model": {"name": "mlp", "hidden": [64] * 12},
            "optimizer": _ADAM,
            "initialization": {"name": "auto"},
        },
    ),
    "rate 100 times too high": Case(bad={"optimizer": {"lr": 2.0}}),
    "rate 100 times too low": Case(bad={"optimizer": {"lr": 2e-4}}),
    "dead units": Case(bad={"model": {"bias": -20.0}}, healthy=_OWN),
    "exploding start": Case(bad={"model": {"gain": 8.0}}, healthy={"model": {**_OWN["model"], "depth": 6}}),
    "unscaled inputs": Case(
        bad={"data": {"preprocess": "none"}}, healthy={"data": {"module": f"{PARTS}:unscaled"}}
    ),
    "batch norm on tiny batches": Case(
        bad={"training": {"batch_size": 2}},
        healthy={"model": {"name": "mlp", "normalization": "batch"}, "optimizer": {"lr": 0.05}},
    ),
    "over-regularised": Case(bad={"model": {"dropout": 0.9}, "optimizer": {"weight_decay": 0.1}}),
    "overfitting small set": Case(
        bad={"data": {"augment": []}, "training": {"keep": "last"}},
        healthy={
            "data": {**_FEW, **_PULLED},
            "model": {"hidden": [256, 256], "dropout": 0.0},
            "training": {"epochs": 60, "batch_size": 32, "keep": "best"},
        },
    ),
    "imbalanced": Case(
        bad={"criterion": {"class_weights": None}},
        healthy={"data": {"module": f"{PARTS}:imbalanced", "validation": 0.25},
                 "criterion": {"name": "cross_entropy", "class_weights": "balanced"}},
    ),
    "spiky schedule": Case(
        bad={"optimizer": {"lr": 2.0}, "schedule": {"name": "triangular", "cycles": 4, "low": 1e-4}},
        healthy={"schedule": {"name": "cosine"}},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """Test accuracies of one seed, and what was done."""

    bad: float
    repaired: float
    healthy: float
    tries: int
    kept: tuple[str, ...]
    said: str


def tried(case: Case, seed: int, place: Path) -> Outcome:
    """The three runs of a seed."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        bad = gradus.train(case.recipe(seed, bad=True), run=place / "bad")
        repaired = gradus.train(case.recipe(seed, bad=True), run=place / "repaired", repair=True)
        healthy = gradus.train(case.recipe(seed, bad=False), run=place / "healthy")
    repairs = repaired.repairs
    before, after, twin = (each.result["metrics"].get("test_accuracy", 0.0) for each in (bad, repaired, healthy))
    kept = tuple(each["remedy"] for each in repairs if each["kept"])
    return Outcome(before, after, twin, len(repairs), kept, said.getvalue())


def _merged(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`document` with `changes`, table by table; None takes a field away, a new `name` or `module` the whole part."""
    ready = dict(document)
    for name, value in changes.items():
        if value is None:
            ready.pop(name, None)
        elif isinstance(value, Mapping):
            before = ready.get(name, {})
            anew = any(value.get(each) != before.get(each) for each in ("name", "module") if each in value)
            ready[name] = dict(value) if anew else _merged(before, value)
        else:
            ready[name] = value
    return ready


def main() -> None:
    """Run the cases that were asked for, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help="parts of their names; all by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tell", action="store_true", help="print what was tried")
    arguments = parser.parse_args()
    rows = []
    for name, case in CASES.items():
        if arguments.cases and not any(each in name for each in arguments.cases):
            continue
        outcomes = []
        for seed in range(arguments.seeds):
            with tempfile.TemporaryDirectory() as place:
                outcomes.append(tried(case, seed, Path(place)))
            if arguments.tell:
                print(f"{name}, seed {seed}\n{outcomes[-1].said}", flush=True)
        means = [statistics.mean(getattr(each, part) for each in outcomes) for part in ("bad", "repaired", "healthy")]
        gap = max(each.healthy - each.repaired for each in outcomes)
        worse = max(each.bad - each.repaired for each in outcomes)
        rows.append(
            (
                name,
                *(f"{each:.3f}" for each in means),
                f"{gap:+.3f}",
                f"{worse:+.3f}",
                "/".join(str(each.tries) for each in outcomes),
                "; ".join(sorted({" + ".join(each.kept) or "none" for each in outcomes})),
                "yes" if means[2] - means[1] <= NEAR else "NO",
            )
        )
        print(rows[-1], flush=True)
    head = ("recipe", "bad", "repaired", "healthy", "worst gap", "bad - repaired", "tries", "kept", "within 2 %")
    print(table(head, rows))


if __name__ == "__main__":
    main()
