"""The guidelines against the paper's formulas, search and counts by hand (cases 44 and 45 of analyzers.md)."""

from collections.abc import Callable
from math import isqrt, sqrt
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from gradus.analysis.guidelines import Verdict, judge, score
from gradus.core.graph import trace
from tests.analysis.networks import Bottleneck, CellLoop, VisionTransformer, attend


def judged(model: nn.Module, *shapes: tuple[int, ...], by: str) -> list[Verdict]:
    return [each for each in judge(trace(model, [torch.empty(each) for each in shapes])) if each.guideline == by]


def pointwise(inputs: int, outputs: int, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 1, groups=groups, bias=False)


@pytest.mark.parametrize(("inputs", "outputs", "elements"), [(128, 128, 819_200), (64, 256, 1_019_904)])
def test_44_equal_widths(inputs: int, outputs: int, elements: int) -> None:
    (found,) = judged(pointwise(inputs, outputs), (1, inputs, 56, 56), by="G1")
    assert (found.macs, found.found, found.least) == (51_380_224, elements, 819_200)
    assert (found.cost, found.unit) == (elements - 819_200, "elements")


def test_45_groups() -> None:
    (found,) = judged(pointwise(256, 256, groups=4), (1, 256, 56, 56), by="G2")
    assert (found.macs, found.found, found.least) == (51_380_224, 1_622_016, 819_200)
    assert found.found / found.least == pytest.approx(1.98)
    assert found.seen == "4 groups of 64 to 64 channels"


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 12), st.integers(1, 12), st.integers(1, 3))
def test_the_bound_of_the_paper(c1: int, c2: int, h: int, w: int, batch: int) -> None:
    """h w (c1 + c2) + c1 c2 >= 2 sqrt(h w B) + B / (h w), with equality if and only if c1 = c2."""
    (found,) = judged(pointwise(c1, c2), (batch, c1, h, w), by="G1")
    hw = batch * h * w
    assert found.macs == hw * c1 * c2
    assert found.found == hw * (c1 + c2) + c1 * c2
    assert found.least == isqrt(4 * hw * found.macs) + c1 * c2
    assert (found.cost == 0) is (c1 == c2)


