"""What a network is and costs: shapes, parameters, multiply-adds and memory, of each module and in total."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from gradus.analysis.formulas import elementwise, macs
from gradus.analysis.receptive_field import Fields, receptive_fields
from gradus.core.errors import InputError
from gradus.core.graph import Operation, Trace, settled, trace

_TOO_MANY = 2**59
"""So many elements, of 16 bytes at most, are no longer counted in 63 bits."""

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a stretch of a forward pass costs.

    Attributes:
        macs: multiply-adds of convolution and linear algebra.
        elementwise: element-wise operations, those of normalization, activation, pooling and softmax among them.
        read, written: bytes that operations take and make, views not counted.
    """

    macs: int = 0
    elementwise: int = 0
    read: int = 0
    written: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.macs + other.macs,
            self.elementwise + other.elementwise,
            self.read + other.read,
            self.written + other.written,
        )

    @property
    def flops(self) -> int:
        """Floating-point operations: a multiply-add is two, an element-wise operation one."""
        return 2 * self.macs + self.elementwise

    @property
    def moved(self) -> int:
        """Bytes read and written."""
        return self.read + self.written

    @property
    def intensity(self) -> float:
        """Floating-point operations for each byte read or written (Williams et al. 2009)."""
        return self.flops / self.moved if self.moved else 0.0


@dataclass(slots=True)
class Layer:
    """One call of a module. A module that is called twice is two layers, of which the second has no parameters.

    Attributes:
        name: its path in the model; "" of the model itself.
        depth: how many modules it is within.
        inputs, outputs: shapes, batch axis included.
        parameters: learnable numbers of the module and all in it that no layer before had.
        own: those of them that no layer within it has; they add up to those of the model.
        cost: of all that happened within the call.
    """

    name: str
    type: str
    depth: int
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    parameters: int = 0
    own: int = 0
    cost: Cost = field(default_factory=Cost)


@dataclass(repr=False)
class Inspection:
    """A network, inspected with inputs of certain shapes.

    Attributes:
        trace: the forward pass in evaluation mode.
        layers: calls of modules in order, the model's own first.
        parameters: learnable numbers, frozen ones among them, shared ones once.
        trainable: those that are not frozen.
        buffers: numbers that are kept and not learned.
        uncounted: operations for which there is no formula, and how often each ran.
        unresolved: where the pass could not be followed further, and why: then all figures are of what came before.
        ran: whether it really ran, as was allowed, because shapes did not tell: then the figures are of these very
            numbers.
    """

    model: str
    trace: Trace
    inputs: tuple[Shape, ...]
    layers: list[Layer]
    parameters: int
    trainable: int
    buffers: int
    uncounted: dict[str, int]
    unresolved: list[str]
    ran: bool = False
    _follow_training: Callable[[], Trace | None] = field(default=lambda: None, compare=False)

    @property
    def cost(self) -> Cost:
        return self.layers[0].cost if self.layers else Cost()

    @property
    def macs(self) -> int:
        return self.cost.macs

    @cached_property
    def saved(self) -> list[int] | None:
        """Bytes first kept for the backward pass within each layer, followed when they are first asked for.

        Unique storages that autograd keeps in training mode, without parameters and buffers; None where that pass
        could not be followed.
        """
        learning = self._follow_training()
        return None if learning is None else _saved(self.trace, learning)

    @property
    def saved_bytes(self) -> int | None:
        """Of the whole network."""
        return self.saved[0] if self.saved else None

    @cached_property
    def fields(self) -> Fields:
        """What each layer sees of the first input."""
        return receptive_fields(self.trace)

    def table(self, depth: int = 2) -> str:
        """A line for each module that is within at most `depth` others, and the totals."""
        from gradus.analysis.table import text

        return text(self, depth)

    def __repr__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        from gradus.analysis.notebook import html

        return html(self)


def inspect(model: nn.Module, *inputs: Any, run: bool = False, **named: Any) -> Inspection:
    """What a model is and costs, without computing anything and without touching it.

    Args:
        model: any module. Of one with lazy parameters, those that it would get from these inputs.
        inputs: example tensors (also packed, or within tuples, dicts and dataclasses); or shapes without the batch
            axis, such as ``(3, 224, 224)``, of floating inputs.
        run: where shapes do not tell what happens, really run copies of the weights on copies of the inputs.
        named: example tensors by keyword.

    Raises:
        InputError: `model` is no module, or cannot be called with these inputs.

    Example:
        >>> inspect(nn.Linear(3, 2), (3,)).macs
        6
    """
    if not isinstance(model, nn.Module):
        raise InputError("model", "must be a torch.nn.Module", type(model).__name__)
    examples = tuple(_example(model, each) for each in inputs)
    model = settled(model, examples, named)
    seen = trace(model, examples, named, run=run)
    counted = [macs(each) for each in seen.operations]
    parameters = list(model.parameters())
    return Inspection(
        model=type(model).__name__,
        trace=seen,
        _follow_training=partial(_learning, model, examples, named, run=run),
        inputs=tuple(tuple(each.shape) for each in tree_leaves((examples, named)) if isinstance(each, Tensor)),
        layers=_layers(model, seen, counted),
        parameters=sum(each.numel() for each in parameters),
        trainable=sum(each.numel() for each in parameters if each.requires_grad),
        buffers=sum(each.numel() for each in model.buffers()),
        uncounted=dict(
            Counter(each.name for each, number in zip(seen.operations, counted, strict=True) if number is None)
        ),
        unresolved=[seen.unresolved] if seen.unresolved else [],
        ran=seen.ran,
    )


