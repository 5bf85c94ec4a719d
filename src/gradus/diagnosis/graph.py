"""What autograd's graph says: how a loss is computed, which parameters it reaches, what follows each layer."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from gradus.diagnosis.signs import Op

MOST_NODES = 5000
_MOST_HEADS = 24
_DEEPEST_HEAD = 40

LOSSES = frozenset({
    "NllLoss", "NllLoss2D", "MseLoss", "BinaryCrossEntropy", "BinaryCrossEntropyWithLogits", "SmoothL1Loss",
    "HuberLoss",
})  # fmt: skip
"""Operations that are a loss, never negative, and keep what they compare."""

RESHAPING = frozenset({
    "View", "UnsafeView", "Reshape", "ReshapeAlias", "Squeeze", "Unsqueeze", "Alias", "Clone", "ToCopy", "Transpose",
    "T",
    "Permute", "Select", "Slice", "Expand", "Index", "Copy", "Contiguous", "Unbind", "Split", "Detach",
})  # fmt: skip
"""Operations that change no number."""

ADDING = RESHAPING | {"Add", "Sum", "Stack", "Cat"}
"""Operations by which terms are added up as they are."""

_LINEAR = RESHAPING | {
    "Addmm", "Mm", "Mv", "Linear", "MkldnnLinear", "Convolution", "ConvolutionOverrideable", "Add", "Sub", "Neg",
    "Mean",
    "Sum", "Cat", "Stack", "AvgPool2D", "AvgPool1D", "MeanPool", "Embedding", "NativeBatchNorm", "NativeDropout",
    "ConstantPadNd", "UpsampleNearest2D", "UpsampleBilinear2D", "AccumulateGrad", "AdaptiveAvgPool2D", "PixelShuffle",
}  # fmt: skip
_KEEPING_RESULT = ("Relu", "Sigmoid", "Tanh")
_WITH_PARAMETERS = re.compile(
    r"Addmm|Mm|Mv|Linear|MkldnnLinear|Convolution\w*|Bmm|Baddbmm|Embedding\w*|\w*Rnn\w*|\w*Lstm\w*|\w*Gru\w*|"
    r"\w*BatchNorm\w*|NativeLayerNorm|NativeGroupNorm|ScaledDotProduct\w*|CompiledFunction\w*"
)
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
    start = _beyond_sink(loss.grad_fn, loss.output_nr)
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
            elif _WITH_PARAMETERS.fullmatch(name) or len(above) >= _DEEPEST_HEAD:
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
        if head is None and not _is_linear(node, name, children):
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
            if head is None and (short := short_name(child)) in _ACTIVATIONS and not _leaves_all(child, short):
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


def is_layer(name: str) -> bool:
    """Whether an operation is one of a layer with parameters."""
    return _WITH_PARAMETERS.fullmatch(name) is not None


_NEAR = 40
"""Nodes between two activations that are looked through."""
_PRODUCTS = ("Mul", "Mm", "Mv", "Bmm")
_LOOK_UP = ("Index", "IndexSelect", "Embedding")
_BY_HAND = frozenset({"Pow", "Abs", "Gather", "Index", "Mul", "Log"})
"""Operations that losses written by hand are made of, and that keep something worth reading."""


def short_name(node: Any) -> str:
    """``AddmmBackward0`` as ``Addmm``."""
    name: str = node.name().rpartition("::")[2]
    return re.sub(r"Backward\d*$", "", name)


def describe(node: Any, name: str, children: list[Any]) -> Op:
    """A node as an Op."""
    shape, axis = _shape(node), None
    if name in ("Softmax", "LogSoftmax"):
        axis = int(node._saved_dim)
        axis = axis - 2**64 if axis >= 2**63 else axis  # negative ones are kept unsigned
        axis = axis + len(shape) if axis < 0 else axis
    if name in ("Clamp", "ClampMin"):
        name = "ClampMin" if _cuts_negative(node) else "Clamp"
    if name == "Div" and _is_softsign(children):
        name = "Softsign"
    times = _one_number(node) if name in ("Mul", "Div") else 1.0
    negative = name in ("Neg", "Rsub") or times < 0  # -x, 1 - x, -2 * x
    data = any(child is None for child in children)
    factors = _factors(node) if name == "Mul" else []
    gains = data and name == "Mul" and not all(_are_shares(each) for each in factors if each.dim() > 1)
    shapes = [tuple(each.shape) for each in factors]
    shapes += [_shape(each) for each in children if each is not None and name == "Mul"]
    marks = data and any(map(are_marks, factors))
    picks = _picks(node, name) if name in ("Gather", "Index") else ()
    limits = _limits(node, name)
    return Op(
        name,
        shape,
        axis,
        data,
        negative,
        gains=gains,
        marks=marks,
        factors=tuple(dict.fromkeys(shapes)),
        picks=picks,
        limits=limits,
        times=times,
    )


def _shape(node: Any) -> tuple[int, ...]:
    """Of a node's result."""
    metadata = getattr(node, "_input_metadata", None)
    return tuple(int(each) for each in metadata[0].shape) if metadata else ()


def _is_softsign(children: list[Any]) -> bool:
    """Whether a quotient is x / (1 + |x|)."""
    below = children[1] if len(children) > 1 else None
    if below is None or short_name(below) != "Add":
        return False
    size = next(iter(operands(below)), None)
    return size is not None and short_name(size) == "Abs" and children_of(size) == children[:1]


