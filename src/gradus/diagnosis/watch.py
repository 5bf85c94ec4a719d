"""``gradus.watch``: the doctor for any loop."""

import atexit
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from torch import nn
from torch.optim import Optimizer

from gradus.core.errors import InputError
from gradus.core.findings import Finding
from gradus.diagnosis.causes import Ranked
from gradus.diagnosis.doctor import Doctor, told, told_causes
from gradus.diagnosis.probe import Probe
from gradus.diagnosis.signs import History

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
    ) -> None:
        self.history = History()
        self._quiet = quiet
        self._doctor = Doctor(self.history, silence=silence, say=self._say)
        self._open = True
        self._pid = os.getpid()
        self.probe = Probe(
            self.history,
            self._doctor.consider,
            budget=budget,
            models=None if models is None else dict(models),
            optimizers=optimizers,
        )
        self.probe.attach()
        atexit.register(self.close)

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
        text = told_causes(self.causes)
        if text and not self._quiet:
            print(text, file=sys.stderr)

    def to_json(self) -> dict[str, Any]:
        """Findings, causes, steps seen and overhead, as ``gradus doctor --json-to`` writes them."""
        return {
            "findings": [each.to_json() for each in self.findings],
            "causes": [cause_to_json(each) for each in self.causes],
            "steps_seen": self.history.step,
            "overhead": round(self.probe.overhead, 5),
        }

    def _say(self, finding: Finding) -> None:
        if not self._quiet and os.environ.get("RANK", "0") == "0":  # of several processes one speaks
            print(told(finding), file=sys.stderr)

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
) -> Watch:
    """Watch a training loop, and say on stderr what is wrong with it.

    Nothing about the run changes: weights come out bit-identical to those of an unwatched run.

    Args:
        model: the network, or several, by name or in a sequence.
        optimizer: what steps it, or several; None for every optimizer that holds a parameter of `model`.
        budget: share of the time that examinations may take; losses are looked at in any case.
        silence: ids of rules that are not to be asked, such as ``["dead-units"]``.
        quiet: say nothing; read `findings` and `causes` instead.
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
        models = dict(model)
    else:
        models = {f"{type(each).__name__}{number or ''}": each for number, each in enumerate(model)}
    for each in models.values():
        if not isinstance(each, nn.Module):
            raise InputError("watch", "`model` must be a torch.nn.Module, or several", each)
    if optimizer is None:
        optimizers = None
    else:
        optimizers = [optimizer] if isinstance(optimizer, Optimizer) else list(optimizer)
        for other in optimizers:
            if not isinstance(other, Optimizer):
                raise InputError("watch", "`optimizer` must be a torch.optim.Optimizer, or several", other)
    if not 0 < budget < 1:
        raise InputError("watch", "`budget` must lie between 0 and 1 (a share of time)", budget)
    return Watch(models, optimizers, budget=budget, silence=silence, quiet=quiet)
