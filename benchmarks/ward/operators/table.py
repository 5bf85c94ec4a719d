"""Ways to make a mistake, by cause."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.ward.edits import Source
from benchmarks.ward.programs import LOOP_AND_OUTPUT

Make = Callable[[Source, random.Random], None]
"""Changes a source in place; leaves alone one that it does not fit."""


@dataclass(frozen=True)
class Operator:
    """A way to make a mistake.

    Attributes:
        accept: causes that would be as right an answer.
    """

    name: str
    cause: str
    accept: tuple[str, ...]
    make: Make

    @property
    def structural(self) -> bool:
        """Whether it is plainly wrong, however little it hurts."""
        return self.cause in STRUCTURAL


STRUCTURAL = LOOP_AND_OUTPUT | {"leakage"}
OPERATORS: list[Operator] = []


def operator(cause: str, *accept: str) -> Callable[[Make], Make]:
    """Enter a function as an operator."""

    def enter(make: Make) -> Make:
        OPERATORS.append(Operator(make.__name__, cause, accept, make))
        return make

    return enter


def mutant(operator: Operator, text: str, seed: int) -> str | None:
    """What an operator makes of a program; None where it does not fit."""
    source = Source(text)
    operator.make(source, random.Random(seed))
    return source.result()
