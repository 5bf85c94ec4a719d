"""Losses that do not fit what they compare: kinds of targets, shapes, signs."""

import itertools
import statistics
from collections.abc import Collection, Iterator, Sequence

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.operations import LOSSES, RESHAPING
from gradus.diagnosis.rules import Sighting, rules
from gradus.diagnosis.rules.common import learned, losses, says_no
from gradus.diagnosis.rules.heads import each_head, first_of_each, first_pair, given_shares, has_logarithm, is_focal
from gradus.diagnosis.signs import LossSigns, Op


@rules.register(
    "loss-output-mismatch",
    source="nll_loss wants log-probabilities; squared errors of class numbers put class 3 between 2 and 4",
    not_fooled_by="ratings and counts, of which there are not as many of each; weighted log-probabilities; baskets "
    "foretold from baskets; many classes of which none is affirmed at first; cosines of each example's own vector, and "
    "correlations",
    structural=True,
    says=Message(
        en="The loss does not suit the output: {what}.",
        zh="损失函数与输出不匹配：{what}。",
    ),
    words={
        "several classes as one": Message(
            en="a softmax shares 1 among the classes, and examples belong to several of them at once",
            zh="softmax 把 1 分给各个类别，而样本同时属于多个类别",
        ),
        "one class as several": Message(
            en="each example belongs to one class, and yes or no is asked of each class by itself: the answer is no",
            zh="每个样本只属于一个类别，损失却对每个类别单独问是或否：答案总是否",
        ),
        "labels out of range": Message(
            en="a loss of yes or no, 1 or 0, is given other labels, and has no least value",
            zh="是非损失的标签应为 1 或 0，而得到的是其他数，损失没有下界",
        ),
        "labels without signs": Message(
            en="a loss whose labels should be -1 or 1 is given 0 and 1: those of 0 teach something else, or nothing",
            zh="损失的标签应为 -1 或 1，而得到的是 0 和 1：标签为 0 的样本教的是别的东西，或什么也没教",
        ),
        "size left open": Message(
            en="a cosine over the examples is the same whatever the size of the outputs, which are to be quantities",
            zh="对整批样本取余弦，输出无论大小结果都一样，而输出应当是具体的数量",
        ),
        "raw outputs as log-probabilities": Message(
            en="a negative log likelihood is given raw outputs, not log-probabilities",
            zh="负对数似然得到的是原始输出而不是对数概率",
        ),
        "rates as their logarithms": Message(
            en="a Poisson loss takes the output for the logarithm of a rate, and what it is given is a rate already",
            zh="泊松损失把输出当作发生率的对数，而得到的已经是发生率本身",
        ),
        "class numbers as values": Message(
            en="a squared error treats class numbers as quantities", zh="平方误差把类别编号当作数量"
        ),
    },
)
def loss_output_mismatch(history: History) -> Iterator[Sighting]:
    """A loss that its outputs or targets are not made for.

    nll_loss of what is no log-probability; classes that do, or do not, exclude each other; labels that are no 0s and
    1s, or no -1s and 1s; sizes that do not matter; rates for their logarithms; a squared error whose targets are class
    numbers.
    """
    given = {each.shape for examination in first_of_each(history) for each in examination.inputs}
    for loss, head in each_head(history):
        pair = first_pair(head, _NLL)
        summed = pair is not None and pair[1].name == "Add" and not _is_layer(head)
        raw = pair is not None and not summed and not given_shares(loss, _NLL)
        # Log-probabilities may have weights, as of the focal loss.
        if loss.not_log and raw and not has_logarithm(loss, _NLL):
            yield Sighting(confidence=0.95, reading="raw outputs as log-probabilities")
            return
        if loss.several_classes > 0.1 and _shares_one(head, given):
            evidence = {"several": loss.several_classes}
            yield Sighting(confidence=0.95, reading="several classes as one", evidence=evidence)
            return
        beyond = loss.target_low < -0.5 or loss.target_high > 1.5  # labels may be smoothed, or noisy
        if beyond and loss.operation in ("BinaryCrossEntropy", "BinaryCrossEntropyWithLogits"):
            evidence = {"low": loss.target_low, "high": loss.target_high, "two values": float(loss.two_values)}
            yield Sighting(confidence=0.95, reading="labels out of range", evidence=evidence)
            return
        if loss.unsigned or any(map(_lacks_signs, loss.heads)):
            yield Sighting(confidence=0.95, reading="labels without signs")
            return
        if loss.blind:
            yield Sighting(confidence=0.9, reading="size left open")
            return
    if any(_exponential_of_rates(loss) for each in first_of_each(history) for loss in each.losses):
        yield Sighting(confidence=0.9, reading="rates as their logarithms")
        return
    known = losses(history)[:5]
    if known and all(_class_numbers(each) for each in known) and history.step >= 3:
        yield Sighting(confidence=0.7, reading="class numbers as values")
    elif says_no(history) and (history.ended or history.step >= _A_WHILE):
        yield Sighting(confidence=0.75, reading="one class as several")


