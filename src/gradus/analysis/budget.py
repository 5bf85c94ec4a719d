"""Limits that a network has to keep: ``params<5M, macs<300M, memory<2GB, latency<20ms``."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from torch import nn

from gradus.analysis.ceilings import ceilings
from gradus.analysis.figures import FIGURES
from gradus.analysis.inspect import Inspection
from gradus.analysis.roofline import seconds
from gradus.analysis.training_memory import training_memory
from gradus.analysis.units import SIZE, TIME, Unit
from gradus.core.errors import InputError, nearest

EXAMPLE = "params<5M, macs<300M, memory<2GB"
_SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_LIMIT = re.compile(r"(?P<name>[a-z]+)\s*(?P<sign><=|>=|<|>)\s*(?P<number>\d+(\.\d*)?|\.\d+)\s*(?P<unit>[A-Za-z]*)")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a budget is for.

    Attributes:
        inputs, named: those with which it was inspected.
        threads: that times are for; as many as torch uses now if None.
    """

    found: Inspection
    model: nn.Module
    inputs: Sequence[Any] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    threads: int | None = None


def _memory(subject: Subject) -> float | None:
    """Bytes of a training step at its peak, with AdamW in float32."""
    if subject.found.saved_bytes is None:
        return None
    return training_memory(subject.model, *subject.inputs, **subject.named).peak


def _latency(subject: Subject) -> float | None:
    """Seconds of a forward pass on this machine, as predicted."""
    return None if subject.found.unresolved else seconds(subject.found.trace, ceilings(subject.threads))


_ASKED: dict[str, Callable[[Subject], float | None]] = {"memory": _memory, "latency": _latency}
"""Figures that take more than an inspection."""
_UNITS: dict[str, Unit] = {name: each.unit for name, each in FIGURES.items()} | {"memory": SIZE, "latency": TIME}


@dataclass(frozen=True, slots=True)
class Limit:
    """What one figure has to be.

    Attributes:
        name: of the figure: one of `FIGURES`, or "memory" (of a training step, at its peak) or "latency".
        amount: in bytes, seconds, or as a number.
        text: as it was written.
    """

    name: str
    sign: str
    amount: float
    text: str

    @property
    def unit(self) -> Unit:
        return _UNITS[self.name]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of one limit; `found` is None where it is not known."""

    limit: Limit
    found: float | None

    @property
    def holds(self) -> bool:
        """Whether the limit is kept; by what is not known it is not."""
        return self.found is not None and bool(_SIGNS[self.limit.sign](self.found, self.limit.amount))

    def to_json(self) -> dict[str, Any]:
        limit = self.limit
        return {"name": limit.name, "sign": limit.sign, "limit": limit.amount, "found": self.found, "holds": self.holds}


def parse(text: str) -> list[Limit]:
    """Read limits, separated by commas.

    Raises:
        InputError: naming the part that cannot be read, or the figure that is not known.
    """
    return [_limit(each.strip()) for each in text.split(",")]


def check(limits: Sequence[Limit], subject: Subject) -> list[Verdict]:
    """Find the figure of each limit."""
    return [Verdict(each, _find(each.name, subject)) for each in limits]


def _find(name: str, subject: Subject) -> float | None:
    return FIGURES[name].of(subject.found) if name in FIGURES else _ASKED[name](subject)


def _limit(text: str) -> Limit:
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise InputError("budget", "must be limits separated by commas", text, f'Such as "{EXAMPLE}".')
    name, sign, number, suffix = match.group("name", "sign", "number", "unit")
    if name not in _UNITS:
        raise InputError("budget", "limits a figure that is not known", name, nearest(name, _UNITS))
    scales = _UNITS[name].scales
    if suffix not in scales:
        units = ", ".join(filter(None, scales)) or "none"
        raise InputError("budget", f"`{name}` must be in one of its units", text, f"They are: {units}.")
    return Limit(name, sign, float(Fraction(number) * Fraction(scales[suffix])), text)
