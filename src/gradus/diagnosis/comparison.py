"""What a loss compares: outputs and targets, read off the tensors that autograd keeps for its backward pass."""

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gradus.diagnosis.attention import crossed
from gradus.diagnosis.graph import Graph
from gradus.diagnosis.measure import MOST, figures, stride
from gradus.diagnosis.operations import ADDING, LOSSES, RESHAPING, children_of, describe, operands, short_name
from gradus.diagnosis.signs import LossSigns, Op

# N examples, C classes

_MOST_ROWS = 512
_MOST_TERMS = 8
_FIRST = 6
"""Operations from the loss on, of which one by hand has a few: the sign, the mean, the sum over classes."""
_OF_CLASSES = ("NllLoss", "NllLoss2D")
_SUM = 2  # of torch's reductions
_NEAR_ZERO = 1e-20
"""Of a probability under a logarithm: one that small comes from a difference of 46 between logits."""


def read_loss(value: float, graph: Graph, output: Tensor | None) -> LossSigns:
    """One backward pass, before it runs.

    Args:
        value: of the loss.
        graph: the walk from it.
        output: what the model returned last, for losses written by hand.
    """
    found: dict[str, Any] = {"value": value, "heads": tuple(graph.heads), "over_first": tuple(graph.over_first)}
    found["crossed"] = crossed(graph.products)
    # A loss that torch knows says more than the operations of one written by hand.
    nodes = sorted(graph.losses, key=lambda each: each[0] not in LOSSES)
    for name, node in nodes:
        more = _read(name, node, output)
        if more:
            found |= more | {"operation": name, "below": _below(node) if name in LOSSES else ""}
            if more.get("counts") and more["kind"] == "classes":
                same = [each for kind, each in nodes if kind == name and each is not node]
                others = [_read(name, each, output) for each in same[:: -(-len(same) // _MOST_TERMS) or 1]]
                found |= _together([more, *(each for each in others if _comparable(each, more))])
                found["terms"] = max(1, graph.added[name])
            elif more.get("kind"):
                others = [_read(kind, each, output) for kind, each in nodes if kind in _OF_CLASSES]
                found["beside"] = next((each["counts"] for each in others if each.get("counts")), ())
                found["not_log"] = any(each.get("not_log") for each in others)
            number = sum(kind == name for kind, _ in nodes)
            if output is not None and output.dim() and len(output) == number > 1 and _is_of_one(name, node):
                found |= {"summed": all(map(_adds_up, graph.heads)), "batch": number}
            break
    for name, node in graph.losses:
        if name == "Mul" and "several_classes" not in found:
            found |= _marked_beside_logarithms(node)
        if name == "Mul" and _has_infinity(node):
            found["times_infinity"] = True
        if name in ("Pow", "Abs") and _relative_to_zero(node):
            found["relative_to_zero"] = True
        if name == "Log" and _smallest(node) < _NEAR_ZERO:
            found["zero_probability"] = True
    return LossSigns(**found)


def _below(loss: Any) -> str:
    """The operation whose result a loss of torch's is given, past what only reshapes; "" of data."""
    node = next(iter(operands(loss)), None)
    while node is not None and short_name(node) in RESHAPING:
        node = next(iter(operands(node)), None)
    return "" if node is None else describe(node, short_name(node), children_of(node)).name


def _has_infinity(product: Any) -> bool:
    """Whether a product keeps a factor that is infinite in places: what is 0 there gives no number, or its slope."""
    try:
        kept = [getattr(product, name, None) for name in ("_saved_self", "_saved_other")]
    except RuntimeError:  # freed, or changed in place
        return False
    return any(isinstance(each, Tensor) and each.dim() > 0 and bool(each.isinf().any()) for each in kept)


def _relative_to_zero(node: Any) -> bool:
    """Whether a square or size is of differences from data that are each divided by data near 0, or of either sign."""
    below = next(iter(operands(node)), None)
    error = next(iter(operands(below)), None) if below is not None and short_name(below) == "Div" else None
    if (
        below is None
        or error is None
        or short_name(error) != "Sub"
        or None not in children_of(error)
        or None not in children_of(below)
    ):
        return False
    try:
        divisor = below._saved_other
    except (RuntimeError, AttributeError):  # freed, or changed in place
        return False
    if not isinstance(divisor, Tensor) or divisor.numel() < _FEWEST_DIVISORS or divisor.is_complex():
        return False
    sizes = divisor.detach().abs()
    low, high, least, usual = figures([divisor.min(), divisor.max(), sizes.min(), sizes.median()])
    return low < 0 < high or least < _NEAR * usual


_FEWEST_DIVISORS, _NEAR = 8, 1e-3


def share_right(loss: Tensor) -> float | None:
    """Share of right classes, where a loss of classes is among the first operations; a look that costs little."""
    node: Any = loss.grad_fn
    for _ in range(_FIRST):
        if node is None:
            return None
        name = short_name(node)
        pair = _pair(name, node, None)
        if pair is not None:
            said, target = pair
            if name.startswith("BinaryCrossEntropy"):
                positive = said > (0 if name.endswith("Logits") else 0.5)
                share, hard = figures([(positive == (target > 0.5)).float().mean(), (target == target.round()).all()])
                return share if hard else None
            of_classes = name not in LOSSES or name == "NllLoss"
            return float((said.argmax(dim=1) == target).float().mean()) if of_classes and said.dim() == 2 else None
        node = next(iter(operands(node)), None)
    return None


def compared(graph: Graph, output: Tensor | None) -> tuple[Tensor, Tensor] | None:
    """Output and target of the first loss in the graph that keeps both."""
    for name, node in sorted(graph.losses, key=lambda each: each[0] not in LOSSES):
        pair = _pair(name, node, output)
        if pair is not None:
            return pair
    return None


def _read(name: str, node: Any, output: Tensor | None) -> dict[str, Any]:
    pair = _pair(name, node, output)
    if pair is None:
        return {}
    said, target = pair
    summed = getattr(node, "_saved_reduction", 1) == _SUM
    batch = target.shape[0] if target.dim() else 1
    found: dict[str, Any] = {"summed": summed, "batch": batch}
    if not target.numel():
        return found
    if name in ("NllLoss", "NllLoss2D", "Gather", "Index", "Mul"):
        ignored = getattr(node, "_saved_ignore_index", -100)
        ignored = ignored - 2**64 if ignored >= 2**63 else ignored  # negative ones are kept unsigned
        return found | classes(said, target, check_log=name.startswith("Nll"), ignored=ignored)
    if name.startswith("BinaryCrossEntropy"):
        return found | _marked(target) | _binary(said, target, logits=name.endswith("Logits"))
    return found | _values(said, target)


def _is_of_one(name: str, node: Any) -> bool:
    """Whether a loss of torch's is that of one example; of the steps of a batch there are two axes."""
    pair = _pair(name, node, None)
    return pair is not None and (pair[0].dim() < 2 or len(pair[0]) == 1)


def _adds_up(head: Sequence[Op]) -> bool:
    """Whether what lies nearest to the loss adds, and nothing is divided before or right after that."""
    below = next(itertools.dropwhile(lambda op: op.name in ADDING, head), None)
    return head[:1] != () and head[0].name in ADDING and (below is None or below.name not in ("Div", "Mean"))


def _comparable(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one.get("counts")) and (one["kind"], one["classes"]) == (other["kind"], other["classes"])


def _together(terms: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Figures of several losses of the same classes: of the letters of a word, say, the last mostly blank."""
    counts = tuple(map(sum, zip(*(each["counts"] for each in terms), strict=True)))
    names = ("accuracy", "surprise", "entropy", "said")
    means = {name: statistics.fmean(each[name] for each in terms) for name in names}
    return {"counts": counts, **means}


def _pair(name: str, node: Any, output: Tensor | None) -> tuple[Tensor, Tensor] | None:
    try:
        if name in LOSSES:
            return node._saved_self.detach(), node._saved_target.detach()
        if name == "Gather":
            below = next(iter(operands(node)), None)
            log_p = _log_probabilities(below) if below is not None else None
            if log_p is not None and log_p.dim() == 2 and node._saved_index.shape[-1] == 1:
                return log_p, node._saved_index.detach().flatten()
        if name == "Index":
            return _indexed(node)
        if name == "Mul":
            return _one_hot(node)
        if output is not None and (name == "Abs" or (name == "Pow" and node._saved_exponent == 2)):
            return _from_difference(node, node._saved_self.detach(), output)
    except (RuntimeError, AttributeError):  # freed, changed in place, or of another torch
        return None
    return None


def _log_probabilities(node: Any) -> Tensor | None:
    """What a node of log-probabilities gives, where autograd keeps what it was computed from."""
    name = short_name(node)
    if name == "LogSoftmax":
        result: Tensor = node._saved_result.detach()
        return result
    if name == "Log":
        logarithm: Tensor = node._saved_self.detach().log()
        return logarithm
    if name == "Sub":  # logits - logsumexp(logits)
        below = [each for each in operands(node) if short_name(each) == "Logsumexp"]
        if below:
            normalized: Tensor = below[0]._saved_self.detach() - below[0]._saved_result.detach()
            return normalized
    return None


def _indexed(node: Any) -> tuple[Tensor, Tensor] | None:
    """``log_p[arange(N), y]``."""
    below = next(iter(operands(node)), None)
    log_p = _log_probabilities(below) if below is not None else None
    indices = [each for each in node._saved_indices if each is not None]
    if log_p is None or log_p.dim() != 2 or len(indices) != 2 or len(indices[1]) != len(log_p):
        return None
    return log_p, indices[1].detach()


def _one_hot(node: Any) -> tuple[Tensor, Tensor] | None:
    """``one_hot * log_p``, with probabilities that need no axis of their own."""
    below = list(operands(node))
    log_p = _log_probabilities(below[0]) if len(below) == 1 else None
    if log_p is None or log_p.dim() != 2:
        return None
    given = [each for each in (node._saved_self, node._saved_other) if each is not None]
    for each in given:
        if each.shape == log_p.shape and bool(((each == 0) | (each == 1)).all()) and bool((each.sum(1) == 1).all()):
            return log_p, each.detach().argmax(dim=1)
    return None


def _marked_beside_logarithms(node: Any) -> dict[str, Any]:
    """Of targets that log-probabilities are multiplied by, how many classes they mark."""
    below = list(operands(node))
    try:
        log_p = _log_probabilities(below[0]) if len(below) == 1 else None
        given = [each for each in (node._saved_self, node._saved_other) if each is not None]
    except (RuntimeError, AttributeError):  # freed, changed in place, or of another torch
        return {}
    return next((_marked(each.detach()) for each in given if log_p is not None and each.shape == log_p.shape), {})


def _marked(target: Tensor) -> dict[str, Any]:
    """How many of its classes each row of targets (N, C) marks; nothing of targets that are not 0s and 1s."""
    if target.dim() != 2 or target.shape[1] < 2 or not bool(((target == 0) | (target == 1)).all()):
        return {}
    marks_N = target[:_MOST_ROWS].float().sum(dim=1)
    one, several = figures([(marks_N == 1).float().mean(), (marks_N > 1).float().mean()])
    return {"one_class": one, "several_classes": several}


def _from_difference(node: Any, difference: Tensor, output: Tensor) -> tuple[Tensor, Tensor] | None:
    """Output and target of a squared or absolute difference: of one that was broadcast, as it was meant."""
    below = next(iter(operands(node)), None)
    if below is None or short_name(below) != "Sub":
        return None
    flipped = below.next_functions[0][0] is None  # target - output
    if output.grad_fn is not None and not _only_reshaped(output, *below.next_functions[flipped]):
        return None
    if output.numel() == difference.numel():
        output = output.detach().reshape(difference.shape)
    elif difference.dim() == 2 and output.numel() == difference.shape[0] == difference.shape[1]:
        return None
    else:
        return None
    return output, output + difference if flipped else output - difference


_IN_ORDER = frozenset({
    "View", "UnsafeView", "Reshape", "ReshapeAlias", "Squeeze", "Unsqueeze", "Alias", "Clone", "ToCopy", "Contiguous",
})  # fmt: skip
"""Operations that leave the numbers as they are, and in their order."""


def _only_reshaped(output: Tensor, node: Any, number: int) -> bool:
    """Whether a result of `node` has the numbers of `output`, in their order."""
    for _ in range(8):
        if node is output.grad_fn:
            return number == output.output_nr
        if node is None or short_name(node) not in _IN_ORDER:
            return False
        node, number = node.next_functions[0]
    return False


def classes(logits: Tensor, target: Tensor, *, check_log: bool, ignored: int = -100) -> dict[str, Any]:
    """Figures of one class per example.

    Args:
        logits: (N, C, ...) log-probabilities, or what was given for them.
        target: (N, ...) class numbers.
        check_log: whether `logits` must be log-probabilities.
        ignored: the class number of what does not count, such as padding.
    """
    if logits.dim() == 1:
        logits, target = logits[None], target[None]
    number = logits.shape[1]
    logits_NC = logits.movedim(1, -1).reshape(-1, number)
    target_N = target.reshape(-1)
    rows = stride(target_N.numel(), _MOST_ROWS)
    logits_NC, target_N = logits_NC[::rows].float(), target_N[::rows]
    valid = (target_N >= 0) & (target_N < number) & (target_N != ignored)
    logits_NC, target_N = logits_NC[valid], target_N[valid]
    if not len(target_N):
        return {"kind": "classes", "classes": number}
    probabilities = logits_NC.exp() if check_log else logits_NC.softmax(dim=1)
    answer = logits_NC.argmax(dim=1)
    total = probabilities.sum(dim=1)
    normalized = probabilities / total[:, None].clamp_min(1e-30)
    entropy = -(normalized * normalized.clamp_min(1e-30).log()).sum(dim=1).mean()
    accuracy, surprise, entropy_value, off, said = figures([
        (answer == target_N).float().mean(),
        -normalized.gather(1, target_N[:, None]).clamp_min(1e-30).log().mean(),
        entropy,
        (total - 1).abs().max(),
        torch.bincount(answer, minlength=number).max() / len(answer),
    ])  # fmt: skip
    counts: list[int] = torch.bincount(target_N, minlength=number)[:64].tolist()
    return {
        "kind": "classes",
        "classes": number,
        "accuracy": accuracy,
        "surprise": surprise,
        "entropy": entropy_value / math.log(number) if number > 1 else 0.0,
        "said": said,
        "counts": tuple(counts),
        "not_log": check_log and not off < 0.05,
        "output_std": float(logits_NC.std()) if logits_NC.numel() > 1 else 0.0,
        "output_varied": float(logits_NC.std(dim=0).mean()) if len(logits_NC) > 1 else 0.0,
    }


def _binary(said: Tensor, target: Tensor, *, logits: bool) -> dict[str, Any]:
    said, target = said.float().flatten(), target.float().flatten()
    step = stride(target.numel(), MOST)
    said, target = said[::step], target[::step]
    positive = said > (0 if logits else 0.5)
    truth = target > 0.5
    odds = said if logits else said.logit(eps=1e-7)
    accuracy, surprise, share, deviation, low, high, ones = figures([
        (positive == truth).float().mean(),
        functional.softplus(torch.where(truth, -odds, odds)).mean(),
        positive.float().mean(),
        said.std(correction=0),
        target.min(),
        target.max(),
        truth.float().mean(),
    ])  # fmt: skip
    count = len(target)
    hard = bool(((target == 0) | (target == 1)).all())
    two = low < high and bool(((target == low) | (target == high)).all())
    return {
        "kind": "binary" if hard else "values",
        "classes": 2,
        "accuracy": accuracy if hard else None,
        "surprise": surprise if hard else math.nan,
        "said": max(share, 1 - share),
        "counts": (round((1 - ones) * count), round(ones * count)) if hard else (),
        "target_low": low,
        "target_high": high,
        "target_whole": bool((target == target.round()).all()),
        "two_values": two,
        "output_std": deviation,
        "output_varied": deviation,
    }


def _values(said: Tensor, target: Tensor) -> dict[str, Any]:
    if said.shape != target.shape:
        return {}
    rows = said.shape[0] if said.dim() else 1
    said_NK = said.detach().float().reshape(rows, -1)
    target_NK = target.detach().float().reshape(rows, -1)
    some = stride(said_NK.numel(), MOST)
    flat, flat_said = target_NK.flatten()[::some], said_NK.flatten()[::some]
    mean, deviation, low, high, spread, varied, error = figures([
        flat.mean(),
        flat.std(correction=0),
        flat.min(),
        flat.max(),
        flat_said.std(correction=0),
        said_NK[:64, :64].std(dim=0, correction=0).square().mean().sqrt(),
        (flat_said - flat).square().mean(),
    ])  # fmt: skip
    return {
        "kind": "values",
        "target_mean": mean,
        "target_std": deviation,
        "target_low": low,
        "target_high": high,
        "target_whole": bool((flat == flat.round()).all()),
        "output_std": spread,
        "error": error,
        "output_varied": varied,
    }


def _smallest(node: Any) -> float:
    try:
        return float(node._saved_self.detach().min())
    except (RuntimeError, AttributeError):
        return 1.0
