"""Spatial transformers: Jaderberg, Simonyan, Zisserman, Kavukcuoglu (2015), arXiv:1506.02025.

Places run from -1 to 1 between the outer edges of an image, x before y, as torch's grid_sample has them with
align_corners=False: the middle of pixel i of n is at (2 i + 1) / n - 1.
"""

# N examples, C channels, H height, W width, D coordinates, K places

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample

Transform = Literal["affine", "projective"]
_NUMBERS: dict[Transform, int] = {"affine": 6, "projective": 8}
_NEAREST = 1e-6


def sampling_grid(theta: Tensor, size: tuple[int, int]) -> Tensor:
    """Where each output pixel is read from (section 3.2):  (u, v, w) = theta (x, y, 1),  read at (u / w, v / w).

    Shapes: (N, 2, 3) affine maps, whose w is 1, or (N, 3, 3) projective ones, to (N, H, W, 2).

    Args:
        size: H and W.
    """
    middles = [(2 * torch.arange(n, device=theta.device) + 1).to(theta.dtype) / n - 1 for n in size]
    y, x = torch.meshgrid(*middles, indexing="ij")
    grid: Tensor = _read_at(theta, torch.stack((x, y)).flatten(1)).unflatten(1, size)
    return grid


def _read_at(theta: Tensor, places_DK: Tensor) -> Tensor:
    """Where places of the output are read from, (N, K, 2)."""
    with _exact(theta):
        read_NDK = theta @ torch.cat((places_DK, torch.ones_like(places_DK[:1])))
    if theta.shape[1] == 3:
        w = read_NDK[:, 2:]
        # On the horizon of a projective map w is 0; what lies there is read from far outside.
        read_NDK = read_NDK[:, :2] / torch.where(w.abs() < _NEAREST, _NEAREST, w)
    read: Tensor = read_NDK.mT
    return read


def _exact(x: Tensor) -> AbstractContextManager[Any]:
    """Products as their factors are, where autocast would round them."""
    kind = x.device.type
    rounds = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    return torch.autocast(kind, enabled=False) if rounds else nullcontext()


class SpatialTransformer(nn.Module):
    """Reads its input through a map that it finds in the input: localisation, grid, bilinear sampling (figure 2).

    At first the map is the identity, by a last layer of zero weights (section 4.1 and appendix). It may stand before a
    network or anywhere within one; outside of the maps there are zeros.

    Shapes: (N, C, H, W) to (N, C, *size).

    Args:
        localisation: gives `features` numbers for each example, of which the map is a linear function.
        size: height and width of what it gives; by default as its input.
    """

    def __init__(
        self,
        localisation: nn.Module,
        features: int,
        *,
        transform: Transform = "affine",
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.transform = transform
        self.size = size
        self.localisation = localisation
        self.map = nn.Linear(features, _NUMBERS[transform])
        with torch.no_grad():
            self.map.weight.zero_()
            self.map.bias.copy_(torch.eye(3).flatten()[: _NUMBERS[transform]])

    def theta(self, x: Tensor) -> Tensor:
        """The map from output to input places, (N, 2, 3) or (N, 3, 3), in single precision or better."""
        found: Tensor = self.localisation(x)
        # Rounded to half precision, places of a digit would be off by a tenth of a pixel.
        with _exact(x):
            numbers: Tensor = self.map(found.to(self.map.weight.dtype))
            numbers = numbers.to(torch.promote_types(numbers.dtype, torch.float32))
        if self.transform == "projective":
            numbers = torch.cat((numbers, torch.ones_like(numbers[:, :1])), 1)
        theta: Tensor = numbers.unflatten(1, (-1, 3))
        return theta

    def frames(self, x: Tensor) -> Tensor:
        """The corners of what it reads, as places of its input, (N, 1, 1, 4, 2): clockwise from the upper left."""
        theta = self.theta(x)
        return _read_at(theta, theta.new_tensor([[-1, 1, 1, -1], [-1, -1, 1, 1]]))[:, None, None]

    def forward(self, x: Tensor) -> Tensor:
        theta = self.theta(x)
        grid = sampling_grid(theta, self.size or (x.shape[-2], x.shape[-1]))
        return grid_sample(x.to(grid.dtype), grid, align_corners=False).to(x.dtype)
