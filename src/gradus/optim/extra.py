"""Optimizers of the package pytorch_optimizer, which the extra `optim` installs; imported when one is made.

Left out are those that need more than a gradient at each step: schedule-free ones, whose weights must be exchanged
before every evaluation, and Sophia, which differentiates twice.
"""

from collections.abc import Callable
from typing import Any

from torch import optim

from gradus.core.errors import InputError
from gradus.optim import optimizers
from gradus.optim.hyper import Betas, Count, Decay, Epsilon, Momentum, Parameters, Rate

ThreeBetas = tuple[Momentum, Momentum, Momentum]
_NOTE = "From pytorch_optimizer: pip install torchgradus[optim]."


def _make(card: str, name: str, parameters: Parameters | list[dict[str, Any]], **options: Any) -> optim.Optimizer:
    try:
        import pytorch_optimizer
    except ImportError:
        owner = f"optimizer `{card}`"
        raise InputError(
            owner, "needs pytorch_optimizer", repair="Install it: pip install torchgradus[optim]"
        ) from None
    make: Callable[..., optim.Optimizer] = getattr(pytorch_optimizer, name)
    return make(list(parameters), **options)


@optimizers.register(
    source="Chen et al. (2023), arXiv:2302.06675, algorithm 2",
    formula="c = b1 m + (1 - b1) g; p -= lr (sign(c) + weight_decay p); m = b2 m + (1 - b2) g",
    elsewhere={"paper": {}, "keras": {"lr": 1e-3}, "optax": {"weight_decay": 1e-3}},
    evidence="second-hand",
    notes=f"{_NOTE} The paper advises a rate 3 to 10 times smaller than Adam's.",
)
def lion(
    parameters: Parameters, *, lr: Rate = 1e-4, betas: Betas = (0.9, 0.99), weight_decay: Decay = 0.0
) -> optim.Optimizer:
    """Lion: steps of one size, by the sign of a momentum."""
    return _make("lion", "Lion", parameters, lr=lr, betas=betas, weight_decay=weight_decay)


