"""Last layers that do not fit their loss. All of it is in the graph between the loss and the last layer."""

import itertools
import math
from collections.abc import Iterator, Sequence

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.operations import RESHAPING
from gradus.diagnosis.rules import Sighting, rules
from gradus.diagnosis.rules.common import losses, supervised
from gradus.diagnosis.rules.heads import (
    MOST,
    each_head,
    first_pair,
    given_shares,
    has_logarithm,
    is_focal,
    is_taken_off,
    pairs_of,
)
from gradus.diagnosis.signs import Examination, LossSigns, Op

_ADDS_SOFTMAX = ("LogSoftmax", "BinaryCrossEntropyWithLogits")
_RANGES = {
    "Relu": (0.0, math.inf), "ClampMin": (0.0, math.inf), "Softplus": (0.0, math.inf), "Abs": (0.0, math.inf),
    "Exp": (0.0, math.inf),
    "Sigmoid": (0.0, 1.0), "Hardsigmoid": (0.0, 1.0), "Softmax": (0.0, 1.0), "Tanh": (-1.0, 1.0),
    "LogSigmoid": (-math.inf, 0.0), "Softsign": (-1.0, 1.0), "Hardtanh": (-1.0, 1.0),
    "Erf": (-1.0, 1.0), "Atan": (-math.pi / 2, math.pi / 2), "Gelu": (-0.17, math.inf), "Silu": (-0.28, math.inf),
    "Mish": (-0.31, math.inf), "Hardswish": (-0.375, math.inf), "Elu": (-1.0, math.inf), "Celu": (-1.0, math.inf),
}  # fmt: skip
_TAKES_SHARES = ("BinaryCrossEntropy", "Log", "Clamp", "NllLoss", "NllLoss2D", "MseLoss", "Gather")
_RECTIFIERS = ("Relu", "ClampMin", "Gelu", "Silu", "Mish", "Softplus", "Hardswish", "Elu", "Celu", "Abs")
_BOUNDED = ("Tanh", "Hardtanh", "Hardsigmoid", "Softsign", "Erf", "Atan", "LogSigmoid")
_HARDLY_NEGATIVE = -0.5
"""What a rectifier gives at least that says no as badly as it does by 0; of a yes or no by itself any bound is one."""


@rules.register(
    "softmax-twice",
    source="torch's cross_entropy and binary_cross_entropy_with_logits apply it themselves",
    not_fooled_by="softmax inside attention; log_softmax before nll_loss; a temperature between the two",
    structural=True,
    says=Message(
        en="The model's outputs have gone through {what} before a loss that applies one itself: its inputs lie between "
        "0 "
        "and 1, so it can never be sure and learns slowly.",
        zh="模型输出已经过 {what}，而损失函数自己还会再做一次：其输入都在 0 和 1 之间，无法给出确定的答案，学习很慢。",
    ),
    words={
        "softmax": Message(en="a softmax", zh="softmax"),
        "sigmoid": Message(en="a sigmoid", zh="sigmoid"),
    },
)
def softmax_twice(history: History) -> Iterator[Sighting]:
    """Softmax or sigmoid right below a loss that adds it."""
    for _, head in each_head(history):
        pair = first_pair(head, _ADDS_SOFTMAX)
        if pair is not None and (
            pair[1].name == "Softmax" or (pair[1].name == "Sigmoid" and pair[0].name == "BinaryCrossEntropyWithLogits")
        ):
            yield Sighting(confidence=0.97, reading=pair[1].name.lower())
            return
        if pair is not None and pair[1].name == "Sigmoid":
            yield Sighting(confidence=0.85, reading="sigmoid")
            return


