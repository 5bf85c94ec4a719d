"""Networks whose parameters and multiply-adds can be counted by hand, and the hand's counts.

One multiply-add of convolution and linear algebra counts one; biases, normalization, activations, pooling and the gates
of recurrent cells none; a causal mask spares none. Whole batches are counted, in evaluation mode. A count is written
as the product it is, axis by axis; only of ResNet-50 the sum over its layers stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.rnn import pack_padded_sequence

from tests.analysis.networks import (
    AsksForNumbers,
    Attends,
    Calls,
    CellLoop,
    HalvesUntilSmall,
    VisionTransformer,
    attend,
    resnet50,
    shared,
)

Inputs = tuple[Any, ...]


@dataclass(frozen=True)
class Case:
    """A network, what it is given, and what it costs.

    Attributes:
        macs: None where they depend on the numbers that the network is given: then no single number is right.
    """

    name: str
    build: Callable[[], nn.Module]
    inputs: Callable[[], Inputs]
    parameters: int
    macs: int | None


class Tied(nn.Module):
    """Words are told apart by the same vectors that they are looked up in (Press and Wolf 2016)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.hidden = nn.Embedding(1000, 64), nn.Linear(64, 64, bias=False)
        self.head = nn.Linear(64, 1000, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, words: Tensor) -> Tensor:
        logits: Tensor = self.head(self.hidden(self.embedding(words)))
        return logits


class Borrows(nn.Module):
    """Uses the weight of a module that it never calls."""

    def __init__(self) -> None:
        super().__init__()
        self.lender = nn.Linear(64, 64, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.lender.weight)


class Branches(nn.Module):
    """Takes its two inputs in a container, of which `first` and `second` are the keys."""

    def __init__(self, first: Any, second: Any) -> None:
        super().__init__()
        self.keys = first, second
        self.left, self.right = nn.Linear(16, 8, bias=False), nn.Linear(32, 8, bias=False)

    def forward(self, inputs: Any) -> Tensor:
        first, second = (inputs[each] for each in self.keys)
        out: Tensor = self.left(first) + self.right(second)
        return out


def floats(*shapes: tuple[int, ...]) -> Callable[[], Inputs]:
    """Inputs of these shapes, batch axis included."""
    return lambda: tuple(map(torch.randn, shapes))


def words() -> Inputs:
    """Two texts of ten words out of a thousand."""
    return (torch.randint(1000, (2, 10)),)


def packed() -> Inputs:
    """Four sequences of 51 steps together."""
    return (pack_padded_sequence(torch.randn(20, 4, 64), [20, 18, 10, 3]),)


def image(channels: int, side: int) -> Callable[[], Inputs]:
    """One square image."""
    return floats((1, channels, side, side))


def separable(width: int) -> nn.Module:
    """A depthwise convolution, then a pointwise one."""
    depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
    return nn.Sequential(depthwise, nn.Conv2d(width, width, 1, bias=False))


Conv2d, Transposed = partial(nn.Conv2d, bias=False), partial(nn.ConvTranspose2d, bias=False)
Q, KV = (2, 8, 64, 32), (2, 2, 64, 32)

VIT_PARAMETERS = 768 * (3 * 16**2 + 1 + 1 + 197) + 12 * 768 * (12 * 768 + 13) + 768 * 2 + 1000 * (768 + 1)
VIT_MACS = 196 * 768 * 3 * 16**2 + 12 * 768 * (197 * 12 * 768 + 2 * 197**2) + 768 * 1000
RESNET50 = Case("ResNet-50", resnet50, image(3, 224), 25_557_032, 4_089_184_256)
VIT = Case("ViT-B/16", VisionTransformer, image(3, 224), VIT_PARAMETERS, VIT_MACS)

TIMED = (
    RESNET50,
    VIT,
    Case("ViT-B/16, a batch of 8", VisionTransformer, floats((8, 3, 224, 224)), VIT_PARAMETERS, 8 * VIT_MACS),
)
"""Whose analysis is timed."""

