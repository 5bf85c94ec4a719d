"""torch's optimizers that need nothing of ours; the others stand beside what they need.

Defaults are torch's. Where torch has a fused kernel it is the default: one pass over memory, and no loop over tensors
in Python.
"""

from typing import Annotated

from pydantic import Field
from torch import optim

from gradus.optim import optimizers
from gradus.optim.flat import Flat
from gradus.optim.foreach import fusible
from gradus.optim.hyper import Decay, Epsilon, Momentum, Parameters, Rate
from gradus.optim.lbfgs import LBFGS


@optimizers.register(
    source="Duchi, Hazan, Singer (2011), JMLR 12, figure 1",
    formula="r += g^2; p -= lr g / (sqrt(r) + eps), or g / sqrt(r + eps); r begins at initial_accumulator_value",
    elsewhere={
        "paper": {},
        "torch": {},
        "keras": {"lr": 1e-3, "initial_accumulator_value": 0.1, "eps": 1e-7, "eps_in_sqrt": True},
        "optax": {"initial_accumulator_value": 0.1, "eps": 1e-7, "eps_in_sqrt": True},
    },
    notes="A parameter's rate falls with its own gradients so far: the larger they were, the smaller it is.",
)
def adagrad(
    parameters: Parameters,
    *,
    lr: Rate = 1e-2,
    eps: Epsilon = 1e-10,
    initial_accumulator_value: Decay = 0.0,
    eps_in_sqrt: bool = False,
    weight_decay: Decay = 0.0,
    flat: bool = False,
) -> optim.Optimizer:
    """AdaGrad: each parameter's rate is divided by the root of the sum of its squared gradients."""
    parameters = list(parameters)
    if eps_in_sqrt:  # sqrt(r + eps) is the root of a sum that began at eps more
        initial_accumulator_value, eps = initial_accumulator_value + eps, 0.0
    made = optim.Adagrad(
        parameters,
        lr=lr,
        eps=eps,
        initial_accumulator_value=initial_accumulator_value,
        weight_decay=weight_decay,
        fused=fusible(parameters),
    )
    return Flat(made) if flat else made


@optimizers.register(
    source="Zeiler (2012), arXiv:1212.5701, algorithm 1",
    formula="r = rho r + (1 - rho) g^2; d = sqrt(s + eps) / sqrt(r + eps) g; s = rho s + (1 - rho) d^2; p -= lr d",
    elsewhere={"paper": {"rho": 0.95}, "torch": {}, "keras": {"lr": 1e-3, "rho": 0.95, "eps": 1e-7}, "optax": {}},
    notes="The paper has no rate: lr = 1. With Keras's 0.001 it hardly moves.",
)
def adadelta(
    parameters: Parameters,
    *,
    lr: Rate = 1.0,
    rho: Momentum = 0.9,
    eps: Epsilon = 1e-6,
    weight_decay: Decay = 0.0,
) -> optim.Optimizer:
    """AdaDelta: RMSProp whose rate is the size of its own past steps."""
    return optim.Adadelta(list(parameters), lr=lr, rho=rho, eps=eps, weight_decay=weight_decay)


@optimizers.register(
    source="Riedmiller, Braun (1993), A direct adaptive method for faster backpropagation learning",
    formula="d *= 1.2 where g keeps its sign, 0.5 where it changes; p -= sign(g) d; d begins at lr",
    elsewhere={"paper": {"lr": 0.1}, "torch": {}},
    notes='For whole-set batches (batch_size = "full"): it sees only the signs of gradients.',
)
def rprop(
    parameters: Parameters,
    *,
    lr: Rate = 1e-2,
    etas: tuple[Annotated[float, Field(gt=0, lt=1)], Annotated[float, Field(gt=1)]] = (0.5, 1.2),
    step_sizes: tuple[Rate, Rate] = (1e-6, 50.0),
) -> optim.Optimizer:
    """Rprop: a step of its own for each parameter, by the sign of the gradient alone."""
    return optim.Rprop(list(parameters), lr=lr, etas=etas, step_sizes=step_sizes)


@optimizers.register(
    source="Shazeer, Stern (2018), arXiv:1804.04235, algorithm 4",
    formula="Adam without m, the squares of a matrix kept as row and column means; steps of rms at most d",
    elsewhere={"paper": {"eps": (1e-30, 1e-3)}, "torch": {}},
    notes="A step is scaled by the parameter's own size, and falls with t: lr is the most it can be.",
)
def adafactor(
    parameters: Parameters,
    *,
    lr: Rate = 1e-2,
    beta2_decay: Annotated[float, Field(lt=0)] = -0.8,
    eps: tuple[Epsilon | None, Epsilon] = (None, 1e-3),
    d: Annotated[float, Field(ge=1)] = 1.0,
    weight_decay: Decay = 0.0,
) -> optim.Optimizer:
    """Adafactor: second moments in sublinear memory."""
    return optim.Adafactor(list(parameters), lr=lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay)


@optimizers.register(
    source="Polyak, Juditsky (1992), Acceleration of stochastic approximation by averaging",
    formula="p -= lr / (1 + lambd lr t)^alpha g; the average of p from step t0 on is kept beside",
    elsewhere={"torch": {}},
    notes="The average is in the optimizer's state (ax); what a run ends with is p. For averages see training.ema.",
)
def asgd(
    parameters: Parameters,
    *,
    lr: Rate = 1e-2,
    lambd: Decay = 1e-4,
    alpha: Rate = 0.75,
    t0: Decay = 1e6,
    weight_decay: Decay = 0.0,
) -> optim.Optimizer:
    """Averaged SGD."""
    return optim.ASGD(list(parameters), lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay)


@optimizers.register(
    source="Nocedal, Wright (2006), Numerical Optimization, algorithm 7.5",
    formula="p += t d, d = -H g, H the inverse Hessian as the last `history_size` steps tell it",
    elsewhere={"paper": {}, "torch": {"history_size": 100, "line_search": False}},
    closure=True,
)
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
    return LBFGS(
        list(parameters),
        lr=lr,
        max_iter=max_iter,
        max_eval=max_eval,
        history_size=history_size,
        line_search_fn="strong_wolfe" if line_search else None,
    )
