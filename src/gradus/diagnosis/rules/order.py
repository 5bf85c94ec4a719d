"""In what order examples come, and whether what is drawn at random differs from one to the next."""

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, rules
from gradus.diagnosis.rules.common import (
    chance,
    of_a_layer,
    scored,
    settled,
    thriving,
)
from gradus.diagnosis.signs import LossSigns

_MANY = 16
"""Examples of a batch, which are of one class by chance only if nearly all are."""
_SEVERAL = 4
"""Examples of a batch: what is compared in fewer are their places or moments, which may well be of one class."""


@rules.register(
    "unshuffled-data",
    source="stochastic gradients stand for the whole only if batches are drawn at random (Bottou 2012)",
    not_fooled_by="imbalanced classes; players, whose batches are all real or all generated; few examined batches; "
    "tasks or clients of one class each, as long as held-out examples of all are told apart; the moments of one "
    "recording; candidates of which the first is always the right one; values that rise and fall, or drift for good; "
    "sorted values that are learned all the same",
    says=Message(
        en="Batches are sorted by {what}, {share:.0%} on average.",
        zh="批次按{what}，平均为 {share:.0%}。",
    ),
    words={
        "class": Message(en="class: most of a batch is of one", zh="类别排序：每个批次大多属于同一类"),
        "value": Message(en="target: its variance lies between batches", zh="目标值排序：目标值的方差大多在批次之间"),
    },
)
def unshuffled_data(history: History) -> Iterator[Sighting]:
    """Batches hold almost one class each, though there are several; or values that go one way all through an epoch."""
    explained = _sorted_by_value(history)
    if explained is not None:
        yield Sighting(confidence=0.9, evidence={"share": explained}, reading="value")
        return
    whole = [each.loss for each in history.examinations if not each.inputs or each.inputs[0].shape[0] >= _SEVERAL]
    known = [each for each in whole if each and each.counts and sum(each.counts) >= 6 and _of_examples(each)]
    if len(known) < 4 or history.adversarial or len(history.optimizers) > 1 or not settled(history):
        return
    if any((each.accuracy or 0.0) > 0.8 for each in scored(history)[-3:]):
        return
    purity = statistics.fmean(max(each.counts) / sum(each.counts) for each in known)
    pooled = chance(history)
    several = purity > 0.9 and ((pooled < 0.75 and purity > pooled + 0.2) or _fill_batches(known))
    only = pooled == 1.0 and known[0].classes >= 3 and len(known) >= 5 and of_a_layer(known[0])
    if several or only:
        yield Sighting(confidence=0.9 if several else 0.8, evidence={"share": purity}, reading="class")


def _fill_batches(known: Sequence[LossSigns]) -> bool:
    """Whether batches are of nothing but one class, and others of nothing but another: not by chance, however rare."""
    full = Counter(
        each.counts.index(max(each.counts)) for each in known if sum(each.counts) == max(each.counts) >= _MANY
    )
    return sum(number >= 2 for number in full.values()) >= 2


def _of_examples(loss: LossSigns) -> bool:
    """Whether a loss is of classes, or of yes or no to each example as a whole."""
    return loss.kind == "classes" or (loss.kind == "binary" and sum(loss.counts) <= loss.batch)


def _sorted_by_value(history: History) -> float | None:
    """The share of the targets' variance that lies between batches, where their means sweep from end to end, leap back
    and sweep again; None where they do not, or where their order does no harm. Targets are values, or class numbers.

    A series that is read in order rises and falls: it takes as long to come back as to go. A stream that drifts does
    not come back at all.
    """
    looks = [(each.step, _placed(each.loss)) for each in history.examinations if each.loss]
    known = [(step, each) for step, each in looks if each is not None]
    if len(known) < 10 or history.adversarial or len(history.optimizers) > 1:
        return None
    means = [each.mean for _, each in known]
    within = statistics.fmean(each.std * each.std for _, each in known)
    between = statistics.pvariance(means)
    # Of batches drawn at random, means vary by a batch's share of what their examples do.
    if not within < 0.2 * between:
        return None
    end = _end_of_sweep(known)
    if end is None or abs(means[end] - means[0]) < 0.7 * (max(means) - min(means)):
        return None
    back = known[end + 1 :]
    leapt = back[0][0] - known[end][0] <= 0.5 * (known[end][0] - known[0][0])
    home = abs(means[end + 1] - means[0]) < 0.3 * abs(means[end] - means[0])
    errors = [each.error for _, each in back if each.error is not None]
    missed = statistics.fmean(errors) > 0.2 * (within + between) if errors else not thriving(history)
    return between / (within + between) if leapt and home and len(back) >= 3 and missed else None


class _Placed(NamedTuple):
    """Where the targets of a batch lie."""

    mean: float
    std: float
    batch: int
    error: float | None = None
    """What of their variance is missed; None of classes."""


def _placed(loss: LossSigns) -> _Placed | None:
    """None of a batch too small, or of two classes: of their numbers there is no order."""
    if loss.batch < _SEVERAL:
        return None
    if loss.kind == "values" and math.isfinite(loss.error):
        return _Placed(loss.target_mean, loss.target_std, loss.batch, loss.error)
    counts = loss.counts if loss.kind == "classes" else loss.beside
    number = sum(counts)
    if len(counts) < 3 or number < _SEVERAL:
        return None
    mean = sum(label * count for label, count in enumerate(counts)) / number
    square = sum((label - mean) ** 2 * count for label, count in enumerate(counts)) / number
    return _Placed(mean, math.sqrt(square), min(loss.batch, number))


def _end_of_sweep(known: Sequence[tuple[int, _Placed]]) -> int | None:
    """Where targets turn that, but for chance, went one way at the first 8 examinations or more; None if nowhere."""
    for at, ((_, one), (_, other)) in enumerate(itertools.pairwise(known)):
        chance_of_mean = 3 * max(one.std, other.std) / math.sqrt(min(one.batch, other.batch))
        gone, moved = one.mean - known[0][1].mean, other.mean - one.mean
        if gone * moved < 0 and min(abs(gone), abs(moved)) > chance_of_mean:
            return at if at >= 7 else None
    return None


@rules.register(
    "duplicate-augmentation",
    source="a generator set to the same seed again draws the same numbers (numpy in data workers: TrainCheck's cases)",
    not_fooled_by="seeding once, or once for each of several models; seeds that differ; a state that is put back "
    "after; evaluations that are to come out the same each time",
    structural=True,
    says=Message(
        en="A random generator is set to the same seed again and again while training ({steps:.0f} steps so far), so "
        "every "
        "example is augmented alike.",
        zh="训练中随机数发生器被反复设为同一个种子（目前 {steps:.0f} 步），因此每个样本的增强都相同。",
    ),
)
def duplicate_augmentation(history: History) -> Iterator[Sighting]:
    """A generator was set to a seed it had before, in several steps; or one made at each draws the same batch."""
    loop = history.loop
    again = loop.reseeded if loop.reseeded >= 3 else loop.remade if _one_batch(history) else 0
    if again >= 3:
        yield Sighting(confidence=0.85, evidence={"steps": again})


def _one_batch(history: History) -> bool:
    """Whether every batch is the same, and a generator made for nearly each."""
    inputs = [each.inputs[0] for each in history.examinations if each.inputs]
    alike = {(each.shape, each.mean, each.std, each.low, each.high) for each in inputs}
    return len(inputs) >= 5 and len(alike) == 1 and history.loop.remade > 0.8 * history.step
