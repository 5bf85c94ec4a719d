"""What autograd's graph says: how a loss is computed, which parameters it reaches, what follows each layer."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from gradus.diagnosis.operations import (
    ADDING,
    LOSSES,
    MOST_NODES,
    RESHAPING,
    beyond_sink,
    children_of,
    describe,
    is_layer,
    is_linear,
    leaves_all,
    operands,
    short_name,
)
from gradus.diagnosis.signs import Op

_MOST_HEADS = 24
_DEEPEST_HEAD = 40

_KEEPING_RESULT = ("Relu", "Sigmoid", "Tanh")
_WEIGHTED = re.compile(r"Addmm|Mm|Mv|Linear|MkldnnLinear|Convolution\w*")
_ACTIVATIONS = {
    "Relu": "relu", "Threshold": "relu", "LeakyRelu": "leaky_relu", "Prelu": "prelu", "PreluKernel": "prelu",
    "Elu": "elu", "Selu": "elu", "Gelu": "gelu", "Silu": "silu", "Mish": "mish", "Tanh": "tanh", "Sigmoid": "sigmoid",
    "Hardtanh": "hardtanh", "Hardswish": "hardswish", "Softplus": "softplus",
}  # fmt: skip
_THROUGH = RESHAPING | {"MaxPool2DWithIndices"}


@dataclass
class Graph:
    """A walk from a loss to the parameters.

    Attributes:
        heads: each way from the loss to a layer with parameters.
        outputs: places of the layers that these ways pass or lead to: the loss sees them, not another layer.
        single: layers of one unit, over which a softmax runs.
        over_first: shapes of softmaxes over the first of several axes.
        products: nodes of products of a batch of matrices with another.
        losses: nodes of `LOSSES`, and those of losses written by hand, with their names.
        added: how many of each name are added up as they are, without a weight.
        reached: leaves that gradients will be added to.
        aimed: those of them on which only targets of known losses depend.
        tables: those of which rows are looked up by number.
        turned: matrices as in ``x @ w``, of which each column is a unit; a layer has a row for each.
        following: the activation that follows a layer, by its place.
        unnamed: activations that are no modules and follow none: their kind and node.
        squashed: nodes of sigmoids and tanhs, with the place of the layer below them.
        weighted: how many matrices are multiplied.
        nonlinear: whether anything between the layers is not linear, as far as it is known.
        multiplied: products of data with a leaf, and the leaf.
        passed: how many nodes of each layer's output the walk came by.
        again: the most operations that one parameter goes into.
        whole: whether the walk came to the end: no compiled part, no more than MOST_NODES.
    """

    heads: list[tuple[Op, ...]] = field(default_factory=list)
    outputs: set[str] = field(default_factory=set)
    single: set[str] = field(default_factory=set)
    over_first: set[tuple[int, ...]] = field(default_factory=set)
    products: list[Any] = field(default_factory=list)
    losses: list[tuple[str, Any]] = field(default_factory=list)
    added: Counter[str] = field(default_factory=Counter)
    reached: list[Tensor] = field(default_factory=list)
    aimed: list[Tensor] = field(default_factory=list)
    tables: list[Tensor] = field(default_factory=list)
    turned: list[Tensor] = field(default_factory=list)
    following: dict[str, str] = field(default_factory=dict)
    unnamed: list[tuple[str, Any]] = field(default_factory=list)
    squashed: list[tuple[str, str, Any]] = field(default_factory=list)
    weighted: int = 0
    nonlinear: bool = False
    multiplied: list[tuple[Any, Tensor]] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)
    again: int = 0
    whole: bool = True


def walk(loss: Tensor, layers: Mapping[Any, str] | None = None) -> Graph:
    """Walk the graph of `loss`; `layers` are the nodes of layers' outputs, with their places."""
    graph = Graph()
    layers = layers or {}
    if loss.grad_fn is None:
        return graph
    consumers: dict[Any, Any] = {}
    used: Counter[Any] = Counter()
    start = beyond_sink(loss.grad_fn, loss.output_nr)
    seen = {start}
    # Each entry: node, the operations above it if it is still part of a head.
    stack: list[tuple[Any, tuple[Op, ...] | None]] = [(start, ())]
    targets: list[tuple[Any, tuple[Op, ...] | None]] = []  # come last, to see what nothing else depends on
    aiming = False
    while stack or targets:
        if not stack:
            aiming = True
            stack = [each for each in targets if each[0] not in seen]
            seen |= {each for each, _ in stack}
            targets = []
            continue
        node, above = stack.pop()
        name = short_name(node)
        children = children_of(node)
        if name == "AccumulateGrad":
            graph.reached.append(node.variable)
            if aiming:
                graph.aimed.append(node.variable)
            continue
        if name.startswith("CompiledFunction"):
            graph.whole = False
        if node in layers:
            graph.passed[layers[node]] += 1
        head: tuple[Op, ...] | None = None
        if above is not None:
            if node in layers:
                graph.outputs.add(layers[node])
            op = describe(node, name, children)
            if name == "Add" and above[-3:] == (op,) * 3:
                head = above  # one term after the other, as of the steps of a sequence
            elif is_layer(name) or len(above) >= _DEEPEST_HEAD:
                _keep(graph, (*above, op))
            else:
                head = (*above, op)
                if name in LOSSES or name in _BY_HAND:
                    graph.losses.append((name, node))
                    graph.added[name] += all(each.name in ADDING for each in above)
        if name == "Softmax":
            softmax = describe(node, name, children)
            if softmax.axis == 0 and len(softmax.shape) > 1:
                graph.over_first.add(softmax.shape)
            if children[0] in layers and softmax.axis == len(softmax.shape) - 1 and softmax.shape[-1] == 1:
                graph.single.add(layers[children[0]])
        if name == "Bmm":
            graph.products.append(node)
        if _WEIGHTED.fullmatch(name):
            graph.weighted += 1
        if head is None and not is_linear(node, name, children):
            graph.nonlinear = True
        if head is None and name in _KEEPING_RESULT and node not in layers:
            below_it = _layer_below(node, layers)
            if not below_it:
                graph.unnamed.append((_ACTIVATIONS[name], node))
            elif name != "Relu":
                graph.squashed.append((below_it, name.lower(), node))
        ends = True
        for position, child in enumerate(children):
            if child is None:
                continue
            if head is None and (short := short_name(child)) in _ACTIVATIONS and not leaves_all(child, short):
                graph.nonlinear = True  # also where the loss reaches it by another way, as a penalty does
            used[child] += 1
            if layers:
                consumers.setdefault(child, node)
            if name in _LOOK_UP and short_name(child) == "AccumulateGrad":
                graph.tables.append(child.variable)
            elif name in _PRODUCTS and None in children and short_name(child) == "AccumulateGrad":
                graph.multiplied.append((node, child.variable))
            if name in ("Mm", "Addmm") and child is children[-1] and short_name(child) == "AccumulateGrad":
                graph.turned.append(child.variable)
            if child in seen:
                continue
            if len(seen) >= MOST_NODES:
                graph.whole = False
                break
            ends = ends and short_name(child) == "AccumulateGrad"
            if position == 1 and name in LOSSES and not aiming:
                targets.append((child, head if name != "BinaryCrossEntropyWithLogits" else None))
                continue
            seen.add(child)
            below = head
            if head is not None and position == 1 and name in ("Sub", "Div"):
                below = (*head[:-1], replace(head[-1], negative=name == "Sub", divisor=name == "Div"))
            stack.append((child, below))
        if head is not None and ends:
            _keep(graph, head)
    graph.again = max((number for each, number in used.items() if hasattr(each, "variable")), default=0)
    for node, place in layers.items():
        graph.following[place] = _activation_after(node, consumers)
    return graph


