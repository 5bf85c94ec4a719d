"""What the optimizers of this package share: a step over lists of tensors, by torch's foreach operations."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from gradus.core.cards import checked, options_of
from gradus.core.errors import InputError

Closure = Callable[[], Any]
"""Zeroes the gradients, computes the loss and calls backward; returns the loss."""
Tensors = list[Tensor]


class ForeachOptimizer(Optimizer):
    """A torch optimizer whose update is said once, for a list of tensors of one device and one type.

    A subclass declares its hyper-parameters as keyword-only parameters of `__init__`, with their constraints; every
    param group has them all, and `maximize` and `weight_decay` (a penalty, added to the gradient) are dealt with here.
    A group also counts its `steps`.

    Raises:
        InputError: for a hyper-parameter out of its constraint, and for sparse or complex gradients.
    """

    def __init__(self, parameters: ParamsT, **options: Any) -> None:
        super().__init__(parameters, checked(self._owner, options_of(type(self)), options))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As torch's do, fills in what a state lacks that was saved by an optimizer of fewer hyper-parameters."""
        super().__setstate__(state)
        for group in self.param_groups:
            for each in options_of(type(self)):
                group.setdefault(each.name, self.defaults[each.name])

    @property
    def _owner(self) -> str:
        return f"optimizer `{type(self).__name__}`"

    @abstractmethod
    def _kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Names of the tensors kept for each parameter: of its shape, zero at first."""

    @abstractmethod
    def _advance(self, group: dict[str, Any], points: Tensors, gradients: Tensors, kept: dict[str, Tensors]) -> None:
        """Change `points` and what is `kept` of them, in place; `gradients` may be the parameters' own."""

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._step()
        return loss

    def _step(self) -> None:
        for group in self.param_groups:
            count_step(self, group)
            for points, kept in self._lists(group):
                gradients: Tensors = [each.grad for each in points if each.grad is not None]
                if group["maximize"]:
                    gradients = list(torch._foreach_neg(gradients))
                if group.get("weight_decay"):
                    gradients = list(torch._foreach_add(gradients, points, alpha=group["weight_decay"]))
                self._advance(group, points, gradients, kept)

    def _lists(self, group: dict[str, Any]) -> Iterator[tuple[Tensors, dict[str, Tensors]]]:
        """The parameters that have a gradient, and what is kept of them, a list for each device and type."""
        names = self._kept(group)
        alike: dict[tuple[torch.device, torch.dtype], Tensors] = {}
        for each in group["params"]:
            if each.grad is not None:
                alike.setdefault((each.device, each.dtype), []).append(each)
        for points in alike.values():
            states = [self._state_of(each, names) for each in points]
            yield points, {name: [state[name] for state in states] for name in names}

    def _state_of(self, parameter: Tensor, names: tuple[str, ...]) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[parameter]
        if len(state) < len(names):
            if parameter.is_complex() or (parameter.grad is not None and parameter.grad.is_sparse):
                raise InputError(self._owner, "takes dense, real gradients")
            for name in names:
                state.setdefault(name, torch.zeros_like(parameter, memory_format=torch.preserve_format))
        return state


def count_step(optimizer: Optimizer, group: dict[str, Any]) -> None:
    """One more of a group's `steps`, on top of those of its state: torch's optimizers count them for each parameter."""
    if "steps" not in group:
        states = [optimizer.state[each] for each in group["params"] if each in optimizer.state]
        group["steps"] = max((int(each["step"]) for each in states if "step" in each), default=0)
    group["steps"] += 1


def unhooked(kind: type[Optimizer]) -> Callable[..., Any]:
    """The step of a class, without the hooks that torch wraps around it: for a step that is part of another's."""
    step: Callable[..., Any] = kind.step
    return getattr(step, "__wrapped__", step) if getattr(step, "hooked", False) else step


def fusible(parameters: list[nn.Parameter]) -> bool:
    """Whether torch's fused kernels take these parameters."""
    return bool(parameters) and all(
        each.device.type in ("cpu", "cuda") and torch.is_floating_point(each) for each in parameters
    )
