"""Numbers that are no numbers."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.operations import RESHAPING
from gradus.diagnosis.rules import Sighting, rules
from gradus.diagnosis.signs import Op

_RISKY = ("Log", "Sqrt", "Rsqrt", "Reciprocal", "Log2", "Log10", "Norm", "LinalgVectorNorm")
_CARRY = ("Div", "Mul", "Sum", "Neg", "")
"""Operations at which a number that is not finite may first be seen, after the one that made it."""


@rules.register(
    "non-finite",
    source="IEEE 754: from then on every weight it touches is lost",
    not_fooled_by="gradients that overflow under a GradScaler, which skips that step",
    severity="critical",
    says=Message(
        en="Numbers became NaN or infinite at step {step:.0f}; whatever they touch is lost.",
        zh="从第 {step:.0f} 步起出现 NaN 或无穷大；它们碰到的一切都失效了。",
    ),
)
def non_finite(history: History) -> Iterator[Sighting]:
    """A loss or gradient is not finite."""
    found = history.non_finite
    if found is not None:
        yield Sighting(where=found.where, since=found.step, confidence=1.0, evidence={"step": found.step})


@rules.register(
    "non-finite-input",
    source="one NaN in a batch makes every gradient NaN",
    not_fooled_by="missing values that the model itself fills in: its loss stays finite",
    severity="critical",
    says=Message(
        en="The data hold values that are NaN or infinite ({share:.2%} of the first such batch).",
        zh="数据中含有 NaN 或无穷大（在最早出现的批次中占 {share:.2%}）。",
    ),
)
def non_finite_input(history: History) -> Iterator[Sighting]:
    """The first thing that is not finite is an input or a target, or an input was when the weights were lost."""
    found = history.non_finite
    if found is None:
        return
    # Behind a bounded activation the loss stays finite, and the gradient does not.
    lost = (found.step - 1, found.step) if found.source in ("weight", "gradient") else ()
    shares = [one.non_finite for each in history.examinations if each.step in lost for one in each.inputs]
    if any(shares):
        yield Sighting(since=found.step, confidence=0.95, evidence={"share": max(shares)})
    elif found.source in ("input", "target"):
        yield Sighting(since=found.step, confidence=0.98, evidence={"share": found.share})


@rules.register(
    "unstable-loss",
    source="log(softmax(x)) rounds to log(0) from a difference of 104 in float32 on; sqrt has an infinite slope at 0; "
    "0 times the logarithm of a probability that a mask has made 0 is no number",
    not_fooled_by="the same formula with an epsilon, or whose argument never comes near zero; masks of -inf under a "
    "softmax or a known loss; errors relative to targets that keep away from 0",
    severity="critical",
    says=Message(
        en="The loss, or what leads to it, is computed in an unstable way: at step {step:.0f} what is under a "
        "logarithm, a root or a division came so near 0, or what is under an exponential grew so large, that the "
        "result or its gradient overflows; or 0 was multiplied by infinity, as where a mask of -inf is.",
        zh="损失的计算方式不稳定：第 {step:.0f} 步时，对数、根号或除法中的数太接近 0，"
        "或指数中的数太大，结果或其梯度溢出；或者 0 乘以了无穷大，例如在 -inf 掩码之处。",
    ),
)
def unstable_loss(history: History) -> Iterator[Sighting]:
    """The output is finite and the loss, or its gradient, is not; a layer divides by 0; log(softmax) is near log(0).

    Of exponentials only those whose sum a logarithm is taken of: these have a stable form of their own.
    """
    found = history.non_finite
    if found is not None and found.pole:
        yield Sighting(where=found.where, since=found.step, confidence=0.9, evidence={"step": found.step})
        return
    examined = [each for examination in history.examinations[-3:] for each in examination.losses]
    risky = any(_is_risky(op) for each in examined for head in each.heads for op in head)
    calm = found is not None and found.source == "weight" and _calm(history)
    if found is not None and (found.source in ("loss", "gradient") or calm):
        heads = [head for each in examined for head in each.heads]
        by_hand = found.operation == "Exp" and any(map(_log_of_exponentials, heads))
        by_hand = by_hand or any(each.times_infinity for each in examined)
        if found.narrow and found.source == "gradient" and not by_hand:  # a number so large is explained by that
            return
        if found.operation in (*_RISKY, "Log1P") or by_hand or (risky and (found.operation in _CARRY or calm)):
            yield Sighting(since=found.step, confidence=0.9, evidence={"step": found.step})
        return
    relative = [each.step for each in history.examinations for loss in each.losses if loss.relative_to_zero]
    if relative:
        yield Sighting(since=relative[0], confidence=0.85, evidence={"step": relative[0]})
        return
    near = [each.step for each in history.examinations for loss in each.losses if loss.zero_probability]
    if near and any(_log_of_softmax(head) for each in examined for head in each.heads):
        yield Sighting(since=near[0], confidence=0.7, severity="warning", evidence={"step": near[0]})


def _is_risky(op: Op) -> bool:
    return op.name in _RISKY or (op.name == "Div" and not op.data)


def _calm(history: History) -> bool:
    """Whether losses were finite and not rising until weights were lost: one gradient did it, not a step too far."""
    found, losses = history.non_finite, history.losses
    if found is not None and found.step <= len(losses.first):
        before = losses.first[: found.step][-6:]
    else:
        before = [each for each in losses.recent if math.isfinite(each)][-6:]
    return bool(before) and before[-1] <= 1.5 * max(before[:-1] or before)


def _log_of_exponentials(head: Sequence[Op]) -> bool:
    """Whether a logarithm is taken of a sum of exponentials: `logsumexp` written out."""
    names = [op.name for op in head if op.name not in RESHAPING]
    return any(three == ("Log", "Sum", "Exp") for three in zip(names, names[1:], names[2:], strict=False))


def _log_of_softmax(head: Sequence[Op]) -> bool:
    """Whether a logarithm is taken of a softmax or sigmoid as it is."""
    return any(op.name == "Log" and below.name in ("Softmax", "Sigmoid") for op, below in pairwise(head))


@rules.register(
    "overflow",
    source="float32 ends at 3.4e38, which exp reaches at 88.7; float16 ends at 65,504",
    not_fooled_by="losses that are merely large",
    severity="critical",
    says=Message(
        en="A number grew beyond what its type can hold.",
        zh="有数值超出了其类型所能表示的范围。",
    ),
)
def overflow(history: History) -> Iterator[Sighting]:
    """The first thing that is not finite is an infinity that an operation made of finite numbers.

    Or it is a gradient, where something was computed in float16.
    """
    found = history.non_finite
    if found is None or found.source in ("input", "target", "weight"):
        return
    if found.source == "gradient":
        if found.narrow:
            yield Sighting(where=found.where, since=found.step, confidence=0.9)
    elif found.operation.startswith("Exp") or (found.narrow and not found.pole):
        yield Sighting(where=found.where, since=found.step, confidence=0.9)
