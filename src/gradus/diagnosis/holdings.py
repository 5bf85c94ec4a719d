"""Who learns, and which optimizer holds it: told from the leaves that losses reach."""

import gc
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gradus.diagnosis.graph import leaves_below
from gradus.diagnosis.measure import looks_initialized, sample, tensors_in
from gradus.diagnosis.optimizers import parameters_of
from gradus.diagnosis.places import Places
from gradus.diagnosis.signs import LoopSigns, layer_of

_ENOUGH = 3
"""Steps looked at before anything is said of which parameters learn."""


@dataclass(slots=True)
class Held:
    """What is known of one optimizer.

    Attributes:
        dirty: its parameters still have the gradients of its last step.
        blind: a backward pass went by unobserved since then.
        closure: its step calls backward.
        idle: steps in a row, of those looked at, in which no loss reached its parameters.
        left_over, prints: whether it was seen to use gradients of an earlier step anew; what those it used last were.
        stale, fresh: steps with gradients of an earlier one, and those whose gradients had been cleared.
        computed: samples of the gradients that the last backward pass left it with.
        wasted: backward passes since its last step whose gradients were cleared before it used them.
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
    computed: list[Tensor] = field(default_factory=list)
    wasted: int = 0

    def step(self) -> None:
        """It has used the gradients it has."""
        self.steps += 1
        self.dirty, self.blind, self.backwards = True, False, 0
        self.computed, self.wasted = [], 0


class Holdings:
    """Fills what `LoopSigns` says of parameters that do not learn.

    Attributes:
        optimizers: those known, whether or not they have stepped.
        now: ids of the parameters that the losses of the step under way reach.
        strangers: modules that ran inside a model that does not know them, by type, and how often.
    """

    def __init__(self, signs: LoopSigns, places: Places) -> None:
        self.optimizers: weakref.WeakKeyDictionary[Optimizer, Held] = weakref.WeakKeyDictionary()
        self.now: set[int] = set()
        self.strangers: dict[str, int] = {}
        self._signs, self._places = signs, places
        self._reached: dict[int, weakref.ref[Tensor]] = {}
        self._aimed: set[int] = set()
        self._sizes: set[int] = set()
        self._asked: dict[int, tuple[weakref.ref[Tensor], Tensor]] = {}
        self._loose: dict[int, tuple[weakref.ref[Tensor], Tensor]] = {}
        self._called: set[str] = set()
        self._versions: dict[int, int] = {}
        self._copies: list[weakref.ref[Tensor]] = []
        self._once_held: dict[int, weakref.ref[Tensor]] = {}
        self._taught: dict[int, weakref.ref[Tensor]] = {}
        self._walked = 0
        self._rooted = False
        self._searched = False

    def know(self, optimizers: Iterable[Optimizer]) -> None:
        """There are these optimizers, whether or not they have stepped."""
        for each in optimizers:
            self.optimizers.setdefault(each, Held())
        self._signs.optimizers_known = len(self.optimizers)

    def of(self, optimizer: Optimizer) -> Held:
        """What is known of one that steps; from now on of this one, too."""
        self._once_held |= {id(each): weakref.ref(each) for each in parameters_of(optimizer)}
        return self.optimizers.setdefault(optimizer, Held())

    def all_held(self) -> bool:
        """Whether optimizers hold all that the losses of this step reach."""
        return self.now <= self._held_now().keys()

    def some_reached(self, number: int) -> list[weakref.ref[Tensor]]:
        """About so many of the parameters that losses reach."""
        return list(self._reached.values())[:: max(1, len(self._reached) // number)]

    def batch(self, examples: int) -> None:
        """There are batches of this size."""
        self._sizes.add(examples)

    def called(self, places: Iterable[str]) -> None:
        """Layers ran in a training pass."""
        self._called.update(places)

    def reached(self, leaves: Sequence[Tensor], aimed: Sequence[Tensor] = ()) -> None:
        """A whole graph leads to these leaves, `aimed` are those of its targets: a teacher that gradients reach too."""
        self._walked += 1
        targets = {id(each) for each in aimed}
        self._aimed = (self._aimed | targets) - {id(each) for each in leaves if id(each) not in targets}
        for each in leaves:
            if isinstance(each, nn.Parameter):
                self._reached[id(each)] = weakref.ref(each)
                self.now.add(id(each))
            elif each.dim() > 1 and (len(each) not in self._sizes or looks_initialized(each)):  # no data
                self._note_loose(each)
            self._rooted = self._rooted or isinstance(each, nn.Parameter) or id(each) in self._once_held
        self._signs.rootless = 0 if self._rooted else self._walked

    def _note_loose(self, leaf: Tensor) -> None:
        known = self._loose.get(id(leaf))
        if known is None or known[0]() is not leaf:
            # inputs that take a gradient are others at every step
            self._loose = {key: each for key, each in self._loose.items() if each[0]() is not None}
            self._loose[id(leaf)] = weakref.ref(leaf), sample(leaf)[:256].clone()

    def begin_again(self) -> None:
        """Another model is trained from here on: what is known of which parameters learn was of the one before."""
        self._taught |= {key: each for key, each in self._reached.items() if key in self._once_held}
        self._reached, self._loose, self._called, self._versions = {}, {}, set(), {}
        self._asked = {}
        self.now.clear()
        self._walked = 0
        self.strangers.clear()

    # ---- conclusions, drawn when a step was looked at ---------------------------------------------------------------

    def conclude(self, nodes: Mapping[Any, str], detached: Collection[str] = ()) -> None:
        """Who learns, who is held by whom.

        Args:
            nodes: those of layers' outputs, with their places.
            detached: places of layers whose output seems to go on without its graph.
        """
        if self._walked < _ENOUGH:
            self._note_versions()
            return
        if self._signs.steps:
            held = self._held_now()
            if not self._searched and any(id(each) not in held for each in self._alive()):
                self._searched = True  # some of what the loss reaches is held by no optimizer known so far
                self.know(find_optimizers())
                held = self._held_now()
            self._conclude_orphans(held)
            self._conclude_waiting(held)
            self._conclude_unreached(nodes, detached)
        self._conclude_frozen()

    def _held_now(self) -> dict[int, Tensor]:
        return {id(each): each for optimizer in self.optimizers for each in parameters_of(optimizer)}

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
        self._signs.orphan_share = sum(each.numel() for each in lost) / max(total, 1)
        self._signs.orphans = known
        self._signs.left_behind = bool(lost) and any(
            each.dim() > 1
            and each.grad is None
            and id(each) not in self._reached
            and self._places.parameter(each) is None
            for each in held.values()
        )
        strangers = tuple(self.strangers) if len(known) < len(lost) else ()
        unknown = len(known) < len(lost) or any(True for _ in self._kept_loose(held))
        self._signs.unregistered = strangers or (("",) if unknown else ())

    def _conclude_waiting(self, held: Collection[int]) -> None:
        at_work = self._of_those_that(step=True)
        waiting = [each for each in self._alive() if id(each) in held and id(each) not in at_work]
        places = (self._places.parameter(each) for each in waiting if self._stays(each))
        self._signs.waiting = tuple(each for each in places if each is not None)

    def _kept_loose(self, held: dict[int, Tensor]) -> Iterator[Tensor]:
        """Tensors that are no parameters, require gradients, are kept by a module, and have not changed since."""
        found = ((reference(), before) for reference, before in self._loose.values())
        same = [each for each, before in found if each is not None and torch.equal(sample(each)[:256], before)]
        loose = {id(each) for each in same if not self._was_held(each, held)}
        for _, model in self._places.models() if loose else ():
            for module in model.modules():
                for value in vars(module).values():
                    yield from (each for each in tensors_in(value) if id(each) in loose)

    def _conclude_unreached(self, nodes: Mapping[Any, str], detached: Collection[str]) -> None:
        unreached = []
        for optimizer, held in self.optimizers.items():
            if held.steps < _ENOUGH:
                continue
            for each in parameters_of(optimizer):
                place = self._places.parameter(each)
                if each.dim() < 2 or not each.requires_grad or place is None or id(each) in self._reached:
                    continue
                module, root = layer_of(place), place.partition(":")[0] + ":"
                if each.grad is None and module in self._called | {root} and self._stays(each):
                    unreached.append(place)
        lost = {layer_of(each) for each in unreached} - set(detached)
        beside = {place for node, place in nodes.items() if place in lost and self._is_beside(node)}
        self._signs.unreached = tuple(each for each in unreached if layer_of(each) not in beside)

    def _is_beside(self, node: Any) -> bool:
        """Whether a layer's output is computed from what learns: it is a branch whose time has not come, or that this
        task does not use, as the pooler of a pretrained encoder, and not before a cut.
        """
        return any(_among(self._reached, leaf) for leaf in leaves_below(node))

    def _conclude_frozen(self) -> None:
        """Frozen layers of a model that learns: those that look as they were initialized, and all there are."""
        fresh = kept = self._share([], [])
        waiting: set[int] | None = None
        copies = {id(each()) for each in self._copies}
        for _, model in self._places.models():
            matrices = [each for each in model.parameters() if each.dim() > 1]
            if not any(id(each) in self._reached for each in model.parameters()):
                continue
            frozen = [
                each
                for each in matrices
                if not each.requires_grad
                and id(each) not in copies
                and not _among(self._taught, each)  # few steps may leave it much as it was
                and each._version == self._versions.get(id(each))
            ]
            if frozen and waiting is None:
                waiting = self._waiting()
            frozen = [each for each in frozen if id(each) not in (waiting or ())]
            fresh = max(fresh, self._share([each for each in frozen if looks_initialized(each)], matrices))
            kept = max(kept, self._share(frozen, matrices))
        self._signs.frozen, self._signs.frozen_places = fresh
        self._signs.kept, self._signs.kept_places = kept

    def _share(self, some: Sequence[Tensor], of: Sequence[Tensor]) -> tuple[float, tuple[str, ...]]:
        """How large a share of these they are, and where they are."""
        share = sum(each.numel() for each in some) / max(1, sum(each.numel() for each in of))
        return share, tuple(self._places.parameter(each) or "" for each in some)

    def _waiting(self) -> set[int]:
        """Parameters of optimizers whose turn has not come."""
        if not self._searched:
            self._searched = True
            self.know(find_optimizers())
        return self._of_those_that(step=False)

    def _of_those_that(self, *, step: bool) -> set[int]:
        """Parameters of the optimizers that have stepped, or of those that have not."""
        chosen = [optimizer for optimizer, held in self.optimizers.items() if bool(held.steps) is step]
        return {id(each) for optimizer in chosen for each in parameters_of(optimizer)}

    def note_copies(self) -> None:
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


def find_optimizers() -> list[Optimizer]:
    """Every optimizer of the process."""
    # By type: asking some objects for their class makes them warn.
    return [each for each in gc.get_objects() if issubclass(type(each), Optimizer) and each.param_groups]


def _among(table: Mapping[int, weakref.ref[Tensor]], tensor: Tensor) -> bool:
    """Whether a tensor is in a table by identity, and not another that has taken its place."""
    reference = table.get(id(tensor))
    return reference is not None and reference() is tensor


def _untouched(parameter: Tensor) -> bool:
    """A table or matrix too small to tell counts as fresh: what is not held by an optimizer was hardly trained."""
    return looks_initialized(parameter) or parameter.numel() < 64 or min(parameter.flatten(1).shape) < 4
