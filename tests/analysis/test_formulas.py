"""Counts of single operations by hand, and of random convolutional networks by counting on real tensors."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention.flex_attention import flex_attention

from gradus.analysis.inspect import inspect
from tests.analysis.networks import Calls

X, INDEX, FEW = torch.zeros(4, 6), torch.zeros(3, dtype=torch.int64), torch.zeros(3, 6)
SQUARE, HEADS = torch.zeros(5, 6, 6), torch.zeros(2, 4, 16, 8)
RAGGED = torch.tensor([1, 4, 4], dtype=torch.int32)

OPERATIONS: dict[str, tuple[Callable[..., Tensor], tuple[Tensor, ...], int, int]] = {
    "matrix by vector": (torch.mv, (X, X[0]), 24, 0),
    "vector by vector": (torch.dot, (X[0], X[0]), 6, 0),
    "in place": (lambda x: x.clone().addmm_(x, SQUARE[0]), (X,), 4 * 6 * 6, 0),
    "batches in place": (lambda x: x.clone().baddbmm_(x, x), (SQUARE,), 5 * 6**3, 0),
    "batches, summed": (lambda x: torch.addbmm(x[0], x, x), (SQUARE,), 5 * 6**3, 0),
    "whole numbers": (torch._int_mm, (torch.zeros(32, 16).char(), torch.zeros(16, 8).char()), 32 * 16 * 8, 0),
    "rows in groups": (partial(F.grouped_mm, offs=RAGGED), (X[:, :4], torch.zeros(3, 4, 8)), 4 * 4 * 8, 0),
    "columns in groups": (partial(F.grouped_mm, offs=RAGGED), (torch.zeros(3, 8, 4), torch.zeros(4, 4)), 8 * 4 * 4, 0),
    "a matrix each": (F.grouped_mm, (torch.zeros(3, 8, 4), torch.zeros(3, 4, 8)), 3 * 8 * 4 * 8, 0),
    "a sum in groups": (partial(F.grouped_mm, offs=RAGGED), (torch.zeros(8, 4), torch.zeros(4, 8)), 8 * 4 * 8, 0),
    "complex numbers": (lambda x: x @ x, (torch.zeros(6, 6, dtype=torch.complex64),), 6**3, 0),
    "activations": (
        lambda x: F.gelu(x) + F.relu_(x.clone()) + F.hardtanh_(x.clone()) + F.hardswish(x),
        (X,),
        0,
        7 * 24,
    ),
    "one a result": (F.glu, (X,), 0, 12),
    "whole division": (lambda x: x // 2, (X,), 0, 24),
    "a mask drawn, scaled and applied": (lambda x: F.dropout(x, 0.5, True), (X,), 0, 2 * 24),
    "a mask": (lambda x: x.clone().masked_fill_(x > 0, 0), (X,), 0, 2 * 24),
    "one an element": (lambda x: x.sort(-1)[0].topk(2)[0], (X,), 0, 2 * 24),
    "a loss": (lambda x: F.mse_loss(x, x), (X,), 0, 24),
    "added where an index says": (lambda x: x.index_add(0, INDEX, FEW), (X,), 0, 18),
    "chosen rows, added up": (lambda x: F.embedding_bag(INDEX, x, INDEX[:2]), (X,), 0, 18),
    "moved": (lambda x: x.roll(1, 0).unsqueeze(0).clone().squeeze_(0).scatter_(0, INDEX[:, None], FEW), (X,), 0, 0),
    "patches": (lambda x: F.unfold(x[None], 2), (X[None],), 0, 0),
}


@pytest.mark.parametrize("case", OPERATIONS)
def test_operations_by_hand(case: str) -> None:
    function, inputs, macs, elementwise = OPERATIONS[case]
    found = inspect(Calls(function), *inputs)
    assert (found.macs, found.cost.elementwise) == (macs, elementwise)
    assert (found.uncounted, found.unresolved) == ({}, [])


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_flexible_attention_is_one_operation() -> None:
    found = inspect(Calls(lambda x: flex_attention(x, x, x)), HEADS)
    assert (found.macs, found.uncounted, found.unresolved) == (2 * 4 * 16 * 16 * (8 + 8), {}, [])


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (torch.fft.rfft, {"aten::_fft_r2c": 1}),
        (lambda x: torch.linalg.svd(x)[1], {"aten::_linalg_svd": 1}),
        (lambda x: torch.eye(4).to_sparse() @ x, {"aten::mm": 1, "aten::_to_sparse": 1}),
    ],
)
def test_what_has_no_count_is_named(function: Callable[[Tensor], Tensor], names: dict[str, int]) -> None:
    found = inspect(Calls(function), X)
    assert (found.uncounted, found.macs, found.unresolved) == (names, 0, [])


CONVOLUTIONS: tuple[Any, ...] = (None, nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED: tuple[Any, ...] = (None, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
FUNCTIONS: tuple[Any, ...] = (None, (F.conv1d, F.conv_transpose1d), (F.conv2d, F.conv_transpose2d),
                              (F.conv3d, F.conv_transpose3d))  # fmt: skip


class Branches(nn.Module):
    """Its parts beside each other: what they make is joined, and the input is added where it fits."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.cat([each(x) for each in self.parts], 1)
        return y + x if y.shape == x.shape else y


