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
        InputError: at a function that would leave a backward pass of autograd's own; it is named.
    """

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        keywords = dict(kwargs or {})
        given = tensors((args, keywords))
        if not torch.is_grad_enabled() or not any(each.requires_grad for each in given):
            return function(*args, **keywords)
        rule = rule_of(function)
        if rule is not None:
            arguments = rule.arguments(args, keywords)
            result = rule(dict(arguments))
            self.after(rule, arguments, result)
            return result
        result = function(*args, **keywords)
        made = [each for each in tensors(result) if isinstance(each, Tensor) and each.requires_grad]
        if any(all(each is not other for other in given) for each in made):
            self.refuse(resolve_name(function) or getattr(function, "__name__", repr(function)))
        return result

    def after(self, rule: Rule, arguments: Mapping[str, Any], result: Tensor) -> None:
        """Called after each function that has a rule."""

    def refuse(self, function: str) -> None:
        """Called where there is none."""
        repair = "Those that have one are listed in gradus.nn.backprop.rules."
        raise InputError(function, "has no explicit backward pass", repair=repair)
