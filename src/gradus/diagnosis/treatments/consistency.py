"""After a treatment: optimizers hold the parameters that there are, and remember nothing of what was redrawn."""

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from gradus.diagnosis.treatments.patient import Patient
from gradus.diagnosis.treatments.snapshot import Snapshot


def make_consistent(patient: Patient, before: Snapshot) -> None:
    """Bring optimizers and averages in step with the network as it is now.

    - What is new joins the group of what it stands beside; what is gone leaves with its state.
    - Numbers that were redrawn lose their share of the optimizer's state; a parameter redrawn as a whole, all of it.
    - Averages get the new numbers.
    """
    now = dict(patient.network.named_parameters(remove_duplicate=False))
    here = {id(each) for each in now.values()}
    known = {id(each) for each in before.names.values()}
    for name, parameter in now.items():
        if id(parameter) not in known:
            known.add(id(parameter))
            _join(patient, before, name, parameter)
    for parameter in before.names.values():
        if id(parameter) not in here:
            _leave(patient, parameter)
    redrawn = {name: mask for name, each in now.items() if (mask := _redrawn(each, before.before(each))) is not None}
    for name, mask in redrawn.items():
        for optimizer in patient.optimizers:
            _forget(optimizer, now[name], mask)
    for body in patient.bodies[1:]:
        averaged = dict(body.named_parameters(remove_duplicate=False))
        with torch.no_grad():
            for name, mask in redrawn.items():
                averaged[name].copy_(torch.where(mask.to(averaged[name].device), now[name], averaged[name]))


def _join(patient: Patient, before: Snapshot, name: str, parameter: Tensor) -> None:
    """Put a new parameter into the group that suits it."""
    place = _group(before, name, parameter)
    if place is not None and parameter.requires_grad:
        optimizer, number = place
        current = next((each for each in patient.optimizers if each is optimizer), None)
        if current is not None:
            current.param_groups[number]["params"].append(parameter)


def _group(before: Snapshot, name: str, parameter: Tensor) -> tuple[Optimizer, int] | None:
    """The group of the parameter that had this name; else, of the nearest around it, where those of its kind are.

    Biases and normalizations often have a group of their own, without weight decay.
    """
    if name in before.names:
        return before.held.get(id(before.names[name]))
    place = name
    while place:
        place = place.rpartition(".")[0]
        within = [each for key, each in before.names.items() if not place or key.startswith(f"{place}.")]
        held = [each for each in within if id(each) in before.held]
        if held:
            alike = [each for each in held if (each.dim() > 1) == (parameter.dim() > 1)]
            return before.held[id(alike[0])] if alike else _of_its_kind(before.held[id(held[0])], parameter)
        if within and place:
            return None  # it stands beside what nobody trains
    return None


def _of_its_kind(place: tuple[Optimizer, int], parameter: Tensor) -> tuple[Optimizer, int]:
    """Of the same optimizer, a group of vectors alone for a vector, if there is one."""
    optimizer, number = place
    for other, group in enumerate(optimizer.param_groups):
        if parameter.dim() <= 1 and group["params"] and all(each.dim() <= 1 for each in group["params"]):
            return optimizer, other
    return optimizer, number


def _leave(patient: Patient, parameter: Tensor) -> None:
    for optimizer in patient.optimizers:
        for group in optimizer.param_groups:
            group["params"][:] = [each for each in group["params"] if each is not parameter]
        optimizer.state.pop(parameter, None)


def _redrawn(now: Tensor, before: Tensor | None) -> Tensor | None:
    """Where numbers are others than they were; None if nowhere, or where all is new."""
    if before is None:
        return None
    mask = (now.detach() != before) & ~(now.detach().isnan() & before.isnan())
    return mask if mask.any() else None


def _forget(optimizer: Optimizer, parameter: Tensor, mask: Tensor) -> None:
    """Take what was redrawn out of the state of an optimizer."""
    state: dict[str, Any] | None = optimizer.state.get(parameter)
    if not state:
        return
    tensors = [each for each in state.values() if isinstance(each, Tensor) and each.numel() > 1]
    apart = all(each.shape == parameter.shape for each in tensors)
    others = any(isinstance(each, list | dict | tuple) for each in state.values())
    if bool(mask.all()) or not apart or others:  # factored or shared over the parameter: no share can be told
        del optimizer.state[parameter]
        return
    with torch.no_grad():
        for each in tensors:
            each.masked_fill_(mask.to(each.device), 0)
