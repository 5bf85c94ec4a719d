"""Convolution and its transpose along one, two or three axes.

Three sums say everything. With window positions p, kernel taps k, stride s and dilation d,

    correlation       y[p] = sum_k w[k] x[s p + d k]        forward
    its transpose     x[i] = sum of w[k] y[p] where s p + d k = i        error to the input
    products by tap   w[k] = sum_p y[p] x[s p + d k]        error to the weight

over channels as well. The transpose is itself a correlation: of the error, spread out by s - 1 zeros between its
numbers and d (k - 1) around them, with the kernel rotated by 180 degrees and its channels swapped. A transposed
convolution is the same three with the first two changed over.
"""

# N examples, G groups, C input and O output channels of a group; P (one letter an axis: xyz) positions, K (uvw) taps

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.nn.backprop.function import Sizes, applied, per_axis


def convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """A convolution, which is a correlation: kernels are not rotated going forward.

        z = w * a + b,    da = rot180(w) * spread(dz),    dw = dz * a,    db = sum of dz

    Args:
        x: shape (N, G C, ...), with one to three axes more.
        weight: shape (G O, C, ...).
        bias: shape (G O,).
        padding: zeros on both sides; or "valid" for none, or "same" for an output as large as the input.
    Raises:
        InputError: if shapes do not fit.
    """
    axes = _checked("convolution", x, weight, weight.shape[1] * groups, groups)
    strides, dilations = per_axis(stride, axes), per_axis(dilation, axes)
    borders = _borders(padding, weight.shape[2:], strides, dilations)
    for size, taps, gap, border in zip(x.shape[2:], weight.shape[2:], dilations, borders, strict=True):
        if gap * (taps - 1) + 1 > size + sum(border):
            raise InputError("convolution", "the kernel must not be larger than the padded input", tuple(x.shape))
    return applied(_Convolution, x, weight, bias, _Setting(strides, borders, dilations, groups))


def transposed_convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """What a convolution does to errors, done to an input; its errors are convolved.

        z = rot180(w) * spread(a) + b,    da = w * dz,    dw = a * dz,    db = sum of dz

    Along an axis the output has (L - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1 positions.

    Args:
        x: shape (N, G C, ...).
        weight: shape (G C, O, ...), that of the convolution of which this is the transpose.
        bias: shape (G O,).
    Raises:
        InputError: if shapes do not fit.
    """
    axes = _checked("transposed_convolution", x, weight, weight.shape[0], groups)
    strides, dilations, more = per_axis(stride, axes), per_axis(dilation, axes), per_axis(output_padding, axes)
    if any(extra >= max(pair) for extra, *pair in zip(more, strides, dilations, strict=True)):
        raise InputError("output_padding", "must be smaller than stride or dilation", output_padding)
    borders = tuple((each, each) for each in per_axis(padding, axes))
    sizes = tuple(
        (size - 1) * step - sum(border) + gap * (taps - 1) + extra + 1
        for size, taps, step, border, gap, extra in zip(
            x.shape[2:], weight.shape[2:], strides, borders, dilations, more, strict=True
        )
    )
    if min(sizes) < 1:
        raise InputError("transposed_convolution", "padding leaves nothing of the output", sizes)
    return applied(_TransposedConvolution, x, weight, bias, _Setting(strides, borders, dilations, groups), sizes)


class _Setting(NamedTuple):
    strides: tuple[int, ...]
    borders: tuple[tuple[int, int], ...]
    dilations: tuple[int, ...]
    groups: int


class _Convolution(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, setting: _Setting) -> Tensor:
        ctx.save_for_backward(x, weight, bias)
        ctx.setting = setting
        return _plus(_correlation(x, weight, setting), bias)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        x, weight, bias = ctx.saved_tensors
        to_x = _transpose(delta, weight, ctx.setting, x.shape[2:])
        return to_x, _products_by_tap(x, delta, weight, ctx.setting), _to_bias(delta, bias), None


class _TransposedConvolution(Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, setting: _Setting, sizes: tuple[int, ...]
    ) -> Tensor:
        ctx.save_for_backward(x, weight, bias)
        ctx.setting = setting
        return _plus(_transpose(x, weight, setting, sizes), bias)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> Any:
        x, weight, bias = ctx.saved_tensors
        to_x = _correlation(delta, weight, ctx.setting, x.shape[2:])
        return to_x, _products_by_tap(delta, x, weight, ctx.setting), _to_bias(delta, bias), None, None


def _correlation(x: Tensor, weight: Tensor, setting: _Setting, positions: Sequence[int] | None = None) -> Tensor:
    """y[p] = sum_k w[k] x[s p + d k], at the first `positions` of them."""
    windows_NGCPK = _windows(x, weight, setting, positions)
    weight_GOCK = weight.unflatten(0, (setting.groups, -1))
    p, k = _letters(weight)
    return torch.einsum(f"ngc{p}{k},goc{k}->ngo{p}", windows_NGCPK, weight_GOCK).flatten(1, 2)


