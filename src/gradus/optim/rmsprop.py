"""RMSProp with what torch's lacks: Nesterov momentum, epsilon within the root, the rate within the velocity."""

from typing import Any

import torch
from torch import optim
from torch.optim.optimizer import ParamsT

from gradus.core.errors import InputError
from gradus.optim import optimizers
from gradus.optim.foreach import ForeachOptimizer, Tensors
from gradus.optim.hyper import Decay, Epsilon, Momentum, Parameters, Rate


class RMSProp(ForeachOptimizer):
    """r = alpha r + (1 - alpha) g^2; u = g / (sqrt(r) + eps), or g / sqrt(r + eps); v = mu v + u; p -= lr v.

    With `nesterov` the gradient is that at the look-ahead point x - lr mu v (Goodfellow, Bengio, Courville (2016),
    algorithm 8.6). As in torch's SGD the parameters *are* that point, so that nothing has to be moved before a gradient
    is computed: p -= lr (u + mu v).

    Args:
        centered: divide by the root of the variance, r - (mean of g)^2.
        eps_in_sqrt: add `eps` within the root, as Keras and optax do.
        lr_in_velocity: v = mu v + lr u, p -= v, as Keras does; it differs only when the rate changes.
    """

    def __init__(
        self,
        parameters: ParamsT,
        *,
        lr: Rate = 1e-2,
        alpha: Momentum = 0.99,
        eps: Epsilon = 1e-8,
        momentum: Momentum = 0.0,
        nesterov: bool = False,
        centered: bool = False,
        eps_in_sqrt: bool = False,
        lr_in_velocity: bool = False,
        weight_decay: Decay = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            parameters,
            lr=lr,
            alpha=alpha,
            eps=eps,
            momentum=momentum,
            nesterov=nesterov,
            centered=centered,
            eps_in_sqrt=eps_in_sqrt,
            lr_in_velocity=lr_in_velocity,
            weight_decay=weight_decay,
            maximize=maximize,
        )

    def _kept(self, group: dict[str, Any]) -> tuple[str, ...]:
        means = ("grad_avg",) if group["centered"] else ()
        return ("square_avg", *means, "momentum_buffer") if group["momentum"] else ("square_avg", *means)

    def _advance(self, group: dict[str, Any], points: Tensors, gradients: Tensors, kept: dict[str, Tensors]) -> None:
        lr, alpha, mu = group["lr"], group["alpha"], group["momentum"]
        squares = kept["square_avg"]
        torch._foreach_mul_(squares, alpha)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - alpha)
        if group["centered"]:
            means = kept["grad_avg"]
            torch._foreach_lerp_(means, gradients, 1 - alpha)
            squares = list(torch._foreach_addcmul(squares, means, means, value=-1))
            torch._foreach_clamp_min_(squares, 0.0)  # E[g^2] - E[g]^2 can round below zero
        if group["eps_in_sqrt"]:
            roots = torch._foreach_add(squares, group["eps"])
            torch._foreach_sqrt_(roots)
        else:
            roots = torch._foreach_sqrt(squares)
            torch._foreach_add_(roots, group["eps"])
        if mu == 0:
            torch._foreach_addcdiv_(points, gradients, roots, value=-lr)
            return
        within, without = (lr, 1.0) if group["lr_in_velocity"] else (1.0, lr)
        velocities = kept["momentum_buffer"]
        torch._foreach_mul_(velocities, mu)
        torch._foreach_addcdiv_(velocities, gradients, roots, value=within)
        if group["nesterov"]:
            torch._foreach_addcdiv_(points, gradients, roots, value=-lr)
            torch._foreach_add_(points, velocities, alpha=-without * mu)
        else:
            torch._foreach_add_(points, velocities, alpha=-without)


@optimizers.register(
    source="Tieleman, Hinton (2012), lecture 6.5; Goodfellow, Bengio, Courville (2016), algorithms 8.5 and 8.6",
    formula="r = alpha r + (1 - alpha) g^2; v = momentum v + g / (sqrt(r) + eps); p -= lr v",
    elsewhere={
        "paper": {"lr": 1e-3, "alpha": 0.9},
        "torch": {},
        "keras": {"lr": 1e-3, "alpha": 0.9, "eps": 1e-7, "eps_in_sqrt": True, "lr_in_velocity": True},
        "optax": {"alpha": 0.9, "eps_in_sqrt": True},
    },
    notes="With `nesterov` g is that at the look-ahead point, which the parameters are.",
)
def rmsprop(
    parameters: Parameters,
    *,
    lr: Rate = 1e-2,
    alpha: Momentum = 0.99,
    eps: Epsilon = 1e-8,
    momentum: Momentum = 0.0,
    nesterov: bool = False,
    centered: bool = False,
    eps_in_sqrt: bool = False,
    lr_in_velocity: bool = False,
    weight_decay: Decay = 0.0,
) -> optim.Optimizer:
    """RMSProp: AdaGrad with a moving average of squares, so that rates do not die away."""
    if nesterov and momentum == 0:
        raise InputError(
            "optimizer `rmsprop`", "`nesterov` is a kind of momentum", repair="Set momentum, for instance 0.9."
        )
    parameters = list(parameters)
    if nesterov or eps_in_sqrt or lr_in_velocity:
        return RMSProp(
            parameters,
            lr=lr,
            alpha=alpha,
            eps=eps,
            momentum=momentum,
            nesterov=nesterov,
            centered=centered,
            eps_in_sqrt=eps_in_sqrt,
            lr_in_velocity=lr_in_velocity,
            weight_decay=weight_decay,
        )
    return optim.RMSprop(
        parameters, lr=lr, alpha=alpha, eps=eps, momentum=momentum, centered=centered, weight_decay=weight_decay
    )
