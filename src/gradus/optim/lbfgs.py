"""torch's L-BFGS, for gradients in any layout."""

from typing import Any

import torch
from torch import optim

from gradus.optim.foreach import Closure, unhooked


class LBFGS(optim.LBFGS):
    """torch's takes gradients for contiguous, which those of parameters that are laid out channels last are not."""

    def step(self, closure: Closure) -> Any:  # type: ignore[override]
        def contiguous() -> Any:
            with torch.enable_grad():
                loss = closure()
            for group in self.param_groups:
                for each in group["params"]:
                    if each.grad is not None:
                        each.grad = each.grad.contiguous()
            return loss

        return unhooked(optim.LBFGS)(self, contiguous)
