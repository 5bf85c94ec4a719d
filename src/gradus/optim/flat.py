"""One tensor for all parameters, so that a step is one kernel and not one for each parameter."""

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from operator import is_
from typing import Any

import torch
from torch import Tensor, nn, optim
from torch.optim import Optimizer

from gradus.core.errors import InputError
from gradus.optim.foreach import Closure, unhooked

ELEMENTWISE = (
    optim.SGD, optim.Adagrad, optim.RMSprop, optim.Adadelta, optim.Adam, optim.Adamax, optim.NAdam, optim.RAdam,
)  # fmt: skip
"""torch's optimizers whose step treats each number for itself."""
_COUNTS = ("step", "mu_product")
"""State that is one number for all of a parameter, and here for all parameters."""


class Flat(Optimizer):
    """Does what the optimizer it is made from does, on one tensor for each group, device and type.

    The parameters become views of that tensor, and so does what is kept of them: `state_dict` is that of the optimizer
    it is made from, and either loads the other's. Gradients are copied together at each step; `zero_grad` lets the
    next ones come to where they are wanted, which spares the copy. It pays for many small tensors, not for few large.

    Args:
        optimizer: one of torch's that treat each number for itself (SGD, Adam, AdamW...), to be used no more.
    Raises:
        InputError: for any other; where parameters share memory; at a step, where a parameter has no gradient.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, ELEMENTWISE):
            raise InputError("flat", "needs an optimizer that treats each number for itself", type(optimizer).__name__)
        _refuse_sharing(each for group in optimizer.param_groups for each in group["params"])
        super().__init__(optimizer.param_groups, optimizer.defaults)
        self.state.update(optimizer.state)
        self._inner = copy.copy(optimizer)
        self._pieces: list[list[_Piece]] = []

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._lay_flat()
        for pieces in self._pieces:
            for piece in pieces:
                piece.gather()
        for outer, inner in zip(self.param_groups, self._inner.param_groups, strict=True):
            _copy_settings(outer, inner)
        unhooked(type(self._inner))(self._inner)
        for outer, inner in zip(self.param_groups, self._inner.param_groups, strict=True):
            _copy_settings(inner, outer)
        if not self.state:
            self._show_state()
        return loss

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Zero all gradients at once; `set_to_none` lets backward make new ones, which `step` then copies."""
        self._lay_flat()
        for pieces in self._pieces:
            for piece in pieces:
                piece.gradients.zero_()
                for parameter, view in zip(piece.parameters, piece.gradient_views, strict=True):
                    parameter.grad = None if set_to_none else view

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        if self._pieces:
            self._take_state()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        if getattr(self, "_pieces", None):
            raise InputError("flat", "cannot take more parameters once it has begun")
        super().add_param_group(param_group)

    def __getstate__(self) -> dict[str, Any]:
        """A copy is as it was before its first use: its parameters are copied one by one, and no longer views."""
        inner = copy.copy(self._inner)
        inner.state, inner.param_groups = defaultdict(dict), []
        return {**super().__getstate__(), "_inner": inner, "_pieces": []}

    def _lay_flat(self) -> None:
        """Once, at the first use: until then a model may be moved to a device or be given another layout."""
        if self._pieces:
            return
        self._pieces = [[_Piece.of(each) for each in _alike(group["params"])] for group in self.param_groups]
        self._inner.param_groups = [{"params": [piece.weights for piece in pieces]} for pieces in self._pieces]
        self._take_state()

    def _take_state(self) -> None:
        """Lay what is kept of each parameter side by side, for the optimizer within."""
        self._inner.state = defaultdict(dict)
        for pieces in self._pieces:
            for piece in pieces:
                states = [self.state[each] for each in piece.parameters if each in self.state]
                if states:
                    self._inner.state[piece.weights] = piece.joined(states)
        self._show_state()

    def _show_state(self) -> None:
        """Give each parameter its views of what the optimizer within keeps."""
        for pieces in self._pieces:
            for piece in pieces:
                kept = {name: value for name, value in self._inner.state[piece.weights].items() if value is not None}
                views = {name: [value] * len(piece.parameters) for name, value in kept.items() if name in _COUNTS}
                views |= {name: piece.views(value) for name, value in kept.items() if name not in _COUNTS}
                for number, parameter in enumerate(piece.parameters):
                    if kept:
                        self.state[parameter] = {name: each[number] for name, each in views.items()}


