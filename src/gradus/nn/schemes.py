"""How weights are first drawn: every scheme by name.

Most fill one weight matrix and need to know only how many numbers meet there; `auto` and `lsuv` look at the network.
torch.nn.init draws wherever it can; what it gets from here is the deviation.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.nn import initializers

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fan = Literal["fan_in", "fan_out"]


class Fans(NamedTuple):
    """How many numbers meet in one output of a layer, and how many outputs one number goes to."""

    inputs: float
    outputs: float


class Moments(NamedTuple):
    """Mean and standard deviation of a weight matrix."""

    mean: float
    deviation: float


Draw = Callable[[Tensor, Fans, torch.Generator | None], Moments]
"""Fills a weight (outputs, inputs, ...) in place and returns the mean and deviation that it aims at."""


@dataclass(frozen=True)
class Auto:
    """What `initialize` is to see to where it chooses by itself."""

    fan: Fan
    zero_gamma: bool


@dataclass(frozen=True)
class LayerSequential:
    """What layer-sequential unit variance stops at."""

    tolerance: float
    iterations: int


@initializers.register(
    formula="by what follows the layer: Kaiming for ReLU and its kin, Xavier for tanh and logistic, LeCun for SELU, "
    "outputs and linear layers, orthogonal or identity in recurrences",
    source="the sources of the schemes it picks; Goyal et al. (2017), arXiv:1706.02677, section 5.1 (zero gamma)",
    notes="Reads which activation follows from the network's operations, through normalization, dropout, pooling and "
    "sums. For one that the literature gives no gain for, 1 / sqrt(E f(z)^2) with z standard normal.",
)
def auto(*, fan: Fan = "fan_in", zero_gamma: bool = True) -> Auto:
    """For each layer what suits the activation after it.

    Args:
        fan: which variance Kaiming keeps: of signals (fan_in) or of gradients (fan_out).
        zero_gamma: the last normalization of a residual branch starts at 0, so that a block starts as its shortcut.
    """
    return Auto(fan, zero_gamma)


@initializers.register(
    formula="W orthogonal, then W <- W / sqrt(Var(output)) layer by layer until |Var - 1| < tolerance",
    source="Mishkin, Matas (2016), All you need is a good init, arXiv:1511.06422, algorithm 1",
    elsewhere={"paper": {"tolerance": 0.1}},
    notes="Needs a batch of the data. Recurrences and embeddings are left to `auto`.",
)
def lsuv(*, tolerance: Positive = 0.05, iterations: Annotated[int, Field(ge=1)] = 10) -> LayerSequential:
    """Layer-sequential unit variance: scaled on data until the variance of every layer's output is 1."""
    return LayerSequential(tolerance, iterations)


@initializers.register(
    formula="w ~ N(0, std^2)",
    source="Krizhevsky, Sutskever, Hinton (2012), ImageNet classification with deep convolutional neural networks, "
    "section 5 (0.01)",
    elsewhere={"torch": {"std": 1.0}, "keras": {"std": 0.05}},
    notes="Blind to the layer's size: signals shrink or grow by a factor std sqrt(n_in) at each layer.",
)
def normal(*, std: Positive = 0.01) -> Draw:
    """Gaussian of a fixed deviation."""
    return _gaussian(lambda fans: std)


@initializers.register(
    formula="w ~ N(0, std^2), drawn again beyond 2 std",
    source="Devlin, Chang, Lee, Toutanova (2019), BERT, arXiv:1810.04805, as its code has it (0.02)",
    elsewhere={"torch": {"std": 1.0}, "keras": {"std": 0.05}},
    notes="The deviation of what is left is 0.8796 std. torch cuts at -2 and 2 themselves, not at 2 std.",
)
def truncated_normal(*, std: Positive = 0.02) -> Draw:
    """Gaussian of a fixed deviation without its tails."""

    def draw(weight: Tensor, fans: Fans, generator: torch.Generator | None = None) -> Moments:
        nn.init.trunc_normal_(weight, 0.0, std, -2 * std, 2 * std, generator=generator)
        return Moments(0.0, 0.8796256610342398 * std)

    return draw


@initializers.register(
    formula="w ~ U(-bound, bound)",
    source="LeCun, Bottou, Orr, Mueller (1998), Efficient BackProp, section 4.6, before it is scaled",
    elsewhere={"torch": {"bound": "0 to 1"}},
    notes="Blind to the layer's size, as `normal`.",
)
def uniform(*, bound: Positive = 0.05) -> Draw:
    """Uniform in a fixed interval."""
    return _even(lambda fans: bound)