def _limits(node: Any, name: str) -> tuple[float, float] | None:
    """Between what the results of an activation lie that can be set to lie there."""
    if name == "Hardtanh":
        return float(node._saved_min_val), float(node._saved_max_val)
    if name in ("Elu", "Celu"):
        return -float(node._saved_alpha) * float(getattr(node, "_saved_scale", 1.0)), math.inf
    return None


def _picks(node: Any, name: str) -> tuple[int, ...]:
    """Axes on one of which one number is picked at each place that the others tell; of a table, in which a place comes
    again, the last one. What picks the same number all along an axis selects, say, a step.
    """
    try:
        kept = [node._saved_index] if name == "Gather" else list(node._saved_indices)
        axis = node._saved_dim if name == "Gather" else 0
    except (RuntimeError, AttributeError):  # freed, changed in place, or of another torch
        return ()
    if name == "Gather":
        index, rank = kept[0], kept[0].dim()
        axis = (axis - 2**64 if axis >= 2**63 else axis) % max(1, rank)
        others = [each for each in range(rank) if each != axis and index.shape[each] > 1]
        varies = all(bool((index != index.narrow(each, 0, 1)).any()) for each in others)
        return (axis,) if rank > 2 and index.shape[axis] == 1 and varies else ()
    if len(kept) < 3 or any(each is None or each.dtype != torch.long for each in kept):
        return ()
    places = torch.stack([each.flatten()[:_MOST_PLACES] for each in torch.broadcast_tensors(*kept)], dim=1)
    axes = range(len(kept))
    without = [places[:, [other for other in axes if other != each]] for each in axes]
    once = tuple(each for each in axes if len(without[each].unique(dim=0)) == len(places))
    return once or (len(kept) - 1,)


_MOST_PLACES = 4096


def _cuts_negative(node: Any) -> bool:
    """Whether a clamp lets nothing below 0 through, as a rectifier does."""
    least = getattr(node, "_saved_min", None)
    return isinstance(least, int | float) and least >= 0


def _one_number(node: Any) -> float:
    """The one number that something is multiplied with or divided by; 1 of none."""
    try:
        other = getattr(node, "_saved_other", None)
        return float(other) if isinstance(other, Tensor) and other.numel() == 1 and not other.is_complex() else 1.0
    except RuntimeError:  # freed
        return 1.0


def _factors(node: Any) -> list[Tensor]:
    """The factors of a product that autograd keeps."""
    try:
        kept = [getattr(node, name, None) for name in ("_saved_other", "_saved_self")]
    except RuntimeError:  # freed, or complex
        return []
    return [each.detach() for each in kept if isinstance(each, Tensor) and not each.is_complex()]


def are_marks(data: Tensor) -> bool:
    """Whether numbers are 0s and 1s, some of each, or 0s and -1s."""
    low, high = (float(data.min()), float(data.max())) if data.numel() > 1 else (0.0, 0.0)
    return (low, high) in ((0.0, 1.0), (-1.0, 0.0)) and bool(((data == 0) | (data == low + high)).all())


def _are_shares(data: Tensor) -> bool:
    """Whether numbers are the shares of a target, rather than something to be earned: at least 0, and each row's add up
    to 1 or are 1s and 0s.
    """
    marks = bool(((data == 0) | (data == 1)).all())
    return marks or (bool((data >= 0).all()) and bool(((data.sum(-1) - 1).abs() < _ROUGHLY).all()))


_ROUGHLY = 0.05


def operands(node: Any) -> Iterable[Any]:
    """The nodes that computed a node's operands."""
    return (child for child in children_of(node) if child is not None)


def children_of(node: Any) -> list[Any]:
    """The same, with None where an operand is data."""
    return [_beyond_sink(child, number) for child, number in node.next_functions]


def _beyond_sink(node: Any, number: int) -> Any:
    """Past the one node through which DistributedDataParallel may lead all outputs of a model, each by its number."""
    while type(node).__name__ == "_DDPSinkBackward":
        node, number = node.next_functions[number]
    return node


def _keep(graph: Graph, head: tuple[Op, ...]) -> None:
    if len(graph.heads) < _MOST_HEADS and head not in graph.heads:
        graph.heads.append(head)


def _is_linear(node: Any, name: str, children: list[Any]) -> bool:
    if name in ("Mul", "Div"):  # by data or a number, as dropout does
        return any(child is None for child in children) or len(children) == 1
    return name in _LINEAR or _leaves_all(node, name)


def _leaves_all(node: Any, name: str) -> bool:
    """Whether what may bend changes nothing as it is set: a slope of 1 on both sides, limits that nothing comes to."""
    kept = [getattr(node, f"_saved_{each}", None) for each in _SETTINGS.get(name, ())]
    if name in ("LeakyRelu", "RreluWithNoise"):
        return all(each == 1 for each in kept)
    if name in ("Softshrink", "Hardshrink"):
        return kept == [0]
    return bool(kept) and all(each is None or abs(each) >= _FAR_OFF for each in kept) and (kept[0] or 0) <= 0


_SETTINGS = {
    "LeakyRelu": ("negative_slope",), "RreluWithNoise": ("lower", "upper"), "Softshrink": ("lambd",),
    "Hardshrink": ("lambd",), "Hardtanh": ("min_val", "max_val"), "Clamp": ("min", "max"), "ClampMin": ("min",),
    "Threshold": ("threshold",),
}  # fmt: skip
_FAR_OFF = 1e3


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
