"""Backpropagation through a network, printed: values on the way forward, errors on the way back."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.core.untouched import untouched
from gradus.nn.backprop.mode import explicit
from gradus.nn.backprop.rules import Rule

_FEW = 12
"""As many numbers are printed in full."""
_PARAMETERS = {"z": ("W", "b"), "n": ("gamma", "beta"), "a": ("w", "b")}
"""What weight and bias are called, by the letter of the result."""
_ROLES = ("x", "other", "weight", "bias", "target")
"""The arguments that equations speak of."""
Criterion = Callable[[Any, Tensor], Tensor]


@dataclass(slots=True, eq=False)
class Quantity:
    """Numbers in the chain of computation: the result of a function, or a parameter.

    Attributes:
        symbol: as in "z2", the second weighted sum.
        place: of a result, the module that made it; of a parameter, its name.
        equation: how it came about; of a parameter "".
        value: a copy of what it was.
        uses: the results that it went into, each with the part of its error that comes from there.
        error: the derivative of the loss with respect to it, of its shape; None where nobody asks for it.
        parameters: those that went into it.
    """

    symbol: str
    place: str
    equation: str
    value: Tensor
    uses: "list[tuple[Quantity, str]]" = field(default_factory=list)
    error: Tensor | None = None
    parameters: "list[Quantity]" = field(default_factory=list)

    @property
    def error_equation(self) -> str:
        # The equations of losses are for a loss that ends the chain, and is not itself scaled or added to.
        parts = [f"dJ * {part}" if into.symbol == "J" and into.uses else part for into, part in self.uses]
        return " + ".join(parts) or ("1" if self.symbol == "J" else "0")


@dataclass(frozen=True, slots=True, eq=False)
class Backpropagation:
    """A forward and a backward pass, quantity by quantity. Prints itself.

    Attributes:
        results: in the order in which they were computed; the loss is the last.
        gradients: of the loss with respect to each parameter that it depends on, by name.
        difference: the largest between these and torch's own gradients, as a part of the largest number in those.
    """

    results: tuple[Quantity, ...]
    gradients: Mapping[str, Tensor]
    difference: float

    @property
    def loss(self) -> float:
        return float(self.results[-1].value)

    def __str__(self) -> str:
        forward = [_row(each.symbol, each.equation, each.value, each.place) for each in self.results]
        backward = []
        for each in reversed(self.results[:-1]):
            backward.append(_row(f"d{each.symbol}", each.error_equation, each.error, each.place))
            backward += [_row(f"  d{own.symbol}", own.error_equation, own.error, own.place) for own in each.parameters]
        table = _table([*forward, *backward])
        return "\n".join(
            [
                "Forward",
                *table[: len(forward)],
                "",
                "Backward: dx is the derivative of the loss with respect to x; N counts what a mean is over;",
                "equations are for one example",
                *table[len(forward) :],
                "",
                f"Against autograd: the gradients differ by at most {self.difference:.1e} of their largest number.",
            ]
        )


def trace(model: nn.Module, x: Tensor, y: Tensor, criterion: Criterion | None = None) -> Backpropagation:
    """Carry one batch forward and its error back, by explicit equations, and keep everything.

    The model stays as it is: this works on a copy, in the model's mode and precision.

    Args:
        model: takes `x`, and is made of functions that `explicit` knows.
        x: a batch of inputs.
        y: what the criterion takes as target.
        criterion: gives one number; cross-entropy if None and `y` are classes, else the mean squared error.
    Raises:
        InputError: at a function without an explicit backward pass; it is named, with its place.
    Example:
        >>> net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        >>> found = trace(net, torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1]))
        >>> [(each.symbol, each.error_equation) for each in found.results[:2]]
        [('z1', "da1 * tanh'(z1)"), ('a1', 'W2^T dz2')]
    """
    criterion = criterion or (functional.mse_loss if y.is_floating_point() else functional.cross_entropy)
    ours, torchs = deepcopy(model), deepcopy(model)
    recorder = _Recorder(ours)
    with untouched(ours), torch.enable_grad(), recorder.following(), recorder:
        loss = _loss(ours, x, y, criterion)
        recorder.quantity(loss)  # it comes of what was recorded
    with untouched(torchs), torch.enable_grad():
        expected = _loss(torchs, x, y, criterion)
    loss.backward()
    expected.backward()
    gradients = _gradients(ours)
    for each in recorder.parameters:
        each.error = gradients.get(each.place)
    return Backpropagation(tuple(recorder.results), gradients, _difference(gradients, _gradients(torchs)))


class _Recorder(explicit):
    """Gives each quantity a name as it comes about, and keeps its error when that comes."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.results: list[Quantity] = []
        self.parameters: list[Quantity] = []
        self._modules = dict(model.named_modules())
        self._names = {id(each): name for name, each in model.named_parameters()}
        self._learned = {name for name, each in model.named_parameters() if each.requires_grad}
        self._known: dict[int, tuple[Tensor, Quantity]] = {}  # the tensor, so that its identity is not used again
        self._symbols: dict[str, int] = {}
        self._places = ["criterion"]
        self._layer = 0

    @contextmanager
    def following(self) -> Iterator[None]:
        """Meanwhile it knows which module is running."""
        handles = []
        for place, module in self._modules.items():
            handles.append(module.register_forward_pre_hook(lambda *_, place=place: self._places.append(place)))
            handles.append(module.register_forward_hook(lambda *_: self._left()))
        try:
            yield
        finally:
            for each in handles:
                each.remove()

    def refuse(self, function: str) -> None:
        super().refuse(": ".join(filter(None, [self._places[-1], function])))

    def after(self, rule: Rule, arguments: Mapping[str, Any], result: Tensor) -> None:
        self._layer += rule.letter == "z"
        roles = dict(zip(("x", *list(arguments)[1:]), arguments.values(), strict=True))
        taken = {
            role: self.quantity(each, rule.letter, role)
            for role, each in roles.items()
            if isinstance(each, Tensor) and role in _ROLES and (rule.letter != "J" or each.requires_grad or role == "x")
        }
        made = self._add("J" if rule.letter == "J" else f"{rule.letter}{self._layer}", self._places[-1], result)
        words = _words(roles) | {role: each.symbol for role, each in taken.items()} | {"y": made.symbol}
        made.equation = (rule.value + " + {bias}" * ("bias" in taken)).format(**words)
        for role, each in taken.items():
            if role in rule.gradients:
                each.uses.append((made, rule.equations(arguments)[role].format(**words)))
        learned = [each for each in dict.fromkeys(taken.values()) if each.place in self._learned and not each.equation]
        made.parameters = [each for each in learned if each not in self.parameters]  # where they are first used
        self.parameters += made.parameters
        self.results.append(made)
        result.register_hook(lambda error: setattr(made, "error", error.detach().clone()))

    def quantity(self, tensor: Tensor, letter: str = "", role: str = "") -> Quantity:
        """What a tensor is known as; one met for the first time is a parameter, or came from outside."""
        if id(tensor) not in self._known:
            if tensor.grad_fn is not None:  # a Function of the user's own is no function of torch that we could replace
                self.refuse(tensor.grad_fn.name())
            name = self._names.get(id(tensor), "")
            letters = dict(zip(("weight", "bias"), _PARAMETERS.get(letter, ()), strict=False))
            self._add(f"{letters.get(role, 'w')}{self._layer}" if name or role in letters else "a0", name, tensor)
        return self._known[id(tensor)][1]

    def _add(self, symbol: str, place: str, tensor: Tensor) -> Quantity:
        count = self._symbols[symbol] = self._symbols.get(symbol, 0) + 1
        made = Quantity(f"{symbol}.{count}" if count > 1 else symbol, place, "", tensor.detach().clone())
        self._known[id(tensor)] = tensor, made
        return made

    def _left(self) -> None:
        self._places.pop()


