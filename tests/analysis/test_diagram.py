"""Diagrams of networks made here, whose every line is known."""

import pytest
import torch
from torch import Tensor, nn

from gradus.analysis.diagram import Block, blocks
from gradus.analysis.inspect import inspect
from gradus.models import create_model, models


def told(model: nn.Module, *shape: int) -> list[Block]:
    return blocks(model, inspect(model, shape))


class Sum(nn.Module):
    """Branches whose outputs are added."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([branch(x) for branch in self.branches]).sum(0)


def unit(inputs: int, outputs: int) -> Sum:
    branch = nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 1))
    return Sum(branch, nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1))


def test_layers_in_a_row_with_what_follows_each() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 5, 2), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d((2, 1)), nn.Flatten(), nn.Linear(12, 2)
    )
    assert told(model, 1, 10, 9) == [
        Block("0", 0, 1, "conv 5 x 5 / 2, batch norm, ReLU", (4, 3, 3), 4 * 25 + 4 + 8, 4 * 25 * 9),
        Block("3", 0, 1, "max pool 2 x 1 / 2 x 1, flatten", (12,), 0, 0),
        Block("5", 0, 1, "linear", (2,), 26, 24),
    ]


def test_blocks_that_are_alike_are_told_once() -> None:
    model = nn.Sequential(nn.Sequential(unit(2, 4), unit(4, 4), unit(4, 4)), nn.Sequential(unit(4, 4), unit(4, 4)))
    first, again = 2 * 4 * 9 + 4 + 4 * 4 + 4, 4 * 4 * 9 + 4 + 4 * 4 + 4
    lines = told(model, 2, 6, 6)
    assert [(each.name, each.depth, each.times, each.what, each.parameters) for each in lines] == [
        ("0", 0, 1, "3 blocks", first + 12 + 2 * again),
        ("0", 1, 1, "Sum (conv 3 x 3, conv 1 x 1 | conv 1 x 1)", first + 12),
        ("1 .. 2", 1, 2, "Sum (conv 3 x 3, conv 1 x 1)", 2 * again),
        ("1", 0, 2, "Sum (conv 3 x 3, conv 1 x 1)", 2 * again),
    ]
    assert lines[-1].macs == 2 * 36 * (4 * 4 * 9 + 16)


def test_stages_that_are_alike_are_told_once_and_those_within_a_stage_in_words() -> None:
    alike = nn.Sequential(*(nn.Sequential(unit(4, 4), unit(4, 4)) for _ in range(2)))
    assert [(each.name, each.times, each.what) for each in told(alike, 4, 6, 6)] == [("0 .. 1", 2, "2 blocks")]
    nested = nn.Sequential(nn.Sequential(nn.Sequential(unit(4, 4), unit(4, 8)), unit(8, 8)), nn.Conv2d(8, 2, 1))
    assert [(each.name, each.depth, each.times) for each in told(nested, 4, 6, 6)] == [
        *(("0", 0, 1), ("0", 1, 1), ("1", 1, 1), ("1", 0, 1)),
    ]


@pytest.mark.parametrize(
    ("layer", "shape", "said"),
    [
        (nn.Conv2d(4, 8, (3, 1), (2, 1), groups=2), (4, 6, 6), "conv 3 x 1 / 2 x 1 of 2 groups"),
        (nn.Conv2d(4, 8, 3, groups=4, dilation=2), (4, 6, 6), "depthwise conv 3 x 3 dilated 2 x 2"),
        (nn.ConvTranspose1d(2, 3, 4, 2), (2, 5), "transposed conv 4 / 2"),
        (nn.AvgPool2d(3, 1), (2, 5, 5), "mean pool 3 x 3"),
        (nn.AdaptiveAvgPool2d(1), (2, 5, 5), "global mean pool"),
        (nn.AdaptiveAvgPool2d((7, 1)), (2, 9, 9), "mean pool to 7 x 1"),
        (nn.GroupNorm(2, 4), (4, 5), "group norm of 2"),
        (nn.Dropout(0.25), (4,), "dropout 0.25"),
        (nn.Softplus(), (4,), "Softplus"),
        (nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3), nn.ReLU()), (3,), "2 x (linear, ReLU)"),
    ],
)
def test_what_a_layer_is(layer: nn.Module, shape: tuple[int, ...], said: str) -> None:
    model = nn.Sequential(nn.Unflatten(1, shape), layer)
    assert told(model, torch.Size(shape).numel())[-1].what.removeprefix("Unflatten, ") == said


def test_attention_is_a_layer() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.dense = nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.dense(x + self.attention(x, x, x, need_weights=False)[0])
            return y

    assert told(nn.Sequential(nn.Linear(4, 8), Block()), 5, 4)[-1].what == "Block (attention of 2 heads | linear)"


@pytest.mark.parametrize("product", [True, False])
def test_what_is_in_no_block_is_told_too(product: bool) -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3, 3))
            self.first, self.auxiliary = nn.Linear(2, 3), nn.Linear(3, 5)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.first(x)
            return y @ self.scale if product else y * self.scale[0]

    first, others = told(Scaled(), 2)
    assert (first.name, first.parameters, first.macs) == ("first", 9, 6)
    what = "outside of these blocks, or in training only"
    assert others == Block("others", 0, 1, what, (3,), 9 + 20, 9 if product else 0)


class Held(nn.Module):
    def __init__(self, end: nn.Module | None) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        self.end = end

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return y if self.end is None else self.end(y)


@pytest.mark.parametrize(
    ("model", "lines"),
    [
        (Held(None), [("0", "linear, ReLU"), ("2", "linear")]),
        (Held(nn.Linear(1, 4)), [("0", "linear, ReLU"), ("2", "linear"), ("end", "linear")]),
        (nn.Sequential(Held(None)), [("0.body.0", "linear, ReLU"), ("0.body.2", "linear")]),
    ],
)
def test_the_chain_of_what_only_holds_one_is_the_networks(model: nn.Module, lines: list[tuple[str, str]]) -> None:
    assert [(each.name, each.what) for each in told(model, 2)] == lines


FIRST = {card.family: card.name for card in reversed(models.cards())}.values()
"""One network of each family; the others in `make test-all`."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in FIRST else pytest.mark.slow) for name in models.names()]
)
def test_the_lines_of_a_chain_add_up(name: str) -> None:
    with torch.device("meta"):
        model = create_model(name)
    found = inspect(model, *models.get(name).spec.example("meta"))
    lines = blocks(model, found)
    chain = [each for each in lines if each.depth == 0]
    assert sum(each.parameters for each in chain) == found.parameters
    assert sum(each.macs for each in chain) == found.macs
    assert all(each.what for each in lines)
