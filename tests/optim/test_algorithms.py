"""Every optimizer against its paper's recursion, written out in NumPy."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from gradus.core.errors import InputError
from gradus.optim import optimizers

Array = NDArray[np.float64]
STEPS = 60
START = np.array([-1.2, 1.0])


def rosenbrock_gradient(p: Array) -> Array:
    x, y = p
    return np.array([-400 * x * (y - x**2) - 2 * (1 - x), 200 * (y - x**2)])


def trajectory(name: str, **options: object) -> list[Array]:
    point = nn.Parameter(torch.tensor(START))
    card = optimizers.get(name)
    optimizer = card.build([point], **card.validate(options))
    points = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        x, y = point
        (100 * (y - x**2) ** 2 + (1 - x) ** 2).backward()
        optimizer.step()
        points.append(point.detach().numpy().copy())
    return points


def follow(update: Callable[[Array, Array, int], Array]) -> list[Array]:
    point, points = START.copy(), []
    for t in range(1, STEPS + 1):
        point = update(point, rosenbrock_gradient(point), t)
        points.append(point)
    return points


def test_sgd_is_descent_along_the_gradient() -> None:
    expected = follow(lambda p, g, t: p - 1e-3 * (g + 0.1 * p))
    np.testing.assert_allclose(trajectory("sgd", lr=1e-3, weight_decay=0.1), expected, rtol=1e-9)


def test_momentum_accumulates_and_nesterov_looks_ahead() -> None:
    for nesterov in (False, True):
        velocity = np.zeros(2)

        def update(p: Array, g: Array, t: int, nesterov: bool = nesterov, v: Array = velocity) -> Array:
            v *= 0.9
            v += g
            return p - 1e-4 * (g + 0.9 * v if nesterov else v)

        actual = trajectory("sgd", lr=1e-4, momentum=0.9, nesterov=nesterov)
        np.testing.assert_allclose(actual, follow(update), rtol=1e-9)


@pytest.mark.parametrize("decoupled", [False, True])
def test_adam_and_adamw_follow_their_papers(decoupled: bool) -> None:
    m, v = np.zeros(2), np.zeros(2)
    decay, lr = 0.1, 1e-2

    def update(p: Array, g: Array, t: int) -> Array:
        nonlocal m, v
        p = p - lr * decay * p if decoupled else p
        g = g if decoupled else g + decay * p
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
        return p - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-8)

    name = "adamw" if decoupled else "adam"
    actual = trajectory(name, lr=lr, betas=(0.9, 0.99), weight_decay=decay)
    np.testing.assert_allclose(actual, follow(update), rtol=1e-8)


def test_the_gradient_of_a_batch_is_unbiased_and_noisy() -> None:
    """Its mean over all batches of a size is the whole set's; the notes call the stochastic gradient biased."""
    rng = np.random.default_rng(0)
    x, y, w = rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=3)

    def gradient(rows: tuple[int, ...]) -> Array:
        weight = torch.tensor(w, requires_grad=True)
        (torch.tensor(x[list(rows)]) @ weight - torch.tensor(y[list(rows)])).square().mean().backward()
        assert weight.grad is not None
        return weight.grad.numpy()

    whole = gradient(tuple(range(6)))
    spread = []
    for size in (1, 2, 3, 6):
        every = np.array([gradient(rows) for rows in combinations(range(6), size)])
        np.testing.assert_allclose(every.mean(0), whole, rtol=1e-12)
        spread.append(float(every.var(0).sum()))
    assert spread == sorted(spread, reverse=True)
    assert spread[0] > 0
    assert spread[-1] == pytest.approx(0, abs=1e-20)


def test_lbfgs_finds_the_bottom_of_rosenbrocks_valley() -> None:
    point = nn.Parameter(torch.tensor(START))
    optimizer = optimizers.get("lbfgs").build([point], max_iter=100)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = 100 * (point[1] - point[0] ** 2) ** 2 + (1 - point[0]) ** 2
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    np.testing.assert_allclose(point.detach().numpy(), [1.0, 1.0], rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("sgd", {"lr": -1.0}, "`lr` should be greater than 0"),
        ("adam", {"beta": 0.9}, "Did you mean `betas`?"),
        ("adamw", {"betas": [0.9, 1.0]}, "`betas.1` should be less than 1"),
        ("adamw", {"lr": "fast"}, "`lr` should be a valid number"),
    ],
)
def test_options_are_checked(name: str, options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says.replace("?", r"\?")):
        optimizers.get(name).validate(options)
