"""Is this gradient right? Backward passes against differences of the forward pass, with a verdict to read."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gradus.analysis.calculus import CUBE_ROOT
from gradus.analysis.gradient_verdict import DIRECTIONS, GradientVerdict, Status, TensorCheck
from gradus.core.errors import InputError
from gradus.core.standins import has_numbers
from gradus.core.trees import tensors
from gradus.core.untouched import untouched

_SMALLER = (1 / 32, 1 / 1024)
"""Parts of the step to look closer with."""
_DROPOUT = nn.modules.dropout._DropoutNd
_EPS = torch.finfo(torch.float64).eps


def gradcheck(
    target: nn.Module | Callable[..., Any],
    *inputs: Any,
    elements: int | None = 32,
    tolerance: float = 1e-5,
    seed: int | None = None,
) -> GradientVerdict:
    """Compare the backward pass of a module or function with central differences of its forward pass.

    Runs a copy in float64, in the module's own mode: the module, random numbers and inputs stay bit for bit as they
    are. All outputs are added up with random weights, so that an error in any of them shows.

    Args:
        target: gives tensors, or a tree of them. Every parameter that requires a gradient is checked.
        inputs: its arguments; those that are real tensors are checked.
        elements: how many numbers of a tensor are varied one by one, at two runs each; None for all. A larger tensor
            is varied in those with the largest derivatives, in some at random, and along random directions.
        tolerance: the relative error that is allowed, beside what rounding explains.
        seed: of random numbers within, such as dropout's, which make no difference then. Without it they are refused.
    Returns:
        Its truth is the verdict. Printed, it has a line for each tensor.
    Raises:
        InputError: if there is nothing to check.
    Example:
        >>> bool(gradcheck(nn.Linear(3, 2), torch.randn(4, 3)))
        True
    """
    if elements is not None and elements < 1:
        raise InputError("elements", "must be at least 1, or None for all", elements)
    subject = _Subject(target, inputs, seed)
    with untouched(subject.module), torch.enable_grad():
        problem = subject.problem()
        if problem:
            return GradientVerdict(subject.name, problem=problem)
        try:
            exact = torch.autograd.grad(subject.value(), list(subject.leaves.values()), allow_unused=True)
        except RuntimeError as error:
            reason = str(error).partition("\n")[0].partition(". Hint:")[0]
            return GradientVerdict(subject.name, problem=f"The backward pass fails: {reason}")
        return GradientVerdict(
            subject.name,
            tuple(
                _Comparison(subject, name, leaf, found, tolerance).check(elements)
                for (name, leaf), found in zip(subject.leaves.items(), exact, strict=True)
            ),
        )


class _Subject:
    """What is checked, in float64, as one number that depends on some leaves."""

    def __init__(self, target: nn.Module | Callable[..., Any], inputs: tuple[Any, ...], seed: int | None) -> None:
        self.module = nn.Module()
        self.name = getattr(target, "__name__", type(target).__name__)
        self._call = target
        if isinstance(target, nn.Module):
            self.module = self._call = _copy(target)
        self._inputs = [_leaf(f"input {place}", each) for place, each in enumerate(inputs)]
        named = [(f"input {place}", each) for place, each in enumerate(self._inputs)] + [
            *self.module.named_parameters()
        ]
        self.leaves = {name: each for name, each in named if isinstance(each, Tensor) and each.requires_grad}
        if not self.leaves:
            raise InputError(self.name, "has neither an input nor a parameter to differentiate by")
        self._buffers = [(each, each.clone()) for each in self.module.buffers()]
        self._seed = seed
        self._weights: list[Tensor] = []
        self.rounding = 0.0

    def problem(self) -> str:
        """Why differences would say nothing; "" where they do."""
        first = self._outputs(0)
        if not first:
            raise InputError(self.name, "must give real numbers")
        if any(each.dtype != torch.float64 for each in first):
            return f"From float64 it makes {first[0].dtype}: it rounds within."
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
        return ""

    def value(self) -> Tensor:
        outputs = self._outputs(0)
        return torch.stack([(each * own).sum() for each, own in zip(outputs, self._weights, strict=True)]).sum()

    def _outputs(self, shift: int) -> list[Tensor]:
        """The real numbers that come out, always from the same buffers and the same random numbers."""
        with torch.no_grad():
            for buffer, content in self._buffers:
                buffer.copy_(content)
        torch.manual_seed((self._seed or 0) + shift)
        # Copies, since a first layer may write over its input.
        result = self._call(*(each.clone() if isinstance(each, Tensor) else each for each in self._inputs))
        return [each for each in tensors(result) if each.is_floating_point()]


@dataclass(frozen=True, slots=True)
class _Probe:
    """One derivative, both ways."""

    status: Literal["right", "kink", "wrong"]
    error: float
    index: tuple[int, ...] | None
    exact: float
    numerical: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The gradient of one leaf against differences."""

    subject: _Subject
    name: str
    leaf: Tensor
    found: Tensor | None
    tolerance: float

    def check(self, elements: int | None) -> TensorCheck:
        exact = torch.zeros_like(self.leaf) if self.found is None else self.found.detach()
        places = _places(exact, elements)
        probes = [self._probe(_axis(self.leaf, place), exact, place) for place in places]
        if len(places) < self.leaf.numel():
            draw = torch.Generator().manual_seed(0)
            for _ in range(DIRECTIONS):
                along = torch.randn(self.leaf.shape, generator=draw, dtype=torch.float64).to(self.leaf)
                probes.append(self._probe(along / along.norm(), exact, None))
        shape = tuple(self.leaf.shape)
        if self.found is None:
            moves = any(each.status != "right" for each in probes)
            note = "the output depends on it, but no gradient comes back: is it detached, or under no_grad?"
            status: Status = "missing" if moves else "unused"
            return TensorCheck(self.name, shape, len(places), status, note=note if moves else "")
        if not probes:
            return TensorCheck(self.name, shape, 0, "right")
        worst = max(probes, key=lambda each: (_STATUSES.index(each.status), each.error))
        others = sum(each.status == "wrong" for each in probes) - 1
        note = "; ".join(filter(None, [worst.note, f"{others} more wrong" if others > 0 else ""]))
        return TensorCheck(
            self.name, shape, len(places), worst.status, worst.error, worst.index, worst.exact, worst.numerical, note
        )

    def _probe(self, along: Tensor, gradient: Tensor, place: int | None) -> _Probe:
        """Compare along a unit vector; where they disagree look closer, for a step may cross a kink or a sharp bend."""
        exact = float((gradient * along).sum())
        index = (
            None
            if place is None
            else tuple(int(each) for each in torch.unravel_index(torch.tensor(place), self.leaf.shape))
        )
        step = CUBE_ROOT * max(1.0, float((self.leaf.detach() * along).norm()))
        ahead, behind = self._slopes(along, step)
        numerical = (ahead + behind) / 2
        rounding = self.subject.rounding / step
        apart = abs(exact - numerical)

        def probe(status: Literal["right", "kink", "wrong"], numerical: float, part: float, note: str = "") -> _Probe:
            size = max(abs(exact), abs(numerical), rounding / part / self.tolerance)
            return _Probe(status, abs(exact - numerical) / size if size else 0.0, index, exact, numerical, note)

        def agrees(numerical: float, part: float) -> bool:
            return abs(exact - numerical) <= self.tolerance * max(abs(exact), abs(numerical)) + rounding / part

        if agrees(numerical, 1):
            return probe("right", numerical, 1)
        if not isfinite(exact) or not isfinite(numerical):
            return probe("wrong", numerical, 1, "not finite")
        for part in _SMALLER:
            closer = self._slopes(along, step * part)
            if rounding / part < apart / 10 and agrees(sum(closer) / 2, part):
                return probe("right", sum(closer) / 2, part)
            gap = abs(closer[0] - closer[1])
            # A bend's slopes to both sides draw together as steps shrink, a kink's do not, and a jump's part.
            if gap > max(abs(ahead - behind) / 2, 100 * rounding / part):
                slack = self.tolerance * max(map(abs, closer)) + rounding / part
                sides = f"a kink: slopes {closer[1]:.6g} before and {closer[0]:.6g} behind it"
                if gap > 2 * abs(ahead - behind):
                    return probe("wrong", numerical, 1, "the output jumps here")
                if min(closer) - slack <= exact <= max(closer) + slack:
                    return probe("kink", sum(closer) / 2, part, sides)
                return probe("wrong", sum(closer) / 2, part, sides)
        rounds = "small steps change nothing: numbers are rounded within" if closer == (0, 0) else ""
        return probe("wrong", numerical, 1, rounds)

    def _slopes(self, along: Tensor, step: float) -> tuple[float, float]:
        """Ahead and behind."""
        here, there, back = (self._value(along, each) for each in (0.0, step, -step))
        return (there - here) / step, (here - back) / step

    def _value(self, along: Tensor, step: float) -> float:
        kept = self.leaf.detach().clone()
        with torch.no_grad():
            self.leaf.add_(along, alpha=step)
        value = float(self.subject.value().detach())
        with torch.no_grad():
            self.leaf.copy_(kept)
        return value


