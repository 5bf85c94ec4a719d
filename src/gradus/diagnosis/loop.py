"""What a training loop does between backward and step, told from gradients, parameters and modes."""

import itertools
import weakref
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gradus.diagnosis.holdings import Held, Holdings
from gradus.diagnosis.measure import sample
from gradus.diagnosis.optimizers import parameters_of
from gradus.diagnosis.places import Places
from gradus.diagnosis.signs import LoopSigns

_MADE = {"numpy.random.default_rng", "numpy.random.RandomState", "random.Random", "torch.Generator"}
"""Generators of their own, rather than one that everybody draws from."""
_PRINTS = 4
"""Gradients by which it is told whether an optimizer uses those of an earlier step."""
_MANY_WASTED, _PARALLEL = 3, 0.999
"""Gradients cleared unused before a step; and the cosine of those it uses with those of the last backward pass."""
_FOR_EACH = 8
"""Generators of one seed within a step, from which on each is for an example."""
_MOST_SEEDS = 10_000


class LoopWatch:
    """Fills `LoopSigns`, with `holdings` for what it says of who learns."""

    def __init__(self, signs: LoopSigns, places: Places) -> None:
        self.signs = signs
        self.holdings = Holdings(signs, places)
        self._optimizers = self.holdings.optimizers
        self._places = places
        self._seeds_now: set[Any] = set()
        self._seeds: set[Any] = set()
        self._made: Counter[tuple[str, int | str]] = Counter()
        self._once_made: set[tuple[str, int | str]] = set()
        self._generator: torch.Generator | None = None
        self._prints: list[tuple[weakref.ref[Tensor], Tensor]] = []
        self._modes: list[tuple[bool, weakref.ref[nn.Module]]] = []
        self._moved: weakref.WeakSet[Optimizer] = weakref.WeakSet()
        self._by_hand: tuple[int, list[tuple[weakref.ref[Tensor], Tensor]]] = (0, [])
        self._all_held = False
        self._stepping: Optimizer | None = None
        self._calls = 0
        self._latest: tuple[weakref.ref[Optimizer], Held] | None = None

    @property
    def in_step(self) -> bool:
        """Whether an optimizer is at work on a step, in which it may call backward by a closure."""
        return self._stepping is not None

    def by_closure(self, optimizer: Optimizer) -> bool:
        """Whether an optimizer's step calls backward."""
        return optimizer in self._optimizers and self._optimizers[optimizer].closure

    def forward(self, model: nn.Module, examples: int = 0) -> None:
        """A training pass of a model."""
        self.holdings.batch(examples)
        sensitive = self._places.sensitive(model)
        if sensitive:
            training = model.training or any(each.training for each in sensitive)
            # A frozen teacher does not count, nor frozen batch norms of a network of which other layers are tuned.
            learning = (own for each in sensitive for own in (list(each.parameters()) or model.parameters()))
            if training or any(each.requires_grad for each in learning):
                self._modes.append((training, weakref.ref(model)))

    def evaluated(self) -> None:
        """An evaluation has passed: generators made for it, so that it comes out the same again, do not count."""
        self._made.clear()
        self._generator = None

    def before_backward(self, *, looking: bool) -> None:
        if not self.signs.backwards:
            self.holdings.note_copies()
        self.signs.backwards += 1
        if self._stepping is not None:
            held = self._optimizers[self._stepping]
            if looking and held.closure and not held.blind:
                # What passes before the step have accumulated is not of an earlier one.
                stale = (held.dirty or self._calls > 0) and not _cleared(self._stepping)
                self._note_use(held, held.steps, stale=stale)
            self._calls += 1
            held.closure = True
        for optimizer, held in self._optimizers.items():
            held.backwards += 1
            held.wasted += bool(held.computed) and looking and _cleared(optimizer)
            held.computed = []
            if not looking:
                held.blind = True
            elif held.dirty and _cleared(optimizer):
                held.dirty = False
        if looking and not self.signs.steps:
            self._look_for_changes()
            self._note_use_by_hand()

    def after_backward(self) -> None:
        """It has run, and was looked at: what it left to optimizers."""
        for optimizer, held in self._optimizers.items():
            gradients = [sample(each)[:256].clone() for each in _used(optimizer)]
            held.computed = gradients if any(bool(each.any()) for each in gradients) else []

    def _of(self, optimizer: Optimizer) -> Held:
        # A look into a dictionary of weak references takes a microsecond, and mostly one optimizer steps.
        if self._latest is None or self._latest[0]() is not optimizer:
            self._latest = weakref.ref(optimizer), self.holdings.of(optimizer)
        return self._latest[1]

    def before_step(self, optimizer: Optimizer, step: int, *, looking: bool) -> None:
        held = self._of(optimizer)
        self._stepping, self._calls = optimizer, 0
        if looking and not held.blind and held.wasted >= _MANY_WASTED:
            last_alone = _as_computed(optimizer, held.computed)
            self.signs.wasteful_steps = self.signs.wasteful_steps + 1 if last_alone else 0
        if not looking or held.closure or held.blind or not held.steps or not held.backwards:
            return
        before = [reference() for reference, _ in held.prints]
        # What is handed to it by hand is added to nothing.
        added = not before or any(each is one for each in _used(optimizer) for one in before)
        self._note_use(held, step, stale=held.dirty and added)

    def _note_use(self, held: Held, step: int, *, stale: bool) -> None:
        """An optimizer uses gradients to which those of an earlier step were added, or were not."""
        if stale:
            held.stale.append(step)
        else:
            held.fresh += 1
        # One of two optimizers may be cleared and the other not.
        worst = max(self._optimizers.values(), key=lambda each: len(each.stale) - 2 * each.fresh)
        self.signs.stale_steps, self.signs.fresh_steps = worst.stale, worst.fresh

    def reached(self, leaves: Sequence[Tensor]) -> None:
        """What a backward pass that is about to run leads to, where no optimizer has stepped so far."""
        if not self.signs.steps:
            learning = [each for each in leaves if each.requires_grad][:_PRINTS]
            self._by_hand = self.signs.backwards, [(weakref.ref(each), sample(each)[:256].clone()) for each in learning]

    def _note_use_by_hand(self) -> None:
        """Whether what changed since the backward pass before this one still has the gradient that it changed by."""
        at, leaves = self._by_hand
        known = [(leaf, before) for reference, before in leaves if (leaf := reference()) is not None]
        moved = [leaf for leaf, before in known if not torch.equal(sample(leaf)[:256], before)]
        if at != self.signs.backwards - 1 or not moved:
            return
        if all(_empty(leaf.grad) for leaf in moved):
            self.signs.fresh_steps += 1
        else:
            self.signs.stale_steps = [*self.signs.stale_steps, at - 1]

    def after_step(self, optimizer: Optimizer) -> None:
        held = self._of(optimizer)
        self._stepping = None
        self._note_idleness(optimizer, held)
        held.step()
        self._moved.add(optimizer)
        self.signs.steps = max(self.signs.steps, held.steps)

    def _note_idleness(self, optimizer: Optimizer, held: Held) -> None:
        """A step without any gradient, or with the very ones of a step before: no loss reaches what it changes."""
        used = _used(optimizer)
        looked_at = bool(self.holdings.now) and not held.blind
        if looked_at:
            reached = not self.holdings.now.isdisjoint(map(id, parameters_of(optimizer)))
            held.left_over = bool(used) and not reached and _same(used, held.prints)
        held.prints = [(weakref.ref(each), each._version) for each in used]
        if looked_at:
            self._all_held = self.holdings.all_held()
        if self._all_held:  # the turn of what it holds has not come, as of one task's head
            held.idle = 0
        elif not used or held.left_over:
            held.idle += not used or looked_at
        else:
            held.idle = 0
        self.signs.idle_steps = max((each.idle for each in self._optimizers.values()), default=0)

    def woke(self, optimizer: Optimizer) -> None:
        """After steps that were not looked at, `optimizer` has just stepped."""
        held = self._of(optimizer)
        held.step()
        for other, each in self._optimizers.items():
            each.blind = each.blind or other is not optimizer

    def step_ended(self, step: int, *, by_hand: bool) -> None:
        """The leading optimizer has stepped; or a backward pass is over in a program whose optimizers never do."""
        self.holdings.now.clear()
        if not by_hand:
            self.signs.unstepped = self.signs.unused = 0
            self._prints = []
        if any(training for training, _ in self._modes):
            self.signs.was_training, self.signs.eval_steps = True, 0
        elif self._modes and (by_hand or any(map(self._moves, {model for _, model in self._modes}))):
            self.signs.eval_since = self.signs.eval_since if self.signs.eval_steps else step
            self.signs.eval_steps += 1
        self._modes.clear()
        self._moved.clear()
        if self._seeds_now:
            self.signs.reseeded += bool(self._seeds_now & self._seeds)
            self._seeds |= self._seeds_now
            self._seeds_now = set()
        self._note_generator()
        if self._made:
            self.signs.reseeded += max(self._made.values()) >= _FOR_EACH
            self.signs.remade += not self._once_made.isdisjoint(self._made)
            if len(self._once_made) < _MOST_SEEDS:
                self._once_made.update(self._made)
            self._made.clear()

    def _moves(self, reference: weakref.ref[nn.Module]) -> bool:
        """Whether a step just taken changes a model; what seeks inputs of a finished one moves only those."""
        model = reference()
        moved = {id(each) for optimizer in self._moved for each in parameters_of(optimizer)}
        return model is not None and any(id(each) in moved for each in model.parameters())

    def seeded(self, what: str, seed: Any) -> None:
        """A generator was set to a seed.

        One that is made with the same seed at every step may serve what is to be repeatable; so may one for each
        example, with a seed of its own. One seed for many examples of a step makes them alike. Where the state
        of before is put back, what follows does not depend on the seed.
        """
        if what in _MADE:
            if isinstance(seed, torch.Generator):
                self._note_generator()
                self._generator = seed
            elif isinstance(seed, int | str):
                self._made[what, seed] += 1
        elif isinstance(seed, int | float | str) and len(self._seeds) < _MOST_SEEDS:
            self._seeds_now.add((what, seed))
        elif not isinstance(seed, int | float | str | None):
            self._seeds_now = {each for each in self._seeds_now if each[0] != what}

    def _note_generator(self) -> None:
        """One of torch's is made first, and set after: by now."""
        if self._generator is not None:
            self._made["torch.Generator", self._generator.initial_seed()] += 1
            self._generator = None

    def _look_for_changes(self) -> None:
        """Before any optimizer has stepped: whether parameters change all the same, and gradients are thrown away."""
        now = []
        changed = False
        for reference in self.holdings.some_reached(4):
            parameter = reference()
            if parameter is not None:
                now.append((reference, sample(parameter)[:256].clone()))
        for (reference, before), (again, after) in zip(self._prints, now, strict=False):
            if reference is again and not torch.equal(before, after):
                changed = True
        if changed or not now:
            self.signs.unstepped = self.signs.unused = 0
        elif self._prints:
            self.signs.unused += 1
            if all(parameter is None or _empty(parameter.grad) for parameter in (each() for each, _ in now)):
                self.signs.unstepped += 1
        self._prints = now


