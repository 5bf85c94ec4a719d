"""torch's optimizers as recipes name them.

Where torch has a fused kernel it is the default: one pass over memory, and no loop over tensors in Python.
"""

from collections.abc import Iterable
from typing import Annotated

import torch
from pydantic import Field
from torch import nn, optim

from gradus.core.errors import InputError
from gradus.optim import optimizers

Parameters = Iterable[nn.Parameter]
Rate = Annotated[float, Field(gt=0)]
Decay = Annotated[float, Field(ge=0)]
Momentum = Annotated[float, Field(ge=0, lt=1)]
Epsilon = Annotated[float, Field(gt=0)]


@optimizers.register(source="Robbins, Monro (1951); Polyak (1964); Nesterov (1983)")
def sgd(
    parameters: Parameters,
    *,
    lr: Rate = 1e-2,
    momentum: Momentum = 0.0,
    nesterov: bool = False,
    weight_decay: Decay = 0.0,
) -> optim.Optimizer:
    """Stochastic gradient descent, with momentum where asked for."""
    if nesterov and momentum == 0:
        raise InputError(
            "optimizer `sgd`", "`nesterov` is a kind of momentum", repair="Set momentum, for instance 0.9."
        )
    parameters = list(parameters)
    return optim.SGD(
        parameters, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay, fused=_fusible(parameters)
    )


@optimizers.register(source="Kingma, Ba (2015), arXiv:1412.6980, algorithm 1")
def adam(
    parameters: Parameters,
    *,
    lr: Rate = 1e-3,
    betas: tuple[Momentum, Momentum] = (0.9, 0.999),
    eps: Epsilon = 1e-8,
    weight_decay: Decay = 0.0,
) -> optim.Optimizer:
    """Adam; its weight decay is an L2 penalty, added to the gradient."""
    parameters = list(parameters)
    return optim.Adam(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=_fusible(parameters))


@optimizers.register(source="Loshchilov, Hutter (2019), arXiv:1711.05101, algorithm 2")
def adamw(
    parameters: Parameters,
    *,
    lr: Rate = 1e-3,
    betas: tuple[Momentum, Momentum] = (0.9, 0.999),
    eps: Epsilon = 1e-8,
    weight_decay: Decay = 1e-2,
) -> optim.Optimizer:
    """Adam with weight decay of its own, apart from the gradient."""
    parameters = list(parameters)
    return optim.AdamW(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=_fusible(parameters))


@optimizers.register(source="Nocedal, Wright (2006), Numerical Optimization, algorithm 7.5", closure=True)
def lbfgs(
    parameters: Parameters,
    *,
    lr: Rate = 1.0,
    max_iter: Annotated[int, Field(ge=1)] = 20,
    max_eval: Annotated[int, Field(ge=1)] | None = None,
    history_size: Annotated[int, Field(ge=1)] = 10,
    line_search: bool = True,
) -> optim.Optimizer:
    """L-BFGS with a strong-Wolfe line search; meant for whole-set batches (``batch_size = "full"``).

    A step is `max_iter` iterations or, with those of the line search, `max_eval` evaluations (5/4 `max_iter` if None).
    """
    return optim.LBFGS(
        list(parameters),
        lr=lr,
        max_iter=max_iter,
        max_eval=max_eval,
        history_size=history_size,
        line_search_fn="strong_wolfe" if line_search else None,
    )


def _fusible(parameters: list[nn.Parameter]) -> bool:
    """Whether torch's fused kernels take these parameters."""
    return bool(parameters) and all(
        each.device.type in ("cpu", "cuda") and torch.is_floating_point(each) for each in parameters
    )
