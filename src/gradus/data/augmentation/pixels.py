"""Changes of values that leave everything in its place; an image's black is 0 here and its white 1."""

# N examples, C channels, H height, W width

from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from gradus.core.errors import InputError
from gradus.data.augmentation.changes import Retouch, Share, Uniform, augmentations

Strength = Annotated[float, Field(ge=0, le=1)]
_LUMA = (0.299, 0.587, 0.114)  # of red, green, blue in how light a colour looks (ITU-R BT.601)
_STEPS = 1 << 20


@augmentations.register(
    source="Howard (2013), Some improvements on deep convolutional neural network based image classification, "
    "arXiv:1312.5402, 2.2",
    notes="Brightness, contrast and saturation are changed in this order; values stay between black and white.",
)
def colour(*, brightness: Strength = 0.2, contrast: Strength = 0.2, saturation: Strength = 0.2) -> Retouch:
    """Multiply `brightness`, `contrast` and, unless it is grey, `saturation` by up to 1 plus or minus so much."""

    def change(images: Tensor, u: Uniform) -> Tensor:
        if images.shape[1] not in (1, 3):
            raise InputError("data.augment `colour`", "needs images of 1 or 3 channels", images.shape[1])
        factors = torch.from_numpy(1 + (2 * u - 1) * (brightness, contrast, saturation)).to(images)
        light, spread, vivid = factors[:, :, None, None].chunk(3, dim=1)
        images = (images * light).clamp(0, 1)
        middle = _mean(_grey(images))
        images = (middle + spread * (images - middle)).clamp(0, 1)
        grey = _grey(images)
        return (grey + vivid * (images - grey)).clamp(0, 1)

    return Retouch(3, change)


@augmentations.register(
    source="Bishop (1995), Training with noise is equivalent to Tikhonov regularization, Neural Computation 7",
    takes=("images", "numbers"),
)
def noise(*, by: Annotated[float, Field(gt=0)] = 0.05) -> Retouch:
    """Add Gaussian noise of deviation `by`: times white less black for images, or to inputs as the model sees them."""

    def change(values: Tensor, u: Uniform) -> Tensor:
        # The inverse of the normal distribution function, which has no value at 0.
        normal: Tensor = torch.special.ndtri(torch.from_numpy(u).clamp(min=2.0**-54))
        return values + by * normal.reshape(values.shape).to(values)

    return Retouch(None, change)


@augmentations.register(
    source="DeVries, Taylor (2017), Improved regularization of convolutional neural networks with cutout, "
    "arXiv:1708.04552, 3.2",
    notes="The square is black, where the paper has the mean of the training images.",
)
def cutout(*, side: Share = 0.5) -> Retouch:
    """Black out a square of `side` times the image's shorter side about any pixel; some of it may fall outside."""

    def change(images: Tensor, u: Uniform) -> Tensor:
        height, width = images.shape[-2:]
        size = max(1, round(side * min(height, width)))
        rows = _within(u[:, 0], size, height)
        columns = _within(u[:, 1], size, width)
        hidden = torch.from_numpy(rows[:, None, :, None] & columns[:, None, None, :]).to(images.device)
        return images.masked_fill(hidden, 0)

    return Retouch(2, change)


def _within(u: NDArray[np.float64], size: int, side: int) -> NDArray[np.bool_]:
    """Which of `side` pixels lie in a stretch of `size` about a centre drawn among them, (N, side)."""
    first = np.floor(u * side)[:, None] - size // 2
    pixels = np.arange(side)
    return (pixels >= first) & (pixels < first + size)


def _grey(images: Tensor) -> Tensor:
    """How light each pixel looks, (N, 1, H, W)."""
    if images.shape[1] == 1:
        return images
    red, green, blue = (images[:, [channel]] * weight for channel, weight in enumerate(_LUMA))
    return red + green + blue


def _mean(grey: Tensor) -> Tensor:
    """Of each image, (N, 1, 1, 1)."""
    # A sum of whole numbers is the same in any order; one of floats rounds differently from one batch size to another.
    total = (grey * _STEPS).round().long().sum(dim=(1, 2, 3), keepdim=True)
    return (total.double() / (_STEPS * grey[0].numel())).to(grey)
