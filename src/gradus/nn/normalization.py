"""Normalization: what torch lacks, and cards for what it has."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import register_parametrization

from gradus.core.errors import InputError
from gradus.nn import normalizations
from gradus.nn.recurrent import Recurrent
from gradus.nn.statistics import recompute_statistics

__all__ = ["WeightStandardization", "recompute_statistics", "weight_standardization"]

Epsilon = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Momentum = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]


class WeightStandardization(nn.Module):
    """Each output channel's weights at mean 0 and variance 1, for torch.nn.utils.parametrize.

        W' = (W - mean(W)) / sqrt(var(W) + eps), over all that goes into an output    (equations 5 and 7)

    Args:
        outputs: the axis of output channels.
    """

    def __init__(self, eps: float = 1e-5, outputs: int = 0) -> None:
        super().__init__()
        self.eps, self.outputs = eps, outputs

    def forward(self, weight: Tensor) -> Tensor:
        inputs = [axis for axis in range(weight.dim()) if axis != self.outputs]
        variance, mean = torch.var_mean(weight, dim=inputs, correction=0, keepdim=True)
        return (weight - mean) * (variance + self.eps).rsqrt()

    def right_inverse(self, weight: Tensor) -> Tensor:
        """A weight that is set becomes the one that is standardized."""
        return weight


def weight_standardization(layer: nn.Module, *, eps: float = 1e-5) -> nn.Module:
    """`layer`, a linear one or a convolution, with its weight standardized whenever it is used.

    Raises:
        InputError: for another layer, or a transposed convolution in groups, whose outputs share an axis.
    """
    transposed = isinstance(layer, _ConvTransposeNd)
    in_groups = isinstance(layer, _ConvTransposeNd) and layer.groups > 1
    if not isinstance(layer, nn.Linear | _ConvNd) or in_groups:
        raise InputError(
            "weight_standardization", "takes a linear layer, or a convolution (transposed ones without groups)", layer
        )
    register_parametrization(layer, "weight", WeightStandardization(eps, outputs=int(transposed)))
    return layer


_LISTING = "Scale and shift have shape (C,), laid along the channels: in plain arrays (1, C, 1, 1)."


@normalizations.register(
    formula="y = (x - mean) / sqrt(var + eps) * gamma + beta, over the batch and all positions, for each channel",
    source="Ioffe, Szegedy (2015), Batch normalization, arXiv:1502.03167, algorithms 1 and 2",
    elsewhere={"keras": {"eps": 1e-3, "momentum": "0.99, the share kept: 0.01 here"}},
    notes=f"Suits convolutional and deep fully connected networks at batches of 16 and more; not recurrent ones, whose "
    f"steps have statistics of their own, nor small batches. `momentum` is the share of the new batch. {_LISTING}",
)
def batch(channels: int, axes: int, *, eps: Epsilon = 1e-5, momentum: Momentum = 0.1) -> nn.Module:
    """Batch normalization: each channel over the batch; running statistics in evaluation."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    return kinds[axes](channels, eps=eps, momentum=momentum)


@normalizations.register(
    formula="y = (x - mean) / sqrt(var + eps) * gamma + beta, over all channels and positions, for each example",
    source="Ba, Kiros, Hinton (2016), Layer normalization, arXiv:1607.06450, equations 3 and 4",
    elsewhere={"keras": {"eps": 1e-3}},
    notes="Suits recurrent networks and transformers, and any batch size, one included; on convolutions usually "
    f"behind batch and group. On images it is group normalization with one group. {_LISTING}",
)
def layer(channels: int, axes: int, *, eps: Epsilon = 1e-5) -> nn.Module:
    """Layer normalization: each example by itself, so the batch does not matter."""
    return nn.LayerNorm(channels, eps=eps) if axes == 0 else nn.GroupNorm(1, channels, eps=eps)


@normalizations.register(
    axes=(1, 2, 3),
    formula="y = (x - mean) / sqrt(var + eps) * gamma + beta, over positions, for each example and channel",
    source="Ulyanov, Vedaldi, Lempitsky (2016), Instance normalization, arXiv:1607.08022",
    elsewhere={"torch": {"affine": False}},
    notes="Suits style transfer and images whose contrast means nothing; any batch size.",
)
def instance(channels: int, axes: int, *, eps: Epsilon = 1e-5, affine: bool = True) -> nn.Module:
    """Instance normalization: each channel of each example by itself."""
    kinds = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
    return kinds[axes - 1](channels, eps=eps, affine=affine)


