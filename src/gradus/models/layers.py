"""The normalizations and dropouts that options name, put where they belong."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from gradus.core.errors import InputError
from gradus.nn import NormalizationCard, dropouts, normalizations

Name = str | dict[str, Any]
"""A card's name, or a table of ``name`` and its options."""
Names = Name | tuple[Name, ...]


def following(owner: str, names: Names, channels: int, axes: int) -> nn.Module | None:
    """The normalization that follows a layer whose output is (N, channels) with so many axes after.

    Args:
        names: of at most one normalization of what a layer makes, and any of its weights; or "none".
    Raises:
        InputError: for an unknown name or option, one that is not for such an output, or two that follow.
    """
    after = [(card, build) for card, build in _chosen(owner, names) if card.of != "weights"]
    if len(after) > 1:
        raise InputError(owner, "`normalization` can have one after a layer", names, "Others are of weights.")
    for card, _ in after:
        if card.of != "activations" or axes not in card.axes:
            fitting = [each.name for each in normalizations.cards() if each.of == "activations" and axes in each.axes]
            raise InputError(owner, f"`normalization` here is one of {', '.join(fitting)}, or of weights", card.name)
    return after[0][1](channels, axes) if after else None


def with_weights(owner: str, names: Names, layer: nn.Module) -> nn.Module:
    """`layer`, its weight normalized where `names` say so."""
    for card, build in _chosen(owner, names):
        if card.of == "weights":
            layer = build(layer)
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


def _chosen(owner: str, names: Names) -> list[tuple[NormalizationCard, Callable[..., nn.Module]]]:
    """Each card that is named, and what builds it with the options given."""
    chosen: list[tuple[NormalizationCard, Callable[..., nn.Module]]] = []
    for each in names if isinstance(names, tuple) else (names,):
        options = {"name": each} if isinstance(each, str) else dict(each)
        name = options.pop("name", None)
        if not isinstance(name, str):
            raise InputError(owner, "`normalization` needs a `name`; `gradus layers` lists them", each)
        if name != "none":
            card = normalizations.get(name, owner)
            chosen.append((card, partial(card.build, **card.validate(options, f"{owner}: `normalization` `{name}`"))))
    return chosen