_STATUSES = ("right", "kink", "wrong")


def _places(exact: Tensor, elements: int | None) -> list[int]:
    """The numbers to vary: all, or half those with the largest derivatives and half at random."""
    total = exact.numel()
    if elements is None or total <= elements:
        return list(range(total))
    largest = exact.abs().flatten().topk((elements + 1) // 2).indices.tolist()
    draw = torch.Generator().manual_seed(0)
    drawn = torch.randint(total, (elements // 2,), generator=draw).tolist()
    return sorted({*largest, *drawn})


def _axis(leaf: Tensor, place: int) -> Tensor:
    along = torch.zeros(leaf.numel(), dtype=leaf.dtype, device=leaf.device)
    along[place] = 1.0
    return along.view(leaf.shape)


def _copy(module: nn.Module) -> nn.Module:
    tensors = [*module.parameters(), *module.buffers()]
    if any(map(is_lazy, tensors)) or not all(map(has_numbers, tensors)):
        raise InputError(type(module).__name__, "must have numbers", repair="Run it once, or build it on a device.")
    try:
        return deepcopy(module).double()
    except (RuntimeError, TypeError) as error:
        raise InputError(type(module).__name__, f"cannot be copied: {error}") from error


def _leaf(name: str, given: Any) -> Any:
    if not isinstance(given, Tensor):
        return given
    if given.is_complex():
        raise InputError(name, "must be of real numbers", given.dtype)
    if not has_numbers(given):
        raise InputError(name, "must have numbers, and be on a device", str(given.device))
    own = given.detach().clone(memory_format=torch.contiguous_format)
    return own.double().requires_grad_() if own.is_floating_point() else own


def _same(first: list[Tensor], second: list[Tensor]) -> bool:
    return len(first) == len(second) and all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
