"""DenseNets for photographs and for small images.

Source: Huang, Liu, van der Maaten, Weinberger (2017), Densely connected convolutional networks, arXiv:1608.06993
(CVPR). New in it: each layer is given the maps of all layers before it and adds a few of its own, so that what was
found once is not carried on by weights, and the loss reaches every layer over a short way.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt
from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import Published, models
from gradus.models.images import Reduction, ending, he_normal, stem, strides
from gradus.models.inputs import image
from gradus.nn.blocks.dense import DenseBlock, dropped
from gradus.nn.convolution import norm_conv, relu
from gradus.nn.dropout import Chance

_PAPER = "Huang, Liu, van der Maaten, Weinberger (2017), Densely connected convolutional networks, arXiv:1608.06993"
_PHOTOGRAPHS = {"family": "densenet", "year": 2017, "input": (3, 224, 224), "outputs": 1000, "source": _PAPER}
_SMALL = {"family": "densenet", "year": 2017, "input": (3, 32, 32), "outputs": 10, "source": f"{_PAPER}, section 4"}
_BLOCKS = {121: (6, 12, 24, 16), 161: (6, 12, 36, 24), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}

_BC: dict[str, Any] = {"bottleneck": True, "compression": 0.5}
Compression = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How the dense blocks of a network grow, and what lies between two of them.

    Attributes:
        maps: that each layer adds (k).
        bottleneck: each layer begins with a 1 x 1 convolution.
        compression: share of the maps that a transition leaves, at least one.
        dropout: share of the numbers that each convolution but the network's first gives which is dropped in training.
        recompute: see `DenseBlock`.
    """

    maps: int
    bottleneck: bool
    compression: float
    dropout: float
    recompute: bool

    def network(
        self, first: OrderedDict[str, nn.Module], before: int, blocks: tuple[int, ...], steps: list[int], outputs: int
    ) -> nn.Sequential:
        """Blocks of so many layers after the first; a transition before each but the first, which halves the sides
        where its step is 2, and a normalization and ReLU after the last.
        """
        layers = first.copy()
        for number, (count, step) in enumerate(zip(blocks, steps, strict=True), 1):
            stage = nn.Sequential()
            if number > 1:
                after = max(1, int(before * self.compression))
                stage.add_module("transition", dropped(norm_conv(before, after, 1), self.dropout))
                before = after
            if step == 2:
                stage.add_module("pool", nn.AvgPool2d(2))
            block = DenseBlock(
                before,
                count,
                self.maps,
                bottleneck=self.bottleneck,
                dropout=self.dropout,
                recompute=self.recompute,
            )
            stage.add_module("block", block)
            layers[f"stage{number}"] = stage
            before += count * self.maps
        layers["norm"], layers["activation"] = nn.BatchNorm2d(before), relu()
        model = nn.Sequential(layers | ending(before, outputs))
        he_normal(model)
        return model


@models.register(
    "densenet121",
    preset={"depth": 121},
    headline="ImageNet top-1 error 25.0 % (the authors' release)",
    **_PHOTOGRAPHS,
)
@models.register(
    "densenet169",
    preset={"depth": 169},
    headline="ImageNet top-1 error 23.6 % (the authors' release)",
    **_PHOTOGRAPHS,
)
@models.register(
    "densenet201",
    preset={"depth": 201},
    headline="ImageNet top-1 error 22.5 % (the authors' release)",
    **_PHOTOGRAPHS,
)
@models.register(
    "densenet161",
    preset={"depth": 161, "growth": 48},
    headline="ImageNet top-1 error 22.2 % (the authors' release)",
    **_PHOTOGRAPHS,
)
def densenet(
    spec: DataSpec,
    *,
    depth: Literal[121, 161, 169, 201],
    growth: PositiveInt = 32,
    compression: Compression = 0.5,
    dropout: Chance = 0.0,
    recompute: bool = False,
    reduction: Reduction = 32,
) -> nn.Module:
    """DenseNet of {depth} layers for photographs.

    Args:
        growth: maps that each layer adds; the stem gives twice as many.
        compression: share of the maps that a transition leaves.
        dropout: share of the numbers that each convolution but the first gives which is dropped in training.
        recompute: training stores a fraction of what it would, and normalizes again in the backward pass.
        reduction: how many times smaller than the image the last maps are: 32 for 224 pixels, 16 for 64, 8 for 32 or
            28, where the stem is a 3 x 3 convolution.
    """
    channels, _, _ = image(f"model `densenet{depth}`", spec, reduction=reduction)
    steps = strides(reduction, 5)
    grown = Growth(maps=growth, bottleneck=True, compression=compression, dropout=dropout, recompute=recompute)
    return grown.network(stem(channels, 2 * growth, steps), 2 * growth, _BLOCKS[depth], [1, *steps[2:]], spec.outputs)


