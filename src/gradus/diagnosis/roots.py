"""Which modules are models: found when they run, and hooked one by one when no new one has turned up for a while."""

import weakref
from collections.abc import Iterator

from torch import nn

from gradus.diagnosis.history import History
from gradus.diagnosis.hooks import Hooks
from gradus.diagnosis.places import Places, original

_SETTLED = 3
"""Steps without a new model, after which none is looked for."""


class Roots:
    """The models of a process, and where in a call of one it is.

    Args:
        everything: whatever has parameters and is called by the program itself is a model.
        wrapper: what a framework calls in place of a model's own methods; not a model itself.

    Attributes:
        within: layers deep in a call: 0 outside of any, 1 in a model itself.
    """

    def __init__(
        self, hooks: Hooks, places: Places, history: History, *, everything: bool, wrapper: nn.Module | None
    ) -> None:
        self.within = 0
        self._hooks, self._places, self._history = hooks, places, history
        self._everything, self._wrapper = everything, wrapper
        self._models: dict[int, weakref.ref[nn.Module]] = {}
        self._outermost = 0
        self._handed_on: list[nn.Module] = []
        self._found_at = 0

    def __contains__(self, module: nn.Module) -> bool:
        return id(module) in self._models

    def __iter__(self) -> Iterator[nn.Module]:
        alive = (reference() for reference in self._models.values())
        return (each for each in alive if each is not None)

    def add(self, model: nn.Module, name: str = "") -> None:
        """Here is a model."""
        if self._places.module(original(model)) is None:
            label = self._places.add(original(model), name)
            self._history.models[label] = self._places.facts[label]
        else:
            self._places.note_modes(original(model))
        if model not in self:
            self._found_at = self._history.step
        self._models[id(model)] = weakref.ref(model)

    # ---- hooks ------------------------------------------------------------------------------------------------------

    def hook_everywhere(self) -> None:
        """Look for models that are not known yet."""
        self.within = 0
        self._found_at = self._history.step
        self._hooks.hook_everywhere()

    def hook(self) -> None:
        """Each model that is known, and nothing else."""
        self._hooks.release_everywhere()
        self.within = 0
        self._models = {identity: each for identity, each in self._models.items() if each() is not None}
        for model in self:
            self._hooks.hook_root(model)

    def settle(self) -> None:
        """A step is over: look no further once none has turned up for a while."""
        if self._hooks.everywhere and self._history.step - self._found_at >= _SETTLED:
            self.hook()

    # ---- calls ------------------------------------------------------------------------------------------------------

    def enter(self, module: nn.Module) -> bool:
        """A module is called; whether by the program itself."""
        if self._wrapper is not None and not self.within and self._hands_on(module):
            self._handed_on.append(module)
            return False
        self.within += 1
        if self.within == 1:
            self._outermost = id(module)
        return self.within == 1

    def leave(self, module: nn.Module) -> bool:
        """A call is over; whether it was the program's own."""
        if self._handed_on and not self.within and self._handed_on[-1] is module:
            self._handed_on.pop()
            return False
        self.within = max(0, self.within - 1)
        return not self.within

    def _hands_on(self, module: nn.Module) -> bool:
        """Whether a call is that of a wrapper, or what Lightning makes of it: of a method other than forward."""
        replaced = getattr(vars(module).get("forward"), "__qualname__", "")
        return module is self._wrapper or replaced.startswith("_ForwardRedirection.")

    def recognize(self, module: nn.Module) -> bool:
        """Whether what the program calls is a model; from now on, if it was not before."""
        if module in self and self._models[id(module)]() is module:
            return True
        known = self._places.module(original(module)) is not None
        parameter = next(module.parameters(), None)
        # On the meta device a model is only counted: its numbers are not there.
        if not (known or self._everything) or parameter is None or parameter.is_meta:
            return False
        self.add(module)
        return True

    def is_stranger(self, module: nn.Module) -> bool:
        """Whether what runs inside a model is unknown to it, and has parameters of its own."""
        unknown = bool(module._parameters) and self._places.module(module) is None
        return self.within > 1 and unknown and self._outermost in self._models
