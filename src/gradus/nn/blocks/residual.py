"""What a residual network adds up: He, Zhang, Ren, Sun (2016), arXiv:1512.03385 and arXiv:1603.05027."""

from torch import Tensor, nn
from torch.nn import functional


class Residual(nn.Module):
    """What a branch makes of x, added to x:  y = activation(branch(x) + shortcut(x))   (arXiv:1512.03385, eq. 1).

    Args:
        branch: the residual function F.
        shortcut: makes x as large as what is added to it; by default x itself.
        activation: of the sum; by default none, as in later designs.
        first: a normalization and activation that branch and shortcut share, as where a pre-activation unit changes
            the number of channels (arXiv:1603.05027, appendix).
    """

    def __init__(
        self,
        branch: nn.Module,
        shortcut: nn.Module | None = None,
        *,
        activation: nn.Module | None = None,
        first: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.first = first
        self.branch = branch
        self.shortcut = shortcut
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        if self.first is not None:
            x = self.first(x)
        y: Tensor = self.branch(x) + (x if self.shortcut is None else self.shortcut(x))
        return y if self.activation is None else self.activation(y)


class PaddedShortcut(nn.Module):
    """Every `stride`-th number, with channels of zeros after those there are: option A of arXiv:1512.03385, 3.3.

    Shapes: (N, C, H, W) to (N, channels, ceil(H / stride), ceil(W / stride)), without parameters.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels = channels
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(x, (0, 0, 0, 0, 0, self.channels - x.shape[1]))
