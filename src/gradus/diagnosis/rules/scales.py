"""What goes in and what is aimed at: how large it is, and whether it differs at all."""

import math
from collections.abc import Iterator, Sequence

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, lasting, rules
from gradus.diagnosis.rules.common import losses, settled, supervised, thriving
from gradus.diagnosis.signs import Examination, InputSigns


def _first_input(examination: Examination) -> InputSigns | None:
    return examination.inputs[0] if examination.inputs else None


def _has_players(history: History) -> bool:
    """Whether inputs may be what another network made."""
    return history.adversarial or any(each.players is not None for each in history.examinations)


@rules.register(
    "unscaled-inputs",
    source="UMLAUT and others ask for [-1, 1]; we flag a deviation above 10 or a mean beyond 10 with values beyond 50",
    not_fooled_by="a model that begins with normalization; a few wide columns among many (that is feature-scale); a "
    "model of a few quantities, no matrix among them",
    says=Message(
        en="Inputs are not scaled: they reach from {low:.3g} to {high:.3g}, with mean {mean:.3g} and deviation "
        "{std:.3g}.",
        zh="输入没有缩放：范围 {low:.3g} 到 {high:.3g}，均值 {mean:.3g}，标准差 {std:.3g}。",
    ),
)
def unscaled_inputs(history: History) -> Iterator[Sighting]:
    """Inputs far from zero mean and unit deviation, on several batches."""
    if (
        _has_players(history)
        or not settled(history)
        or not history.latest(2)
        or not any(True for each in history.latest(2) for _ in history.weights(each))
        or not all(_is_wide(_first_input(each)) for each in history.latest(2))
    ):
        return
    found = _first_input(history.latest(2)[-1])
    if found is not None:
        evidence = {"low": found.low, "high": found.high, "mean": found.mean, "std": found.std}
        yield Sighting(confidence=0.85, evidence=evidence, worse=found.std)


def _is_wide(found: InputSigns | None) -> bool:
    return (
        found is not None
        and not found.normalized
        and (found.spread < 1000 or _wide_columns(found) >= 0.25)
        and max(abs(found.low), abs(found.high)) > 50
        and (found.std > 10 or abs(found.mean) > 10)
        and found.constant < 0.9
        and found.loud_constant < 30
    )


def _wide_columns(found: InputSigns) -> float:
    """Share of a table's columns that are far from zero mean and unit deviation by themselves."""
    figures = list(zip(found.column_means, found.column_stds, strict=True))
    return sum(std > 10 or abs(mean) > 10 for mean, std in figures) / len(figures) if figures else 0.0


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
    source="a column a thousand times as wide as the others decides every distance and every gradient",
    not_fooled_by="images and sequences; columns that are constant",
    says=Message(
        en="One column of the inputs is {spread:.3g} times as wide as the middle one: it drowns the others.",
        zh="输入中有一列的宽度是中位列的 {spread:.3g} 倍：它淹没了其他列。",
    ),
)
def feature_scale(history: History) -> Iterator[Sighting]:
    """Deviations of columns differ by more than a thousand."""
    found = lasting(history, 2, lambda each: each.inputs[0].spread if each.inputs else None)
    first = history.first
    normalized = first is not None and first.inputs and first.inputs[0].normalized
    if found and min(found) > 1000 and not normalized and settled(history) and not thriving(history):
        yield Sighting(confidence=0.9, evidence={"spread": found[-1]}, worse=found[-1])


@rules.register(
    "constant-inputs",
    source="what is the same for every example says nothing, and a large constant shifts every unit",
    not_fooled_by="the dark border of digits (a third of the columns); a column of ones; batches of one; words and "
    "hits so rare that a batch has few of them, and the next one has others",
    says=Message(
        en="Inputs hardly differ between examples: {constant:.0%} of the columns are constant, and the others vary by "
        "{varied:.1e}; the largest constant is {loud:.3g} times as large as a column varies.",
        zh="各样本的输入几乎相同：{constant:.0%} 的列是常数，其余变化为 {varied:.1e}；最大的常数是各列变化的 "
        "{loud:.3g} 倍。",
    ),
)
def constant_inputs(history: History) -> Iterator[Sighting]:
    """Almost all columns are constant over several batches, or hardly vary; or a constant drowns the rest."""
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
        yield Sighting(confidence=0.9, evidence=evidence)


def _sparse(history: History, latest: Sequence[InputSigns]) -> bool:
    """Whether most columns of a batch are empty, and what is not varies by all of its size.

    Of a table of few columns it must not be always the same that are.
    """
    if not all(each.varied > 0.3 * math.hypot(each.mean, each.std) for each in latest):
        return False
    every = [each.inputs[0].column_stds for each in history.examinations if each.inputs]
    moved = [any(column) for column in zip(*every, strict=False)]
    return not 1 < latest[-1].columns == len(moved) or sum(moved) > 0.15 * len(moved)