@initializers.register(
    aliases=("zeros",),
    formula="w = value",
    source="torch.nn.init.constant_",
    notes="Units of a layer that start alike stay alike: for outputs and biases, not for hidden layers.",
)
def constant(*, value: Finite = 0.0) -> Draw:
    """The same number everywhere."""

    def draw(weight: Tensor, fans: Fans, generator: torch.Generator | None = None) -> Moments:
        nn.init.constant_(weight, value)
        return Moments(value, 0.0)

    return draw


@initializers.register(
    aliases=("lecun",),
    formula="w ~ N(0, gain^2 / n_in)",
    source="LeCun, Bottou, Orr, Mueller (1998), Efficient BackProp, equation 16; Klambauer et al. (2017), "
    "arXiv:1706.02515, section 2 (SELU)",
    notes="1 / n_in is the variance, not the deviation. Keras and JAX draw from a truncated Gaussian.",
)
def lecun_normal(*, gain: Positive = 1.0) -> Draw:
    """Gaussian that keeps the variance of signals through a linear layer."""
    return _gaussian(lambda fans: gain / math.sqrt(fans.inputs))


@initializers.register(
    formula="w ~ U(-r, r), r = gain sqrt(3 / n_in)",
    source="LeCun, Bottou, Orr, Mueller (1998), Efficient BackProp, equation 16",
    notes="torch.nn.Linear and the convolutions start with gain 1 / sqrt(3), a third of this variance.",
)
def lecun_uniform(*, gain: Positive = 1.0) -> Draw:
    """Uniform that keeps the variance of signals through a linear layer."""
    return _even(lambda fans: gain * math.sqrt(3 / fans.inputs))


@initializers.register(
    aliases=("glorot_normal",),
    formula="w ~ N(0, gain^2 2 / (n_in + n_out))",
    source="Glorot, Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, "
    "AISTATS, equation 12",
    notes="2 / (n_in + n_out) is the variance. Gain 5/3 holds the variance through many layers of tanh, gain 1 does "
    "not. Keras and JAX draw from a truncated Gaussian.",
)
def xavier_normal(*, gain: Positive = 1.0) -> Draw:
    """Gaussian between what keeps the variance of signals and what keeps that of gradients."""
    return _gaussian(lambda fans: gain * math.sqrt(2 / (fans.inputs + fans.outputs)))


@initializers.register(
    aliases=("glorot_uniform",),
    formula="w ~ U(-r, r), r = gain sqrt(6 / (n_in + n_out))",
    source="Glorot, Bengio (2010), AISTATS, equation 16",
    notes="For tanh. Gain 5/3 holds the variance through many layers of tanh, gain 1 does not.",
)
def xavier_uniform(*, gain: Positive = 1.0) -> Draw:
    """Uniform between what keeps the variance of signals and what keeps that of gradients."""
    return _even(lambda fans: gain * math.sqrt(6 / (fans.inputs + fans.outputs)))


@initializers.register(
    formula="w ~ U(-r, r), r = 4 sqrt(6 / (n_in + n_out))",
    source="Glorot, Bengio (2010), AISTATS, equation 16, by the logistic function's slope of 1/4 at 0",
    notes="Textbooks that give tanh the factor of 4 have the two swapped: it then saturates.",
)
def xavier_uniform_logistic() -> Draw:
    """Xavier for the logistic function, whose slope at 0 is a quarter of tanh's."""
    return xavier_uniform(gain=4.0)


@initializers.register(
    aliases=("he_normal",),
    formula="w ~ N(0, gain^2 / n), gain^2 = 2 / (1 + leak^2), n = n_in or n_out",
    source="He, Zhang, Ren, Sun (2015), Delving deep into rectifiers, arXiv:1502.01852, equations 10, 14 and 15",
    notes="Keras and JAX draw from a truncated Gaussian.",
)
def kaiming_normal(*, leak: Finite = 0.0, fan: Fan = "fan_in", gain: Positive | None = None) -> Draw:
    """Gaussian that keeps the second moment of signals, or of gradients, through a rectifier.

    Args:
        leak: the slope below 0.
        fan: which of the two is kept: signals (fan_in) or gradients (fan_out).
        gain: of another activation, in place of the rectifier's.
    """
    return _gaussian(lambda fans: _rectified(leak, gain) / math.sqrt(_of(fans, fan)))


