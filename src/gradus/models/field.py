"""Fitting small images into the square field that a network looks at."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.errors import InputError

# N examples, C channels, H height, W width


class ImageField(nn.Module):
    """A square field with the image in its middle, enlarged by the largest whole factor that fits.

    Enlarging is bilinear. What remains around the image is its background, read off its four corners: each channel's
    median, so that one corner with ink in it does not count. The background cannot be a constant of the network: data
    arrive standardised, and what was 0 is a number the network does not know. Repeating the border outwards would
    draw streaks where an object touches it, as digits cut out tightly do.

    Args:
        side: height and width of the field.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, image_NCHW: Tensor) -> Tensor:
        """Shape (N, C, side, side)."""
        longest = max(image_NCHW.shape[2:])
        if longest > self.side:
            raise InputError(
                "ImageField",
                f"images must fit in {self.side} x {self.side}",
                tuple(image_NCHW.shape[2:]),
                "Shrink them, or choose another model.",
            )
        factor = self.side // longest
        enlarged_NCHW = image_NCHW
        if factor > 1:
            enlarged_NCHW = functional.interpolate(image_NCHW, scale_factor=factor, mode="bilinear")
        height, width = enlarged_NCHW.shape[2:]
        if height == width == self.side:
            return enlarged_NCHW
        field_NCHW = background(image_NCHW).expand(-1, -1, self.side, self.side).clone()
        top, left = (self.side - height) // 2, (self.side - width) // 2
        field_NCHW[:, :, top : top + height, left : left + width] = enlarged_NCHW
        return field_NCHW

    def extra_repr(self) -> str:
        return str(self.side)


def background(image_NCHW: Tensor) -> Tensor:
    """The median of the four corners, the mean of the middle two; shape (N, C, 1, 1)."""
    corners_NC4 = torch.stack([image_NCHW[:, :, y, x] for y in (0, -1) for x in (0, -1)], dim=-1)
    # Sorting is deterministic on every device; torch.median is not on CUDA.
    return corners_NC4.sort(dim=-1).values[..., 1:3].mean(dim=-1)[..., None, None]
