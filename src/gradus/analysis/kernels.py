"""Which kind of kernel computes an operation, and what that has to do: work, bytes, starts."""

import math
from collections.abc import Container
from dataclasses import dataclass

from gradus.analysis.formulas import elementwise, macs
from gradus.core.graph import Operation, Value

KINDS = (
    "convolution", "pointwise", "grouped", "depthwise", "transposed", "matrix", "vector", "attention", "recurrent",
    "max pool", "sampling", "channel norm", "row norm", "transcendental", "elementwise", "moving", "view",
)  # fmt: skip

LINEAR = frozenset(KINDS[:9])
"""Kinds whose work is multiply-adds, two operations each."""
_CHANNEL_NORM = frozenset({
    "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "batch_norm", "native_batch_norm",
})  # fmt: skip
_ROW_NORM = frozenset({
    "_fused_rms_norm", "_log_softmax", "_safe_softmax", "_softmax", "logsumexp", "native_group_norm",
    "native_layer_norm",
})  # fmt: skip
_TRANSCENDENTAL = frozenset({
    "acos", "asin", "atan", "cos", "cosh", "elu", "erf", "erfc", "exp", "exp2", "expm1", "gelu", "glu", "log", "log10",
    "log1p", "log2", "log_sigmoid_forward", "mish", "pow", "sigmoid", "silu", "sin", "sinh", "softplus", "tan", "tanh",
})  # fmt: skip
_LOOKUPS = frozenset({"embedding", "gather", "index", "index_select"})
"""They read as much as they return, and not the whole table."""
_NOTHING = frozenset({
    "as_strided_", "detach", "empty", "empty_like", "empty_strided", "lift_fresh", "new_empty", "squeeze_", "t_",
    "transpose_", "unsqueeze_",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Demand:
    """What an operation asks of the machine.

    Attributes:
        kind: one of KINDS.
        work: floating-point operations of linear algebra; of the other kinds, elements computed.
        moved: bytes of all tensors it takes and makes, each once.
        made: bytes of the largest tensor it makes.
        starts: how often it begins anew: of a recurrent layer, once a step.
    """

    kind: str
    work: int
    moved: int
    made: int = 0
    starts: int = 1


def demand(operation: Operation, near: Container[int] = ()) -> Demand:
    """What an operation asks of the machine; one without a formula asks to be moved and counts as element-wise.

    Args:
        near: storages that are in the cache, and so need not be moved.
    """
    name = operation.name.removeprefix("aten::")
    if operation.is_view or name in _NOTHING:
        return Demand("view", 0, 0)
    taken = () if name in _LOOKUPS else [each for each in operation.inputs if each.storage not in near]
    moved = sum({each.number: each.bytes for each in (*taken, *operation.results)}.values())
    made = max((each.bytes for each in operation.results), default=0)
    if name in _LOOKUPS:
        return Demand("moving", 0, 2 * moved, made)
    if name == "mkldnn_rnn_layer":
        return _recurrent(operation, moved, made)
    counted = macs(operation)
    if counted:
        return Demand(_linear(name, operation), 2 * counted, moved, made)
    kind = _pointwise(name, elementwise(operation))
    work = _taps(operation) if kind in ("max pool", "sampling") else elementwise(operation) or 0
    return Demand(kind, work, moved, made)


def _linear(name: str, operation: Operation) -> str:
    if "attention" in name:
        return "attention"
    if name in ("convolution", "_convolution"):
        return _convolution(operation)
    if "conv" in name:
        return "convolution"
    # A matrix by a vector reads each weight for one product; with more rows they are first packed into blocks.
    return "vector" if _rows(operation) == 1 else "matrix"


def _convolution(operation: Operation) -> str:
    weight: Value = operation.arguments[1]
    transposed, groups = operation.arguments[6], operation.arguments[8]
    if transposed:
        return "transposed"
    if groups > 1:
        return "depthwise" if weight.shape[1] == 1 else "grouped"
    return "pointwise" if math.prod(weight.shape[2:]) == 1 else "convolution"


def _rows(operation: Operation) -> int:
    shape = operation.results[0].shape
    return int(shape[-2]) if len(shape) > 1 else 1


def _recurrent(operation: Operation, moved: int, made: int) -> Demand:
    """The weights of the state are read anew at every step."""
    steps = operation.inputs[0].shape[0]
    again = (steps - 1) * operation.inputs[2].bytes
    return Demand("recurrent", 2 * (macs(operation) or 0), moved + again, made, steps)


def _pointwise(name: str, elements: int | None) -> str:
    bare = name.removesuffix("_")
    if "max_pool" in name:
        return "max pool"
    if "pool" in name or "upsample" in name or name.startswith("grid_sampler"):
        return "sampling"
    if name in _CHANNEL_NORM:
        return "channel norm"
    if name in _ROW_NORM:
        return "row norm"
    if bare in _TRANSCENDENTAL:
        return "transcendental"
    return "elementwise" if elements or elements is None else "moving"


def _taps(operation: Operation) -> int:
    """How many numbers the windows of pooling and up-sampling look at, all together."""
    name, made = operation.name, operation.results[0]
    if "adaptive" in name:
        return max(operation.inputs[0].elements, made.elements)
    axes = len(made.shape) - 2
    if "pool" in name:
        window: tuple[int, ...] = tuple(operation.arguments[1])
        return made.elements * (math.prod(window) if len(window) > 1 else window[0] ** axes)
    return made.elements * (4**axes if "bicubic" in name else 1 if "nearest" in name else 2**axes)
