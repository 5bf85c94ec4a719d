"""Digits that are turned, moved, stretched or cluttered, for networks that are to see through it.

Each example has its own draws, keyed by seed and number (`core.randomness`), so that it is the same whatever else is
made. A picture is made backwards: for each of its pixels, where in the digit it is read from, bilinearly.
"""

# N examples, S side of a digit, T side of a picture, P pixels of a picture

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch.nn.functional import grid_sample, interpolate

from gradus.core.errors import InputError
from gradus.core.randomness import Stream, uniform
from gradus.data.raw import CHUNK, Examples, RawData
from gradus.data.sources import open_data, sources

Kind = Literal["R", "RTS", "P", "E", "T", "TC"]
Floats = NDArray[np.float64]
Pictures = NDArray[np.uint8]
_S = 28
_PATCH = 8
_PATCH_DRAWS = 5


@dataclass(frozen=True)
class _Distortion:
    """Turns `draws` uniform numbers an example, (N, draws), and the pixels of a picture of `side`, (P, 2), into where
    they are read from, (N, P, 2); all places are in pixels from the centre, x before y.
    """

    side: int
    draws: int
    read: Callable[[Floats, Floats], Floats]


@sources.register(
    source="Jaderberg, Simonyan, Zisserman, Kavukcuoglu (2015), Spatial transformer networks, arXiv:1506.02025, "
    "appendix; T and TC: Mnih, Heess, Graves, Kavukcuoglu (2014), arXiv:1406.6247, section 4.1",
    notes="The authors' sets are not published; these are made by their rules. Digits of another side than 28 are "
    "resized to it first. Where corners in P would turn inwards, all four are moved half as far, until none does.",
)
def distorted_digits(
    *,
    kind: Kind = "RTS",
    of: str = "digits",
    patches: Annotated[int, Field(ge=0, le=64)] = 4,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> RawData:
    """Digits made hard to read: turned, scaled, moved, stretched, bent or in clutter.

    Args:
        kind: R turns by up to 90 degrees either way, RTS by up to 45, at 0.7 to 1.2 times the size and anywhere in a
            picture of 42 pixels; P moves the corners by normal numbers of 5 pixels, E a net of 16 points by those of
            1.5, both at 0.75 to 1 times the size; T puts the digit anywhere in a picture of 60 pixels, TC among
            `patches` of other digits too.
        of: the digits: "digits", or a path such as "$GRADUS_DATA/mnist".
        patches: how many pieces of 8 x 8 pixels there are in TC.
    """
    raw = square_images("data `distorted_digits`", of)
    pool = resized(raw.train.inputs[0][:], _S)
    made: list[Examples | None] = []
    first = 0
    for part in (raw.train, raw.test, raw.validation):
        if part is None:
            made.append(None)
            continue
        pictures = distorted(resized(part.inputs[0][:], _S), kind, pool=pool, patches=patches, seed=seed, first=first)
        made.append(Examples((pictures,), part.target))
        first += len(pictures)
    train, test, validation = made
    assert train is not None
    return replace(raw, kind="distorted_digits", train=train, test=test, validation=validation)


def square_images(owner: str, of: str) -> RawData:
    """The images that a source is to be made of.

    Raises:
        InputError: if `of` names other data.
    """
    raw = open_data(of, {})
    shape, dtype = raw.spec.inputs[0], raw.train.inputs[0].dtype
    if len(raw.spec.inputs) != 1 or len(shape) != 3 or shape[1] != shape[2] or dtype != np.uint8:
        raise InputError(owner, "`of` must be square images of 8 bits", f"{shape} {dtype}", 'As "digits" or MNIST.')
    return raw


def resized(digits: Pictures, side: int) -> Pictures:
    """Images (N, C, S, S) as (N, C, side, side), bilinearly; made smaller, without aliasing."""
    if digits.shape[-1] == side:
        return digits
    values = interpolate(
        torch.from_numpy(digits.astype(np.float32)), (side, side), mode="bilinear", antialias=side < digits.shape[-1]
    )
    return values.round().byte().numpy()


def distorted(digits: Pictures, kind: Kind, *, pool: Pictures, patches: int = 4, seed: int, first: int = 0) -> Pictures:
    """Digits (N, C, 28, 28) as pictures (N, C, T, T).

    Args:
        pool: where patches of clutter come from, (M, C, 28, 28).
        first: the number of the first digit, by which it has its draws.
    """
    distortion = _DISTORTIONS[kind]
    side, draws = distortion.side, distortion.draws
    axis = np.arange(side) - (side - 1) / 2
    pixels = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    made = np.empty((*digits.shape[:2], side, side), np.uint8)
    for start in range(0, len(digits), CHUNK):
        part = digits[start : start + CHUNK]
        number = np.arange(len(part)) + start + first
        clutter = patches * _PATCH_DRAWS if kind == "TC" else 0
        u = uniform(seed, Stream.DATA, 0, number, draws + clutter)
        read = torch.from_numpy(distortion.read(u[:, :draws], pixels) * (2 / _S)).float()
        values = grid_sample(
            torch.from_numpy(part.astype(np.float32)), read.unflatten(1, (side, side)), align_corners=False
        )
        made[start : start + CHUNK] = values.round().byte().numpy()
        for place in range(draws, draws + clutter, _PATCH_DRAWS):
            _add_patch(made[start : start + CHUNK], pool, u[:, place : place + _PATCH_DRAWS])
    return made


def homography(here: Floats, there: Floats) -> Floats:
    """The projective maps (N, 3, 3) that take four points to four others, both (N, 4, 2); the last number is 1.

    Each pair of points gives two equations,  h1 x + h2 y + h3 - (h7 x + h8 y) u = u  and the same for v.
    """
    system = np.zeros((len(here), 2, 4, 8))
    for axis in range(2):
        system[:, axis, :, 3 * axis : 3 * axis + 2] = here
        system[:, axis, :, 3 * axis + 2] = 1
        system[:, axis, :, 6:] = -here * there[:, :, axis, None]
    wanted = there.transpose(0, 2, 1).reshape(-1, 8, 1)
    found = np.linalg.solve(system.reshape(-1, 8, 8), wanted)[..., 0]
    return np.concatenate([found, np.ones((len(found), 1))], 1).reshape(-1, 3, 3)


def spline_weights(points: Floats, knots: Floats) -> Floats:
    """How much of the movement of each knot (K, 2) a point (P, 2) makes, (P, K): of a thin-plate spline.

    A spline f(x) = a + b x + sum_k c_k r^2 log r^2, r = |x - knot_k|, without sums or moments of c, that passes through
    values at the knots is linear in these. Source: Bookstein (1989), Principal warps, IEEE TPAMI 11(6).
    """
    count = len(knots)
    system = np.zeros((count + 3, count + 3))
    system[:, :count] = _radial(np.concatenate([knots, np.zeros((3, 2))]), knots)
    system[:count, count:] = np.column_stack([np.ones(count), knots])
    system[count:] = 0
    system[count:, :count] = system[:count, count:].T
    solved = np.linalg.solve(system, np.eye(count + 3, count))
    basis: Floats = np.column_stack([_radial(points, knots), np.ones(len(points)), points]) @ solved
    return basis


def _radial(points: Floats, knots: Floats) -> Floats:
    square = ((points[:, None] - knots) ** 2).sum(-1)
    bent: Floats = square * np.log(np.where(square > 0, square, 1))
    return bent


def _normal(u: Floats) -> Floats:
    """Normal numbers of as many uniform ones, (N, 2 K), in pairs: Box and Muller (1958)."""
    length, angle = np.sqrt(-2 * np.log1p(-u[:, ::2])), 2 * np.pi * u[:, 1::2]
    return np.concatenate([length * np.cos(angle), length * np.sin(angle)], 1)


def _between(low: float, high: float, u: Floats) -> Floats:
    return low + (high - low) * u


def _turned(points: Floats, angle: Floats) -> Floats:
    """(N, P, 2) points, or (P, 2) the same for all, by an angle each."""
    x, y = points[..., 0], points[..., 1]
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], -1)


