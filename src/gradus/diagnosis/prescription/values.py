"""Values in a program and the operations that make them, spelled alike however they are written."""

import ast
import re
from dataclasses import dataclass

import torch

from gradus.diagnosis.prescription.bindings import Function, binding
from gradus.diagnosis.prescription.modules import Module
from gradus.diagnosis.prescription.program import Found, SourceFile

_SPELLED = {
    "binary_cross_entropy_with_logits": "bce_with_logits_loss", "binary_cross_entropy": "bce_loss",
    "cross_entropy": "cross_entropy_loss", "log_softmax": "log_softmax", "kl_div": "kl_div_loss",
    "absolute": "abs", "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div", "negative": "neg",
    "square": "square", "clip": "clamp", "divide_": "div", "relu_": "relu", "softmax2d": "softmax",
}  # fmt: skip


@dataclass(frozen=True)
class Value:
    """An expression at a place.

    Attributes:
        items: which item of a tuple or dictionary it is of what the expression gives, the outermost first.
        entries: the functions entered on the way to it, the innermost last.
        layers: of the call of a sequence, after how many of its layers; None for all.
    """

    file: SourceFile
    node: ast.expr
    items: tuple[int | str, ...] = ()
    entries: tuple["Entry", ...] = ()
    layers: int | None = None


@dataclass(frozen=True)
class Entry:
    """A function, and the call that entered it; `given` is its input where a sequence called it."""

    file: SourceFile
    function: Function
    call: Value
    given: Value | None = None


@dataclass(frozen=True)
class Operation:
    """What made a value.

    Attributes:
        name: `softmax`, `mse_loss`, `linear`, `add`, whichever way it is written; "" if it is not known.
        value: its result.
        inputs: what it computes with; the first is what passes through it.
        call: the call, in which its arguments stand: of a module, the constructor.
        module: of a module, how it was made.
    """

    name: str
    value: Value
    inputs: tuple[Value, ...] = ()
    call: Found | None = None
    module: Module | None = None

    def argument(self, position: int, name: str) -> ast.expr | None:
        """Of a function, `position` counts its input; of a module, the constructor's arguments begin at 1."""
        if self.call is None:
            return None
        shift = 1 if self.module is not None or self._is_method else 0
        return self.call.argument(position - shift, name)

    @property
    def _is_method(self) -> bool:
        assert self.call is not None
        return is_method(self.call)


def is_method(call: Found) -> bool:
    """Whether a tensor's own method is called, rather than a function that is kept as an attribute: `self.act(x)`."""
    called = call.node.func
    kept = isinstance(called, ast.Attribute) and (
        binding(call.file, called) is not None or not hasattr(torch.Tensor, called.attr)
    )
    return isinstance(called, ast.Attribute) and not call.file.qualified(called) and not kept


def spelled(name: str) -> str:
    """One spelling for a function, a method and a module.

    >>> spelled("CrossEntropyLoss"), spelled("cross_entropy"), spelled("LogSoftmax"), spelled("ReLU")
    ('cross_entropy_loss', 'cross_entropy_loss', 'log_softmax', 'relu')
    """
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    whole = {
        "re_lu": "relu", "leaky_re_lu": "leaky_relu", "nll_loss2d": "nll_loss", "nllloss": "nll_loss",
        "mseloss": "mse_loss", "bceloss": "bce_loss", "bcewith_logits_loss": "bce_with_logits_loss",
        "p_re_lu": "prelu", "si_lu": "silu", "softmax2d": "softmax", "re_lu6": "relu6", "kldiv_loss": "kl_div_loss",
        "bce_with_logits_loss": "bce_with_logits_loss",
    }  # fmt: skip
    return _SPELLED.get(snake, whole.get(snake, snake))
