"""Trials with the first step, played again on copies: one batch is fitted, with and without its inputs; rates rise."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

import torch
from torch import Tensor, nn
from torch.optim import LBFGS, Adam, Optimizer

from gradus.core.errors import InputError
from gradus.diagnosis.preflight.tape import Step
from gradus.optim.range_test import RangeTest, range_test

STEPS = 40
RATES = (1e-2, 1e-3)
"""Adam's, for fitting a batch: networks that learn at all learn at one of them."""
_FEWEST = 15
_SPAN = 1e3
"""The range test goes from the rate that was chosen down and up by this, and to 1 at least."""


@dataclass(frozen=True)
class Fit:
    """How fitting one batch went: the loss before, the lowest after, and steps."""

    start: float
    best: float
    steps: int


@dataclass(frozen=True)
class Memory:
    """Bytes of a step, and of the machine."""

    parameters: int
    state: int
    kept: int
    available: int

    @property
    def needed(self) -> int:
        """Parameters and their gradients, the optimizer's state, and what autograd keeps for the way back."""
        return 2 * self.parameters + self.state + self.kept


@dataclass(kw_only=True)
class Trials:
    """What came of them. None is a trial that could not be made; `reason` says why."""

    fit: Fit | None = None
    zeroed: Fit | None = None
    rate: float = math.nan
    rates: RangeTest | None = None
    memory: Memory | None = None
    reason: str = ""

    @property
    def fits_without_inputs(self) -> bool:
        """Whether the control fits the batch as well, so that inputs are not needed for it."""
        if self.fit is None or self.zeroed is None:
            return False
        return 0 <= self.zeroed.best < 0.1 * self.fit.start and self.zeroed.best <= 2 * self.fit.best

    def ignores_inputs(self, alike: float) -> bool:
        """Whether the batch, which neither way is fitted, is fitted as well as without its inputs."""
        fit, zeroed = self.fit, self.zeroed
        if fit is None or zeroed is None or min(fit.steps, zeroed.steps) < STEPS or self.fits_without_inputs:
            return False
        return zeroed.best > 0 and abs(fit.best - zeroed.best) <= alike * zeroed.best


def make_trials(step: Step, optimizer: Optimizer | None, *, seconds: float) -> Trials:
    """Every trial that fits into so many seconds.

    Nothing of the program is changed: parameters, buffers and the optimizer are copied, and torch's random numbers go
    on where they were.
    """
    trials = Trials()
    began = monotonic()
    state = torch.random.get_rng_state()
    try:
        if not _plays(step):
            trials.reason = "the loss comes out otherwise when it is computed again"
            return trials
        trials.memory = _memory(step, optimizer)
        fits = [_fit(step, {}, rate, began + seconds * share) for rate, share in zip(RATES, (0.2, 0.4), strict=True)]
        trials.fit = _better(fits)
        if trials.fit is None:
            trials.reason = "a step takes too long for trials: give it more by --budget"
        nothing = {key: torch.zeros_like(each) for key, each in step.inputs.items()}
        if nothing:
            fits = [
                _fit(step, nothing, rate, began + seconds * share)
                for rate, share in zip(RATES, (0.6, 0.8), strict=True)
            ]
            trials.zeroed = _better(fits)
        if optimizer is not None and trials.fit is not None:
            trials.rate = _chosen_rate(optimizer)
            trials.rates = _range_test(step, optimizer, trials.rate, began + seconds)
    finally:
        torch.random.set_rng_state(state)
    return trials


def _plays(step: Step) -> bool:
    """Whether the tape gives the loss that the program had, as near as dropout lets it."""
    with torch.no_grad():
        again, then = float(step.play(step.copies())), float(step.loss.detach())
    if not math.isfinite(then):
        return False
    return abs(again - then) <= 0.3 * abs(then) + 1e-6


def _fit(step: Step, inputs: Mapping[int, Tensor], rate: float, until: float) -> Fit | None:
    learned = step.copies()
    optimizer = Adam(learned.values(), lr=rate)
    closure = _closure(step, learned, inputs)
    losses: list[float] = []
    for _ in range(STEPS):
        loss = float(closure())
        if not math.isfinite(loss) or monotonic() > until:
            break
        losses.append(loss)
        optimizer.step()
    return Fit(losses[0], _typical_end(losses), len(losses)) if len(losses) >= _FEWEST else None


def _typical_end(losses: Sequence[float]) -> float:
    return sorted(losses[-5:])[2]


def _closure(step: Step, learned: dict[int, Tensor], inputs: Mapping[int, Tensor]) -> Callable[[], Tensor]:
    """Leaves gradients of the played loss in the copies."""
    leaves = list(learned.values())
    state = torch.random.get_rng_state()

    def closure() -> Tensor:
        torch.random.set_rng_state(state)  # dropout that drops the same: what the loss does is the rate's doing
        loss = step.play({**learned, **inputs})
        # Not backward(), which is tapped, and whose hooks are the program's.
        gradients = torch.autograd.grad(loss, leaves, allow_unused=True)
        for leaf, gradient in zip(leaves, gradients, strict=True):
            leaf.grad = gradient
        return loss.detach()

    return closure


def _better(fits: Sequence[Fit | None]) -> Fit | None:
    return min((each for each in fits if each is not None), key=lambda each: each.best, default=None)


def _chosen_rate(optimizer: Optimizer) -> float:
    """What the rate is to be once a schedule has warmed up, as far as it says so."""
    group = optimizer.param_groups[0]
    return max(float(group.get(name) or 0.0) for name in ("lr", "initial_lr", "max_lr"))


def _range_test(step: Step, optimizer: Optimizer, rate: float, until: float) -> RangeTest | None:
    if isinstance(optimizer, LBFGS) or not rate > 0:
        return None
    learned = step.copies()
    memo = {key: learned[key] for key in learned}
    twin = copy.deepcopy(optimizer, memo)
    for group in twin.param_groups:
        group["lr"] = rate
    closure = _closure(step, learned, {})

    def in_time() -> Tensor:
        if monotonic() > until:
            raise TimeoutError
        return closure()

    try:
        return range_test(
            nn.Module(), twin, in_time, low=rate / _SPAN, high=max(rate * _SPAN, 1.0), steps=60, smoothing=0.6
        )
    except (TimeoutError, InputError):
        return None


def _memory(step: Step, optimizer: Optimizer | None) -> Memory:
    kept: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    copies = step.copies()
    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        loss = step.play(copies)
    own = {each.untyped_storage().data_ptr() for each in copies.values()}
    parameters = sum(each.nbytes for each in step.parameters.values())
    moments = 2 if optimizer is not None and {"betas"} & optimizer.defaults.keys() else 0
    moments = moments or int(bool(optimizer is not None and optimizer.defaults.get("momentum")))
    available = torch.cuda.mem_get_info(loss.device)[1] if loss.is_cuda else _machine_bytes()
    activations = sum(size for place, size in kept.items() if place not in own)
    return Memory(parameters, moments * parameters, activations, available)


def _machine_bytes() -> int:
    import os

    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
