"""The learning-rate range test: raise the rate step by step, and see where the loss falls and where it breaks."""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gradus.core.errors import InputError
from gradus.core.untouched import put_back, untouched


@dataclass(frozen=True)
class RangeTest:
    """What a range test found.

    Attributes:
        rates: the rate of each step, rising by the same factor.
        losses: the loss before each step.
        smoothed: their moving average, corrected for its start.
        steepest: the rate at which the smoothed loss fell fastest for a rise of the rate by the same factor.
        diverged: the rate at which the loss was `stop` times its lowest or no number any more; None if it never was.
        suggested: the lesser of `steepest` and a tenth of `diverged`.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    steepest: float
    diverged: float | None
    suggested: float

    @property
    def reason(self) -> str:
        """Which of the two `suggested` is."""
        if self.suggested < self.steepest:
            return f"a tenth of {self.diverged:.2g}, where the loss diverged"
        return "where the loss fell fastest"


def range_test(
    model: nn.Module,
    optimizer: Optimizer,
    closure: Callable[[], Any],
    *,
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 100,
    smoothing: float = 0.9,
    stop: float = 4.0,
) -> RangeTest:
    """Train for up to `steps` steps at rates that rise from `low` to `high` by the same factor, then undo it all.

    The parameters of the optimizer, the parameters and buffers of the model, the optimizer's state, gradients and rates
    and torch's, NumPy's and Python's random numbers are afterwards what they were.

    Args:
        closure: takes the next batch, zeroes the gradients, computes the loss, calls backward and returns the loss.
            `batch_closure` makes one.
        low, high: of the first group; the other groups keep their proportion to it.
        smoothing: of the moving average of losses.
        stop: end the test when the smoothed loss is so many times its lowest.
    Raises:
        InputError: if the arguments make no range, the optimizer has no rate, or the first loss is not finite.
    Source: Smith (2017), arXiv:1506.01186, section 3.3.
    """
    if not 0 < low < high or steps < 3:
        raise InputError("range test", "needs 0 < low < high and at least 3 steps", (low, high, steps))
    if not all("lr" in group for group in optimizer.param_groups):
        raise InputError("range test", "needs an optimizer with a rate `lr`", type(optimizer).__name__)
    rates: list[float] = []
    losses: list[float] = []
    smoothed: list[float] = []
    diverged = None
    average = 0.0
    with _undone(model, optimizer):
        shares = [group["lr"] / optimizer.param_groups[0]["lr"] for group in optimizer.param_groups]
        for number in range(steps):
            rate = low * (high / low) ** (number / (steps - 1))
            for group, share in zip(optimizer.param_groups, shares, strict=True):
                group["lr"] = rate * share
            loss = float(torch.as_tensor(optimizer.step(closure)).detach())
            if not math.isfinite(loss) and not losses:
                raise InputError("range test", "the loss must be finite before the first step", loss)
            average = smoothing * average + (1 - smoothing) * loss
            value = average / (1 - smoothing ** (number + 1))
            if not math.isfinite(value) or (smoothed and value > stop * min(smoothed) > 0):
                diverged = rate
                break
            rates.append(rate)
            losses.append(loss)
            smoothed.append(value)
    steepest = _steepest(rates, smoothed)
    suggested = steepest if diverged is None else min(steepest, diverged / 10)
    return RangeTest(tuple(rates), tuple(losses), tuple(smoothed), steepest, diverged, suggested)


def batch_closure(
    model: nn.Module,
    optimizer: Optimizer,
    criterion: Callable[[Tensor, Tensor], Tensor],
    batches: Callable[[], Iterator[tuple[Tensor, Tensor]]],
) -> Callable[[], Tensor]:
    """A closure for `range_test`: the loss on the next (input, target) of `batches`, which begins anew at its end.

    >>> layer = nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    >>> data = [(torch.ones(4, 2), torch.ones(4, 1))]
    >>> closure = batch_closure(layer, optimizer, nn.functional.mse_loss, lambda: iter(data))
    >>> found = range_test(layer, optimizer, closure, steps=50)
    >>> found.rates[0] < found.suggested < found.rates[-1]
    True
    """
    left = batches()

    def closure() -> Tensor:
        nonlocal left
        batch = next(left, None)
        if batch is None:
            left = batches()
            batch = next(left)
        optimizer.zero_grad()
        loss = criterion(model(batch[0]), batch[1])
        loss.backward()
        return loss

    return closure


def _steepest(rates: list[float], smoothed: list[float]) -> float:
    """The rate, of those tried, where the smoothed loss falls fastest along the logarithm of the rate."""
    lowest = min(range(len(smoothed)), key=smoothed.__getitem__)
    slopes = [
        (smoothed[place + 1] - smoothed[place - 1], rates[place])
        for place in range(1, len(rates) - 1)
        if place <= max(lowest, 1)
    ]
    return min(slopes)[1] if slopes else rates[0]


@contextmanager
def _undone(model: nn.Module, optimizer: Optimizer) -> Iterator[None]:
    """Leave nothing of what happens within."""
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    gradients = [(each, each.grad) for each in parameters]
    tensors = {id(each): each for each in (*parameters, *model.parameters(), *model.buffers())}
    state = copy.deepcopy(optimizer.state_dict())
    try:
        with untouched(model), put_back([*tensors.values(), *(each for _, each in gradients if each is not None)]):
            yield
    finally:
        for parameter, gradient in gradients:
            parameter.grad = gradient
        optimizer.load_state_dict(state)
