"""The likely fixes of a program, in order."""

import importlib
import itertools
import logging
import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import gradus.diagnosis.prescription as home
from gradus.core.findings import Remedy
from gradus.diagnosis.prescription.edits import Edit, OverlapError, apply, difference
from gradus.diagnosis.prescription.fixes import FIXES, Case, Fix
from gradus.diagnosis.prescription.leaving_out import odd_ones
from gradus.diagnosis.prescription.program import Program, SourceFile
from gradus.diagnosis.prescription.second_line import HARDLY_EVER, second_line, suspected
from gradus.diagnosis.prescription.seeds import seed_workers_apart
from gradus.diagnosis.prescription.yardstick import Verdict
from gradus.diagnosis.remedies import remedies_for, remedy_called

ENOUGH = 5
"""Changes that are looked for, and told."""
_OF_THE_NAMED = 3
"""Changes against the named causes before others are suspected."""
_ODD = 2
"""Odd ones of no named cause."""

_LOG = logging.getLogger("gradus")


@dataclass(frozen=True)
class Prescription:
    """One thing to do.

    Attributes:
        cause: what it is to remove.
        diff: of the user's source, as ``diff -u`` has it.
        sources: the new text of each file that changes.
        verdict: what came of it when it was tried; None if it was not.
    """

    cause: str
    remedy: Remedy
    diff: str
    sources: dict[SourceFile, str]
    verdict: Verdict | None = None

    def to_json(self) -> dict[str, Any]:
        """As documents have it."""
        document = {"cause": self.cause, "remedy": self.remedy.id, "text": self.remedy.text, "diff": self.diff}
        return document | ({} if self.verdict is None else {"tried": self.verdict.to_json()})


def prescriptions(case: Case, causes: Sequence[str]) -> Iterator[Prescription]:
    """What can be changed in the source for these causes, the likeliest first; each different text once.

    After `_OF_THE_NAMED` of them the causes may well be the wrong ones: what a practitioner would try next follows, up
    to `ENOUGH` in all; where there is no cause, nothing else. A fix that stumbles is left out: it is advice, and the
    run it is about is over.
    """
    load_fixes()
    seen: set[str] = set()
    yield from _together(case, causes, seen)
    yield from _seeds_of_workers(case, causes, seen)
    queues = [_by(replace(case, cause=cause), remedies_for(cause), seen) for cause in causes]
    without = [_by(replace(case, cause=cause), [remedy_called("leave-out")], seen) for cause in causes]
    # The first cause may be the wrong one: the others have their turn after its two likeliest remedies.
    turns = [itertools.islice(each, 1 if number else 2) for number, each in enumerate(queues)]
    for own, left_out in zip(turns, without, strict=True):
        yield from own
        yield from itertools.islice(left_out, 1)
    rest = itertools.chain(*queues, *without)
    yield from itertools.islice(rest, max(0, _OF_THE_NAMED - len(seen)))
    suspects = second_line(case, causes)
    others = [_by(replace(case, cause=suspect), remedies, seen) for suspect, remedies in suspects.items()]
    turns = [itertools.islice(each, 1) for each in others]
    likelier = {each.symptom for each in case.findings} | (set() if causes else HARDLY_EVER)
    found = len(list(itertools.takewhile(likelier.__contains__, suspects)))
    odd = itertools.islice(_odd_ones(case, seen), _ODD if causes else ENOUGH - 1)
    queue = itertools.chain(*turns[:found], odd, *turns[found:], *others)
    yield from itertools.islice(queue, max(0, ENOUGH - len(seen)))
    yield from rest


def _odd_ones(case: Case, seen: set[str]) -> Iterator[Prescription]:
    for cause, edits in odd_ones(case):
        made = _made_first(case.program, edits, seen)
        if made is not None:
            yield Prescription(cause, suspected(cause, "leave-out"), *made)


_SCALES = {"unscaled-inputs": "scale-inputs", "unscaled-targets": "scale-targets"}
"""Causes of which one hides behind the other: nothing is won by either remedy alone."""


def _together(case: Case, causes: Sequence[str], seen: set[str]) -> Iterator[Prescription]:
    if not _SCALES.keys() <= set(causes):
        return
    edits = [next(_edits(replace(case, cause=cause), remedy), None) for cause, remedy in _SCALES.items()]
    both = [edit for each in edits for edit in each or ()]
    made = None if None in edits else _made_first(case.program, both, seen)
    if made is not None:
        one, other = map(remedy_called, _SCALES.values())
        first = min(_SCALES, key=list(causes).index)
        yield Prescription(first, replace(one, text=f"{one.text} {other.text}"), *made)


def _seeds_of_workers(case: Case, causes: Sequence[str], seen: set[str]) -> Iterator[Prescription]:
    """What happens in data workers is not seen, but for examples of which there are too few; the source tells it."""
    first = next(_found_by(seed_workers_apart, case), None) if "overfitting" in causes[:1] else None
    made = _made_first(case.program, first, seen) if first is not None else None
    if made is not None:
        yield Prescription("duplicate-augmentation", remedy_called("seed-once"), *made)


def _by(case: Case, remedies: Sequence[Remedy], seen: set[str]) -> Iterator[Prescription]:
    """What can be changed by these remedies and is not among what was seen, in their order."""
    for remedy in remedies:
        for edits in _edits(case, remedy.id):
            made = _made_first(case.program, edits, seen)
            if made is not None:
                yield Prescription(case.cause, remedy, *made)


def _edits(case: Case, remedy: str) -> Iterator[Sequence[Edit]]:
    for function in FIXES.get(remedy, ()):
        yield from _found_by(function, case)


def _found_by(function: Fix, case: Case) -> Iterator[Sequence[Edit]]:
    try:
        yield from function(case)
    except Exception as error:
        _LOG.debug("the fix %s stumbled", function.__name__, exc_info=error)


def _made_first(program: Program, edits: Sequence[Edit], seen: set[str]) -> tuple[str, dict[SourceFile, str]] | None:
    """The difference that edits make, and the new sources; None if they make none, or one that was seen."""
    made = _made(program, edits)
    if made is None or not made[0] or made[0] in seen:
        return None
    seen.add(made[0])
    return made


def _made(program: Program, edits: Sequence[Edit]) -> tuple[str, dict[SourceFile, str]] | None:
    try:
        sources = {file: apply(edits, file) for file in program.files if any(each.file is file for each in edits)}
        return difference(program, edits), sources
    except (OverlapError, SyntaxError) as error:
        _LOG.debug("a fix that does not fit", exc_info=error)
        return None


def read_program(script: Path, content: bytes, others: Sequence[Path] = ()) -> Program | None:
    """The program, with those of its own modules that can be read; None if the script itself is no Python."""
    first = _read(script, content)
    if first is None:
        return None
    files = [first]
    for each in others:
        try:
            file = _read(each, each.read_bytes())
        except OSError:
            continue
        files += [] if file is None else [file]
    return Program(tuple(files))


def _read(path: Path, content: bytes) -> SourceFile | None:
    try:
        file = SourceFile.decoded(path, content)
        file.tree  # noqa: B018  parsed now, so that what is no Python is known here
    except (SyntaxError, ValueError):
        return None
    return file


@cache
def load_fixes() -> None:
    """Import every family of fixes: they enter themselves into the table."""
    for each in pkgutil.iter_modules(home.__path__):
        importlib.import_module(f"{home.__name__}.{each.name}")
