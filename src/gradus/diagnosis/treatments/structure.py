"""Ways around and through layers: a shortcut past them, gates in a recurrence, units left out while training."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Generator, nn
from torch.nn.modules.dropout import _DropoutNd

from gradus.core.errors import InputError
from gradus.core.graph import Trace
from gradus.core.text import Message
from gradus.diagnosis.treatments.patient import Patient
from gradus.diagnosis.treatments.reading import Site, hidden, sites, users
from gradus.diagnosis.treatments.surgery import bridge, own_copy, precede, put
from gradus.diagnosis.treatments.table import Done, treatments
from gradus.diagnosis.treatments.weights import drawn

_RESIDUAL = Message(en="Added a shortcut around {count} layers.", zh="为 {count} 层加入残差连接。")
_GATED = Message(en="Put a GRU in the place of {count} plain recurrences.", zh="用 GRU 替换了 {count} 个普通循环层。")
_DROPOUT = Message(en="Set dropout to {p:g} in {count} places.", zh="在 {count} 处把 dropout 设为 {p:g}。")
_LESS = Message(
    en="Multiplied dropout and weight decay by {factor:g} in {count} places.",
    zh="在 {count} 处把 dropout 与权重衰减乘以 {factor:g}。",
)
Share = Annotated[float, Field(ge=0, lt=1)]


@treatments.register("add-residual", changes="layers", source="He et al. (2016), arXiv:1512.03385, eq. 1")
def add_residual(patient: Patient, generator: Generator) -> Done:
    """Add its input to what a hidden layer gives, where the shapes are the same: x + activation(layer(x)).

    Where the activation is a function in `forward`, it is activation(x + layer(x)).
    """
    same = [each for each in hidden(patient) if each.inputs == each.outputs and each.times == 1]
    if not same:
        raise InputError("model", "has no hidden layer whose input and output have the same shape")
    seen = patient.seen()
    ends = [_end(patient, seen, each) for each in same]
    for site, (end, apart) in zip(same, ends, strict=True):
        if apart:
            own_copy(patient, end)
        bridge(patient, site.place, end)
    return Done(_RESIDUAL, tuple(each.place for each in same), {"count": len(same)})


@treatments.register("gated", changes="layers", source="Cho et al. (2014), arXiv:1406.1078, eq. 5-8")
def gated(patient: Patient, generator: Generator, *, horizon: Annotated[int, Field(ge=3)] = 100) -> Done:
    """Put a GRU of the same sizes in the place of each plain recurrent layer, which is called alike.

    Its update gates start so that units remember for 2 to `horizon` steps (Tallec & Ollivier 2018, section 2.2).
    """
    places = tuple(name for name, each in patient.network.named_modules() if type(each) is nn.RNN and _learns(each))
    if not places:
        raise InputError("model", "has no plain recurrent layer (nn.RNN)")
    for place in places:
        fresh = _gru(patient.network.get_submodule(place))
        drawn(fresh, None, generator)
        _remember(fresh, horizon, generator)
        weights = fresh.state_dict()

        def make(old: nn.Module, weights: dict[str, object] = weights) -> nn.Module:
            new = _gru(old)
            new.load_state_dict(weights)
            return new

        put(patient, place, make)
    return Done(_GATED, places, {"count": len(places)})


@treatments.register("dropout", changes="layers", source="Srivastava et al. (2014), section 4")
def dropout(patient: Patient, generator: Generator, *, p: Share = 0.3) -> Done:
    """Raise dropout to `p` where there is some; else put it before every linear layer but the first layer of all."""
    present = [(name, each) for name, each in patient.network.named_modules() if isinstance(each, _DropoutNd)]
    if present:
        for body in patient.bodies:
            for name, _ in present:
                layer = body.get_submodule(name)
                assert isinstance(layer, _DropoutNd)
                layer.p = max(layer.p, p)
        return Done(_DROPOUT, tuple(name for name, _ in present), {"p": p, "count": len(present)})
    later = [each for each in sites(patient)[1:] if isinstance(each.layer, nn.Linear)]
    if not later:
        raise InputError("model", "has no linear layer beside its first layer that learns")
    for site in later:
        precede(patient, site.place, "dropout", nn.Dropout(p))
    return Done(_DROPOUT, tuple(each.place for each in later), {"p": p, "count": len(later)})


@treatments.register("regularize-less", changes="layers", source="Goodfellow et al. (2016), section 7.1")
def regularize_less(patient: Patient, generator: Generator, *, factor: Share = 0.1) -> Done:
    """Multiply all dropout and weight decay."""
    places = []
    for number, body in enumerate(patient.bodies):
        for name, layer in body.named_modules():
            if isinstance(layer, _DropoutNd) and layer.p:
                layer.p *= factor
                places += [name] if number == 0 else []
    for number, group in enumerate(patient.groups):
        if group.get("weight_decay"):
            group["weight_decay"] *= factor
            places.append(f"group {number}")
    if not places:
        raise InputError("patient", "has neither dropout nor weight decay")
    return Done(_LESS, tuple(places), {"factor": factor, "count": len(places)})


def _end(patient: Patient, seen: Trace, site: Site) -> tuple[str, bool]:
    """Where the branch ends, and whether the activation there needs to be one of its own for this place.

    At the activation, if it is a module that comes right after; else at the layer.
    """
    last = site.place if site.norm.startswith(f"{site.place}.") else site.norm or site.place
    if not site.then:
        return last, False
    activation = patient.network.get_submodule(site.then)
    if users(seen, site.then) == 1:
        return site.then, False
    parent, _, name = last.rpartition(".")
    holder = patient.network.get_submodule(parent)
    following = [*holder._modules, ""]
    after = following[following.index(name) + 1]
    alone = not any(True for _ in activation.parameters())
    if isinstance(holder, nn.Sequential) and alone and holder._modules.get(after) is activation:
        return f"{parent}.{after}" if parent else after, True
    return last, False


def _learns(layer: nn.Module) -> bool:
    return all(each.requires_grad for each in layer.parameters())


def _remember(recurrence: nn.GRU, horizon: int, generator: Generator) -> None:
    """Bias of the update gate: log of spans drawn evenly, so that a unit keeps the share 1 - 1/span of its state."""
    hidden = recurrence.hidden_size
    with torch.no_grad():
        for name, bias in recurrence.named_parameters():
            if name.startswith("bias_ih"):
                spans = 1 + (horizon - 2) * torch.rand(hidden, generator=generator)
                bias[hidden : 2 * hidden] = spans.log().to(bias)


def _gru(old: nn.Module) -> nn.GRU:
    assert isinstance(old, nn.RNN)
    weight = old.weight_ih_l0
    assert isinstance(weight, nn.Parameter)
    return nn.GRU(
        old.input_size,
        old.hidden_size,
        old.num_layers,
        bias=old.bias,
        batch_first=old.batch_first,
        dropout=old.dropout,
        bidirectional=old.bidirectional,
        device=weight.device,
        dtype=weight.dtype,
    )
