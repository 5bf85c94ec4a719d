"""What one operation costs, from its shapes alone.

One multiply-add of convolution and linear algebra counts one. Element-wise operations, normalization, activation,
pooling and softmax are counted apart, one an element.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

from gradus.core.graph import Operation, Trace, Value
from gradus.core.trees import changed

_MOVES = frozenset({
    "alias", "arange", "as_strided", "as_strided_scatter", "bernoulli", "block_diag", "cat", "cauchy",
    "channel_shuffle", "clone", "complex", "constant_pad_nd", "copy", "_copy_from", "detach", "diag_embed",
    "diagonal_scatter", "embedding", "empty", "empty_like", "empty_permuted", "empty_strided", "exponential", "eye",
    "fft_fftfreq", "fft_rfftfreq", "fill", "flip", "full", "full_like", "gather", "geometric", "hamming_window",
    "hann_window", "im2col", "index", "index_copy", "index_fill", "index_put", "index_select", "lift", "lift_fresh",
    "linspace", "log_normal", "logspace", "masked_scatter", "masked_select", "max_unpool2d", "max_unpool3d",
    "multinomial", "new_empty", "new_empty_strided", "new_full", "new_ones", "new_zeros", "nonzero", "nonzero_static",
    "normal", "normal_functional", "ones", "ones_like", "_pack_padded_sequence", "pixel_shuffle", "pixel_unshuffle",
    "put", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "random", "randperm", "range",
    "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "repeat", "repeat_interleave", "replication_pad1d",
    "replication_pad2d", "replication_pad3d", "resize", "resize_as", "roll", "rot90", "scalar_tensor", "scatter",
    "select_scatter", "set", "slice_scatter", "split", "split_with_sizes", "squeeze", "stack", "swapaxes", "t", "take",
    "_to_copy", "transpose", "tril", "tril_indices", "triu", "triu_indices", "uniform", "_unsafe_index",
    "_unsafe_index_put", "unsafe_split", "unsafe_split_with_sizes", "_unsafe_view", "unsqueeze", "zero", "zeros",
    "zeros_like",
})  # fmt: skip
"""Operations that make, move or copy numbers and compute none."""

_PASSES = frozenset({
    "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d", "all", "amax", "amin",
    "_aminmax", "aminmax", "any", "argmax", "argmin", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_norm",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "bincount", "col2im", "count_nonzero",
    "cudnn_batch_norm", "cummax", "cummin", "cumprod", "cumsum", "dist", "fractional_max_pool2d",
    "fractional_max_pool3d", "_fused_rms_norm", "histc", "huber_loss", "kthvalue", "linalg__powsum",
    "linalg_vector_norm", "_log_softmax", "logcumsumexp", "_logcumsumexp", "logsumexp", "_masked_softmax", "max",
    "max_pool2d_with_indices", "max_pool3d_with_indices", "mean", "median", "min", "mkldnn_max_pool2d", "mode",
    "mse_loss", "multi_margin_loss", "nanmedian", "nansum", "native_batch_norm", "_native_batch_norm_legit",
    "_native_batch_norm_legit_no_training", "native_group_norm", "native_layer_norm", "nll_loss2d_forward",
    "nll_loss_forward", "norm", "prod", "renorm", "_safe_softmax", "segment_reduce", "smooth_l1_loss",
    "soft_margin_loss", "_softmax", "sort", "std", "std_mean", "sum", "topk", "trace", "var", "var_mean",
    "_weight_norm_interface",
})  # fmt: skip
"""Operations that pass over their input: one an element of it."""

_ADDS = frozenset({
    "index_add", "index_reduce", "scatter_add", "scatter_reduce",
})  # fmt: skip
"""Operations that add into a tensor: one an element of what is added, the last input."""

_BAGS = ("_embedding_bag", "_embedding_bag_forward_only")
"""Operations that add up chosen rows: one an element of those."""

_POINTWISE = frozenset({
    "bucketize", "fake_quantize_per_channel_affine_cachemask", "fake_quantize_per_tensor_affine_cachemask",
    "floor_divide", "_fused_dropout", "glu", "hardswish", "isin", "linalg_cross", "log_sigmoid_forward", "masked_fill",
    "native_dropout", "polar", "_prelu_kernel", "rrelu_with_noise", "rsub", "searchsorted",
})  # fmt: skip
"""Operations that torch does not tag as pointwise, though they are: one an element of the result."""

_RESAMPLES = ("upsample_", "_upsample_", "grid_sampler")


def macs(operation: Operation) -> int | None:
    """Multiply-adds of an operation; 0 of one that has none by convention; None where no formula is known."""
    formula = _formula(operation)
    if formula is not None:
        return formula(operation)
    return 0 if elementwise(operation) is not None else None


def total_macs(seen: Trace) -> int:
    """Multiply-adds of a whole pass; operations without a formula add none."""
    return sum(macs(each) or 0 for each in seen.operations)


def elementwise(operation: Operation) -> int | None:
    """Element-wise operations; 0 of linear algebra and of what only moves numbers; None where that is not known."""
    name = _name(operation)
    if name in _MOVES or operation.is_view:
        return 0
    if _is_sparse(operation):
        return None
    if _formula(operation) is not None:
        return 0
    if name in _PASSES or name in _ADDS:
        return operation.inputs[-1 if name in _ADDS else 0].elements
    if name in _BAGS:
        rows, chosen = operation.inputs[:2]
        return chosen.elements * rows.shape[-1]
    if _is_pointwise(operation):
        return max((each.elements for each in operation.results), default=0)
    return None


def _formula(operation: Operation) -> Callable[[Operation], int] | None:
    """Ours, or else torch's."""
    name = _name(operation)
    if name in _OWN:
        return None if _is_sparse(operation) else _OWN[name]
    registered = flop_registry.get(_packet(operation))
    return None if registered is None or _is_sparse(operation) else partial(_by_shapes, registered)