_NLL = ("NllLoss", "NllLoss2D")


def _is_layer(head: Sequence[Op]) -> bool:
    """Whether a likelihood is given a product of matrices and a bias, which a layer of sequences adds by itself."""
    return [op.name for op in head[-3:]] in ([name, "Add", "Mm"] for name in _NLL)


_A_WHILE = 1000
"""Steps that it may take until the first of many classes, none of which is likely, is affirmed."""


def _shares_one(head: Sequence[Op], given: Collection[tuple[int, ...]]) -> bool:
    """Whether a loss compares targets with a softmax over classes: what it gives adds up to 1.

    A mean over several positives, as of contrastive losses, divides by how many there are. Where inputs have the shape
    of outputs, as the baskets have of which a recommender foretells the rest, the likelihood is multinomial.
    """
    for at, (op, below) in enumerate(itertools.pairwise(head)):
        if op.name == "BinaryCrossEntropy":
            return below.name == "Softmax"
        if op.name == "Mul" and op.data and below.name in ("LogSoftmax", "Log"):
            softmax = head[at + 1 : at + 3][-1] if below.name == "Log" else below
            square = softmax.shape[:1] == softmax.shape[1:]
            divided = any(each.name == "Div" and each.shape for each in head[:at])
            named = softmax.name in ("LogSoftmax", "Softmax")
            return named and not square and not divided and softmax.shape not in given
    return False


def _lacks_signs(head: Sequence[Op]) -> bool:
    """Whether a hinge, 1 - y * f at least 0, or the logarithm of sigmoid(y * f), is of labels y of 0 and 1."""
    ops = [op for op in head if op.name not in RESHAPING]
    at = next((at for at, op in enumerate(ops) if op.marks), 0)
    shifts = list(itertools.takewhile(lambda op: op.name in _SHIFTING, reversed(ops[:at])))
    above = [op.name for op in ops[: at - len(shifts)]]
    if not above:
        return False
    hinge = above[-1] in ("Relu", "ClampMin") and any(op.name != "Neg" for op in shifts)
    logarithm = above[-1] in ("Exp", "Sigmoid") and bool({"Log", "Log1P"}.intersection(above))
    return hinge or above[-1] in ("Softplus", "LogSigmoid") or logarithm


_SHIFTING = ("Neg", "Rsub", "Sub", "Add")


def _exponential_of_rates(loss: LossSigns) -> bool:
    """Whether a loss is exp(x) - target * x of an x that cannot be negative: no rate would be below 1.

    What both terms share is seen on the way through one of them alone.
    """
    exponential = multiplied = positive = False
    for head in loss.heads:
        ops = [op for op in head if op.name not in RESHAPING]
        for sum_, term, below in itertools.zip_longest(ops, ops[1:], ops[2:]):
            if sum_.name not in _ADDING:
                break
            if term is None or sum_.name not in ("Sub", "Add"):
                continue
            exponential |= term.name == "Exp"
            multiplied |= term.name == "Mul" and term.data and bool(term.shape)
            positive |= term.name in ("Exp", "Mul") and below is not None and below.name in _POSITIVE
    return exponential and multiplied and positive