@rules.register(
    "softmax-wrong-axis",
    source="classes are axis 1 of (N, C, ...); over axis 0 examples of the batch compete",
    not_fooled_by="outputs without a batch axis; attention over time-first sequences; lists with one score a row; an "
    "assignment to slots or clusters, whose members are summed; marks handed on along a soft matching",
    structural=True,
    says=Message(
        en="{what} (axis {axis:.0f} of {axes:.0f}).",
        zh="{what}（第 {axis:.0f} 轴，共 {axes:.0f} 轴）。",
    ),
    words={
        "batch": Message(
            en="The softmax of the output runs over the batch instead of the classes",
            zh="输出的 softmax 作用在批次轴上，而不是类别轴上",
        ),
        "steps": Message(
            en="The softmax of the output runs over the steps of each example instead of the classes",
            zh="输出的 softmax 作用在样本内的时间步轴上，而不是类别轴上",
        ),
        "picked": Message(
            en="The softmax of the output runs over another axis than the one on which the loss picks the right class",
            zh="输出的 softmax 作用的轴不是损失从中取出正确类别的那一轴",
        ),
        "within": Message(
            en="A softmax inside the model, as of attention, runs over the batch: examples compete with each other, "
            "instead of what each of them attends to",
            zh="模型内部的 softmax（如注意力）作用在批次轴上：相互竞争的是各个样本，而不是每个样本所关注的对象",
        ),
        "attention": Message(
            en="The softmax of an attention runs over another axis than the one that is summed over with its weights, "
            "so these do not add up to 1",
            zh="注意力的 softmax 所作用的轴不是随后加权求和的轴，因此权重之和不为 1",
        ),
    },
)
def softmax_wrong_axis(history: History) -> Iterator[Sighting]:
    """A softmax that runs over axis 0, or over whatever leaves no distribution.

    It stands between the loss and the last layer, which may pick on another axis; or anywhere, if it runs over the
    batch and examples are seen to mix, or if its weights are summed over another axis than they were made to add up to
    1 on.
    """
    for loss, head in each_head(history):
        for op in head:
            if op.name not in ("Softmax", "LogSoftmax") or op.axis is None or len(op.shape) < 2:
                continue
            if (op.axis == 0 and _competes(op.shape)) or _over_steps(loss, head, op):
                reading = "steps" if op.axis else "batch"
                yield Sighting(confidence=0.95, reading=reading, evidence={"axis": op.axis, "axes": len(op.shape)})
                return
    for loss, _ in each_head(history):
        softmax = next((found for raw in loss.heads if (found := _beside_the_class(raw)) is not None), None)
        if softmax is not None and softmax.axis is not None:
            evidence = {"axis": softmax.axis, "axes": len(softmax.shape)}
            yield Sighting(confidence=0.95, reading="picked", evidence=evidence)
            return
        summed = _sums_no_distribution(loss)
        if summed:
            yield Sighting(confidence=0.9, reading="picked", evidence={"axis": 0, "axes": len(summed)})
            return
    for each in losses(history)[:MOST]:
        if each.crossed is not None:
            evidence = {"axis": each.crossed[0], "summed": each.crossed[1], "axes": each.crossed[2]}
            yield Sighting(confidence=0.9, reading="attention", evidence=evidence)
            return
    if history.loop.mixes and supervised(history):
        for each in losses(history)[:MOST]:
            shapes = [shape for shape in each.over_first if _competes(shape) and _holds_batch(shape[0], each.batch)]
            if shapes:
                yield Sighting(confidence=0.95, reading="within", evidence={"axis": 0, "axes": len(shapes[0])})
                return


def _beside_the_class(head: Sequence[Op]) -> Op | None:
    """A softmax over another axis than the one on which the operation above it picks one number at each place."""
    for at, op in enumerate(head):
        if op.picks:
            below = next((each for each in head[at + 1 :] if each.name not in ("Log", "Clamp", "ClampMin", "Neg")), op)
            softmax = below.name in ("Softmax", "LogSoftmax")
            return below if softmax and len(below.shape) > 2 and below.axis not in op.picks else None
    return None


def _competes(shape: Sequence[int]) -> bool:
    """Whether a softmax over axis 0 is a mistake: one score each, as of what is ranked or attended to, has no other."""
    return len(shape) > 1 and shape[0] > 1 and shape[1] not in (1, shape[0])


