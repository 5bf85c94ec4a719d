"""Which kernel an operation needs, and what it asks of it, against hand counts."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradus.analysis.kernels import KINDS, demand
from gradus.core.graph import trace
from tests.analysis.networks import Calls, attend

IMAGE = (2, 16, 8, 8)
Q = (2, 4, 10, 8)

CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str, int]] = {
    "convolution": (lambda: nn.Conv2d(16, 32, 3, padding=1), IMAGE, "convolution", 2 * 2 * 64 * 32 * 16 * 9),
    "pointwise": (lambda: nn.Conv2d(16, 32, 1), IMAGE, "pointwise", 2 * 2 * 64 * 32 * 16),
    "grouped": (lambda: nn.Conv2d(16, 32, 1, groups=4), IMAGE, "grouped", 2 * 2 * 64 * 32 * 4),
    "depthwise": (lambda: nn.Conv2d(16, 16, 3, padding=1, groups=16), IMAGE, "depthwise", 2 * 2 * 64 * 16 * 9),
    "transposed": (lambda: nn.ConvTranspose2d(16, 8, 2, 2), IMAGE, "transposed", 2 * 2 * 64 * 16 * 8 * 4),
    "along one axis": (lambda: nn.Conv1d(4, 8, 3), (2, 4, 10), "convolution", 2 * 2 * 8 * 8 * 4 * 3),
    "rows by a matrix": (lambda: nn.Linear(16, 8), (4, 16), "matrix", 2 * 4 * 16 * 8),
    "a row by a matrix": (lambda: nn.Linear(16, 8), (1, 16), "vector", 2 * 16 * 8),
    "a vector by a matrix": (lambda: nn.Linear(16, 8), (16,), "vector", 2 * 16 * 8),
    "attention": (lambda: Calls(lambda x: attend(x, x, x)), Q, "attention", 2 * 2 * 4 * 10 * 10 * 8 * 2),
    "recurrence": (lambda: nn.LSTM(16, 8), (5, 3, 16), "recurrent", 2 * 5 * 3 * 32 * (16 + 8)),
    "pooling": (lambda: nn.MaxPool2d(3, 2, 1), IMAGE, "max pool", 2 * 16 * 16 * 9),
    "mean pooling": (lambda: nn.AvgPool2d(2), IMAGE, "sampling", 2 * 16 * 16 * 4),
    "pooling along one axis": (lambda: nn.MaxPool1d(4), (2, 3, 8), "max pool", 2 * 3 * 2 * 4),
    "bilinear": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), IMAGE, "sampling", 2 * 16 * 256 * 4),
    "nearest": (lambda: nn.Upsample(scale_factor=2), IMAGE, "sampling", 2 * 16 * 256),
    "batch norm": (lambda: nn.BatchNorm2d(16), IMAGE, "channel norm", 2048),
    "layer norm": (lambda: nn.LayerNorm(8), IMAGE, "row norm", 2048),
    "softmax": (lambda: nn.Softmax(1), IMAGE, "row norm", 2048),
    "gelu": (nn.GELU, IMAGE, "transcendental", 2048),
    "in place": (lambda: Calls(Tensor.sigmoid_), IMAGE, "transcendental", 2048),
    "relu": (nn.ReLU, IMAGE, "elementwise", 2048),
    "no formula": (lambda: Calls(partial(torch.fft.fft, dim=0)), (8, 4), "elementwise", 0),
    "copying": (lambda: Calls(lambda x: x.mT.contiguous()), IMAGE, "moving", 0),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_kind_and_work(case: str) -> None:
    build, shape, kind, work = CASES[case]
    asked = [demand(each) for each in trace(build().eval(), (torch.empty(shape),)).operations]
    assert (kind, work) in [(each.kind, each.work) for each in asked]
    assert {each.kind for each in asked} <= set(KINDS)


def test_views_and_empty_tensors_move_nothing() -> None:
    model = Calls(lambda x: torch.empty_like(x.mT[0].flatten()).detach())
    asked = [demand(each) for each in trace(model, (torch.empty(4, 4),)).operations]
    assert {(each.kind, each.moved) for each in asked} == {("view", 0)}


def test_looking_up_reads_what_it_returns_and_not_the_table() -> None:
    [asked] = [
        demand(each) for each in trace(nn.Embedding(10_000, 64), (torch.zeros(5, dtype=torch.int64),)).operations
    ]
    assert (asked.kind, asked.moved) == ("moving", 2 * 5 * 64 * 4)


def test_each_tensor_is_moved_once() -> None:
    [asked] = [demand(each) for each in trace(Calls(lambda x: x + x), (torch.empty(8),)).operations]
    assert asked.moved == 2 * 8 * 4
    [asked] = [demand(each) for each in trace(Calls(F.relu_), (torch.empty(8),)).operations]
    assert asked.moved == 8 * 4