_ADDING = ("Mean", "Sum", "Add", "Sub", "Neg", "Div")
_POSITIVE = ("Softplus", "Exp", "Relu", "ClampMin", "Sigmoid", "Abs")


def _class_numbers(loss: LossSigns) -> bool:
    """Whether values are whole numbers 0, 1, ..., spread evenly over at least five."""
    span = loss.target_high - loss.target_low
    even = (((span + 1) ** 2 - 1) / 12) ** 0.5  # deviation of as many equally likely numbers
    return (
        loss.kind == "values"
        and loss.target_whole
        and loss.batch >= 16
        and loss.target_low == 0
        and 4 <= span <= 20
        and abs(loss.target_std - even) < 0.15 * even
    )


@rules.register(
    "broadcast-loss",
    source="(N, 1) against (N,) broadcasts to (N, N): every output is compared with every target, every term weighed "
    "by every weight",
    not_fooled_by="distances between all pairs of outputs, where both sides are computed, also beside those from data; "
    "risk sets; tables of products of a column and a row; pairs and triplets chosen by a mask of their own shape",
    structural=True,
    severity="critical",
    says=Message(
        en="Shapes differ, and broadcasting makes all pairs of {batch:.0f} examples: {what}.",
        zh="形状不同，广播使 {batch:.0f} 个样本两两相配：{what}。",
    ),
    words={
        "compared": Message(
            en="each output is compared with each target, and the best answer is then their mean",
            zh="每个输出与每个目标都相比较，最优答案于是只是均值",
        ),
        "weighed": Message(
            en="each term of the loss is multiplied by each weight, advantage or return, so that its own counts for "
            "nothing",
            zh="损失的每一项与每个权重、优势或回报都相乘，它自己的那个便不起作用",
        ),
    },
)
def broadcast_loss(history: History) -> Iterator[Sighting]:
    """A difference of shape (N, N) from outputs of shape (N, 1) or (N,), or a product of the two."""
    for examination in first_of_each(history):
        for loss in examination.losses:
            sizes = [
                _squared(*each) for head in loss.heads for each in zip((None, *head), head, head[1:], strict=False)
            ]
            # Distances of outputs from each other, as of an energy distance, show that all pairs are meant.
            pairs = {op.shape for head in loss.heads for op in head if op.name == "Sub" and not op.data}
            size = next((each for each in sizes if each and (each, each) not in pairs), 0)
            products = [weighed(*each) for head in loss.heads for each in products_of(head)]
            if size or any(products):
                reading = "compared" if size else "weighed"
                yield Sighting(confidence=0.97, evidence={"batch": size or max(products)}, reading=reading)
                return


def _squared(above: Op | None, op: Op, below: Op) -> int:
    """N, if a difference from data, or what a loss expands to be compared, makes (N, N) of N numbers, or more of pairs.

    A program may expand scores itself, to risk sets or to rank them.
    """
    compared = above is not None and (above.name in LOSSES or (above.name == "Sub" and above.data))
    if not (op.name == "Sub" and op.data) and not (op.name == "Expand" and compared):
        return 0
    if _once_more(op, below):
        return op.shape[0]
    if len(op.shape) != 2 or op.shape[0] != op.shape[1] or op.shape[0] < 2:
        return 0
    size = op.shape[0]
    return size if below.shape in ((size,), (size, 1), (1, size)) else 0


def products_of(head: Sequence[Op]) -> Iterator[tuple[Op, Op]]:
    """Each operation and the one below it, also of a product at the end, where another way leads on from a factor."""
    yield from itertools.pairwise(head)
    if head and head[-1].factors:
        yield head[-1], Op("", head[-1].factors[-1])


def weighed(op: Op, below: Op) -> int:
    """N, if a product of (N,) with (N, 1) is of all pairs; who means them writes a column and a row.

    Or if pairs, (N, N), or triplets of examples are each chosen for every example, as by labels (N, 1).
    """
    size = op.shape[0] if op.shape else 0
    chosen = (op.name in ("Mul", "Where") and op.data) or op.name == "MaskedFill"
    if chosen and _once_more(op, below):
        return size
    shapes = {below.shape, *op.factors}
    return size if size > 1 and shapes == {(size,), (size, 1)} else 0


