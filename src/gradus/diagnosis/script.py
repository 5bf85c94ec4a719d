"""Someone else's program, unmodified, under the doctor's eyes.

The program runs in this process as ``__main__``, with its own arguments and output, and its exit code. torch is not
loaded before the program loads it, so that what it sets in the environment first still counts.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import math
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gradus.core.errors import InputError, ResourceError
from gradus.core.text import Message

if TYPE_CHECKING:
    from gradus.diagnosis.watch import Watch

FOUND, CRASHED, INTERRUPTED = 1, 1, 130

_HEALTHY = Message(en="nothing is wrong, as far as {steps} steps show", zh="就这 {steps} 步来看，没有发现问题")
_NO_TRAINING = Message(
    en="{script} trained nothing: no backward pass was seen in this process",
    zh="{script} 没有进行训练：本进程中没有反向传播",
)
_RAISED = Message(
    en="{script} ended with {error}; what was seen until then counts", zh="{script} 以 {error} 结束；以上为此前所见"
)


def diagnose_script(
    script: Path,
    arguments: Sequence[str],
    *,
    json_to: Path | None = None,
    budget: float = 0.01,
    silence: Sequence[str] = (),
) -> int:
    """Run a program under watch.

    Args:
        script: the program.
        arguments: its own.
        json_to: where to write findings and causes as one JSON document.
        budget, silence: as for `watch`.
    Returns:
        The program's exit code if that is not 0; else 1 if something was found, else 0.
    Raises:
        InputError: before anything runs, if there is no such file, or `json_to` cannot be written.
    """
    if not script.is_file():
        raise InputError("gradus doctor", "no such file", str(script), "Name a Python program or a run folder.")
    if json_to is not None and not json_to.absolute().parent.is_dir():
        raise InputError("--json-to", "its folder does not exist", str(json_to))
    pid = os.getpid()
    patient = _Patient(budget, silence)
    error, code = _run(script, arguments, patient)
    if os.getpid() != pid:  # a fork of the program's has come to the end of the script: it is no doctor
        _leave_as_python_does(error, code)
    if error is not None and not isinstance(error, KeyboardInterrupt):
        _show(error)
    document = patient.close() | {"program_exit": code}
    _conclude(script, document, error)
    if json_to is not None:
        _write(json_to, document)
    grave = any(each["severity"] != "notice" for each in document["findings"])
    return code or (FOUND if grave else 0)


class _Patient:
    """Begins to watch when torch has been loaded."""

    def __init__(self, budget: float, silence: Sequence[str]) -> None:
        self._budget, self._silence = budget, silence
        self._watch: Watch | None = None
        self._error: Exception | None = None
        if "torch" in sys.modules:
            self.begin()
        else:
            sys.meta_path.insert(0, _AfterLoading("torch", self.begin))

    def begin(self) -> None:
        try:
            from gradus.diagnosis.watch import Watch

            self._watch = Watch(None, None, budget=self._budget, silence=self._silence, quiet=False)
        except Exception as error:  # told at the end: the program goes first
            self._error = error

    def close(self) -> dict[str, Any]:
        if self._error is not None:
            raise self._error
        if self._watch is None:
            return {"findings": [], "causes": [], "steps_seen": 0, "overhead": 0.0}
        self._watch.close()
        document = self._watch.to_json()
        loop = self._watch.history.loop
        return document if loop.backwards or document["findings"] else document | {"steps_seen": 0}


class _AfterLoading(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Calls back when a module has been loaded for the first time, by whatever loads it."""

    def __init__(self, name: str, call: Callable[[], None]) -> None:
        self._name, self._call = name, call
        self._loader: importlib.abc.Loader | None = None

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        assert self._loader is not None
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert self._loader is not None
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._call()


def _run(script: Path, arguments: Sequence[str], patient: _Patient) -> tuple[BaseException | None, int]:
    """Run the program; what ended it, and its exit code."""
    argv, path, handler = sys.argv, list(sys.path), signal.getsignal(signal.SIGTERM)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.absolute().parent))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # ours would change how the program is stopped
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as ended:
        return None, _exit_code(ended)
    except KeyboardInterrupt as interrupted:
        return interrupted, INTERRUPTED
    except BaseException as error:
        return error, CRASHED
    finally:
        sys.argv, sys.path[:] = argv, path
        signal.signal(signal.SIGTERM, handler)
        sys.stdout.flush()
    return None, 0


def _exit_code(ended: SystemExit) -> int:
    """As the interpreter has it: nothing is 0, a number itself, and anything else is printed and means 1."""
    if ended.code is None:
        return 0
    if isinstance(ended.code, int):
        return ended.code & 0xFF
    print(ended.code, file=sys.stderr)
    return 1


def _show(error: BaseException) -> None:
    """The traceback as the interpreter would show it: from the program's first line on."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename in (__file__, runpy.__file__, "<frozen runpy>"):
        frames = frames.tb_next
    traceback.print_exception(type(error), error, frames)


def _leave_as_python_does(error: BaseException | None, code: int) -> None:
    if error is not None:
        _show(error)
    raise SystemExit(code)


def _conclude(script: Path, document: dict[str, Any], error: BaseException | None) -> None:
    """A sentence on how it went."""
    sentences = []
    if error is not None:
        sentences.append(_RAISED.say(script=script.name, error=type(error).__name__))
    if not document["findings"]:
        steps = document["steps_seen"]
        if steps:
            sentences.append(_HEALTHY.say(steps=steps))
        elif error is None:
            sentences.append(_NO_TRAINING.say(script=script.name))
    for each in sentences:
        print(f"gradus: {each}", file=sys.stderr)


def _write(place: Path, document: dict[str, Any]) -> None:
    try:
        place.write_text(json.dumps(_plain(document), indent=2, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise ResourceError(
            f"{place}", f"cannot be written ({error.strerror})", repair="Name another place."
        ) from error


def _plain(value: Any) -> Any:
    """`value` with the numbers that JSON lacks as words."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
