"""Running a program in a process of its own, forked from one that has loaded what programs load."""

import contextlib
import hashlib
import json
import os
import re
import runpy
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from gradus.core.text import set_language
from gradus.diagnosis.history import History
from gradus.diagnosis.script import diagnose_script
from gradus.diagnosis.watch import Watch
from gradus.training.doctoring import signs_to_json

LIMIT = 120
"""Seconds after which a program is taken to hang."""


@dataclass(frozen=True)
class Outcome:
    """How a program went.

    Attributes:
        code: its exit code; of one that was watched, the doctor's.
        out, err: what it printed.
        score: the number in its last line; NaN if there is none.
        document: what the doctor wrote; empty of one that was not watched.
        weights: a digest of all parameters after each step of each optimizer.
        history: of one that was recorded, what `gradus.diagnosis` saw, as `recorded` gives it.
    """

    code: int
    out: str
    err: str
    seconds: float
    document: dict[str, Any]
    weights: str
    history: dict[str, Any]

    @property
    def score(self) -> float:
        found = re.findall(r"^score: (\S+)$", self.out, re.MULTILINE)
        return float(found[-1]) if found else float("nan")

    @property
    def findings(self) -> list[dict[str, Any]]:
        return list(self.document.get("findings", ()))

    @property
    def causes(self) -> list[str]:
        return [each["id"] for each in self.document.get("causes", ())]


def run(
    source: str, name: str, seed: int, *, watched: bool, digest: bool = False, record: bool = False, tries: int = 0
) -> Outcome:
    """Run `source` as a script called ``name.py``, with the seed as its argument.

    Args:
        watched: by the doctor, as ``gradus doctor`` does.
        tries: fixes that are tried before they are prescribed, by the score that the program prints.
        digest: of the weights after every step.
        record: keep the signs; the doctor then says nothing.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        script = folder / f"{name}.py"
        script.write_text(source, encoding="utf-8")
        began = time.perf_counter()
        pid = os.fork()
        if not pid:
            _child(folder, script, str(seed), watched=watched, digest=digest, record=record, tries=tries)
        _, status = os.waitpid(pid, 0)
        seconds = time.perf_counter() - began

        def read(file: str) -> str:
            path = folder / file
            return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

        document = json.loads(read("json") or "{}")
        history = json.loads(read("history") or "{}")
        code = os.waitstatus_to_exitcode(status)
        return Outcome(code, read("out"), read("err"), seconds, document, read("weights"), history)


def _child(folder: Path, script: Path, seed: str, *, watched: bool, digest: bool, record: bool, tries: int) -> None:
    """In the forked process: never returns."""
    signal.alarm(LIMIT * (1 + tries))
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    set_language("en")
    finish = _digesting(folder / "weights") if digest else lambda: None
    code = 70
    try:
        if record:
            with Watch(None, None, budget=0.5, silence=(), quiet=True) as watch:
                code = _plainly(script, seed)
            (folder / "history").write_text(json.dumps(recorded(watch.history)), encoding="utf-8")
        elif watched:
            code = diagnose_script(script, [seed], json_to=folder / "json", tries=tries, word="score")
        else:
            code = _plainly(script, seed)
        finish()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def recorded(history: History) -> dict[str, Any]:
    """What pages show of a run: losses in equal stretches, held-out figures, and signs by layer."""
    return {
        "steps": history.step,
        "losses": _thinned(history.losses.bins or history.losses.first),
        "evaluations": [[each.step, each.loss, each.accuracy] for each in history.evaluations],
        "right": history.right,
        "signs": [[each.step, signs_to_json(each)["layers"]] for each in history.examinations],
    }


def _thinned(values: list[float], most: int = 128) -> list[float]:
    """Means of so few neighbours that at most so many are left."""
    width = -(-len(values) // most) or 1
    return [statistics.fmean(values[at : at + width]) for at in range(0, len(values), width)]


def _plainly(script: Path, seed: str) -> int:
    sys.argv = [str(script), seed]
    sys.path.insert(0, str(script.parent))
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _digesting(place: Path) -> Callable[[], None]:
    """Digest every parameter after every step; what to call at the end."""
    digest = hashlib.sha256()

    def note(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            for each in group["params"]:
                digest.update(each.detach().reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())

    register_optimizer_step_post_hook(note)

    def finish() -> None:
        place.write_text(digest.hexdigest(), encoding="utf-8")

    return finish
