"""What changes are made to in these tests: 64 examples of each kind, and pictures changed by known draws."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from gradus.core.randomness import Stream
from gradus.core.spec import DataSpec
from gradus.data.augmentation import Augmentation, Take, Tones
from gradus.data.augmentation.changes import Kind

VOCABULARY = (" ", *"abcdefghij")
SPECS: dict[Kind, DataSpec] = {
    "images": DataSpec(task="classification", inputs=((3, 9, 6),), outputs=4),
    "numbers": DataSpec(task="classification", inputs=((5, 2),), outputs=4),
    "text": DataSpec(
        task="classification", inputs=((7,),), outputs=11, input_dtypes=("int64",), vocabulary=VOCABULARY
    ),
}  # fmt: skip


def examples(kind: Kind) -> Take:
    """Where to take examples of a kind from; the same every time."""
    generator = torch.Generator().manual_seed(0)
    spec = SPECS[kind]
    if kind == "text":
        x = torch.randint(1, len(VOCABULARY), (64, *spec.inputs[0]), generator=generator)
    else:
        x = torch.rand((64, *spec.inputs[0]), generator=generator) * 3 - 1
    target = torch.arange(64) % spec.outputs

    def take(index: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        return (x[index],), target[index]

    return take


def pictures(*shape: int) -> Tensor:
    """Random images, the same every time."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def drawn(
    monkeypatch: pytest.MonkeyPatch, images: Tensor, items: Sequence[str | Mapping[str, Any]], *numbers: float,
    tones: Tones | None = None,
) -> Tensor:  # fmt: skip
    """`images` changed by these uniform numbers, the same for each."""
    asked: list[int] = []

    def fixed(
        seed: int, stream: Stream, epoch: int, index: NDArray[np.int64], draws: int, *, first: int
    ) -> NDArray[np.float64]:
        assert stream is Stream.AUGMENTATION
        asked.extend(range(first, first + draws))
        return np.tile(np.array(numbers[first : first + draws]), (len(index), 1))

    monkeypatch.setattr("gradus.data.augmentation.uniform", fixed)
    spec = DataSpec(task="regression", inputs=(tuple(images.shape[1:]),), outputs=1)
    (changed,), _ = Augmentation(items, spec, tones)(
        held(images), np.arange(len(images)), pool=np.arange(len(images)), seed=0, epoch=0
    )
    assert asked == list(range(len(numbers))), "every draw is used, and once"
    return changed


def held(x: Tensor, target: Tensor | None = None) -> Take:
    """Where to take examples from: `x` and `target`, zeros where there is none."""
    targets = torch.zeros(len(x), 1) if target is None else target
    return lambda index: ((x[index],), targets[index])


def tones(*levels: float) -> Tones:
    """Levels of background, black and white."""
    return Tones(*map(torch.tensor, levels))