def _example(model: nn.Module, given: Any) -> Any:
    """A shape becomes the input of a batch of one."""
    if isinstance(given, Tensor) or not isinstance(given, Sequence) or not all(type(each) is int for each in given):
        return given
    if min(given, default=1) < 1:
        raise InputError("input", "must be a shape of positive whole numbers", list(given))
    return example(model, (1, *given))


def example(model: nn.Module, shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
    """An input without memory, batch axis included: of the parameters' type, if not of another.

    `trace` takes it to be where the model is.

    Raises:
        InputError: there are more elements than torch can count the bytes of.
    """
    if prod(shape) >= _TOO_MANY:
        raise InputError("input", "must be of a size that torch can count", tuple(shape))
    first = next((each for each in model.parameters() if each.dtype.is_floating_point), torch.empty(0))
    with torch.inference_mode(False):  # in which tensors are made that autograd refuses
        return torch.empty(*shape, dtype=dtype or first.dtype, device="meta")


def _learning(model: nn.Module, inputs: Sequence[Any], named: Mapping[str, Any], *, run: bool) -> Trace | None:
    """The pass in training mode, if it can be followed."""
    try:
        learning = trace(model, inputs, named, training=True, run=run)
    except InputError:  # some refuse only in training, as batch norm does a batch of one
        return None
    return None if learning.unresolved else learning


def _layers(model: nn.Module, seen: Trace, counted: Sequence[int | None]) -> list[Layer]:
    modules = dict(model.named_modules())
    own = [Cost() for _ in seen.calls]
    for operation, number in zip(seen.operations, counted, strict=True):
        own[max(operation.call, 0)] += _cost(operation, number or 0)
    layers: list[Layer] = []
    holders: dict[nn.Parameter, int] = {}
    for number, call in enumerate(seen.calls):
        layers.append(
            Layer(
                call.place,
                call.type,
                layers[call.parent].depth + 1 if call.parent >= 0 else 0,
                tuple(each.shape for each in call.inputs),
                tuple(each.shape for each in call.outputs),
                cost=own[number],
            )
        )
        for each in modules[call.place].parameters():
            if holders.get(each, -1) == call.parent:  # those that nothing before it had, and its parent has
                holders[each] = number
    for parameter, number in holders.items():
        layers[number].own += parameter.numel()
        layers[number].parameters += parameter.numel()
    for number in range(len(layers) - 1, 0, -1):  # what happens within a call is part of the one around it
        above = layers[seen.calls[number].parent]
        above.cost += layers[number].cost
        above.parameters += layers[number].parameters
    return layers


def _saved(seen: Trace, learning: Trace) -> list[int]:
    """Bytes that autograd keeps for the backward pass, by call: those first kept within it."""
    same = {visit: call for call, visit in enumerate(_visits(seen))}
    visits = _visits(learning)
    kept = [0] * len(seen.calls)
    for value, call in zip(learning.saved, learning.saved_in, strict=True):
        if value.storage in learning.state:
            continue
        home = call
        while visits[home] not in same:  # a call that happens in training only
            home = learning.calls[home].parent
        kept[same[visits[home]]] += value.storage_bytes
    for call in range(len(kept) - 1, 0, -1):
        kept[seen.calls[call].parent] += kept[call]
    return kept


def _visits(trace: Trace) -> list[tuple[str, int]]:
    """Each call as the place of the module and how often it was called before."""
    before: Counter[str] = Counter()
    visits = []
    for each in trace.calls:
        visits.append((each.place, before[each.place]))
        before[each.place] += 1
    return visits


def _cost(operation: Operation, counted: int) -> Cost:
    if operation.is_view:
        return Cost()
    return Cost(
        counted,
        0 if counted else elementwise(operation) or 0,
        sum(each.bytes for each in operation.inputs),
        sum(each.bytes for each in operation.results),
    )
