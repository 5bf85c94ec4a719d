"""Parts of a model: those torch.nn lacks, and cards for those it has."""

from dataclasses import dataclass

from gradus.core.cards import Card, Registry


@dataclass(frozen=True, kw_only=True)
class ActivationCard(Card):
    """A function applied to every number of a layer. `build` takes the options and returns a Module.

    A Module that makes one number of several has an attribute `pieces`: how many.

    Attributes:
        sized: whether `build` also takes the number of channels, for a parameter of each.
    """

    sized: bool = False


activations: Registry[ActivationCard] = Registry("activation", "gradus.nn.activation", ActivationCard)
initializers: Registry[Card] = Registry("initializer", "gradus.nn.initialization", Card)
normalizations: Registry[Card] = Registry("normalization", "gradus.nn.normalization", Card)
dropouts: Registry[Card] = Registry("dropout", "gradus.nn.dropout", Card)
