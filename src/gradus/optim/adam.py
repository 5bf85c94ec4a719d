"""Adam and AdaMax with epsilon where Keras puts it."""

import math
from typing import Any

import torch
from torch import optim
from torch.optim.optimizer import ParamsT

from gradus.optim.foreach import Closure, ForeachOptimizer, Tensors, count_step, unhooked
from gradus.optim.hyper import Decay, Epsilon, Momentum, Rate


class EpsilonHatAdam(optim.Adam):
    """Adam whose epsilon is added to the root of the uncorrected v (Kingma, Ba (2015), end of section 2).

    lr' m / (sqrt(v) + eps) with lr' = lr sqrt(1 - beta2^t) / (1 - beta1^t), which is torch's Adam with an epsilon that
    shrinks: eps / sqrt(1 - beta2^t). Takes what torch's Adam takes.
    """

    def step(self, closure: Closure | None = None) -> Any:
        for group in self.param_groups:
            count_step(self, group)
            group["eps"] = group.setdefault("eps_hat", group["eps"]) / math.sqrt(
                1 - group["betas"][1] ** group["steps"]
            )
        return unhooked(optim.Adam)(self, closure)


class AdaMax(ForeachOptimizer):
    """m = beta1 m + (1 - beta1) g; u = max(beta2 u, |g|); p -= lr / (1 - beta1^t) m / (u + eps).

    torch adds epsilon within the maximum. Kingma, Ba (2015), algorithm 2, has none.
    """

    def __init__(
        self,
        parameters: ParamsT,
        *,
        lr: Rate = 2e-3,
        betas: tuple[Momentum, Momentum] = (0.9, 0.999),
        eps: Epsilon = 1e-8,
        weight_decay: Decay = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def _kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("exp_avg", "exp_inf")

    def _advance(self, group: dict[str, Any], points: Tensors, gradients: Tensors, kept: dict[str, Tensors]) -> None:
        beta1, beta2 = group["betas"]
        torch._foreach_lerp_(kept["exp_avg"], gradients, 1 - beta1)
        torch._foreach_mul_(kept["exp_inf"], beta2)
        torch._foreach_maximum_(kept["exp_inf"], torch._foreach_abs(gradients))
        scales = torch._foreach_add(kept["exp_inf"], group["eps"])
        rate = group["lr"] / (1 - beta1 ** group["steps"])
        torch._foreach_addcdiv_(points, kept["exp_avg"], scales, value=-rate)
