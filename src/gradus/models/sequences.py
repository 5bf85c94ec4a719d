"""What models of sequences share: the ways in, from numbers or from codes, and the ways out."""

from typing import NamedTuple

from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec

# N examples, T steps, F features, W numbers of a step as the network sees it, H steps ahead, K targets


class Entrance(NamedTuple):
    """The first layer of a model of sequences.

    Attributes:
        layer: (N, T, F) or (N, T) to (N, T, W).
        width: W.
    """

    layer: nn.Module
    width: int


def entrance(owner: str, spec: DataSpec, embedding: int) -> Entrance:
    """Windows of numbers as they are, or codes of a vocabulary as vectors that are learned.

    Args:
        embedding: numbers a symbol is given.
    Raises:
        InputError: if the data are neither windows (steps, features) nor text.
    """
    if spec.vocabulary and len(spec.inputs) == 1 and len(spec.inputs[0]) == 1:
        return Entrance(nn.Embedding(len(spec.vocabulary), embedding), embedding)
    if len(spec.inputs) != 1 or len(spec.inputs[0]) != 2 or spec.vocabulary or "float" not in spec.input_dtypes[0]:
        rule = "takes windows of a series (steps, features), or text"
        raise InputError(owner, rule, spec.inputs, "`mlp` takes any shape.")
    return Entrance(nn.Identity(), spec.inputs[0][1])


def symbols(owner: str, spec: DataSpec) -> tuple[int, int]:
    """How many steps an example of text has, and how many symbols there are.

    Raises:
        InputError: if the data are no text.
    """
    if not spec.vocabulary or len(spec.inputs) != 1 or len(spec.inputs[0]) != 1:
        raise InputError(owner, "takes text, codes of a vocabulary", spec.inputs, "`lstm` takes numbers too.")
    return spec.inputs[0][0], len(spec.vocabulary)


class LastStep(nn.Module):
    """What is known at the end: (N, T, W) to (N, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, -1]


class FromLast(nn.Module):
    """What a network makes of the changes in a window, added to the targets' last values.

        y = body(x - x_T) + x_T       for each target and each step ahead

    Moving the whole window by a constant moves the forecast by it: a level that training never saw does no harm.

    Shapes: (N, T, F) to (N, H K); the targets are the first K features.

    Args:
        body: (N, T, F) to (N, H K).
        horizon: H.
    Source: Zeng, Chen, Zhang, Xu (2023), Are transformers effective for time series forecasting?, AAAI, NLinear.
    """

    def __init__(self, body: nn.Module, horizon: int) -> None:
        super().__init__()
        self.body = body
        self.horizon = horizon

    def forward(self, window_NTF: Tensor) -> Tensor:
        last_NF = window_NTF[:, -1]
        change: Tensor = self.body(window_NTF - last_NF[:, None])
        targets = change.shape[1] // self.horizon
        return change + last_NF[:, :targets].repeat(1, self.horizon)


def check_forecast(owner: str, spec: DataSpec, horizon: int) -> None:
    """Whether `FromLast` fits the data: values of `horizon` steps ahead, of the first features of a window.

    Raises:
        InputError: if it does not.
    """
    if spec.task != "regression" or spec.steps is not None or spec.vocabulary:
        rule = "`horizon` is for series whose next values are forecast"
        raise InputError(owner, rule, spec.task, "Leave it out.")
    wide = spec.inputs[0][1]
    if spec.outputs % horizon or spec.outputs // horizon > wide:
        raise InputError(
            owner, f"`horizon` must divide the {spec.outputs} outputs into targets among {wide} features", horizon
        )
