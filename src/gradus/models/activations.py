"""The activation that a model's option names."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.usercode import UserCode
from gradus.nn import activations

Activation = str | dict[str, Any]
"""A card's name; or a table of ``name`` and its options, or of ``module = "file.py:callable"`` and its arguments."""


@dataclass(frozen=True)
class Activate:
    """Makes the activations of a model, one for each place.

    Attributes:
        make: takes the number of channels.
        pieces: how many times as wide as that the layer before must be: k for Maxout, else 1.
    """

    make: Callable[[int], nn.Module]
    pieces: int

    def __call__(self, channels: int) -> nn.Module:
        """A new one for `channels` channels."""
        return self.make(channels)


class Function(nn.Module):
    """A function of tensors as a Module."""

    def __init__(self, function: Callable[[Tensor], Tensor], name: str) -> None:
        super().__init__()
        self.function, self.name = function, name

    def forward(self, z: Tensor) -> Tensor:
        return self.function(z)

    def extra_repr(self) -> str:
        return self.name


def chosen(owner: str, activation: Activation) -> Activate:
    """What the option `activation` of `owner` names.

    Raises:
        InputError: for an unknown name or option, or code of the user's own that cannot be used.
    """
    owner = f"{owner}: `activation`"
    options = {"name": activation} if isinstance(activation, str) else dict(activation)
    name, module = options.pop("name", None), options.pop("module", None)
    if (name is None) == (module is None) or not isinstance(name or module, str):
        raise InputError(owner, "needs `name` (from the catalogue) or `module` (file.py:callable)", activation)
    make = own(str(module), options, owner) if name is None else _listed(name, options, owner)
    return Activate(make, getattr(make(1), "pieces", 1))


def _listed(name: str, options: dict[str, Any], owner: str) -> Callable[[int], nn.Module]:
    card = activations.get(name, owner)
    checked = card.validate(options, f"{owner} `{card.name}`")
    return lambda channels: card.build(*(channels,) if card.sized else (), **checked)


def own(reference: str, options: dict[str, Any], owner: str) -> Callable[[int], nn.Module]:
    """Makes activations of the user's own: of a function ``file.py:callable``, or of a Module class there.

    Raises:
        InputError: if there is no such callable; when called, if the class cannot be made or is of no Module.
    """
    made = UserCode.parse(reference, Path(), f"{owner}: `module`").load()
    if not inspect.isclass(made):
        return lambda _channels: Function(partial(made, **options) if options else made, reference.rpartition(":")[2])

    def make(_channels: int) -> nn.Module:
        try:
            module = made(**options)
        except Exception as error:
            raise InputError(f"{owner} {reference}", f"raises {type(error).__name__}: {error}") from error
        if not isinstance(module, nn.Module):
            raise InputError(f"{owner} {reference}", "must be a function or a Module", type(module).__name__)
        return module

    return make