def _words(roles: Mapping[str, Any]) -> dict[str, str]:
    """What equations say of arguments that are no quantities."""
    numbers = {role: f"{each:g}" for role, each in roles.items() if isinstance(each, (int, float))}
    reduction = roles.get("reduction", "mean")
    share = " / N" if reduction == "mean" else ""
    target = "smooth(y)" if roles.get("label_smoothing") else "y"
    weighted = isinstance(roles.get("weight"), Tensor)  # of classes
    return {
        "weight": "1",
        "target": f"w * {target}" if weighted else target,
        "total": f"sum(w * {target}) " if weighted else "",
        "reduction": reduction,
        "share": share,
    } | numbers


def _loss(model: nn.Module, x: Tensor, y: Tensor, criterion: Criterion) -> Tensor:
    output = model(x.detach().clone())
    loss = criterion(output[0] if isinstance(output, tuple) else output, y)
    if loss.numel() != 1 or not loss.requires_grad:
        raise InputError("criterion", "must give one number that depends on the model's parameters", tuple(loss.shape))
    return loss


def _gradients(model: nn.Module) -> dict[str, Tensor]:
    return {name: each.grad for name, each in model.named_parameters() if each.grad is not None}


def _difference(ours: Mapping[str, Tensor], torchs: Mapping[str, Tensor]) -> float:
    # Of the largest number of all: before normalization a bias has a gradient of 0, and what is found is rounding.
    largest = max((float(each.abs().max()) for each in torchs.values()), default=0.0)
    apart = max((float((each - torchs[name]).abs().max()) for name, each in ours.items()), default=0.0)
    return apart / max(largest, 1e-300)


def _row(symbol: str, equation: str, numbers: Tensor | None, place: str) -> tuple[str, ...]:
    if numbers is None:
        return symbol, f"= {equation}", place, "", ""
    if numbers.numel() <= _FEW:
        shown = " ".join(f"{each:.4g}" for each in numbers.flatten().tolist())
    else:
        shown = f"norm {float(numbers.double().norm()):.4g}"
    return symbol, f"= {equation}", place, " x ".join(map(str, numbers.shape)), shown


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(each.ljust(width) for each, width in zip(row, widths, strict=True)).rstrip() for row in rows]
