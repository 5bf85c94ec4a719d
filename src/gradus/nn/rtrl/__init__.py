"""Learning a recurrent cell forward in time: gradients that need no stored past.

    learner = rtrl("block", cell)
    for x, target in stream:
        h = learner.step(x)
        learner.credit(dL_dh)
        if learner.at_end:
            gradients = learner.gradients()

docs/rtrl.md says what each method computes, what it costs, and when to use which.
"""

import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

from gradus.core.errors import InputError, nearest
from gradus.nn.rtrl.cells import Recurrence
from gradus.nn.rtrl.elementwise import Elementwise, ElementwiseRNN, ElementwiseRNNCell
from gradus.nn.rtrl.history import TBPTT, Block
from gradus.nn.rtrl.influence import Exact
from gradus.nn.rtrl.learner import Learner
from gradus.nn.rtrl.traces import Diagonal, SnAp1
from gradus.nn.rtrl.uoro import UORO

METHODS: dict[str, type[Learner]] = {each.method: each for each in (Exact, Block, Diagonal, SnAp1, UORO, TBPTT)}
"""By name."""


def rtrl(method: str, cell: nn.Module, **options: Any) -> Learner:
    """A learner of `cell` by a method of `METHODS`.

    Args:
        method: "exact", "block", "diagonal", "snap1", "uoro" or "tbptt".
        cell: an RNN (tanh or relu), LSTM or GRU of torch's, as a cell or as one layer in one direction; for "diagonal"
            an `ElementwiseRNNCell`. Its parameters are read at every step and never written.
        options: of "block" `length`, of "tbptt" `back`, of "uoro" `generator`.
    Raises:
        InputError: for an unknown method or option, or a cell that the method does not take.
    """
    if method not in METHODS:
        raise InputError("rtrl", "unknown method", method, nearest(method, METHODS))
    make: Callable[..., Learner] = METHODS[method]
    known = {
        name for name, each in inspect.signature(make).parameters.items() if each.kind is inspect.Parameter.KEYWORD_ONLY
    }
    for name in options:
        if name not in known:
            raise InputError(f"rtrl `{method}`", f"unknown option `{name}`", repair=nearest(name, known))
    if method == "tbptt" and "back" not in options:
        raise InputError("rtrl `tbptt`", "option `back` must be given", repair="It is k2, the steps a loss reaches.")
    if method != "diagonal" and isinstance(cell, ElementwiseRNNCell):
        raise InputError(f"rtrl `{method}`", "an ElementwiseRNNCell learns by `diagonal`, which is exact")
    return make(Elementwise(cell) if method == "diagonal" else Recurrence(cell), **options)


__all__ = [
    "METHODS",
    "TBPTT",
    "UORO",
    "Block",
    "Diagonal",
    "ElementwiseRNN",
    "ElementwiseRNNCell",
    "Exact",
    "Learner",
    "SnAp1",
    "rtrl",
]
