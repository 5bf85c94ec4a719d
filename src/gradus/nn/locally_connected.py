"""Local connection without weight sharing."""

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.errors import InputError

Pair = int | tuple[int, int]


class LocallyConnected2d(nn.Module):
    """A convolution whose kernels are not shared: each position of the output has weights of its own.

        y[n, o, p] = b[o, p] + sum_j w[p, o, j] patch[n, j, p],    j over the C kh kw numbers that position p looks at

    It takes as many multiply-adds as a convolution and, for P positions, P times as many weights: P O (C kh kw + 1).
    What it learns at one place it does not know at another; that suits images whose parts have their place, as
    aligned faces (Taigman et al. 2014, DeepFace).

    Shapes: (N, C, H, W) of one size, to (N, O, (H + 2p - d (kh - 1) - 1) / s + 1, ...), as a convolution.

    Args:
        input_size: height and width of the maps it is for.
    Raises:
        InputError: if the kernel does not fit into the padded input; given another size.
    Source: LeCun (1989), Generalization and network design strategies, technical report CRG-TR-89-4.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        input_size: Pair,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.input_size, self.kernel_size = _pair(input_size), _pair(kernel_size)
        self.stride, self.padding, self.dilation = _pair(stride), _pair(padding), _pair(dilation)
        height, width = (
            (size + 2 * p - d * (k - 1) - 1) // s + 1
            for size, k, s, p, d in zip(
                *(self.input_size, self.kernel_size, self.stride, self.padding, self.dilation), strict=True
            )
        )
        if min(height, width) < 1:
            raise InputError("LocallyConnected2d", "the kernel must fit into the padded input", self.input_size)
        self.output_size = height, width
        fan_in = in_channels * self.kernel_size[0] * self.kernel_size[1]
        self.weight = nn.Parameter(torch.empty(height * width, out_channels, fan_in))
        self.bias = nn.Parameter(torch.empty(out_channels, height * width)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform within 1 / sqrt(fan-in), as torch begins a convolution."""
        bound = 1 / sqrt(self.weight.shape[-1])
        for each in self.parameters(recurse=False):
            nn.init.uniform_(each, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1:] != (self.in_channels, *self.input_size):
            wanted = " x ".join(map(str, (self.in_channels, *self.input_size)))
            raise InputError("LocallyConnected2d", f"takes maps of {wanted}", tuple(x.shape))
        patches = functional.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)  # (N, J, P)
        y: Tensor = torch.einsum("njp,poj->nop", patches, self.weight)
        if self.bias is not None:
            y = y + self.bias
        return y.view(len(y), self.out_channels, *self.output_size)

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, input_size={self.input_size}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, bias={self.bias is not None}"
        )


def _pair(given: Pair) -> tuple[int, int]:
    return (given, given) if isinstance(given, int) else given
