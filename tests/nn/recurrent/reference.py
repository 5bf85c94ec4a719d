"""Each recurrence in NumPy, gate by gate, from the equations of its source."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import nn

from gradus.nn.recurrent import Recurrent

# T steps, N sequences, F features, H units

Array = np.ndarray[Any, np.dtype[np.float64]]
Numbers = Mapping[str, Array]
"""A cell's parameters by torch's names."""


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def normalized(x: Array, scale: Array, shift: Array) -> Array:
    mean = x.mean(axis=1, keepdims=True)
    deviation = np.sqrt(((x - mean) ** 2).mean(axis=1, keepdims=True) + 1e-5)
    result: Array = (x - mean) / deviation * scale + shift
    return result


def rows(p: Numbers, at: int, hidden: int) -> tuple[Array, Array, Array, Array]:
    """W, U and the two biases of one gate; 0 for a bias that is not there."""
    part = slice(at * hidden, (at + 1) * hidden)
    none = np.zeros(hidden)
    biases = [p[name][part] if name in p else none for name in ("bias_ih", "bias_hh")]
    return p["weight_ih"][part], p["weight_hh"][part], biases[0], biases[1]


def total(p: Numbers, at: int, x: Array, h: Array) -> Array:
    """W x + U h + b of one gate."""
    w, u, b, b_too = rows(p, at, h.shape[1])
    return x @ w.T + h @ u.T + b + b_too


def rnn_tanh(p: Numbers, x: Array, h: Array) -> tuple[Array]:
    return (np.tanh(total(p, 0, x, h)),)


def rnn_relu(p: Numbers, x: Array, h: Array) -> tuple[Array]:
    return (np.maximum(total(p, 0, x, h), 0),)


def lstm(p: Numbers, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    forget, take, give = (sigmoid(total(p, at, x, h)) for at in (1, 0, 3))
    c = forget * c + take * np.tanh(total(p, 2, x, h))
    return give * np.tanh(c), c


def peephole_lstm(p: Numbers, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    seen = p["peepholes"]
    forget = sigmoid(total(p, 1, x, h) + seen[1] * c)
    take = sigmoid(total(p, 0, x, h) + seen[0] * c)
    c = forget * c + take * np.tanh(total(p, 2, x, h))
    return sigmoid(total(p, 3, x, h) + seen[2] * c) * np.tanh(c), c


def layer_norm_lstm(p: Numbers, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    def norm(name: str, values: Array) -> Array:
        return normalized(values, p[f"norm_{name}.weight"], p[f"norm_{name}.bias"])

    gates = norm("inputs", x @ p["weight_ih"].T) + norm("state", h @ p["weight_hh"].T)
    gates = gates + p.get("bias_ih", 0.0) + p.get("bias_hh", 0.0)
    take, forget, new, give = np.split(gates, 4, axis=1)
    c = sigmoid(forget) * c + sigmoid(take) * np.tanh(new)
    return sigmoid(give) * np.tanh(norm("memory", c)), c


def gru_after(p: Numbers, x: Array, h: Array) -> tuple[Array]:
    r, z = (sigmoid(total(p, at, x, h)) for at in (0, 1))
    w, u, b, b_too = rows(p, 2, h.shape[1])
    n = np.tanh(x @ w.T + b + r * (h @ u.T + b_too))
    return ((1 - z) * n + z * h,)


def gru_before(p: Numbers, x: Array, h: Array) -> tuple[Array]:
    r, z = (sigmoid(total(p, at, x, h)) for at in (0, 1))
    return ((1 - z) * np.tanh(total(p, 2, x, r * h)) + z * h,)


STEPS: dict[str, Callable[..., tuple[Array, ...]]] = {
    "rnn tanh": rnn_tanh,
    "rnn relu": rnn_relu,
    "irnn": rnn_relu,
    "lstm": lstm,
    "gru after": gru_after,
    "gru before": gru_before,
    "peephole_lstm": peephole_lstm,
    "layer_norm_lstm": layer_norm_lstm,
}
OPTIONS: dict[str, dict[str, Any]] = {
    "rnn tanh": {"kind": "rnn"},
    "rnn relu": {"kind": "rnn", "nonlinearity": "relu"},
    "irnn": {"kind": "irnn"},
    "lstm": {"kind": "lstm"},
    "gru after": {"kind": "gru"},
    "gru before": {"kind": "gru", "reset": "before"},
    "peephole_lstm": {"kind": "peephole_lstm"},
    "layer_norm_lstm": {"kind": "layer_norm_lstm"},
}
FUSED = [name for name in OPTIONS if name not in ("gru before", "peephole_lstm", "layer_norm_lstm")]
WAYS = [(name, True) for name in FUSED] + [(name, False) for name in OPTIONS]
"""Every kind in cells, and on torch's kernel where it has one."""


def numbers(layer: nn.Module) -> dict[str, Array]:
    return {name: each.detach().numpy() for name, each in layer.named_parameters()}


def parameters_of(layer: Recurrent) -> list[dict[str, Array]]:
    """Of each layer and direction, wherever they are kept."""
    if layer.kernel is None:
        return [numbers(cell) for cell in layer.cells]
    known = numbers(layer.kernel)
    return [
        {name.removesuffix(f"_{place}"): each for name, each in known.items() if name.endswith(f"_{place}")}
        for place in layer.places
    ]


def run(
    name: str, cells: list[dict[str, Array]], x_TNF: Array, state: tuple[Array, ...], directions: int
) -> tuple[Array, tuple[Array, ...]]:
    """Layers over time; sequences in full."""
    last: list[tuple[Array, ...]] = []
    for layer in range(len(cells) // directions):
        ways = []
        for direction in range(directions):
            at = layer * directions + direction
            parts = tuple(part[at] for part in state)
            y: list[Array] = [np.empty(0)] * len(x_TNF)
            for t in range(len(x_TNF)) if direction == 0 else reversed(range(len(x_TNF))):
                parts = STEPS[name](cells[at], x_TNF[t], *parts)
                y[t] = parts[0]
            ways.append(np.stack(y))
            last.append(parts)
        x_TNF = np.concatenate(ways, axis=2)
    return x_TNF, tuple(np.stack(part) for part in zip(*last, strict=True))
