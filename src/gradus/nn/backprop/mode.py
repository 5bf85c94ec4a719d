"""Run any network so that its backward pass is the explicit one."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

from gradus.core.errors import InputError
from gradus.core.trees import tensors
from gradus.nn.backprop.rules import Rule, rule_of


class explicit(TorchFunctionMode):
    """Within it, torch's functions leave explicit backward passes instead of autograd's.

        with explicit():
            loss = functional.cross_entropy(model(x), y)
        loss.backward()  # by the equations in this package

    The model stays as it is, with its own parameters; it may be of any form, as long as it is made of functions that
    have a rule (`rules.py`). Autograd then only goes through the graph in order and adds up errors. For teaching and
    checking: it is slower than torch, several times for convolutions.

    Raises:
        InputError: at a function that would leave a backward pass of autograd's own; it is named. So is one that takes
            what was written over through a view, since views are copies here.
    """

    def __init__(self) -> None:
        super().__init__()
        self._views: dict[int, list[Tensor]] = {}  # of a tensor, all that share its memory in torch
        self._stale: dict[int, Tensor] = {}

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        keywords = dict(kwargs or {})
        given = tensors((args, keywords))
        if not torch.is_grad_enabled() or not any(each.requires_grad for each in given):
            return function(*args, **keywords)
        rule = rule_of(function)
        name = resolve_name(function) or getattr(function, "__name__", repr(function))
        if rule is not None:
            self._fresh(name, given)
            arguments = rule.arguments(args, keywords)
            result = rule(dict(arguments))
            if all(each is not result for each in given) or rule.writes(arguments):
                self._share(rule, arguments, result)
                self.after(rule, arguments, result)
            return result
        before = [each.grad_fn for each in given]
        result = function(*args, **keywords)
        if tensors(result):
            self._fresh(name, given)
        made = [each for each in tensors(result) if isinstance(each, Tensor) and each.requires_grad]
        written = any(each.requires_grad and each.grad_fn is not was for each, was in zip(given, before, strict=True))
        if written or any(all(each is not other for other in given) for each in made):
            self.refuse(name)
        return result

    def _fresh(self, function: str, given: list[Tensor]) -> None:
        if any(id(each) in self._stale for each in given):
            raise InputError(function, "takes what was written over through a view of it", repair="Write to a copy.")

    def _share(self, rule: Rule, arguments: Mapping[str, Any], result: Tensor) -> None:
        x = next(iter(arguments.values()))
        if rule.view:
            views = self._views.setdefault(id(x), [x])
            views.append(result)
            self._views[id(result)] = views
        elif rule.writes(arguments):
            self._stale |= {id(each): each for each in self._views.get(id(x), ()) if each is not x}

    def after(self, rule: Rule, arguments: Mapping[str, Any], result: Tensor) -> None:
        """Called after each function that has a rule."""

    def refuse(self, function: str) -> None:
        """Called where there is none."""
        repair = "Those that have one are listed in gradus.nn.backprop.rules."
        raise InputError(function, "has no explicit backward pass", repair=repair)
