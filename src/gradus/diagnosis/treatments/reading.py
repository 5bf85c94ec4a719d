"""How the layers of a network follow each other, as a treatment needs to know it."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from gradus.core.errors import InputError
from gradus.core.graph import Call, Trace
from gradus.diagnosis.treatments.patient import Patient
from gradus.nn.initialization import read

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
ENDS = ("output", "linear", "gate")
"""What a layer's output may come to other than an activation."""


@dataclass(frozen=True)
class Site:
    """A linear layer or convolution where it is called.

    Attributes:
        place: its path.
        layer: itself.
        inputs, outputs: shapes, the batch first.
        meets: the activation that its output comes to, or one of `ENDS`.
        norm: the path of the normalization right after it; "" if there is none.
        normed: a normalization is right after or right before it.
        then: the path of the module that takes the output, after a normalization; "" of a function in `forward`.
        times: how often it is called in a pass.
    """

    place: str
    layer: nn.Module
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    meets: str
    norm: str
    normed: bool
    then: str
    times: int


def sites(patient: Patient) -> list[Site]:
    """Of all linear layers and convolutions, in the order in which they are called; those that are frozen left out.

    Raises:
        InputError: if there is no example, or the network cannot be followed with it.
    """
    network = patient.network
    seen = patient.seen()
    meetings = read(network, patient.inputs()).meetings
    called: dict[str, list[Call]] = {}
    for call in seen.calls:
        if isinstance(network.get_submodule(call.place), LAYERS) and call.inputs and call.outputs:
            called.setdefault(call.place, []).append(call)
    found = []
    for place, calls in called.items():
        layer = network.get_submodule(place)
        if not all(each.requires_grad for each in layer.parameters(recurse=False)):
            continue
        after = [_after(seen, network, each) for each in calls]
        norm, then = after[0] if len(set(after)) == 1 else ("", "")
        norm = norm or _hung(place, layer)
        meeting = meetings.get(place)
        found.append(
            Site(
                place,
                layer,
                calls[0].inputs[0].shape,
                calls[0].outputs[0].shape,
                "output" if meeting is None else meeting.what,
                norm,
                bool(norm) or _follows_norm(seen, network, calls[0]),
                then,
                len(calls),
            )
        )
    return found


def hidden(patient: Patient) -> list[Site]:
    """The layers whose output comes to an activation.

    Raises:
        InputError: if there are none.
    """
    found = [each for each in sites(patient) if each.meets not in ENDS]
    if not found:
        raise InputError("model", "has no linear layer or convolution that learns and is followed by an activation")
    return found


def users(seen: Trace, place: str) -> int:
    """How often a module is called."""
    return sum(each.place == place for each in seen.calls)


def every_path(body: nn.Module, module: nn.Module) -> list[str]:
    """All paths of a module, which may have several."""
    return [place for place, each in body.named_modules(remove_duplicate=False) if each is module]


def _after(seen: Trace, network: nn.Module, call: Call) -> tuple[str, str]:
    """The normalization right after a call, and the module after that."""
    first = _taker(seen, call)
    if first is not None and isinstance(network.get_submodule(first.place), NORMS):
        second = _taker(seen, first)
        return first.place, "" if second is None else second.place
    return "", "" if first is None else first.place


def _hung(place: str, layer: nn.Module) -> str:
    """A normalization that a treatment hung on the layer itself."""
    return next((f"{place}.{name}" for name, each in layer.named_children() if isinstance(each, NORMS)), "")


def _taker(seen: Trace, call: Call) -> Call | None:
    """The call of a module without children that is first to take what a call gave; None if a function does."""
    live = {each.number for each in call.outputs}
    for op in seen.operations[call.ended :]:
        if not any(each.number in live for each in op.inputs):
            continue
        if op.is_view:
            live |= {each.number for each in op.results}
            continue
        taker = seen.calls[op.call]
        given = any(each.number in live for each in taker.inputs)
        return taker if given and taker is not call and taker.place and taker.outputs else None
    return None


def _follows_norm(seen: Trace, network: nn.Module, call: Call) -> bool:
    given = {each.number for each in call.inputs}
    return any(
        isinstance(network.get_submodule(each.place), NORMS) and given & {out.number for out in each.outputs}
        for each in seen.calls
    )


def is_recurrent(network: nn.Module) -> bool:
    """Whether there is a layer with state."""
    return any(isinstance(each, nn.RNNBase | nn.RNNCellBase) for each in network.modules())


def batch_size(inputs: Iterable[object]) -> int:
    """Examples in a batch: the first side of the first tensor."""
    return next((each.shape[0] for each in inputs if isinstance(each, torch.Tensor) and each.dim()), 0)
