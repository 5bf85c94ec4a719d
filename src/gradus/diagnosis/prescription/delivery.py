"""What is told of the fixes of a program that was watched, and writing the likeliest into its source."""

import itertools
import shutil
import sys
from pathlib import Path
from typing import Any

from gradus.core.errors import ResourceError
from gradus.core.text import Message
from gradus.diagnosis.prescription.fixes import Case, Sites
from gradus.diagnosis.prescription.prescribe import Prescription, prescriptions, read_program
from gradus.diagnosis.sites import SiteListener
from gradus.diagnosis.watch import Watch

MOST = 5
"""Prescriptions in a document."""

_PRESCRIBED = Message(
    en="gradus prescribes [{remedy}] against {cause}: {text}", zh="gradus 处方 [{remedy}]（针对 {cause}）：{text}"
)
_APPLY = Message(
    en="  gradus doctor --apply {script} writes it, and keeps the file as it was beside it",
    zh="  gradus doctor --apply {script} 会写入此修改，并在旁边保留原文件",
)
_WRITTEN = Message(
    en="gradus: wrote {path}; as it was: {backup}", zh="gradus: 已写入 {path}；原文件保存为 {backup}"
)  # fmt: skip
_NOTHING = Message(
    en="gradus: nothing was written: no place in the source is known where to remedy {cause}",
    zh="gradus: 未写入任何内容：不知道在源代码的何处可解决 {cause}",
)


def prescribe(
    script: Path, source: bytes, watch: Watch | None, listener: SiteListener | None, *, apply: bool
) -> list[dict[str, Any]]:
    """Tell the likeliest fix on stderr, write it if asked to, and give all of them as documents have them.

    Raises:
        ResourceError: if it cannot be written.
    """
    if watch is None or not watch.causes:
        return []
    causes = [each.id for each in watch.causes]
    others = listener.own_modules() if listener is not None else []
    program = read_program(
        script, source.decode("utf-8-sig", errors="replace"), [each for each in others if each != script.resolve()]
    )
    found: list[Prescription] = []
    if program is not None:
        sites = listener.sites if listener is not None else Sites()
        case = Case(program=program, cause=causes[0], findings=watch.findings, history=watch.history, sites=sites)
        found = list(itertools.islice(prescriptions(case, causes), MOST))
    if found and found[0].cause == causes[0]:
        first = found[0]
        lines = [_PRESCRIBED.say(remedy=first.remedy.id, cause=first.cause, text=first.remedy.text)]
        lines += [f"  {line}" for line in first.diff.splitlines()]
        print("\n".join(lines if apply else [*lines, _APPLY.say(script=script)]), file=sys.stderr)
        if apply:
            _write(first)
    elif apply:
        print(_NOTHING.say(cause=causes[0]), file=sys.stderr)
    return [
        {"cause": each.cause, "remedy": each.remedy.id, "text": each.remedy.text, "diff": each.diff} for each in found
    ]


def _write(prescription: Prescription) -> None:
    for path, text in prescription.sources.items():
        backup = next(
            each
            for each in (path.with_name(f"{path.name}.orig{number or ''}") for number in itertools.count())
            if not each.exists()
        )
        try:
            shutil.copy2(path, backup)
            path.write_bytes(text.encode())
        except OSError as error:
            raise ResourceError(str(path), f"cannot be written ({error.strerror})") from error
        print(_WRITTEN.say(path=path, backup=backup.name), file=sys.stderr)
