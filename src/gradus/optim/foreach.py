"""What the optimizers of this package share: a step over lists of tensors, by torch's foreach operations."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from gradus.core.cards import options_of
from gradus.core.errors import InputError
from gradus.core.validation import validated

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
        declared = {each.name: (each.annotation, each.default) for each in options_of(type(self))}
        super().__init__(parameters, validated(self._owner, declared, options))

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
            group["steps"] = group.get("steps", 0) + 1
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


def fusible(parameters: list[nn.Parameter]) -> bool:
    """Whether torch's fused kernels take these parameters."""
    return bool(parameters) and all(
        each.device.type in ("cpu", "cuda") and torch.is_floating_point(each) for each in parameters
    )
