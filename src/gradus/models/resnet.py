"""Residual networks for photographs and for small images, and the plain ones beside them.

Sources: He, Zhang, Ren, Sun (2016), Deep residual learning for image recognition, arXiv:1512.03385 (CVPR); the same
(2016), Identity mappings in deep residual networks, arXiv:1603.05027 (ECCV). New in it: layers learn what to add to
their input, so that networks of a hundred layers and more still learn.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import Published, models
from gradus.models.images import Reduction, Width, ending, he_normal, stem, strides
from gradus.models.inputs import image
from gradus.nn.blocks.residual import PaddedShortcut, Residual
from gradus.nn.convolution import conv_norm, divisible, norm_conv, relu

_PAPER = "He, Zhang, Ren, Sun (2016), Deep residual learning for image recognition, arXiv:1512.03385"
_PHOTOGRAPHS = {"family": "resnet", "year": 2016, "input": (3, 224, 224), "outputs": 1000, "source": _PAPER}
_SMALL = {"family": "resnet", "year": 2016, "input": (3, 32, 32), "outputs": 10, "source": f"{_PAPER}, section 4.2"}
_V15 = "The stride is in the 3 x 3 convolution, as in torchvision and timm (v1.5); the paper's, in the first 1 x 1, is "
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}

Shortcut = Literal["A", "B", "none"]
StrideIn = Literal["1x1", "3x3"]


@dataclass(frozen=True, kw_only=True)
class Units:
    """How the residual units of a network are built.

    Attributes:
        bottleneck: of 1 x 1, 3 x 3 and 1 x 1 convolutions, four times as wide at the end; else of two 3 x 3.
        shortcut: where the shape changes, "A" pads with zeros and "B" projects; "none" builds a plain network.
        stride_in: the convolution of a bottleneck that has the stride.
        preactivation: normalization and activation come before each convolution.
        gate: makes what ends a branch of so many channels, as squeeze-and-excitation does.
    """

    bottleneck: bool = False
    shortcut: Shortcut = "B"
    stride_in: StrideIn = "3x3"
    preactivation: bool = False
    gate: Callable[[int], nn.Module] | None = None

    @property
    def expansion(self) -> int:
        """How many times as wide a unit is at its end as within."""
        return 4 if self.bottleneck else 1

    def stages(
        self, before: int, width: int, units: tuple[int, ...], strides: list[int]
    ) -> OrderedDict[str, nn.Module]:
        """Stages of so many units, each twice as wide as the one before; the first unit of each has the stride."""
        stages: OrderedDict[str, nn.Module] = OrderedDict()
        for number, (count, stride) in enumerate(zip(units, strides, strict=True)):
            within = width * 2**number
            after = within * self.expansion
            first = self.unit(before, within, stride, opens=number == 0)
            following = (self.unit(after, within) for _ in range(count - 1))
            stages[f"stage{number + 1}"] = nn.Sequential(first, *following)
            before = after
        if self.preactivation:
            stages["norm"], stages["activation"] = nn.BatchNorm2d(before), relu()
        return stages

    def unit(self, before: int, width: int, stride: int = 1, *, opens: bool = False) -> nn.Module:
        """One unit, so wide within, of so many maps; `opens` where it is the first of its network.

        Branch and shortcut of the first both begin after its activation (arXiv:1603.05027, appendix), and where a
        shortcut projects.
        """
        after = width * self.expansion
        changes = (before, 1) != (after, stride)
        activation = None if self.preactivation else relu()
        if self.shortcut == "none":
            branch = self._branch(before, width, stride)
            return branch if activation is None else nn.Sequential(branch, activation)
        begun = self.preactivation and (opens or (changes and self.shortcut == "B"))
        return Residual(
            self._branch(before, width, stride, begun),
            self._shortcut(before, after, stride) if changes else None,
            activation=activation,
            first=nn.Sequential(nn.BatchNorm2d(before), relu()) if begun else None,
        )

    def _shortcut(self, before: int, after: int, stride: int) -> nn.Module:
        if self.shortcut == "A":
            return PaddedShortcut(after, stride)
        if self.preactivation:
            return nn.Conv2d(before, after, 1, stride, bias=False)
        return conv_norm(before, after, 1, stride=stride, activation=None)

    def _branch(self, before: int, width: int, stride: int, begun: bool = False) -> nn.Sequential:
        """What a unit adds to its input; `begun` where the first normalization and activation stand before it."""
        kernels = (1, 3, 1) if self.bottleneck else (3, 3)
        widths = (before, *[width] * (len(kernels) - 1), width * self.expansion)
        strided = int(self.bottleneck and self.stride_in == "3x3")
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for number, kernel in enumerate(kernels):
            step = stride if number == strided else 1
            inputs, outputs = widths[number : number + 2]
            if begun and number == 0:
                layer: nn.Module = nn.Conv2d(inputs, outputs, kernel, step, kernel // 2, bias=False)
            elif self.preactivation:
                layer = norm_conv(inputs, outputs, kernel, stride=step)
            else:
                last = number == len(kernels) - 1
                layer = conv_norm(inputs, outputs, kernel, stride=step, activation=None if last else relu)
            layers[f"conv{number + 1}"] = layer
        if self.gate is not None:
            layers["gate"] = self.gate(widths[-1])
        return nn.Sequential(layers)


def photograph_network(
    owner: str, spec: DataSpec, blocks: tuple[int, ...], units: Units, width: float, reduction: Reduction
) -> nn.Sequential:
    """A stem that reduces by 4, then four stages from 64 channels on, times `width`: for 224 x 224 (table 1)."""
    channels, _, _ = image(owner, spec, reduction=reduction)
    steps = strides(reduction, 5)
    first = divisible(64 * width, 8)
    layers = stem(channels, first, steps, bare=units.preactivation)
    layers |= units.stages(first, first, blocks, [1, *steps[2:]])
    model = nn.Sequential(layers | ending(8 * first * units.expansion, spec.outputs))
    he_normal(model)
    return model


@models.register(
    "resnet18",
    preset={"depth": 18, "stride_in": "3x3"},
    published=Published(macs=1.8e9, where="table 1"),
    **_PHOTOGRAPHS,
)
@models.register(
    "resnet34",
    preset={"depth": 34, "stride_in": "3x3"},
    published=Published(macs=3.6e9, where="table 1"),
    **_PHOTOGRAPHS,
)
@models.register(
    "resnet50",
    preset={"depth": 50},
    published=Published(macs=3.8e9, where="table 1", built={"stride_in": "1x1"}),
    notes=_V15 + "`stride_in = 1x1` and takes 3,857,973,248 multiply-adds.",
    **_PHOTOGRAPHS,
)
@models.register(
    "resnet101",
    preset={"depth": 101},
    published=Published(macs=7.6e9, where="table 1", built={"stride_in": "1x1"}),
    notes=_V15 + "`stride_in = 1x1` and takes 7,570,194,432 multiply-adds.",
    **_PHOTOGRAPHS,
)
@models.register(
    "resnet152",
    preset={"depth": 152},
    published=Published(macs=11.3e9, where="table 1", built={"stride_in": "1x1"}),
    notes=_V15 + "`stride_in = 1x1` and takes 11,282,415,616 multiply-adds.",
    **_PHOTOGRAPHS,
)
def resnet(
    spec: DataSpec,
    *,
    depth: Literal[18, 34, 50, 101, 152],
    stride_in: StrideIn = "3x3",
    shortcut: Shortcut = "B",
    preactivation: bool = False,
    width: Width = 1.0,
    reduction: Reduction = 32,
) -> nn.Module:
    """Residual network of {depth} layers for photographs.

    Args:
        stride_in: the convolution of a bottleneck that halves the sides; "1x1" as in the paper.
        shortcut: where the shape changes, "A" pads with zeros and "B" projects; "none" builds the plain network.
        preactivation: normalization and activation come before each convolution (arXiv:1603.05027).
        width: multiplies the channels of every layer, rounded to multiples of 8.
        reduction: how many times smaller than the image the last maps are: 32 for 224 pixels, 16 for 64, 8 for 32 or
            28, where the stem is a 3 x 3 convolution.
    """
    units = Units(bottleneck=depth >= 50, shortcut=shortcut, stride_in=stride_in, preactivation=preactivation)
    return photograph_network(f"model `resnet{depth}`", spec, BLOCKS[depth], units, width, reduction)


@models.register(
    "resnet20",
    preset={"depth": 20},
    published=Published(parameters=0.27e6, where="table 6"),
    headline="CIFAR-10 test error 8.75 %",
    **_SMALL,
)
@models.register(
    "resnet32",
    preset={"depth": 32},
    published=Published(parameters=0.46e6, where="table 6"),
    headline="CIFAR-10 test error 7.51 %",
    **_SMALL,
)
@models.register(
    "resnet44",
    preset={"depth": 44},
    published=Published(parameters=0.66e6, where="table 6"),
    headline="CIFAR-10 test error 7.17 %",
    **_SMALL,
)
@models.register(
    "resnet56",
    preset={"depth": 56},
    published=Published(parameters=0.85e6, where="table 6"),
    headline="CIFAR-10 test error 6.97 %",
    **_SMALL,
)
@models.register(
    "resnet110",
    preset={"depth": 110},
    published=Published(parameters=1.7e6, where="table 6"),
    headline="CIFAR-10 test error 6.43 %",
    **_SMALL,
)
@models.register(
    "resnet1202",
    preset={"depth": 1202},
    published=Published(parameters=19.4e6, where="table 6"),
    headline="CIFAR-10 test error 7.93 %",
    **_SMALL,
)
def small_resnet(
    spec: DataSpec,
    *,
    depth: Literal[20, 32, 44, 56, 110, 1202],
    shortcut: Shortcut = "A",
    preactivation: bool = False,
) -> nn.Module:
    """Residual network of {depth} layers for images of 28 or 32 pixels.

    Three stages of 16, 32 and 64 maps, each of (depth - 2) / 6 units of two convolutions; the last maps are four times
    smaller than the image.

    Args:
        shortcut: where the shape changes, "A" pads with zeros and "B" projects; "none" builds the plain network.
        preactivation: normalization and activation come before each convolution (arXiv:1603.05027).
    """
    channels, _, _ = image(f"model `resnet{depth}`", spec, smallest=4)
    units = Units(shortcut=shortcut, preactivation=preactivation)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["stem"] = nn.Conv2d(channels, 16, 3, padding=1, bias=False) if preactivation else conv_norm(channels, 16, 3)
    layers |= units.stages(16, 16, ((depth - 2) // 6,) * 3, [1, 2, 2])
    model = nn.Sequential(layers | ending(64, spec.outputs))
    he_normal(model)
    return model
