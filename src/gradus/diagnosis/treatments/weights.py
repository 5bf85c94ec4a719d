"""Numbers drawn anew in place: all weights, biases, the incoming weights of dead units."""

import copy
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Generator, Tensor, nn

from gradus.core.errors import InputError
from gradus.core.text import Message
from gradus.core.trees import mapped
from gradus.core.untouched import put_back, untouched
from gradus.diagnosis.treatments.patient import Patient
from gradus.diagnosis.treatments.reading import Site, sites
from gradus.diagnosis.treatments.table import Done, treatments
from gradus.nn.initialization import Initialization, initialize

_DRAWN = Message(en="Drew the weights of {count} layers anew.", zh="重新抽取了 {count} 层的权重。")
_BIASES = Message(en="Set the biases of {count} layers to what they start from.", zh="把 {count} 层的偏置设回起始值。")
_REVIVED = Message(
    en="Drew the incoming weights of {count} dead units of {total} anew.",
    zh="重新抽取了 {total} 个单元中 {count} 个死亡单元的输入权重。",
)


@treatments.register("initialize", changes="weights", source="`gradus.initialize`, docs/initialization.md")
def initialize_all(patient: Patient, generator: Generator, *, scheme: str = "auto") -> Done:
    """Draw all weights anew as suits the activation after each layer, recurrent ones included."""
    rows = drawn(patient.network, patient.example, generator, scheme)
    places = tuple(dict.fromkeys(row.place for row in rows if row.scheme))
    if not places:
        raise InputError("model", "has no weights that learn and are understood")
    return Done(_DRAWN, places, {"count": len(places)})


@treatments.register("reset-biases", changes="weights", source="He et al. (2015), arXiv:1502.01852, section 2.2")
def reset_biases(patient: Patient, generator: Generator) -> Done:
    """Set biases to 0, and the forget gate of an LSTM to 1."""
    fresh = copy.deepcopy(patient.network)
    rows = drawn(fresh, patient.example, generator)
    changed: dict[str, None] = {}
    with torch.no_grad():
        for row in rows:
            name = row.parameter.partition("[")[0]
            if "bias" in name and row.scheme == "constant" and row.why != "normalization":
                old, new = (getattr(body.get_submodule(row.place), name) for body in (patient.network, fresh))
                if not torch.equal(old, new):
                    old.copy_(new)
                    changed[row.place] = None
    if not changed:
        raise InputError("model", "has no bias that is other than it starts")
    return Done(_BIASES, tuple(changed), {"count": len(changed)})


@treatments.register(
    "revive-units", changes="weights", live=True, source="Sokar et al. (2023), arXiv:2302.12902, algorithm 1"
)
def revive_units(patient: Patient, generator: Generator) -> Done:
    """Draw the incoming weights of rectifiers that are 0 for the whole example anew, and set their biases to 0."""
    found = [each for each in sites(patient) if each.meets == "relu"]
    if not found:
        raise InputError("model", "has no layer that learns and is followed by a rectifier")
    dead = _dead(patient, found)
    fresh = copy.deepcopy(patient.network)
    drawn(fresh, patient.example, generator)
    count = sum(int(each.sum()) for each in dead.values())
    if not count:
        raise InputError("model", "has no unit that is dead for the whole example")
    with torch.no_grad():
        for site in found:
            for place in filter(None, (site.place, site.norm)):
                old, new = (dict(body.get_submodule(place).named_parameters()) for body in (patient.network, fresh))
                for name, each in old.items():
                    each[dead[site.place]] = new[name][dead[site.place]]
    places = tuple(place for place, units in dead.items() if units.any())
    return Done(_REVIVED, places, {"count": count, "total": sum(each.numel() for each in dead.values())})


def drawn(
    network: nn.Module, example: tuple[Any, ...] | None, generator: Generator, scheme: str = "auto"
) -> Initialization:
    """First weights, drawn on the CPU whatever the device, so that they are the same everywhere."""
    if all(each.device.type == "cpu" for each in network.parameters()):
        return initialize(network, scheme, example=example, generator=generator)
    twin = copy.deepcopy(network).cpu()
    rows = initialize(twin, scheme, example=mapped(Tensor.cpu, example), generator=generator)
    with torch.no_grad():
        for old, new in zip(_tensors(network), _tensors(twin), strict=True):
            old.copy_(new)
    return rows


def _tensors(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]


def _dead(patient: Patient, found: list[Site]) -> dict[str, Tensor]:
    """Of each layer, which units are at 0 or below for every number that they see, on all ranks."""
    highest: dict[str, Tensor] = {}

    def note(place: str, axis: int) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            units = output.movedim(axis, 0).flatten(1).amax(1)
            highest[place] = torch.maximum(highest.get(place, units), units)

        return hook

    with _aside(patient.network), ExitStack() as stack:
        for site in found:
            axis = -1 if isinstance(site.layer, nn.Linear) else 1
            seen = patient.network.get_submodule(site.norm or site.place)
            stack.callback(seen.register_forward_hook(note(site.place, axis)).remove)
        patient.network(*patient.inputs())
    return {place: ~(patient.agree(units, torch.distributed.ReduceOp.MAX) > 0) for place, units in highest.items()}


@contextmanager
def _aside(network: nn.Module) -> Iterator[None]:
    """A forward pass of which nothing stays; in the mode of training, for that is where units are dead."""
    with put_back(network.buffers()), untouched(network), torch.no_grad():
        yield