def _holds_batch(size: int, batch: int) -> bool:
    """Whether an axis may be that of examples, be it with heads or queries, or where targets are of their steps."""
    return batch > 1 and (size % batch == 0 or batch % size == 0)


def _over_steps(loss: LossSigns, head: Sequence[Op], softmax: Op) -> bool:
    """Whether a negative log likelihood is given what a softmax of more than two axes made, and no distribution."""
    pair = first_pair(head, ("NllLoss", "NllLoss2D"))
    given = pair is not None and pair[1].name in ("LogSoftmax", "Log")
    return loss.not_log and given and len(softmax.shape) > 2


def _sums_no_distribution(loss: LossSigns) -> Sequence[int]:
    """The shape of a softmax over the first of several axes, of whose shares a likelihood of classes is summed up."""
    shapes = [shape for shape in loss.over_first if loss.classes in shape[1:] and _competes(shape)]
    return shapes[0] if shapes and loss.not_log and loss.operation in _NLL and loss.below == "Log" else ()


@rules.register(
    "softmax-single-unit",
    source="softmax of one number is 1, whatever the number",
    not_fooled_by="one logit through a sigmoid; lists of one entry among longer ones",
    structural=True,
    severity="critical",
    says=Message(
        en="A softmax runs over a single unit: its output is always 1 and nothing can be learned. Use a sigmoid, or "
        "for attention the axis of what is attended to.",
        zh="softmax 只作用于一个单元：输出永远是 1，什么也学不到。应使用 sigmoid；若是注意力，应沿被关注对象的轴。",
    ),
)
def softmax_single_unit(history: History) -> Iterator[Sighting]:
    """A softmax over an axis of length one, at each of the first steps: a list may have one entry now and then."""
    looked_at = [each for each in history.examinations[:MOST] if any(loss.heads for loss in each.losses)]
    if len(looked_at) == MOST and all(map(_single, looked_at)):
        yield Sighting(confidence=0.99)


def _single(examination: Examination) -> bool:
    return any(each.single for each in examination.layers.values()) or any(
        op.name in ("Softmax", "LogSoftmax") and op.axis is not None and op.shape[op.axis : op.axis + 1] == (1,)
        for loss in examination.losses
        for head in loss.heads
        for op in head
    )


@rules.register(
    "missing-log",
    source="nll_loss(p) = -p[y]: without the logarithm mistakes cost almost nothing",
    not_fooled_by="log-probabilities, whose exponentials add up to 1; shares that weigh gains, with or without losses; "
    "the share of pairs in the right order",
    structural=True,
    says=Message(
        en="The negative log likelihood is given probabilities instead of their logarithms.",
        zh="负对数似然损失得到的是概率，而不是概率的对数。",
    ),
)
def missing_log(history: History) -> Iterator[Sighting]:
    """Softmax below nll_loss or ctc_loss, weighed at most, or below the products that a divergence adds up.

    Or probabilities of yes and of no of which a loss is the negative sum.
    """
    for loss, head in each_head(history):
        shares = loss.operation in _NLL and loss.below in ("Softmax", "Sigmoid")
        if shares or (given_shares(loss, _LIKELIHOODS) and not has_logarithm(loss, _LIKELIHOODS)):
            yield Sighting(confidence=0.97)
            return
        # kl_div and cross-entropies by hand multiply targets by what should be logarithms.
        product = next((at for at, pair in enumerate(itertools.pairwise(head)) if _weighs_shares(*pair)), None)
        focal = any(map(is_focal, loss.heads))
        chosen = (all if focal else any)(_picked(each, focal) for each in loss.heads)
        picked = loss.value < 0 and (chosen or _yes_and_no(loss, focal))
        multiplied = product is not None and _sums(head) and (loss.value < 0 or is_taken_off(head[:product]))
        if multiplied or picked:
            yield Sighting(confidence=0.85)
            return


