"""The small kernels that a machine's ceilings are measured by."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradus.analysis.kernels import Demand, demand
from gradus.core.graph import trace


@dataclass(frozen=True)
class Trial:
    """Something to run, with what it asks for.

    Attributes:
        twin: the same with weights of its own. Run before, it leaves code in the caches, as the layers of a network do
            for one another, but not the weights that are timed.
    """

    layer: nn.Module
    twin: nn.Module
    x: Tensor
    demand: Demand


def trial(kind: str, layer: Callable[[Tensor], Any], *shape: int) -> Trial:
    """A layer on an input of this shape; what it asks for is that of its operation of this kind.

    Where torch computes it by operations of other kinds, this kind is not needed, and any figure does.
    """
    module = (layer if isinstance(layer, nn.Module) else _Function(layer)).eval()
    x = torch.randn(shape)
    asked = (each for each in map(demand, trace(module, (x,)).operations) if each.kind == kind)
    return Trial(module, deepcopy(module), x, next(asked, Demand(kind, 1, 1)))


def ladder() -> list[Trial]:
    """Element-wise operations that move more and more, from memory to memory that are there already."""
    return [_moves(2**each) for each in range(16, 25)]


def sequence() -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor], Tensor, int]:
    """The same operations as modules and as functions, an input, and how many calls the modules are."""
    pairs = [(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32)) for _ in range(20)]
    modules = nn.Sequential(*[nn.Sequential(*pair, nn.ReLU()) for pair in pairs]).eval()

    def functions(x: Tensor) -> Tensor:
        for convolution, norm in pairs:
            x = F.conv2d(x, convolution.weight, convolution.bias, padding=1)
            x = F.relu(F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias))
        return x

    return modules, functions, torch.randn(1, 32, 28, 28), sum(1 for _ in modules.modules())


def trials() -> dict[str, list[Trial]]:
    """Of each kind some, from small to large, as they are common in networks."""
    return {kind: [trial(kind, *row) for row in rows] for kind, rows in _rows().items()}


def _rows() -> dict[str, list[tuple[Any, ...]]]:
    """A layer, and the shape of its input."""

    def conv(inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> nn.Module:
        return nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)

    def up(inputs: int, outputs: int, size: int) -> nn.Module:
        return nn.ConvTranspose2d(inputs, outputs, size, 2, size // 2 - 1)

    return {
        "convolution": [
            (conv(16, 16, 3), 1, 16, 14, 14), (conv(3, 32, 3, 2), 1, 3, 224, 224), (conv(64, 64, 3), 1, 64, 56, 56),
            (conv(128, 128, 3), 1, 128, 28, 28), (conv(32, 32, 3), 1, 32, 112, 112), (conv(512, 512, 3), 1, 512, 7, 7),
            (conv(128, 32, 3), 1, 128, 14, 14),
        ],
        "pointwise": [
            (conv(32, 32, 1), 1, 32, 14, 14), (conv(32, 64, 1), 1, 32, 112, 112), (conv(64, 256, 1), 1, 64, 56, 56),
            (conv(256, 64, 1), 1, 256, 56, 56), (conv(512, 256, 1), 1, 512, 14, 14), (conv(96, 576, 1), 1, 96, 14, 14),
            (conv(512, 128, 1), 1, 512, 7, 7),
        ],
        "grouped": [
            (conv(64, 64, 1, 1, 4), 1, 64, 14, 14), (conv(128, 128, 3, 1, 32), 1, 128, 56, 56),
            (conv(256, 256, 3, 1, 8), 1, 256, 28, 28), (conv(240, 240, 1, 1, 3), 1, 240, 28, 28),
        ],
        "depthwise": [
            (conv(64, 64, 3, 1, 64), 1, 64, 14, 14), (conv(64, 64, 3, 1, 64), 1, 64, 112, 112),
            (conv(256, 256, 3, 2, 256), 1, 256, 56, 56), (conv(512, 512, 3, 1, 512), 1, 512, 14, 14),
            (conv(96, 96, 7, 1, 96), 1, 96, 56, 56),
        ],
        "transposed": [
            (up(16, 16, 2), 1, 16, 14, 14), (up(256, 128, 2), 1, 256, 16, 16), (up(64, 32, 4), 1, 64, 32, 32),
            (up(64, 32, 2), 1, 64, 64, 64),
        ],
        "matrix": [
            (nn.Linear(64, 64), 8, 64), (nn.Linear(256, 256), 32, 256), (nn.Linear(192, 768), 196, 192),
            (nn.Linear(1024, 1024), 8, 1024), (nn.Linear(1024, 1024), 64, 1024), (nn.Linear(512, 2048), 256, 512),
        ],
        "vector": [(nn.Linear(64, 64), 1, 64), (nn.Linear(512, 1000), 1, 512), (nn.Linear(2048, 4096), 1, 2048)],
        "attention": [(_attend, 1, 4, 16, 32), (_attend, 1, 3, 196, 64), (_attend, 4, 8, 128, 64)],
        "recurrent": [
            (nn.LSTM(32, 32), 200, 1, 32), (nn.LSTM(128, 128), 100, 1, 128), (nn.LSTM(128, 256), 50, 16, 128),
            (nn.LSTM(256, 256), 100, 4, 256),
        ],
        "max pool": [
            (nn.MaxPool2d(2), 1, 16, 14, 14), (nn.MaxPool2d(2), 1, 64, 56, 56), (nn.MaxPool2d(3, 2, 1), 1, 64, 56, 56),
        ],
        "sampling": [
            (nn.AvgPool2d(2), 1, 16, 14, 14), (nn.AvgPool2d(2), 1, 64, 56, 56), (nn.AvgPool2d(3, 2, 1), 1, 64, 56, 56),
            (nn.Upsample(scale_factor=2, mode="bilinear"), 1, 64, 28, 28),
        ],
        "channel norm": [
            (nn.BatchNorm2d(16), 1, 16, 14, 14), (nn.BatchNorm2d(64), 1, 64, 56, 56),
            (nn.BatchNorm2d(256), 1, 256, 14, 14), (nn.BatchNorm2d(64), 1, 64, 112, 112),
        ],
        "row norm": [
            (nn.LayerNorm(64), 16, 64), (nn.LayerNorm(192), 196, 192), (nn.LayerNorm(512), 512, 512),
            (nn.LayerNorm(96), 3136, 96), (nn.Softmax(-1), 3, 196, 196),
        ],
        "transcendental": [
            (nn.Sigmoid(), 1024), (nn.GELU(), 196, 768), (nn.GELU(), 3136, 192), (nn.Sigmoid(), 16, 56, 56),
            (nn.SiLU(), 64, 56, 56), (nn.Tanh(), 64, 56, 56),
        ],
        "elementwise": [(nn.ReLU(), 64), (nn.ReLU(), 1024), (partial(torch.add, torch.ones(1)), 1024)],
        "moving": [
            (_twice, 8, 8, 8), (_twice, 64, 28, 28), (_twice, 256, 56, 56), (_turned, 196, 3, 64),
            (_turned, 512, 8, 64),
        ],
        "view": [(_viewed, 64, 64), (nn.Flatten(), 64, 8, 8)],
    }  # fmt: skip


class _Function(nn.Module):
    """A function as a module, to be traced."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def _moves(moved: int) -> Trial:
    layer = _Function(partial(torch.neg, out=torch.empty(moved // 8)))
    return Trial(layer, layer, torch.randn(moved // 8), Demand("elementwise", moved // 8, moved))


def _attend(x: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(x, x, x)


def _twice(x: Tensor) -> Tensor:
    return torch.cat([x, x])


def _turned(x: Tensor) -> Tensor:
    return x.transpose(0, 1).contiguous()


def _viewed(x: Tensor) -> Tensor:
    return x.mT
