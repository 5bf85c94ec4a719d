"""What is told of the fixes of a program that was watched, and writing the likeliest into its source."""

import itertools
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from gradus.core.errors import ResourceError
from gradus.core.text import Message
from gradus.diagnosis.prescription.fixes import Case
from gradus.diagnosis.prescription.prescribe import ENOUGH, Prescription, prescriptions, read_program
from gradus.diagnosis.sites import SiteListener
from gradus.diagnosis.watch import Watch

_PATIENCE = 20.0
"""Seconds after which what was found by then is told; most programs take less than one."""

_PRESCRIBED = Message(
    en="gradus prescribes [{remedy}] against {cause}: {text}", zh="gradus 处方 [{remedy}]（针对 {cause}）：{text}"
)
_APPLY = Message(
    en="  gradus doctor {option} {script} writes it, and keeps the file as it was beside it",
    zh="  gradus doctor {option} {script} 会写入此修改，并在旁边保留原文件",
)
_WRITTEN = Message(
    en="gradus: wrote {path}; as it was: {backup}", zh="gradus: 已写入 {path}；原文件保存为 {backup}"
)  # fmt: skip
_NONE_HELPED = Message(
    en="gradus: none of the changes that were tried did good: nothing is prescribed",
    zh="gradus: 试用的修改均无改善：不作处方",
)
_NOTHING = Message(
    en="gradus: nothing was written: no place in the source is known where to remedy {cause}",
    zh="gradus: 未写入任何内容：不知道在源代码的何处可解决 {cause}",
)


def prescribe(
    script: Path, content: bytes, watch: Watch | None, listener: SiteListener | None, *, suspect: bool = False
) -> list[Prescription]:
    """The likely fixes of a program that was watched, those against the likeliest cause first.

    Args:
        script: its absolute path.
        content: what was in it when it was run.
        suspect: also if nothing is named: they will be tried.
    """
    if watch is None or listener is None or not (watch.causes or suspect):
        return []
    causes = [each.id for each in watch.causes]
    others = [each for each in listener.own_modules() if each != script]
    program = read_program(script, content, others)
    if program is None:
        return []
    program = replace(program, until=perf_counter() + _PATIENCE)
    case = Case(
        program=program,
        cause=next(iter(causes), ""),
        findings=watch.findings,
        history=watch.history,
        sites=listener.sites,
    )
    return list(itertools.islice(prescriptions(case, causes), ENOUGH))


def tell(prescribed: Sequence[Prescription], watch: Watch | None, script: Path, *, apply: bool) -> None:
    """Say on stderr what to change against the likeliest cause, and change it if asked to.

    Raises:
        ResourceError: if a file has changed since it was read, or cannot be written.
    """
    cause = watch.causes[0].id if watch is not None and watch.causes else ""
    first = _first(prescribed, cause)
    if first is None and prescribed and prescribed[0].verdict is not None:
        print(_NONE_HELPED.say(), file=sys.stderr)
    elif first is not None:
        lines = [_PRESCRIBED.say(remedy=first.remedy.id, cause=first.cause, text=first.remedy.text)]
        lines += [f"  {line}" for line in first.diff.splitlines()]
        tries = sum(each.verdict is not None for each in prescribed)
        option = f"--try {tries} --apply" if tries else "--apply"
        print("\n".join(lines if apply else [*lines, _APPLY.say(option=option, script=script)]), file=sys.stderr)
        if apply:
            _write(first)
    elif apply and cause:
        print(_NOTHING.say(cause=cause), file=sys.stderr)


def _first(prescribed: Sequence[Prescription], cause: str) -> Prescription | None:
    """What to do: what did good, or else the likeliest thing against the likeliest cause."""
    if not prescribed:
        return None
    tried = prescribed[0].verdict
    return prescribed[0] if (prescribed[0].cause == cause if tried is None else tried.kept) else None


def _write(prescription: Prescription) -> None:
    for file in prescription.sources:
        if file.path.read_bytes() != file.encoded(file.text):
            raise ResourceError(str(file.path), "has changed since it was run", repair="Run it again.")
    for file, text in prescription.sources.items():
        names = (f"{file.path.name}.orig{number or ''}" for number in itertools.count())
        backup = next(each for each in map(file.path.with_name, names) if not each.exists())
        try:
            shutil.copy2(file.path, backup)
            file.path.write_bytes(file.encoded(text))
        except OSError as error:
            raise ResourceError(str(file.path), f"cannot be written ({error.strerror})") from error
        print(_WRITTEN.say(path=file.path, backup=backup.name), file=sys.stderr)