CASES = (
    Case("convolution 7 x 7", lambda: Conv2d(3, 64, 7, 2, 3), image(3, 224), 64 * 3 * 7**2, 112**2 * 64 * 3 * 7**2),
    Case("convolution with bias", lambda: nn.Conv2d(64, 128, 3, padding=1), image(64, 56),
         128 * 64 * 3**2 + 128, 56**2 * 128 * 64 * 3**2),
    Case("asymmetric convolution", lambda: Conv2d(16, 32, (3, 5), (2, 1), (1, 2)), image(16, 28),
         32 * 16 * 3 * 5, 14 * 28 * 32 * 16 * 3 * 5),
    Case("grouped", lambda: Conv2d(32, 64, 3, padding=1, groups=4), image(32, 28),
         64 * 8 * 3**2, 28**2 * 64 * 8 * 3**2),
    Case("depthwise, dilated", lambda: Conv2d(32, 32, 3, padding=2, dilation=2, groups=32), image(32, 28),
         32 * 3**2, 28**2 * 32 * 3**2),
    Case("separable", partial(separable, 512), image(512, 14), 512 * 3**2 + 512**2, 14**2 * (512 * 3**2 + 512**2)),
    Case("transposed", lambda: Transposed(32, 16, 4, 2, 1), image(32, 14), 32 * 16 * 4**2, 14**2 * 32 * 16 * 4**2),
    Case("transposed, grouped", lambda: Transposed(32, 16, 4, 2, 1, groups=4), image(32, 14),
         32 * 4 * 4**2, 14**2 * 32 * 4 * 4**2),
    Case("transposed 1-D, dilated", lambda: nn.ConvTranspose1d(16, 8, 3, 2, dilation=2, bias=False),
         floats((2, 16, 50)), 16 * 8 * 3, 2 * 50 * 16 * 8 * 3),
    Case("1-D without a batch", lambda: nn.Conv1d(32, 32, 3, 2, 4, bias=False), floats((32, 128)),
         32 * 32 * 3, 67 * 32 * 32 * 3),
    Case("3-D", lambda: nn.Conv3d(3, 64, 3, padding=1, bias=False), floats((1, 3, 16, 112, 112)),
         64 * 3 * 3**3, 16 * 112**2 * 64 * 3 * 3**3),
    Case("a convolution as a function", lambda: Calls(partial(F.conv2d, padding=1), (16, 3, 3, 3)), image(3, 32),
         16 * 3 * 3**2, 32**2 * 16 * 3 * 3**2),
    Case("loop until small", HalvesUntilSmall, image(8, 32), 8 * 8 * 3**2, (32**2 + 16**2 + 8**2) * 8 * 8 * 3**2),
    Case("linear on sequences", lambda: nn.Linear(64, 128, bias=False), floats((4, 10, 64)),
         64 * 128, 4 * 10 * 64 * 128),
    Case("shared three times", shared, floats((2, 10)), 10 * 10, 3 * 2 * 10 * 10),
    Case("weight norm", lambda: weight_norm(nn.Linear(64, 64, bias=False)), floats((2, 64)), 64 * 64 + 64, 2 * 64 * 64),
    Case("another's weight", Borrows, floats((2, 64)), 64 * 64, 2 * 64 * 64),
    Case("a parameter itself", lambda: Calls(torch.matmul, (64, 128)), floats((4, 32, 64)),
         64 * 128, 4 * 32 * 64 * 128),
    Case("einsum", lambda: Calls(partial(torch.einsum, "blhd,hde->blhe"), (8, 32, 64)), floats((2, 16, 8, 32)),
         8 * 32 * 64, 2 * 16 * 8 * 32 * 64),
    Case("bilinear", lambda: nn.Bilinear(5, 7, 3, bias=False), floats((4, 5), (4, 7)), 3 * 5 * 7, 4 * 3 * 5 * 7),
    Case("inputs in a dict", lambda: Branches("table", "text"),
         lambda: ({"table": torch.randn(4, 16), "text": torch.randn(4, 32)},), 8 * (16 + 32), 4 * 8 * (16 + 32)),
    Case("inputs in a tuple", lambda: Branches(0, 1), lambda: (floats((4, 16), (4, 32))(),),
         8 * (16 + 32), 4 * 8 * (16 + 32)),
    Case("embedding", lambda: nn.Embedding(1000, 64), words, 1000 * 64, 0),
    Case("tied weights", Tied, words, 1000 * 64 + 64 * 64, 2 * 10 * (64 * 64 + 64 * 1000)),
    Case("RNN", lambda: nn.RNN(64, 128), floats((20, 4, 64)), 128 * (64 + 128 + 2), 20 * 4 * 128 * (64 + 128)),
    Case("LSTM, two layers", lambda: nn.LSTM(64, 128, 2), floats((20, 4, 64)),
         4 * 128 * (64 + 3 * 128 + 4), 20 * 4 * 4 * 128 * (64 + 3 * 128)),
    Case("LSTM, both ways", lambda: nn.LSTM(64, 128, 2, bidirectional=True), floats((20, 4, 64)),
         2 * 4 * 128 * (64 + 128 + 256 + 128 + 4), 20 * 4 * 2 * 4 * 128 * (64 + 128 + 256 + 128)),
    Case("LSTM, projected", lambda: nn.LSTM(64, 128, proj_size=32), floats((20, 4, 64)),
         4 * 128 * (64 + 32 + 2) + 128 * 32, 20 * 4 * (4 * 128 * (64 + 32) + 128 * 32)),
    Case("LSTM, packed", lambda: nn.LSTM(64, 128, 2), packed,
         4 * 128 * (64 + 3 * 128 + 4), (20 + 18 + 10 + 3) * 4 * 128 * (64 + 3 * 128)),
    Case("GRU, two layers", lambda: nn.GRU(64, 128, 2), floats((20, 4, 64)),
         3 * 128 * (64 + 3 * 128 + 4), 20 * 4 * 3 * 128 * (64 + 3 * 128)),
    Case("LSTM cell in a loop", CellLoop, floats((20, 4, 64)), 4 * 128 * (64 + 128 + 2), 20 * 4 * 4 * 128 * (64 + 128)),
    Case("attention, weights wanted", partial(Attends, need_weights=True), floats((2, 50, 256)),
         4 * 256 * 257, 2 * (4 * 50 * 256**2 + 2 * 50**2 * 256)),
    Case("attention", partial(Attends, need_weights=False), floats((2, 50, 256)),
         4 * 256 * 257, 2 * (4 * 50 * 256**2 + 2 * 50**2 * 256)),
    Case("cross-attention", lambda: nn.MultiheadAttention(256, 8, kdim=128, vdim=64, batch_first=True),
         floats((2, 50, 256), (2, 70, 128), (2, 70, 64)), 256 * (256 + 128 + 64 + 256 + 4),
         2 * 256 * (50 * 256 + 70 * 128 + 70 * 64 + 50 * 256 + 2 * 50 * 70)),
    Case("scaled dot product", lambda: Calls(attend), floats(Q, Q, Q), 0, 2 * 2 * 8 * 64**2 * 32),
    Case("scaled dot product, causal", lambda: Calls(partial(attend, is_causal=True)), floats(Q, Q, Q),
         0, 2 * 2 * 8 * 64**2 * 32),
    Case("scaled dot product, shared keys", lambda: Calls(partial(attend, enable_gqa=True)), floats(Q, KV, KV),
         0, 2 * 2 * 8 * 64**2 * 32),
    Case("encoder layer", lambda: nn.TransformerEncoderLayer(256, 8, 1024, batch_first=True), floats((2, 50, 256)),
         4 * 256 * 257 + 2 * 256 * 1024 + 1024 + 256 + 4 * 256,
         2 * (4 * 50 * 256**2 + 2 * 50**2 * 256 + 2 * 50 * 256 * 1024)),
    Case("decoder layer", lambda: nn.TransformerDecoderLayer(256, 8, 1024, batch_first=True),
         floats((2, 50, 256), (2, 70, 256)), 2 * 4 * 256 * 257 + 2 * 256 * 1024 + 1024 + 256 + 6 * 256,
         2 * (6 * 50 * 256**2 + 2 * 70 * 256**2 + 2 * 50 * (50 + 70) * 256 + 2 * 50 * 256 * 1024)),
    RESNET50,
    VIT,
    Case("its path depends on numbers", AsksForNumbers, floats((2, 8)), 2 * 8 * 8, None),
)  # fmt: skip