def _products_by_tap(x: Tensor, y: Tensor, weight: Tensor, setting: _Setting) -> Tensor:
    """w[k] = sum_p y[p] x[s p + d k], of the shape of `weight`."""
    windows_NGCPK = _windows(x, weight, setting, y.shape[2:])
    y_NGOP = y.unflatten(1, (setting.groups, -1))
    p, k = _letters(weight)
    return torch.einsum(f"ngc{p}{k},ngo{p}->goc{k}", windows_NGCPK, y_NGOP).flatten(0, 1)


def _transpose(y: Tensor, weight: Tensor, setting: _Setting, sizes: Sequence[int]) -> Tensor:
    """x[i] = sum of w[k] y[p] where s p + d k = i: a correlation of the spread y with the rotated kernel.

    `sizes` are those of x without its borders; positions that no window reached get 0.
    """
    axes = tuple(range(2, weight.ndim))
    spread = y.new_zeros(*y.shape[:2], *((n - 1) * s + 1 for n, s in zip(y.shape[2:], setting.strides, strict=True)))
    spread[(slice(None), slice(None), *(slice(None, None, step) for step in setting.strides))] = y
    rotated_GOCK = weight.flip(axes).unflatten(0, (setting.groups, -1))
    swapped = rotated_GOCK.transpose(1, 2).flatten(0, 1)
    reach = [gap * (taps - 1) for gap, taps in zip(setting.dilations, weight.shape[2:], strict=True)]
    around = tuple((each, each) for each in reach)
    everywhere = _correlation(spread, swapped, _Setting((1,) * len(axes), around, setting.dilations, setting.groups))
    cut = [
        (-low, low + size - whole)
        for (low, _), size, whole in zip(setting.borders, sizes, everywhere.shape[2:], strict=True)
    ]
    return _bordered(everywhere, cut)


def _windows(x: Tensor, weight: Tensor, setting: _Setting, positions: Sequence[int] | None) -> Tensor:
    """What each window sees; shape (N, G, C, *positions, *taps), a view of the padded input."""
    windows = _bordered(x, setting.borders)
    for axis, (taps, gap, step) in enumerate(zip(weight.shape[2:], setting.dilations, setting.strides, strict=True), 2):
        windows = windows.unfold(axis, gap * (taps - 1) + 1, step)[..., ::gap]
        if positions is not None:
            windows = windows.narrow(axis, 0, positions[axis - 2])
    grouped: Tensor = windows.unflatten(1, (setting.groups, -1))
    return grouped


def _bordered(x: Tensor, borders: Sequence[tuple[int, int]]) -> Tensor:
    """With so many zeros before and behind, axis by axis; what is below 0 is cut off."""
    return functional.pad(x, [each for pair in reversed(borders) for each in pair])


def _plus(z: Tensor, bias: Tensor | None) -> Tensor:
    return z if bias is None else z + bias.reshape(-1, *[1] * (z.ndim - 2))


def _to_bias(delta: Tensor, bias: Tensor | None) -> Tensor | None:
    return None if bias is None else delta.sum((0, *range(2, delta.ndim)))


def _letters(weight: Tensor) -> tuple[str, str]:
    return "xyz"[: weight.ndim - 2], "uvw"[: weight.ndim - 2]


def _checked(owner: str, x: Tensor, weight: Tensor, channels: int, groups: int) -> int:
    """How many axes there are to move along."""
    axes = weight.ndim - 2
    if axes not in (1, 2, 3):
        raise InputError(owner, "the weight must have one to three axes besides channels", tuple(weight.shape))
    if x.ndim != weight.ndim:
        raise InputError(owner, f"the input must have {weight.ndim} axes", tuple(x.shape), "The first counts examples.")
    if groups < 1 or weight.shape[0] % groups:
        raise InputError(owner, f"groups must divide the {weight.shape[0]} channels of the weight", groups)
    if x.shape[1] != channels:
        raise InputError(owner, f"the input must have {channels} channels", tuple(x.shape))
    return axes


def _borders(
    padding: Sizes | str, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    """The zeros before and behind along each axis."""
    if padding == "same":
        if max(strides) > 1:
            raise InputError("padding", "must be numbers where the stride is above 1", padding)
        reach = [gap * (taps - 1) for gap, taps in zip(dilations, kernel, strict=True)]
        return tuple((each // 2, each - each // 2) for each in reach)
    if isinstance(padding, str) and padding != "valid":
        raise InputError("padding", "must be numbers, `same` or `valid`", padding)
    return tuple((each, each) for each in per_axis(0 if isinstance(padding, str) else padding, len(kernel)))
