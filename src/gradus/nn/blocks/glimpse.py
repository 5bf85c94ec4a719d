"""What an eye sees of an image at a place: sharp in the middle, coarse around it (arXiv:1406.6247, section 3.1).

Places run from -1 to 1 between the outer edges of an image, x before y, as in `gradus.nn.blocks.spatial_transformer`.
"""

# N examples, C channels, H height, W width, K scales, P side of a patch, S side of the widest window

import torch
from torch import Tensor, nn

from gradus.core.errors import InputError


def glimpses(x: Tensor, locations: Tensor, *, patch: int, scales: int = 1) -> Tensor:
    """Windows around a place of each image, each twice as wide as the one before, all brought to the first one's size.

    Window k has 2^k P pixels a side, and a number of the patch made of it is the mean of 2^k x 2^k pixels. The corner
    of the widest, of S pixels, is the pixel floor(centre - S / 2 + 1/2); the others lie in the middle of it. Outside of
    the image there are zeros. A place outside is taken to the edge, NaN to the middle. There is no gradient for places.

    All are one crop, whatever N: the widest, of which the others are a part.

    Shapes: (N, C, H, W) and (N, 2) to (N, K, C, P, P).

    Args:
        locations: a place in each image.
        patch: P.
        scales: K.
    Raises:
        InputError: if there are not as many places as images, or none of numbers x and y.
    Cost: N C ((H + S) (W + S) + S^2 + K P^2) numbers moved.
    """
    if x.dim() != 4 or locations.shape != (len(x), 2):
        wanted = f"(N, C, H, W) and (N, 2), as (8, 1, 28, 28) and (8, 2), got {tuple(x.shape)} and"
        raise InputError("glimpses", f"takes images and places of shapes {wanted}", tuple(locations.shape))
    _check(patch, scales)
    if not x.numel():
        return x.new_zeros(len(x), scales, x.shape[1], patch, patch)
    height, width = x.shape[-2:]
    widest = patch * 2 ** (scales - 1)
    half = widest // 2
    wide = x.new_zeros(*x.shape[:2], height + widest, width + widest)
    wide[..., half : half + height, half : half + width] = x
    # Made there at once, torch.compile could not follow a model without storage.
    sides = torch.tensor((width, height)).to(x.device)
    column, row = (_corner(locations, sides, widest) + half).unbind(1)
    stride = width + widest
    planes = torch.arange(x.shape[0] * x.shape[1], device=x.device).view(x.shape[:2]) * (height + widest) * stride
    corners = planes + (row * stride + column)[:, None]
    wanted = corners[..., None] + stride * torch.arange(widest, device=x.device)
    # Every row of pixels that a window can have, as a view: those wanted are one selection, which copies them whole.
    rows = wide.flatten().unfold(0, widest, 1)
    window = rows.index_select(0, wanted.flatten()).view(*x.shape[:2], widest, widest)
    if scales == 1:
        return window[:, None]
    found: list[Tensor] = []
    for k in range(scales):
        side = patch * 2**k
        first = (widest - side) // 2
        part = window[..., first : first + side, first : first + side]
        for _ in range(k):
            part = _pairs(part)
        found.append(part / 4**k if k else part)
    return torch.stack(found, 1)


def _pairs(x: Tensor) -> Tensor:
    """Sums of 2 x 2 pixels, by additions: on a CPU they take a third of a pooling's time."""
    rows = x[..., ::2, :] + x[..., 1::2, :]
    return rows[..., ::2] + rows[..., 1::2]


def frames(locations: Tensor, size: tuple[int, int], *, patch: int, scales: int = 1) -> Tensor:
    """The corners of the windows that `glimpses` sees, as places: clockwise from the upper left.

    Shapes: (..., 2) to (..., K, 4, 2).

    Args:
        size: H and W of the image.
    """
    _check(patch, scales)
    widest = patch * 2 ** (scales - 1)
    sides = torch.tensor((size[1], size[0]), device=locations.device)
    corner = _corner(locations, sides, widest)
    around = torch.tensor(((0, 0), (1, 0), (1, 1), (0, 1)), device=locations.device)
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


def _corner(locations: Tensor, sides: Tensor, widest: int) -> Tensor:
    """The first pixel of the widest window along each axis."""
    # In bfloat16 a place would be off by a tenth of a pixel. NaN would be an index far outside, whose error hides the
    # one that made it; the density of the place stays NaN, and the loss with it.
    centre = (locations.detach().float().nan_to_num(0.0).clamp(-1, 1) + 1) * (sides / 2)
    corner: Tensor = (centre - (widest - 1) / 2).floor().long()
    return corner


def _check(patch: int, scales: int) -> None:
    for name, value in (("patch", patch), ("scales", scales)):
        if value < 1:
            raise InputError("glimpses", f"`{name}` must be at least 1", value)
