"""The first training step as a tape: what was computed from the model's inputs and parameters to the loss.

The tape plays the step again with other parameters or other inputs, whatever the loss is written with, and without
the model, the optimizer or the data of the program being touched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from gradus.diagnosis.measure import tensors_in

_MOST = 20_000
"""Calls after which a step is too long to be kept."""
_KEEPS_STATISTICS = ("batch_norm", "instance_norm")

Tensors = Mapping[int, Tensor]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of torch, with what it gave; ``learns`` tells whether gradients were on."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    learns: bool

    @property
    def writes(self) -> bool:
        """Whether it changes its first argument, or statistics that it is given."""
        name = getattr(self.function, "__name__", "")
        in_place = name.endswith("_") and not name.endswith("__")
        return in_place or name in ("__setitem__", *_KEEPS_STATISTICS) or "out" in self.kwargs


class Step:
    """A training step that can be played again.

    Attributes:
        loss: what the program computed.
        parameters: leaves that it learns, by identity.
        inputs: tensors that models were given, by identity.
        random: whether numbers are drawn in it.
    """

    def __init__(self, calls: Sequence[Call], loss: Tensor, given: Tensors) -> None:
        self.loss = loss
        self._calls = _needed(calls, loss)
        made = {id(each) for call in self._calls for each in _tensors(call.result)}
        outside = {id(each): each for call in self._calls for each in _tensors((call.args, call.kwargs))}
        outside = {key: each for key, each in outside.items() if key not in made}
        self.parameters = {key: each for key, each in outside.items() if each.requires_grad and each.is_leaf}
        self.inputs = {key: each for key, each in outside.items() if key in given and key not in self.parameters}
        self.whole = bool(self.parameters) and not any(
            each.requires_grad and not each.is_leaf for each in outside.values()
        )

    def play(self, changed: Tensors) -> Tensor:
        """The loss with other tensors in place of some, as far as it depends on them; with its graph."""
        known = dict(changed)

        def now(value: Any) -> Any:
            return known.get(id(value), value) if isinstance(value, Tensor) else value

        for call in self._calls:
            if call.writes:  # to copies, as long as it is not one already
                for each in _tensors((call.args, call.kwargs)):
                    if id(each) not in known and not each.requires_grad:
                        known[id(each)] = each.clone()
            args, kwargs = tree_map(now, (call.args, call.kwargs))
            with torch.set_grad_enabled(call.learns):
                result = call.function(*args, **kwargs)
            for old, new in zip(_tensors(call.result), _tensors(result), strict=True):
                known[id(old)] = new
        return known[id(self.loss)]

    def copies(self) -> dict[int, Tensor]:
        """Of the parameters, to be learned in their place."""
        return {key: each.detach().clone().requires_grad_() for key, each in self.parameters.items()}


class Tape(TorchFunctionMode):
    """Records calls from the first model's turn to the first backward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.on = self._entered = False
        self._calls: list[Call] = []
        self._given: dict[int, Tensor] = {}
        self._dropped = False

    def start(self) -> None:
        self.on = self._entered = True
        self.__enter__()  # type: ignore[no-untyped-call]

    def given(self, inputs: Any) -> None:
        """A model was called with these, by the program itself."""
        self._given |= {id(each): each for each in tensors_in(inputs)}

    def stop(self, loss: Tensor | None) -> Step | None:
        """The step that led to `loss`; None if it is not whole."""
        self.on = False
        self.leave()
        calls, self._calls = self._calls, []
        if loss is None or self._dropped:
            return None
        step = Step(calls, loss, self._given)
        return step if step.whole else None

    def leave(self) -> None:
        """Stand in nobody's way, if that can be: within a call, as `Tensor.backward` is one, it cannot."""
        if not self.on and self._entered and torch._C._len_torch_function_stack():
            self._entered = False
            self.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if self.on and not self._dropped and (_tensors(result) or result is None):
            self._calls.append(Call(func, tuple(args), kwargs or {}, result, torch.is_grad_enabled()))
            if len(self._calls) > _MOST:
                self._calls, self._dropped = [], True
        return result


def _tensors(value: Any) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else [each for each in tree_leaves(value) if isinstance(each, Tensor)]


def _needed(calls: Sequence[Call], loss: Tensor) -> list[Call]:
    """Those that the loss depends on, in order."""
    wanted, kept = {id(loss)}, []
    for call in reversed(calls):
        given = _tensors((call.args, call.kwargs))
        if any(id(each) in wanted for each in _tensors(call.result)) or (
            call.writes and given and id(given[0]) in wanted
        ):
            kept.append(call)
            wanted |= {id(each) for each in given}
    return kept[::-1]
