"""One examination: the first steps of a loop under watch, and trials with the first of them."""

import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_modules
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from gradus.diagnosis import measure, taps
from gradus.diagnosis.causes import rank
from gradus.diagnosis.hooks import Hook, remove_all
from gradus.diagnosis.preflight.checks import CONSTANT, SILENT, check_all
from gradus.diagnosis.preflight.tape import Step, Tape
from gradus.diagnosis.preflight.trials import Trials, make_trials
from gradus.diagnosis.preflight.verdicts import own_findings
from gradus.diagnosis.watch import Watch, cause_to_json

STEPS = 200
"""Steps of the program's own that are enough."""
_SHARE = 0.35
"""Of the time that is left at the first step, for trials."""
_LATER = ("labels-unrelated", "overfitting", *SILENT)
"""Causes that evidence may speak for, and that only training can show."""
_LOG = logging.getLogger("gradus")


class Examiner(taps.Listener):
    """Examines whatever trains in this process.

    Args:
        deadline: of `time.monotonic`; trials are over well before.
        enough: called when nothing more is to be seen; it need not come back.
        silence: symptoms not to find, for they are meant.
    """

    def __init__(self, *, deadline: float, enough: Callable[[], None], silence: Sequence[str] = ()) -> None:
        self.trials = Trials(reason="no model was called before the first backward pass")
        self._deadline, self._enough = deadline, enough
        self._watch = Watch(None, None, budget=0.5, silence=(*SILENT, *silence), quiet=True)
        self._pid = os.getpid()
        self._tape = Tape()
        self._depth = 0
        self._handles: list[RemovableHandle] = [
            torch_modules.register_module_forward_pre_hook(Hook(self._enter)),
            torch_modules.register_module_forward_hook(Hook(self._leave), with_kwargs=True, always_call=True),
        ]
        self._step: Step | None = None
        self._taped = self._tried = False
        taps.listen(self)

    # ---- what happens -----------------------------------------------------------------------------------------------

    def _enter(self, module: nn.Module, args: Any) -> None:
        self._depth += 1
        if self._depth > 1 or not torch.is_grad_enabled() or not any(True for _ in module.parameters()):
            return
        if not self._tape.on:
            self._tape.start()
        self._tape.given(args)

    def _leave(self, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        self._depth -= 1

    def before_backward(self, tensors: Any) -> None:
        if os.getpid() != self._pid:
            return
        if not self._taped:
            self._taped = True
            remove_all(self._handles)
            if self._tape.on:
                loss = measure.first_tensor(tensors)
                self._step = self._tape.stop(loss if isinstance(loss, Tensor) and loss.numel() == 1 else None)
                if self._step is None:
                    self.trials.reason = "the step cannot be played again"
        elif not self._tried:
            self._try(None)
        self._end_if_enough()

    def before_step(self, optimizer: Optimizer) -> None:
        self._tape.leave()
        if os.getpid() == self._pid and self._taped and not self._tried:
            self._try(optimizer)

    def after_step(self, optimizer: Optimizer) -> None:
        if os.getpid() == self._pid:
            self._end_if_enough()

    def _end_if_enough(self) -> None:
        history = self._watch.history
        if history.earlier + history.step >= STEPS:
            self._enough()

    def _try(self, optimizer: Optimizer | None) -> None:
        self._tried = True
        step, self._step = self._step, None
        if step is None:
            return
        self.trials.reason = "the time was up"
        seconds = _SHARE * max(0.0, self._deadline - monotonic())
        with self._watch.probe.looking_away():
            try:
                self.trials = make_trials(step, optimizer, seconds=seconds)
            except Exception as error:  # what a stranger's step does when it is played again says nothing about it
                _LOG.debug("no trial", exc_info=error)
                self.trials = Trials(reason=f"the step cannot be played again ({type(error).__name__})")

    # ---- what came of it --------------------------------------------------------------------------------------------

    def conclude(self, *, ended: bool) -> dict[str, Any]:
        """Findings, causes and checks, as documents have them; `ended` if the loop is over by itself."""
        taps.leave(self)
        remove_all(self._handles)
        self._tape.on = False
        self._tape.leave()
        if ended:
            self._watch.close()
        else:
            self._watch.probe.detach()
        history = self._watch.history
        findings = self._watch.findings
        findings += own_findings(history, self.trials, {each.symptom for each in findings})
        causes = []
        with contextlib.suppress(Exception):
            causes = [each for each in rank(history, findings) if each.id not in _LATER]
        if not causes:  # many a network says the commonest class for its first hundred steps
            findings = [each for each in findings if each.symptom != CONSTANT]
        trained = bool(history.loop.backwards or findings)
        return {
            "findings": [each.to_json() for each in findings],
            "causes": [cause_to_json(each) for each in causes],
            "steps_seen": history.earlier + history.step if trained else 0,
            "overhead": round(self._watch.probe.overhead, 5),
            "checks": [each.to_json() for each in check_all(history, self.trials, findings)],
        }

    @property
    def trained(self) -> bool:
        """Whether a backward pass was seen."""
        loop = self._watch.history.loop
        return bool(loop.backwards or loop.no_graph)
