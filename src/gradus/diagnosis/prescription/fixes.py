"""The table of fixes: what can be changed in a program's source for each remedy."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gradus.core.findings import Finding
from gradus.diagnosis.history import History
from gradus.diagnosis.prescription.edits import Edit
from gradus.diagnosis.prescription.program import Program


@dataclass(frozen=True)
class Place:
    """A line of one of the program's own files."""

    path: Path
    line: int


@dataclass(frozen=True, kw_only=True)
class Sites:
    """Where a program was seen to do things, each place once and in order; empty of what was not looked at.

    Attributes:
        backward: calls of backward.
        steps: calls of an optimizer's step.
    """

    backward: tuple[Place, ...] = ()
    steps: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a fix goes by: the program, what was seen, and the cause it is to remove.

    Attributes:
        findings: all of them, those of the cause's own rule included.
        history: signs of the run.
    """

    program: Program
    cause: str
    findings: Sequence[Finding] = ()
    history: History = field(default_factory=History)
    sites: Sites = field(default_factory=Sites)

    def finding(self, symptom: str) -> Finding | None:
        return next((each for each in self.findings if each.symptom == symptom), None)


Fix = Callable[[Case], Iterable[Sequence[Edit]]]
"""Gives the changes that would do, each a list of edits, the likeliest first; none where the place is not known."""

FIXES: dict[str, list[Fix]] = {}
"""By remedy id."""


def fix(*remedies: str) -> Callable[[Fix], Fix]:
    """Enter a function into the table, for these remedies."""

    def enter(function: Fix) -> Fix:
        for each in remedies:
            FIXES.setdefault(each, []).append(function)
        return function

    return enter
