"""Autoencoders: networks that give back what they are given, through a code that is small, sparse or robust."""

# N examples, F features, K units of the code

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, cast

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import models
from gradus.models.activations import Activate, Activation, chosen
from gradus.models.inputs import single_input

Share = Annotated[float, Field(gt=0, lt=1)]
Penalty = Callable[[Tensor], Tensor]


class Reconstruction(NamedTuple):
    """What an autoencoder makes of examples.

    Attributes:
        output: (N, F)
        code: (N, K)
        penalty: a scalar that training adds to the loss; None where there is none.
    """

    output: Tensor
    code: Tensor
    penalty: Tensor | None = None


class Autoencoder(nn.Module):
    """Encoder and decoder, of fully connected layers, the one the mirror image of the other.

    Args:
        sizes: F, the hidden layers' units, K.
        activate: makes the activation after every hidden layer.
        code: makes that of the code; None leaves it linear.
        tied: the decoder's weights are the encoder's, transposed.
        corrupt: changes inputs in training mode; the target is not changed.
        penalty: of the code, in training mode.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        activate: Activate,
        *,
        code: Activate | None = None,
        tied: bool = False,
        corrupt: Callable[[Tensor], Tensor] | None = None,
        penalty: Penalty | None = None,
    ) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.down = nn.ModuleList(nn.Linear(wide, narrow) for wide, narrow in pairwise(sizes))
        if tied:
            self.up_biases = nn.ParameterList(torch.zeros(wide) for wide in sizes[-2::-1])
        else:
            self.up = nn.ModuleList(nn.Linear(narrow, wide) for narrow, wide in pairwise(sizes[::-1]))
        self.tied = tied
        hidden = sizes[1:-1]
        self.down_activations = nn.ModuleList(activate(units) for units in hidden)
        self.up_activations = nn.ModuleList(activate(units) for units in hidden[::-1])
        self.code_activation = nn.Identity() if code is None else code(sizes[-1])
        self._corrupt, self._penalty = corrupt, penalty

    def encode(self, x: Tensor) -> Tensor:
        """The code of examples, (N, K)."""
        *layers, last = self.down
        hidden: Tensor = self.flatten(x)
        for layer, activation in zip(layers, self.down_activations, strict=True):
            hidden = activation(layer(hidden))
        code: Tensor = self.code_activation(last(hidden))
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Examples from their code, (N, F)."""
        hidden = self._up(0, code)
        for place, activation in enumerate(self.up_activations, start=1):
            hidden = self._up(place, activation(hidden))
        return hidden

    def _up(self, place: int, hidden: Tensor) -> Tensor:
        """The decoder's layer `place`, counted from the code."""
        if self.tied:
            mirrored = cast(nn.Linear, self.down[-1 - place])
            return functional.linear(hidden, mirrored.weight.T, self.up_biases[place])
        output: Tensor = self.up[place](hidden)
        return output

    def forward(self, x: Tensor) -> Reconstruction:
        seen = self._corrupt(x) if self.training and self._corrupt is not None else x
        code = self.encode(seen)
        penalty = self._penalty(code) if self.training and self._penalty is not None else None
        return Reconstruction(self.decode(code), code, penalty)


@models.register(
    source="Bourlard, Kamp (1988), Auto-association by multilayer perceptrons and singular value decomposition; deep: "
    "Hinton, Salakhutdinov (2006), Reducing the dimensionality of data with neural networks, Science 313",
    formula="x' = g(f(x)), f: R^F -> R^K with K < F, trained so that x' = x",
    family="autoencoder",
    year=1988,
    input=(1, 28, 28),
    outputs=784,
    tasks=("regression",),
    reconstructs=True,
    notes="Without hidden layers, and with squared error, the best code spans the first K principal components.",
)
def autoencoder(
    spec: DataSpec,
    *,
    code: PositiveInt = 32,
    hidden: tuple[PositiveInt, ...] = (),
    activation: Activation = "relu",
    tied: bool = False,
) -> nn.Module:
    """Under-complete autoencoder: gives back its inputs through a code that has fewer numbers.

    Trained with ``data.reconstruct = true``. Takes any shape; everything in an example is one vector to it.

    Args:
        code: numbers of the code, which is linear; fewer than an example has.
        hidden: units of the layers from the inputs to the code; the decoder has the same the other way round.
        tied: the decoder's weights are the encoder's, transposed.
    """
    owner = "model `autoencoder`"
    sizes = _sizes(owner, spec, hidden, code)
    if code >= spec.features:
        repair = "Make it smaller, or use `sparse_autoencoder` or `denoising_autoencoder`."
        raise InputError(owner, f"`code` must be below the {spec.features} numbers of an example", code, repair)
    return Autoencoder(sizes, _activate(owner, activation), tied=tied)


