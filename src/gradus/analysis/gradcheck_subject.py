"""What a check of gradients is made on: a copy in float64, as one number that depends on some leaves."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gradus.core.errors import InputError
from gradus.core.standins import has_numbers
from gradus.core.trees import mapped, tensors

_ASIDE = 1e-3
"""How far to step aside from a point where kinks meet, beside the size of a number."""
_DROPOUT = nn.modules.dropout._DropoutNd
_EPS = torch.finfo(torch.float64).eps


class Subject:
    """What is checked, in float64, as one number that depends on some leaves."""

    def __init__(self, target: nn.Module | Callable[..., Any], inputs: tuple[Any, ...], seed: int | None) -> None:
        self.module = nn.Module()
        self.name = getattr(target, "__name__", type(target).__name__)
        self._call = target
        if isinstance(target, nn.Module):
            self.module = self._call = _copy(target)
        self._inputs = [mapped(partial(_leaf, f"input {place}"), each) for place, each in enumerate(inputs)]
        named = [*_named(self._inputs), *self.module.named_parameters()]
        self.leaves = {name: each for name, each in named if each.requires_grad}
        if not self.leaves:
            raise InputError(self.name, "has neither an input nor a parameter to differentiate by")
        self._buffers = [(each, each.clone()) for each in self.module.buffers()]
        self._seed = seed
        self._weights: list[Tensor] = []
        self.here = self.rounding = 0.0

    def problem(self) -> str:
        """Why differences would say nothing; "" where they do."""
        try:
            first = self._outputs(0)
        except (RuntimeError, TypeError) as error:
            return f"It fails in float64: {first_line(error)}"
        if not first:
            raise InputError(self.name, "must give real numbers")
        if any(each.dtype != torch.float64 for each in first):
            made = next(each.dtype for each in first if each.dtype != torch.float64)
            return f"From float64 it makes {made}: it rounds within."
        if not all(bool(each.isfinite().all()) for each in first):
            return "Its output holds NaN or infinity."
        if not _same(first, self._outputs(0)):
            return "Two calls differ though random numbers are the same: it keeps something from call to call."
        if self._seed is None and not _same(first, self._outputs(1)):
            named = self.module.named_modules()
            who = ", ".join(name for name, each in named if each.training and isinstance(each, _DROPOUT)) or "it"
            return f"Two calls differ: {who} draws random numbers. Call eval() first, or give a seed."
        draw = torch.Generator().manual_seed(0)
        self._weights = [torch.randn(each.shape, generator=draw, dtype=torch.float64).to(each) for each in first]
        parts = zip(first, self._weights, strict=True)
        self.rounding = 10 * _EPS * float(sum((each.detach() * weight).abs().sum() for each, weight in parts))
        self.here = float(self.value().detach())
        return ""

    def nudge(self) -> None:
        """Move every leaf a little, in a random direction."""
        draw = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for each in self.leaves.values():
                along = torch.randn(each.shape, generator=draw, dtype=torch.float64).to(each)
                each.add_(_ASIDE * (1 + each.abs()) * along)
        self.here = float(self.value().detach())

    def value(self) -> Tensor:
        outputs = self._outputs(0)
        return torch.stack([(each * own).sum() for each, own in zip(outputs, self._weights, strict=True)]).sum()

    def _outputs(self, shift: int) -> list[Tensor]:
        """The real numbers that come out, always from the same buffers and the same random numbers."""
        with torch.no_grad():
            for buffer, content in self._buffers:
                buffer.copy_(content)
        seed = (self._seed or 0) + shift
        torch.default_generator.manual_seed(seed)  # torch.manual_seed takes longer than a small network
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(seed)
        # Copies, since a first layer may write over its input.
        result = self._call(*mapped(Tensor.clone, self._inputs))
        return [each for each in tensors(result) if each.is_floating_point()]


def first_line(error: Exception) -> str:
    """What torch says, without its hints."""
    return str(error).partition("\n")[0].partition(". Hint:")[0]


def _copy(module: nn.Module) -> nn.Module:
    tensors = [*module.parameters(), *module.buffers()]
    if any(map(is_lazy, tensors)) or not all(map(has_numbers, tensors)):
        raise InputError(type(module).__name__, "must have numbers", repair="Run it once, or build it on a device.")
    try:
        copied = deepcopy(module).double()
    except (RuntimeError, TypeError) as error:
        raise InputError(type(module).__name__, f"cannot be copied: {error}") from error
    for each in copied.modules():
        if isinstance(each, nn.Embedding):
            each.padding_idx = None  # on purpose torch keeps the gradient of this row at 0, whatever it does
    return copied


def _leaf(name: str, given: Tensor) -> Tensor:
    if given.is_complex():
        raise InputError(name, "must be of real numbers", given.dtype)
    if not has_numbers(given):
        raise InputError(name, "must have numbers, and be on a device", str(given.device))
    own = given.detach().clone(memory_format=torch.contiguous_format)
    return own.double().requires_grad_() if own.is_floating_point() else own


def _named(inputs: list[Any]) -> Iterator[tuple[str, Tensor]]:
    """The tensors of each input: as "input 1", or as "input 1[0]" if it holds several."""
    for place, each in enumerate(inputs):
        if isinstance(each, Tensor):
            yield f"input {place}", each
        else:
            yield from ((f"input {place}[{inner}]", tensor) for inner, tensor in enumerate(tensors(each)))


def _same(first: list[Tensor], second: list[Tensor]) -> bool:
    return len(first) == len(second) and all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
