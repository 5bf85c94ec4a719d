"""Losses that are likenesses: overlap over size (Dice, IoU), a correlation, a cosine. They grow as outputs come nearer
to targets, so that one is made small only by mistake.
"""

from typing import Any

from torch import Tensor

from gradus.diagnosis.graph import LOSSES, RESHAPING, children_of, describe, short_name

_AVERAGING = RESHAPING | {"Mean", "Sum"}
_ROOTS = frozenset({"Sqrt", "Pow", "LinalgVectorNorm", "Norm", "ClampMin", "Clamp"})
_ERRORS = LOSSES | {"Abs", "Pow", "Log", "LogSoftmax", "LogSigmoid", "Neg"}
_DEEPEST = 24


def is_likeness(node: Any) -> bool:
    """Whether a loss is made of likenesses of outputs to data, grows with each, and holds nothing else.

    Args:
        node: what autograd made the loss with; None of a constant.
    """
    return node is not None and all(each == 1 for each in _likenesses(node, 1, _DEEPEST))


def _likenesses(node: Any, sign: int, most: int) -> list[int]:
    """The sign with which each term counts: 1, -1, or 0 of a term that is no likeness."""
    name, children = short_name(node), children_of(node)
    computed = [each for each in children if each is not None]
    if not most or not computed:
        return [0]
    if describe(node, name, children).negative:
        sign = -sign
    if name == "Div" and len(computed) == 2:
        return [sign * _overlaps(children[0], most)]
    if name == "Mul" and len(children) == 2 and len(computed) == 1 and _is_direction(computed[0], most):
        return [sign]
    if name in ("Add", "Sub") and len(computed) == 2:
        second = -sign if name == "Sub" else sign
        return _likenesses(children[0], sign, most - 1) + _likenesses(children[1], second, most - 1)
    if name in ("Add", "Neg", "Rsub", *_AVERAGING) or _scales(node, name):
        return _likenesses(computed[0], sign, most - 1)
    if name == "Sub":  # x - data, or data - x
        return _likenesses(computed[0], sign if children[0] is not None else -sign, most - 1)
    return [0]


def _scales(node: Any, name: str) -> bool:
    """Whether it multiplies with, or divides by, a number or data."""
    computed = [each for each in children_of(node) if each is not None]
    return name in ("Mul", "Div") and len(computed) == 1


def _overlaps(node: Any, most: int) -> int:
    """1 if a numerator adds up outputs times targets, as 2 * sum(p * t) + 1 does; else 0."""
    added = False
    for _ in range(most):
        name, children = short_name(node), children_of(node)
        computed = [each for each in children if each is not None]
        if added and name == "Mul" and len(children) == 2 and len(computed) == 1:
            return int(_by_target(node, children) and not _is_error(computed[0]))
        if len(computed) != 1 or name not in ("Add", "Mul", *_AVERAGING):
            return 0
        added |= name in ("Sum", "Mean")
        node = computed[0]
    return 0


def _by_target(node: Any, children: list[Any]) -> bool:
    """Whether data are a mask, or have been centred, as costs and weights are not."""
    try:
        data = node._saved_self if children[0] is None else node._saved_other
    except RuntimeError:  # freed, or changed in place
        return False
    if not isinstance(data, Tensor) or not data.numel():
        return False
    data = data.detach().float()
    masks = bool(((data == 0) | (data == 1)).all())
    return masks or float(data.mean().abs()) < 1e-3 * float(data.std(correction=0))


def _is_error(node: Any) -> bool:
    """Whether outputs have been compared with data already: then what they are multiplied with is a weight."""
    for _ in range(_DEEPEST):
        name, children = short_name(node), children_of(node)
        if name in _ERRORS or (name == "Sub" and None in children):
            return True
        if name not in RESHAPING or children[0] is None:
            return False
        node = children[0]
    return False


def _is_direction(node: Any, most: int) -> bool:
    """Whether it is a vector over its own length."""
    for _ in range(most):
        name, children = short_name(node), children_of(node)
        computed = [each for each in children if each is not None]
        if name == "Div" and len(computed) == 2:
            return _is_length(children[1], most)
        if len(computed) != 1 or name not in RESHAPING:
            return False
        node = computed[0]
    return False


def _is_length(node: Any, most: int) -> bool:
    for _ in range(most):
        name = short_name(node)
        if name in ("LinalgVectorNorm", "Norm", "Sqrt"):
            return True
        computed = [each for each in children_of(node) if each is not None]
        if len(computed) != 1 or name not in _ROOTS | RESHAPING:
            return False
        node = computed[0]
    return False
