"""Activations as recipes name them: torch's, and the two it lacks.

The generalised rectifier g(z; alpha) = max(0, z) + alpha min(0, z) is ReLU, a leaky ReLU or a PReLU of torch's,
whichever alpha makes it. A builder of a `sized` card also takes the number of channels, axis 1 of what it is applied
to.
"""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.nn import activations

# N examples, C channels, k pieces

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

_DEEP_LEARNING = "Goodfellow, Bengio, Courville (2016), Deep Learning"
_LENET = "LeCun, Bottou, Bengio, Haffner (1998), Gradient-based learning applied to document recognition, equation 6"
_MOBILENET_V3 = "Howard et al. (2019), Searching for MobileNetV3, arXiv:1905.02244, section 5.2"


class Maxout(nn.Module):
    """The largest of `pieces` numbers that stand side by side along an axis: (N, k C, ...) to (N, C, ...).

        h_c = max(z_(k c), ..., z_(k c + k - 1))

    Together with the layer before, the maximum of k learned affine functions, thus any convex function in the limit of
    many. That layer has k times the units and parameters. Where several are the largest, one gets the gradient.

    Args:
        pieces: k, at least 2.
        axis: of the channels; -1 for tokens (N, T, k C).
    Raises:
        InputError: on a tensor without that axis, or where it is no multiple of k.
    """

    def __init__(self, pieces: int = 2, axis: int = 1) -> None:
        super().__init__()
        self.pieces, self.axis = pieces, axis

    def forward(self, z: Tensor) -> Tensor:
        if not -z.dim() <= self.axis < z.dim():
            raise InputError("Maxout", f"needs an axis {self.axis} of channels", tuple(z.shape))
        if z.shape[self.axis] % self.pieces:
            raise InputError(
                "Maxout",
                f"axis {self.axis} must be a multiple of the {self.pieces} pieces",
                tuple(z.shape),
                f"Make the layer before {self.pieces} times as wide.",
            )
        pieces_CK: Tensor = z.unflatten(self.axis, (-1, self.pieces))
        # amax would share the gradient among equals, and takes a third longer.
        return pieces_CK.max(self.axis if self.axis < 0 else self.axis + 1).values

    def extra_repr(self) -> str:
        return f"pieces={self.pieces}, axis={self.axis}"


class ScaledTanh(nn.Module):
    """The squashing function f(a) = 1.7159 tanh(2a/3): f(1) = 1, f(-1) = -1."""

    def forward(self, a: Tensor) -> Tensor:
        return 1.7159 * torch.tanh(a * (2 / 3))


@activations.register(source=f"{_DEEP_LEARNING}, 6.2.2.1", formula="f(z) = z", aliases=("linear", "none"))
def identity() -> nn.Module:
    """What comes in goes out; layers without anything else between them are one linear layer."""
    return nn.Identity()


@activations.register(
    source="Nair, Hinton (2010), Rectified linear units improve restricted Boltzmann machines, ICML",
    formula="f(z) = max(0, z)",
)
def relu() -> nn.Module:
    """Rectified linear unit, the usual first choice; a unit that is negative for all examples learns no more."""
    return nn.ReLU()


@activations.register(
    source=f"{_DEEP_LEARNING}, 6.3.1",
    formula="g(z; alpha) = max(0, z) + alpha min(0, z)",
    sized=True,
    notes="At 0 the derivative is alpha, or 0 where alpha is 0.",
)
def rectifier(channels: int = 1, *, alpha: Finite = 0.0, learned: bool = False, per_channel: bool = False) -> nn.Module:
    """Generalised rectifier: ReLU at alpha 0, the absolute value at -1, leaky at 0.01, PReLU where alpha is learned.

    Args:
        alpha: the slope below 0, to begin with where it is learned.
        learned: whether it is a parameter.
        per_channel: whether each channel has an alpha of its own, or all have one.
    """
    if learned:
        return nn.PReLU(channels if per_channel else 1, init=alpha)
    if per_channel:
        raise InputError("activation `rectifier`", "`per_channel` is for an alpha that is `learned`")
    # A leaky ReLU of slope 0 makes NaN of minus infinity.
    return nn.LeakyReLU(alpha) if alpha else nn.ReLU()


@activations.register(
    source="Jarrett, Kavukcuoglu, Ranzato, LeCun (2009), What is the best multi-stage architecture for object "
    "recognition?, ICCV",
    formula="f(z) = |z| = g(z; -1)",
    aliases=("abs",),
    notes="At 0 the derivative is -1, the rectifier's alpha; that of torch.abs is 0.",
)
def absolute() -> nn.Module:
    """Absolute value rectification: for what means the same with either sign, such as an edge in an image."""
    return rectifier(alpha=-1.0)


