"""Someone else's program, unmodified, under the doctor's eyes.

The program runs in this process as ``__main__``, with its own arguments and output, and its exit code. torch is not
loaded before the program loads it, so that what it sets in the environment first still counts.
"""

import builtins
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from gradus.core.errors import InputError, ResourceError
from gradus.core.text import Message

if TYPE_CHECKING:
    from gradus.diagnosis.prescription.prescribe import Prescription
    from gradus.diagnosis.prescription.yardstick import Outcome, Printed
    from gradus.diagnosis.sites import SiteListener
    from gradus.diagnosis.watch import Watch

FOUND, CRASHED, BAD_INPUT, INTERRUPTED = 1, 1, 2, 130
_HERE = Path(__file__).parent
_LOG = logging.getLogger("gradus")

_HEALTHY = Message(en="nothing is wrong, as far as {steps} steps show", zh="就这 {steps} 步来看，没有发现问题")
_NO_TRAINING = Message(
    en="{script} trained nothing that can be followed: backward was not called in this process "
    "(torch.autograd.grad is not followed)",
    zh="{script} 没有可以跟踪的训练：本进程中没有调用 backward（不跟踪 torch.autograd.grad）",
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
    apply: bool = False,
    tries: int = 0,
    word: str = "",
    lower: bool = False,
) -> int:
    """Run a program under watch.

    Args:
        script: the program.
        arguments: its own.
        json_to: where to write findings and causes as one JSON document.
        budget, silence: as for `watch`.
        apply: write the likely fix into the program's source, and keep what was there beside it.
        tries: run the program again with so many of the likely fixes, and prescribe only what does good.
        word, lower: good is what makes the last number greater that it prints after this word, or lower.
    Returns:
        The program's exit code if that is not 0; else 1 if something was found, else 0.
    Raises:
        InputError: before anything runs, if there is no such file, or `json_to` cannot be written; when torch has been
            loaded, if `silence` names no rule.
    """
    if not script.is_file():
        raise InputError("gradus doctor", "no such file", str(script), "Name a Python program or a run folder.")
    try:
        source = script.read_bytes()
    except OSError as error:
        raise InputError("gradus doctor", f"cannot be read ({error.strerror})", str(script)) from error
    if json_to is not None:
        json_to = json_to.absolute()  # the program may go elsewhere
        if json_to.is_dir() or not json_to.parent.is_dir():
            raise InputError("--json-to", "must be a file in a folder that exists", str(json_to))
    pid, place = os.getpid(), script.absolute()
    patient = Patient(budget, silence, place.parent)
    again = None
    listening: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if tries:
        from gradus.diagnosis.prescription.trying import Rerun
        from gradus.diagnosis.prescription.yardstick import overhear

        again = Rerun(place, arguments, silence=silence, word=word, lower=lower)
        listening = overhear(again.printed)
    with listening:
        ended, code = run_program(source, script, arguments)
    if os.getpid() != pid:  # a fork of the program's has come to the end of the script: it is no doctor
        _leave_as_python_does(ended, code)
    if ended is not None and not isinstance(ended, KeyboardInterrupt):
        _show(ended)
    document = patient.close() | {"program_exit": code}
    if not patient.speaks:
        return code  # launchers kill the other processes when one fails, and the first has yet to conclude
    _conclude(script, document, ended)
    prescribed = patient.prescribe(place, source, suspect=bool(tries))
    _write(json_to, document, prescribed)
    if again is not None and not isinstance(ended, KeyboardInterrupt):
        from gradus.diagnosis.prescription.trying import proven

        tried = again.best_of(prescribed[:tries], patient.outcome(again.printed, ended))
        document["causes"] = proven(document["causes"], tried)
        prescribed = tried + prescribed[tries:]
        _write(json_to, document, prescribed)
    if prescribed or apply:
        from gradus.diagnosis.prescription.delivery import tell

        tell(prescribed, patient.watch, place if apply else script, apply=apply)
    grave = any(each["severity"] != "notice" for each in document["findings"])
    return code or (FOUND if grave else 0)


