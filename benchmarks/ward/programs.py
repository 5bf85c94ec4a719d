"""The programs of the ward: what each is, and how a faulty one becomes its healthy twin.

Faults are whole programs with marks in ``faults``; ``mistakes`` has what somebody did to one of the healthy programs.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
TUNING = HERE / "tuning.txt"
"""Names of the programs that thresholds were set on; all others are the half that is reported."""

LOOP_AND_OUTPUT = frozenset({
    "softmax-twice", "softmax-wrong-axis", "softmax-single-unit", "missing-log", "loss-output-mismatch", "output-range",
    "nonlinear-logits", "broadcast-loss", "missing-zero-grad", "missing-step", "stale-optimizer",
    "parameters-not-in-optimizer", "unregistered-parameters", "frozen-parameters", "detached-graph",
    "training-in-eval-mode", "evaluation-in-train-mode", "dropout-in-evaluation", "batch-norm-drift",
})  # fmt: skip
"""Causes that must be named within five steps of becoming visible."""


@dataclass(frozen=True)
class Program:
    """A script.

    Attributes:
        path: the script, or the difference that makes a faulty one of a healthy one.
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
        text = self.path.read_text(encoding="utf-8")
        return text if self._of is None else patched(self._of.read_text(encoding="utf-8"), text)

    @property
    def twin(self) -> str:
        """The healthy program: that of which it was made, or else the one without the lines that end in ``# FAULT``,
        with those that begin with ``# TWIN:``.
        """
        if self._of is not None:
            return self._of.read_text(encoding="utf-8")
        lines = [line for line in self.source.splitlines() if not line.rstrip().endswith("# FAULT")]
        return "\n".join(re.sub(r"^(\s*)# TWIN: ?", r"\1", line) for line in lines) + "\n"

    @property
    def _of(self) -> Path | None:
        """The healthy program that a mistake was put into."""
        if self.path.suffix != ".diff":
            return None
        named = re.search(r"^--- (\S+)$", self.path.read_text(encoding="utf-8"), re.MULTILINE)
        assert named is not None, f"{self.path} names no healthy program"
        return HERE / "healthy" / named[1]


def patched(source: str, diff: str) -> str:
    """`source` after `diff`."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "program.py"
        file.write_text(source, encoding="utf-8")
        subprocess.run(["patch", "-s", str(file)], input=diff.encode(), check=True, stdout=sys.stderr)
        return file.read_text(encoding="utf-8")


def drawn(folder: str) -> Path:
    """A folder with mistakes, as an option of the command line."""
    if not any(Path(folder).glob("*.diff")):
        raise argparse.ArgumentTypeError(f"no mistakes in `{folder}`; benchmarks.ward.mutants --to draws some")
    return Path(folder)


def programs(mistakes: Path | None = None) -> list[Program]:
    """All of them, by group and name; of a folder of drawn mistakes only these."""
    if mistakes is not None:
        return [_read(path, "faults", tuning=False) for path in sorted(mistakes.glob("*.diff"))]
    tuning = set(TUNING.read_text(encoding="utf-8").split()) if TUNING.exists() else set()
    folders = [("faults", "*.py"), ("mistakes", "*.diff"), ("healthy", "*.py"), ("examples", "*.py")]
    return [
        _read(path, "faults" if folder == "mistakes" else folder, tuning=path.stem in tuning)
        for folder, files in folders
        for path in sorted((HERE / folder).glob(files))
    ]


def _read(path: Path, group: str, *, tuning: bool) -> Program:
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
