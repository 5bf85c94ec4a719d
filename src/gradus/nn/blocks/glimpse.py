"""What an eye sees of an image at a place: sharp in the middle, coarse around it (arXiv:1406.6247, section 3.1).

Places run from -1 to 1 between the outer edges of an image, x before y, as in `gradus.nn.blocks.spatial_transformer`.
"""

# N examples, C channels, H height, W width, K scales, P side of a patch, S side of the widest window

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from gradus.core.errors import InputError


def glimpses(x: Tensor, locations: Tensor, *, patch: int, scales: int = 1) -> Tensor:
    """Windows around a place of each image, each twice as wide as the one before, all brought to the first one's size.

    Window k has 2^k P pixels a side, and a number of the patch made of it is the mean of 2^k x 2^k pixels. The corner
    of the widest, of S pixels, is the pixel floor(centre - S / 2 + 1/2); the others lie in the middle of it. Outside of
    the image there are zeros. A place outside is taken to the edge. There is no gradient for places.

    All are one crop, whatever N: the widest, of which the others are a part.

    Shapes: (N, C, H, W) and (N, 2) to (N, K, C, P, P).

    Args:
        locations: a place in each image.
        patch: P.
        scales: K.
    Raises:
        InputError: if there are not as many places as images, or none of numbers x and y.
    Cost: N C (S^2 + K P^2) numbers moved.
    """
    if x.dim() != 4 or locations.shape != (len(x), 2):
        wanted = f"(N, C, H, W) and (N, 2), as (8, 1, 28, 28) and (8, 2), got {tuple(x.shape)} and"
        raise InputError("glimpses", f"takes images and places of shapes {wanted}", tuple(locations.shape))
    _check(patch, scales)
    height, width = x.shape[-2:]
    widest = patch * 2 ** (scales - 1)
    # In bfloat16 a place would be off by a tenth of a pixel.
    centre = (locations.detach().float().clamp(-1, 1) + 1) / 2
    steps = torch.arange(widest, device=x.device)
    columns_NS, rows_NS = (
        (centre[:, axis] * side - widest / 2 + 0.5).floor().long()[:, None] + steps
        for axis, side in enumerate((width, height))
    )
    inside = _within(rows_NS, height)[:, :, None] & _within(columns_NS, width)[:, None]
    pixel = rows_NS.clamp(0, height - 1)[:, :, None] * width + columns_NS.clamp(0, width - 1)[:, None]
    chosen = pixel.flatten(1)[:, None].expand(-1, x.shape[1], -1)
    window = x.flatten(2).gather(2, chosen).unflatten(2, (widest, widest)).masked_fill(~inside[:, None], 0)
    found: list[Tensor] = []
    for k in range(scales):
        side = patch * 2**k
        first = (widest - side) // 2
        part = window[..., first : first + side, first : first + side]
        found.append(avg_pool2d(part, 2**k) if k else part)
    return torch.stack(found, 1)


def frames(locations: Tensor, size: tuple[int, int], *, patch: int, scales: int = 1) -> Tensor:
    """The corners of the windows that `glimpses` sees, as places: clockwise from the upper left.

    Shapes: (..., 2) to (..., K, 4, 2).

    Args:
        size: H and W of the image.
    """
    _check(patch, scales)
    locations = locations.detach().float()
    widest = patch * 2 ** (scales - 1)
    sides = locations.new_tensor([size[1], size[0]])
    corner = ((locations.clamp(-1, 1) + 1) / 2 * sides - widest / 2 + 0.5).floor()
    around = locations.new_tensor([[0, 0], [1, 0], [1, 1], [0, 1]])
    found = [corner[..., None, :] + (widest - patch * 2**k) // 2 + patch * 2**k * around for k in range(scales)]
    return torch.stack(found, -3) / sides * 2 - 1


class GlimpseSensor(nn.Module):
    """`glimpses` as a layer, without parameters.

    Shapes: (N, C, H, W) and (N, 2) to (N, K, C, P, P).
    """

    def __init__(self, patch: int, scales: int = 1) -> None:
        super().__init__()
        _check(patch, scales)
        self.patch = patch
        self.scales = scales

    def extra_repr(self) -> str:
        return f"patch={self.patch}, scales={self.scales}"

    def forward(self, x: Tensor, locations: Tensor) -> Tensor:
        return glimpses(x, locations, patch=self.patch, scales=self.scales)


def _within(pixels: Tensor, side: int) -> Tensor:
    return (pixels >= 0) & (pixels < side)


def _check(patch: int, scales: int) -> None:
    for name, value in (("patch", patch), ("scales", scales)):
        if value < 1:
            raise InputError("glimpses", f"`{name}` must be at least 1", value)
