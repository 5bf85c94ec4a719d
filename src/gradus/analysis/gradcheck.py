"""Is this gradient right? Backward passes against differences of the forward pass, with a verdict to read."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from gradus.analysis.calculus import CUBE_ROOT
from gradus.analysis.gradcheck_subject import Subject, first_line
from gradus.analysis.gradient_verdict import DIRECTIONS, GradientVerdict, Status, TensorCheck
from gradus.analysis.slopes import Slopes
from gradus.core.errors import InputError
from gradus.core.untouched import untouched

_LARGE = 50_000
"""Numbers in all, beyond which tensors are varied along directions only unless told otherwise: each run takes long."""
_LOCATING = 8
"""Numbers of a tensor to vary one by one when a direction finds it wrong."""
_SMALLER = tuple(4.0**-closer for closer in range(1, 6))
"""Parts of the step to look closer with."""
_KINK = "a kink"
_Status = Literal["right", "kink", "wrong"]
_STATUSES: tuple[_Status, ...] = ("right", "kink", "wrong")  # from best to worst
_Where = tuple[int, ...] | Tensor  # the index of a number, or a direction of unit length


def gradcheck(
    target: nn.Module | Callable[..., Any],
    *inputs: Any,
    elements: int | None = None,
    tolerance: float = 1e-5,
    seed: int | None = None,
) -> GradientVerdict:
    """Compare the backward pass of a module or function with central differences of its forward pass.

    Runs a copy in float64, in the module's own mode: the module, random numbers and inputs stay bit for bit as they
    are. All outputs are added up with random weights, so that an error in any of them shows.

    Args:
        target: gives tensors, or a tree of them. Every parameter that requires a gradient is checked.
        inputs: its arguments, tensors or trees of them; those of real numbers are checked.
        elements: how many numbers of a tensor are varied one by one, at two runs each: if None, from 4 to 32, so that
            they come to about 512, and 0 where all tensors together hold more than 50,000. A larger tensor is varied in
            those with the largest derivatives, in some at random, and along random directions, where a single wrong
            number of n shows if it is off by more than about the tolerance times sqrt(n).
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
    if elements is not None and elements < 0:
        raise InputError("elements", "must be at least 0", elements)
    subject = Subject(target, inputs, seed)
    with untouched(subject.module), torch.enable_grad():
        problem = subject.problem()
        if problem:
            return GradientVerdict(subject.name, problem=problem)
        shared = _shared(subject.leaves.values()) if elements is None else elements
        try:
            checks = _compared(subject, list(subject.leaves), tolerance, shared)
        except RuntimeError as error:
            return GradientVerdict(subject.name, problem=f"The backward pass fails: {first_line(error)}")
        crowded = [each.name for each in checks if each.status == "wrong" and each.note.startswith(_KINK)]
        if crowded:
            # Where several kinks meet no slope need lie between, but where none is a right gradient shows.
            subject.nudge()
            beside = {each.name for each in _compared(subject, crowded, tolerance, shared) if each.status != "wrong"}
            checks = [_excused(each) if each.name in beside else each for each in checks]
        return GradientVerdict(subject.name, tuple(checks))


def _compared(subject: "Subject", names: list[str], tolerance: float, elements: int) -> list[TensorCheck]:
    leaves = [subject.leaves[name] for name in names]
    exact = torch.autograd.grad(subject.value(), leaves, allow_unused=True)
    return [
        _Comparison(subject, name, leaf, found, tolerance).check(elements)
        for name, leaf, found in zip(names, leaves, exact, strict=True)
    ]


def _excused(check: TensorCheck) -> TensorCheck:
    note = check.note.partition(";")[0]
    return replace(check, status="kink", note=f"{note}, where others meet it; right a little way off")