class Patient:
    """Begins to watch when torch has been loaded."""

    def __init__(self, budget: float, silence: Sequence[str], root: Path) -> None:
        self._budget, self._silence, self._root = budget, silence, root
        self.watch: Watch | None = None
        self.sites: SiteListener | None = None
        self._error: Exception | None = None
        self._finder: AfterLoading | None = None
        if "torch" in sys.modules:
            self._begin()
            if isinstance(self._error, InputError):
                raise self._error
        else:
            self._finder = AfterLoading("torch", self._loaded)
            sys.meta_path.insert(0, self._finder)

    def _loaded(self) -> None:
        self._begin()
        if isinstance(self._error, InputError):
            raise SystemExit(BAD_INPUT)  # before hours of training rather than after

    def _begin(self) -> None:
        try:
            from gradus.diagnosis.sites import SiteListener
            from gradus.diagnosis.watch import Watch

            self.watch = Watch(None, None, budget=self._budget, silence=self._silence, quiet=False)
            self.sites = SiteListener(self._root)
        except Exception as error:  # told at the end: the program goes first
            self._error = error

    @property
    def speaks(self) -> bool:
        return self.watch.speaks if self.watch is not None else os.environ.get("RANK", "0") == "0"

    def prescribe(self, script: Path, source: bytes, *, suspect: bool) -> "list[Prescription]":
        """The likely fixes; what goes wrong in finding them costs nobody the findings."""
        if self.watch is None:
            return []
        try:
            from gradus.diagnosis.prescription.delivery import prescribe

            return prescribe(script, source, self.watch, self.sites, suspect=suspect)
        except Exception as error:
            _LOG.warning("gradus: no prescription (%s: %s)", type(error).__name__, error)
            return []

    def outcome(self, printed: "Printed | None", ended: BaseException | None) -> "Outcome":
        """How the program went, by what tells two runs of it apart."""
        from gradus.diagnosis.prescription.yardstick import Outcome, figures

        seen = {} if printed is None else printed.figures
        if self.watch is None:
            return Outcome(figures=seen, error="it did not train")
        causes = tuple(each.id for each in self.watch.causes)
        error = "" if ended is None else f"{type(ended).__name__}: {ended}"[:300]
        return Outcome(causes, seen | figures(self.watch.history), error)

    def close(self) -> dict[str, Any]:
        if self._finder in sys.meta_path:  # torch was never loaded
            sys.meta_path.remove(self._finder)
        if self._error is not None:
            raise self._error
        if self.watch is None:
            return {"findings": [], "causes": [], "steps_seen": 0, "overhead": 0.0}
        self.watch.close()
        if self.sites is not None:
            self.sites.close()
        document = self.watch.to_json()
        loop = self.watch.history.loop
        return document if loop.backwards or document["findings"] else document | {"steps_seen": 0}


class AfterLoading(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Calls back when a module has been loaded for the first time, by whatever loads it."""

    def __init__(self, name: str, call: Callable[[], None]) -> None:
        self._name, self._call = name, call
        self._loader: importlib.abc.Loader | None = None
        self._looking = False

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._name or self._looking:
            return None
        self._looking = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        assert self._loader is not None
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert self._loader is not None
        assert module.__spec__ is not None
        if self in sys.meta_path:  # only now: programs look for torch before they load it
            sys.meta_path.remove(self)
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._call()


def run_program(source: bytes, script: Path, arguments: Sequence[str]) -> tuple[BaseException | None, int]:
    """Run the program as the interpreter would; what ended it, and its exit code."""
    argv, path, handler, ours = sys.argv, list(sys.path), signal.getsignal(signal.SIGTERM), sys.modules["__main__"]
    program = ModuleType("__main__")
    file = str(script.absolute())
    program.__dict__.update(__file__=file, __builtins__=builtins, __cached__=None)
    sys.modules["__main__"] = program
    sys.argv = [str(script), *arguments]
    if not sys.flags.safe_path:
        sys.path[:1] = [str(script.resolve().parent)]
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # ours would change how the program is stopped
    try:
        exec(compile(source, file, "exec", dont_inherit=True), program.__dict__)
    except SystemExit as ended:
        return None, _exit_code(ended)
    except KeyboardInterrupt as interrupted:
        return interrupted, INTERRUPTED
    except BaseException as error:
        return error, CRASHED
    finally:
        sys.argv, sys.path[:], sys.modules["__main__"] = argv, path, ours
        signal.signal(signal.SIGTERM, handler)
        with contextlib.suppress(Exception):  # the program may have closed it
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
    """The traceback as the interpreter would show it, without frames of ours."""
    seen: set[int] = set()
    chain: list[BaseException | None] = [error]
    while chain:
        each = chain.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            each.__traceback__ = _theirs(each.__traceback__)
            chain += [each.__cause__, each.__context__]
    sys.excepthook(type(error), error, error.__traceback__)


def _theirs(frames: TracebackType | None) -> TracebackType | None:
    kept = []
    while frames is not None:
        if Path(frames.tb_frame.f_code.co_filename).parent != _HERE:
            kept.append(frames)
        frames = frames.tb_next
    below = None
    for each in reversed(kept):
        below = TracebackType(below, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return below


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


def _write(place: Path | None, document: dict[str, Any], prescribed: "Sequence[Prescription]") -> None:
    if place is None:
        return
    document["prescriptions"] = [each.to_json() for each in prescribed]
    try:
        place.write_text(json.dumps(plain(document), indent=2, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise ResourceError(
            f"{place}", f"cannot be written ({error.strerror})", repair="Name another place."
        ) from error


def plain(value: Any) -> Any:
    """`value` with the numbers that JSON lacks as words."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value