@pytest.mark.parametrize(("product", "hw"), [(36, 20), (64, 3), (60, 7)])
def test_no_widths_do_with_less(product: int, hw: int) -> None:
    """Of all pairs of widths with as many multiply-adds."""
    found = {
        c: judged(nn.Linear(c, product // c, bias=False), (hw, c), by="G1")[0]
        for c in range(1, product + 1)
        if product % c == 0
    }
    assert len({(each.macs, each.least) for each in found.values()}) == 1
    least = min(each.found for each in found.values())
    assert found[1].least <= least
    if isqrt(product) ** 2 == product:
        assert found[isqrt(product)].found == found[1].least == least


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_convolution(data: st.DataObject) -> None:
    """Against the sizes of real tensors."""
    axes, groups = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    transposed = data.draw(st.booleans())
    kinds: Any = {
        False: [nn.Conv1d, nn.Conv2d, nn.Conv3d],
        True: [nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d],
    }
    inputs, outputs = (groups * data.draw(st.integers(2, 4)) for _ in range(2))
    kernel, stride, dilation = (data.draw(st.integers(1, 3)) for _ in range(3))
    model = kinds[transposed][axes - 1](inputs, outputs, kernel, stride, dilation=dilation, groups=groups)
    x = torch.randn(2, inputs, *[data.draw(st.integers(7, 9)) for _ in range(axes)])
    y = model(x)
    verdicts = judge(trace(model, [x]))
    assert [each.guideline for each in verdicts] == ["G1", "G2"][: 1 + (groups > 1)]
    assert {each.found for each in verdicts} == {x.numel() + y.numel() + model.weight.numel()}
    assert (verdicts[0].cost == 0) is (x.numel() == y.numel())
    for each in verdicts:
        positions = x[0, 0].numel() if transposed else y[0, 0].numel()
        assert each.macs == 2 * positions * model.weight.numel()
    if groups > 1:
        dense = (x.numel() + y.numel()) / sqrt(groups) + model.weight.numel()
        assert dense - 1 <= verdicts[1].least <= dense < verdicts[1].found


def test_a_dense_convolution_that_costs_as_many_multiply_adds_moves_what_is_said() -> None:
    grouped = nn.Conv2d(12, 24, 3, padding=1, groups=4, bias=False)
    dense = nn.Conv2d(6, 12, 3, padding=1, bias=False)  # both widths divided by sqrt(4)
    (found,) = judged(grouped, (2, 12, 9, 9), by="G2")
    (instead,) = judged(dense, (2, 6, 9, 9), by="G1")
    assert (found.macs, found.least) == (instead.macs, instead.found)


def test_tokens_and_single_sequences() -> None:
    (linear,) = judged(nn.Linear(8, 32), (2, 5, 8), by="G1")
    (alone,) = judged(nn.Conv1d(8, 32, 1), (8, 10), by="G1")
    normed = judged(weight_norm(nn.Linear(8, 32)), (2, 5, 8), by="G1")
    assert len(normed) == 1
    for each in (linear, alone, *normed):
        assert (each.macs, each.found, each.least) == (2560, 656, 576)
        assert each.seen == "8 to 32 channels: 80 elements read, 320 written, 256 weights"


class Fragments(nn.Module):
    """One of the paper's blocks: a 1 x 1 convolution, or 2 or 4 of as many multiply-adds in a row or side by side."""

    def __init__(self, width: int, number: int, *, parallel: bool) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(pointwise(width, width) for _ in range(number))
        self.parallel = parallel

    def forward(self, x: Tensor) -> Tensor:
        if self.parallel:
            return F.relu(torch.stack([each(x) for each in self.convolutions]).sum(0))
        for each in self.convolutions:
            x = each(x)
        return F.relu(x)


@pytest.mark.parametrize(("number", "width"), [(1, 128), (2, 90), (4, 64)])
@pytest.mark.parametrize("parallel", [False, True])
def test_fragments_of_the_paper(number: int, width: int, parallel: bool) -> None:
    model = nn.Sequential(*[Fragments(width, number, parallel=parallel) for _ in range(10)])
    found = judged(model, (1, width, 56, 56), by="G3")
    if number == 1:
        assert found == []
        return
    assert [each.place for each in found] == [str(each) for each in range(10)]
    assert {(each.found, each.least, each.unit) for each in found} == {(number, 1, "operations")}
    assert {each.macs for each in found} == {number * width**2 * 56**2}
    lie, share = ("side by side", "in a row")[not parallel], f"{1 / number:.0%}"
    assert found[0].seen == f"{number} operations {lie}: {' + '.join([share] * number)} of their multiply-adds"


class Inception(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Sequential(nn.Conv2d(8, 4, 1), nn.ReLU())
        self.three = nn.Sequential(nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
        self.five = nn.Sequential(nn.Conv2d(8, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 5, padding=2), nn.ReLU())
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(8, 2, 1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([each(x) for each in (self.one, self.three, self.five, self.pool)], 1)


def test_branches_of_an_inception() -> None:
    (found,) = judged(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), Inception()), (1, 3, 12, 12), by="G3")
    assert (found.place, found.found, found.least) == ("2", 7, 2)
    assert found.macs == 100 * (32 + 32 + 16 + 144 + 100 + 16)
    assert found.seen == (
        "4 operations side by side: 40% + 40% + 20% + 0% of their multiply-adds; "
        "3 operations side by side: 55% + 38% + 6% of their multiply-adds"
    )


class Attention(nn.Module):
    """With a projection each, as in Hugging Face's models, where one would do."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(8, 8) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        heads = [each(x).unflatten(-1, (2, 4)).transpose(1, 2) for each in (self.query, self.key, self.value)]
        out: Tensor = self.out(attend(*heads).transpose(1, 2).flatten(2))
        return out


class Shuffled(nn.Module):
    """ShuffleNet V2's unit: half of the channels go through 1 x 1, depthwise, 1 x 1."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            pointwise(4, 4), nn.BatchNorm2d(4), nn.ReLU(inplace=True),
            nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False), nn.BatchNorm2d(4),
            pointwise(4, 4), nn.BatchNorm2d(4), nn.ReLU(inplace=True),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        kept, used = x.chunk(2, 1)
        joined = torch.cat([kept, self.body(used)], 1)
        shuffled: Tensor = joined.unflatten(1, (2, 4)).transpose(1, 2).flatten(1, 2)
        return shuffled


@pytest.mark.parametrize(
    ("build", "shape", "expected"),
    [
        (Attention, (1, 5, 8), [("", 3, 1)]),
        (lambda: nn.Sequential(Bottleneck(8, 4, 2), Bottleneck(16, 4, 1)), (1, 8, 8, 8), [("0", 2, 1)]),
        (CellLoop, (20, 4, 64), [("", 21, 1)]),  # all inputs and the first state could be multiplied at once
        (lambda: nn.Sequential(Shuffled(), Shuffled()), (1, 8, 8, 8), []),
        (lambda: nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 8, 1)), (1, 4, 8, 8), []),
        (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3)), (1, 3, 12, 12), []),
        (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3)), (1, 3, 12, 12), []),
        (lambda: nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)), (1, 4), [("", 2, 1)]),
    ],
)
def test_how_other_blocks_are_split(
    build: Callable[[], nn.Module], shape: tuple[int, ...], expected: list[tuple[str, int, int]]
) -> None:
    assert [(each.place, each.found, each.least) for each in judged(build(), shape, by="G3")] == expected


