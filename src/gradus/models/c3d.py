"""C3D, a VGG whose kernels reach through time.

Source: Tran, Bourdev, Fergus, Torresani, Paluri (2015), Learning spatiotemporal features with 3D convolutional
networks, arXiv:1412.0767 (ICCV). New in it: kernels of 3 x 3 x 3 in every layer, learned on a million videos, whose
features serve other tasks behind a linear classifier.

The last pooling pads height and width, as the authors' network does by rounding up: maps of 7 x 7 become 4 x 4, and the
first dense layer has 8,192 inputs.
"""

from collections import OrderedDict
from math import prod
from typing import Literal

from torch import nn

from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.images import Width, he_normal, strides
from gradus.models.videos import video
from gradus.nn.convolution import divisible, relu
from gradus.nn.dropout import Chance

_STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))


@models.register(
    family="c3d",
    year=2015,
    input=(3, 16, 112, 112),
    outputs=487,
    source="Tran, Bourdev, Fergus, Torresani, Paluri (2015), Learning spatiotemporal features with 3D convolutional "
    "networks, arXiv:1412.0767",
    notes="The paper gives no counts; the 487 classes are those of Sports-1M.",
)
def c3d(
    spec: DataSpec,
    *,
    kernel_depth: Literal[1, 3, 5, 7] = 3,
    batch_norm: bool = False,
    dropout: Chance = 0.5,
    width: Width = 1.0,
    reduction: Literal[8, 16, 32] = 32,
) -> nn.Module:
    """Network of eight convolutions in space and time, for clips of 16 frames.

    Args:
        kernel_depth: frames that a kernel sees (section 3.2); 1 makes each frame a picture of its own until pooling.
        batch_norm: after each convolution, which keeps its bias; without, a narrow network is slow to begin.
        dropout: share of the dense layers' numbers that is left out in training.
        width: multiplies the channels and units of every layer, rounded to multiples of 8.
        reduction: how many times smaller than a frame the last maps are: 32 for 112 pixels, 16 for 64, 8 for 32 or 28;
            the first poolings go, and leave those of time.
    """
    channels, frames, rows, columns = video(
        "model `c3d`", spec, frames=16, smallest=reduction // 2, reduction=reduction
    )
    steps = strides(reduction, 5)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, widths in enumerate(_STAGES, 1):
        convolutions: list[nn.Module] = []
        for published in widths:
            outputs = divisible(published * width, 8)
            padding = (kernel_depth // 2, 1, 1)
            convolutions.append(nn.Conv3d(channels, outputs, (kernel_depth, 3, 3), padding=padding))
            if batch_norm:
                convolutions.append(nn.BatchNorm3d(outputs))
            convolutions.append(relu())
            channels = outputs
        layers[f"stage{number}"] = nn.Sequential(*convolutions)
        # The first pooling leaves time as it is, so as not to merge frames too early (section 3.3).
        kernel = (1 if number == 1 else 2, steps[number - 1], steps[number - 1])
        if prod(kernel) > 1:
            layers[f"pool{number}"] = nn.MaxPool3d(kernel, padding=(0, 1, 1) if number == 5 else 0)
    before_last = reduction // 2
    places = (frames // 16) * (rows // before_last // 2 + 1) * (columns // before_last // 2 + 1)
    layers["flatten"] = nn.Flatten()
    hidden = divisible(4096 * width, 8)
    for name, inputs in (("hidden1", channels * places), ("hidden2", hidden)):
        layers[name] = nn.Sequential(nn.Linear(inputs, hidden), relu(), nn.Dropout(dropout))
    layers["output"] = nn.Linear(hidden, spec.outputs)
    model = nn.Sequential(layers)
    he_normal(model)
    return model