def _rotation(u: Floats, pixels: Floats) -> Floats:
    return _turned(pixels, np.deg2rad(_between(-90, 90, u[:, 0])))


def _rotation_scale_translation(u: Floats, pixels: Floats) -> Floats:
    size = _between(0.7, 1.2, u[:, 1])[:, None, None]
    room = (42 - _S * size) / 2
    moved = pixels - room * (2 * u[:, None, 2:] - 1)
    return _turned(moved / size, np.deg2rad(_between(-45, 45, u[:, 0])))


def _projection(u: Floats, pixels: Floats) -> Floats:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * _S / 2
    still = _between(0.75, 1, u[:, 0])[:, None, None] * corners
    moved = still + 5 * _normal(u[:, 1:]).reshape(-1, 4, 2)
    for _ in range(4):  # corners that turn inwards would fold the digit, or leave nothing of it
        moved = np.where(_convex(moved)[:, None, None], moved, (moved + still) / 2)
    # Inverted, so that the third number is positive within the digit, wherever the picture's centre may be.
    map_ = np.linalg.inv(homography(np.broadcast_to(corners, moved.shape), moved))
    read = np.column_stack([pixels, np.ones(len(pixels))]) @ map_.transpose(0, 2, 1)
    behind = read[..., 2:] <= 0  # beyond the horizon, where nothing is seen
    return np.where(behind, 2 * _S, read[..., :2] / np.where(behind, 1, read[..., 2:]))