@normalizations.register(
    formula="y = (x - mean) / sqrt(var + eps) * gamma + beta, over the channels of a group, for each example",
    source="Wu, He (2018), Group normalization, arXiv:1803.08494, equations 1 to 7",
    elsewhere={"paper": {"groups": 32}, "torch": {"groups": "must be given"}, "keras": {"groups": 32, "eps": 1e-3}},
    notes="Suits convolutional networks at small batches, 1 to 8.",
)
def group(channels: int, axes: int, *, groups: Count = 8, eps: Epsilon = 1e-5) -> nn.Module:
    """Group normalization: groups of channels, each example by itself."""
    if channels % groups:
        fits = f'Such as {{ name = "group", groups = {math.gcd(channels, groups)} }}.'
        raise InputError("normalization `group`", f"`groups` must divide the {channels} channels", groups, fits)
    return nn.GroupNorm(groups, channels, eps=eps)


@normalizations.register(
    axes=(0,),
    formula="y = x / sqrt(mean(x^2) + eps) * gamma",
    source="Zhang, Sennrich (2019), Root mean square layer normalization, arXiv:1910.07467, equation 4",
    elsewhere={"torch": {"eps": "None, the least number above 1 of the type, less 1"}},
    notes="Suits transformers: as layer normalization without the mean, and cheaper.",
)
def rms(channels: int, axes: int, *, eps: Epsilon = 1e-6) -> nn.Module:
    """Root mean square normalization: scales and does not shift."""
    return nn.RMSNorm(channels, eps=eps)


@normalizations.register(
    axes=(1, 2, 3),
    formula="y = x / (k + alpha / size * sum of x^2 over `size` neighbouring channels)^beta",
    source="Krizhevsky, Sutskever, Hinton (2012), ImageNet classification with deep convolutional neural networks, "
    "section 3.3",
    elsewhere={"paper": {"k": 2.0, "alpha": 5e-4}, "torch": {"size": "must be given"}},
    notes="torch divides alpha by size, the paper does not: its alpha = 1e-4 over 5 channels is 5e-4 here. Of history.",
)
def local_response(
    channels: int, axes: int, *, size: Count = 5, alpha: Epsilon = 1e-4, beta: Epsilon = 0.75, k: Epsilon = 1.0
) -> nn.Module:
    """Local response normalization: neighbouring channels inhibit each other."""
    return nn.LocalResponseNorm(size, alpha, beta, k)


@normalizations.register(
    of="weights",
    formula="W = g V / ||V||, a length for each output",
    source="Salimans, Kingma (2016), Weight normalization, arXiv:1602.07868, equation 2",
    notes="Suits recurrent and generative networks; does not look at the data.",
)
def weight(layer: nn.Module) -> nn.Module:
    """Weight normalization: length and direction are learned apart."""
    normalized: nn.Module = parametrizations.weight_norm(layer)
    return normalized


@normalizations.register(
    of="weights",
    formula="W / sigma(W), sigma the largest singular value, by power iteration",
    source="Miyato et al. (2018), Spectral normalization for generative adversarial networks, arXiv:1802.05957, "
    "equation 8 and algorithm 1",
    notes="Suits discriminators: a linear layer's Lipschitz constant is 1. A kernel is taken as one matrix, and its "
    "convolution may stretch by up to the root of the number of its positions: 3 for 3x3.",
)
def spectral(layer: nn.Module, *, iterations: Count = 1, eps: Epsilon = 1e-12) -> nn.Module:
    """Spectral normalization: no input of a linear layer is stretched by more than 1."""
    normalized: nn.Module = parametrizations.spectral_norm(layer, n_power_iterations=iterations, eps=eps)
    return normalized


@normalizations.register(
    "weight_standardization",
    of="weights",
    formula="W' = (W - mean(W)) / sqrt(var(W) + eps), for each output",
    source="Qiao, Wang, Liu, Shen, Yuille (2019), Micro-batch training with batch-channel normalization and weight "
    "standardization, arXiv:1903.10520, equations 5 to 7",
    notes="Suits convolutional networks at small batches, with group normalization after them.",
)
def _standardized(layer: nn.Module, *, eps: Epsilon = 1e-5) -> nn.Module:
    """Weight standardization: mean 0 and variance 1 of what goes into each output."""
    return weight_standardization(layer, eps=eps)


@normalizations.register(
    "layer_lstm",
    of="recurrence",
    formula="gates = LN(W_x x) + LN(W_h h) + b; c' = sigmoid(f) c + sigmoid(i) tanh(g); h' = sigmoid(o) tanh(LN(c'))",
    source="Ba, Kiros, Hinton (2016), Layer normalization, arXiv:1607.06450, equations 20 to 22",
    notes="For recurrent networks: the model `layer_norm_lstm`.",
)
def _layer_lstm(inputs: int, hidden: int) -> nn.Module:
    """An LSTM with its gates and its memory layer-normalized."""
    return Recurrent("layer_norm_lstm", inputs, hidden)