@models.register(
    "densenet_40_12",
    preset={"depth": 40, "growth": 12},
    published=Published(parameters=1.0e6, where="table 2"),
    **_SMALL,
)
@models.register(
    "densenet_100_12",
    preset={"depth": 100, "growth": 12},
    published=Published(parameters=7.0e6, where="table 2"),
    **_SMALL,
)
@models.register(
    "densenet_100_24",
    preset={"depth": 100, "growth": 24},
    published=Published(parameters=27.2e6, where="table 2"),
    **_SMALL,
)
@models.register(
    "densenet_bc_100_12",
    preset={"depth": 100, "growth": 12, **_BC},
    published=Published(parameters=0.8e6, where="table 2", difference="It has 0.77 million, which rounds to 0.8."),
    headline="CIFAR-10 test error 4.51 %, CIFAR-100 22.27 %, augmented by shifts and mirroring",
    **_SMALL,
)
@models.register(
    "densenet_bc_250_24",
    preset={"depth": 250, "growth": 24, **_BC},
    published=Published(parameters=15.3e6, where="table 2"),
    headline="CIFAR-10 test error 3.62 %, CIFAR-100 17.60 %, augmented by shifts and mirroring",
    **_SMALL,
)
@models.register(
    "densenet_bc_190_40",
    preset={"depth": 190, "growth": 40, **_BC},
    published=Published(parameters=25.6e6, where="table 2"),
    headline="CIFAR-10 test error 3.46 %, CIFAR-100 17.18 %, augmented by shifts and mirroring",
    **_SMALL,
)
def small_densenet(
    spec: DataSpec,
    *,
    depth: Literal[40, 100, 190, 250],
    growth: PositiveInt,
    bottleneck: bool = False,
    compression: Compression = 1.0,
    dropout: Chance = 0.0,
    recompute: bool = False,
) -> nn.Module:
    """DenseNet of {depth} layers, each of which adds {growth} maps, for images of 28 or 32 pixels.

    Three blocks of as many layers; the last maps are four times smaller than the image. With bottlenecks and
    compression it is called DenseNet-BC.

    Args:
        bottleneck: each layer begins with a 1 x 1 convolution, of the same depth in all.
        compression: share of the maps that a transition leaves.
        dropout: share of the numbers that each convolution but the first gives which is dropped in training; 0.2 in the
            paper where images are not augmented.
        recompute: training stores a fraction of what it would, and normalizes again in the backward pass.
    """
    channels, _, _ = image("model `densenet`", spec, smallest=4)
    grown = Growth(maps=growth, bottleneck=bottleneck, compression=compression, dropout=dropout, recompute=recompute)
    width = 2 * growth if bottleneck and compression < 1 else 16
    layers = (depth - 4) // (6 if bottleneck else 3)
    stem: OrderedDict[str, nn.Module] = OrderedDict(stem=nn.Conv2d(channels, width, 3, padding=1, bias=False))
    return grown.network(stem, width, (layers,) * 3, [1, 2, 2], spec.outputs)