_NLL = ("NllLoss", "NllLoss2D")
_LIKELIHOODS = (*_NLL, "CtcLoss")


def _weighs_shares(product: Op, below: Op) -> bool:
    """Whether it multiplies what a softmax made with a target's shares."""
    return product.name == "Mul" and product.data and not product.gains and below.name == "Softmax"


def _picked(head: Sequence[Op], focal: bool) -> bool:
    """Whether a loss is the negative mean of the probabilities of the right classes, weighed by how wrong they are at
    most, as in a focal loss, and nothing else.
    """
    for at, (op, below) in enumerate(itertools.pairwise(head)):
        if op.name in ("Gather", "Index"):
            return below.name == "Softmax" and (focal or any(each.name == "Neg" for each in head[:at]))
        number = (not op.shape and op.name in ("Mul", "Div")) or (focal and op.name in _FOCAL)
        if op.name not in RESHAPING | {"Neg", "Mean", "Sum"} and not number:
            return False
    return focal  # what several ways share is seen on one of them alone


_FOCAL = ("Pow", "Rsub", "Mul")
"""Of a * p * (1 - p) ** 2, what makes it of p."""


def _yes_and_no(loss: LossSigns, focal: bool) -> bool:
    """Whether a loss is made of nothing but probabilities of yes, sigmoid(x), and of no, 1 - sigmoid(x) or sigmoid(-x),
    be it those that labels of 0 and 1 choose. What both share is seen on the way through one of them alone.
    """
    found = [_likelihood(head, focal) for head in loss.heads]
    return len(found) > 1 and all(found) and {"no", "chosen"} & set(found) != set() and found != ["no"] * len(found)


def _likelihood(head: Sequence[Op], focal: bool) -> str:
    """What a way leads to through sums, and what a focal loss weighs by: a probability of "yes", of "no", or as labels
    "chosen"; else "".
    """
    ops = [op for op in head if op.name not in RESHAPING]
    chosen = False
    for at, op in enumerate(ops):
        below = ops[at + 1].name if at + 1 < len(ops) else ""
        if op.name == "Sigmoid":
            negated = below in ("Neg", "Rsub") or ops[at - 1].name == "Rsub"
            return "chosen" if chosen else "no" if negated else "yes"
        chosen |= op.marks or op.name == "Where"
        number = (op.name in ("Mul", "Div") and (op.marks or not op.shape)) or (focal and op.name in _FOCAL)
        if op.name not in ("Neg", "Rsub", "Sub", "Add", "Mean", "Sum", "Where") and not number:
            return ""
    return "chosen" if chosen or focal else ""


def _sums(head: Sequence[Op]) -> bool:
    return any(op.name == "Sum" for op in head) and not any(op.name in ("Log", "Exp", "Addmm") for op in head[:-1])


@rules.register(
    "output-range",
    source="a rectifier gives nothing below 0, a sigmoid nothing outside 0 to 1",
    not_fooled_by="targets within that range but for a few, as of an image with noise; data less an activation",
    structural=True,
    says=Message(
        en="Targets reach from {low:.3g} to {high:.3g}, and the output's activation can only give {least:.3g} to "
        "{most:.3g}.",
        zh="目标的范围是 {low:.3g} 到 {high:.3g}，而输出的激活函数只能给出 {least:.3g} 到 {most:.3g}。",
    ),
)
def output_range(history: History) -> Iterator[Sighting]:
    """The last activation before a regression loss cannot reach the targets."""
    for loss, head in each_head(history):
        if loss.kind != "values" or not head:
            continue
        pairs = pairs_of(head, ("MseLoss", "SmoothL1Loss", "HuberLoss", "Sub"))
        # The first that is no sum of terms compares with targets; what it compares may be data less an activation.
        compared = next((below for op, below in pairs if op.name != "Sub" or (op.data and op.shape)), None)
        reached = _reach(compared) if compared is not None else None
        # Or the targets are those of another output.
        if compared is None or reached is None or loss.below not in ("", compared.name):
            continue
        least, most = reached
        scale = max(loss.target_std, 1e-12)
        below = loss.target_low < least - 0.5 * scale and loss.target_mean - scale < least
        above = loss.target_high > most + 0.5 * scale and loss.target_mean + scale > most
        if below or above:
            evidence = {"low": loss.target_low, "high": loss.target_high, "least": least, "most": most}
            yield Sighting(confidence=0.95, evidence=evidence)
            return


