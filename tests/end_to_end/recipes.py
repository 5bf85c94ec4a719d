"""A recipe that trains in a fraction of a second, with everything in it that a resumed run must get right."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradus

TRAINING = {"epochs": 3, "batch_size": 128, "threads": 1, "device": "cpu"}
STEPS_PER_EPOCH = 11


EVERY_CHANGE = [
    *("shift", "rotate", "scale", "shear", "flip", "crop", "colour", "noise", "cutout", "mixup", "noise"),
]


def digits(
    *,
    seed: int = 0,
    augment: Sequence[Any] = ("shift", "rotate"),
    model: dict[str, Any] | None = None,
    optimizer: dict[str, Any] | None = None,
    **training: Any,
) -> dict[str, Any]:
    """A perceptron on digits; `training` adds to its table."""
    return {
        "seed": seed,
        "data": {"name": "digits", "augment": list(augment)},
        "model": model or {"name": "mlp", "hidden": [16], "dropout": 0.2},
        "criterion": {"name": "cross_entropy"},
        "optimizer": optimizer or {"name": "adamw", "lr": 0.01},
        "schedule": {"name": "one_cycle"},
        "training": TRAINING | training,
    }


def weights(run: gradus.Run | Path) -> bytes:
    """The file of a run's weights."""
    return ((run if isinstance(run, Path) else run.path) / "model.safetensors").read_bytes()
