"""Records what optax and Keras do, step by step: the references of tests/golden/optimizers.json.

    python -m benchmarks.record_optimizers

Both run on JAX in float64, from (-1.2, 1) on Rosenbrock's function, on gradients computed here in NumPy. Rates are
small where the path would else be chaotic: RMSProp with a rate of 0.01 makes of a difference of 1e-15 one of 3e-4.
Rprop is left out: optax 0.2.8 applies each of its steps one step late.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

OUT = Path(__file__).parents[1] / "tests" / "golden" / "optimizers.json"
START = (-1.2, 1.0)
STEPS, KEPT = 100, 10
Array = NDArray[np.float64]

# The optimizer of gradus, its options, and the call that makes the reference.
OPTAX: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("sgd", {"lr": 1e-3}, "sgd", {"learning_rate": 1e-3}),
    ("sgd", {"lr": 1e-4, "momentum": 0.9}, "sgd", {"learning_rate": 1e-4, "momentum": 0.9}),
    (
        "sgd",
        {"lr": 1e-4, "momentum": 0.9, "nesterov": True},
        "sgd",
        {"learning_rate": 1e-4, "momentum": 0.9, "nesterov": True},
    ),
    ("adagrad", {"lr": 0.1}, "adagrad", {"learning_rate": 0.1}),
    ("rmsprop", {"lr": 1e-3}, "rmsprop", {"learning_rate": 1e-3}),
    ("rmsprop", {"lr": 1e-3, "centered": True}, "rmsprop", {"learning_rate": 1e-3, "centered": True}),
    ("rmsprop", {"lr": 1e-4, "momentum": 0.9}, "rmsprop", {"learning_rate": 1e-4, "momentum": 0.9}),
    (
        "rmsprop",
        {"lr": 1e-5, "momentum": 0.9, "nesterov": True},
        "rmsprop",
        {"learning_rate": 1e-5, "momentum": 0.9, "nesterov": True},
    ),
    ("adadelta", {"lr": 1.0}, "adadelta", {"learning_rate": 1.0}),
    ("adam", {"lr": 1e-2}, "adam", {"learning_rate": 1e-2}),
    ("adamw", {"lr": 1e-2, "weight_decay": 0.1}, "adamw", {"learning_rate": 1e-2, "weight_decay": 0.1}),
    ("adamax", {"lr": 1e-2}, "adamax", {"learning_rate": 1e-2}),
    ("nadam", {"lr": 1e-2}, "nadam", {"learning_rate": 1e-2}),
    ("radam", {"lr": 1e-5}, "radam", {"learning_rate": 1e-5}),
]
KERAS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("sgd", {"lr": 1e-4, "momentum": 0.9}, "SGD", {"learning_rate": 1e-4, "momentum": 0.9}),
    (
        "sgd",
        {"lr": 1e-4, "momentum": 0.9, "nesterov": True},
        "SGD",
        {"learning_rate": 1e-4, "momentum": 0.9, "nesterov": True},
    ),
    ("adagrad", {}, "Adagrad", {}),
    ("rmsprop", {}, "RMSprop", {}),
    ("rmsprop", {"lr": 1e-4, "momentum": 0.9}, "RMSprop", {"learning_rate": 1e-4, "momentum": 0.9}),
    ("rmsprop", {"centered": True}, "RMSprop", {"centered": True}),
    ("adadelta", {}, "Adadelta", {}),
    ("adadelta", {"lr": 1.0}, "Adadelta", {"learning_rate": 1.0}),
    ("adam", {"lr": 1e-2}, "Adam", {"learning_rate": 1e-2}),
    ("adamw", {"lr": 1e-2}, "AdamW", {"learning_rate": 1e-2}),
    ("adamax", {"lr": 1e-2}, "Adamax", {"learning_rate": 1e-2}),
    ("nadam", {"lr": 1e-2}, "Nadam", {"learning_rate": 1e-2}),
]


def gradient(point: Array) -> Array:
    """Of Rosenbrock's function."""
    x, y = point
    return np.array([-400 * x * (y - x**2) - 2 * (1 - x), 200 * (y - x**2)])


def with_optax(name: str, options: dict[str, Any]) -> list[Array]:
    """The points after each step of optax's `name`."""
    import jax.numpy as jnp
    import optax

    method = getattr(optax, name)(**options)
    point = jnp.asarray(START, dtype=jnp.float64)
    state, points = method.init(point), []
    for _ in range(STEPS):
        change, state = method.update(jnp.asarray(gradient(np.asarray(point))), state, point)
        point = optax.apply_updates(point, change)
        points.append(np.asarray(point))
    return points


def with_keras(name: str, options: dict[str, Any]) -> list[Array]:
    """The points after each step of Keras's `name`."""
    import keras

    keras.config.set_floatx("float64")
    method = getattr(keras.optimizers, name)(**options)
    point = keras.Variable(np.array(START), dtype="float64")
    method.build([point])
    points = []
    for _ in range(STEPS):
        method.apply([keras.ops.convert_to_tensor(gradient(np.asarray(point)))], [point])
        points.append(np.array(point.numpy()))
    return points


def rows(
    library: str, cases: list[tuple[str, dict[str, Any], str, dict[str, Any]]], run: Callable[..., list[Array]]
) -> list[dict[str, Any]]:
    """What the file keeps of each of `cases`."""
    return [
        {
            "optimizer": ours,
            "options": {"preset": library, **options},
            "points": [list(map(float, each)) for each in run(theirs, call)[KEPT - 1 :: KEPT]],
        }
        for ours, options, theirs, call in cases
    ]


def main() -> None:
    """Write the file."""
    os.environ["KERAS_BACKEND"] = "jax"
    import jax

    jax.config.update("jax_enable_x64", True)
    import keras
    import optax

    runs = rows("optax", OPTAX, with_optax) + rows("keras", KERAS, with_keras)
    document = {
        "versions": {"optax": optax.__version__, "keras": keras.__version__, "jax": jax.__version__},
        "start": START,
        "every": KEPT,
        "runs": runs,
    }
    OUT.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{len(runs)} runs in {OUT}")


if __name__ == "__main__":
    main()
