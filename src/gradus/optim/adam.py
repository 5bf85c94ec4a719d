"""Adam and its kin: torch's, and those with epsilon where Keras puts it."""

import math
from typing import Any

import torch
from torch import optim
from torch.optim.optimizer import ParamsT

from gradus.optim import optimizers
from gradus.optim.flat import Flat
from gradus.optim.foreach import Closure, ForeachOptimizer, Tensors, count_step, fusible, unhooked
from gradus.optim.hyper import Betas, Decay, Epsilon, Parameters, Rate

NO_EPSILON = 1e-30
"""In place of none at all: it changes no digit, and 0 / 0 is 0."""


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
        betas: Betas = (0.9, 0.999),
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
        scales = torch._foreach_abs(gradients)
        torch._foreach_maximum_(kept["exp_inf"], scales)
        torch._foreach_copy_(scales, kept["exp_inf"])  # into memory that is there: more of it costs more than the copy
        torch._foreach_add_(scales, group["eps"])
        rate = group["lr"] / (1 - beta1 ** group["steps"])
        torch._foreach_addcdiv_(points, kept["exp_avg"], scales, value=-rate)


_ADAM = "m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)"
_HAT = "With `eps_hat` eps is added to sqrt(v) before v is corrected, as in the paper's end of section 2 and in Keras."


@optimizers.register(
    source="Kingma, Ba (2015), arXiv:1412.6980, algorithm 1",
    formula=_ADAM,
    elsewhere={"paper": {}, "torch": {}, "keras": {"eps": 1e-7, "eps_hat": True}, "optax": {}},
    notes=f"{_HAT} Uncorrected, its first steps would be too large: 3.2 times at the first, with the usual betas.",
)
def adam(
    parameters: Parameters,
    *,
    lr: Rate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: Epsilon = 1e-8,
    weight_decay: Decay = 0.0,
    amsgrad: bool = False,
    eps_hat: bool = False,
    flat: bool = False,
) -> optim.Optimizer:
    """Adam; its weight decay is an L2 penalty, added to the gradient."""
    parameters = list(parameters)
    make = EpsilonHatAdam if eps_hat else optim.Adam
    made = make(
        parameters,
        lr=lr,
        betas=betas,
        eps=eps,
        weight_decay=weight_decay,
        amsgrad=amsgrad,
        fused=fusible(parameters),
    )
    return Flat(made) if flat else made


@optimizers.register(
    source="Loshchilov, Hutter (2019), arXiv:1711.05101, algorithm 2",
    formula=f"p -= lr weight_decay p; {_ADAM}",
    elsewhere={
        "paper": {},
        "torch": {},
        "keras": {"weight_decay": 4e-3, "eps": 1e-7, "eps_hat": True},
        "optax": {"weight_decay": 1e-4},
    },
    notes=f"{_HAT} The paper's lambda is lr * weight_decay: only the schedule stands before it.",
)
def adamw(
    parameters: Parameters,
    *,
    lr: Rate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: Epsilon = 1e-8,
    weight_decay: Decay = 1e-2,
    amsgrad: bool = False,
    eps_hat: bool = False,
    flat: bool = False,
) -> optim.Optimizer:
    """Adam with weight decay of its own, apart from the gradient."""
    parameters = list(parameters)
    fused = fusible(parameters)
    if eps_hat:
        made: optim.Optimizer = EpsilonHatAdam(
            parameters,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            fused=fused,
            decoupled_weight_decay=True,
        )
    else:
        made = optim.AdamW(
            parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, fused=fused
        )
    return Flat(made) if flat else made


@optimizers.register(
    source="Kingma, Ba (2015), arXiv:1412.6980, algorithm 2",
    formula="m = b1 m + (1 - b1) g; u = max(b2 u, |g| + eps); p -= lr / (1 - b1^t) m / u",
    elsewhere={
        "paper": {"eps": NO_EPSILON},
        "torch": {},
        "keras": {"lr": 1e-3, "eps": 1e-7, "eps_outside": True},
        "optax": {},
    },
    notes="The paper has no eps; 1e-30 changes no digit. With `eps_outside` it is added to the maximum, as in Keras.",
)
def adamax(
    parameters: Parameters,
    *,
    lr: Rate = 2e-3,
    betas: Betas = (0.9, 0.999),
    eps: Epsilon = 1e-8,
    eps_outside: bool = False,
    weight_decay: Decay = 0.0,
) -> optim.Optimizer:
    """AdaMax: Adam with a decaying maximum in place of the root mean square."""
    make = AdaMax if eps_outside else optim.Adamax
    return make(list(parameters), lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


@optimizers.register(
    source="Dozat (2016), Incorporating Nesterov momentum into Adam, algorithm 2",
    formula="Adam with m / (1 - b1^t) replaced by mu' m / (1 - prod mu mu') + (1 - mu) g / (1 - prod mu), "
    "mu = b1 (1 - 0.96^(t momentum_decay) / 2), mu' the next",
    elsewhere={
        "paper": {},
        "torch": {},
        "keras": {"lr": 1e-3, "eps": 1e-7, "momentum_decay": 1.0},
        "optax": {"momentum_decay": 1e6},
    },
    notes="optax has no schedule of the momentum; a decay of 1e6 makes mu = b1 from the first step.",
)
def nadam(
    parameters: Parameters,
    *,
    lr: Rate = 2e-3,
    betas: Betas = (0.9, 0.999),
    eps: Epsilon = 1e-8,
    momentum_decay: Decay = 4e-3,
    weight_decay: Decay = 0.0,
    decoupled_weight_decay: bool = False,
) -> optim.Optimizer:
    """NAdam: Adam with Nesterov's momentum."""
    return optim.NAdam(
        list(parameters),
        lr=lr,
        betas=betas,
        eps=eps,
        weight_decay=weight_decay,
        momentum_decay=momentum_decay,
        decoupled_weight_decay=decoupled_weight_decay,
    )


@optimizers.register(
    source="Liu et al. (2020), arXiv:1908.03265, algorithm 2",
    formula="Adam, times the rectification of v's variance; momentum alone while that has too few steps",
    elsewhere={"paper": {}, "torch": {}, "optax": {}},
)
def radam(
    parameters: Parameters,
    *,
    lr: Rate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: Epsilon = 1e-8,
    weight_decay: Decay = 0.0,
    decoupled_weight_decay: bool = False,
) -> optim.Optimizer:
    """RAdam: Adam that warms itself up."""
    return optim.RAdam(
        list(parameters),
        lr=lr,
        betas=betas,
        eps=eps,
        weight_decay=weight_decay,
        decoupled_weight_decay=decoupled_weight_decay,
    )
