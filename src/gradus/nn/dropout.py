"""Leaving parts out at random in training: what torch lacks, and cards for what it has.

`p` is always the probability to drop; some texts write p for the probability to keep. What is kept is divided by
1 - p in training, so that evaluation changes nothing.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.nn.parameter import is_lazy

from gradus.core.errors import InputError
from gradus.nn import dropouts

Chance = Annotated[float, Field(ge=0, lt=1)]
_KEEP = "p is the probability to drop; texts in which units are kept with probability p mean 1 - p."


def locked_mask(like: Tensor, p: float) -> Tensor | None:
    """0 with probability `p` and else 1 / (1 - p), in the shape of `like`; None where nothing is dropped."""
    if p == 0:
        return None
    return torch.empty_like(like).bernoulli_(1 - p).div_(1 - p)


class LockedDropout(nn.Module):
    """Drops features of whole sequences: one mask for a sequence, the same at every step.

        y_t = m x_t, m_i = 0 with probability p, else 1 / (1 - p)

    Args:
        p: the probability to drop.
        steps: the axis of time.
    """

    def __init__(self, p: float = 0.5, steps: int = 0) -> None:
        super().__init__()
        self.p, self.steps = checked_chance(p), steps

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.p:
            return x
        mask = locked_mask(x.detach().narrow(self.steps, 0, 1), self.p)
        return x if mask is None else x * mask

    def extra_repr(self) -> str:
        return f"p={self.p}, steps={self.steps}"


class DropPath(nn.Module):
    """At the end of a residual branch: in training drops the whole branch, of one example or of all.

        y = x + b / (1 - p) f(x), b = 0 with probability p, else 1

    The paper scales in evaluation instead, by 1 - p; the expectation is the same.

    Args:
        p: the probability to drop.
        per: "sample" draws for each example, "batch" once for all.
    Raises:
        InputError: for another `per`.
    """

    def __init__(self, p: float = 0.1, per: Literal["sample", "batch"] = "sample") -> None:
        super().__init__()
        if per not in ("sample", "batch"):
            raise InputError("DropPath", "`per` must be `sample` or `batch`", per)
        self.p, self.per = checked_chance(p), per

    def forward(self, branch: Tensor) -> Tensor:
        if not self.training:
            return branch
        count = branch.shape[0] if self.per == "sample" else 1
        mask = locked_mask(branch.new_empty(count, *[1] * (branch.dim() - 1)), self.p)
        return branch if mask is None else branch * mask

    def extra_repr(self) -> str:
        return f"p={self.p}, per={self.per}"


def linear_decay(last: float, blocks: int) -> list[float]:
    """Drop probabilities of a network's blocks, from nearly nothing to `last` (Huang et al. 2016, equation 4).

    >>> linear_decay(0.5, 5)
    [0.1, 0.2, 0.3, 0.4, 0.5]
    """
    return [last * (at + 1) / blocks for at in range(blocks)]


class DropConnect(nn.Module):
    """A layer of which some weights are dropped, for a whole forward pass; its parameters stay as they are.

        y = f(x; m W), m_ij = 0 with probability p, else 1 / (1 - p)

    On the matrices from state to state of a recurrent layer this is weight-dropped LSTM: every step sees the same
    weights, and torch's fused kernels still run. The paper of DropConnect averages over masks by sampling in
    evaluation; here evaluation uses the mean weights.

    Args:
        layer: any Module.
        names: of its parameters; by default every weight matrix but those that a parametrization computes.
        p: the probability to drop.
    Raises:
        InputError: for a name that is none of its parameters, or if there is nothing to drop.
    """

    def __init__(self, layer: nn.Module, names: Sequence[str] | None = None, p: float = 0.5) -> None:
        super().__init__()
        known = dict(layer.named_parameters(remove_duplicate=False))
        chosen = list(names or ())
        if names is None:  # what is shared once; not what a weight is computed from, such as its lengths
            plain = {name: each for name, each in layer.named_parameters() if "parametrizations." not in name}
            chosen = [name for name, each in plain.items() if not is_lazy(each) and each.dim() > 1]
        if names is None and not chosen:
            rule = "finds no weight matrix to drop; one that is normalized is computed, not kept"
            repair = "Drop units, or leave the weights as they are."
            raise InputError(f"DropConnect of {type(layer).__name__}", rule, repair=repair)
        missing = [name for name in chosen if name not in known]
        if missing or not chosen:
            raise InputError(
                f"DropConnect of {type(layer).__name__}",
                "needs parameters by name",
                missing[0] if missing else chosen,
                f"Known: {', '.join(known) or 'none'}.",
            )
        self.layer, self.names, self.p = layer, tuple(chosen), checked_chance(p)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        if not self.training or self.p == 0:
            return self.layer(*args, **kwargs)
        # Not get_parameter: within functional_call, as for gradients of single examples, they are plain tensors.
        dropped = {name: functional.dropout(attrgetter(name)(self.layer), self.p) for name in self.names}
        return functional_call(self.layer, dropped, args, kwargs)

    def extra_repr(self) -> str:
        return f"{', '.join(self.names)}, p={self.p}"


def checked_chance(p: float) -> float:
    """`p`, if it can be the probability to drop.

    Raises:
        InputError: if it cannot.
    """
    if not isinstance(p, int | float) or not 0 <= p < 1:
        raise InputError("dropout", "`p`, the probability to drop, must be at least 0 and below 1", p)
    return p


@dropouts.register(
    formula="y_i = 0 with probability p, else x_i / (1 - p)",
    source="Srivastava et al. (2014), Dropout: a simple way to prevent neural networks from overfitting, JMLR 15",
    elsewhere={"paper": {"p": "0.5 of hidden units, 0.2 of inputs"}, "keras": {"p": "must be given, as `rate`"}},
    notes=_KEEP,
)
def dropout(*, p: Chance = 0.5) -> nn.Module:
    """Each number by itself."""
    return nn.Dropout(p)


@dropouts.register(
    of="maps",
    axes=(1,),
    formula="all of channel c is 0 with probability p, else x / (1 - p)",
    source="Tompson et al. (2015), Efficient object localization using convolutional networks, arXiv:1411.4280",
    elsewhere={"keras": {"p": "must be given, as `rate`"}},
    notes=_KEEP,
)
def dropout1d(*, p: Chance = 0.5) -> nn.Module:
    """Whole channels of (N, C, L), whose neighbours are too alike to be dropped one by one."""
    return nn.Dropout1d(p)


@dropouts.register(
    of="maps",
    axes=(2,),
    formula="all of map c is 0 with probability p, else x / (1 - p)",
    source="Tompson et al. (2015), Efficient object localization using convolutional networks, arXiv:1411.4280",
    elsewhere={"keras": {"p": "must be given, as `rate`"}},
    notes=_KEEP,
)
def dropout2d(*, p: Chance = 0.5) -> nn.Module:
    """Whole maps of (N, C, H, W), whose neighbours are too alike to be dropped one by one."""
    return nn.Dropout2d(p)


@dropouts.register(
    of="maps",
    axes=(3,),
    formula="all of volume c is 0 with probability p, else x / (1 - p)",
    source="Tompson et al. (2015), Efficient object localization using convolutional networks, arXiv:1411.4280",
    elsewhere={"keras": {"p": "must be given, as `rate`"}},
    notes=_KEEP,
)
def dropout3d(*, p: Chance = 0.5) -> nn.Module:
    """Whole volumes of (N, C, D, H, W)."""
    return nn.Dropout3d(p)


@dropouts.register(
    formula="y = a (x b + alpha' (1 - b)) + d, alpha' = -1.7581, b = 1 with probability 1 - p",
    source="Klambauer et al. (2017), Self-normalizing neural networks, arXiv:1706.02515, section 3",
    elsewhere={"paper": {"p": "0.05 to 0.1"}, "torch": {"p": 0.5}, "keras": {"p": "must be given, as `rate`"}},
    notes=f"For SELU: keeps mean 0 and variance 1. {_KEEP}",
)
def alpha_dropout(*, p: Chance = 0.1) -> nn.Module:
    """Each number by itself, set to the value at which SELU saturates."""
    return nn.AlphaDropout(p)


@dropouts.register(
    of="maps",
    axes=(1, 2, 3),
    formula="as alpha_dropout, all of a channel together",
    elsewhere={"torch": {"p": 0.5}},
    source="Klambauer et al. (2017), Self-normalizing neural networks, arXiv:1706.02515, section 3",
    notes=f"For SELU: keeps mean 0 and variance 1. {_KEEP}",
)
def feature_alpha_dropout(*, p: Chance = 0.1) -> nn.Module:
    """Whole channels, set to the value at which SELU saturates."""
    return nn.FeatureAlphaDropout(p)


@dropouts.register(
    of="steps",
    axes=(1,),
    aliases=("locked",),
    formula="y_t = m x_t, one m for a sequence: m_i = 0 with probability p, else 1 / (1 - p)",
    source="Gal, Ghahramani (2016), A theoretically grounded application of dropout in recurrent neural networks, "
    "arXiv:1512.05287, equation 7",
    notes=f"For sequences (T, N, F); the model `lstm` uses it on inputs, between layers and on the state. {_KEEP}",
)
def variational(*, p: Chance = 0.5) -> nn.Module:
    """The same features at every step of a sequence."""
    return LockedDropout(p)


@dropouts.register(
    of="weights",
    aliases=("weight_drop",),
    formula="y = f(x; m W), m_ij = 0 with probability p, else 1 / (1 - p)",
    source="Wan et al. (2013), Regularization of neural networks using DropConnect, ICML; Merity, Keskar, Socher "
    "(2018), arXiv:1708.02182 (recurrent matrices)",
    notes=f"One mask for a forward pass and all its examples, as Merity et al.; Wan et al. draw one for each. {_KEEP}",
)
def drop_connect(layer: nn.Module, *, p: Chance = 0.5) -> nn.Module:
    """Single weights of a layer."""
    return DropConnect(layer, p=p)


@dropouts.register(
    of="branches",
    aliases=("stochastic_depth",),
    formula="y = x + b / (1 - p) f(x), b = 0 with probability p, else 1",
    source="Huang et al. (2016), Deep networks with stochastic depth, arXiv:1603.09382, equations 2 to 5",
    elsewhere={"paper": {"p": "0.5 at the last block, rising linearly", "per": "batch"}},
    notes=_KEEP,
)
def drop_path(*, p: Chance = 0.1, per: Literal["sample", "batch"] = "sample") -> nn.Module:
    """Whole residual branches: what is left is the shortcut."""
    return DropPath(p, per)
