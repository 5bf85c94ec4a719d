"""Parts of a model: those torch.nn lacks, and cards for those it has."""

from dataclasses import dataclass

from gradus.core.cards import Card, Registry


@dataclass(frozen=True, kw_only=True)
class ActivationCard(Card):
    """A function applied to every number of a layer. `build` takes the options and returns a Module.

    Attributes:
        pieces: how many numbers of the layer before become one: k for Maxout, else 1.
    """

    pieces: int = 1


activations: Registry[ActivationCard] = Registry("activation", "gradus.nn.activations", ActivationCard)
initializers: Registry[Card] = Registry("initializer", "gradus.nn.initialization", Card)
normalizations: Registry[Card] = Registry("normalization", "gradus.nn.normalization", Card)
dropouts: Registry[Card] = Registry("dropout", "gradus.nn.dropout", Card)
