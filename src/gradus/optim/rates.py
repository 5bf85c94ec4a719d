"""torch's learning-rate schedules as recipes name them, advanced once per optimizer step.

A builder takes the optimizer and the number of steps the training will have.
"""

import math
from typing import Annotated

from pydantic import Field
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ExponentialLR, LambdaLR, LRScheduler, OneCycleLR, StepLR

from gradus.optim import schedules

Share = Annotated[float, Field(gt=0, lt=1)]


@schedules.register(source="Robbins, Monro (1951)")
def constant(optimizer: Optimizer, steps: int) -> LRScheduler | None:
    """The same rate throughout."""
    return None


@schedules.register(source="torch.optim.lr_scheduler.StepLR")
def step(
    optimizer: Optimizer, steps: int, *, drops: Annotated[int, Field(ge=1)] = 2, gamma: Share = 0.1
) -> LRScheduler:
    """Multiply the rate by `gamma` `drops` times, at equal distances."""
    return StepLR(optimizer, step_size=max(1, -(-steps // (drops + 1))), gamma=gamma)


@schedules.register(source="torch.optim.lr_scheduler.ExponentialLR")
def exponential(optimizer: Optimizer, steps: int, *, final: Share = 0.01) -> LRScheduler:
    """Decay by the same factor every step, down to `final` times the first rate."""
    return ExponentialLR(optimizer, gamma=final ** (1 / steps))


@schedules.register(source="Robbins, Monro (1951), conditions on the steps")
def inverse_time(optimizer: Optimizer, steps: int, *, halve_after: Share = 0.1) -> LRScheduler:
    """lr / (1 + t / T): halved after the share `halve_after` of training, and ever slower from then on."""
    scale = halve_after * steps
    return LambdaLR(optimizer, lambda t: 1 / (1 + t / scale))


@schedules.register(source="Loshchilov, Hutter (2017), arXiv:1608.03983, eq. 5")
def cosine(
    optimizer: Optimizer,
    steps: int,
    *,
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    final: Annotated[float, Field(ge=0, lt=1)] = 0.0,
) -> LRScheduler:
    """Half a cosine down to `final` times the rate, after a linear rise over the share `warmup` of the steps."""
    rise = round(warmup * steps)

    def factor(t: int) -> float:
        if t < rise:
            return (t + 1) / (rise + 1)
        return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * (t - rise) / max(1, steps - rise)))

    return LambdaLR(optimizer, factor)


@schedules.register(source="Smith, Topin (2018), arXiv:1708.07120")
def one_cycle(
    optimizer: Optimizer, steps: int, *, warmup: Share = 0.3, divide: Annotated[float, Field(gt=1)] = 25.0
) -> LRScheduler:
    """Rise from lr / `divide` to lr over the share `warmup` of the steps, then fall to nearly nothing.

    The paper also cycles the momentum; here it stays as the optimizer has it.
    """
    rates = [group["lr"] for group in optimizer.param_groups]
    # torch divides by the length of the rise, which is nothing if it ends with the first step.
    share = warmup * (1 + 1e-9) if warmup * steps == 1 else warmup
    return OneCycleLR(
        optimizer, max_lr=rates, total_steps=steps, pct_start=share, div_factor=divide, cycle_momentum=False
    )
