"""Images come out as they went in, upright; what would lose something is refused unless it is asked for."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gradus.core.errors import InputError
from gradus.data import images
from gradus.data.images import IMAGES, Mode, read_image

Array = NDArray[Any]
RANDOM = np.random.default_rng(0)
GREY: Array = RANDOM.integers(0, 256, (5, 7), dtype=np.uint8)
COLOUR: Array = RANDOM.integers(0, 256, (5, 7, 3), dtype=np.uint8)
DEEP: Array = RANDOM.integers(0, 1 << 16, (5, 7), dtype=np.uint16)
DEEP_COLOUR: Array = RANDOM.integers(0, 1 << 16, (5, 7, 3), dtype=np.uint16)


def saved(pixels: Array | Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(stream, kind, **options)
    return stream.getvalue()


def deep_png(pixels: Array) -> bytes:
    """A PNG of 16-bit grey or RGB, from its specification; Pillow writes no such colours."""
    height, width = pixels.shape[:2]

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 16, 0 if pixels.ndim == 2 else 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pnm(pixels: Array) -> bytes:
    """A 16-bit PGM or PPM."""
    height, width = pixels.shape[:2]
    return b"P%d %d %d 65535\n" % (5 if pixels.ndim == 2 else 6, width, height) + pixels.astype(">u2").tobytes()


def channels_first(pixels: Array) -> Array:
    return np.moveaxis(pixels, -1, 0)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM", "TIFF", "GIF"])
def test_grey_pixels_come_out_as_they_went_in(kind: str) -> None:
    read = read_image(saved(GREY, kind), "x", "grey" if kind == "GIF" else "auto")  # a GIF's greys are a palette
    assert read.dtype == np.uint8
    assert np.array_equal(read, GREY[None])


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM", "TIFF", "WEBP"])
def test_colours_come_out_as_they_went_in(kind: str) -> None:
    read = read_image(saved(COLOUR, kind, **({"lossless": True} if kind == "WEBP" else {})), "x")
    assert read.flags.c_contiguous
    assert np.array_equal(read, channels_first(COLOUR))


def test_jpeg_comes_out_as_pillow_has_it() -> None:
    content = saved(COLOUR, "JPEG")
    assert np.array_equal(read_image(content, "x"), channels_first(np.asarray(Image.open(io.BytesIO(content)))))


def test_a_palette_is_colours_and_two_levels_are_grey() -> None:
    palette = Image.fromarray((GREY % 4).astype(np.uint8), "P")
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 8, 7]], np.uint8)
    palette.putpalette(colours.tobytes())
    assert np.array_equal(read_image(saved(palette, "PNG"), "x"), channels_first(colours[GREY % 4]))
    assert np.array_equal(read_image(saved(GREY > 99, "PNG"), "x"), np.where(GREY > 99, 255, 0)[None])


def test_an_alpha_channel_that_says_nothing_is_dropped() -> None:
    opaque = np.dstack([COLOUR, np.full_like(GREY, 255)])
    assert np.array_equal(read_image(saved(opaque, "PNG"), "x"), channels_first(COLOUR))
    assert np.array_equal(read_image(saved(opaque[..., 2:], "PNG"), "x"), COLOUR[..., 2][None])


# EXIF 2.3, table 6: which side of the scene the first row and the first column of the file are.
UPRIGHT = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.T,
    6: lambda x: x[::-1].T,
    7: lambda x: x[::-1, ::-1].T,
    8: lambda x: x[:, ::-1].T,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_images_are_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(GREY, "PNG", exif=exif)
    assert np.array_equal(read_image(content, "x")[0], UPRIGHT[orientation](GREY))


@pytest.mark.parametrize(
    "content", [deep_png(DEEP), pnm(DEEP), saved(DEEP, "TIFF")], ids=["png", "pgm", "tiff"]
)  # fmt: skip
def test_the_upper_half_of_16_bits_is_kept_if_asked_for(content: bytes) -> None:
    assert np.array_equal(read_image(content, "x", "grey")[0], DEEP // 256)
    assert np.array_equal(read_image(content, "x", "rgb"), np.stack([DEEP // 256] * 3))


def test_of_colours_too() -> None:
    assert np.array_equal(read_image(deep_png(DEEP_COLOUR), "x", "rgb"), channels_first(DEEP_COLOUR // 256))
    near = read_image(pnm(DEEP_COLOUR), "x", "rgb").astype(int) - channels_first(DEEP_COLOUR // 256)
    assert np.abs(near).max() <= 1  # Pillow rounds here


def test_transparency_is_laid_over_white() -> None:
    alpha = RANDOM.integers(0, 256, GREY.shape, dtype=np.uint8)
    alpha[0, 0], alpha[0, 1] = 0, 255
    share = alpha[..., None] / 255
    read = read_image(saved(np.dstack([COLOUR, alpha]), "PNG"), "x", "rgb")
    assert np.abs(read - channels_first(share * COLOUR + (1 - share) * 255)).max() <= 1
    assert read[:, 0, 0].tolist() == [255, 255, 255]
    see_through = saved(Image.fromarray(GREY), "PNG", transparency=int(GREY[0, 0]))
    assert read_image(see_through, "x", "grey")[0, 0, 0] == 255


def test_colours_become_luma() -> None:
    luma = COLOUR @ np.array([0.299, 0.587, 0.114])  # ITU-R 601
    assert np.abs(read_image(saved(COLOUR, "PNG"), "x", "grey")[0] - luma).max() <= 1


def test_cmyk_is_converted_if_asked_for() -> None:
    cmyk = RANDOM.integers(0, 256, (5, 7, 4), dtype=np.uint8)
    read = read_image(saved(Image.fromarray(cmyk, "CMYK"), "TIFF"), "x", "rgb")
    ink, key = cmyk[..., :3] / 255, cmyk[..., 3:] / 255
    assert np.abs(read - channels_first(255 * (1 - ink) * (1 - key))).max() <= 2


def test_size_covers_and_cuts_the_middle() -> None:
    wide = RANDOM.integers(0, 256, (4, 10), dtype=np.uint8)
    assert np.array_equal(read_image(saved(wide, "PNG"), "x", size=(4, 6))[0], wide[:, 2:8])
    assert np.array_equal(read_image(saved(wide.T, "PNG"), "x", size=(6, 4))[0], wide.T[2:8])
    halves = np.repeat(np.array([[0, 255]], np.uint8), 8, axis=1).repeat(8, axis=0)  # 8 x 16, black and white
    small = read_image(saved(halves, "PNG"), "x", size=(4, 8))[0]
    assert small.shape == (4, 8)
    assert (small[:, :3] == 0).all()
    assert (small[:, 5:] == 255).all()


def test_an_image_of_the_right_size_is_not_touched() -> None:
    assert np.array_equal(read_image(saved(GREY, "PNG"), "x", size=GREY.shape)[0], GREY)


@pytest.mark.filterwarnings("error")
def test_nothing_is_said_of_what_was_dealt_with() -> None:
    palette = Image.fromarray((GREY % 4).astype(np.uint8), "P")
    palette.putpalette(bytes(range(12)))
    content = saved(palette, "PNG", transparency=bytes([0, 255, 255, 255]))  # Pillow warns of such
    read_image(content, "x", "rgb")


def animation(kind: str) -> bytes:
    frames = [Image.fromarray(each) for each in (GREY, 255 - GREY, GREY[::-1].copy())]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


REFUSED: dict[str, tuple[bytes, Mode, str]] = {
    "zero bytes": (b"", "auto", "is empty: a file of zero bytes"),
    "no image": (b"GIF, or so it says", "auto", "is damaged, or no image"),
    "another format": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "rgb", "is damaged, or no"),
    "half a JPEG": (saved(COLOUR, "JPEG")[:-200], "auto", "is a damaged image"),
    "half a PNG": (saved(COLOUR, "PNG")[:100], "auto", "is a damaged image"),
    "a flipped bit": (
        saved(COLOUR, "PNG")[:90] + bytes([saved(COLOUR, "PNG")[90] ^ 4]) + saved(COLOUR, "PNG")[91:],
        "auto",
        "is a damaged image",
    ),
    "half a BMP": (saved(COLOUR, "BMP")[:-30], "auto", "is a damaged image"),
    "half a TIFF": (saved(COLOUR, "TIFF")[:-30], "auto", "is a damaged image"),
    "16 bits": (deep_png(DEEP), "auto", 'must be grey or RGB of 8 bits, got `16 bits`. Set `mode = "rgb"` or "grey"'),
    "16-bit PGM": (pnm(DEEP), "auto", "got `16 bits`"),
    "16-bit PPM": (pnm(DEEP_COLOUR), "auto", "got `16 bits`"),
    "16-bit TIFF": (saved(DEEP, "TIFF"), "auto", "got `16 bits`"),
    "16-bit colours": (deep_png(DEEP_COLOUR), "auto", "got `16 bits`"),
    "32 bits": (saved(DEEP.astype(np.int32), "TIFF"), "grey", "holds 32-bit numbers"),
    "floating point": (saved(DEEP.astype(np.float32), "TIFF"), "grey", "holds 32-bit numbers"),
    "CMYK": (saved(Image.fromarray(np.zeros((5, 7, 4), np.uint8), "CMYK"), "JPEG"), "auto", "got `CMYK`"),
    "Lab": (saved(Image.fromarray(COLOUR, "LAB"), "TIFF"), "auto", "got `LAB`"),
    "transparency": (saved(np.dstack([COLOUR, GREY]), "PNG"), "auto", "got `transparency`"),
    "a transparent grey": (saved(GREY, "PNG", transparency=int(GREY[0, 0])), "auto", "got `transparency`"),
    "animated GIF": (animation("GIF"), "rgb", "must be a single image, not an animation or several pages, got 3"),
    "animated WebP": (animation("WEBP"), "rgb", "must be a single image"),
    "animated PNG": (animation("PNG"), "rgb", "must be a single image"),
    "pages of a TIFF": (animation("TIFF"), "rgb", "must be a single image"),
    "a header that promises much": (
        deep_png(np.zeros((1, 1), np.uint16)).replace(struct.pack(">II", 1, 1), struct.pack(">II", 1 << 20, 1 << 20)),
        "auto",
        "is damaged, or no image",  # its checksum is wrong
    ),
    "a bomb": (b"P5 100000 100000 255\n" + bytes(99), "auto", "is a damaged image (Image size (10000000000 pixels)"),
    "a large one": (b"P5 10000 14000 255\n" + bytes(99), "auto", "must have at most 134,217,728 pixels, got `10000 x"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_named(name: str) -> None:
    content, mode, says = REFUSED[name]
    with pytest.raises(InputError) as told:
        read_image(content, "data a.png", mode)
    assert str(told.value).startswith("data a.png: ")
    assert says in str(told.value)
    assert "0x" not in str(told.value), "an address in memory tells nobody anything"


def test_a_camera_s_preview_is_no_animation() -> None:
    pictures = [Image.fromarray(COLOUR), Image.fromarray(COLOUR[::2, ::2])]
    content = saved(pictures[0], "MPO", save_all=True, append_images=pictures[1:])
    assert read_image(content, "x").shape == (3, 5, 7)


def test_every_suffix_is_of_a_format_that_is_read() -> None:
    extensions = Image.registered_extensions()
    assert {extensions[suffix] for suffix in IMAGES} <= set(images._FORMATS)