def _once_more(op: Op, below: Op) -> bool:
    """Whether something of pairs of N examples, or of triplets, gets another axis of N."""
    size = op.shape[0] if op.shape else 0
    axes = len(op.shape)
    return size > 1 and axes > 2 and op.shape == (size,) * axes and below.shape == (size,) * (axes - 1)


@rules.register(
    "loss-sign",
    source="a loss that cannot be negative is negated, a likeness to the target (Dice, cosine) or a reward is made "
    "small, or steps go along the gradient of an error, or a loss falls below any bound while nothing is learned; of "
    "pairs the hardest are the greatest of what is to be small and the least of what is to be large (Hermans et al. "
    "2017), not the other way round",
    not_fooled_by="log-likelihoods of densities, which may be negative; returns that are maximized, as long as they "
    "approach a bound; the maximizing player of two; entropy terms",
    structural=True,
    severity="critical",
    says=Message(
        en="The loss has the wrong sign: training makes {what} (the loss went from {start:.3g} to {end:.3g}).",
        zh="损失的符号反了：训练在让{what}（损失从 {start:.3g} 变为 {end:.3g}）。",
    ),
    words={
        "errors": Message(en="the errors larger", zh="误差变大"),
        "rewards": Message(en="what is earned smaller", zh="回报变小"),
    },
)
def loss_sign(history: History) -> Iterator[Sighting]:
    """A known loss reached through an odd number of sign changes; rewards made small; or a loss without bound below."""
    start, end = history.losses.start(3), history.losses.end(3)
    latest = history.latest(2)
    if history.step >= 3 and latest and all(any(loss.earns_less for loss in each.losses) for each in latest):
        yield Sighting(confidence=0.9, evidence={"start": start, "end": end}, reading="rewards")
        return
    # Several optimizers may have one goal, and then there is one loss for them.
    several = len(history.optimizers) > 1
    apart = several and any(len(each.losses) > 1 for each in history.examinations)
    if apart or history.adversarial or history.step < 3:
        return
    flipped = [_flips(head) for _, head in each_head(history)]
    known = [each for each in flipped if each is not None]
    likelihood = [_is_log_probability(head) for _, head in each_head(history)]
    maximizing = [each.maximizes for each in history.optimizers.values()]
    if (maximizing and all(maximizing)) or _climbs(history):
        # What grows with an error grows with it behind a logarithm, too, as in the likelihood of a mixture.
        known = [each for each in (_flips(head, _MONOTONE) for _, head in each_head(history)) if each is not None]
        if known and not any(known) and not end <= start:
            yield Sighting(confidence=0.97, evidence={"start": start, "end": end}, reading="errors")
    elif (
        not several
        and history.last is not None
        and any(each.wrong_way or _least_effort(each) for each in history.last.losses)
    ):
        yield Sighting(confidence=0.9, evidence={"start": start, "end": end}, reading="errors")
    elif ((known and all(known)) or (likelihood and all(likelihood))) and end < 0:
        yield Sighting(confidence=0.97, evidence={"start": start, "end": end}, reading="errors")
    elif (
        not (several or known)
        and end < -20 * max(1.0, abs(start))
        and _runs_away(history)
        and not learned_something(history)
    ):
        yield Sighting(confidence=0.8, evidence={"start": start, "end": end}, reading="errors")


def _climbs(history: History) -> bool:
    """Whether the first two steps looked at went along the gradient, whatever took them."""
    steps = ([each.uphill for each in one.parameters.values() if each.uphill] for one in history.examinations[:8])
    first = [statistics.median(each) for each in steps if each][:2]
    return len(first) == 2 and min(first) > _ALONG


def _runs_away(history: History) -> bool:
    """Whether the loss falls faster and faster; towards a bound, as that of a return or a likelihood, it slows down."""
    quarters = history.losses.quarters()
    return history.step > 20 and bool(quarters) and quarters[2] - quarters[3] > quarters[0] - quarters[1]


