"""Layers that learn how much of their input to let pass: Srivastava, Greff, Schmidhuber (2015), Highway networks,
arXiv:1505.00387; the same (2015), Training very deep networks, arXiv:1507.06228.
"""

from collections.abc import Callable

from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.nn.convolution import Layer, relu


class Highway(nn.Module):
    """A layer and its input, mixed number by number:  y = H(x) T(x) + x (1 - T(x))   (arXiv:1505.00387, eq. 3).

    T is the sigmoid of a layer like that of H. At a negative bias it begins near 0 and x passes nearly unchanged, so
    that a network of many such layers learns from the first step on.

    Shapes: those of x, which the layers keep.

    Args:
        make: makes a linear layer or convolution, with a bias; called twice, for H and T.
        activation: makes the activation of H.
        gate_bias: first bias of T, the more negative the deeper the network.
    Raises:
        InputError: if the layers have no bias.
    Example:
        >>> import torch
        >>> Highway(lambda: nn.Linear(50, 50))(torch.zeros(2, 50)).shape
        torch.Size([2, 50])
        >>> Highway(lambda: nn.Conv2d(8, 8, 3, padding=1))(torch.zeros(2, 8, 5, 5)).shape
        torch.Size([2, 8, 5, 5])
    """

    def __init__(
        self,
        make: Callable[[], nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d],
        *,
        activation: Layer = relu,
        gate_bias: float = -2.0,
    ) -> None:
        super().__init__()
        self.layer = make()
        self.activation = activation()
        self.gate = make()
        if self.gate.bias is None:
            raise InputError("Highway", "needs layers with a bias", repair="Make them with `bias=True`.")
        nn.init.constant_(self.gate.bias, gate_bias)

    def forward(self, x: Tensor) -> Tensor:
        made, share = self.activation(self.layer(x)), self.gate(x).sigmoid_()
        # x + T (H - x); under autocast layers may give another precision than they are given
        return x.lerp(made.to(x.dtype), share.to(x.dtype))