def _used(optimizer: Optimizer) -> list[Tensor]:
    """The first few of the gradients that an optimizer steps with."""
    parameters = (each for group in optimizer.param_groups for each in group["params"])
    return list(itertools.islice((each.grad for each in parameters if each.grad is not None), _PRINTS))


def _as_computed(optimizer: Optimizer, computed: Sequence[Tensor]) -> bool:
    """Whether an optimizer's gradients are those of the last backward pass, if clipped, and not gathered by hand."""
    used = [sample(each)[:256] for each in _used(optimizer)]
    if not computed or [each.shape for each in used] != [each.shape for each in computed]:
        return False
    now, before = torch.cat([each.float() for each in used]), torch.cat([each.float() for each in computed])
    return bool(torch.cosine_similarity(now, before, dim=0) > _PARALLEL)


def _same(gradients: Sequence[Tensor], prints: Sequence[tuple[weakref.ref[Tensor], int]]) -> bool:
    """Whether gradients are those that were seen before, and have not been written to since."""
    return len(gradients) == len(prints) and all(
        reference() is each and version == each._version
        for each, (reference, version) in zip(gradients, prints, strict=True)
    )


def _empty(gradient: Tensor | None) -> bool:
    return gradient is None or not bool(sample(gradient).any())


def _cleared(optimizer: Optimizer) -> bool:
    """Whether none of an optimizer's parameters has a gradient other than zero, of a few looked at."""
    with_gradient = [each for each in parameters_of(optimizer) if each.grad is not None]
    return all(_empty(each.grad) for each in with_gradient[:: max(1, len(with_gradient) // 4)])