def learned_something(history: History) -> bool:
    """Whether accuracy, where it is known, has risen; a loss that falls says nothing here."""
    known = [each.accuracy for each in losses(history) if each.accuracy is not None]
    return len(known) > 3 and known[-1] > known[0] + 0.1 and learned(history)


_ALONG = 0.8
_STRAIGHT = frozenset({
    "Mean", "Sum", "Mul", "Div", "Neg", "Add", "Sub", "Rsub", "View", "UnsafeView", "Reshape", "Squeeze", "Unsqueeze",
    "Alias", "Clone", "ToCopy", "Select", "Expand", "Index", "Stack", "Cat", "T", "Permute", "Slice", "MaskedSelect",
    "MaskedFill", "Where", "Gather", "Diagonal",
})  # fmt: skip
"""What a loss passes on its way to be one number; behind anything else, a logarithm say, the sign tells nothing."""
_MONOTONE = _STRAIGHT | {"Log", "Log1P", "Logsumexp", "Exp", "Sqrt", "Softplus"}
"""Whose results grow with what they are given."""


def _flips(head: Sequence[Op], through: Collection[str] = _STRAIGHT) -> bool | None:
    """Whether the sign turns on the way to a loss that cannot be negative; None if there is none on this way."""
    negative = False
    if is_focal(head):
        return None
    for op in head:
        if op.name in ("NllLoss", "NllLoss2D", "MseLoss", "BinaryCrossEntropy", "BinaryCrossEntropyWithLogits",
                       "SmoothL1Loss", "HuberLoss", "Pow", "Abs"):  # fmt: skip
            return negative
        if op.name not in through or op.divisor:
            return None
        negative ^= op.negative
    return None


def _is_log_probability(head: Sequence[Op]) -> bool:
    """Whether a way leads to log-probabilities, which cannot be positive, and the sign turns on it not at all, or back.

    A negative log likelihood turns it, too: one that is given what was negated already is a likelihood.
    """
    negative = False
    for op in head:
        if op.name in ("LogSoftmax", "LogSigmoid"):
            return not negative
        likelihood = op.name in ("NllLoss", "NllLoss2D")
        weighs = op.name == "Mul" and (bool(op.shape) or not op.data)  # by what may be negative
        if (op.name not in _STRAIGHT and not likelihood) or op.divisor or weighs:
            return False
        negative ^= op.negative or likelihood
    return False


def _least_effort(loss: LossSigns) -> bool:
    """Whether a loss grows with the least of what is between pairs of examples, and falls with the greatest.

    The hardest of all pairs are the other way round, of distances as of likenesses: the greatest of what is to be small
    and the least of what is to be large. Nor is the least distance small, and others large, where neighbours are told.
    """
    found = [each for each in map(_of_pairs, loss.heads) if each is not None]
    signs = {(extreme, sign) for extreme, sign, _ in found}
    behind = [op for _, _, rest in found for op in rest]
    distances = any(op.name in _DISTANCES for op in behind) and not any(op.negative for op in behind)
    return signs == {("least", 1), ("greatest", -1)} or (distances and signs == {("least", 1), ("", -1)})


def _of_pairs(head: Sequence[Op]) -> tuple[str, int, Sequence[Op]] | None:
    """Which extreme over pairs (N, N), if any, a loss is made with, the sign with which it counts, and what is behind.

    What several ways share is seen on one of them alone.
    """
    sign, extreme = 1, ""
    for at, op in enumerate(head):
        if len(op.shape) == 2 and op.shape[0] == op.shape[1]:
            return extreme, sign, head[at:]
        if op.name not in _GROWS or op.divisor:
            return None
        extreme = extreme or _EXTREMES.get(op.name, "")
        sign = -sign if op.negative else sign
    return None


_EXTREMES = {"Min": "least", "Amin": "least", "Max": "greatest", "Amax": "greatest"}
_DISTANCES = ("EuclideanDist", "Cdist")
_GROWS = _STRAIGHT | _EXTREMES.keys() | {"Softplus", "Relu", "ClampMin", "Clamp", "Exp", "Sqrt", "LogSigmoid"}
"""What grows with what it is given, but for signs that turn."""
