"""What the fixes of one remedy make of a piece of source."""

import textwrap
from pathlib import Path

from gradus.diagnosis.history import History
from gradus.diagnosis.prescription.edits import apply
from gradus.diagnosis.prescription.fixes import FIXES, Case
from gradus.diagnosis.prescription.prescribe import load_fixes, read_program
from gradus.diagnosis.remedies import BY_ID


def changes(source: str, remedy: str, history: History | None = None, cause: str = "") -> list[str]:
    """Every text that the remedy's fixes propose, the likeliest first; each is valid Python."""
    load_fixes()
    program = read_program(Path("script.py"), textwrap.dedent(source).encode())
    assert program is not None
    cause = cause or next(each for each, remedies in BY_ID.items() if remedy in remedies)
    case = Case(program=program, cause=cause, history=history or History())
    return [apply(edits, program.script) for function in FIXES[remedy] for edits in function(case) if edits]


def lines(before: str, after: str) -> list[str]:
    """The difference of two texts, as lines with - and +, in order."""
    import difflib

    found = difflib.ndiff(textwrap.dedent(before).splitlines(), after.splitlines())
    return [f"{each[0]} {each[2:].strip()}" for each in found if each[0] in "-+"]


def first_change(source: str, remedy: str, history: History | None = None, cause: str = "") -> list[str]:
    """The likeliest change, as lines; empty if nothing is proposed."""
    found = changes(source, remedy, history, cause)
    return lines(source, found[0]) if found else []
