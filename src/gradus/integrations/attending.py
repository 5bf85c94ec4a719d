"""What the callbacks of frameworks share: a Watch from the beginning of training to its end, and what it came to."""

from collections.abc import Mapping, Sequence
from typing import Literal

from torch import nn
from torch.optim import Optimizer

from gradus.core.errors import InputError
from gradus.core.findings import Finding
from gradus.diagnosis.causes import Ranked
from gradus.diagnosis.doctor import told, told_causes
from gradus.diagnosis.tracking import Tracker
from gradus.diagnosis.watch import Watch, check_arguments

FailOn = Literal["warning", "critical"]
_GRAVE = {"warning": ("warning", "critical"), "critical": ("critical",)}


class Unhealthy(AssertionError):
    """Training has something wrong with it; the message is what the doctor says.

    Attributes:
        findings: those grave enough, in the order in which they were said.
        causes: ranked, the likeliest first.
    """

    def __init__(self, findings: Sequence[Finding], causes: Sequence[Ranked]) -> None:
        said = [*(told(each) for each in findings), told_causes(causes)]
        super().__init__("\n".join(["training is not healthy", *filter(None, said)]))
        self.findings, self.causes = tuple(findings), tuple(causes)


def grave(findings: Sequence[Finding], fail_on: FailOn) -> list[Finding]:
    """The findings at least as grave as `fail_on`."""
    return [each for each in findings if each.severity in _GRAVE[fail_on]]


class Attending:
    """The doctor's part of a callback.

    Args:
        fail_on: raise Unhealthy after the step in which something so grave was found; None for never.
        budget, silence, quiet, to: as `gradus.watch` has them.
    Raises:
        InputError: if `fail_on` is something else.
    """

    def __init__(
        self,
        *,
        fail_on: FailOn | None = None,
        budget: float = 0.01,
        silence: Sequence[str] = (),
        quiet: bool = False,
        to: Sequence[Tracker] = (),
    ) -> None:
        if fail_on is not None and fail_on not in _GRAVE:
            raise InputError("GradusCallback", "`fail_on` must be None, warning or critical", fail_on)
        check_arguments(budget, silence)
        self._fail_on, self._budget, self._silence, self._quiet, self._to = fail_on, budget, tuple(silence), quiet, to
        self._watch: Watch | None = None

    @property
    def findings(self) -> list[Finding]:
        """What was found in the latest training, in the order in which it was said."""
        return [] if self._watch is None else self._watch.findings

    @property
    def causes(self) -> list[Ranked]:
        """Ranked, the likeliest first; empty if nothing is wrong."""
        return [] if self._watch is None else self._watch.causes

    @property
    def watch(self) -> Watch | None:
        """The doctor at work, or that of the latest training; None before there was one."""
        return self._watch

    def _begin(
        self,
        models: Mapping[str, nn.Module],
        optimizers: Sequence[Optimizer],
        *,
        speaks: bool,
        to: Sequence[Tracker] = (),
        parts: bool = False,
        wrapper: nn.Module | None = None,
    ) -> None:
        self._end()
        self._watch = Watch(
            models,
            optimizers,
            budget=self._budget,
            silence=self._silence,
            quiet=self._quiet or not speaks,
            to=(*self._to, *to) if speaks else (),
            parts=parts,
            wrapper=wrapper,
        )

    def _check(self) -> None:
        if self._fail_on is not None and self._watch is not None and grave(self._watch.findings, self._fail_on):
            self._end()
            raise Unhealthy(grave(self.findings, self._fail_on), self.causes)

    def _end(self) -> None:
        if self._watch is not None:
            self._watch.close()
