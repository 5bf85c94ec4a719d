"""Policies that are taught to earn less.

A log-probability is minimized with a weight that grows with the reward; or what a critic expects of an action is made
small. Nothing in the numbers tells a reward from a cost, so that it goes by what the program calls them.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from gradus.diagnosis.graph import Graph
from gradus.diagnosis.operations import RESHAPING, operands, short_name
from gradus.diagnosis.signs import Op

_REWARD = re.compile(r"(^|_)(rewards?|returns?|rets?|advantages?|advs?|payoffs?|profits?)(_|$)", re.IGNORECASE)
_LOG_PROBABILITY = frozenset({"Gather", "Index", "LogSoftmax", "Logsumexp"})
_ON_THE_WAY = RESHAPING | {"Mean", "Sum", "Add", "Sub", "Neg", "Rsub", "Div", "Mul", "Stack", "Cat"}
_UNTURNED = RESHAPING | {"Mean", "Sum", "Div", "Min", "Minimum", "Cat", "Stack"}
_SAME = 0.999
"""Correlation of the weights with the rewards that they come from, less a baseline and scaled."""


def minimizes_reward(graph: Graph, frame: FrameType | None) -> bool:
    """Whether log-probabilities, each times what `frame` or those above it call a reward, are made small."""
    if not any(_is_upright(head) for head in graph.heads):
        return False
    weights = [each for name, node in graph.losses if name == "Mul" for each in _weights(node)]
    return any(_grows_with(each, reward) for each in weights for reward in _rewards(frame, each.numel()))


def minimizes_value(graph: Graph, frame: FrameType | None, critics: Collection[int]) -> bool:
    """Whether a policy learns to make small what a critic says, in a program that calls something a reward.

    `critics` are the parameters, by id, of what learned from squared errors alone.
    """
    reached = {id(each) for each in graph.reached}
    if not reached & set(critics) or reached <= set(critics) or not graph.heads:
        return False
    straight = all(
        head[-1].shape[-1:] == (1,) and all(op.name in _UNTURNED and not op.negative for op in head[:-1])
        for head in graph.heads
    )
    return straight and any(True for _ in _named(frame))


def _is_upright(head: Sequence[Op]) -> bool:
    """Whether no sign turns between a loss and the first product with data."""
    for op in head:
        if op.name == "Mul" and op.data and op.shape:
            return not op.negative
        if op.negative or op.divisor or op.name not in _ON_THE_WAY:
            return False
    return False


def _weights(node: Any) -> Iterator[Tensor]:
    """The data of a product with log-probabilities."""
    below = list(operands(node))
    if len(below) != 1 or not _is_log_probability(below[0]):
        return
    try:
        data = node._saved_other if node._saved_self is None else node._saved_self
    except RuntimeError:  # freed, or changed in place
        return
    if isinstance(data, Tensor) and data.numel() > 2:
        yield data.detach().flatten().float()


def _is_log_probability(node: Any) -> bool:
    for _ in range(8):
        name, below = short_name(node), list(operands(node))
        if name in _LOG_PROBABILITY:
            return True
        if not below or name not in RESHAPING | {"Stack", "Cat"}:
            return False
        node = below[0]
    return False


def _rewards(frame: FrameType | None, number: int) -> Iterator[Tensor]:
    """Variables of the program with such a name, and so many elements."""
    for value in _named(frame):
        if isinstance(value, Tensor) and value.numel() == number:
            yield value.detach().flatten().float()


def _named(frame: FrameType | None) -> Iterator[Any]:
    """Variables of the program with such a name."""
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in {"torch", "gradus"}:
            for name, value in list(frame.f_locals.items()):
                if _REWARD.search(name):
                    yield value
        frame = frame.f_back


def _grows_with(weights: Tensor, reward: Tensor) -> bool:
    if weights.device != reward.device:
        return False
    return bool(torch.corrcoef(torch.stack([weights, reward]))[0, 1] > _SAME)