@initializers.register(
    aliases=("he_uniform",),
    formula="w ~ U(-r, r), r = gain sqrt(3 / n), gain^2 = 2 / (1 + leak^2), n = n_in or n_out",
    source="He, Zhang, Ren, Sun (2015), Delving deep into rectifiers, arXiv:1502.01852, equations 10, 14 and 15",
    notes="torch.nn.Linear and the convolutions start with leak sqrt(5), a sixth of this variance.",
)
def kaiming_uniform(*, leak: Finite = 0.0, fan: Fan = "fan_in", gain: Positive | None = None) -> Draw:
    """Uniform that keeps the second moment of signals, or of gradients, through a rectifier."""
    return _even(lambda fans: _rectified(leak, gain) * math.sqrt(3 / _of(fans, fan)))


@initializers.register(
    formula="W^T W = gain^2 I (or W W^T, whichever is the smaller)",
    source="Saxe, McClelland, Ganguli (2014), Exact solutions to the nonlinear dynamics of learning in deep linear "
    "neural networks, arXiv:1312.6120",
    notes="A kernel is one matrix, a row for each output channel.",
)
def orthogonal(*, gain: Positive = 1.0) -> Draw:
    """Orthogonal: lengths are kept exactly, forward or backward, and in a square matrix both ways."""

    def draw(weight: Tensor, fans: Fans, generator: torch.Generator | None = None) -> Moments:
        # There is no QR decomposition in low precision, and torch wants its rows one after the other.
        exact = torch.empty(weight.shape, dtype=torch.promote_types(weight.dtype, torch.float32), device=weight.device)
        weight.copy_(nn.init.orthogonal_(exact, gain, generator=generator))
        rows = weight.shape[0]
        return Moments(0.0, gain / math.sqrt(max(rows, weight.numel() // rows)))

    return draw


@initializers.register(
    formula="W = gain I; of a kernel, gain I at its centre",
    source="Le, Jaitly, Hinton (2015), A simple way to initialize recurrent networks of rectified linear units, "
    "arXiv:1504.00941 (the recurrent matrix); Zagoruyko, Komodakis (2017), arXiv:1706.00388 (convolutions)",
    notes="Of a recurrent network only the matrix from state to state is meant.",
)
def identity(*, gain: Positive = 1.0) -> Draw:
    """What comes in goes out."""

    def draw(weight: Tensor, fans: Fans, generator: torch.Generator | None = None) -> Moments:
        if weight.dim() == 2:
            nn.init.eye_(weight)
        elif weight.dim() <= 5:
            nn.init.dirac_(weight)
        weight.mul_(gain)
        return moments(weight)

    return draw


@initializers.register(
    formula="w of the factor^2 channels that make one pixel's neighbourhood are equal, drawn as by kaiming_normal",
    source="Aitken et al. (2017), Checkerboard artifact free sub-pixel convolution, arXiv:1707.02937, section 2.3",
    notes="Pixel shuffle alone does not keep checkerboards away: it starts with one, of random strength.",
)
def icnr(*, factor: Annotated[int, Field(ge=1)] = 2, leak: Finite = 0.0, gain: Positive | None = None) -> Draw:
    """For a convolution before a pixel shuffle: starts as nearest-neighbour enlarging of one convolution.

    Args:
        factor: by which the shuffle enlarges.
    """
    base = kaiming_normal(leak=leak, gain=gain)

    def draw(weight: Tensor, fans: Fans, generator: torch.Generator | None = None) -> Moments:
        if weight.shape[0] % factor**2:
            raise InputError(
                "initializer `icnr`", f"`factor` squared must divide the {weight.shape[0]} channels", factor
            )
        one = torch.empty_like(weight[:: factor**2])
        asked = base(one, fans, generator)
        weight.copy_(one.repeat_interleave(factor**2, dim=0))
        return asked

    return draw


def moments(weight: Tensor) -> Moments:
    """The mean and deviation of all numbers in a weight."""
    exact = weight.detach().double()
    return Moments(float(exact.mean()), float(exact.std(correction=0)))


def _gaussian(deviation: Callable[[Fans], float]) -> Draw:
    def draw(weight: Tensor, fans: Fans, generator: torch.Generator | None = None) -> Moments:
        std = deviation(fans)
        nn.init.normal_(weight, 0.0, std, generator=generator)
        return Moments(0.0, std)

    return draw


def _even(bound: Callable[[Fans], float]) -> Draw:
    def draw(weight: Tensor, fans: Fans, generator: torch.Generator | None = None) -> Moments:
        r = bound(fans)
        nn.init.uniform_(weight, -r, r, generator=generator)
        return Moments(0.0, r / math.sqrt(3))

    return draw


def _rectified(leak: float, gain: float | None) -> float:
    return math.sqrt(2 / (1 + leak**2)) if gain is None else gain


def _of(fans: Fans, fan: Fan) -> Any:
    return fans.inputs if fan == "fan_in" else fans.outputs
