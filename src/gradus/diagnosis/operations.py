"""One operation of autograd's graph: what it is called, what it is given, and what can be told of it."""

import math
import re
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from gradus.diagnosis.signs import Op

MOST_NODES = 5000
"""That a walk through a graph comes by."""

LOSSES = frozenset({
    "NllLoss", "NllLoss2D", "MseLoss", "BinaryCrossEntropy", "BinaryCrossEntropyWithLogits", "SmoothL1Loss",
    "HuberLoss",
})  # fmt: skip
"""Operations that are a loss, never negative, and keep what they compare."""

RESHAPING = frozenset({
    "View", "UnsafeView", "Reshape", "ReshapeAlias", "Squeeze", "Unsqueeze", "Alias", "Clone", "ToCopy", "Transpose",
    "T", "Permute", "Select", "Slice", "Expand", "Index", "Copy", "Contiguous", "Unbind", "Split", "Detach",
})  # fmt: skip
"""Operations that change no number."""

ADDING = RESHAPING | {"Add", "Sum", "Stack", "Cat"}
"""Operations by which terms are added up as they are."""

_LINEAR = RESHAPING | {
    "Addmm", "Mm", "Mv", "Linear", "MkldnnLinear", "Convolution", "ConvolutionOverrideable", "Add", "Sub", "Neg",
    "Mean", "Sum", "Cat", "Stack", "AvgPool2D", "AvgPool1D", "MeanPool", "Embedding", "NativeBatchNorm",
    "NativeDropout", "ConstantPadNd", "UpsampleNearest2D", "UpsampleBilinear2D", "AccumulateGrad", "AdaptiveAvgPool2D",
    "PixelShuffle",
}  # fmt: skip
_WITH_PARAMETERS = re.compile(
    r"Addmm|Mm|Mv|Linear|MkldnnLinear|Convolution\w*|Bmm|Baddbmm|Embedding\w*|\w*Rnn\w*|\w*Lstm\w*|\w*Gru\w*|"
    r"\w*BatchNorm\w*|NativeLayerNorm|NativeGroupNorm|ScaledDotProduct\w*|CompiledFunction\w*"
)
_SETTINGS = {
    "LeakyRelu": ("negative_slope",), "RreluWithNoise": ("lower", "upper"), "Softshrink": ("lambd",),
    "Hardshrink": ("lambd",), "Hardtanh": ("min_val", "max_val"), "Clamp": ("min", "max"), "ClampMin": ("min",),
    "Threshold": ("threshold",),
}  # fmt: skip
_FAR_OFF = 1e3
_MOST_PLACES = 4096
_ROUGHLY = 0.05


def short_name(node: Any) -> str:
    """``AddmmBackward0`` as ``Addmm``."""
    name: str = node.name().rpartition("::")[2]
    return re.sub(r"Backward\d*$", "", name)


def operands(node: Any) -> Iterable[Any]:
    """The nodes that computed a node's operands."""
    return (child for child in children_of(node) if child is not None)


def children_of(node: Any) -> list[Any]:
    """The same, with None where an operand is data."""
    return [beyond_sink(child, number) for child, number in node.next_functions]


def beyond_sink(node: Any, number: int) -> Any:
    """Past the one node through which DistributedDataParallel may lead all outputs of a model, each by its number."""
    while type(node).__name__ == "_DDPSinkBackward":
        node, number = node.next_functions[number]
    return node


def is_layer(name: str) -> bool:
    """Whether an operation is one of a layer with parameters."""
    return _WITH_PARAMETERS.fullmatch(name) is not None


def is_linear(node: Any, name: str, children: list[Any]) -> bool:
    """Whether an operation is linear in what is computed, as far as it is known."""
    if name in ("Mul", "Div"):  # by data or a number, as dropout does
        return any(child is None for child in children) or len(children) == 1
    return name in _LINEAR or leaves_all(node, name)


def leaves_all(node: Any, name: str) -> bool:
    """Whether what may bend changes nothing as it is set: a slope of 1 on both sides, limits that nothing comes to."""
    kept = [getattr(node, f"_saved_{each}", None) for each in _SETTINGS.get(name, ())]
    if name in ("LeakyRelu", "RreluWithNoise"):
        return all(each == 1 for each in kept)
    if name in ("Softshrink", "Hardshrink"):
        return kept == [0]
    return bool(kept) and all(each is None or abs(each) >= _FAR_OFF for each in kept) and (kept[0] or 0) <= 0


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