@dataclass(frozen=True, slots=True)
class _Probe:
    """One derivative, both ways."""

    status: _Status
    error: float
    index: tuple[int, ...] | None
    exact: float
    numerical: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The gradient of one leaf against differences."""

    subject: Subject
    name: str
    leaf: Tensor
    found: Tensor | None
    tolerance: float

    def check(self, elements: int) -> TensorCheck:
        exact = torch.zeros_like(self.leaf) if self.found is None else self.found.detach()
        places = _places(exact, elements)
        probes = [self._probe(place, exact) for place in places]
        if len(places) < self.leaf.numel():
            draw = torch.Generator().manual_seed(0)
            for _ in range(DIRECTIONS):
                along = torch.randn(self.leaf.shape, generator=draw, dtype=torch.float64).to(self.leaf)
                probes.append(self._probe(along / along.norm(), exact))
            if not places and any(each.status != "right" for each in probes):
                places = _places(exact, _LOCATING)
                probes += [self._probe(place, exact) for place in places]
        shape = tuple(self.leaf.shape)
        if self.found is None:
            moves = any(each.status != "right" for each in probes)
            note = "the output depends on it, but no gradient comes back: is it detached, or under no_grad?"
            status: Status = "missing" if moves else "unused"
            return TensorCheck(self.name, shape, len(places), status, note=note if moves else "")
        if not probes:
            return TensorCheck(self.name, shape, 0, "right")
        worst = max(probes, key=lambda each: (_STATUSES.index(each.status), each.index is not None, each.error))
        others = sum(each.status == "wrong" for each in probes) - 1
        note = "; ".join(filter(None, [worst.note, f"{others} more wrong" if others > 0 else ""]))
        return TensorCheck(
            self.name, shape, len(places), worst.status, worst.error, worst.index, worst.exact, worst.numerical, note
        )

    def _probe(self, where: _Where, gradient: Tensor) -> _Probe:
        """Compare at one number, or along a unit vector."""
        index = where if isinstance(where, tuple) else None
        exact = float(gradient[where] if isinstance(where, tuple) else (gradient * where).sum())
        status, slopes, note = self._judged(where, exact)
        return _Probe(status, slopes.error(exact, self.tolerance), index, exact, slopes.mean, note)

    def _judged(self, where: _Where, exact: float) -> tuple[_Status, Slopes, str]:
        """Whether they agree, by which slopes, and what else there is to say."""
        leaf = self.leaf.detach()
        step = CUBE_ROOT * max(1.0, float(leaf[where].abs() if isinstance(where, tuple) else (leaf * where).norm()))
        first = self._slopes(where, step)
        if first.error(exact, self.tolerance) <= self.tolerance:
            return "right", first, ""
        if not isfinite(exact) or not isfinite(first.mean):
            return "wrong", first, "not finite"
        before = closer = first
        for part in _SMALLER:  # the step may have crossed kinks or a sharp bend
            further = self._slopes(where, part * step)
            if further.rounding > abs(exact - first.mean) / 10:
                break
            before, closer = closer, further
            if closer.error(exact, self.tolerance) <= self.tolerance:
                return "right", closer, ""
            same = closer.straight(self.tolerance) and closer.error(first.mean, self.tolerance) <= self.tolerance
            if same and before is not first:
                return "wrong", closer, ""
        # As steps shrink, a bend's slopes to both sides draw together, a kink's stay, and a jump's part.
        jumps = closer.gap > max(2 * before.gap, 10 * closer.rounding)
        if jumps or closer.ahead == closer.behind == 0 != first.mean:
            return "wrong", first, "the output moves in jumps: is something rounded within?"
        if closer.gap > max(before.gap / 2, 10 * closer.rounding):
            low, high = sorted([closer.ahead, closer.behind])
            room = closer.rounding + self.tolerance * max(abs(low), abs(high))
            note = f"{_KINK}: slopes {closer.behind:.6g} before and {closer.ahead:.6g} behind it"
            return "kink" if low - room <= exact <= high + room else "wrong", closer, note
        return "wrong", first, ""

    def _slopes(self, where: _Where, step: float) -> Slopes:
        here, there, back = self.subject.here, self._value(where, step), self._value(where, -step)
        return Slopes((there - here) / step, (here - back) / step, self.subject.rounding / step)

    def _value(self, where: _Where, step: float) -> float:
        leaf = self.leaf.detach()
        part, along = (leaf[where], 1.0) if isinstance(where, tuple) else (leaf, where)
        kept = part.clone()
        part += step * along
        value = float(self.subject.value().detach())
        part.copy_(kept)
        return value


def _shared(leaves: Collection[Tensor]) -> int:
    """How many numbers of each to vary one by one."""
    if sum(each.numel() for each in leaves) > _LARGE:
        return 0
    return min(32, max(4, 512 // len(leaves)))


def _places(exact: Tensor, elements: int) -> list[tuple[int, ...]]:
    """The numbers to vary: all, or half those with the largest derivatives and half at random."""
    total = exact.numel()
    chosen = set(range(total))
    if total > elements:
        largest = exact.abs().flatten().topk((elements + 1) // 2).indices
        drawn = torch.randint(total, (elements // 2,), generator=torch.Generator().manual_seed(0))
        chosen = {*largest.tolist(), *drawn.tolist()}
    return [tuple(int(each) for each in np.unravel_index(place, exact.shape)) for place in sorted(chosen)]