@optimizers.register(
    source="Zhuang et al. (2020), arXiv:2010.07468, algorithm 2",
    formula="Adam with v = b2 v + (1 - b2) (g - m)^2 + eps",
    evidence="second-hand",
    notes=_NOTE,
)
def adabelief(
    parameters: Parameters,
    *,
    lr: Rate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: Epsilon = 1e-16,
    weight_decay: Decay = 0.0,
) -> optim.Optimizer:
    """AdaBelief: Adam that goes far where the gradient is as expected."""
    return _make("adabelief", "AdaBelief", parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


@optimizers.register(
    source="Xie et al. (2022), arXiv:2208.06677, algorithm 1",
    formula="Adam whose moments are of g + b2 (g - previous g)",
    evidence="second-hand",
    notes=_NOTE,
)
def adan(
    parameters: Parameters,
    *,
    lr: Rate = 1e-3,
    betas: ThreeBetas = (0.98, 0.92, 0.99),
    eps: Epsilon = 1e-8,
    weight_decay: Decay = 0.0,
) -> optim.Optimizer:
    """Adan: Adam with Nesterov's momentum, estimated from differences of gradients."""
    return _make("adan", "Adan", parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


@optimizers.register(
    source="Taniguchi et al. (2024), arXiv:2411.02853, algorithm 2",
    formula="Adam that divides g by the v before it, and only then averages",
    evidence="second-hand",
    notes=_NOTE,
)
def adopt(
    parameters: Parameters,
    *,
    lr: Rate = 1e-3,
    betas: Betas = (0.9, 0.9999),
    eps: Epsilon = 1e-6,
    weight_decay: Decay = 0.0,
) -> optim.Optimizer:
    """ADOPT: Adam changed so that it converges with any beta2."""
    return _make("adopt", "ADOPT", parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


@optimizers.register(
    source="Pagliardini, Ablin, Grangier (2024), arXiv:2409.03137, algorithm 1",
    formula="AdamW with m + alpha m2 in place of m, m2 an average far slower",
    evidence="second-hand",
    notes=_NOTE,
)
def ademamix(
    parameters: Parameters,
    *,
    lr: Rate = 1e-3,
    betas: ThreeBetas = (0.9, 0.999, 0.9999),
    alpha: Decay = 5.0,
    eps: Epsilon = 1e-8,
    weight_decay: Decay = 0.0,
) -> optim.Optimizer:
    """AdEMAMix: Adam with a second momentum that remembers thousands of gradients."""
    return _make(
        "ademamix", "AdEMAMix", parameters, lr=lr, betas=betas, alpha=alpha, eps=eps, weight_decay=weight_decay
    )


@optimizers.register(
    source="You et al. (2020), arXiv:1904.00962, algorithm 2",
    formula="Adam's step of each layer, rescaled to the norm of its weights",
    evidence="second-hand",
    notes=f"{_NOTE} For very large batches.",
)
def lamb(
    parameters: Parameters,
    *,
    lr: Rate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: Epsilon = 1e-6,
    weight_decay: Decay = 0.0,
) -> optim.Optimizer:
    """LAMB: Adam whose steps are in proportion to the weights."""
    return _make("lamb", "Lamb", parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


@optimizers.register(
    source="Wortsman et al. (2023), arXiv:2304.13013, algorithm 2",
    formula="AdamW with lr / max(1, rms(g / sqrt(v))) in place of lr",
    evidence="second-hand",
    notes=_NOTE,
)
def stable_adamw(
    parameters: Parameters,
    *,
    lr: Rate = 1e-3,
    betas: Betas = (0.9, 0.99),
    eps: Epsilon = 1e-8,
    weight_decay: Decay = 1e-2,
) -> optim.Optimizer:
    """StableAdamW: AdamW that slows down where its second moment lags behind."""
    return _make("stable_adamw", "StableAdamW", parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


@optimizers.register(
    source="Mishchenko, Defazio (2024), arXiv:2306.06101, algorithm 4",
    formula="Adam times d, a lower bound of the distance to the solution that grows as it is learned",
    evidence="second-hand",
    notes=f"{_NOTE} It finds its own rate: leave lr at 1.",
)
def prodigy(
    parameters: Parameters,
    *,
    lr: Rate = 1.0,
    betas: Betas = (0.9, 0.999),
    d0: Rate = 1e-6,
    d_coef: Rate = 1.0,
    eps: Epsilon = 1e-8,
    weight_decay: Decay = 0.0,
) -> optim.Optimizer:
    """Prodigy: Adam that finds its rate."""
    return _make(
        "prodigy", "Prodigy", parameters, lr=lr, betas=betas, d0=d0, d_coef=d_coef, eps=eps, weight_decay=weight_decay
    )


@optimizers.register(
    source="Gupta, Koren, Singer (2018), arXiv:1802.09568, algorithm 1",
    formula="L += G G'; R += G' G; W -= lr L^(-1/4) G R^(-1/4)",
    evidence="second-hand",
    notes=f"{_NOTE} Its roots of matrices are costly: raise `every`.",
)
def shampoo(
    parameters: Parameters,
    *,
    lr: Rate = 1e-3,
    momentum: Momentum = 0.0,
    weight_decay: Decay = 0.0,
    every: Count = 1,
    matrix_eps: Epsilon = 1e-6,
) -> optim.Optimizer:
    """Shampoo: AdaGrad with a matrix for each side of a weight matrix."""
    return _make(
        "shampoo",
        "Shampoo",
        parameters,
        lr=lr,
        momentum=momentum,
        weight_decay=weight_decay,
        preconditioning_compute_steps=every,
        matrix_eps=matrix_eps,
    )


@optimizers.register(
    source="Vyas et al. (2024), arXiv:2409.11321, algorithm 3",
    formula="Adam in the eigenvectors of Shampoo's L and R",
    evidence="second-hand",
    notes=_NOTE,
)
def soap(
    parameters: Parameters,
    *,
    lr: Rate = 3e-3,
    betas: Betas = (0.95, 0.95),
    eps: Epsilon = 1e-8,
    weight_decay: Decay = 1e-2,
    every: Count = 10,
) -> optim.Optimizer:
    """SOAP: Adam along the axes that Shampoo finds."""
    return _make(
        "soap", "SOAP", parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, precondition_frequency=every
    )


@optimizers.register(
    source="Jordan et al. (2024), Muon: an optimizer for hidden layers in neural networks",
    formula="M = momentum M + G; W -= lr orthogonalize(G + momentum M), by five Newton-Schulz steps",
    evidence="second-hand",
    notes=f"{_NOTE} For matrices and kernels; vectors are left to an AdamW of its own, at `adamw_lr`. torch.optim.Muon "
    "takes matrices alone.",
)
def muon(
    parameters: Parameters,
    *,
    lr: Rate = 2e-2,
    momentum: Momentum = 0.95,
    nesterov: bool = True,
    weight_decay: Decay = 0.0,
    adamw_lr: Rate = 3e-4,
) -> optim.Optimizer:
    """Muon: momentum whose steps have all singular values near one."""
    parameters = list(parameters)
    groups: list[dict[str, Any]] = [
        {"params": [each for each in parameters if each.dim() > 1], "use_muon": True},
        {"params": [each for each in parameters if each.dim() <= 1], "use_muon": False},
    ]
    return _make(
        "muon",
        "Muon",
        [each for each in groups if each["params"]],
        lr=lr,
        momentum=momentum,
        nesterov=nesterov,
        weight_decay=weight_decay,
        adamw_lr=adamw_lr,
    )
