"""Learning-rate schedules as recipes name them, advanced once per optimizer step.

A builder takes the optimizer and the number of steps the training will have. Formulas are in t, the steps done, n, the
steps there will be, and lr, the optimizer's rate; with `warmup` the rate first rises over that share of the steps, by
equal amounts, and t and n count from there.

Do not let the rate reach zero long before the end: what is not learned by then never is. Where it falls, `final` is
what it falls to, as a share of lr.
"""

import math
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from gradus.optim import schedules
from gradus.optim.hyper import Count

Share = Annotated[float, Field(gt=0, lt=1)]
ShareOrNone = Annotated[float, Field(ge=0, lt=1)]


class _Curve(LambdaLR):
    """A rate that is a function of the step alone; takes the state of any schedule of torch's that it replaces."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({"lr_lambdas": [None] * len(self.lr_lambdas), **state_dict})


def _curve(optimizer: Optimizer, steps: int, warmup: float, factor: Callable[[int, int], float]) -> LRScheduler:
    """The optimizer's rate times `factor(t, n)`, after a rise over the share `warmup` of the steps."""
    rise = round(warmup * steps)
    rest = max(1, steps - rise)

    def at(step: int) -> float:
        return (step + 1) / (rise + 1) if step < rise else factor(step - rise, rest)

    return _Curve(optimizer, at)


@schedules.register(source="Robbins, Monro (1951)", formula="lr")
def constant(optimizer: Optimizer, steps: int, *, warmup: ShareOrNone = 0.0) -> LRScheduler | None:
    """The same rate throughout."""
    return _curve(optimizer, steps, warmup, lambda t, n: 1.0) if warmup else None


