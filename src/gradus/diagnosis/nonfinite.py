"""Where a number first stopped being finite, told while the graph of that step is still there."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from gradus.diagnosis.comparison import compared
from gradus.diagnosis.graph import Graph
from gradus.diagnosis.measure import finite, first_tensor
from gradus.diagnosis.operations import LOSSES, MOST_NODES, children_of, describe, operands, short_name
from gradus.diagnosis.places import Places
from gradus.diagnosis.signs import NonFinite

_MAKERS = ("Log", "Sqrt", "Rsqrt", "Reciprocal", "Log2", "Log10", "Exp", "Norm", "LinalgVectorNorm")
"""Operations that make numbers which are not finite out of those that are, the likeliest first."""
_KEPT = ("_saved_self", "_saved_result", "_saved_mat1", "_saved_input", "_saved_other", "_saved_grad_input")
_POLES: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
    **dict.fromkeys(("Log", "Log2", "Log10"), ("_saved_self", lambda x: x <= 0)),
    "Log1P": ("_saved_self", lambda x: x <= -1),
    **dict.fromkeys(("Acos", "Asin", "Atanh"), ("_saved_self", lambda x: x.abs() > 1)),
    "Div": ("_saved_other", lambda x: x == 0),
    "Sqrt": ("_saved_result", torch.isnan),
    **dict.fromkeys(("Rsqrt", "Reciprocal"), ("_saved_result", torch.isinf)),
}
"""Operations that are not finite where what they keep is so; Pow is, too, where its exponent says."""
_OF_MASKS = {"LogSoftmax": "_saved_result", "Logsumexp": "_saved_self"}
"""Operations that a mask of -inf leads to, and where they keep it: no trouble before it meets a 0, or another one."""


def locate(step: int, loss: Tensor, graph: Graph, inputs: Sequence[Tensor], output: Any, places: Places) -> NonFinite:
    """Why a loss is not finite: the first of inputs, targets, weights, layers, and the loss itself that is not."""
    for each in inputs:
        if each.grad_fn is None and not finite(each):  # what another model or the program computes is traced below
            return _found(step, "", "input", "", each)
    for each in graph.reached:
        if not finite(each):
            return _found(step, places.parameter(each) or "", "weight", "", each)
    result = first_tensor(output)
    pair = compared(graph, result if result is not None and finite(result) else None)
    name, where, tensor = _first_in_graph(loss, places)
    kept = tensor if tensor is not None else loss
    pole, narrow = bool(name) and tensor is None, is_narrow(loss)
    if pair is not None and not finite(pair[1]) and not pole:
        made = _done_to_both(graph)
        if made.startswith("Exp") and bool(pair[1].isnan().any()):  # which of finite numbers makes no NaN
            made = ""
        return _found(step, "", "loss" if made else "target", made, pair[1])
    if result is not None and finite(result):
        # An operation carries on what another, which keeps nothing, has made.
        names = {op.name for head in graph.heads for op in head}
        made = name if name in (*_MAKERS, *_OF_MASKS) else next((each for each in _MAKERS if each in names), name)
        return _found(step, "", "loss", made, kept, pole=pole, narrow=narrow)
    if tensor is not None and tensor.grad_fn is None and not tensor.requires_grad:  # data, as a layer has kept them
        return _found(step, where, "input", "", tensor)
    # What the model returned may be gone, where only a part of it went into the loss.
    in_loss = name in _MAKERS and name != "Exp" and any(op.name == name for head in graph.heads for op in head)
    return _found(step, where, "loss" if in_loss else "forward", name, kept, pole=pole, narrow=narrow)


def _done_to_both(graph: Graph) -> str:
    """What a loss does to the output right before it compares, and so to the target: `mse_loss(o.log(), y.log())`."""
    nodes = (next(iter(operands(node)), None) for name, node in graph.losses if name in LOSSES)
    names = (short_name(node) for node in nodes if node is not None)
    return next((each for each in names if each in (*_MAKERS, "Log1P")), "")


def _found(step: int, where: str, source: str, operation: str, tensor: Tensor, **facts: bool) -> NonFinite:
    bad = ~torch.isfinite(tensor.detach())
    return NonFinite(
        step=step,
        where=where,
        source=source,
        operation=operation,
        share=float(bad.float().mean()),
        infinite=bool(torch.isinf(tensor.detach()).any()) and not bool(torch.isnan(tensor.detach()).any()),
        **facts,
    )


def is_narrow(loss: Tensor) -> bool:
    """Whether something that leads to the loss was computed in float16."""
    results = (each for node in _from_loss(loss.grad_fn) for each in getattr(node, "_input_metadata", ()))
    return loss.dtype == torch.float16 or any(each.dtype == torch.float16 for each in results)


def _first_in_graph(loss: Tensor, places: Places) -> tuple[str, str, Tensor | None]:
    """The operation nearest the inputs that keeps something not finite: its name, its layer, the tensor."""
    masked = None
    for node in reversed(_from_loss(loss.grad_fn)):
        if masked is None and _holds_mask(node):
            masked = node
        bad = next((each for each in _kept(node) if not finite(each) and (masked is None or not _is_mask(each))), None)
        pole = _at_pole(node)
        if masked is not None and bad is not None and bool(bad.isnan().any()):
            break
        if bad is not None or pole:
            return short_name(node), _place_near(node, places), None if pole else bad
    if masked is None:
        return "", "", None
    # -inf times 0 is no number, nor is one -inf less another
    met = bool(loss.isnan().any())
    return short_name(masked), _place_near(masked, places), None if met else _kept_mask(masked)


def _holds_mask(node: Any) -> bool:
    kept = _kept_mask(node)
    return kept is not None and _is_mask(kept)


def _kept_mask(node: Any) -> Tensor | None:
    try:
        kept = getattr(node, _OF_MASKS.get(short_name(node), ""), None)
    except RuntimeError:  # freed, or changed in place
        return None
    return kept if isinstance(kept, Tensor) else None


def _is_mask(tensor: Tensor) -> bool:
    """Whether some is -inf, and all else is finite."""
    low = tensor == -math.inf
    return bool(low.any()) and finite(tensor.masked_fill(low, 0.0))


def _at_pole(node: Any) -> bool:
    """Whether a node's result, which it does not keep, cannot be finite."""
    name = short_name(node)
    try:
        if name in ("Softmax", "LogSoftmax"):
            return _nothing_left(node)
        if name == "Pow":
            return _has_no_power(node._saved_self, node._saved_exponent)
        kept, beyond = _POLES.get(name, ("", torch.isnan))
        operand = getattr(node, kept, None)
    except (RuntimeError, AttributeError):  # freed, changed in place, or an exponent that is a tensor
        return False
    return isinstance(operand, Tensor) and not operand.is_complex() and bool(beyond(operand).any())