@st.composite
def networks(draw: st.DrawFn) -> tuple[nn.Module, Tensor]:
    """Chains and branches of convolutions in one to three dimensions, and an input."""
    axes = draw(st.integers(1, 3))
    channels, size = draw(st.sampled_from((4, 8))), tuple(draw(st.integers(5, 9)) for _ in range(axes))
    x = torch.zeros(draw(st.integers(1, 2)), channels, *size)
    layers: list[nn.Module] = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("strided", "transposed", "branches")))
        if kind == "branches":
            layers.append(Branches(*(draw(same(axes, channels)) for _ in range(draw(st.integers(1, 3))))))
        elif kind == "transposed" and min(size) > 1 and max(size) < 10:
            layers.append(draw(transposed(axes, channels)))
        else:
            layers.append(draw(strided(axes, channels, size)))
        shape = nn.Sequential(*layers)(x).shape
        channels, size = shape[1], tuple(shape[2:])
    return nn.Sequential(*layers), x


def options(draw: st.DrawFn, axes: int, **ranges: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    """Of each kind one number an axis."""
    return {name: tuple(draw(st.integers(*range_)) for _ in range(axes)) for name, range_ in ranges.items()}


def common(draw: st.DrawFn, channels: int) -> dict[str, Any]:
    groups = draw(st.sampled_from([each for each in (1, 2, 4) if channels % each == 0]))
    outputs = draw(st.sampled_from((4, 8)))
    return {"in_channels": channels, "out_channels": outputs, "groups": groups, "bias": draw(st.booleans())}


@st.composite
def strided(draw: st.DrawFn, axes: int, channels: int, size: tuple[int, ...]) -> nn.Module:
    chosen = options(draw, axes, kernel_size=(1, 4), dilation=(1, 2), stride=(1, 3), padding=(0, 2))
    fits = [(size[each] - 1) // chosen["dilation"][each] + 1 for each in range(axes)]
    chosen["kernel_size"] = tuple(map(min, chosen["kernel_size"], fits))
    mode = draw(st.sampled_from(("zeros", "replicate")))
    return CONVOLUTIONS[axes](**common(draw, channels), **chosen, padding_mode=mode)  # type: ignore[no-any-return]


@st.composite
def transposed(draw: st.DrawFn, axes: int, channels: int) -> nn.Module:
    chosen = options(draw, axes, kernel_size=(2, 4), dilation=(1, 2), stride=(1, 3), padding=(0, 1))
    return TRANSPOSED[axes](**common(draw, channels), **chosen)  # type: ignore[no-any-return]


@st.composite
def same(draw: st.DrawFn, axes: int, channels: int) -> nn.Module:
    chosen = options(draw, axes, kernel_size=(1, 4), dilation=(1, 3))
    return CONVOLUTIONS[axes](**common(draw, channels), **chosen, padding="same")  # type: ignore[no-any-return]


def contributions(layer: Any, x: Tensor) -> int:
    """How many products of an input and a weight make up the output, with what is padded and what is cut off.

    Where all inputs, weights and paddings are 1, each number that comes out is a count of them.
    """
    one = torch.ones(x.shape, dtype=torch.float64)
    weight = torch.ones(layer.weight.shape, dtype=torch.float64)
    axes = layer.weight.ndim - 2
    forward, backward = FUNCTIONS[axes]
    options = {"stride": layer.stride, "dilation": layer.dilation, "groups": layer.groups}
    if layer.transposed:
        return int(backward(one, weight, **options).sum())
    return int(forward(F.pad(one, layer._reversed_padding_repeated_twice, value=1), weight, **options).sum())


@settings(max_examples=60, deadline=None)
@given(networks())
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_random_networks_of_convolutions(network: tuple[nn.Module, Tensor]) -> None:
    model, x = network
    counts: list[int] = []
    shapes: list[tuple[str, tuple[int, ...]]] = []
    names = {each: name for name, each in model.named_modules()}

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        shapes.append((names[layer], tuple(output.shape)))
        if hasattr(layer, "weight"):
            counts.append(contributions(layer, inputs[0]))

    handles = [each.register_forward_hook(note) for each in model.modules()]
    model(x)
    for each in handles:
        each.remove()
    found = inspect(model, x)
    layers: list[Any] = [each for each in model.modules() if hasattr(each, "weight")]
    assert found.macs == sum(counts)
    assert sorted((each.name, *each.outputs) for each in found.layers) == sorted(shapes)
    assert found.parameters == sum(
        each.in_channels * each.out_channels // each.groups * math.prod(each.kernel_size)
        + each.out_channels * (each.bias is not None)
        for each in layers
    )
    assert (found.uncounted, found.unresolved) == ({}, [])


@pytest.mark.parametrize(
    ("build", "elements"),
    [
        (nn.Hardswish, 48), (lambda: nn.Hardswish(inplace=True), 48), (nn.PReLU, 48), (nn.LogSigmoid, 48),
        (nn.RReLU, 48), (lambda: nn.RReLU(inplace=True), 48), (lambda: nn.GLU(1), 24), (nn.ReLU, 48),
    ],
)  # fmt: skip
def test_activations_cost_one_an_element_that_they_make(build: Callable[[], nn.Module], elements: int) -> None:
    found = inspect(build(), torch.empty(2, 4, 6))
    assert (found.cost.elementwise, found.macs, found.uncounted) == (elements, 0, {})
