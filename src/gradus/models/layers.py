"""The normalizations and dropouts that options name, put where they belong."""

from torch import nn

from gradus.core.errors import InputError
from gradus.nn import NormalizationCard, dropouts, normalizations

Names = str | tuple[str, ...]


def following(owner: str, names: Names, channels: int, axes: int) -> nn.Module | None:
    """The normalization that follows a layer whose output is (N, channels) with so many axes after.

    Args:
        names: of at most one normalization of what a layer makes, and any of its weights; or "none".
    Raises:
        InputError: for an unknown name, one that is not for such an output, or two that follow.
    """
    cards = [each for each in _cards(owner, names) if each.of != "weights"]
    if len(cards) > 1:
        raise InputError(owner, "`normalization` can have one after a layer", names, "Others are of weights.")
    for card in cards:
        if card.of != "activations" or axes not in card.axes:
            fitting = [each.name for each in normalizations.cards() if each.of == "activations" and axes in each.axes]
            raise InputError(owner, f"`normalization` here is one of {', '.join(fitting)}, or of weights", card.name)
    built: list[nn.Module] = [each.build(channels, axes) for each in cards]
    return built[0] if built else None


def with_weights(owner: str, names: Names, layer: nn.Module) -> nn.Module:
    """`layer`, its weight normalized where `names` say so."""
    for card in _cards(owner, names):
        if card.of == "weights":
            layer = card.build(layer)
    return layer


def dropping(owner: str, name: str, p: float, axes: int) -> nn.Module | None:
    """The dropout that follows an activation (N, channels) with so many axes after; None of weights, or without p.

    Raises:
        InputError: for an unknown name, or one that is for other axes or for branches.
    """
    card = dropouts.get(name, owner)
    if card.of == "branches" or axes not in card.axes:
        fitting = [each.name for each in dropouts.cards() if each.of != "branches" and axes in each.axes]
        raise InputError(owner, f"`dropout_kind` here is one of {', '.join(fitting)}", card.name)
    if p == 0 or card.of == "weights":
        return None
    module: nn.Module = card.build(p=p)
    return module


def with_dropped_weights(name: str, p: float, layer: nn.Module) -> nn.Module:
    """`layer`, with dropout of its weights where `name` says so."""
    card = dropouts.get(name)
    if p == 0 or card.of != "weights":
        return layer
    module: nn.Module = card.build(layer, p=p)
    return module


def _cards(owner: str, names: Names) -> list[NormalizationCard]:
    listed = (names,) if isinstance(names, str) else names
    return [normalizations.get(each, owner) for each in listed if each != "none"]
