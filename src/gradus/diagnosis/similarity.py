"""Losses that are likenesses: overlap over size (Dice, IoU), a correlation, a cosine. They grow as outputs come nearer
to targets, so that one is made small only by mistake. Cosines and correlations tell nothing of the outputs' size.
"""

import math
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from gradus.diagnosis.operations import LOSSES, RESHAPING, children_of, describe, operands, short_name

_AVERAGING = RESHAPING | {"Mean", "Sum"}
_ROOTS = frozenset({"Sqrt", "Pow", "LinalgVectorNorm", "Norm", "ClampMin", "Clamp"})
_ERRORS = LOSSES | {"Abs", "Pow", "Log", "LogSoftmax", "LogSigmoid", "Neg"}
_WITHIN_LENGTHS = _AVERAGING | {"Pow", "Sub", "Add", "Mul", "ClampMin", "Clamp"}
_DEEPEST = 24


def is_likeness(node: Any) -> bool:
    """Whether a loss is made of likenesses of outputs to data, grows with each, and holds nothing else.

    Args:
        node: what autograd made the loss with; None of a constant.
    """
    if node is None:
        return False
    terms = list(_terms(node, 1, _DEEPEST))
    return bool(terms) and all(
        sign == 1 and (short_name(each) == "Mul" or _overlap(each, of_targets=True) is not None) for sign, each in terms
    )


def blind_to_size(node: Any, output: Tensor | None) -> bool:
    """Whether a loss compares no more than directions over the examples: outputs of any size would be as good.

    Args:
        node: what autograd made the loss with; None of a constant.
        output: what the model returned last, where it is known.
    """
    if node is None:
        return False
    terms = list(_terms(node, 1, _DEEPEST))
    return bool(terms) and all(
        (sign == -1 or short_name(each) in LOSSES) and _of_examples(each, output) for sign, each in terms
    )


def _terms(node: Any, sign: int, most: int) -> Iterator[tuple[int, Any]]:
    """What a loss adds up, down to quotients and to directions times data: each with its sign, 0 of anything else."""
    name, children = short_name(node), children_of(node)
    computed = [each for each in children if each is not None]
    if name == "Where" and len(computed) == 1 and _never(node, children):
        return
    if not most or not computed:
        yield 0, node
        return
    if describe(node, name, children).negative:
        sign = -sign
    by_data = name == "Mul" and len(children) == 2 and len(computed) == 1
    if (name == "Div" and len(computed) == 2) or (by_data and _length_under(computed[0], most) is not None):
        yield sign, node
    elif name in ("Add", "Sub") and len(computed) == 2:
        yield from _terms(children[0], sign, most - 1)
        yield from _terms(children[1], -sign if name == "Sub" else sign, most - 1)
    elif name in ("Add", "Neg", "Rsub", "Where", *_AVERAGING) or _scales(node, name):
        yield from _terms(computed[0], sign, most - 1)
    elif name == "Sub":  # x - data, or data - x
        yield from _terms(computed[0], sign if children[0] is not None else -sign, most - 1)
    else:
        yield 0, node


def _never(where: Any, children: list[Any]) -> bool:
    """Whether a choice is for data everywhere, as of pairs that are unlike where all are alike."""
    try:
        chosen = where._saved_condition
    except (RuntimeError, AttributeError):  # freed, or changed in place
        return False
    return bool((~chosen if children[0] is not None else chosen).all())


def _scales(node: Any, name: str) -> bool:
    """Whether it multiplies with, or divides by, a number or data."""
    computed = [each for each in children_of(node) if each is not None]
    return name in ("Mul", "Div") and len(computed) == 1


def _of_examples(term: Any, output: Tensor | None) -> bool:
    """Whether the length that outputs are divided by is that over examples, or of each number by itself.

    A correlation, whose data have been centred, is what a program may be after.
    """
    name, children = short_name(term), children_of(term)
    if name == "Div":
        product, length = _overlap(term), _length(children[1], _DEEPEST)
        data = _data(product) if product is not None else None
    else:
        length = _length_under(next(iter(operands(term))), _DEEPEST)
        data = _data(term)
    if data is None or length is None or not data.dim() or not _is_plain(length):
        return False
    if (name == "Div" and _is_centred(data)) or (output is not None and output.numel() != data.numel()):
        return False
    examples = len(output) if output is not None and output.dim() else len(data)
    lengths = math.prod(describe(length, short_name(length), children_of(length)).shape)
    return examples > 1 and (lengths < examples or lengths == data.numel())


def _overlap(quotient: Any, *, of_targets: bool = False) -> Any:
    """The product that a numerator adds up, of outputs and data, as 2 * sum(p * t) + 1 does; None if it does not.

    Args:
        quotient: the division.
        of_targets: whether data must be seen to be targets.
    """
    node, added = children_of(quotient)[0], False
    for _ in range(_DEEPEST):
        name, children = short_name(node), children_of(node)
        computed = [each for each in children if each is not None]
        if added and name == "Mul" and len(children) == 2 and len(computed) == 1:
            return None if of_targets and (not _by_target(node) or _is_error(computed[0])) else node
        if len(computed) != 1 or name not in ("Add", "Mul", *_AVERAGING):
            return None
        added |= name in ("Sum", "Mean")
        node = computed[0]
    return None


def _data(term: Any) -> Tensor | None:
    """What outputs are multiplied, or compared, with."""
    try:
        if short_name(term) == "Mul":
            data = term._saved_self if children_of(term)[0] is None else term._saved_other
        else:
            data = getattr(term, "_saved_target", None)
    except RuntimeError:  # freed, or changed in place
        return None
    return data.detach().float() if isinstance(data, Tensor) and data.numel() else None


def _by_target(product: Any) -> bool:
    """Whether data are a mask, or have been centred, as costs and weights are not."""
    data = _data(product)
    if data is None:
        return False
    return bool(((data == 0) | (data == 1)).all()) or _is_centred(data)


def _is_centred(data: Tensor) -> bool:
    return float(data.mean().abs()) < 1e-3 * float(data.std(correction=0))


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


def _length_under(node: Any, most: int) -> Any:
    """The length that a vector is divided by, which is its own; None of what is no direction."""
    for _ in range(most):
        name, children = short_name(node), children_of(node)
        computed = [each for each in children if each is not None]
        if name == "Div" and len(computed) == 2:
            return _length(children[1], most)
        if len(computed) != 1 or name not in RESHAPING:
            return None
        node = computed[0]
    return None


def _length(node: Any, most: int) -> Any:
    """The root of a sum of squares that something is made of; else None."""
    for _ in range(most):
        name = short_name(node)
        if name in ("LinalgVectorNorm", "Norm", "Sqrt", "Std"):
            return node
        computed = [each for each in children_of(node) if each is not None]
        if len(computed) != 1 or name not in _ROOTS | RESHAPING | {"Mul"}:
            return None
        node = computed[0]
    return None


def _is_plain(length: Any) -> bool:
    """Whether a length is of what a model gives, rather than of what it earns, as the deviation of returns."""
    added, node = short_name(length) != "Sqrt", next(iter(operands(length)), None)
    while node is not None and short_name(node) in _WITHIN_LENGTHS:
        added |= short_name(node) in ("Sum", "Mean")
        data = _data(node) if short_name(node) == "Mul" and None in children_of(node) else None
        if added and data is not None and data.numel() > 1:
            return False
        node = next(iter(operands(node)), None)
    return True
