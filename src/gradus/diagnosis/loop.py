"""What a training loop does between backward and step, told from gradients, parameters and modes."""

import gc
import itertools
import weakref
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gradus.diagnosis.graph import leaves_below
from gradus.diagnosis.measure import looks_initialized, sample, tensors_in
from gradus.diagnosis.places import Places
from gradus.diagnosis.signs import LoopSigns, layer_of

_ENOUGH = 3
"""Steps looked at before anything is said of which parameters learn."""
_MADE = {"numpy.random.default_rng", "random.Random"}
"""Generators of their own, rather than one that everybody draws from."""
_PRINTS = 4
"""Gradients by which it is told whether an optimizer uses those of an earlier step."""
_FOR_EACH = 8
"""Generators of one seed within a step, from which on each is for an example."""


@dataclass(slots=True)
class _Held:
    """What is known of one optimizer.

    Attributes:
        dirty: its parameters still have the gradients of its last step.
        blind: a backward pass went by unobserved since then.
        closure: its step calls backward.
        idle: steps in a row, of those looked at, in which no loss reached its parameters.
        left_over, prints: whether it was seen to use gradients of an earlier step anew; what those it used last were.
        stale, fresh: steps with gradients of an earlier one, and those whose gradients had been cleared.
    """

    dirty: bool = False
    blind: bool = False
    backwards: int = 0
    steps: int = 0
    idle: int = 0
    left_over: bool = False
    prints: list[tuple[weakref.ref[Tensor], int]] = field(default_factory=list)
    closure: bool = False
    stale: list[int] = field(default_factory=list)
    fresh: int = 0


