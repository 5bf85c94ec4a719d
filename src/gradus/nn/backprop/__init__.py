"""Backpropagation written out: the equations of the textbook as backward passes in plain tensor algebra.

For teaching and for checking; training uses torch's own. Each function computes what torch's does and leaves a
`torch.autograd.Function` whose `backward` is the equation, with no call of autograd or of torch's backward kernels.
All are themselves differentiable, so second derivatives follow from the same equations.
"""

from gradus.nn.backprop.activations import elementwise, prelu
from gradus.nn.backprop.convolutions import convolution, transposed_convolution
from gradus.nn.backprop.losses import (
    log_softmax,
    mean_squared_error,
    sigmoid_cross_entropy,
    softmax,
    softmax_cross_entropy,
)
from gradus.nn.backprop.mode import explicit
from gradus.nn.backprop.normalization import batch_norm, group_norm, layer_norm, standardize
from gradus.nn.backprop.pooling import adaptive_max_pool, adaptive_mean_pool, max_pool, mean_pool
from gradus.nn.backprop.shapes import flatten, pad, reshape
from gradus.nn.backprop.sums import add, linear, multiply, subtract
from gradus.nn.backprop.trace import Backpropagation, Quantity, trace

__all__ = [
    "Backpropagation",
    "Quantity",
    "adaptive_max_pool",
    "adaptive_mean_pool",
    "add",
    "batch_norm",
    "convolution",
    "elementwise",
    "explicit",
    "flatten",
    "group_norm",
    "layer_norm",
    "linear",
    "log_softmax",
    "max_pool",
    "mean_pool",
    "mean_squared_error",
    "multiply",
    "pad",
    "prelu",
    "reshape",
    "sigmoid_cross_entropy",
    "softmax",
    "softmax_cross_entropy",
    "standardize",
    "subtract",
    "trace",
    "transposed_convolution",
]
