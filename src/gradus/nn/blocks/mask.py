"""Soft masks over feature maps, from coarse to fine: Wang et al. (2017), arXiv:1704.06904.

# N examples, C channels, H height, W width
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from gradus.nn.convolution import norm_conv

MaskKind = Literal["mixed", "channel", "spatial", "channel_mean", "spatial_mean"]


class Hourglass(nn.Module):
    """What units make of maps at smaller and smaller sides, brought back to the sides given (section 3.1).

        y = up(down(pool(x)))                               of depth 1
        y = up(skip(d) + within(d)),  d = down(pool(x))     of a greater one, `within` being one less deep

    and y is enlarged to the sides of x by bilinear interpolation, corner to corner.

    Shapes: (N, C, H, W) to the same.

    Args:
        unit: makes a layer that keeps the shape.
        depth: how many times the sides are halved, at least 1.
        units: how many units there are between two changes of the sides.
    """

    def __init__(self, unit: Callable[[], nn.Module], depth: int, units: int) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.down = nn.Sequential(*(unit() for _ in range(units)))
        self.skip = unit() if depth > 1 else None
        self.within = Hourglass(unit, depth - 1, units) if depth > 1 else None
        self.up = nn.Sequential(*(unit() for _ in range(units)))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down(self.pool(x))
        if self.skip is not None and self.within is not None:
            y = self.skip(y) + self.within(y)
        return interpolate(self.up(y), size=x.shape[-2:], mode="bilinear", align_corners=True)


class ChannelMask(nn.Module):
    """Each place's numbers divided by their length over the channels:  f2(x)[i, c] = x[i, c] / |x[i]|."""

    def forward(self, x: Tensor) -> Tensor:
        return normalize(x, dim=1)


class SpatialMask(nn.Module):
    """The sigmoid of each map, standardized over its places:  f3(x)[i, c] = sigmoid((x[i, c] - mean[c]) / std[c])."""

    eps = 1e-5

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, dim=(-2, -1), correction=0, keepdim=True)
        return torch.sigmoid((x - mean) * torch.rsqrt(variance + self.eps))


class MeanMask(nn.Module):
    """The sigmoid of means: over places, a weight for each channel, or over channels, a weight for each place.

        channel_mean:  m[c] = sigmoid(mean_i x[i, c])        spatial_mean:  m[i] = sigmoid(mean_c x[i, c])

    Plainer than the paper's f2 and f3, and often told in their place: with the first, a trunk is weighed as by squeeze-
    and-excitation.

    Shapes: (N, C, H, W) to (N, C, 1, 1) or (N, 1, H, W).

    Args:
        over: the axes.
    """

    def __init__(self, over: tuple[int, ...]) -> None:
        super().__init__()
        self.over = over

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(self.over, keepdim=True).sigmoid()


_ENDS: dict[MaskKind, Callable[[], nn.Module]] = {
    "mixed": nn.Sigmoid,
    "channel": ChannelMask,
    "spatial": SpatialMask,
    "channel_mean": lambda: MeanMask((-2, -1)),
    "spatial_mean": lambda: MeanMask((1,)),
}


def soft_mask(
    channels: int, unit: Callable[[], nn.Module], *, depth: int, units: int, kind: MaskKind = "mixed"
) -> nn.Sequential:
    """An hourglass, two 1 x 1 convolutions, and what makes a mask of their numbers.

    Shapes: (N, channels, H, W) to the same, or to one that a mean leaves.

    Args:
        kind: the paper's f1, "mixed", is the sigmoid of each number; for f2, "channel", and f3, "spatial", see
            `ChannelMask` and `SpatialMask`; for "channel_mean" and "spatial_mean", `MeanMask`.
    """
    return nn.Sequential(
        OrderedDict(
            hourglass=Hourglass(unit, depth, units),
            linear1=norm_conv(channels, channels, 1),
            linear2=norm_conv(channels, channels, 1),
            mask=_ENDS[kind](),
        )
    )


class Attention(nn.Module):
    """A trunk whose maps a mask weighs.

        y = (1 + mask(x)) trunk(x)     with `residual` (attention residual learning, section 3.1)
        y = mask(x) trunk(x)           without: a deep stack of these makes its numbers ever smaller

    Shapes: the mask gives that of the trunk, or 1 along axes that it does not tell apart.
    """

    def __init__(self, trunk: nn.Module, mask: nn.Module, *, residual: bool = True) -> None:
        super().__init__()
        self.trunk = trunk
        self.mask = mask
        self.residual = residual

    def weights(self, x: Tensor) -> Tensor:
        """The mask."""
        mask: Tensor = self.mask(x)
        return mask

    def forward(self, x: Tensor) -> Tensor:
        trunk, mask = self.trunk(x), self.weights(x)
        return torch.addcmul(trunk, trunk, mask) if self.residual else trunk * mask
