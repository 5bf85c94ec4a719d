"""The learning rate: lower, higher, as a range test says, or on a schedule."""

import math
from collections.abc import Callable
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Generator, distributed
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from gradus.core.errors import InputError
from gradus.core.text import Message
from gradus.diagnosis.treatments.patient import Patient
from gradus.diagnosis.treatments.schedules import scale_rates
from gradus.diagnosis.treatments.table import Done, treatments
from gradus.optim.range_test import range_test

Positive = Annotated[float, Field(gt=0)]
_SET = Message(en="Changed the learning rate from {old:.3g} to {new:.3g}.", zh="学习率由 {old:.3g} 改为 {new:.3g}。")
_FOUND = Message(
    en="A range test set the learning rate from {old:.3g} to {new:.3g}: the least of where the loss fell fastest, a "
    "tenth of where it diverged and a quarter of where it was lowest.",
    zh="范围测试把学习率由 {old:.3g} 改为 {new:.3g}：取损失下降最快处、发散处的十分之一与最低处的四分之一中最小者。",
)
_SCHEDULED = Message(
    en="The learning rate rises for {warmup} steps, then falls to {final:.0%} by step {total}.",
    zh="学习率在前 {warmup} 步上升，到第 {total} 步降至 {final:.0%}。",
)


@treatments.register("lower-learning-rate", changes="optimizer", source="Goodfellow et al. (2016), section 8.2")
def lower(patient: Patient, generator: Generator, *, factor: Annotated[float, Field(gt=0, lt=1)] = 0.1) -> Done:
    """Multiply all rates, and those that schedules will set."""
    return _multiply(patient, factor, _SET)


@treatments.register("raise-learning-rate", changes="optimizer", source="Bengio (2012), arXiv:1206.5533, section 3.1.1")
def higher(patient: Patient, generator: Generator, *, factor: Annotated[float, Field(gt=1)] = 10.0) -> Done:
    """Multiply all rates, and those that schedules will set."""
    return _multiply(patient, factor, _SET)


@treatments.register("range-test", changes="optimizer", source="Smith (2017), arXiv:1506.01186, section 3.3")
def by_range_test(
    patient: Patient,
    generator: Generator,
    *,
    low: Positive = 1e-7,
    high: Positive = 10.0,
    steps: Annotated[int, Field(ge=3)] = 100,
) -> Done:
    """Raise the rate step by step, undo that, and set all rates in proportion to what was found.

    The batches that the patient's closure took are gone. A rate held for long must be lower than one passed through:
    with momentum, some runs on digits diverged at the steepest point, none at a quarter of the lowest.
    """
    if patient.closure is None:
        raise InputError("patient", "needs a closure for a range test", repair="Give `closure=`.")
    optimizer = patient.optimizer
    if not _rate(optimizer):
        raise InputError("optimizer", "must have a rate above 0 for a range test", _rate(optimizer))
    found = range_test(patient.model, optimizer, _agreed(patient, patient.closure), low=low, high=high, steps=steps)
    lowest = found.rates[min(range(len(found.smoothed)), key=found.smoothed.__getitem__)]
    return _multiply(patient, min(found.suggested, lowest / 4) / _rate(optimizer), _FOUND)


@treatments.register("schedule", changes="optimizer", source="Goyal et al. (2017), arXiv:1706.02677, section 2.2")
def schedule(
    patient: Patient,
    generator: Generator,
    *,
    warmup: Annotated[int, Field(ge=0)] = 100,
    total: Annotated[int, Field(ge=1)],
    final: Annotated[float, Field(ge=0, le=1)] = 0.0,
) -> Done:
    """From now on every step sets the rate: up in a line for `warmup` steps, down a half cosine until step `total`."""
    if patient.schedulers:
        raise InputError("patient", "has a schedule already", [type(each).__name__ for each in patient.schedulers])
    if warmup >= total:
        raise InputError("treatment `schedule`", "`warmup` must be less than `total`", warmup)

    def share(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        left = max(0.0, (total - step) / (total - warmup))
        return final + (1 - final) * (1 - math.cos(math.pi * left)) / 2

    for optimizer in patient.optimizers:
        scheduler = LambdaLR(optimizer, share)
        optimizer.register_step_post_hook(Stepping(scheduler))
        patient.schedulers.append(scheduler)
    figures = {"warmup": warmup, "total": total, "final": final}
    return Done(_SCHEDULED, tuple(f"optimizer {number}" for number in range(len(patient.optimizers))), figures)


class Stepping:
    """A hook: the schedule moves on after every step of the optimizer, so that the loop need not."""

    def __init__(self, scheduler: LambdaLR) -> None:
        self.scheduler = scheduler

    def __call__(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.scheduler.step()


def _multiply(patient: Patient, factor: float, says: Message) -> Done:
    groups = patient.groups
    if not groups or not all("lr" in group for group in groups):
        raise InputError("patient", "needs an optimizer with a rate `lr`")
    old = float(groups[0]["lr"])
    scale_rates(patient, factor)
    places = tuple(f"group {number}" for number in range(len(groups)))
    return Done(says, places, {"old": old, "new": float(groups[0]["lr"])})


def _rate(optimizer: Optimizer) -> float:
    return float(optimizer.param_groups[0].get("lr", 0.0))


def _agreed(patient: Patient, closure: Callable[[], Any]) -> Callable[[], Any]:
    """The same with the sum of the ranks' losses: all end the test at the same step, with the same rate."""

    def agreed() -> Any:
        loss = torch.as_tensor(closure()).detach().clone()
        return patient.agree(loss, distributed.ReduceOp.SUM)

    return agreed
