"""First-order optimizers as recipes name them: torch's, and ours where torch has not the formula.

Defaults are torch's. Where torch has a fused kernel it is the default: one pass over memory, and no loop over tensors
in Python.
"""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import nn, optim

from gradus.core.errors import InputError
from gradus.optim import optimizers
from gradus.optim.adam import AdaMax, EpsilonHatAdam
from gradus.optim.flat import Flat
from gradus.optim.hyper import Betas, Decay, Epsilon, Momentum, Parameters, Penalty, Rate
from gradus.optim.lbfgs import LBFGS
from gradus.optim.momentum import MomentumSGD, Nesterov
from gradus.optim.proximal import ProximalSGD
from gradus.optim.rmsprop import RMSProp

NO_EPSILON = 1e-30
"""In place of none at all: it changes no digit, and 0 / 0 is 0."""


@optimizers.register(
    source="Robbins, Monro (1951); Polyak (1964); Nesterov (1983); Sutskever et al. (2013), equations 1 to 4",
    formula="v = momentum v + g; p -= lr v; with `nesterov` p -= lr (g + momentum v)",
    elsewhere={
        "paper": {"lr_in_velocity": True},
        "torch": {"lr": 1e-3},
        "keras": {"lr_in_velocity": True},
        "optax": {},
    },
    notes="With `lr_in_velocity` v = momentum v - lr g and p += v, which differs only when the rate changes.",
)
def sgd(
    parameters: Parameters,
    *,
    lr: Rate = 1e-2,
    momentum: Momentum = 0.0,
    nesterov: bool = False,
    weight_decay: Decay = 0.0,
    lr_in_velocity: bool = False,
    flat: bool = False,
) -> optim.Optimizer:
    """Stochastic gradient descent, with momentum where asked for."""
    if nesterov and momentum == 0:
        raise InputError(
            "optimizer `sgd`", "`nesterov` is a kind of momentum", repair="Set momentum, for instance 0.9."
        )
    parameters = list(parameters)
    if lr_in_velocity and momentum:
        _refuse_flat("sgd", flat, "`lr_in_velocity`")
        return MomentumSGD(parameters, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
    made = optim.SGD(
        parameters, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay, fused=_fusible(parameters)
    )
    return Flat(made) if flat else made


@optimizers.register(
    source="Nesterov (1983); Sutskever et al. (2013), equations 3 and 4",
    formula="v = momentum v - lr g(p + momentum v); p += v",
    closure=True,
    notes="`sgd` with `nesterov` goes through the points p + momentum v and keeps those; here p is kept.",
)
def nesterov(
    parameters: Parameters, *, lr: Rate = 1e-2, momentum: Momentum = 0.9, weight_decay: Decay = 0.0
) -> optim.Optimizer:
    """Nesterov's momentum in its first form: the gradient is that at the point the velocity leads to."""
    return Nesterov(list(parameters), lr=lr, momentum=momentum, weight_decay=weight_decay)


@optimizers.register(
    source="Parikh, Boyd (2014), Proximal Algorithms, section 4.2; Beck, Teboulle (2009), FISTA",
    formula="p = prox(p - lr g); prox(z) = sign(z) max(|z| - lr l1, 0) / (1 + lr l2)",
    closure=True,
    notes='Vectors (biases, scales) are not penalized. `accelerate` (FISTA) is for batch_size = "full".',
)
def proximal(
    parameters: Parameters,
    *,
    lr: Rate = 1e-2,
    l1: Penalty = 0.0,
    l2: Penalty = 0.0,
    group: Penalty = 0.0,
    accelerate: bool = False,
) -> optim.Optimizer:
    """Gradient descent whose penalties l1 |p|, l2/2 p^2 and group |row| give true zeros."""
    parameters = list(parameters)
    matrices = [each for each in parameters if each.dim() > 1]
    vectors = [each for each in parameters if each.dim() <= 1]
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": vectors, "l1": 0.0, "l2": 0.0, "group": 0.0}]
    return ProximalSGD(
        [each for each in groups if each["params"]], lr=lr, l1=l1, l2=l2, group=group, accelerate=accelerate
    )


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
        fused=_fusible(parameters),
    )
    return Flat(made) if flat else made


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
        fused=_fusible(parameters),
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
    fused = _fusible(parameters)
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


def _fusible(parameters: list[nn.Parameter]) -> bool:
    """Whether torch's fused kernels take these parameters."""
    return bool(parameters) and all(
        each.device.type in ("cpu", "cuda") and torch.is_floating_point(each) for each in parameters
    )


def _refuse_flat(name: str, flat: bool, other: str) -> None:
    if flat:
        raise InputError(f"optimizer `{name}`", f"has no `flat` form with {other}", repair="Leave one of them out.")
