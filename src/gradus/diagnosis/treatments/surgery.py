"""The cuts: put a module after a layer, before it, in the place of another, or around it.

What is added hangs on an existing layer as a child with a hook, so that every other module keeps its path, indices into
a Sequential mean what they meant, and names in a state_dict stay. Each cut is made in the network and in its averages.
"""

import copy
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.diagnosis.treatments.patient import Patient
from gradus.diagnosis.treatments.reading import every_path


def follow(patient: Patient, place: str, name: str, module: nn.Module) -> None:
    """From now on the output of the layer at `place` goes through `module`, its child `name`."""
    _hang(patient, place, name, module, lambda layer, free: layer.register_forward_hook(Following(free)))


def precede(patient: Patient, place: str, name: str, module: nn.Module) -> None:
    """From now on the first input of the layer at `place` goes through `module`, its child `name`."""
    _hang(patient, place, name, module, lambda layer, free: layer.register_forward_pre_hook(Preceding(free)))


def put(patient: Patient, place: str, make: Callable[[nn.Module], nn.Module]) -> None:
    """Put what `make` makes of the module at `place` wherever that module is."""
    for body in patient.bodies:
        old = body.get_submodule(place)
        new = make(old).train(old.training)
        _move_hooks(old, new)
        for path in every_path(body, old):
            parent, _, name = path.rpartition(".")
            if not path:
                raise InputError("model", "is itself the module to be replaced", repair="Put it into a Sequential.")
            setattr(body.get_submodule(parent), name, new)


def bridge(patient: Patient, start: str, end: str) -> None:
    """Add the input of the module at `start` to the output of the one at `end`."""
    for body in patient.bodies:
        shortcut = Shortcut()
        body.get_submodule(start).register_forward_pre_hook(shortcut.enter)
        last = body.get_submodule(end)
        last.register_forward_hook(Following(_add(last, "shortcut", shortcut)))


class Following:
    """A hook: the output goes through a child."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        result: Tensor = layer._modules[self.name](output)  # type: ignore[misc]
        return result


class Preceding:
    """A hook: the first input goes through a child."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return layer._modules[self.name](inputs[0]), *inputs[1:]  # type: ignore[misc]


class Shortcut(nn.Module):
    """Adds what went into another module; a module, so that an activation it hangs on is still seen for what it is."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[Tensor] = []

    def enter(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        self._waiting = [inputs[0]]

    def forward(self, output: Tensor) -> Tensor:
        return output + self._waiting.pop()


def own_copy(patient: Patient, place: str) -> None:
    """Where a module without numbers is used in several places, one of its own for this place."""
    parent, _, name = place.rpartition(".")
    for body in patient.bodies:
        holder = body.get_submodule(parent)
        alone = copy.deepcopy(holder.get_submodule(name))
        alone._forward_hooks, alone._forward_pre_hooks = OrderedDict(), OrderedDict()
        setattr(holder, name, alone)


def _move_hooks(old: nn.Module, new: nn.Module) -> None:
    """What hangs on the old module hangs on the new one; whoever has a handle can still take it off."""
    for name, child in old._modules.items():
        new._modules.setdefault(name, child)
    for hooks in (
        "_forward_hooks",
        "_forward_pre_hooks",
        "_forward_hooks_with_kwargs",
        "_forward_pre_hooks_with_kwargs",
    ):
        vars(new)[hooks] = vars(old)[hooks]


def _hang(patient: Patient, place: str, name: str, module: nn.Module, hook: Callable[[nn.Module, str], Any]) -> None:
    for number, body in enumerate(patient.bodies):
        layer = body.get_submodule(place)
        hook(layer, _add(layer, name, module if number == 0 else copy.deepcopy(module)))


def _add(layer: nn.Module, name: str, module: nn.Module) -> str:
    """Make `module` a child, on the device, with the type and in the mode of `layer`; the name it got."""
    while hasattr(layer, name):
        name += "_"
    weight = next(layer.parameters(), None)
    if weight is not None:
        module = module.to(weight.device, weight.dtype)
    layer.add_module(name, module.train(layer.training))
    return name
