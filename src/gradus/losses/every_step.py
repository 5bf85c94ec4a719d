"""A loss of classes, where every step of a sequence has one."""

from collections.abc import Callable

from torch import Tensor, nn


class EveryStep(nn.Module):
    """The mean over all steps of all examples, each step an example of its own.

    Args:
        criterion: takes logits (N, C) with classes (N,) or shares of them (N, C).
    """

    def __init__(self, criterion: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.criterion = criterion

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar, of logits (N, T, C) with classes (N, T)."""
        return self.criterion(output.flatten(0, 1), target.flatten(0, 1))
