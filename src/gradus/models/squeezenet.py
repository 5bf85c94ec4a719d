"""SqueezeNet: the accuracy of AlexNet with 50 times fewer parameters.

Source: Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer (2016), SqueezeNet: AlexNet-level accuracy with 50x fewer
parameters and < 0.5 MB model size, arXiv:1602.07360; version 1.1 is in the authors' repository. New in it: most
kernels are 1 x 1, the others see few channels, maps shrink late, and there is no dense layer.
"""

from collections import OrderedDict
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import Published, models
from gradus.models.images import strides
from gradus.models.inputs import image
from gradus.nn.blocks.fire import Bypass, fire
from gradus.nn.convolution import relu
from gradus.nn.dropout import Chance

_COMMON = {
    "family": "squeezenet",
    "year": 2016,
    "input": (3, 224, 224),
    "outputs": 1000,
    "source": "Iandola et al. (2016), SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and < 0.5 MB model "
    "size, arXiv:1602.07360, table 1",
}
_STEMS = {"1.0": (96, 7), "1.1": (64, 3)}
"""Outputs and kernel of the first convolution."""
_STAGES = {
    "1.0": ((128, 128, 256), (256, 384, 384, 512), (512,)),
    "1.1": ((128, 128), (256, 256), (384, 384, 512, 512)),
}
"""Outputs of the fire modules behind each pooling."""

Share = Annotated[float, Field(gt=0, lt=1)]


@models.register(
    "squeezenet1_0",
    preset={"version": "1.0"},
    published=Published(parameters=1_248_424, where="table 1"),
    headline="ImageNet top-1 accuracy 57.5 %, top-5 80.3 %",
    **_COMMON,
)
@models.register(
    "squeezenet1_1",
    preset={"version": "1.1"},
    notes="With a smaller stem and earlier pooling than 1.0 it takes 2.35 times fewer multiply-adds; its authors say "
    "2.4, at the same accuracy.",
    **_COMMON,
)
def squeezenet(
    spec: DataSpec,
    *,
    version: Literal["1.0", "1.1"],
    bypass: Bypass = "none",
    squeeze_ratio: Share = 0.125,
    share_3x3: Share = 0.5,
    dropout: Chance = 0.5,
    reduction: Literal[4, 8, 16] = 16,
) -> nn.Module:
    """SqueezeNet {version}, of fire modules.

    Scores of classes are means of maps after ReLU, never negative, as the authors have them; values to regress have no
    ReLU.

    Args:
        bypass: of every fire module: "simple" adds the input where it has as many channels as the output, "complex"
            also elsewhere, through a 1 x 1 convolution.
        squeeze_ratio: squeezed channels as a share of those a fire module gives.
        share_3x3: of the channels that a fire module gives, those from 3 x 3 kernels.
        dropout: share of the last maps' numbers left out in training.
        reduction: how many times smaller than the image the last maps are: 16 for 224 pixels, 8 for 64, 4 for 32 or
            28, where the stem is a 3 x 3 convolution that keeps the sides.
    """
    stem, *pools = strides(reduction, 4)
    outputs, published_kernel = _STEMS[version]
    kernel = published_kernel if stem == 2 else 3
    # Poolings round up: maps of 2 ** n give one number after n of them, and smaller ones none.
    deepest = 2 ** pools.count(2)
    smallest = kernel + 2 * (deepest - 1) if stem == 2 else deepest
    channels, _, _ = image(
        f"model `squeezenet{version.replace('.', '_')}`", spec, smallest=smallest, reduction=reduction
    )
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        stem=nn.Conv2d(channels, outputs, kernel, stem, 0 if stem == 2 else 1), stem_activation=relu()
    )
    number = 1
    for stage, (widths, stride) in enumerate(zip(_STAGES[version], pools, strict=True)):
        fires: OrderedDict[str, nn.Module] = OrderedDict()
        if stride == 2:
            fires["pool"] = nn.MaxPool2d(3, 2, ceil_mode=True)
        for width in widths:
            number += 1
            fires[f"fire{number}"] = fire(
                outputs, width, squeeze_ratio=squeeze_ratio, share_3x3=share_3x3, bypass=bypass
            )
            outputs = width
        layers[f"stage{stage + 1}"] = nn.Sequential(fires)
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    layers["output"] = nn.Conv2d(outputs, spec.outputs, 1)
    if spec.task == "classification":
        layers["output_activation"] = relu()
    layers["pool"], layers["flatten"] = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    model = nn.Sequential(layers)
    _draw_weights(model)
    return model


@torch.no_grad()
def _draw_weights(model: nn.Sequential) -> None:
    """Normal, of variance 2 / fan-in (He et al. 2015, equation 10), 0.01^2 in the output; biases 0.

    Without normalization the forward pass has to keep its variance, and here widths change by factors of eight.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    nn.init.normal_(model.get_parameter("output.weight"), std=0.01)