def test_elementwise_operations_by_hand() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
        nn.Flatten(2), nn.Unflatten(2, (4, 4)),
        nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.Sigmoid(), nn.MaxPool2d(2), nn.Softmax(1),
    )  # fmt: skip
    passed = trace(model, [torch.empty(2, 3, 4, 4)])
    found = [each for each in judge(passed) if each.guideline == "G4"]
    whole = 2 * 16 * 16
    assert [(each.place, each.macs, each.found, each.least) for each in found] == [
        ("1", 0, 2 * whole + 4 * 16, 0),
        ("2", 0, 2 * whole, 0),
        ("5", whole * 9, 2 * whole + 9 * 16, 2 * whole // 4 + 9 * 16),  # dense: 4 to 4 channels
        ("6", 0, 2 * whole, 0),
        ("8", 0, 2 * whole // 4, 0),
    ]
    convolutions = (96 + 9 * 3 * 16 + 16 + whole) + (2 * whole + 9 * 16 + 16)
    pooled = whole + 2 * whole // 4  # values and where they were
    all_moved = convolutions + pooled + sum(each.found for each in found if each.place != "5")
    assert found[1].seen == f"relu: {4 * 2 * whole:,} bytes, {2 * whole / all_moved:.1%} of all elements moved"
    (total,) = [each for each in score(passed) if each.guideline == "G4"]
    assert (total.judged, total.broken, total.macs) == (5, 5, whole * 9)
    assert total.cost == sum(each.cost for each in found)
    assert total.share == pytest.approx(total.cost / all_moved)


def test_the_dense_convolution_beside_a_depthwise_one() -> None:
    (depthwise,) = judged(nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False), (1, 16, 8, 8), by="G4")
    (dense,) = judged(nn.Conv2d(4, 4, 3, padding=1, bias=False), (1, 4, 8, 8), by="G1")
    assert (depthwise.macs, depthwise.least) == (dense.macs, dense.found)


def test_a_sum_of_two_maps_reads_both() -> None:
    block = Bottleneck(8, 2, 1)
    (found,) = [each for each in judged(block, (1, 8, 4, 4), by="G4") if each.seen.startswith("add: ")]
    assert (found.place, found.found) == ("", 3 * 8 * 16)


def test_scores_of_a_network() -> None:
    """Each is the sum of its verdicts, and a share of all."""
    passed = trace(VisionTransformer(), [torch.empty(1, 3, 224, 224)])
    verdicts, scores = judge(passed), {each.guideline: each for each in score(passed)}
    assert list(scores) == ["G1", "G2", "G3", "G4"]
    for name, each in scores.items():
        those = [verdict for verdict in verdicts if verdict.guideline == name]
        assert (each.judged, each.cost) == (len(those), sum(verdict.cost for verdict in those))
        assert 0 <= each.share < 1
    tokens = 197
    mlp = tokens * (768 + 3072) - isqrt(4 * tokens * 768 * tokens * 3072)
    projection = tokens * (768 + 2304) - isqrt(4 * tokens * 768 * tokens * 2304)
    head = 768 + 1000 - isqrt(4 * 768 * 1000)
    assert scores["G1"].cost == 12 * (2 * mlp + projection) + head


def test_products_of_two_maps_are_no_layers() -> None:
    class Gram(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x @ x.T

    assert judge(trace(Gram(), [torch.empty(5, 8)])) == []


def test_nothing_to_say() -> None:
    passed = trace(nn.Sequential(nn.Flatten(), nn.Identity()), [torch.empty(2, 3, 4)])
    assert judge(passed) == []
    assert [(each.cost, each.share) for each in score(passed)] == [(0, 0)] * 4
    assert [each.guideline for each in judge(trace(nn.Tanh(), [torch.empty(2, 3)]))] == ["G4"]