def _has_no_power(base: Tensor, exponent: Any) -> bool:
    """Whether a number is 0 under a negative exponent, or less than 0 under one that is not whole."""
    if not isinstance(exponent, int | float) or base.is_complex():
        return False
    return (exponent < 0 and bool((base == 0).any())) or (exponent % 1 > 0 and bool((base < 0).any()))


def _nothing_left(softmax: Any) -> bool:
    """Whether a mask has left nothing of a row: its softmax divides by 0."""
    filled = next((each for each in operands(softmax) if short_name(each) == "MaskedFill"), None)
    result, mask = softmax._saved_result, getattr(filled, "_saved_mask", None)
    if not isinstance(mask, Tensor) or not bool(result.isnan().any()):
        return False
    axis = describe(softmax, "Softmax", []).axis
    return bool(mask.expand_as(result).all(dim=axis).any())


def _from_loss(root: Any) -> list[Any]:
    """Nodes, each before those it was computed from."""
    order: list[Any] = []
    stack, seen = [(root, False)], set[Any]()
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node is not None and node not in seen and len(seen) < MOST_NODES:
            seen.add(node)
            stack.append((node, True))
            stack += [(child, False) for child in children_of(node)]
    return order[::-1]


def _kept(node: Any) -> Iterable[Tensor]:
    for name in _KEPT:
        try:
            value = getattr(node, name, None)
        except RuntimeError:  # freed, or changed in place
            continue
        if isinstance(value, Tensor):
            yield value


def _place_near(node: Any, places: Places) -> str:
    for _ in range(4):
        for child in children_of(node):
            for each in (child, *children_of(child)) if child is not None else ():
                place = places.parameter(each.variable) if hasattr(each, "variable") else None
                if place is not None:
                    return place.rpartition(".")[0] or place
        following = list(operands(node))
        if not following:
            return ""
        node = following[0]
    return ""
