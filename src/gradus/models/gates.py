"""What the gates of a recurrent network do with a sequence."""

from typing import Any

import torch
from torch import Tensor, nn

from gradus.core.untouched import untouched
from gradus.nn.recurrent import Recurrent

_NO_GATES = ("candidate", "memory")
"""Handed back beside the gates, and not between 0 and 1."""

# N sequences, T steps, H units


@torch.no_grad()
def gates(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """How far the gates of each recurrent layer are open, 0 to 1, as it reads sequences in evaluation mode.

    Args:
        model: any network; one without `Recurrent` layers of gates gives nothing. It is left as it was.
        x: what it reads, (N, T, F) numbers or (N, T) codes.
    Returns:
        By layer, direction and gate, such as "recurrence.l0.forget": each (N, T, H), or as `batch_first` has it.
    """
    found: dict[str, Tensor] = {}

    def look(place: str, layer: Recurrent) -> Any:
        def hook(module: nn.Module, given: tuple[Any, ...], options: dict[str, Any]) -> None:
            inner = layer.forward(*given, **(options | {"return_gates": True}))[-1]
            for way, named in inner.items():
                values = {name: each for name, each in named.items() if name not in _NO_GATES}
                found.update({f"{place}.{way}.{name}".lstrip("."): each for name, each in values.items()})

        return layer.register_forward_pre_hook(hook, with_kwargs=True)

    layers = [(place, each) for place, each in model.named_modules() if isinstance(each, Recurrent)]
    hooks = [look(place, each) for place, each in layers]
    try:
        with untouched(model):
            model.eval()
            model(x)
    finally:
        for each in hooks:
            each.remove()
    return found
