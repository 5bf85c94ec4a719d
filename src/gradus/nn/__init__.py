"""Parts of a model: those torch.nn lacks, and cards for those it has."""

from dataclasses import dataclass
from typing import Literal

from gradus.core.cards import Card, Registry


@dataclass(frozen=True, kw_only=True)
class ActivationCard(Card):
    """A function applied to every number of a layer. `build` takes the options and returns a Module.

    A Module that makes one number of several has an attribute `pieces`: how many.

    Attributes:
        sized: whether `build` also takes the number of channels, for a parameter of each.
    """

    sized: bool = False


@dataclass(frozen=True, kw_only=True)
class NormalizationCard(Card):
    """What keeps numbers in range. `build` takes what it is for, and the options.

    Attributes:
        of: "activations": `build(channels, axes)` makes a layer for (N, channels) with so many axes after; "weights":
            `build(layer)` gives the layer with its weight normalized; "recurrence": `build(inputs, hidden)` makes a
            recurrent layer.
        axes: how many axes after the channels it can have.
    """

    of: Literal["activations", "weights", "recurrence"] = "activations"
    axes: tuple[int, ...] = (0, 1, 2, 3)


@dataclass(frozen=True, kw_only=True)
class DropoutCard(Card):
    """What leaves parts out at random in training. `build` takes the options and returns a Module.

    Attributes:
        of: what is left out. "weights": `build(layer)` gives the layer whose weights are; "branches": `build()` makes
            what stands at the end of a residual branch; else `build()` makes a layer.
        axes: how many axes after the channels it can have.
    """

    of: Literal["units", "maps", "steps", "weights", "branches"] = "units"
    axes: tuple[int, ...] = (0, 1, 2, 3)


activations: Registry[ActivationCard] = Registry("activation", "gradus.nn.activation", ActivationCard)
initializers: Registry[Card] = Registry("initializer", "gradus.nn.schemes", Card)
normalizations: Registry[NormalizationCard] = Registry("normalization", "gradus.nn.normalization", NormalizationCard)
dropouts: Registry[DropoutCard] = Registry("dropout", "gradus.nn.dropout", DropoutCard)