@schedules.register(
    source="torch.optim.lr_scheduler.StepLR", formula="lr gamma^floor(t / s), s = n / (drops + 1) rounded up"
)
def step(
    optimizer: Optimizer, steps: int, *, drops: Count = 2, gamma: Share = 0.1, warmup: ShareOrNone = 0.0
) -> LRScheduler:
    """Multiply the rate by `gamma` `drops` times, at equal distances."""
    return _curve(optimizer, steps, warmup, lambda t, n: gamma ** (t // max(1, -(-n // (drops + 1)))))


@schedules.register(
    source="torch.optim.lr_scheduler.MultiStepLR", formula="lr gamma^k, k the number of shares `at` with at n <= t"
)
def multi_step(
    optimizer: Optimizer,
    steps: int,
    *,
    at: tuple[Share, ...] = (0.5, 0.75),
    gamma: Share = 0.1,
    warmup: ShareOrNone = 0.0,
) -> LRScheduler:
    """Multiply the rate by `gamma` at given shares of training."""
    return _curve(optimizer, steps, warmup, lambda t, n: gamma ** sum(t >= round(share * n) for share in at))


@schedules.register(source="torch.optim.lr_scheduler.ExponentialLR", formula="lr final^(t / n)")
def exponential(optimizer: Optimizer, steps: int, *, final: Share = 0.01, warmup: ShareOrNone = 0.0) -> LRScheduler:
    """Decay by the same factor every step, down to `final` times the first rate."""
    return _curve(optimizer, steps, warmup, lambda t, n: final ** (t / n))


@schedules.register(
    source="torch.optim.lr_scheduler.PolynomialLR", formula="lr (final + (1 - final) (1 - t / n)^power)"
)
def polynomial(
    optimizer: Optimizer,
    steps: int,
    *,
    power: Annotated[float, Field(gt=0)] = 1.0,
    final: ShareOrNone = 0.0,
    warmup: ShareOrNone = 0.0,
) -> LRScheduler:
    """Fall to `final` times the rate by a power of what is left; by default in a straight line."""
    return _curve(optimizer, steps, warmup, lambda t, n: final + (1 - final) * max(0.0, 1 - t / n) ** power)


@schedules.register(source="Robbins, Monro (1951), conditions on the steps", formula="lr / (1 + t / (halve_after n))")
def inverse_time(
    optimizer: Optimizer, steps: int, *, halve_after: Share = 0.1, warmup: ShareOrNone = 0.0
) -> LRScheduler:
    """Halved after the share `halve_after` of training, and ever slower from then on."""
    return _curve(optimizer, steps, warmup, lambda t, n: 1 / (1 + t / (halve_after * n)))


@schedules.register(
    source="Vaswani et al. (2017), arXiv:1706.03762, equation 3",
    formula="lr sqrt(w / (w + t)), w the steps of the rise",
)
def inverse_sqrt(optimizer: Optimizer, steps: int, *, warmup: Share = 0.1) -> LRScheduler:
    """Fall with the root of the step, after a linear rise."""
    rise = max(1, round(warmup * steps))
    return _curve(optimizer, steps, warmup, lambda t, n: math.sqrt(rise / (rise + t)))


@schedules.register(
    source="Loshchilov, Hutter (2017), arXiv:1608.03983, eq. 5",
    formula="lr (final + (1 - final) (1 + cos(pi t / n)) / 2)",
)
def cosine(optimizer: Optimizer, steps: int, *, warmup: ShareOrNone = 0.0, final: ShareOrNone = 0.0) -> LRScheduler:
    """Half a cosine down to `final` times the rate."""
    return _curve(optimizer, steps, warmup, lambda t, n: _cosine(t, n, final))


@schedules.register(
    source="Loshchilov, Hutter (2017), arXiv:1608.03983, section 3",
    formula="lr (final + (1 - final) (1 + cos(pi t_i / n_i)) / 2), t_i since the i-th restart, n_i = stretch n_(i-1)",
)
def cosine_restarts(
    optimizer: Optimizer,
    steps: int,
    *,
    cycles: Count = 3,
    stretch: Annotated[float, Field(ge=1)] = 2.0,
    final: ShareOrNone = 0.0,
    warmup: ShareOrNone = 0.0,
) -> LRScheduler:
    """`cycles` half cosines, each `stretch` times as long as the one before; the rate springs back between them."""

    def factor(t: int, n: int) -> float:
        length = n / sum(stretch**cycle for cycle in range(cycles))
        start = 0.0
        for _ in range(cycles - 1):
            if t < math.ceil(start + length - 1e-9):
                break
            start, length = start + length, stretch * length
        return _cosine(t - start, length, final)

    return _curve(optimizer, steps, warmup, factor)


@schedules.register(
    source="Smith (2017), arXiv:1506.01186, section 3",
    formula="lr (low + (1 - low) (1 - |2 t / c - 2 floor(t / c) - 1|)), c = n / cycles",
)
def triangular(
    optimizer: Optimizer, steps: int, *, cycles: Count = 4, low: ShareOrNone = 0.1, warmup: ShareOrNone = 0.0
) -> LRScheduler:
    """Rise and fall in straight lines between `low` times the rate and the rate, `cycles` times."""

    def factor(t: int, n: int) -> float:
        turn = t * cycles / n
        return low + (1 - low) * (1 - abs(2 * (turn - math.floor(turn)) - 1))

    return _curve(optimizer, steps, warmup, factor)


@schedules.register(
    source="Smith, Topin (2018), arXiv:1708.07120",
    formula="half a cosine from lr / divide up to lr over the share `warmup`, then one down to lr / divide / 10,000",
    notes="The paper also cycles the momentum; here it stays as the optimizer has it.",
)
def one_cycle(
    optimizer: Optimizer, steps: int, *, warmup: Share = 0.3, divide: Annotated[float, Field(gt=1)] = 25.0
) -> LRScheduler:
    """Rise to the rate over the share `warmup` of the steps, then fall to nearly nothing."""
    rates = [group["lr"] for group in optimizer.param_groups]
    # torch divides by the length of the rise, which is nothing if it ends with the first step.
    share = warmup * (1 + 1e-9) if warmup * steps == 1 else warmup
    return OneCycleLR(
        optimizer, max_lr=rates, total_steps=steps, pct_start=share, div_factor=divide, cycle_momentum=False
    )


@schedules.register(
    source="torch.optim.lr_scheduler.ReduceLROnPlateau",
    formula="lr *= factor after `patience` evaluations whose loss is not below (1 - threshold) of the best",
    notes="By the validation loss, or where there is none the training loss. It has no `warmup`.",
)
def plateau(
    optimizer: Optimizer,
    steps: int,
    *,
    factor: Share = 0.1,
    patience: Count = 5,
    threshold: ShareOrNone = 1e-4,
    final: ShareOrNone = 0.0,
) -> LRScheduler:
    """Lower the rate when the loss has stopped falling, to `final` times the rate at the least."""
    lowest = [final * group["lr"] for group in optimizer.param_groups]
    return ReduceLROnPlateau(optimizer, factor=factor, patience=patience - 1, threshold=threshold, min_lr=lowest)


def _cosine(t: float, n: float, final: float) -> float:
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * t / n))
