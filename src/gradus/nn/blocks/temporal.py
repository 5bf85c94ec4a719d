"""Convolutions over time that do not look ahead: Bai, Kolter, Koltun (2018), arXiv:1803.01271."""

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from gradus.nn.blocks.residual import Residual

# N sequences, C channels, T steps, K kernel, d dilation


class CausalConv1d(nn.Conv1d):
    """A convolution over the step itself and those before it:  y_t = sum_k W_k x_(t - d k) + b   (section 3.2).

    Before the first step there are zeros.

    Shapes: (N, inputs, T) to (N, outputs, T).
    Cost: K inputs outputs T multiply-adds; outputs (K inputs + 1) parameters.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, dilation=dilation)
        self.before = (kernel - 1) * dilation

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(functional.pad(x, (self.before, 0)))


def temporal_block(inputs: int, outputs: int, kernel: int, dilation: int, *, dropout: float = 0.0) -> Residual:
    """Two dilated causal convolutions, each of normalized weights, added to what they are given   (section 3.3).

        y = relu(x + f(x)),  f: conv, relu, dropout, twice

    It sees 2 (K - 1) d steps back. Where outputs are more or fewer than inputs, x goes through a convolution of 1.

    Shapes: (N, inputs, T) to (N, outputs, T).

    Args:
        dropout: the chance that a channel of a sequence is left out in a training step.
    Source of the normalization: Salimans, Kingma (2016), Weight normalization, arXiv:1602.07868.
    """
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [weight_norm(CausalConv1d(channels, outputs, kernel, dilation)), nn.ReLU()]
        layers += [nn.Dropout1d(dropout)] if dropout else []
    shortcut = None if inputs == outputs else nn.Conv1d(inputs, outputs, 1)
    return Residual(nn.Sequential(*layers), shortcut, activation=nn.ReLU())


def steps_seen(kernel: int, levels: int) -> int:
    """How many steps a stack of temporal blocks sees, of dilations 1, 2, 4, ...: its own among them.

        1 + sum_i 2 (K - 1) 2^i = 1 + 2 (K - 1) (2^levels - 1)

    >>> steps_seen(3, 6)
    253
    """
    return 1 + 2 * (kernel - 1) * ((1 << levels) - 1)
