"""The table: what it shows, what it folds, how it fits."""

import pytest
import torch
from torch import Tensor, nn

import gradus
from gradus.analysis.inspect import inspect
from gradus.analysis.table import rows, text
from tests.analysis.networks import AsksForNumbers, VisionTransformer, resnet50, shared


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear, self.relu = nn.Linear(8, 8), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.relu(self.linear(x))
        return y


def stack(number: int) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), *(Block() for _ in range(number)), nn.Linear(8, 2))


def test_a_line_tells_all_of_a_module() -> None:
    found = inspect(nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.ReLU()), (3, 224, 224))
    lines = text(found, width=120).splitlines()
    # 3 * 64 * 49 weights, each used 112 * 112 times; it moves them, 3 * 224 * 224 numbers and 64 * 112 * 112.
    convolution = "0 Conv2d 1x64x112x112 9.41 K 118 M 100 % - 3.67 MiB 588 KiB 61.3 7/2"
    assert " ".join(lines[3].split()) == convolution
    assert " ".join(lines[4].split()) == "1 ReLU 1x64x112x112 - - 803 K 6.12 MiB 3.06 MiB 0.125 7/2"


def test_the_totals_are_exact() -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 4))
    model[2].requires_grad_(False)
    told = text(inspect(model, torch.empty(2, 6)))
    for line in (
        "parameters         69 (45 trainable, 24 frozen)",
        "buffers            11",
        "multiply-adds      100",
        "FLOPs              210 (two a multiply-add, and 10 element-wise)",
    ):
        assert line in told.splitlines()


def test_what_lies_deeper_is_folded_into_its_module() -> None:
    found = inspect(stack(2), (6,))
    assert [each.name for each in rows(found, 0)] == ["Sequential"]
    assert [each.name for each in rows(found, 1)] == ["Sequential", "0", "1 .. 2", "3"]
    assert [each.name for each in rows(found)] == ["Sequential", "0", "1", "linear", "relu", "2", "linear", "relu", "3"]
    assert "relu" not in text(found, 1)


def test_neighbours_alike_are_one_line_with_what_they_cost_together() -> None:
    found = inspect(stack(3), (6,))
    blocks = rows(found, 1)[2]
    assert (blocks.name, blocks.type, blocks.calls) == ("1 .. 3", "3 x Block", (2, 5, 8))
    assert (blocks.parameters, blocks.cost.macs, blocks.cost.elementwise) == (3 * 72, 3 * 64, 3 * 8)
    assert blocks.share == 3 * 64 / (48 + 3 * 64 + 16)
    assert blocks.saved_bytes == 4 * (8 + 3 * 8)  # what the first one gets, and what each rectifier returns


def test_layers_are_not_made_one_line() -> None:
    assert [each.name for each in rows(inspect(nn.Sequential(nn.ReLU(), nn.ReLU()), (3,)), 1)][1:] == ["0", "1"]


def test_a_module_that_is_called_again_has_one_line() -> None:
    _, again = rows(inspect(shared(), (10,)))
    assert (again.name, again.type, again.parameters, again.cost.macs) == ("0", "3 x Linear", 100, 300)


class Steps(nn.Module):
    """A block at each of three steps, of which the last is of another size."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Linear(4, 4), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        both: torch.Tensor = self.block(torch.cat([self.block(x), self.block(x)]))
        return both


def test_what_is_within_a_module_that_is_called_again_has_one_line_too() -> None:
    found = rows(inspect(Steps(), (4,)))
    names = [(each.depth, each.name, each.type) for each in found]
    within = [(2, "0", "{}Linear"), (2, "1", "{}ReLU")]
    twice = [(depth, name, kind.format("2 x ")) for depth, name, kind in within]
    once = [(depth, name, kind.format("")) for depth, name, kind in within]
    assert names == [(0, "Steps", ""), (1, "block", "2 x Sequential"), *twice, (1, "block", "Sequential"), *once]
    assert [each.cost.macs for each in found] == [4 * 16, 2 * 16, 2 * 16, 0, 2 * 16, 2 * 16, 0]


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_rows_of_a_depth_add_up(depth: int) -> None:
    found = inspect(VisionTransformer(), (3, 224, 224))
    lines = rows(found, depth)
    assert (lines[0].parameters, lines[0].cost, lines[0].saved_bytes) == (86_567_656, found.cost, found.saved_bytes)
    layers = [each for each in lines if "TransformerEncoderLayer" in each.type]
    of_a_layer = 197 * (4 * 768 * 768 + 2 * 768 * 3072) + 2 * 197 * 197 * 768
    assert sum(each.cost.macs for each in layers) == (12 * of_a_layer if depth > 1 else 0)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_it_fits_and_says_what_it_leaves_out(width: int) -> None:
    found = inspect(resnet50(), (3, 224, 224))
    told = text(found, 1, width)
    assert max(map(len, told.splitlines())) <= width
    assert "…" not in told
    for name, heading in (("element-wise", "wise"), ("field / stride", "/ stride")):
        left_out = told.partition("not shown")[2]
        assert (name in " ".join(left_out.split())) is (heading not in told.partition("\n\n")[0])
    assert ("not shown" not in told) is (width >= 120)


def test_it_is_what_a_prompt_and_a_page_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    found = gradus.inspect(stack(3), (6,))
    assert repr(found) == str(found) == text(found, 2, 110) == found.table()
    assert "relu" not in found.table(depth=1)


def test_names_are_not_read_as_markup() -> None:
    model = nn.Sequential()
    model.add_module("[red]x[/red]", nn.Linear(2, 2))
    assert "[red]x[/red]" in text(inspect(model, (2,)))


def test_what_was_not_followed_to_its_end_is_still_shown() -> None:
    told = text(inspect(AsksForNumbers(), torch.empty(2, 8)), width=160)
    assert "kept for backward  unknown" in told
    assert "note               not followed to its end: the model: aten._local_scalar_dense.default" in told
    assert " ? " in told  # what the layers keep
