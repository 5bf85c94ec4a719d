"""LeNet-5, as it is taught today and as it was published.

Source: LeCun, Bottou, Bengio, Haffner (1998), Gradient-based learning applied to document recognition, Proceedings of
the IEEE 86(11), sections II.B and II.C. Layers bear the paper's names: C convolution, S sub-sampling, F dense.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.randomness import hash_keys
from gradus.core.spec import DataSpec
from gradus.models import Published, models
from gradus.models.activations import Activation, chosen
from gradus.models.field import ImageField
from gradus.models.inputs import image
from gradus.nn.activation import ScaledTanh

# N examples, C maps, H height, W width, K classes, U units of F6

_PAPER = "LeCun, Bottou, Bengio, Haffner (1998), Gradient-based learning applied to document recognition"
_SIDE = 32


@models.register(
    source=_PAPER + ", section II.B",
    family="lenet",
    year=1998,
    input=(1, 32, 32),
    outputs=10,
    notes="Every C3 map sees all six S2 maps, sub-sampling has no parameters and F6 feeds a linear layer; the "
    "published form is `lenet5_1998`. Smaller images are enlarged and centred in the 32 x 32 field.",
)
def lenet5(spec: DataSpec, *, activation: Activation = "relu", pooling: Literal["max", "average"] = "max") -> nn.Module:
    """LeNet-5 in its modern form: two convolutions with pooling, then three dense layers.

    A first convolutional network for small images of one centred object, up to 32 x 32, of any number of channels.

    Cost: 61,706 parameters and 416,520 multiply-adds for one channel and 10 classes.
    """
    channels, _, _ = image("model `lenet5`", spec, largest=_SIDE)
    activate = chosen("model `lenet5`", activation)
    pool = nn.MaxPool2d if pooling == "max" else nn.AvgPool2d
    return nn.Sequential(
        OrderedDict(
            field=ImageField(_SIDE),
            c1=nn.Conv2d(channels, 6 * activate.pieces, 5),  # 28 x 28
            c1_activation=activate(6),
            s2=pool(2),  # 14 x 14
            c3=nn.Conv2d(6, 16 * activate.pieces, 5),  # 10 x 10
            c3_activation=activate(16),
            s4=pool(2),  # 5 x 5
            c5=nn.Conv2d(16, 120 * activate.pieces, 5),  # 1 x 1: a dense layer, as the field is no larger
            c5_activation=activate(120),
            flatten=nn.Flatten(),
            f6=nn.Linear(120, 84 * activate.pieces),
            f6_activation=activate(84),
            output=nn.Linear(84, spec.outputs),
        )
    )


# Table I: the S2 maps that each C3 map sees, in the order of the C3 maps.
C3_INPUTS = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),  # three neighbours, cyclically
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),  # four neighbours
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),  # two pairs
    (0, 1, 2, 3, 4, 5),
)

# The ten digits as F6 should show them, 7 units wide and 12 high, side by side; our own drawing.
_DIGITS = """
..###.. ...#... ..###.. .#####. ....##. ####### ...###. ####### ..###.. ..###..
.#...#. ..##... .#...#. #.....# ....##. #...... ..#.... ......# .#...#. .#...#.
#.....# .###... #.....# ......# ...#.#. #...... .#..... ......# #.....# #.....#
#.....# ...#... ......# ......# ...#.#. #...... #...... .....#. #.....# #.....#
#.....# ...#... ......# .....#. ..#..#. #.###.. #...... .....#. .#...#. #.....#
#.....# ...#... .....#. ..###.. ..#..#. ##...#. #.###.. ....#.. ..###.. .#...##
#.....# ...#... ....#.. .....#. .#...#. ......# ##...#. ....#.. .#...#. ..###.#
#.....# ...#... ...#... ......# .#...#. ......# #.....# ...#... #.....# ......#
#.....# ...#... ..#.... ......# ####### ......# #.....# ...#... #.....# ......#
#.....# ...#... .#..... ......# .....#. ......# #.....# ..#.... #.....# .....#.
.#...#. ...#... #...... #.....# .....#. #....#. .#...#. ..#.... .#...#. ....#..
..###.. .#####. ####### .#####. .....#. .####.. ..###.. ..#.... ..###.. .###...
"""


@models.register(
    source=_PAPER + ", sections II.B and II.C, Table I",
    family="lenet",
    year=1998,
    input=(1, 32, 32),
    outputs=10,
    tasks=("classification",),
    published=Published(parameters=60_000, where="section II.B"),
    notes="The output is minus the squared distance, so that the largest wins. Multiply-adds as executed: C1 117,600, "
    "C3 240,000 (a dense convolution with zeros for the missing connections; the 60 connected pairs take 150,000), C5 "
    "48,000, F6 10,080. The paper's 340,908 connections are the connected pairs only, and include biases, sub-sampling "
    "and the 840 of the distances. The digits that the output compares with are drawn anew; for other than 10 classes "
    "the codes are pseudo-random, which the paper names as a possibility.",
)
def lenet5_1998(spec: DataSpec) -> nn.Module:
    """LeNet-5 as published in 1998: connection table, trainable sub-sampling, distances to drawn digits.

    The score of a class is minus the squared distance of the 84 units of F6 to a fixed picture of it (`EuclideanRbf`).
    The cross-entropy of these scores is the paper's criterion, equation 9, in the limit of large j:

        y_D + log(exp(-j) + sum_i exp(-y_i))  ->  y_D + log sum_i exp(-y_i)

    Takes images of one channel, up to 32 x 32. Weights are drawn as the paper says, and biases likewise: uniformly
    between -2.4/F and 2.4/F, for F inputs to a unit.

    Cost: 60,000 parameters and 415,680 multiply-adds for 10 classes.
    """
    image("model `lenet5_1998`", spec, largest=_SIDE, channels=1)
    model = nn.Sequential(
        OrderedDict(
            field=ImageField(_SIDE),
            c1=nn.Conv2d(1, 6, 5),  # 28 x 28
            c1_activation=ScaledTanh(),
            s2=Subsampling(6),  # 14 x 14
            s2_activation=ScaledTanh(),
            c3=TableConv2d(6, C3_INPUTS, 5),  # 10 x 10
            c3_activation=ScaledTanh(),
            s4=Subsampling(16),  # 5 x 5
            s4_activation=ScaledTanh(),
            c5=nn.Conv2d(16, 120, 5),  # 1 x 1
            c5_activation=ScaledTanh(),
            flatten=nn.Flatten(),
            f6=nn.Linear(120, 84),
            f6_activation=ScaledTanh(),
            output=EuclideanRbf(digit_codes() if spec.outputs == 10 else random_codes(spec.outputs, 84)),
        )
    )
    for module in model.modules():
        _draw_weights(module)
    return model


class Subsampling(nn.Module):
    """The sum over each 2 x 2 square, times a coefficient, plus a bias; one of each for every map."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.empty(maps))
        self.bias = nn.Parameter(torch.empty(maps))

    def forward(self, x_NCHW: Tensor) -> Tensor:
        sum_NCHW = functional.avg_pool2d(x_NCHW, 2, divisor_override=1)
        return self.coefficient[:, None, None] * sum_NCHW + self.bias[:, None, None]