def given_by_hand(graph: Graph) -> Iterator[Tensor]:
    """(N, F), what weights that are no module's are multiplied with, where that is a batch; as in `w @ x`, (F, N)."""
    for node, leaf in graph.multiplied:
        try:
            kept = [getattr(node, name, None) for name in ("_saved_self", "_saved_other", "_saved_mat2")]
        except RuntimeError:  # freed, or changed in place
            continue
        if isinstance(kept[2], Tensor):
            kept[2] = kept[2].T
        for each in kept:
            if isinstance(each, Tensor) and each.dim() and each.shape != leaf.shape and len(each) >= _BATCH:
                yield each.detach().reshape(len(each), -1)


_BATCH = 4


def leaves_below(node: Any) -> Iterator[Tensor]:
    """The leaves that a node's result is computed from."""
    seen, stack = {node}, [node]
    while stack and len(seen) < MOST_NODES:
        for child in operands(stack.pop()):
            if short_name(child) == "AccumulateGrad":
                yield child.variable
            elif child not in seen:
                seen.add(child)
                stack.append(child)


def by_weights(unnamed: Iterable[tuple[str, Any]]) -> list[tuple[str, list[Any]]]:
    """Activations of the same kind behind the same weights together: the steps of a recurrence, which is one layer."""
    found: dict[Any, tuple[str, list[Any]]] = {}
    for activation, node in unnamed:
        weights = _weights_behind(node)
        found.setdefault((activation, weights or node), (activation, []))[1].append(node)
    return list(found.values())


def _weights_behind(node: Any) -> frozenset[int]:
    """The parameters that an activation's input is made with, back to the activations before it."""
    seen, stack, weights = {node}, [node], set()
    while stack and len(seen) < _NEAR:
        for child in operands(stack.pop()):
            name = short_name(child)
            if name == "AccumulateGrad":
                weights.add(id(child.variable))
            elif child not in seen and name not in _ACTIVATIONS:
                seen.add(child)
                stack.append(child)
    return frozenset(weights)


_NEAR = 40
"""Nodes between two activations that are looked through."""
_PRODUCTS = ("Mul", "Mm", "Mv", "Bmm")
_LOOK_UP = ("Index", "IndexSelect", "Embedding")
_BY_HAND = frozenset({"Pow", "Abs", "Gather", "Index", "Mul", "Log"})
"""Operations that losses written by hand are made of, and that keep something worth reading."""


def _keep(graph: Graph, head: tuple[Op, ...]) -> None:
    if len(graph.heads) < _MOST_HEADS and head not in graph.heads:
        graph.heads.append(head)


def _layer_below(node: Any, layers: Mapping[Any, str]) -> str:
    """The layer whose output, scaled or shifted at most, goes into a node."""
    for _ in range(4):
        following = list(operands(node))
        if not following:
            return ""
        node = following[0]
        if node in layers:
            return layers[node]
        if short_name(node) not in RESHAPING | {"Mul", "Add", "Sub", "Div"}:
            return ""
    return ""


def _activation_after(node: Any, consumers: Mapping[Any, Any]) -> str:
    """The activation that a layer's output goes into, through what changes no sign."""
    for _ in range(4):
        node = consumers.get(node)
        if node is None:
            return ""
        name = short_name(node)
        if name in _ACTIVATIONS:
            return _ACTIVATIONS[name]
        if name in ("Clamp", "ClampMin") and getattr(node, "_saved_min", None) == 0:
            return "relu"
        if name not in _THROUGH:
            return ""
    return ""
