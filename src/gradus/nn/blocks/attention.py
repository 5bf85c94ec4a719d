"""Weights that a network gives to its maps, and to the places in them, by what it sees.

Each block says by `weights` what it multiplies x with.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from gradus.nn.convolution import conv_norm, relu


def _squeeze(channels: int, reduction: int, bias: bool) -> nn.Sequential:
    """Two linear layers over the channels, with ReLU between, the first to one in `reduction` (but at least one)."""
    narrow = max(1, channels // reduction)
    return nn.Sequential(
        OrderedDict(
            squeeze=nn.Conv2d(channels, narrow, 1, bias=bias),
            activation=relu(),
            excite=nn.Conv2d(narrow, channels, 1, bias=bias),
        )
    )


class SqueezeExcitation(nn.Module):
    """Maps times a weight each:  y_c = x_c s_c,  s = sigmoid(W2 relu(W1 z)),  z_c = mean(x_c)   (section 3).

    Shapes: (N, C, H, W) to the same.

    Args:
        reduction: W1 leaves one channel in so many, but at least one.
        bias: the two layers have biases, as in the authors' networks.
    Cost: 2 C^2 / reduction parameters without biases, and as many MACs.
    Source: Hu, Shen, Sun (2018), Squeeze-and-excitation networks, arXiv:1709.01507.
    """

    def __init__(self, channels: int, reduction: int = 16, *, bias: bool = True) -> None:
        super().__init__()
        self.layers = _squeeze(channels, reduction, bias)

    def weights(self, x: Tensor) -> Tensor:
        """s, (N, C, 1, 1)."""
        logits: Tensor = self.layers(x.mean((2, 3), keepdim=True))
        return logits.sigmoid_()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weights(x)


class ChannelAttention(nn.Module):
    """Maps times a weight each, of their means and their largest numbers:  y_c = x_c s_c,
    s = sigmoid(W2 relu(W1 mean(x)) + W2 relu(W1 max(x)))   (eq. 2).

    Shapes: (N, C, H, W) to the same.

    Args:
        reduction: W1 leaves one channel in so many, but at least one.
        bias: the two layers have biases, as in the authors' code; the equation has none.
    Source: Woo, Park, Lee, Kweon (2018), CBAM: convolutional block attention module, arXiv:1807.06521.
    """

    def __init__(self, channels: int, reduction: int = 16, *, bias: bool = True) -> None:
        super().__init__()
        self.layers = _squeeze(channels, reduction, bias)

    def weights(self, x: Tensor) -> Tensor:
        """s, (N, C, 1, 1)."""
        # One above the other, so that each layer is computed once.
        pooled = torch.cat((x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)), 2)
        logits: Tensor = self.layers(pooled).sum(2, keepdim=True)
        return logits.sigmoid_()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weights(x)


class SpatialAttention(nn.Module):
    """Places times a weight each, of the mean and the largest number over the channels there:  y_hw = x_hw s_hw,
    s = sigmoid(conv([mean(x); max(x)]))   (eq. 3).

    Shapes: (N, C, H, W) to the same.

    Args:
        kernel: height and width of the convolution, odd. It has a batch normalization after it in place of a bias, as
            in the authors' code, of which the paper says nothing.
    Source: Woo, Park, Lee, Kweon (2018), CBAM: convolutional block attention module, arXiv:1807.06521.
    """

    def __init__(self, kernel: int = 7) -> None:
        super().__init__()
        self.layers = conv_norm(2, 1, kernel, activation=None)

    def weights(self, x: Tensor) -> Tensor:
        """s, (N, 1, H, W)."""
        pooled = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), 1)
        logits: Tensor = self.layers(pooled)
        return logits.sigmoid_()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weights(x)


class CBAM(nn.Sequential):
    """Attention to the channels, then to places: a sequence of `ChannelAttention` and `SpatialAttention`.

    Shapes: (N, C, H, W) to the same.

    Args:
        reduction: of the channels, in the layers of the first.
        kernel: of the convolution of the second.
        bias: of the layers of the first.
    Source: Woo, Park, Lee, Kweon (2018), CBAM: convolutional block attention module, arXiv:1807.06521.
    """

    def __init__(self, channels: int, reduction: int = 16, *, kernel: int = 7, bias: bool = True) -> None:
        super().__init__(
            OrderedDict(channel=ChannelAttention(channels, reduction, bias=bias), spatial=SpatialAttention(kernel))
        )
