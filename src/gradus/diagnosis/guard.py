"""A look at all gradients together: whether they are finite."""

import math
from time import perf_counter

import torch
from torch.optim import Optimizer

_SHARE = 0.005
"""Of a step's time that the look may take for it to come at every step."""


class GradientGuard:
    """Takes one fused call a look, and knows what that costs."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def affords(self, step_seconds: float) -> bool:
        """Whether a look at every step costs little beside the step."""
        return self._seconds < _SHARE * step_seconds

    def finite(self, optimizer: Optimizer) -> bool:
        """Whether all gradients are finite, as far as can be told without waiting for a GPU."""
        began = perf_counter()
        gradients = [each.grad for group in optimizer.param_groups for each in group["params"] if each.grad is not None]
        dense = [each for each in gradients if not each.is_sparse]
        if not dense or dense[0].is_cuda:
            return True
        norms = torch._foreach_norm(dense)
        same = all(each.dtype == norms[0].dtype for each in norms)
        total = sum(torch.stack(norms if same else [each.float() for each in norms]).tolist())
        self._seconds = perf_counter() - began
        return math.isfinite(total)