@activations.register(
    source="Maas, Hannun, Ng (2013), Rectifier nonlinearities improve neural network acoustic models, ICML workshop",
    formula="f(z) = max(0, z) + negative_slope min(0, z)",
    elsewhere={"keras": {"negative_slope": 0.3}},
    notes="Keras's layer has 0.3, its function keras.activations.leaky_relu 0.2.",
)
def leaky_relu(*, negative_slope: NonNegative = 0.01) -> nn.Module:
    """Leaky ReLU: a small slope below 0, so that no unit stops learning."""
    return nn.LeakyReLU(negative_slope)


@activations.register(
    source="He, Zhang, Ren, Sun (2015), Delving deep into rectifiers, arXiv:1502.01852, equation 1",
    formula="f(z) = max(0, z) + a min(0, z), a learned",
    sized=True,
    elsewhere={"paper": {"per_channel": True}, "keras": {"init": 0.0}},
    notes="Keras has one a for each number of an example, unless axes are said to share it. Weight decay pulls a to 0.",
)
def prelu(channels: int = 1, *, init: Finite = 0.25, per_channel: bool = False) -> nn.Module:
    """Parametric ReLU: the slope below 0 is learned, one for all or one for each channel."""
    return nn.PReLU(channels if per_channel else 1, init=init)


@activations.register(
    source="Goodfellow, Warde-Farley, Mirza, Courville, Bengio (2013), Maxout networks, arXiv:1302.4389, section 3",
    formula="h_c = max over j < k of z_(k c + j)",
)
def maxout(*, pieces: Annotated[int, Field(ge=2)] = 2, axis: int = 1) -> nn.Module:
    """Maxout: the largest of k numbers; the layer before has k times the units, and parameters.

    Args:
        pieces: k.
        axis: of the channels.
    """
    return Maxout(pieces, axis)


@activations.register(
    source="Krizhevsky (2010), Convolutional deep belief networks on CIFAR-10", formula="f(z) = min(max(0, z), 6)"
)
def relu6() -> nn.Module:
    """ReLU that is cut off at 6, for arithmetic of few bits; saturates on both sides."""
    return nn.ReLU6()


@activations.register(
    source="Clevert, Unterthiner, Hochreiter (2016), Exponential linear units, arXiv:1511.07289",
    formula="f(z) = max(0, z) + min(0, alpha (exp(z) - 1))",
)
def elu(*, alpha: Positive = 1.0) -> nn.Module:
    """Exponential linear unit: negative values bring the mean closer to 0; smooth where alpha is 1."""
    return nn.ELU(alpha)


@activations.register(
    source="Klambauer, Unterthiner, Mayr, Hochreiter (2017), Self-normalizing neural networks, arXiv:1706.02515, "
    "equation 2",
    formula="f(z) = 1.0507 (max(0, z) + min(0, 1.6733 (exp(z) - 1)))",
    notes="For weights of mean 0 and variance 1/n_in (LeCun's initialization), and alpha dropout in place of dropout.",
)
def selu() -> nn.Module:
    """Scaled ELU: from layer to layer mean and variance are drawn to 0 and 1."""
    return nn.SELU()


@activations.register(
    source="Barron (2017), Continuously differentiable exponential linear units, arXiv:1704.07483",
    formula="f(z) = max(0, z) + min(0, alpha (exp(z / alpha) - 1))",
)
def celu(*, alpha: Positive = 1.0) -> nn.Module:
    """ELU with a continuous derivative for every alpha."""
    return nn.CELU(alpha)


@activations.register(
    source="Hendrycks, Gimpel (2016), Gaussian error linear units, arXiv:1606.08415",
    formula="f(z) = z Phi(z), or z/2 (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3)))",
    elsewhere={"jax": {"approximate": "tanh"}},
    notes="The two forms differ by less than 0.0005.",
)
def gelu(*, approximate: Literal["none", "tanh"] = "none") -> nn.Module:
    """Gaussian error linear unit: z times the probability that a standard normal number is less than z."""
    return nn.GELU(approximate)


@activations.register(
    source="Elfwing, Uchibe, Doya (2018), Sigmoid-weighted linear units, arXiv:1702.03118; Ramachandran, Zoph, Le "
    "(2017), Searching for activation functions, arXiv:1710.05941",
    formula="f(z) = z / (1 + exp(-z))",
    aliases=("swish",),
    notes="Swish with its beta at 1; the paper also learns beta.",
)
def silu() -> nn.Module:
    """Sigmoid linear unit, or swish: z times its sigmoid."""
    return nn.SiLU()