def _convex(corners: Floats) -> NDArray[np.bool_]:
    """Whether one turns right at every corner of quadrilaterals (N, 4, 2), walking round them."""
    x, y = np.moveaxis(np.roll(corners, -1, 1) - corners, -1, 0)
    convex: NDArray[np.bool_] = (x * np.roll(y, -1, 1) > y * np.roll(x, -1, 1)).all(1)
    return convex


def _bending(u: Floats, pixels: Floats) -> Floats:
    axis = np.linspace(-0.5, 0.5, 4) * _S
    knots = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    size = _between(0.75, 1, u[:, 0])[:, None, None]
    moved = 1.5 * _normal(u[:, 1:]).reshape(-1, 16, 2)
    return (pixels + spline_weights(pixels, knots) @ moved) / size


def _translation(u: Floats, pixels: Floats) -> Floats:
    return pixels - (np.floor(u * (60 - _S + 1)) - (60 - _S) / 2)[:, None]


def _add_patch(pictures: Pictures, pool: Pictures, u: Floats) -> None:
    """A piece of another digit at a place of its own, where it is lighter than what is there."""
    side = pictures.shape[-1]
    ends = np.array([len(pool), *[_S - _PATCH + 1] * 2, *[side - _PATCH + 1] * 2])
    digit, *corner = (u * ends).astype(np.int64).T
    step = np.arange(_PATCH)
    from_y, from_x, to_y, to_x = (each[:, None] + step for each in corner)
    piece = pool[digit[:, None, None], :, from_y[:, :, None], from_x[:, None]]  # (N, 8, 8, C)
    number = np.arange(len(pictures))[:, None, None]
    place = number, slice(None), to_y[:, :, None], to_x[:, None]
    pictures[place] = np.maximum(pictures[place], piece)


_DISTORTIONS: dict[Kind, _Distortion] = {
    "R": _Distortion(28, 1, _rotation),
    "RTS": _Distortion(42, 4, _rotation_scale_translation),
    "P": _Distortion(28, 1 + 8, _projection),
    "E": _Distortion(28, 1 + 32, _bending),
    "T": _Distortion(60, 2, _translation),
    "TC": _Distortion(60, 2, _translation),
}