def _reach(op: Op) -> tuple[float, float] | None:
    """Between what the results of an activation lie."""
    return op.limits or _RANGES.get(op.name)


@rules.register(
    "nonlinear-logits",
    source="logits are any numbers: a rectifier makes half of them 0, and where all are 0 no gradient comes back",
    not_fooled_by="an activation before the last layer; a scale on bounded logits; a leaky rectifier; an ELU under a "
    "softmax",
    structural=True,
    says=Message(
        en="The logits go through {what} before the loss: they should be the last layer's outputs as they are.",
        zh="logits 在进入损失前经过了 {what}：它们应当是最后一层的原始输出。",
    ),
    words={
        "relu": Message(en="a rectifier (ReLU)", zh="整流函数（ReLU）"),
        "tanh": Message(en="a tanh", zh="tanh"),
        "gelu": Message(en="a rectifier (GELU)", zh="整流函数（GELU）"),
        "silu": Message(en="a rectifier (SiLU)", zh="整流函数（SiLU）"),
        "mish": Message(en="a rectifier (Mish)", zh="整流函数（Mish）"),
        "softplus": Message(en="a softplus", zh="softplus"),
        "clampmin": Message(en="a clamp", zh="截断"),
        "abs": Message(en="an absolute value", zh="绝对值"),
        "hardtanh": Message(en="a clamp", zh="截断"),
        "hardswish": Message(en="a rectifier (Hardswish)", zh="整流函数（Hardswish）"),
        "elu": Message(en="a rectifier (ELU)", zh="整流函数（ELU）"),
        "celu": Message(en="a rectifier (CELU)", zh="整流函数（CELU）"),
        "hardsigmoid": Message(en="a hard sigmoid", zh="hard sigmoid"),
        "softsign": Message(en="a softsign", zh="softsign"),
        "erf": Message(en="an error function", zh="误差函数"),
        "atan": Message(en="an arctangent", zh="反正切"),
        "logsigmoid": Message(en="a log-sigmoid", zh="log-sigmoid"),
    },
)
def nonlinear_logits(history: History) -> Iterator[Sighting]:
    """A rectifier or tanh right below the softmax or sigmoid of the loss, or the one whose shares it is given."""
    for loss, head in each_head(history):
        below = _below_softmax(head)
        if not below:
            continue
        # Dropout, or a temperature, makes no rectifier's outputs negative; of a bounded tanh it may be the scale.
        unscaled = next((op for op in below if not (op.name in ("Mul", "Div") and op.data)), below[0])
        last = unscaled if unscaled.name in _RECTIFIERS else below[0]
        bound = _reach(last)
        rectified = bound is not None and (bound[0] >= _HARDLY_NEGATIVE or loss.kind == "binary")
        if last.name in _BOUNDED or (last.name in _RECTIFIERS and rectified):
            yield Sighting(confidence=0.95, reading=last.name.lower())
            return


def _below_softmax(head: Sequence[Op]) -> Sequence[Op]:
    """The operations below the softmax or sigmoid that turns logits into what the loss compares; none if none does."""
    for at, op in enumerate(head):
        above = head[at - 1] if at else None
        given = above is not None and (above.name in _TAKES_SHARES or (above.name == "Add" and above.data))
        if op.name in _ADDS_SOFTMAX or (op.name in ("Softmax", "Sigmoid") and given):
            return head[at + 1 :]
    return ()
