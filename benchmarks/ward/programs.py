"""The programs of the ward: what each is, and how a faulty one becomes its healthy twin."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
TUNING = HERE / "tuning.txt"
"""Names of the programs that thresholds were set on; all others are the half that is reported."""


@dataclass(frozen=True)
class Program:
    """A script.

    Attributes:
        group: "faults", "healthy" or "examples".
        cause: what a faulty one suffers from; "" of a healthy one.
        accept: other causes that would be as right an answer.
        structural: visible at once, however little it hurts.
        tuning: whether thresholds were set on it.
    """

    path: Path
    group: str
    cause: str = ""
    accept: tuple[str, ...] = ()
    structural: bool = False
    tuning: bool = False

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def source(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def twin(self) -> str:
        """The healthy program: without the lines that end in ``# FAULT``, with those that begin with ``# TWIN:``."""
        lines = [line for line in self.source.splitlines() if not line.rstrip().endswith("# FAULT")]
        return "\n".join(re.sub(r"^(\s*)# TWIN: ?", r"\1", line) for line in lines) + "\n"


def programs() -> list[Program]:
    """All of them, by group and name."""
    tuning = set(TUNING.read_text(encoding="utf-8").split()) if TUNING.exists() else set()
    return [
        _read(path, group, path.stem in tuning)
        for group in ("faults", "healthy", "examples")
        for path in sorted((HERE / group).glob("*.py"))
    ]


def _read(path: Path, group: str, tuning: bool) -> Program:
    notes = dict(_notes(path.read_text(encoding="utf-8")))
    return Program(
        path=path,
        group=group,
        cause=notes.get("cause", ""),
        accept=tuple(notes.get("accept", "").split()),
        structural=notes.get("kind") == "structural",
        tuning=tuning,
    )


def _notes(source: str) -> Iterator[tuple[str, str]]:
    for found in re.finditer(r"^# (cause|accept|kind): (.+)$", source, re.MULTILINE):
        yield found[1], found[2].split("  ")[0].strip()
