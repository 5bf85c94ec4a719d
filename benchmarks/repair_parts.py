"""Networks and data of the recipes in `benchmarks.repair`, as a user's own file has them."""

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from gradus.core.spec import DataSpec


def perceptron(spec: DataSpec, *, depth: int = 3, width: int = 64, gain: float = 1.0, bias: float = 0.0) -> nn.Module:
    """Rectified layers whose weights are `gain` times Kaiming's, and whose biases all begin at `bias`."""
    sizes = [spec.features, *[width] * depth]
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in pairwise(sizes):
        linear = nn.Linear(before, after)
        nn.init.kaiming_normal_(linear.weight)
        with torch.no_grad():
            linear.weight *= gain
            linear.bias.fill_(bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, spec.outputs))


def unscaled() -> dict[str, Any]:
    """Digits as a table whose columns have units of their own: some in the thousands, some far from zero."""
    rng = np.random.default_rng(0)
    scale = 10 ** rng.uniform(-1, 3, 64).astype(np.float32)
    return _digits(lambda x: x.reshape(-1, 64) * scale + rng.choice([0, 1000], 64).astype(np.float32))


def few(examples: int = 400, wrong: float = 0.25) -> dict[str, Any]:
    """So many digits to learn from, a share of them under any label at all; the test split is large and right."""
    ready, rng = _digits(), np.random.default_rng(1)
    y = ready["y"][:examples].copy()
    lost = rng.random(examples) < wrong
    y[lost] = rng.integers(0, 10, int(lost.sum()))
    return ready | {"x": ready["x"][:examples], "y": y}


def imbalanced(rare: int = 12) -> dict[str, Any]:
    """Digits of which 5 to 9 have become rare in training; in the test split all are alike."""
    ready = _digits()
    kept = [np.flatnonzero(ready["y"] == digit)[: None if digit < 5 else rare] for digit in range(10)]
    keep = np.sort(np.concatenate(kept))
    return ready | {"x": ready["x"][keep], "y": ready["y"][keep]}


def _digits(change: Any = lambda x: x) -> dict[str, Any]:
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    x, y = change(x.reshape(-1, 8, 8).astype(np.float32))[order], y[order]
    return {"x": x[600:], "y": y[600:], "test": (x[:600], y[:600])}
