"""Tensors within what is handed to models and what comes out of them."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence
from torch.utils._pytree import tree_map


def mapped(change: Callable[[Tensor], Tensor], tree: Any) -> Any:
    """A copy of `tree`, with its tensors changed.

    Tuples, lists, dictionaries and dataclasses are looked into; of packed sequences the lengths stay, for recurrent
    layers read them as numbers.
    """

    def leaf(part: Any) -> Any:
        if isinstance(part, Tensor):
            return change(part)
        if isinstance(part, PackedSequence):
            return part._replace(data=change(part.data))
        if is_dataclass(part) and not isinstance(part, type):
            part = copy.copy(part)
            for each in fields(part):
                object.__setattr__(part, each.name, mapped(change, getattr(part, each.name)))
        return part

    return tree_map(leaf, tree, is_leaf=lambda part: isinstance(part, PackedSequence))


def tensors(tree: Any) -> list[Tensor]:
    """The tensors in `tree`, in order."""
    found: list[Tensor] = []
    if not _gathered(tree, found):
        found.clear()
        mapped(lambda each: found.append(each) or each, tree)  # type: ignore[func-returns-value]
    return found


def _gathered(tree: Any, found: list[Tensor]) -> bool:
    """Whether there are only tensors, plain containers and numbers, as at nearly every call; then all are found."""
    if isinstance(tree, Tensor):
        found.append(tree)
        return True
    kind = type(tree)
    if kind is tuple or kind is list:
        return all(_gathered(each, found) for each in tree)
    if kind is dict:
        return all(_gathered(each, found) for each in tree.values())
    return tree is None or kind in (bool, int, float, str)


def leaves(arguments: Any) -> Iterator[Any]:
    """What an operation is given, one by one: its arguments hold lists and dictionaries and no other trees."""
    if isinstance(arguments, (list, tuple)):
        for each in arguments:
            yield from leaves(each)
    elif isinstance(arguments, Mapping):
        yield from leaves(list(arguments.values()))
    else:
        yield arguments


def changed(change: Callable[[Any], Any], arguments: Any) -> Any:
    """The arguments of an operation with each leaf changed."""
    if isinstance(arguments, (list, tuple)):
        return type(arguments)([changed(change, each) for each in arguments])
    if isinstance(arguments, Mapping):
        return {name: changed(change, each) for name, each in arguments.items()}
    return change(arguments)
