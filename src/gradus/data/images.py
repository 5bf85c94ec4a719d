"""Image files to pixels, by one set of rules for training and for prediction."""

# C channels (1 grey; 3 red, green, blue), H rows, W columns

import io
import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from gradus.core.errors import InputError

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
Mode = Literal["auto", "grey", "rgb"]
Pixels = NDArray[np.uint8]

MOST_PIXELS = 1 << 27
"""A larger image is taken for one made to fill the memory."""
# What the suffixes above stand for and nothing else: some of Pillow's other formats run programs.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
_PILLOW = {"grey": "L", "rgb": "RGB"}


def read_image(content: bytes, owner: str, mode: Mode = "auto", size: tuple[int, int] | None = None) -> Pixels:
    """The pixels (C, H, W) of an image file, upright as its EXIF orientation says.

    Args:
        content: of a PNG, JPEG, BMP, GIF, WebP, TIFF, PGM or PPM file.
        owner: whom errors name.
        mode: ``auto`` takes grey for grey and colours (of a palette too) for colours, and refuses what it would have to
            change: 16 bits, CMYK and its like, transparency. ``grey`` and ``rgb`` convert: the upper 8 of 16 bits are
            kept, transparency is laid over white, colours become ITU-R 601 luma.
        size: (H, W) that an image of another size is brought to: scaled, its shape kept, until it covers this size,
            and cut equally on both sides.
    Raises:
        InputError: for no image, a damaged one, one of several frames, or one that `mode` does not take.
    """
    if not content:
        raise InputError(owner, "is empty: a file of zero bytes", repair="Remove it, or fetch it again.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images and odd EXIF, each of which is dealt with here
            image = _upright(content, owner, mode)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(owner, "is damaged, or no image", repair="Remove it, or fetch it again.") from error
    except Exception as error:  # damaged files make Pillow raise a dozen kinds
        raise InputError(owner, f"is a damaged image ({error})", repair="Remove it, or fetch it again.") from error
    if size is not None and image.size != (size[1], size[0]):
        image = ImageOps.fit(image, (size[1], size[0]), Image.Resampling.BILINEAR)
    pixels: Pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(np.moveaxis(pixels, -1, 0))


def _upright(content: bytes, owner: str, mode: Mode) -> Image.Image:
    """The image in Pillow's mode L or RGB."""
    with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise InputError(owner, f"must have at most {MOST_PIXELS:,} pixels", f"{width} x {height}", "Shrink it.")
        # A camera's MPO is a JPEG with a preview beside the picture.
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        if frames > 1:
            repair = "Save the one you want as a file of its own."
            raise InputError(owner, "must be a single image, not an animation or several pages", frames, repair)
        deep = _is_deep(image)
        image.load()
        upright = ImageOps.exif_transpose(image)
    if upright.mode == "F" or (upright.mode == "I" and not deep):
        repair = "Save it with 8 or 16 bits."
        raise InputError(owner, "holds 32-bit numbers, whose range no file tells", repair=repair)
    return _as_stored(upright, deep, owner) if mode == "auto" else _converted(upright, _PILLOW[mode])


def _is_deep(image: Any) -> bool:
    """Whether an image that is not loaded yet has 16 bits; of colours Pillow gives the upper 8 without a word."""
    if image.mode.startswith("I;16"):
        return True
    layout: Any = image.tile[0].args if image.tile else ""  # what the decoder is told: a raw mode, or that and more
    if image.format == "PPM":
        return image.mode == "I" or (isinstance(layout, tuple) and layout[1] > 255)
    return ";16" in str(layout[0] if isinstance(layout, tuple) else layout)


def _as_stored(image: Image.Image, deep: bool, owner: str) -> Image.Image:
    """Grey or RGB, if nothing is lost by it."""
    kind = "16 bits" if deep else image.mode
    if image.has_transparency_data and not deep:
        with_alpha = image.convert("RGBA")
        opaque = with_alpha.getchannel("A").getextrema() == (255, 255)
        kind = kind if opaque else "transparency"
    if kind in ("1", "L", "LA", "La"):
        return image.convert("L")
    if kind in ("P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr"):
        return image.convert("RGB")
    raise InputError(
        owner, "must be grey or RGB of 8 bits", kind, 'Set `mode = "rgb"` or "grey" to convert every image.'
    )


def _converted(image: Image.Image, mode: str) -> Image.Image:
    if image.mode.startswith("I"):  # Pillow would cut what is above 255 to 255
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert(mode)
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", with_alpha.size, "white"), with_alpha)
    return image.convert(mode)