class TableConv2d(nn.Module):
    """A convolution in which each output map sees only the input maps that a table names.

    Only the kernels of connected pairs exist. They are laid out among zeros for one dense convolution: the zeros cost
    multiply-adds, yet it takes a tenth of the time of grouped convolutions that skip them.

    Args:
        maps: number of input maps.
        table: for each output map the input maps it sees.
        kernel: height and width of the kernels.
    """

    place: Tensor

    def __init__(self, maps: int, table: tuple[tuple[int, ...], ...], kernel: int) -> None:
        super().__init__()
        self.maps = maps
        self.table = table
        # Where each kernel stands in the dense weight, (output map, input map) counted through.
        place = [output * maps + source for output, row in enumerate(table) for source in row]
        self.register_buffer("place", torch.tensor(place), persistent=False)
        self.weight = nn.Parameter(torch.empty(len(place), kernel, kernel))
        self.bias = nn.Parameter(torch.empty(len(table)))

    def forward(self, x_NCHW: Tensor) -> Tensor:
        kernel = self.weight.shape[1:]
        nothing = self.weight.new_zeros(len(self.table) * self.maps, *kernel)
        dense = nothing.index_copy(0, self.place, self.weight).view(len(self.table), self.maps, *kernel)
        return functional.conv2d(x_NCHW, dense, self.bias)


class EuclideanRbf(nn.Module):
    """Minus the squared distance to a fixed code for each class: -y_i = -sum_j (x_j - w_ij)^2 (equation 7)."""

    codes: Tensor

    def __init__(self, codes_KU: Tensor) -> None:
        super().__init__()
        self.register_buffer("codes", codes_KU)

    def forward(self, x_NU: Tensor) -> Tensor:
        # The expanded square would be one matrix product, but loses what bfloat16 has of small distances.
        return -(x_NU[:, None, :] - self.codes).square().sum(dim=-1)


def digit_codes() -> Tensor:
    """The pictures of the ten digits, +1 where there is ink and -1 elsewhere; shape (10, 84), row by row."""
    rows = [line.split() for line in _DIGITS.split("\n") if line]
    pictures = ["".join(row[digit] for row in rows) for digit in range(10)]
    return torch.tensor([[1.0 if pixel == "#" else -1.0 for pixel in picture] for picture in pictures])


def random_codes(classes: int, units: int) -> Tensor:
    """Pseudo-random codes of +1 and -1, the same on every machine; shape (classes, units)."""
    bits = hash_keys(1998, np.arange(classes)[:, None], np.arange(units)) >> 63
    return torch.tensor(bits.astype("float32")) * 2 - 1


@torch.no_grad()
def _draw_weights(module: nn.Module) -> None:
    units: list[tuple[int, Iterable[Tensor]]] = []  # how many inputs they have, and their weights
    if isinstance(module, TableConv2d):
        kernels = module.weight.split([len(row) for row in module.table])
        units = [(each.numel(), (each, bias)) for each, bias in zip(kernels, module.bias, strict=True)]
    elif isinstance(module, nn.Conv2d | nn.Linear):
        units = [(module.weight[0].numel(), module.parameters())]
    elif isinstance(module, Subsampling):
        units = [(4, module.parameters())]
    for inputs, weights in units:
        for each in weights:
            each.uniform_(-2.4 / inputs, 2.4 / inputs)