class LoopWatch:
    """Fills `LoopSigns`."""

    def __init__(self, signs: LoopSigns, places: Places) -> None:
        self.signs = signs
        self.optimizers: weakref.WeakKeyDictionary[Optimizer, _Held] = weakref.WeakKeyDictionary()
        self.strangers: dict[str, int] = {}
        self._places = places
        self._reached: dict[int, weakref.ref[Tensor]] = {}
        self._reached_now: set[int] = set()
        self._aimed: set[int] = set()
        self._sizes: set[int] = set()
        self._asked: dict[int, tuple[weakref.ref[Tensor], Tensor]] = {}
        self._loose: dict[int, tuple[weakref.ref[Tensor], Tensor]] = {}
        self._called: set[str] = set()
        self._versions: dict[int, int] = {}
        self._copies: list[weakref.ref[Tensor]] = []
        self._once_held: dict[int, weakref.ref[Tensor]] = {}
        self._taught: dict[int, weakref.ref[Tensor]] = {}
        self._seeds_now: set[Any] = set()
        self._seeds: set[Any] = set()
        self._made: Counter[tuple[str, int | str]] = Counter()
        self._prints: list[tuple[weakref.ref[Tensor], Tensor]] = []
        self._modes: list[tuple[bool, weakref.ref[nn.Module]]] = []
        self._moved: weakref.WeakSet[Optimizer] = weakref.WeakSet()
        self._walked = 0
        self._rooted = False
        self._all_held = False
        self._searched = False
        self._stepping: Optimizer | None = None
        self._calls = 0
        self._latest: tuple[weakref.ref[Optimizer], _Held] | None = None

    def know(self, optimizers: Iterable[Optimizer]) -> None:
        """There are these optimizers, whether or not they have stepped."""
        for each in optimizers:
            self.optimizers.setdefault(each, _Held())
        self.signs.optimizers_known = len(self.optimizers)

    @property
    def in_step(self) -> bool:
        """Whether an optimizer is at work on a step, in which it may call backward by a closure."""
        return self._stepping is not None

    def by_closure(self, optimizer: Optimizer) -> bool:
        """Whether an optimizer's step calls backward."""
        return optimizer in self.optimizers and self.optimizers[optimizer].closure

    # ---- events -----------------------------------------------------------------------------------------------------

    def forward(self, model: nn.Module, examples: int = 0) -> None:
        """A training pass of a model."""
        self._sizes.add(examples)
        sensitive = self._places.sensitive(model)
        if sensitive:
            training = model.training or any(each.training for each in sensitive)
            # A frozen teacher does not count, nor frozen batch norms of a network of which other layers are tuned.
            learning = (own for each in sensitive for own in (list(each.parameters()) or model.parameters()))
            if training or any(each.requires_grad for each in learning):
                self._modes.append((training, weakref.ref(model)))

    def called(self, places: Iterable[str]) -> None:
        """Layers ran in a training pass."""
        self._called.update(places)

    def before_backward(self, *, looking: bool) -> None:
        if not self.signs.backwards:
            self._note_copies()
        self.signs.backwards += 1
        if self._stepping is not None:
            held = self.optimizers[self._stepping]
            if looking and held.closure and not held.blind:
                # What passes before the step have accumulated is not of an earlier one.
                stale = (held.dirty or self._calls > 0) and not _cleared(self._stepping)
                self._note_use(held, held.steps, stale=stale)
            self._calls += 1
            held.closure = True
        for optimizer, held in self.optimizers.items():
            held.backwards += 1
            if not looking:
                held.blind = True
            elif held.dirty and _cleared(optimizer):
                held.dirty = False
        if looking and not self.signs.steps:
            self._look_for_changes()

    def reached(self, leaves: Sequence[Tensor], aimed: Sequence[Tensor] = ()) -> None:
        """A whole graph leads to these leaves, `aimed` are those of its targets: a teacher that gradients reach too."""
        self._walked += 1
        targets = {id(each) for each in aimed}
        self._aimed = (self._aimed | targets) - {id(each) for each in leaves if id(each) not in targets}
        for each in leaves:
            if isinstance(each, nn.Parameter):
                self._reached[id(each)] = weakref.ref(each)
                self._reached_now.add(id(each))
            elif each.dim() > 1 and (len(each) not in self._sizes or looks_initialized(each)):  # no data
                self._note_loose(each)
            self._rooted = self._rooted or isinstance(each, nn.Parameter) or id(each) in self._once_held
        self.signs.rootless = 0 if self._rooted else self._walked

    def _note_loose(self, leaf: Tensor) -> None:
        known = self._loose.get(id(leaf))
        if known is None or known[0]() is not leaf:
            # inputs that take a gradient are others at every step
            self._loose = {key: each for key, each in self._loose.items() if each[0]() is not None}
            self._loose[id(leaf)] = weakref.ref(leaf), sample(leaf)[:256].clone()

    def _of(self, optimizer: Optimizer) -> _Held:
        # A look into a dictionary of weak references takes a microsecond, and mostly one optimizer steps.
        if self._latest is None or self._latest[0]() is not optimizer:
            self._latest = weakref.ref(optimizer), self.optimizers.setdefault(optimizer, _Held())
            self._once_held |= {id(each): weakref.ref(each) for each in _parameters(optimizer)}
        return self._latest[1]

    def before_step(self, optimizer: Optimizer, step: int, *, looking: bool) -> None:
        held = self._of(optimizer)
        self._stepping, self._calls = optimizer, 0
        if not looking or held.closure or held.blind or not held.steps or not held.backwards:
            return
        before = [reference() for reference, _ in held.prints]
        # What is handed to it by hand is added to nothing.
        added = not before or any(each is one for each in _used(optimizer) for one in before)
        self._note_use(held, step, stale=held.dirty and added)

    def _note_use(self, held: _Held, step: int, *, stale: bool) -> None:
        """An optimizer uses gradients to which those of an earlier step were added, or were not."""
        if stale:
            held.stale.append(step)
        else:
            held.fresh += 1
        # One of two optimizers may be cleared and the other not.
        worst = max(self.optimizers.values(), key=lambda each: len(each.stale) - 2 * each.fresh)
        self.signs.stale_steps, self.signs.fresh_steps = worst.stale, worst.fresh

    def after_step(self, optimizer: Optimizer) -> None:
        held = self._of(optimizer)
        self._stepping = None
        held.steps += 1
        self._note_idleness(optimizer, held)
        held.dirty, held.blind, held.backwards = True, False, 0
        self._moved.add(optimizer)
        self.signs.steps = max(self.signs.steps, held.steps)

    def _note_idleness(self, optimizer: Optimizer, held: _Held) -> None:
        """A step without any gradient, or with the very ones of a step before: no loss reaches what it changes."""
        used = _used(optimizer)
        looked_at = bool(self._reached_now) and not held.blind
        if looked_at:
            reached = not self._reached_now.isdisjoint(map(id, _parameters(optimizer)))
            held.left_over = bool(used) and not reached and _same(used, held.prints)
        held.prints = [(weakref.ref(each), each._version) for each in used]
        if looked_at:
            known = {id(each) for each in itertools.chain(*map(_parameters, self.optimizers))}
            self._all_held = self._reached_now <= known
        if self._all_held:  # the turn of what it holds has not come, as of one task's head
            held.idle = 0
        elif not used or held.left_over:
            held.idle += not used or looked_at
        else:
            held.idle = 0
        self.signs.idle_steps = max((each.idle for each in self.optimizers.values()), default=0)

    def begin_again(self) -> None:
        """Another model is trained from here on: what is known of which parameters learn was of the one before."""
        self._taught |= {key: each for key, each in self._reached.items() if key in self._once_held}
        self._reached, self._loose, self._called, self._versions = {}, {}, set(), {}
        self._asked = {}
        self._reached_now.clear()
        self._walked = 0
        self.strangers.clear()

    def woke(self, optimizer: Optimizer) -> None:
        """After steps that were not looked at, `optimizer` has just stepped."""
        held = self._of(optimizer)
        held.steps += 1
        held.dirty, held.blind, held.backwards = True, False, 0
        for other, each in self.optimizers.items():
            each.blind = each.blind or other is not optimizer

    def step_ended(self, step: int, *, by_hand: bool) -> None:
        """The leading optimizer has stepped; or a backward pass is over in a program whose optimizers never do."""
        self._reached_now.clear()
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
        if self._made:
            self.signs.reseeded += max(self._made.values()) >= _FOR_EACH
            self._made.clear()

    def _moves(self, reference: weakref.ref[nn.Module]) -> bool:
        """Whether a step just taken changes a model; what seeks inputs of a finished one moves only those."""
        model = reference()
        moved = {id(each) for optimizer in self._moved for each in _parameters(optimizer)}
        return model is not None and any(id(each) in moved for each in model.parameters())

    def seeded(self, what: str, seed: Any) -> None:
        """A generator was set to a seed.

        One that is made with the same seed at every step may serve what is to be repeatable; so may one for each
        example, with a seed of its own. One seed for many examples of a step makes them alike. Where the state
        of before is put back, what follows does not depend on the seed.
        """
        if what in _MADE:
            if isinstance(seed, int | str):
                self._made[what, seed] += 1
        elif isinstance(seed, int | float | str) and len(self._seeds) < 10_000:
            self._seeds_now.add((what, seed))
        elif not isinstance(seed, int | float | str | None):
            self._seeds_now = {each for each in self._seeds_now if each[0] != what}

    # ---- conclusions, drawn when a step was looked at ---------------------------------------------------------------

    def conclude(self, nodes: Mapping[Any, str]) -> None:
        """Who learns, who is held by whom; `nodes` are those of layers' outputs, with their places."""
        if self._walked < _ENOUGH:
            self._note_versions()
            return
        if self.signs.steps:
            held = self._held_now()
            if not self._searched and any(id(each) not in held for each in self._alive()):
                self._searched = True  # some of what the loss reaches is held by no optimizer known so far
                self.know(find_optimizers())
                held = self._held_now()
            self._conclude_orphans(held)
            self._conclude_waiting(held)
            self._conclude_unreached(nodes)
        self._conclude_frozen()

    def _held_now(self) -> dict[int, Tensor]:
        return {id(each): each for optimizer in self.optimizers for each in _parameters(optimizer)}

    def _was_held(self, parameter: Tensor, held: dict[int, Tensor]) -> bool:
        """Whether an optimizer holds it, or did: one that a function made is gone when that returns."""
        return id(parameter) in held or _among(self._once_held, parameter)

    def _stays(self, parameter: Tensor) -> bool:
        """Whether it has not changed since it was first asked about, steps ago: what moves is taught in another way."""
        known = self._asked.get(id(parameter))
        now = sample(parameter)[:256]
        if known is None or known[0]() is not parameter:
            self._asked[id(parameter)] = weakref.ref(parameter), now.clone()
            return False
        return torch.equal(known[1], now)

    def _alive(self) -> list[Tensor]:
        found = (reference() for reference in self._reached.values())
        return [each for each in found if each is not None and each.requires_grad and each.dim() > 1]

    def _conclude_orphans(self, held: dict[int, Tensor]) -> None:
        alive = [each for each in (reference() for reference in self._reached.values()) if each is not None]
        lost = [
            each
            for each in alive
            if each.requires_grad
            and not self._was_held(each, held)
            and each.dim() > 1
            and id(each) not in self._aimed
            and _untouched(each)
            and self._stays(each)
        ]
        total = sum(each.numel() for each in alive)
        named = [self._places.parameter(each) for each in lost]
        known = tuple(name for name in named if name is not None)
        self.signs.orphan_share = sum(each.numel() for each in lost) / max(total, 1)
        self.signs.orphans = known
        self.signs.left_behind = bool(lost) and any(
            each.dim() > 1
            and each.grad is None
            and id(each) not in self._reached
            and self._places.parameter(each) is None
            for each in held.values()
        )
        strangers = tuple(self.strangers) if len(known) < len(lost) else ()
        unknown = len(known) < len(lost) or any(True for _ in self._kept_loose(held))
        self.signs.unregistered = strangers or (("",) if unknown else ())

    def _conclude_waiting(self, held: Collection[int]) -> None:
        at_work = {
            id(each) for optimizer, held in self.optimizers.items() if held.steps for each in _parameters(optimizer)
        }
        waiting = [each for each in self._alive() if id(each) in held and id(each) not in at_work]
        places = (self._places.parameter(each) for each in waiting if self._stays(each))
        self.signs.waiting = tuple(each for each in places if each is not None)

    def _kept_loose(self, held: dict[int, Tensor]) -> Iterator[Tensor]:
        """Tensors that are no parameters, require gradients, are kept by a module, and have not changed since."""
        found = ((reference(), before) for reference, before in self._loose.values())
        same = [each for each, before in found if each is not None and torch.equal(sample(each)[:256], before)]
        loose = {id(each) for each in same if not self._was_held(each, held)}
        for _, model in self._places.models() if loose else ():
            for module in model.modules():
                for value in vars(module).values():
                    yield from (each for each in tensors_in(value) if id(each) in loose)

    def _conclude_unreached(self, nodes: Mapping[Any, str]) -> None:
        unreached = []
        for optimizer, held in self.optimizers.items():
            if held.steps < _ENOUGH:
                continue
            for each in _parameters(optimizer):
                place = self._places.parameter(each)
                if each.dim() < 2 or not each.requires_grad or place is None or id(each) in self._reached:
                    continue
                module, root = layer_of(place), place.partition(":")[0] + ":"
                if each.grad is None and module in self._called | {root} and self._stays(each):
                    unreached.append(place)
        lost = {layer_of(each) for each in unreached}
        beside = {place for node, place in nodes.items() if place in lost and self._is_beside(node)}
        self.signs.unreached = tuple(each for each in unreached if layer_of(each) not in beside)

    def _is_beside(self, node: Any) -> bool:
        """Whether a layer's output is computed from what learns: it is a branch whose time has not come, or that this
        task does not use, as the pooler of a pretrained encoder, and not before a cut.
        """
        return any(_among(self._reached, leaf) for leaf in leaves_below(node))

    def _conclude_frozen(self) -> None:
        """Frozen layers of a model that learns, where they look as they were initialized."""
        worst, places = 0.0, []
        waiting: set[int] | None = None
        copies = {id(each()) for each in self._copies}
        for _, model in self._places.models():
            matrices = [each for each in model.parameters() if each.dim() > 1]
            if not any(id(each) in self._reached for each in model.parameters()):
                continue
            fresh = [
                each
                for each in matrices
                if not each.requires_grad
                and id(each) not in copies
                and not _among(self._taught, each)  # few steps may leave it much as it was
                and each._version == self._versions.get(id(each))
                and looks_initialized(each)
            ]
            if fresh and waiting is None:
                waiting = self._waiting()
            fresh = [each for each in fresh if id(each) not in (waiting or ())]
            share = sum(each.numel() for each in fresh) / max(1, sum(each.numel() for each in matrices))
            if share > worst:
                worst, places = share, [self._places.parameter(each) or "" for each in fresh]
        self.signs.frozen, self.signs.frozen_places = worst, tuple(places)

    def _waiting(self) -> set[int]:
        """Parameters of optimizers whose turn has not come."""
        if not self._searched:
            self._searched = True
            self.know(find_optimizers())
        return {
            id(each) for optimizer, held in self.optimizers.items() if not held.steps for each in _parameters(optimizer)
        }

    def _note_copies(self) -> None:
        """Frozen matrices that begin as copies of learning ones: those of a teacher or a target network."""
        parameters = [each for _, model in self._places.models() for each in model.parameters() if each.dim() > 1]
        frozen = [each for each in parameters if not each.requires_grad]
        learning = [each for each in parameters if each.requires_grad] if frozen else []
        self._copies = [
            weakref.ref(each)
            for each in frozen
            if any(each.shape == one.shape and torch.equal(sample(each), sample(one)) for one in learning)
        ]

    def _note_versions(self) -> None:
        for _, model in self._places.models():
            for each in model.parameters():
                self._versions.setdefault(id(each), each._version)

    def _look_for_changes(self) -> None:
        """Before any optimizer has stepped: whether parameters change all the same, and gradients are thrown away."""
        now = []
        changed = False
        for reference in list(self._reached.values())[:: max(1, len(self._reached) // 4)]:
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


def find_optimizers() -> list[Optimizer]:
    """Every optimizer of the process."""
    # By type: asking some objects for their class makes them warn.
    return [each for each in gc.get_objects() if issubclass(type(each), Optimizer) and each.param_groups]


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [each for group in optimizer.param_groups for each in group["params"]]


def _used(optimizer: Optimizer) -> list[Tensor]:
    """The first few of the gradients that an optimizer steps with."""
    parameters = (each for group in optimizer.param_groups for each in group["params"])
    return list(itertools.islice((each.grad for each in parameters if each.grad is not None), _PRINTS))


def _among(table: Mapping[int, weakref.ref[Tensor]], tensor: Tensor) -> bool:
    """Whether a tensor is in a table by identity, and not another that has taken its place."""
    reference = table.get(id(tensor))
    return reference is not None and reference() is tensor


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
    with_gradient = [each for each in _parameters(optimizer) if each.grad is not None]
    return all(_empty(each.grad) for each in with_gradient[:: max(1, len(with_gradient) // 4)])


def _untouched(parameter: Tensor) -> bool:
    """A table or matrix too small to tell counts as fresh: what is not held by an optimizer was hardly trained."""
    return looks_initialized(parameter) or parameter.numel() < 64 or min(parameter.flatten(1).shape) < 4
