"""Changes to training examples, drawn anew for each example and epoch; evaluation sees none of them.

Draws are keyed by example (`core.randomness`), so an example is changed the same way in whichever batch or worker it
comes. Changes are made in the order listed; geometric ones in a row are multiplied into one affine map, and the image
is sampled once.
"""

# N examples, C channels, H height, W width

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample, one_hot

from gradus.core.errors import InputError
from gradus.core.randomness import Stream, uniform
from gradus.core.spec import DataSpec
from gradus.data.augmentation.changes import (
    Change,
    Kind,
    Mixing,
    Retouch,
    Rewriting,
    Uniform,
    Warp,
    augmentations,
    blend,
)
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import RawData
from gradus.data.splits import Index, Split

_MEANS: dict[Kind, str] = {"images": "images (C, H, W)", "numbers": "tables and series", "text": "text"}
Take = Callable[[Tensor], tuple[tuple[Tensor, ...], Tensor]]
"""Inputs and target of the examples with these numbers (N,)."""


@dataclass(frozen=True)
class Tones:
    """Levels of the images as a model sees them, (C, 1, 1) or (): of a raw 0, which comes in from outside, and of the
    darkest and the lightest value there is.
    """

    background: Tensor
    black: Tensor
    white: Tensor

    @classmethod
    def fit(cls, train: Split, preprocessing: Preprocessing) -> Self:
        """Of 8-bit images from 0 to 255; of others, as far as the training split goes.

        Raises:
            InputError: where preprocessing mixes pixels, so that no level has a value of its own.
        """
        low, high = 0.0, 255.0
        if train.examples.inputs[0].dtype != np.uint8:
            ends = [(chunk[0].min(), chunk[0].max()) for chunk in train.examples.chunks(train.index)]
            low, high = min(0.0, *(float(each) for each, _ in ends)), max(float(each) for _, each in ends)
        if high <= low:
            high = low + 1
        return cls(*(preprocessing.of(level) for level in (0.0, low, high)))


_AS_THEY_ARE = Tones(torch.tensor(0.0), torch.tensor(0.0), torch.tensor(1.0))


