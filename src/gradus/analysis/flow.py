"""What operations do to where their numbers come from: a rule for each."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import torch

from gradus.analysis import patterns
from gradus.analysis.origins import Origins, combined
from gradus.analysis.reach import Pattern
from gradus.core.graph import Operation

Shape = tuple[int, ...]
Arguments = Mapping[str, Any]
"""Of an operation, by name."""
Found = Origins | Sequence[Origins | None]
"""What the results depend on: one for all of them, or one for each."""

RuleOfOne = Callable[[Origins, Arguments, Shape], Found]
RuleOfSeveral = Callable[[list[Origins | None], Arguments, Shape], Found]

_OF_ONE: dict[str, RuleOfOne] = {}
"""Rules of operations that only their first tensor brings positions to; the shape is that of the first result."""
_OF_SEVERAL: dict[str, RuleOfSeveral] = {}
"""Rules that are given what each tensor depends on; None of what the input has no part in."""


def origins(operation: Operation, given: list[Origins | None]) -> Found:
    """What an operation's results depend on, from what its tensors do.

    Raises:
        LookupError: there is no rule for that.
    """
    name = operation.name.removeprefix("aten::")
    name = name if name in _OF_ONE or name in _OF_SEVERAL else name.removesuffix("_")
    shape = operation.results[0].shape
    if name in _OF_SEVERAL:
        return _OF_SEVERAL[name](given, _arguments(operation), shape)
    if name in _OF_ONE and given[0] is not None and not any(given[1:]):
        return _OF_ONE[name](given[0], _arguments(operation), shape)
    if torch.Tag.pointwise in getattr(operation.target, "tags", ()):
        return _elementwise(given, {}, shape)
    raise LookupError(operation.name)


def _arguments(operation: Operation) -> dict[str, Any]:
    declared: Any = getattr(operation.target, "_schema", None)
    declared = declared.arguments if declared is not None else ()
    usual = {each.name: each.default_value for each in declared if each.has_default_value()}
    placed = zip((each.name for each in declared), operation.arguments, strict=False)
    return {**usual, **dict(placed), **operation.keywords}


def _one(*names: str) -> Callable[[RuleOfOne], RuleOfOne]:
    def enter(rule: RuleOfOne) -> RuleOfOne:
        _OF_ONE.update(dict.fromkeys(names, rule))
        return rule

    return enter


def _several(*names: str) -> Callable[[RuleOfSeveral], RuleOfSeveral]:
    def enter(rule: RuleOfSeveral) -> RuleOfSeveral:
        _OF_SEVERAL.update(dict.fromkeys(names, rule))
        return rule

    return enter


def _per_axis(setting: Any, number: int) -> list[Any]:
    """A setting that may be given once for all axes."""
    values = list(setting) if isinstance(setting, Sequence) else [setting]
    return values * number if len(values) == 1 else values


# Element by element


@_several("where", "masked_fill", "addcmul", "addcdiv", "lerp", "prelu", "_prelu_kernel", "native_dropout")
def _elementwise(given: list[Origins | None], a: Arguments, shape: Shape) -> Found:
    return combined([each for each in given if each is not None], shape)


@_one(
    "_to_copy", "alias", "bernoulli", "clone", "contiguous", "detach", "hardswish", "lift_fresh", "log_sigmoid_forward",
    "rrelu_with_noise", "tril", "triu", "_native_batch_norm_legit_no_training",
)  # fmt: skip
def _as_it_was(x: Origins, a: Arguments, shape: Shape) -> Found:
    return x


@_several("copy")
def _copied(given: list[Origins | None], a: Arguments, shape: Shape) -> Found:
    return [given[1].broadcast(shape) if given[1] is not None else None]


@_several("embedding")
def _looked_up(given: list[Origins | None], a: Arguments, shape: Shape) -> Found:
    numbers = given[1]
    return [numbers.inserted(len(numbers.dims), shape[-1]) if numbers is not None else None]


@_several("fill", "zero", "empty_like", "full_like", "new_empty", "new_full", "new_ones", "new_zeros", "ones_like",
          "rand_like", "randn_like", "zeros_like")  # fmt: skip
def _overwritten(given: list[Origins | None], a: Arguments, shape: Shape) -> Found:
    return [None]


# Windows


@_one("convolution")
def _convolved(x: Origins, a: Arguments, shape: Shape) -> Found:
    _, _, *kernel = a["weight"].shape
    settings = [_per_axis(a[name], len(kernel)) for name in ("stride", "padding", "dilation")]
    pattern = patterns.transposed if a["transposed"] else patterns.window
    for dim, *look in zip(_last(x, kernel), kernel, *settings, strict=True):
        x = x.pull(dim, pattern(*look), shape[dim])
    return _through_channels(x, a["groups"], shape[1])


def _through_channels(x: Origins, groups: int, outputs: int) -> Origins:
    """Channels mix, each group by itself."""
    if groups == 1 or not x.carries(1):
        return x.sized(1, outputs)
    n, channels, *rest = x.shape
    grouped = x.viewed([n, groups, channels // groups, *rest])
    return grouped.sized(2, outputs // groups).viewed([n, outputs, *rest])


@_one("avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool2d_with_indices", "max_pool3d_with_indices",
      "mkldnn_max_pool2d", "mkldnn_max_pool3d")  # fmt: skip
def _pooled(x: Origins, a: Arguments, shape: Shape) -> Found:
    kernel = a["kernel_size"]
    settings = [
        _per_axis(setting, len(kernel)) for setting in (a["stride"] or kernel, a["padding"], a.get("dilation", 1))
    ]
    for dim, *look in zip(_last(x, kernel), kernel, *settings, strict=True):
        x = x.pull(dim, patterns.window(*look), shape[dim])
    return x


@_one("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_avg_pool1d", "adaptive_max_pool2d",
      "adaptive_max_pool3d")  # fmt: skip
def _pooled_to_a_size(x: Origins, a: Arguments, shape: Shape) -> Found:
    for dim in _last(x, a["output_size"]):
        size = shape[dim]
        x = x.sized(dim, 1) if size == 1 else x.pull(dim, patterns.adaptive(x.shape[dim], size), size)
    return x


@_one("unfold")
def _sliding(x: Origins, a: Arguments, shape: Shape) -> Found:
    dim = a["dimension"] % len(x.dims)
    return _windows(x, dim, [Pattern([[tap]], a["step"]) for tap in range(a["size"])], shape[dim])


def _windows(x: Origins, dim: int, taps: Sequence[Pattern], outputs: int) -> Origins:
    """With windows along a dimension, and a new last dimension that tells their taps apart."""
    looks = [x.pull(dim, tap, outputs).inserted(len(x.dims)) for tap in taps]
    spread = [each.within(-1, at, len(taps)) for at, each in enumerate(looks)]
    return combined(spread, spread[0].shape)


@_one("im2col")
def _unfolded(x: Origins, a: Arguments, shape: Shape) -> Found:
    for dim, (kernel, stride, padding, dilation) in zip((2, 3), _looks(a), strict=True):
        taps = [patterns.window(1, stride, padding - tap * dilation) for tap in range(kernel)]
        x = _windows(x, dim, taps, (x.shape[dim] + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1)
    return x.permuted([0, 1, 4, 5, 2, 3]).viewed(shape)


@_one("col2im")
def _folded(x: Origins, a: Arguments, shape: Shape) -> Found:
    looks = _looks(a)
    blocks = [
        (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        for size, (kernel, stride, padding, dilation) in zip(shape[2:], looks, strict=True)
    ]
    x = x.viewed([*shape[:2], *a["kernel_size"], *blocks]).permuted([0, 1, 4, 5, 2, 3])
    for dim, (kernel, stride, padding, dilation) in zip((3, 2), looks[::-1], strict=True):
        taps = [patterns.transposed(1, stride, padding - tap * dilation) for tap in range(kernel)]
        outputs = [x.picked(-1, at).pull(dim, tap, shape[dim]) for at, tap in enumerate(taps)]
        x = combined(outputs, outputs[0].shape)
    return x


def _looks(a: Arguments) -> list[tuple[int, ...]]:
    """Kernel, stride, padding and dilation of each axis."""
    return list(zip(a["kernel_size"], a["stride"], a["padding"], a["dilation"], strict=True))


# Up and down


def _interpolated(pattern: Callable[[Fraction], Pattern], x: Origins, a: Arguments, shape: Shape) -> Found:
    scales = [a[name] for name in ("scales", "scales_d", "scales_h", "scales_w") if name in a]
    for dim, scale in zip(_last(x, scales), scales, strict=True):
        size, outputs = x.shape[dim], shape[dim]
        ratio = 1 / Fraction(scale).limit_denominator(10_000) if scale else Fraction(size, outputs)
        if a.get("align_corners"):
            ratio = Fraction(size - 1, max(outputs - 1, 1))
        x = x.pull(dim, pattern(ratio), outputs)
    return x


@_one("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d")
def _nearest(x: Origins, a: Arguments, shape: Shape) -> Found:
    return _interpolated(partial(patterns.nearest, exact=False), x, a, shape)


@_one("_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "_upsample_nearest_exact3d")
def _nearest_exact(x: Origins, a: Arguments, shape: Shape) -> Found:
    return _interpolated(partial(patterns.nearest, exact=True), x, a, shape)


def _smoothed(cubic: bool, antialias: bool, x: Origins, a: Arguments, shape: Shape) -> Found:
    pattern = partial(patterns.smooth, corners=a["align_corners"], cubic=cubic, antialias=antialias)
    return _interpolated(pattern, x, a, shape)


_one("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d")(partial(_smoothed, False, False))
_one("_upsample_bilinear2d_aa")(partial(_smoothed, False, True))
_one("upsample_bicubic2d")(partial(_smoothed, True, False))
_one("_upsample_bicubic2d_aa")(partial(_smoothed, True, True))


@_one("pixel_shuffle")
def _shuffled(x: Origins, a: Arguments, shape: Shape) -> Found:
    r, (*n, channels, height, width) = a["upscale_factor"], x.shape
    k = len(n)
    cut = x.viewed([*n, channels // r**2, r, r, height, width])
    return cut.permuted([*range(k + 1), k + 3, k + 1, k + 4, k + 2]).viewed(shape)


@_one("pixel_unshuffle")
def _unshuffled(x: Origins, a: Arguments, shape: Shape) -> Found:
    r, (*n, channels, height, width) = a["downscale_factor"], x.shape
    k = len(n)
    cut = x.viewed([*n, channels, height // r, r, width // r, r])
    return cut.permuted([*range(k + 1), k + 2, k + 4, k + 1, k + 3]).viewed(shape)


@_one("channel_shuffle")
def _channels_shuffled(x: Origins, a: Arguments, shape: Shape) -> Found:
    n, channels, *rest = x.shape
    cut = x.viewed([n, a["groups"], channels // a["groups"], *rest])
    return cut.permuted([0, 2, 1, *range(3, len(rest) + 3)]).viewed(shape)


# Everything along a dimension


def _dims(x: Origins, a: Arguments) -> list[int]:
    """The dimensions that an operation names; all if it names none."""
    dims = a.get("dim")
    chosen = list(dims) if isinstance(dims, Sequence) else [dims] if dims is not None else []
    return [dim % len(x.dims) for dim in chosen] or list(range(len(x.dims)))


@_one("all", "amax", "amin", "any", "argmax", "argmin", "linalg_vector_norm", "logsumexp", "max", "mean", "median",
      "min", "nansum", "norm", "prod", "std", "std_mean", "sum", "var", "var_mean")  # fmt: skip
def _reduced(x: Origins, a: Arguments, shape: Shape) -> Found:
    if a.get("keepdim"):
        for dim in _dims(x, a):
            x = x.sized(dim, 1)
        return x
    return x.removed(*_dims(x, a))


@_one("_log_softmax", "_safe_softmax", "_softmax", "sort")
def _along(x: Origins, a: Arguments, shape: Shape) -> Found:
    return x.mixed(*_dims(x, a))


@_several("index")
def _indexed(given: list[Origins | None], a: Arguments, shape: Shape) -> Found:
    """Dimensions that are indexed come out where the first of them was, or first of all if they were apart."""
    x, *others = given
    if x is None or any(others):
        raise LookupError("numbers that depend on the input choose")
    indexed = [dim for dim, each in enumerate(a["indices"]) if each is not None]
    first = indexed[0] if indexed == list(range(indexed[0], indexed[-1] + 1)) else 0
    kept = x.removed(*indexed)
    for dim in range(first, first + len(shape) - len(kept.dims)):
        kept = kept.inserted(dim, shape[dim])
    return kept


@_one("topk", "index_select", "gather")
def _picked_by_number(x: Origins, a: Arguments, shape: Shape) -> Found:
    """Which are picked is not known beforehand: it may be any."""
    return x.sized(a["dim"], shape[a["dim"]])


@_one("native_layer_norm", "_fused_rms_norm")
def _layer_normalized(x: Origins, a: Arguments, shape: Shape) -> Found:
    return _with_statistics(x, _last(x, a["normalized_shape"]))


@_one("native_group_norm")
def _group_normalized(x: Origins, a: Arguments, shape: Shape) -> Found:
    return _with_statistics(x, range(1, len(x.dims)))


@_one("native_batch_norm", "_native_batch_norm_legit", "batch_norm", "cudnn_batch_norm")
def _batch_normalized(x: Origins, a: Arguments, shape: Shape) -> Found:
    return _with_statistics(x, [0, *range(2, len(x.dims))]) if a["training"] else [x]


def _with_statistics(x: Origins, dims: Sequence[int]) -> list[Origins | None]:
    """Each element depends on itself, and on all whose mean and variance it is normalized by."""
    return [combined([x, x.mixed(*dims)], x.shape)]


@_one("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp")
def _accumulated(x: Origins, a: Arguments, shape: Shape) -> Found:
    return x.up_to(a["dim"], shape[a["dim"]])


@_one("mkldnn_rnn_layer")
def _recurrent(x: Origins, a: Arguments, shape: Shape) -> Found:
    through = x.sized(2, shape[2]).up_to(0, shape[0], back=a["reverse"])
    last = x.sized(2, shape[2]).removed(0)
    return [through, last, last, None]


# Linear algebra


@_several("mm", "bmm", "addmm", "baddbmm")
def _multiplied(given: list[Origins | None], a: Arguments, shape: Shape) -> Found:
    *bias, rows, columns = given
    parts = [each for each in bias if each is not None]
    parts += [rows.sized(-1, shape[-1])] if rows is not None else []
    parts += [columns.sized(-2, shape[-2])] if columns is not None else []
    return combined(parts, shape)


@_several(
    "_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_fused_attention_overrideable",
)  # fmt: skip
def _attended(given: list[Origins | None], a: Arguments, shape: Shape) -> Found:
    """A query sees itself and every key, or with a causal mask those that do not come after it."""
    query, *keys = given
    parts = [query.sized(-1, shape[-1])] if query is not None else []
    for each in keys:
        if each is None:
            continue
        wide = each.sized(-1, shape[-1])
        seen = wide.up_to(-2, shape[-2]) if a["is_causal"] else wide.sized(-2, shape[-2])
        parts.append(seen if seen.shape[1] == shape[1] else seen.sized(1, shape[1]))
    return [combined(parts, shape)]


# Other shapes


@_one("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "_reshape_alias")
def _viewed(x: Origins, a: Arguments, shape: Shape) -> Found:
    return x.viewed(shape)


@_one("permute")
def _permuted(x: Origins, a: Arguments, shape: Shape) -> Found:
    return x.permuted([dim % len(x.dims) for dim in a["dims"]])


@_one("transpose", "t")
def _transposed(x: Origins, a: Arguments, shape: Shape) -> Found:
    order = list(range(len(x.dims)))
    first, second = a.get("dim0", 0), a.get("dim1", len(order) - 1)
    order[first], order[second] = order[second], order[first]
    return x.permuted(order)


@_one("expand")
def _expanded(x: Origins, a: Arguments, shape: Shape) -> Found:
    return x.broadcast(shape)


@_one("repeat")
def _repeated(x: Origins, a: Arguments, shape: Shape) -> Found:
    for _ in range(len(shape) - len(x.dims)):
        x = x.inserted(0)
    for dim, size in enumerate(shape):
        if size != x.shape[dim]:
            x = x.bounded().pull(dim, Pattern([[at % x.shape[dim]] for at in range(size)], size), size)
    return x


@_one("slice")
def _sliced(x: Origins, a: Arguments, shape: Shape) -> Found:
    size = x.shape[a["dim"]]
    start = min(max((a["start"] or 0) + (size if (a["start"] or 0) < 0 else 0), 0), size)
    if shape == x.shape:
        return x
    return x.pull(a["dim"], Pattern([[start]], a["step"]), shape[a["dim"]])


@_one("select")
def _selected(x: Origins, a: Arguments, shape: Shape) -> Found:
    return x.picked(a["dim"], a["index"])


@_one("unbind")
def _unbound(x: Origins, a: Arguments, shape: Shape) -> Found:
    return [x.picked(a["dim"], at) for at in range(x.shape[a["dim"]])]


@_one("split", "unsafe_split", "split_with_sizes", "unsafe_split_with_sizes")
def _cut(x: Origins, a: Arguments, shape: Shape) -> Found:
    dim, whole = a["dim"], x.shape[a["dim"]]
    sizes = a.get("split_sizes", a.get("split_size"))
    if isinstance(sizes, int):
        sizes = [min(sizes, whole - start) for start in range(0, whole, sizes)]
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    return [x.pull(dim, Pattern([[start]], 1), size) for start, size in zip(starts, sizes, strict=True)]


@_one("glu")
def _gated(x: Origins, a: Arguments, shape: Shape) -> Found:
    size = shape[a["dim"]]
    return combined([x.pull(a["dim"], Pattern([[start]], 1), size) for start in (0, size)], shape)


@_one("constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d",
      "replication_pad2d", "replication_pad3d")  # fmt: skip
def _padded(x: Origins, a: Arguments, shape: Shape) -> Found:
    """What is put around a border shifts what is within; the border itself is not followed."""
    amounts = a.get("pad", a.get("padding"))
    for place, before in enumerate(amounts[::2], 1):
        if shape[-place] != x.shape[-place] or before:
            x = x.pull(-place, Pattern([[-before]], 1), shape[-place])
    return x


@_one("flip")
def _flipped(x: Origins, a: Arguments, shape: Shape) -> Found:
    for dim in a["dims"]:
        x = x.pull(dim, Pattern([[shape[dim] - 1]], -1), shape[dim])
    return x


@_one("roll")
def _rolled(x: Origins, a: Arguments, shape: Shape) -> Found:
    """What leaves on one side and comes in on the other is not followed, as with padding."""
    for shift, dim in zip(a["shifts"], a["dims"], strict=True):
        x = x.pull(dim, Pattern([[-shift]], 1), shape[dim])
    return x


@_several("cat", "stack")
def _joined(given: list[Origins | None], a: Arguments, shape: Shape) -> Found:
    dim, start, parts = a["dim"] % len(shape), 0, []
    for value, each in zip(a["tensors"], given, strict=True):
        stacked = len(value.shape) < len(shape)
        if each is not None:
            parts.append((each.inserted(dim) if stacked else each).within(dim, start, shape[dim]))
        start += 1 if stacked else value.shape[dim]
    return combined(parts, shape)


def _last(x: Origins, settings: Sequence[Any]) -> range:
    """The last dimensions, as many as there are settings."""
    return range(len(x.dims) - len(settings), len(x.dims))
