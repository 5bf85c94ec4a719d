"""Policies that are taught to earn less: a log-probability that is minimized with a weight that grows with the reward.

Nothing in the numbers tells a reward from a cost, so that it goes by what the program calls them.
"""

import re
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from gradus.diagnosis.graph import RESHAPING, Graph, operands, short_name
from gradus.diagnosis.signs import Op

_REWARD = re.compile(r"(^|_)(rewards?|returns?|rets?|advantages?|advs?|payoffs?|profits?)(_|$)", re.IGNORECASE)
_LOG_PROBABILITY = frozenset({"Gather", "Index", "LogSoftmax", "Logsumexp"})
_ON_THE_WAY = RESHAPING | {"Mean", "Sum", "Add", "Sub", "Neg", "Rsub", "Div", "Mul", "Stack", "Cat"}
_SAME = 0.999
"""Correlation of the weights with the rewards that they come from, less a baseline and scaled."""


def minimizes_reward(graph: Graph, frame: FrameType | None) -> bool:
    """Whether log-probabilities, each times what `frame` or those above it call a reward, are made small."""
    if not any(_is_upright(head) for head in graph.heads):
        return False
    weights = [each for name, node in graph.losses if name == "Mul" for each in _weights(node)]
    return any(_grows_with(each, reward) for each in weights for reward in _rewards(frame, each.numel()))


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
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in {"torch", "gradus"}:
            for name, value in list(frame.f_locals.items()):
                if isinstance(value, Tensor) and value.numel() == number and _REWARD.search(name):
                    yield value.detach().flatten().float()
        frame = frame.f_back


def _grows_with(weights: Tensor, reward: Tensor) -> bool:
    if weights.device != reward.device:
        return False
    return bool(torch.corrcoef(torch.stack([weights, reward]))[0, 1] > _SAME)
