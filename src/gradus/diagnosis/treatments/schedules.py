"""Rates of optimizers and of the schedules that set them, which must change together."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from gradus.diagnosis.treatments.patient import Patient

_RATES = ("lr", "initial_lr", "max_lr", "min_lr")
OF_SCHEDULES = (*_RATES, "base_momentum", "max_momentum")
"""What groups keep that schedules read there, or set."""
_LISTS = ("base_lrs", "max_lrs", "_last_lr")
_FLOORS = ("eta_min",)


def scale_rates(patient: Patient, factor: float) -> None:
    """Multiply all rates, and what every schedule will set them to."""
    for group in patient.groups:
        for name in _RATES:
            if name in group:
                group[name] = _scaled(group[name], factor)
    for scheduler in every(patient.schedulers):
        own = vars(scheduler)
        for name in _LISTS:
            if name in own:
                own[name][:] = [_scaled(each, factor) for each in own[name]]
        for name in _FLOORS:
            if name in own:
                own[name] = own[name] * factor


def every(schedulers: list[LRScheduler]) -> Iterator[LRScheduler]:
    """Those within others, too, as of SequentialLR."""
    for each in schedulers:
        yield each
        yield from every(getattr(each, "_schedulers", []))


def _scaled(value: Any, factor: float) -> Any:
    """A rate may be a tensor that a compiled step reads: it stays the same one."""
    return value.mul_(factor) if isinstance(value, Tensor) else value * factor
