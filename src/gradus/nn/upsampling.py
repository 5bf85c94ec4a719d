"""Larger maps by pixel shuffle, begun so that no checkerboard shows."""

import torch
from torch import nn

from gradus.core.errors import InputError
from gradus.nn.schemes import Fans, icnr


class PixelShuffleUpsampling(nn.Sequential):
    """A convolution to r^2 times as many channels, which a pixel shuffle lays out as r x r positions.

        y[n, o, r h + i, r w + j] = conv(x)[n, o r^2 + i r + j, h, w]

    The convolution works at the low resolution, so that its kernel looks r times as far as after resizing. Its r^2
    sub-kernels begin equal (the initializer `icnr`): at first this is nearest-neighbour enlarging of one convolution
    and draws no checkerboard, as `gradus.analysis.checkerboard` measures. Training may make them differ.

    Shapes: (N, inputs, H, W) to (N, outputs, r H, r W).

    Args:
        scale: r, at least 1.
        kernel: height and width of the kernels, odd.
    Cost: H W k^2 inputs outputs r^2 multiply-adds; outputs r^2 (k^2 inputs + 1) parameters.
    Raises:
        InputError: for a scale below 1 or an even kernel.
    Source: Shi et al. (2016), Real-time single image and video super-resolution using an efficient sub-pixel
        convolutional neural network, arXiv:1609.05158, equation 4; first weights: Aitken et al. (2017), Checkerboard
        artifact free sub-pixel convolution, arXiv:1707.02937.
    """

    def __init__(self, inputs: int, outputs: int, scale: int, *, kernel: int = 3, bias: bool = True) -> None:
        if scale < 1 or kernel < 1 or kernel % 2 == 0:
            rule = "takes a scale of at least 1 and an odd kernel"
            raise InputError("PixelShuffleUpsampling", rule, f"{scale} and {kernel}")
        super().__init__()
        self.scale = scale
        self.conv = nn.Conv2d(inputs, outputs * scale**2, kernel, padding=kernel // 2, bias=bias)
        self.shuffle = nn.PixelShuffle(scale)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Equal sub-kernels, biases 0."""
        outputs, inputs, *kernel = self.conv.weight.shape
        taps = kernel[0] * kernel[1]
        icnr(factor=self.scale)(self.conv.weight, Fans(inputs * taps, outputs * taps), None)
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)