class Augmentation:
    """The changes of a recipe, made in the order listed, ready for batches."""

    def __init__(self, items: Sequence[str | Mapping[str, Any]], spec: DataSpec, tones: Tones | None = None) -> None:
        """
        Args:
            items: names, or tables of a name and its options.
            spec: the data as the model sees them.
            tones: of images; by default a raw 0 and black are 0 and white is 1.
        Raises:
            InputError: for an unknown name or option, a change that is not for such data, or two that mix.
        """
        self._items, self._spec, self._tones = tuple(items), spec, tones or _AS_THEY_ARE
        self._changes = [_build(item, spec) for item in self._items]
        mixing = [place for place, change in enumerate(self._changes) if isinstance(change, Mixing)]
        if len(mixing) > 1:
            raise InputError("data.augment", "may mix examples once", list(self._items), "Keep one of the two.")
        self._mixing = mixing[0] if mixing else None
        counts = [spec.features if change.draws is None else change.draws for change in self._changes]
        self._first_draws = list(accumulate(counts, initial=0))

    @classmethod
    def fit(
        cls, items: Sequence[str | Mapping[str, Any]], raw: RawData, train: Split, preprocessing: Preprocessing
    ) -> Self:
        """Ready for the training split of `raw`."""
        made = cls(items, preprocessing.spec(raw.spec))
        if _kind(made._spec) == "images" and any(isinstance(each, Warp | Retouch) for each in made._changes):
            made._tones = Tones.fit(train, preprocessing)
        return made

    def __reduce__(self) -> Any:
        # Changes hold closures, which cannot be sent to a worker process; what they were made from can.
        return Augmentation, (self._items, self._spec, self._tones)

    def __call__(
        self, take: Take, index: Index, *, pool: Index, seed: int, epoch: int
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """Inputs and target of the examples `index` as `epoch` sees them.

        Args:
            take: where examples are found as they are.
            pool: the examples that may be mixed into others.
        Returns:
            Inputs of the same shapes and dtypes; after mixing, the target of a classification is (N, classes) float32.
        """
        if self._mixing is None:
            (first, *rest), target = take(torch.from_numpy(index))
            return (self._change(first, index, 0, len(self._changes), seed, epoch), *rest), target
        mixing = self._changes[self._mixing]
        assert isinstance(mixing, Mixing)
        u = self._draw(self._mixing, index, seed, epoch)
        partner = pool[(u[:, 0] * len(pool)).astype(np.int64)]
        # A partner is changed by its own draws, so that it is the same example that its own batch has.
        both = np.concatenate((index, partner))
        (first,), target = take(torch.from_numpy(both))
        own, other = self._change(first, both, 0, self._mixing, seed, epoch).chunk(2)
        mixed, share = mixing.mix(own, other, u[:, 1:])
        mixed = self._change(mixed, index, self._mixing + 1, len(self._changes), seed, epoch)
        return (mixed,), self._mixed_target(target, share)

    def _change(self, values: Tensor, index: Index, start: int, end: int, seed: int, epoch: int) -> Tensor:
        """`values` after the changes from `start` up to `end`."""
        map_ = None
        for place in range(start, end):
            change, u = self._changes[place], self._draw(place, index, seed, epoch)
            if isinstance(change, Warp):
                step = change.matrix(u, (values.shape[-2], values.shape[-1]))
                # From output to input: the change listed last is the first to be undone.
                map_ = step if map_ is None else map_ @ step
                continue
            values, map_ = self._warped(values, map_), None
            if isinstance(change, Retouch):
                black, white = self._tones.black.to(values), self._tones.white.to(values)
                values = change.change((values - black) / (white - black), u) * (white - black) + black
            elif isinstance(change, Rewriting):
                values = change.rewrite(values, u[:, 0], self._spec.vocabulary)
        return self._warped(values, map_)

    def _draw(self, place: int, index: Index, seed: int, epoch: int) -> Uniform:
        first, end = self._first_draws[place : place + 2]
        return uniform(seed, Stream.AUGMENTATION, epoch, index, end - first, first=first)

    def _warped(self, images: Tensor, map_: NDArray[np.float64] | None) -> Tensor:
        if map_ is None:
            return images
        background = self._tones.background.to(images)
        # grid_sample brings in zeros from outside, so the background is made zero meanwhile.
        grid = _grid(map_, *images.shape[-2:]).to(images)
        return grid_sample(images - background, grid, align_corners=False) + background

    def _mixed_target(self, target: Tensor, share: NDArray[np.float64]) -> Tensor:
        """The targets of both halves in their shares, (N, outputs)."""
        if self._spec.task == "classification":
            target = one_hot(target, self._spec.outputs).float()
        own, other = target.chunk(2)
        return blend(own, other, share)


def _build(item: str | Mapping[str, Any], spec: DataSpec) -> Change:
    options = {} if isinstance(item, str) else {name: value for name, value in item.items() if name != "name"}
    name = item if isinstance(item, str) else item.get("name", "")
    if not isinstance(name, str) or not name:
        raise InputError("data.augment", "every item must be a name or have one", repr(item))
    card = augmentations.get(name, "data.augment")
    owner = f"data.augment `{name}`"
    if _kind(spec) not in card.takes:
        wanted = " or ".join(_MEANS[each] for each in card.takes)
        raise InputError(
            owner,
            f"is for {wanted}",
            f"{_MEANS[_kind(spec)]}, {spec.inputs[0]}",
            "Leave it out of `data.augment`, which may be [].",
        )
    change: Change = card.build(**card.validate(options, owner))
    if isinstance(change, Mixing) and len(spec.inputs) > 1:
        raise InputError(owner, "mixes examples of one input", f"{len(spec.inputs)} inputs", "Leave it out.")
    return change


def _kind(spec: DataSpec) -> Kind:
    if spec.vocabulary:
        return "text"
    return "images" if len(spec.inputs[0]) == 3 else "numbers"


def _grid(map_: NDArray[np.float64], height: int, width: int) -> Tensor:
    """Where each output pixel is read from, (N, H, W, 2), in grid_sample's units of half a side.

    Written out element by element: a matrix product could round differently from one batch size to another.
    """
    x = np.arange(width) - (width - 1) / 2
    y = (np.arange(height) - (height - 1) / 2)[:, None]
    a = map_[:, :2, :, None, None]
    grid = np.empty((len(map_), height, width, 2), dtype=np.float32)
    grid[..., 0] = (a[:, 0, 0] * x + a[:, 0, 1] * y + a[:, 0, 2]) * (2 / width)
    grid[..., 1] = (a[:, 1, 0] * x + a[:, 1, 1] * y + a[:, 1, 2]) * (2 / height)
    return torch.from_numpy(grid)
