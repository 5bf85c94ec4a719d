"""``gradus.watch``: the doctor for any loop."""

import atexit
import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar

from torch import Tensor, distributed, nn
from torch.optim import Optimizer

from gradus.core.errors import InputError
from gradus.core.findings import Finding
from gradus.diagnosis.causes import Ranked
from gradus.diagnosis.doctor import Doctor, check_silence, told, told_causes
from gradus.diagnosis.history import History
from gradus.diagnosis.probe import Probe
from gradus.diagnosis.rules import rules
from gradus.diagnosis.signs import Examination
from gradus.diagnosis.tracking import Sender, Tracker, scalars_of

_LOG = logging.getLogger("gradus")

T = TypeVar("T")
Models = nn.Module | Sequence[nn.Module] | Mapping[str, nn.Module]


class Watch:
    """A doctor at work. Made by `watch`; a context manager.

    Attributes:
        history: all signs so far.
    """

    def __init__(
        self,
        models: Mapping[str, nn.Module] | None,
        optimizers: Sequence[Optimizer] | None,
        *,
        budget: float,
        silence: Sequence[str],
        quiet: bool,
        to: Sequence[Tracker] = (),
        parts: bool = False,
        wrapper: nn.Module | None = None,
    ) -> None:
        self.history = History()
        self._quiet = quiet
        self._sender = Sender(to)
        self._sent: Examination | None = None
        self._doctor = Doctor(self.history, silence=silence, say=self._say)
        rules.cards()  # imports them: not in the middle of training
        self._open = True
        self._pid = os.getpid()
        self._rank = os.environ.get("RANK", "0")
        self.probe = Probe(
            self.history,
            self._consider,
            budget=budget,
            models=None if models is None else dict(models),
            optimizers=optimizers,
            parts=parts,
            wrapper=wrapper,
        )
        self.probe.attach()
        atexit.register(self.close)

    @property
    def speaks(self) -> bool:
        """Whether this is the process that speaks: of several the first, and none that was forked off."""
        if distributed.is_available() and distributed.is_initialized():
            self._rank = str(distributed.get_rank())  # kept: the group may be gone by the end
        return self._rank == "0" and os.getpid() == self._pid

    @property
    def findings(self) -> list[Finding]:
        """What was found, in the order in which it was said."""
        return self._doctor.findings

    @property
    def causes(self) -> list[Ranked]:
        """Ranked, the likeliest first; empty if nothing is wrong."""
        return self._doctor.causes

    def close(self) -> None:
        """Look no more, and say what can only be said at the end. Again has no effect."""
        if not self._open or os.getpid() != self._pid:
            return
        self._open = False
        atexit.unregister(self.close)
        self.probe.finish()
        if not self.speaks:
            return
        try:
            causes = self.causes
            text = told_causes(causes)
        except Exception as error:  # of ours: the program that closes us goes on
            _LOG.warning("gradus: the doctor stumbled (%s: %s) over the causes", type(error).__name__, error)
            return
        if text and not self._quiet:
            print(text, file=sys.stderr)
        self._sender.causes(self._step, causes)
        self._sender.close()

    def to_json(self) -> dict[str, Any]:
        """Findings, causes, steps seen and overhead, as ``gradus doctor --json-to`` writes them."""
        return {
            "findings": [each.to_json() for each in self.findings],
            "causes": [cause_to_json(each) for each in self.causes],
            "steps_seen": self._step,
            "overhead": round(self.probe.overhead, 5),
        }

    @property
    def _step(self) -> int:
        return self.history.earlier + self.history.step

    def _consider(self) -> None:
        """There is something new in the history."""
        self._doctor.consider()
        last = self.history.last
        if last is None or last is self._sent:
            return
        self._sent = last
        if self.speaks:
            self._sender.scalars(self.history.earlier + last.step, scalars_of(last))

    def _say(self, finding: Finding) -> None:
        if not self.speaks:
            return
        if not self._quiet:
            print(told(finding), file=sys.stderr)
        self._sender.finding(finding.said_at_step, finding)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def cause_to_json(cause: Ranked) -> dict[str, Any]:
    """A cause as documents have it."""
    document: dict[str, Any] = {"id": cause.id, "confidence": cause.confidence, "because": list(cause.because)}
    return document | ({"tell_apart": cause.tell_apart} if cause.tell_apart else {})


def watch(
    model: Models,
    optimizer: Optimizer | Iterable[Optimizer] | None = None,
    *,
    budget: float = 0.01,
    silence: Sequence[str] = (),
    quiet: bool = False,
    to: Sequence[Tracker] = (),
) -> Watch:
    """Watch a training loop, and say on stderr what is wrong with it.

    Nothing about the run changes: weights come out bit-identical to those of an unwatched run.

    Args:
        model: the network, or several, by name or in a sequence.
        optimizer: what steps it, or several; None for every optimizer that holds a parameter of `model`.
        budget: share of the time that examinations may take; losses are looked at in any case.
        silence: ids of rules that are not to be asked, such as ``["dead-units"]``.
        quiet: say nothing; read `findings` and `causes` instead.
        to: what else is sent signs and findings, such as ``[TensorBoard("runs/one")]`` of `gradus.integrations`.
    Returns:
        The Watch: leave its ``with`` block or call ``close()`` when training is over.
    Raises:
        InputError: if an argument is something else, or `silence` names no rule.
    Example:
        >>> import torch
        >>> net = torch.nn.Linear(3, 1)
        >>> sgd = torch.optim.SGD(net.parameters(), lr=0.1)
        >>> with watch(net, sgd, quiet=True) as doctor:
        ...     for _ in range(20):
        ...         sgd.zero_grad()
        ...         net(torch.ones(4, 3)).square().mean().backward()
        ...         _ = sgd.step()
        >>> doctor.history.step
        20
    """
    if isinstance(model, nn.Module):
        models = {type(model).__name__: model}
    elif isinstance(model, Mapping):
        models = {str(name): each for name, each in model.items()}
    else:
        several = _all_of(model, nn.Module, "`model` must be a torch.nn.Module, or several")
        models = {f"{type(each).__name__}{number or ''}": each for number, each in enumerate(several)}
    if not models:
        raise InputError("watch", "`model` must be a torch.nn.Module, or several", model)
    _all_of(models.values(), nn.Module, "`model` must be a torch.nn.Module, or several")
    optimizers = None
    if optimizer is not None:
        optimizers = _all_of(optimizer, Optimizer, "`optimizer` must be a torch.optim.Optimizer, or several")
    check_arguments(budget, silence)
    return Watch(models, optimizers, budget=budget, silence=silence, quiet=quiet, to=to)


def check_arguments(budget: float, silence: Sequence[str]) -> None:
    """Whether these can be arguments of a Watch.

    Raises:
        InputError: if not.
    """
    if not isinstance(budget, int | float) or not 0 < budget < 1:
        raise InputError("watch", "`budget` must lie between 0 and 1 (a share of time)", budget)
    if isinstance(silence, str) or not isinstance(silence, Iterable):
        raise InputError("watch", "`silence` must be a list of ids", silence)
    check_silence(silence)


def _all_of(values: Any, kind: type[T], rule: str) -> list[T]:
    """`values` as a list, all of one kind."""
    several = list(values) if isinstance(values, Iterable) and not isinstance(values, str | Tensor) else [values]
    for each in several:
        if not isinstance(each, kind):
            raise InputError("watch", rule, each)
    return several
