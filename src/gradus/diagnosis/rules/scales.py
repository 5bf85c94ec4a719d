"""What goes in and what is aimed at: how large it is, and whether it differs at all."""

import math
import statistics
from collections.abc import Iterator, Sequence

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, lasting, rules
from gradus.diagnosis.rules.common import kind, losses, settled, struggling, supervised, thriving
from gradus.diagnosis.signs import Examination, InputSigns

_FAR_APART = 1000
_APART = 50
"""Times as wide as the middle column: drowning it whatever it is, and where few are wide or it hardly varies."""
_MANY = 0.25
_WIDE, _REACH = 10, 50
"""Deviation or mean, and largest number, of inputs that harm in any case."""
_WIDISH, _REACHES = 4, 10
"""The same where nothing else is known to be in the way of a run that came to little."""
_SEVERAL_TOKENS = 8
"""Tokens in a table of which one or two are few: bits may have some more beside them, such as a first and a last."""
_PIXELS = 16


def _first_input(examination: Examination) -> InputSigns | None:
    return examination.inputs[0] if examination.inputs else None


def _has_players(history: History) -> bool:
    """Whether inputs may be what another network made."""
    return history.adversarial or any(each.players is not None for each in history.examinations)


@rules.register(
    "unscaled-inputs",
    source="UMLAUT and others ask for [-1, 1]; we flag a deviation above 10 or a mean beyond 10 with values beyond 50; "
    "or 4 and 10 of a run that ended and came to nothing, or told less from pictures than pictures tell",
    not_fooled_by="a model that begins with normalization; a few wide columns among many or among scaled ones (that is "
    "feature-scale); a model of a few quantities, no matrix among them",
    says=Message(
        en="Inputs are not scaled: they reach from {low:.3g} to {high:.3g}, with mean {mean:.3g} and deviation "
        "{std:.3g}.",
        zh="输入没有缩放：范围 {low:.3g} 到 {high:.3g}，均值 {mean:.3g}，标准差 {std:.3g}。",
    ),
)
def unscaled_inputs(history: History) -> Iterator[Sighting]:
    """Inputs far from zero mean and unit deviation, on several batches."""
    limits = (_WIDISH, _REACHES) if _came_to_little(history) else (_WIDE, _REACH)
    if (
        _has_players(history)
        or not settled(history)
        or not history.latest(2)
        or not any(True for each in history.latest(2) for _ in history.weights(each))
        or not all(_is_wide(_first_input(each), _spread(history), *limits) for each in history.latest(2))
    ):
        return
    found = _first_input(history.latest(2)[-1])
    if found is not None:
        evidence = {"low": found.low, "high": found.high, "mean": found.mean, "std": found.std}
        plainly = _is_wide(found, _spread(history), _WIDE, _REACH)
        yield Sighting(confidence=0.85 if plainly else 0.6, evidence=evidence, worse=found.std)


def _spread(history: History) -> float:
    """How many times as wide as the middle column one is, in the middle of what was seen: of two rows it leaps."""
    return statistics.median([each.inputs[0].spread for each in history.examinations if each.inputs] or [1.0])


def _came_to_little(history: History) -> bool:
    """Whether a run ended and got nowhere; or, of grey values, not near all right: seldom are they so noisy."""
    if not history.ended or not supervised(history) or thriving(history):
        return False
    seen = _first_input(history.latest(1)[0]) if history.latest(1) else None
    grey = seen is not None and seen.low == 0 and (len(seen.shape) == 4 or seen.columns >= _PIXELS)
    return struggling(history) or (grey and kind(history) == "classes")


def _is_wide(found: InputSigns | None, spread: float, wide: float, reach: float) -> bool:
    return (
        found is not None
        and not found.normalized
        and (spread < _APART or not _few_are_wide(found))
        and max(abs(found.low), abs(found.high)) > reach
        and (found.std > wide or abs(found.mean) > wide)
        and found.constant < 0.9
        and found.loud_constant < 30
    )


def _few_are_wide(found: InputSigns) -> bool:
    """Whether few of a table's columns are far from zero mean and unit deviation by themselves.

    They are fewer than a quarter, or fewer than half where the others have been scaled.
    """
    figures = list(zip(found.column_means, found.column_stds, strict=True))
    others = [(mean, std) for mean, std in figures if std <= 10 and abs(mean) <= 10]
    wide = len(figures) - len(others)
    if not others or not 0 < wide < 0.5 * len(figures):
        return False
    scaled = statistics.median(abs(mean) for mean, _ in others) < 0.5 < statistics.median(std for _, std in others) < 2
    return wide < _MANY * len(figures) or scaled


