"""What one operation costs, from its shapes alone.

One multiply-add of convolution and linear algebra counts one. Element-wise operations, normalization, activation,
pooling and softmax are counted apart, one an element.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._pytree import tree_map
from torch.utils.flop_counter import flop_registry

from gradus.core.graph import Operation, Value

_MOVES = frozenset({
    "_copy_from", "_to_copy", "_unsafe_view", "alias", "arange", "bernoulli", "cat",
    "clone", "constant_pad_nd", "copy", "copy_", "detach", "embedding", "empty", "empty_like", "empty_strided", "eye",
    "fill_", "flip", "full", "full_like", "gather", "index", "index_put", "index_put_", "index_select", "lift_fresh",
    "linspace", "new_empty", "new_full", "new_ones", "new_zeros", "ones", "ones_like", "pixel_shuffle",
    "pixel_unshuffle", "rand", "rand_like", "randint", "randn", "randn_like", "reflection_pad1d", "reflection_pad2d",
    "repeat", "replication_pad1d", "replication_pad2d", "resize_", "roll", "scalar_tensor", "scatter", "set_", "split",
    "split_with_sizes", "slice_scatter", "stack", "tril", "triu", "unsafe_split", "unsafe_split_with_sizes", "zero_",
    "zeros", "zeros_like",
})  # fmt: skip
"""Operations that make, move or copy numbers and compute none."""

_PASSES = frozenset({
    "_log_softmax", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "_safe_softmax", "_softmax",
    "all", "amax", "amin", "any", "argmax", "argmin", "avg_pool1d", "avg_pool2d", "avg_pool3d", "_adaptive_avg_pool2d",
    "_adaptive_avg_pool3d", "adaptive_max_pool2d", "aminmax", "batch_norm", "cudnn_batch_norm", "cummax", "cumprod",
    "cumsum", "linalg_vector_norm", "logcumsumexp", "logsumexp", "max", "max_pool2d_with_indices",
    "max_pool3d_with_indices", "mean", "median", "min", "mkldnn_max_pool2d", "native_batch_norm", "native_group_norm",
    "native_layer_norm", "_fused_rms_norm", "norm", "prod", "std", "std_mean", "sum", "var", "var_mean",
    "_weight_norm_interface",
})  # fmt: skip
"""Operations that pass over their input: one an element of it."""

_UNTAGGED = frozenset({"_prelu_kernel", "glu", "hardswish", "log_sigmoid_forward", "rrelu_with_noise"})
"""Activations, in place or not, that torch does not tag as pointwise."""

_RESAMPLES = ("upsample_", "_upsample_", "grid_sampler")


def macs(operation: Operation) -> int | None:
    """Multiply-adds of an operation; 0 of one that has none by convention; None where no formula is known."""
    name = operation.name.removeprefix("aten::")
    own = _OWN.get(name)
    if own is not None:
        return own(operation)
    formula = flop_registry.get(operation.target.overloadpacket)
    if formula is not None:
        arguments, keywords = tree_map(_shape, (operation.arguments, dict(operation.keywords)))
        made = tuple(each.shape for each in operation.results)
        return int(formula(*arguments, **keywords, out_val=made[0] if len(made) == 1 else made)) // 2
    return 0 if elementwise(operation) is not None else None


def elementwise(operation: Operation) -> int | None:
    """Element-wise operations; 0 of linear algebra and of what only moves numbers; None where that is not known."""
    name = operation.name.removeprefix("aten::")
    if name in _OWN or operation.target.overloadpacket in flop_registry:
        return 0
    if name in _MOVES or operation.target.is_view:
        return 0
    if name in _PASSES:
        return operation.inputs[0].elements if operation.inputs else 0
    pointwise = torch.Tag.pointwise in operation.target.tags or name.rstrip("_") in _UNTAGGED
    if pointwise or name.startswith(_RESAMPLES):
        return max((each.elements for each in operation.results), default=0)
    return None


def _shape(leaf: Any) -> Any:
    return leaf.shape if isinstance(leaf, Value) else leaf


def _attention(operation: Operation) -> int:
    """Scores and their weighted sum, all of them: a causal mask spares no arithmetic by convention."""
    query, key, value = (each.shape for each in operation.inputs[:3])
    return math.prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _recurrent_layer(operation: Operation) -> int:
    """Every step multiplies its input and its state by their matrices."""
    steps, batch, _ = operation.inputs[0].shape
    return steps * batch * sum(each.elements for each in operation.inputs[1:3])


def _contraction(operation: Operation) -> int:
    """A vector by a vector, or a matrix by a vector: as many as the larger one has elements."""
    return max(each.elements for each in operation.inputs[-2:])


def _trilinear(operation: Operation) -> int:
    """Of a bilinear layer: every pair of inputs for every output, and the sum over the second input."""
    first, weight = (each.shape for each in operation.inputs[:2])
    return first[0] * math.prod(weight[-3:])


_OWN: dict[str, Callable[[Operation], int]] = {
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_flash_attention": _attention,
    "_scaled_dot_product_efficient_attention": _attention,
    "_scaled_dot_product_cudnn_attention": _attention,
    "_scaled_dot_product_fused_attention_overrideable": _attention,
    "mkldnn_rnn_layer": _recurrent_layer,
    "mv": _contraction,
    "addmv": _contraction,
    "dot": _contraction,
    "vdot": _contraction,
    "_trilinear": _trilinear,
}