@dataclass(frozen=True, eq=False)
class _Piece:
    """Parameters of one group, device and type: views of `weights`, whose gradients come to `gradients`."""

    parameters: list[nn.Parameter]
    weights: Tensor
    weight_views: list[Tensor]
    gradients: Tensor
    gradient_views: list[Tensor]
    addresses: list[int]

    @classmethod
    @torch.no_grad()
    def of(cls, parameters: list[nn.Parameter]) -> "_Piece":
        weights = parameters[0].new_empty(sum(each.numel() for each in parameters))
        views = _views(weights, parameters)
        for parameter, view in zip(parameters, views, strict=True):
            parameter.data = view.copy_(parameter)
        weights.grad = gradients = torch.zeros_like(weights)
        addresses = [each.data_ptr() for each in views]
        return cls(parameters, weights, views, gradients, _views(gradients, parameters), addresses)

    def views(self, flat: Tensor) -> list[Tensor]:
        return _views(flat, self.parameters)

    def gather(self) -> None:
        """Bring gradients that came elsewhere to `gradients`, and parameters that were moved back to `weights`."""
        if [each.data_ptr() for each in self.parameters] != self.addresses:
            for parameter, view in zip(self.parameters, self.weight_views, strict=True):
                if parameter.data_ptr() != view.data_ptr():
                    parameter.data = view.copy_(parameter)
        gradients = [each.grad for each in self.parameters]
        if all(map(is_, gradients, self.gradient_views)):
            return
        fresh = [pair for pair in zip(self.gradient_views, gradients, strict=True) if pair[0] is not pair[1]]
        for view, gradient in fresh:
            if gradient is None:
                raise InputError(
                    "flat",
                    f"every parameter needs a gradient, and one of shape {tuple(view.shape)} has none",
                    repair="Set `flat = false`.",
                )
        torch._foreach_copy_([view for view, _ in fresh], [each for _, each in fresh if each is not None])

    def joined(self, states: list[dict[str, Any]]) -> dict[str, Any]:
        """One state for all parameters, of `states`, which are each one's."""
        if len(states) < len(self.parameters) or any(
            not torch.equal(torch.as_tensor(each[name]), torch.as_tensor(states[0][name]))
            for name in _COUNTS
            for each in states
            if name in each
        ):
            raise InputError(
                "flat", "needs parameters that have all taken the same steps", repair="Set `flat = false`."
            )
        one: dict[str, Any] = {}
        for name, first in states[0].items():
            if name in _COUNTS:
                one[name] = first.clone()
            elif first is not None:
                one[name] = torch.empty_like(self.weights)
                torch._foreach_copy_(self.views(one[name]), [each[name] for each in states])
        return one


def _alike(parameters: Iterable[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """The parameters by device and type."""
    alike: dict[tuple[torch.device, torch.dtype], list[nn.Parameter]] = {}
    for each in parameters:
        alike.setdefault((each.device, each.dtype), []).append(each)
    return iter(alike.values())


def _views(flat: Tensor, parameters: list[nn.Parameter]) -> list[Tensor]:
    """Parts of `flat` laid out as `parameters` are, one after the other."""
    views, offset = [], 0
    for each in parameters:
        stride = torch.empty_like(each, device="meta").stride()  # as dense as can be, in the same order
        views.append(flat.as_strided(each.shape, stride, offset))
        offset += each.numel()
    return views


def _refuse_sharing(parameters: Iterable[nn.Parameter]) -> None:
    """Parameters that are parts of each other could not be laid side by side."""
    spans = sorted((each.data_ptr(), each.data_ptr() + each.numel() * each.element_size()) for each in parameters)
    if any(start < end for (_, end), (start, _) in pairwise(spans)):
        raise InputError("flat", "needs parameters that do not share memory", repair="Set `flat = false`.")


def _copy_settings(source: dict[str, Any], target: dict[str, Any]) -> None:
    """What schedules and the optimizer itself change: all of a group but its parameters."""
    for name in target.keys() - source.keys():
        del target[name]
    target.update({name: value for name, value in source.items() if name != "params"})
