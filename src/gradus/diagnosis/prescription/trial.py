"""A changed program, run as it would be: in a process of its own, with what it writes led into a temporary folder.

``python -m gradus.diagnosis.prescription.trial FOLDER`` is that process: its job lies in `FOLDER`, and what it tells.
"""

import importlib.abc
import importlib.machinery
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from gradus.diagnosis.preflight.leading import lead, lead_torch
from gradus.diagnosis.preflight.overlay import Overlay
from gradus.diagnosis.prescription.yardstick import Figure, Outcome, Printed, overhear
from gradus.diagnosis.script import AfterLoading, Patient, run_program

_JOB, _TOLD, _SAID = "job.json", "told.json", "said"
_BUDGET = 0.01


@dataclass(frozen=True)
class Call:
    """How a program was called: what a trial of it must repeat.

    Attributes:
        script: its absolute path.
        folder: the one it was called in.
        environment: as it was before the program began.
        silence: rules that are not asked.
        word, lower: of what it prints, as for `Printed`; "" for nothing.
    """

    script: Path
    arguments: tuple[str, ...]
    folder: str
    environment: Mapping[str, str]
    silence: tuple[str, ...] = ()
    word: str = ""
    lower: bool = False


def try_out(call: Call, sources: Mapping[Path, bytes], *, limit: float) -> Outcome:
    """Run a program with other sources in place of its own, under the doctor's eyes.

    It has nothing to read on stdin and nowhere to print; what it writes is gone afterwards.

    Args:
        sources: the new content of each file that changes.
        limit: seconds after which it is stopped.
    """
    root = Path(tempfile.mkdtemp(prefix="gradus-"))
    try:
        changed = {}
        for number, (path, content) in enumerate(sources.items()):
            (root / f"source{number}").write_bytes(content)
            changed[str(path)] = str(root / f"source{number}")
        job: dict[str, Any] = {"script": str(call.script), "arguments": call.arguments, "silence": call.silence}
        job |= {"changed": changed, "word": call.word, "lower": call.lower}
        (root / _JOB).write_text(json.dumps(job), encoding="utf-8")
        error = _run(root, call, limit)
        told = root / _TOLD
        if error or not told.exists():
            return Outcome(error=error or "it was killed")
        document = json.loads(told.read_text(encoding="utf-8"))
    finally:
        shutil.rmtree(root, ignore_errors=True)
    seen = {name: Figure(**each) for name, each in document["figures"].items()}
    return Outcome(tuple(document["causes"]), seen, document["error"])


def _run(root: Path, call: Call, limit: float) -> str:
    """What went wrong with the process itself; "" if nothing did."""
    with (root / _SAID).open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, str(root)],
            cwd=call.folder,
            env=call.environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            return f"it took longer than {limit:.0f} seconds"
        finally:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)  # data workers, too
            process.wait()
    return ""


def main(root: Path) -> None:
    """Run the job in a folder, and tell there how it went."""
    job = json.loads((root / _JOB).read_text(encoding="utf-8"))
    changed = {path: Path(copy).read_bytes() for path, copy in job["changed"].items()}
    script, pid = Path(job["script"]), os.getpid()
    source = changed[str(script)] if str(script) in changed else script.read_bytes()
    overlay = Overlay(root)
    lead(overlay)
    sys.meta_path[:0] = [_Changed(changed), AfterLoading("torch", lambda: lead_torch(overlay, sys.modules["torch"]))]
    patient = Patient(_BUDGET, job["silence"], script.parent)
    printed = Printed(job["word"], lower=job["lower"]) if job["word"] else None
    with overhear(printed):
        ended, code = run_program(source, script, job["arguments"])
    if os.getpid() != pid:
        os._exit(code)
    patient.close()
    outcome = patient.outcome(printed, ended)
    (root / _TOLD).write_text(json.dumps(asdict(outcome)), encoding="utf-8")


class _Changed(importlib.abc.MetaPathFinder):
    """Finds modules whose files have another content than on disk."""

    def __init__(self, changed: Mapping[str, bytes]) -> None:
        self._changed = {os.path.realpath(path): content for path, content in changed.items()}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        content = self._changed.get(os.path.realpath(spec.origin)) if spec is not None and spec.origin else None
        if spec is None or spec.origin is None or content is None:
            return None
        spec.loader = _Loader(name, spec.origin, content)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, content: bytes) -> None:
        super().__init__(name, path)
        self._content = content

    def get_code(self, fullname: str) -> CodeType:
        """Compiled from what it was given, never from a cache of what is on disk."""
        return compile(self._content, self.path, "exec", dont_inherit=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
