"""Normalization: put in where there is none, and one that does without the batch in place of batch norm."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import Generator, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gradus.core.errors import InputError
from gradus.core.text import Message
from gradus.diagnosis.treatments.patient import Patient
from gradus.diagnosis.treatments.reading import Site, batch_size, hidden, is_recurrent
from gradus.diagnosis.treatments.surgery import follow, put
from gradus.diagnosis.treatments.table import Done, treatments

_FEWEST = 16
"""Examples below which the statistics of a batch are too noisy (Wu & He 2018, figure 1: errors rise from 16 down)."""
_GROUPS = 32
Kind = Literal["auto", "batch", "layer", "group"]
_ADDED = Message(en="Added {kind} norm after {count} layers.", zh="在 {count} 层后加入 {kind} 归一化。")
_REPLACED = Message(
    en="Put group norm in the place of {count} batch norms, scales and shifts kept.",
    zh="用组归一化替换了 {count} 个批归一化，缩放与平移保持不变。",
)


@treatments.register(
    "normalize-layers", changes="layers", source="Ioffe & Szegedy (2015), arXiv:1502.03167, section 3.2"
)
def normalize_layers(patient: Patient, generator: Generator, *, norm: Kind = "auto", batch: int | None = None) -> Done:
    """Normalize what layers give before the activation sees it: batch, layer or group norm.

    Batch norm where a batch has 16 examples or more, each is one row or image, and nothing is recurrent; else layer
    norm for linear layers and group norm for convolutions. `batch` says how many where the example does not.
    """
    bare = [each for each in hidden(patient) if not each.normed]
    if not bare:
        raise InputError("model", "has a normalization beside each of its hidden layers")
    size = batch or batch_size(patient.inputs())
    kinds = []
    for site in bare:
        kind = _suited(site, size, is_recurrent(patient.network)) if norm == "auto" else norm
        kinds.append(kind)
        follow(patient, site.place, "norm", _made(kind, site))
    return Done(_ADDED, tuple(each.place for each in bare), {"kind": "/".join(sorted(set(kinds))), "count": len(bare)})


@treatments.register("group-norm", changes="layers", source="Wu & He (2018), arXiv:1803.08494, section 3")
def group_norm(patient: Patient, generator: Generator) -> Done:
    """Put group norm in the place of every batch norm: scale and shift stay, running statistics go."""
    places = [name for name, each in patient.network.named_modules() if isinstance(each, _BatchNorm)]
    if not places:
        raise InputError("model", "has no batch norm")
    for place in places:
        put(patient, place, _grouped)
    return Done(_REPLACED, tuple(places), {"count": len(places)})


def _suited(site: Site, size: int, recurrent: bool) -> str:
    linear = isinstance(site.layer, nn.Linear)
    if size >= _FEWEST and not recurrent and site.times == 1 and (not linear or len(site.outputs) == 2):
        return "batch"
    return "layer" if linear else "group"


def _made(kind: str, site: Site) -> nn.Module:
    axes = len(site.outputs)
    linear = isinstance(site.layer, nn.Linear)
    width = site.outputs[-1] if linear else site.outputs[1]
    if kind == "layer" and linear:
        return nn.LayerNorm(width)
    if linear and (kind == "group" or axes != 2):
        raise InputError(
            f"`{site.place}`", f"gives {axes} axes, which {kind} norm does not take", repair='Use norm="layer".'
        )
    if kind == "batch":
        norms: dict[int, Callable[[int], nn.Module]] = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}
        return norms.get(axes, nn.BatchNorm3d)(width)
    return nn.GroupNorm(1 if kind == "layer" else _groups(width), width)


def _groups(width: int) -> int:
    """As many groups as divide the channels and leave 16 in each, at most 32 (Wu & He 2018, table 3)."""
    return max(each for each in range(1, _GROUPS + 1) if width % each == 0 and (each == 1 or width // each >= 16))


def _grouped(old: nn.Module) -> nn.Module:
    assert isinstance(old, _BatchNorm)
    width = old.num_features
    make = partial(nn.GroupNorm, _groups(width), width, eps=old.eps)
    if not old.affine:
        return make(affine=False)
    new = make(affine=True)
    # The very parameters, so that optimizers go on with what they know of them.
    new.weight, new.bias = old.weight, old.bias
    return new
