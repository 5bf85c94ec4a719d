"""GoogLeNet.

Source: Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich (2015), Going deeper with
convolutions, arXiv:1409.4842 (CVPR). New in it: convolutions of several sizes side by side, made affordable by 1 x 1
convolutions before them, no hidden dense layer, and classifiers half-way that training alone uses.
"""

from collections import OrderedDict
from functools import partial
from typing import Literal, NamedTuple

from torch import Tensor, nn

from gradus.core.spec import DataSpec
from gradus.models import Published, models
from gradus.models.images import Reduction, Width, ending, he_normal, strides
from gradus.models.inputs import image
from gradus.nn.blocks.inception import Inception, Widths
from gradus.nn.convolution import Norm, conv_norm, divisible, relu

_WIDTHS: dict[str, Widths] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
_HALF_WAY = ("inception4a", "inception4d")
"""The modules that classifiers half-way follow."""


class DeeplySupervised(NamedTuple):
    """What a network with classifiers half-way gives in training; section 5 has `weight` times their losses added.

    Attributes:
        output: raw logits or values.
        auxiliary: those of the classifiers half-way, from the first on.
    """

    output: Tensor
    auxiliary: tuple[Tensor, ...]

    @property
    def weight(self) -> float:
        """Of the loss of each auxiliary output."""
        return 0.3


class GoogLeNet(nn.Module):
    """A chain of layers, and classifiers that branch off it in training.

    Args:
        auxiliary: by the layer of the chain that each follows.
    """

    def __init__(self, body: nn.Sequential, auxiliary: dict[str, nn.Module]) -> None:
        super().__init__()
        self.body = body
        self.auxiliary = nn.ModuleDict(auxiliary)

    def forward(self, x: Tensor) -> Tensor | DeeplySupervised:
        half_way: list[Tensor] = []
        for name, layer in self.body.named_children():
            x = layer(x)
            if self.training and name in self.auxiliary:
                half_way.append(self.auxiliary[name](x))
        return DeeplySupervised(x, tuple(half_way)) if half_way else x


@models.register(
    source="Szegedy et al. (2015), Going deeper with convolutions, arXiv:1409.4842, table 1",
    family="googlenet",
    year=2015,
    input=(3, 224, 224),
    outputs=1000,
    published=Published(
        parameters=6.8e6,
        macs=1.5e9,
        where="table 1, summed",
        built={"auxiliary": False},
        difference="Table 1 gives the first convolution 2.7 thousand parameters and 34 million multiply-adds; 64 "
        "kernels of 7 x 7 x 3 have 9,408 weights, which 112 x 112 places use 118 million times.",
    ),
    headline="ImageNet top-1 68.7 %, top-5 88.9 % of the centre, as Caffe's bvlc_googlenet",
    notes="8.7 times fewer parameters than AlexNet without the auxiliary classifiers. The paper's 12 times is of 5 "
    "million (arXiv:1512.00567, section 1), less than its own table adds up to. Responses are normalized as in Caffe's "
    "bvlc_googlenet, for the paper does not say how. With batch normalization and `kernel = 3` it is torchvision's "
    "network, in which 3 x 3 in place of 5 x 5 is a known mistake (pytorch/vision#906).",
)
def googlenet(
    spec: DataSpec,
    *,
    auxiliary: bool = True,
    batch_norm: bool = False,
    kernel: Literal[3, 5] = 5,
    width: Width = 1.0,
    reduction: Reduction = 32,
) -> nn.Module:
    """GoogLeNet: nine Inception modules, with two classifiers half-way that training alone uses.

    In training it gives `DeeplySupervised`, in evaluation the output alone.

    Args:
        auxiliary: has the classifiers half-way.
        batch_norm: after each convolution, in place of its bias and of the normalization of responses. Poolings and
            dropout are then torchvision's.
        kernel: of the largest convolutions of a module.
        width: multiplies the channels of every layer, rounded to multiples of 8.
        reduction: how many times smaller than the image the last maps are: 32 for 224 pixels, 16 for 64, 8 for 32 or
            28, where the stem is a 3 x 3 convolution.

    Cost: 13,378,280 parameters, of which 6,998,552 without the classifiers half-way, and 1,582,671,872 multiply-adds
    in evaluation for 1,000 classes.
    """
    channels, *sides = image("model `googlenet`", spec, reduction=reduction)
    norm: Norm | None = partial(nn.BatchNorm2d, eps=0.001) if batch_norm else None
    first, *steps = strides(reduction, 5)

    def wide(published: int) -> int:
        return divisible(published * width, 8)

    def pool(window: int = 3) -> nn.Module:
        return nn.MaxPool2d(window, 2, ceil_mode=True)

    layers: OrderedDict[str, nn.Module] = OrderedDict(
        stem=conv_norm(channels, wide(64), 7 if first == 2 else 3, stride=first, norm=norm),
        pool1=pool(),
        norm1=nn.LocalResponseNorm(5),
        conv2=nn.Sequential(conv_norm(wide(64), wide(64), 1, norm=norm), conv_norm(wide(64), wide(192), 3, norm=norm)),
        norm2=nn.LocalResponseNorm(5),
        pool2=pool(),
    )
    before = wide(192)
    maps: dict[str, int] = {}
    for name, widths in _WIDTHS.items():
        one, before_three, three, before_five, five, pooled = map(wide, widths)
        row = one, before_three, three, before_five, five, pooled
        module = Inception(before, row, kernel=kernel, norm=norm)
        layers[f"inception{name}"] = module
        maps[f"inception{name}"] = before = module.outputs
        if name == "3b":
            layers["pool3"] = pool()
        if name == "4e":
            layers["pool4"] = pool(2 if batch_norm else 3)
    layers |= ending(before, spec.outputs, dropout=0.2 if batch_norm else 0.4)
    left_out = ["norm1", "norm2"] if batch_norm else []
    left_out += [f"pool{number}" for number, step in enumerate(steps, start=1) if step == 1]
    for name in left_out:
        del layers[name]

    # A stem of stride 2 rounds up, a pooling down.
    sides = [-(-side // first) // (steps[0] * steps[1] * steps[2]) for side in sides]
    heads = {
        name: _half_way(maps[name], sides, spec.outputs, norm, wide(128), wide(1024))
        for name in (_HALF_WAY if auxiliary else ())
    }
    model = GoogLeNet(nn.Sequential(layers), heads)
    he_normal(model)
    return model


def _half_way(inputs: int, sides: list[int], outputs: int, norm: Norm | None, channels: int, units: int) -> nn.Module:
    """A classifier of maps of such sides: a pooling, a 1 x 1 convolution and two dense layers (section 5)."""
    if norm is None:
        kernels = [min(5, side) for side in sides]
        pool: nn.Module = nn.AvgPool2d((kernels[0], kernels[1]), 3)
        rows, columns = ((side - kernel) // 3 + 1 for side, kernel in zip(sides, kernels, strict=True))
    else:
        rows, columns = (min(4, side) for side in sides)
        pool = nn.AdaptiveAvgPool2d((rows, columns))
    return nn.Sequential(
        OrderedDict(
            pool=pool,
            conv=conv_norm(inputs, channels, 1, norm=norm),
            flatten=nn.Flatten(),
            dense=nn.Linear(channels * rows * columns, units),
            activation=relu(),
            dropout=nn.Dropout(0.7),
            output=nn.Linear(units, outputs),
        )
    )