@activations.register(
    source="Misra (2020), Mish: a self regularized non-monotonic activation function, arXiv:1908.08681, equation 1",
    formula="f(z) = z tanh(log(1 + exp(z)))",
)
def mish() -> nn.Module:
    """Mish: z times the hyperbolic tangent of its softplus."""
    return nn.Mish()


@activations.register(
    source="Dugas, Bengio, Belisle, Nadeau, Garcia (2001), Incorporating second-order functional knowledge for better "
    "option pricing, NIPS",
    formula="f(z) = log(1 + exp(beta z)) / beta",
    elsewhere={"torch": {"threshold": 20.0}},
    notes="torch gives z itself where beta z > 20, and there jumps by 2e-9; from 40 on float64 knows no difference.",
)
def softplus(*, beta: Positive = 1.0, threshold: Positive = 40.0) -> nn.Module:
    """Smooth ReLU, always above 0, whose derivative is the sigmoid; for what must be positive, such as a variance.

    Args:
        beta: how sharp the bend is.
        threshold: of beta z, above which z is taken for f(z).
    """
    return nn.Softplus(beta, threshold)


@activations.register(
    source="Bergstra, Desjardins, Lamblin, Bengio (2009), Quadratic polynomials learn better image features",
    formula="f(z) = z / (1 + |z|)",
)
def softsign() -> nn.Module:
    """Like tanh, but slower to saturate: its derivative falls with the square of z and not exponentially."""
    return nn.Softsign()


@activations.register(
    source="Rumelhart, Hinton, Williams (1986), Learning representations by back-propagating errors, Nature 323",
    formula="f(z) = 1 / (1 + exp(-z))",
    aliases=("logistic",),
)
def sigmoid() -> nn.Module:
    """Logistic function: a gate or a probability; saturates on both sides, and its mean is not 0."""
    return nn.Sigmoid()


@activations.register(
    source="LeCun, Bottou, Orr, Müller (1998), Efficient BackProp, section 4.4", formula="f(z) = tanh(z)"
)
def tanh() -> nn.Module:
    """Hyperbolic tangent: odd, like the identity near 0, saturates on both sides."""
    return nn.Tanh()


@activations.register(source=_LENET, formula="f(z) = 1.7159 tanh(2 z / 3)", aliases=("lecun_tanh",))
def scaled_tanh() -> nn.Module:
    """LeCun's tanh, which takes 1 to 1 and -1 to -1 and bends most there."""
    return ScaledTanh()


@activations.register(
    source="Collobert (2004), Large scale machine learning, thesis, Paris VI", formula="f(z) = min(max(low, z), high)"
)
def hardtanh(*, low: Finite = -1.0, high: Finite = 1.0) -> nn.Module:
    """The identity between two bounds and constant beyond them."""
    if low >= high:
        raise InputError("activation `hardtanh`", "`low` must be less than `high`", (low, high))
    return nn.Hardtanh(low, high)


@activations.register(
    source=_MOBILENET_V3,
    formula="f(z) = min(max(0, z + 3), 6) / 6",
    notes="As in torch, Keras 3 and JAX. BinaryConnect (arXiv:1511.00363) has min(max(0, (z + 1) / 2), 1), Keras 2 had "
    "min(max(0, 0.2 z + 0.5), 1). In float64 torch's derivative is 3e-8 off: it is 1/6 of float32.",
)
def hardsigmoid() -> nn.Module:
    """Sigmoid of three straight pieces."""
    return nn.Hardsigmoid()


@activations.register(source=_MOBILENET_V3, formula="f(z) = z min(max(0, z + 3), 6) / 6", aliases=("hardsilu",))
def hardswish() -> nn.Module:
    """Swish with the hard sigmoid: no exponential to compute."""
    return nn.Hardswish()


@activations.register(
    source="Donoho, Johnstone (1994), Ideal spatial adaptation by wavelet shrinkage, Biometrika 81",
    formula="f(z) = z where |z| > threshold, else 0",
)
def hardshrink(*, threshold: NonNegative = 0.5) -> nn.Module:
    """Hard thresholding: what is small becomes 0; jumps at the threshold."""
    return nn.Hardshrink(threshold)


@activations.register(
    source="Donoho (1995), De-noising by soft-thresholding, IEEE Transactions on Information Theory 41",
    formula="f(z) = sign(z) max(0, |z| - threshold)",
)
def softshrink(*, threshold: NonNegative = 0.5) -> nn.Module:
    """Soft thresholding, the proximal step of the L1 norm: makes codes sparse."""
    return nn.Softshrink(threshold)