@models.register(
    source="Ng (2011), Sparse autoencoder, CS294A lecture notes; L1: Ranzato, Boureau, LeCun (2007), Sparse feature "
    "learning for deep belief networks, NIPS 20",
    formula="loss + strength sum_j KL(rho || mean_n code_nj), or loss + strength mean_n sum_j |code_nj|",
    family="autoencoder",
    year=2011,
    input=(1, 28, 28),
    outputs=784,
    tasks=("regression",),
    reconstructs=True,
    notes="The lecture notes take the mean activation over the training set; here, as usual, over the batch. Their "
    "error is half the sum of squares of an example and beta = 3; with `mse`, a mean, that is a strength of 6 / F.",
)
def sparse_autoencoder(
    spec: DataSpec,
    *,
    code: PositiveInt = 64,
    hidden: tuple[PositiveInt, ...] = (),
    activation: Activation = "relu",
    sparsity: Literal["kl", "l1"] = "kl",
    rho: Share = 0.05,
    strength: PositiveFloat = 0.01,
    tied: bool = False,
) -> nn.Module:
    """Sparse autoencoder: gives back its inputs through a code of which few numbers are far from 0 at a time.

    Trained with ``data.reconstruct = true``. Takes any shape; everything in an example is one vector to it.

    Args:
        code: numbers of the code; there may be more than an example has.
        hidden: units of the layers from the inputs to the code; the decoder has the same the other way round.
        sparsity: ``kl`` holds each sigmoid unit's mean near `rho`; ``l1`` is a penalty on the sum of rectified units.
        rho: the mean activation wanted, for ``kl``.
        strength: of the penalty beside the criterion's mean over the numbers of an example.
        tied: the decoder's weights are the encoder's, transposed.
    """
    owner = "model `sparse_autoencoder`"
    sizes, activate = _sizes(owner, spec, hidden, code), _activate(owner, activation)
    kl: Penalty = partial(kl_sparsity, rho=rho, strength=strength)
    penalty = kl if sparsity == "kl" else partial(l1_sparsity, strength=strength)
    of_code = chosen(owner, "sigmoid" if sparsity == "kl" else "relu")
    return Autoencoder(sizes, activate, code=of_code, tied=tied, penalty=penalty)


@models.register(
    source="Vincent, Larochelle, Bengio, Manzagol (2008), Extracting and composing robust features with denoising "
    "autoencoders, ICML; Gaussian noise: Vincent et al. (2010), JMLR 11",
    formula="x' = g(f(noise(x))), trained so that x' = x",
    family="autoencoder",
    year=2008,
    input=(1, 28, 28),
    outputs=784,
    tasks=("regression",),
    reconstructs=True,
    notes="The paper's code is sigmoid; a rectified one trains faster. Changes of `data.augment` leave the target "
    "clean too, and serve in place of this noise or beside it.",
)
def denoising_autoencoder(
    spec: DataSpec,
    *,
    code: PositiveInt = 64,
    hidden: tuple[PositiveInt, ...] = (),
    activation: Activation = "relu",
    noise: Literal["masking", "gaussian"] = "masking",
    by: Share = 0.3,
    tied: bool = False,
) -> nn.Module:
    """Denoising autoencoder: gives back its inputs as they were before noise, which is added in training only.

    Trained with ``data.reconstruct = true``. Takes any shape; everything in an example is one vector to it.

    Args:
        code: numbers of the code; there may be more than an example has.
        hidden: units of the layers from the inputs to the code; the decoder has the same the other way round.
        noise: ``masking`` sets numbers to 0, which is the mean where data are standardized; ``gaussian`` adds noise.
        by: the share of numbers that are set to 0, or the noise's standard deviation.
        tied: the decoder's weights are the encoder's, transposed.
    """
    owner = "model `denoising_autoencoder`"
    sizes, activate = _sizes(owner, spec, hidden, code), _activate(owner, activation)
    corrupt = partial(mask if noise == "masking" else add_noise, by=by)
    return Autoencoder(sizes, activate, code=activate, tied=tied, corrupt=corrupt)


def kl_sparsity(code: Tensor, *, rho: float, strength: float) -> Tensor:
    """``strength sum_j KL(rho || mean_j)``, between Bernoulli variables of mean rho and of each unit's mean over N."""
    # The log of a mean of 0 or 1, which bfloat16 rounds to, is infinite.
    mean = code.to(torch.promote_types(code.dtype, torch.float32)).mean(dim=0)
    tiny = torch.finfo(mean.dtype).eps
    mean = mean.clamp(tiny, 1 - tiny)
    divergence = rho * (rho / mean).log() + (1 - rho) * ((1 - rho) / (1 - mean)).log()
    return strength * divergence.sum()


def l1_sparsity(code: Tensor, *, strength: float) -> Tensor:
    """``strength mean_n sum_j |code_nj|``."""
    return strength * code.abs().sum(dim=1).mean()


def mask(x: Tensor, *, by: float) -> Tensor:
    """Each number 0 with the chance `by`; the others as they were."""
    return x * (torch.rand_like(x) >= by)


def add_noise(x: Tensor, *, by: float) -> Tensor:
    """Gaussian noise of standard deviation `by` on every number."""
    return x + by * torch.randn_like(x)


def _sizes(owner: str, spec: DataSpec, hidden: tuple[int, ...], code: int) -> tuple[int, ...]:
    single_input(owner, spec)
    return (spec.features, *hidden, code)


def _activate(owner: str, activation: Activation) -> Activate:
    activate = chosen(owner, activation)
    if activate.pieces > 1:  # the layers mirror each other, so none can be wider than what follows it
        raise InputError(f"{owner}: `activation`", "must take one number for each that it gives", activation)
    return activate
