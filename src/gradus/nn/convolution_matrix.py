"""A convolution as the matrix it is, and a transposed one as the convolution it is.

A convolution is linear, so one matrix M says what it does to an input written as one column: y = M x + b. Each row has
the weights of one output, at the places of the input it looks at. The transposed convolution of the same weights,
stride, padding and dilation is the transpose: it takes y's shape to x's.

Source: Dumoulin, Visin (2016), A guide to convolution arithmetic for deep learning, arXiv:1603.07285, chapter 4.
"""

# O output channels, C input channels of a group; P positions, K kernel taps, of one axis or, flattened, of all

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.errors import InputError

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
Transposed = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
_CONVOLUTIONS: tuple[type[Convolution], ...] = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED: tuple[type[Transposed], ...] = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def as_matrix(layer: Convolution | Transposed, input_shape: Sequence[int]) -> Tensor:
    """The matrix of a convolution or transposed convolution for inputs of one shape.

        layer(x).flatten(1) = x.flatten(1) @ M.T + b,    b = 0 without a bias, else that of each output's channel

    Args:
        layer: of one, two or three axes, with any stride, padding, padding mode, dilation and groups.
        input_shape: of one example, (C, ...).
    Returns:
        A sparse COO tensor of shape (numbers of an output, numbers of an input), on the CPU; `to_dense()` where it is
        small. Each output has a row of as many weights as it has taps within the input.
    Raises:
        InputError: if `layer` is no convolution, or cannot take such an input.
    Example:
        >>> conv = nn.Conv1d(1, 1, 2, bias=False)
        >>> conv.weight.data = torch.tensor([[[1.0, 2.0]]])
        >>> as_matrix(conv, (1, 4)).to_dense()
        tensor([[1., 2., 0., 0.],
                [0., 1., 2., 0.],
                [0., 0., 1., 2.]])
    """
    if not isinstance(layer, (*_CONVOLUTIONS, *_TRANSPOSED)):
        raise InputError("as_matrix", "takes a convolution or a transposed one", type(layer).__name__)
    axes = len(layer.kernel_size)
    if len(input_shape) != axes + 1 or input_shape[0] != layer.in_channels or min(input_shape) < 1:
        wanted = f"takes one example of {layer.in_channels} channels and {axes} axes more"
        raise InputError("as_matrix", wanted, tuple(input_shape))
    sizes = tuple(input_shape[1:])
    if isinstance(layer, _CONVOLUTIONS):
        borders = _borders(layer)
        inward = {"reflect": 1, "circular": 0}.get(layer.padding_mode)  # numbers of an axis that it cannot take
        if inward is not None and any(max(border) > n - inward for border, n in zip(borders, sizes, strict=True)):
            rule = f"the padding must be narrow enough to be made of the input ({layer.padding_mode})"
            raise InputError("as_matrix", rule, tuple(input_shape))
        return _matrix(layer, sizes, borders, _positions(layer, sizes, borders))
    # What a transposed convolution takes is what the convolution of its weights gives, and the other way round.
    borders = [(each, each) for each in _paddings(layer)]
    made = tuple(
        (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
        for size, stride, padding, dilation, kernel, extra in zip(
            *(sizes, layer.stride, _paddings(layer), layer.dilation, layer.kernel_size, layer.output_padding),
            strict=True,
        )
    )
    if min(made) < 1:
        raise InputError("as_matrix", "leaves nothing of an input of this shape", tuple(input_shape))
    return _matrix(layer, made, borders, sizes).T.coalesce()


def _matrix(
    layer: Convolution | Transposed,
    sizes: Sequence[int],
    borders: Sequence[tuple[int, int]],
    positions: Sequence[int],
) -> Tensor:
    """Of the convolution with the layer's weights from maps of `sizes` to maps of `positions`."""
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    outputs, channels, *kernel = layer.weight.shape
    seen = torch.zeros((), dtype=torch.int64)  # the place in the input that a tap looks at
    exists = torch.ones((), dtype=torch.bool)
    for axis, (size, border, count, taps) in enumerate(zip(sizes, borders, positions, kernel, strict=True)):
        around = functional.pad(
            torch.arange(size, dtype=torch.float64)[None], border, mode, -1.0 if mode == "constant" else None
        )
        starts = layer.stride[axis] * torch.arange(count)[:, None]
        places = around[0].long()[starts + layer.dilation[axis] * torch.arange(taps)]  # (P, K) of this axis
        seen = seen[..., None, None] * size + places
        exists = exists[..., None, None] & (places >= 0)
    # (P, K, P, K...) to (P P..., K K...)
    axes = len(kernel)
    order = [*range(0, 2 * axes, 2), *range(1, 2 * axes, 2)]
    seen, exists = (each.permute(order).reshape(prod(positions), prod(kernel)) for each in (seen, exists))

    first = torch.arange(outputs) // (outputs // layer.groups) * channels  # the first input channel of its group
    channel = first[:, None] + torch.arange(channels)  # (O, C)
    columns = channel[:, None, :, None] * prod(sizes) + seen[None, :, None, :]  # (O, P, C, K)
    rows = torch.arange(outputs * prod(positions)).view(outputs, -1, 1, 1).expand_as(columns)
    numbers = layer.weight.detach().cpu().reshape(outputs, 1, channels, -1).expand_as(columns)
    kept = exists[None, :, None, :].expand_as(columns)
    shape = (outputs * prod(positions), channels * layer.groups * prod(sizes))
    places = torch.stack([rows[kept], columns[kept]])
    return torch.sparse_coo_tensor(places, numbers[kept], shape, check_invariants=True).coalesce()


def _paddings(layer: Convolution | Transposed) -> tuple[int, ...]:
    return tuple(int(each) for each in layer.padding)


def _borders(layer: Convolution) -> list[tuple[int, int]]:
    """What is put before and after each axis."""
    if layer.padding == "same":
        spans = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        return [(span // 2, span - span // 2) for span in spans]
    if layer.padding == "valid":
        return [(0, 0)] * len(layer.kernel_size)
    return [(each, each) for each in _paddings(layer)]


def _positions(layer: Convolution, sizes: Sequence[int], borders: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    spans = [d * (k - 1) + 1 for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
    padded = [size + sum(border) for size, border in zip(sizes, borders, strict=True)]
    if any(span > size for span, size in zip(spans, padded, strict=True)):
        raise InputError("as_matrix", "the kernel must not be larger than the padded input", tuple(sizes))
    return tuple((size - span) // s + 1 for size, span, s in zip(padded, spans, layer.stride, strict=True))


class ZeroInsertion(nn.Module):
    """Zeros between the numbers of each axis, and before and after them.

    Shapes: (N, C, ..., W) to (N, C, ..., (W - 1) s + 1 + before + after); a negative border cuts off.

    Args:
        strides: s - 1 zeros come between, for each axis.
        borders: zeros before and after, for each axis.
    """

    def __init__(self, strides: Sequence[int], borders: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.strides = tuple(strides)
        self.borders = tuple(borders)

    def forward(self, x: Tensor) -> Tensor:
        sizes = [(size - 1) * stride + 1 for size, stride in zip(x.shape[2:], self.strides, strict=True)]
        spread = x.new_zeros(*x.shape[:2], *sizes)
        every = [slice(None), slice(None), *(slice(None, None, stride) for stride in self.strides)]
        spread[tuple(every)] = x
        return functional.pad(spread, [each for border in reversed(self.borders) for each in border])

    def extra_repr(self) -> str:
        return f"strides={self.strides}, borders={self.borders}"


def as_convolution(layer: Transposed) -> nn.Sequential:
    """The convolution of stride 1 that a transposed convolution is, after zeros have been put into its input.

    With kernel k, stride s, padding p and dilation d: s - 1 zeros between the numbers, d (k - 1) - p around them, the
    kernel rotated by 180 degrees and its channels changed over. Most products are with these zeros, which is why nobody
    computes it so; it shows where each output's weights come from.

    Raises:
        InputError: if `layer` is no transposed convolution.
    """
    if not isinstance(layer, _TRANSPOSED):
        raise InputError("as_convolution", "takes a transposed convolution", type(layer).__name__)
    axes = len(layer.kernel_size)
    borders = [
        (d * (k - 1) - p, d * (k - 1) - p + extra)
        for d, k, p, extra in zip(
            layer.dilation, layer.kernel_size, _paddings(layer), layer.output_padding, strict=True
        )
    ]
    conv = _CONVOLUTIONS[axes - 1](
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,  # type: ignore[arg-type]
        dilation=layer.dilation,  # type: ignore[arg-type]
        groups=layer.groups,
        bias=layer.bias is not None,
        device=layer.weight.device,
        dtype=layer.weight.dtype,
    )
    g = layer.groups
    by_group = layer.weight.detach().unflatten(0, (g, layer.in_channels // g))  # (G, C, O, K...)
    with torch.no_grad():
        conv.weight.copy_(by_group.transpose(1, 2).flatten(0, 1).flip(tuple(range(2, 2 + axes))))
        if conv.bias is not None and layer.bias is not None:
            conv.bias.copy_(layer.bias)
    return nn.Sequential(ZeroInsertion(layer.stride, borders), conv)