def _by_shapes(formula: Callable[..., int], operation: Operation) -> int:
    arguments, keywords = changed(_shape, operation.arguments), changed(_shape, operation.keywords)
    made = tuple(each.shape for each in operation.results)
    return int(formula(*arguments, **keywords, out_val=made[0] if len(made) == 1 else made)) // 2


def _name(operation: Operation) -> str:
    """Without "aten::", and of an operation in place the name of the other."""
    return operation.name.removeprefix("aten::").removesuffix("_")


def _packet(operation: Operation) -> Any:
    """All overloads of an operation; of one in place, those of the other."""
    return getattr(torch.ops.aten, _name(operation), None) or getattr(operation.target, "overloadpacket", None)


def _is_pointwise(operation: Operation) -> bool:
    name = _name(operation)
    other = getattr(_packet(operation), getattr(operation.target, "_overloadname", ""), operation.target)
    tagged = any(torch.Tag.pointwise in getattr(each, "tags", ()) for each in (operation.target, other))
    return tagged or name in _POINTWISE or name.startswith(_RESAMPLES)


def _is_sparse(operation: Operation) -> bool:
    """Whether an input is: then what it costs depends on numbers."""
    return any(each.storage < 0 for each in operation.inputs)


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


def _product(operation: Operation) -> int:
    """Of two matrices, the last two inputs, or of as many pairs of them."""
    first, second = (each.shape for each in operation.inputs[-2:])
    return math.prod(first) * second[-1]


def _grouped_product(operation: Operation) -> int:
    """Of rows (or columns) in groups by the matrix of each group; every row is in one."""
    first, second = (each.shape for each in operation.inputs[:2])
    groups = first[0] if len(first) == len(second) == 3 else 1
    return groups * math.prod(first[-2:]) * second[-1]


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
    "flex_attention": _attention,
    "mkldnn_rnn_layer": _recurrent_layer,
    "mv": _contraction,
    "addmv": _contraction,
    "dot": _contraction,
    "vdot": _contraction,
    "_trilinear": _trilinear,
    "addbmm": _product,
    "_int_mm": _product,
    "_grouped_mm": _grouped_product,
}
