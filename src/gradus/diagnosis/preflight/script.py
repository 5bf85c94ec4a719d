"""A program examined before it trains: in a process of its own that ends when enough was seen, and writes nothing."""

import json
import os
import select
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn

from gradus.core.errors import InputError
from gradus.core.text import Message
from gradus.diagnosis.preflight.leading import lead, lead_torch
from gradus.diagnosis.preflight.overlay import Overlay
from gradus.diagnosis.script import AfterLoading, plain, run_program

if TYPE_CHECKING:
    from gradus.diagnosis.preflight.examiner import Examiner

_OWNER = "gradus preflight"
_LAST = 0.3
"""Seconds kept for what is left to do when the time is up."""
_GRACE = 3.0

_NEVER = Message(
    en="{script} trained nothing that can be followed: backward was not called (torch.autograd.grad is not followed)",
    zh="{script} 没有可以跟踪的训练：没有调用 backward（不跟踪 torch.autograd.grad）",
)
_CRASHED = Message(en="{script} ended with {error} before it trained", zh="{script} 在训练之前以 {error} 结束")
_KILLED = Message(en="{script} was killed before it trained", zh="{script} 在训练之前被终止")
_LATE = Message(
    en="{script} came to no backward pass within {seconds:.3g} seconds",
    zh="{script} 在 {seconds:.3g} 秒内没有进行反向传播",
)


def examine_script(script: Path, arguments: Sequence[str], *, budget: float) -> dict[str, Any]:
    """Examine the training of a program.

    It runs in a child process: with nothing to read on stdin and nowhere to print, files that it writes led into a
    temporary folder, until a few hundred steps or `budget` seconds are over.

    Returns:
        `findings`, `causes`, `checks`, `steps_seen`, `overhead` and `program_exit`, as documents have them.
    Raises:
        InputError: if there is no such file, or the program does not come to train.
    """
    if not script.is_file():
        raise InputError(_OWNER, "no such file", str(script), "Name a Python program or a recipe.")
    try:
        source = script.read_bytes()
    except OSError as error:
        raise InputError(_OWNER, f"cannot be read ({error.strerror})", str(script)) from error
    if not hasattr(os, "fork"):
        raise InputError(_OWNER, "needs a system whose processes fork", sys.platform, "Use `gradus doctor`.")
    began = monotonic()
    root = Path(tempfile.mkdtemp(prefix="gradus-"))
    there, here = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        _in_child(source, script, arguments, root, here, began + budget)
    os.close(here)
    try:
        told = _read_line(there, began + budget + _GRACE)
    finally:
        os.close(there)
        for end in (os.killpg, os.kill):  # data workers, too
            with suppress(OSError):
                end(child, signal.SIGKILL)
        os.waitpid(child, 0)
        shutil.rmtree(root, ignore_errors=True)
    late = monotonic() >= began + budget
    document: dict[str, Any] = json.loads(told) if told else {"late": late, "killed": not late}
    return _of_training(document, script.name, budget)


def _of_training(document: dict[str, Any], script: str, budget: float) -> dict[str, Any]:
    """The document of a program that trained."""
    if "ours" in document:
        raise RuntimeError(document["ours"])
    error, late = document.pop("error", ""), document.pop("late", False)
    if document.pop("trained", False):
        return document | ({"program_error": error} if error else {})
    if error:
        raise InputError(_OWNER, _CRASHED.say(script=script, error=error))
    if late:
        raise InputError(_OWNER, _LATE.say(script=script, seconds=budget), repair="Give it more by --budget.")
    if document.pop("killed", False):
        raise InputError(_OWNER, _KILLED.say(script=script))
    raise InputError(_OWNER, _NEVER.say(script=script))


def _read_line(pipe: int, until: float) -> bytes:
    """A line from a pipe that others may keep open; empty if none comes in time."""
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], max(0.0, until - monotonic()))
        piece = os.read(pipe, 1 << 16) if ready else b""
        if not piece:
            return b""
        line += piece
    return line


def _in_child(
    source: bytes, script: Path, arguments: Sequence[str], root: Path, pipe: int, deadline: float
) -> NoReturn:
    try:
        os.setsid()
        nothing, words = os.open(os.devnull, os.O_RDWR), os.open(root / "words", os.O_RDWR | os.O_CREAT)
        for number, file in ((0, nothing), (1, nothing), (2, words)):
            os.dup2(file, number)
        # Whatever our caller had in their place, the program has its own.
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(each, mode, closefd=False) for each, mode in enumerate("rww"))
        patient = _Patient(Overlay(root), pipe, deadline)
        signal.signal(signal.SIGALRM, lambda *_: patient.conclude(late=True))
        signal.setitimer(signal.ITIMER_REAL, max(0.01, deadline - _LAST - monotonic()))
        ended, code = run_program(source, script, arguments)
        if os.getpid() == patient.pid:
            patient.conclude(ended=True, code=code, error=_how(ended, code))
    except BaseException:  # of ours: those of the program have been caught
        _write_line(pipe, {"ours": traceback.format_exc()})
    finally:
        os._exit(0)


def _write_line(pipe: int, document: dict[str, Any]) -> None:
    line = json.dumps(plain(document)).encode() + b"\n"
    while line:
        line = line[os.write(pipe, line) :]


def _how(error: BaseException | None, code: int) -> str:
    """What ended a program too early; "" of one that came to its end."""
    if error is not None:
        return f"{type(error).__name__}: {error}"
    if not code:
        return ""
    sys.stderr.flush()
    said = os.pread(2, 10_000, 0).decode(errors="replace").strip().splitlines()
    return f"exit code {code}" + (f" ({said[-1]})" if said else "")


class _Patient:
    """The program, from when torch has been loaded."""

    def __init__(self, overlay: Overlay, pipe: int, deadline: float) -> None:
        self.pid = os.getpid()
        self._overlay, self._pipe, self._deadline = overlay, pipe, deadline
        self._examiner: Examiner | None = None
        lead(overlay)
        if "torch" in sys.modules:
            self._begin()
        else:
            sys.meta_path.insert(0, AfterLoading("torch", self._begin))

    def _begin(self) -> None:
        import torch

        from gradus.diagnosis.preflight.examiner import Examiner

        torch.compiler.set_stance("force_eager")  # compiling takes longer than the examination
        lead_torch(self._overlay, torch)
        self._examiner = Examiner(deadline=self._deadline, enough=self.conclude)

    def conclude(self, *, ended: bool = False, late: bool = False, code: int = 0, error: str = "") -> NoReturn:
        """Tell what was seen, and be gone: nothing of the program's runs any more."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        document: dict[str, Any] = {"error": error[-300:], "late": late, "trained": False}
        try:
            if self._examiner is not None and self._examiner.trained:
                document |= self._examiner.conclude(ended=ended and not error) | {"trained": True, "program_exit": code}
        except Exception:
            document = {"ours": traceback.format_exc()}
        _write_line(self._pipe, document)
        os._exit(0)