@rules.register(
    "unscaled-targets",
    source="outputs begin near 0 to 1: targets a hundred times as large need as many more steps, or explode",
    not_fooled_by="closed forms and second-order methods, which do not mind; targets the network has reached, or a "
    "line is on its way to by gradient descent; outputs that begin at the targets' mean",
    says=Message(
        en="Targets are not scaled: mean {mean:.3g}, deviation {std:.3g}; the network's outputs vary by {output:.3g}.",
        zh="目标没有缩放：均值 {mean:.3g}，标准差 {std:.3g}；网络输出的变化为 {output:.3g}。",
    ),
)
def unscaled_targets(history: History) -> Iterator[Sighting]:
    """Regression targets are a hundred times as large as outputs at the start."""
    first = [each for each in losses(history)[:2] if each.kind == "values"]
    if len(first) < 2 or not supervised(history) or not settled(history) or thriving(history):
        return
    if not history.ended and _is_a_line_by_descent(history):
        return
    # Outputs may begin at the targets' mean, by the last bias: how far these are away counts.
    size = min(max(abs(first[0].target_mean), first[0].target_std), math.sqrt(abs(first[0].error)))
    if size > 50 and size > 50 * max(first[0].output_std, 1e-3):
        evidence = {"mean": first[0].target_mean, "std": first[0].target_std, "output": first[0].output_std}
        yield Sighting(confidence=0.85, evidence=evidence, worse=size)


def _is_a_line_by_descent(history: History) -> bool:
    """Whether steps and targets are of one size anyway: gradients of a single layer grow with what it is to reach."""
    single = history.first is not None and sum(1 for _ in history.weights(history.first)) == 1
    return single and all(each.name == "SGD" for each in history.optimizers.values())


@rules.register(
    "feature-scale",
    source="a column a thousand times as wide as the others decides every distance and every gradient; one fifty times "
    "as wide does where the others are scaled and it is not, or all were by one number and the others hardly vary",
    not_fooled_by="images and sequences; columns that are constant; words, of which a batch has few; what is learned",
    says=Message(
        en="One column of the inputs is {spread:.3g} times as wide as the middle one: it drowns the others.",
        zh="输入中有一列的宽度是中位列的 {spread:.3g} 倍：它淹没了其他列。",
    ),
)
def feature_scale(history: History) -> Iterator[Sighting]:
    """Deviations of columns differ by more than a thousand; or by less, where a few columns are not scaled alike."""
    found = lasting(history, 2, lambda each: each.inputs[0].spread if each.inputs else None)
    first = history.first
    normalized = first is not None and first.inputs and first.inputs[0].normalized
    if not found or normalized or not settled(history) or thriving(history):
        return
    late = history.step >= 100 or history.ended
    unlike = late and supervised(history) and all(_scaled_unlike(_first_input(each)) for each in history.latest(2))
    if min(found) > _FAR_APART or (unlike and _spread(history) > _APART):
        yield Sighting(confidence=0.9, evidence={"spread": found[-1]}, worse=found[-1])


def _scaled_unlike(found: InputSigns | None) -> bool:
    """Whether a few columns of a table are wide by themselves, or the middle one of nearly all hardly varies."""
    moving = [each for each in found.column_stds if each > 0] if found is not None else []
    if found is None or not moving or found.constant > _MANY:
        return False
    return _few_are_wide(found) or statistics.median(moving) < 0.03


@rules.register(
    "constant-inputs",
    source="what is the same for every example says nothing, and a large constant shifts every unit",
    not_fooled_by="the dark border of digits (a third of the columns); a column of ones; batches of one; words and "
    "hits so rare that a batch has few of them, and the next one has others",
    says=Message(
        en="Inputs hardly differ between examples: {what}.",
        zh="各样本的输入几乎相同：{what}。",
    ),
    words={
        "columns": Message(
            en="nearly all columns are constant or hardly vary, or a constant is far larger than what varies",
            zh="几乎所有列是常数或变化极小，或者某个常数远大于变化的部分",
        ),
        "tokens": Message(
            en="of all the tokens that the network knows they are made of one or two",
            zh="网络认识许多词元，而输入只由其中一两个组成",
        ),
    },
)
def constant_inputs(history: History) -> Iterator[Sighting]:
    """Almost all columns are constant over several batches, or hardly vary; or a constant drowns the rest.

    Or tokens are one or two of many.
    """
    asked = [each.tokens for each in history.latest(3) if each.tokens is not None]
    one = len(asked) == 3 and all(different <= 2 and size >= _SEVERAL_TOKENS for different, size in asked)
    if one and settled(history) and not _has_players(history) and not thriving(history):
        yield Sighting(confidence=0.9, evidence={"different": max(asked)[0], "of": max(asked)[1]}, reading="tokens")
        return
    latest = history.latest(3)
    found = [_first_input(each) for each in latest]
    if not latest or any(each is None or each.shape[0] < 4 for each in found):
        return
    if _has_players(history) or not settled(history) or thriving(history):
        return
    known = [each for each in found if each is not None]
    still = min(each.constant for each in known) > 0.85 and not _sparse(history, known)
    faint = max(each.varied for each in known) < 2e-3
    loud = min(each.loud_constant for each in known) > 30 and not known[-1].normalized
    if still or faint or loud:
        last = known[-1]
        evidence = {"constant": last.constant, "varied": last.varied, "loud": last.loud_constant}
        yield Sighting(confidence=0.9, evidence=evidence, reading="columns")


def _sparse(history: History, latest: Sequence[InputSigns]) -> bool:
    """Whether most columns of a batch are empty, and what is not varies by all of its size.

    Of a table of few columns it must not be always the same that are.
    """
    if not all(each.varied > 0.3 * math.hypot(each.mean, each.std) for each in latest):
        return False
    every = [each.inputs[0].column_stds for each in history.examinations if each.inputs]
    moved = [any(column) for column in zip(*every, strict=False)]
    return not 1 < latest[-1].columns == len(moved) or sum(moved) > 0.15 * len(moved)
