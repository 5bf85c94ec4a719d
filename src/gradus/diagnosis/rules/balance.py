"""How many examples there are of each class, and what a network makes of the rare ones."""

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, lasting, rules
from gradus.diagnosis.rules.common import (
    chance,
    losses,
    saying_shares,
    says_no,
    scored,
    supervised,
    under_way,
)
from gradus.diagnosis.signs import Evaluation, LossSigns

_ENOUGH = 50
"""Held-out examples to know before the share of their classes is spoken of."""

_FEW = 16
"""Held-out examples of which a share that is told right says something."""

_LONG = 200
"""Steps after which a code that is not used will not be."""

_CHANGED = 0.25
"""Of the examples, those by which shares of classes may differ between two halves of what was looked at."""


@rules.register(
    "class-imbalance",
    source="SageMaker Debugger: largest over smallest class above 10; and the network says the largest one throughout, "
    "or is wrong of the small ones where held-out examples have many of them",
    not_fooled_by="imbalance that the network copes with, by weights or by itself; rare events that are ranked well, "
    "or that the program judges by their ranks, though none is likelier than not; pixels of images that are mostly "
    "dark, which a model that is to restore its own input tells apart late; a loss that still falls fast; "
    "classes that are still to come",
    says=Message(
        en="{share:.0%} of the examples are of the commonest class, and {what}.",
        zh="{share:.0%} 的样本属于最常见的类别，而{what}。",
    ),
    words={
        "said of nearly all": Message(
            en="the network says that class for nearly all of them", zh="网络对几乎所有样本都回答这一类"
        ),
        "rare ones missed": Message(
            en="it often misses classes that are rare in training and common among held-out examples",
            zh="网络经常认错那些训练中罕见、验证样本中却常见的类别",
        ),
        "even odds of all": Message(
            en="the network gave up its code for even odds of each, which cost less than the few rare ones bring",
            zh="网络放弃了编码，对每个样本都给出各半的概率：少数类带来的收益抵不过编码的代价",
        ),
    },
)
def class_imbalance(history: History) -> Iterator[Sighting]:
    """A class that nearly all examples have is said nearly always; or ones that few have are common elsewhere."""
    missed = _rare_ones_missed(history)
    if missed is not None:
        yield Sighting(confidence=0.85, evidence=missed, reading="rare ones missed")
        return
    if _even_odds_of_all(history):
        yield Sighting(confidence=0.85, evidence={"share": chance(history)}, reading="even odds of all")
        return
    known = [each for each in losses(history) if each.counts and each.said is not None and math.isfinite(each.value)]
    early = (history.step < 60 and not history.ended) or under_way(history)
    if len(known) < 5 or early or not supervised(history) or says_no(history):
        return
    if history.ranking or _ranks(known) or any(each.restored for one in history.latest(3) for each in one.inputs):
        return
    share = chance(history)
    said = min(each.said or 0.0 for each in known[-3:])
    if 0.85 < share < 1.0 and said > 0.985:
        yield Sighting(confidence=0.85, evidence={"share": share, "said": said}, reading="said of nearly all")


def _even_odds_of_all(history: History) -> bool:
    """Whether a code came to be unused, and answers are yes as likely as no, though yes is rare, as of a graph's edges.

    A decoder that multiplies codes can say no of all only by them; one that has a bias says so without.
    """
    used = lasting(history, 4, lambda each: each.latents)
    known = [each for each in losses(history)[-4:] if each.kind == "binary"]
    long = history.ended or (history.step >= _LONG and not under_way(history))
    if len(used) < 4 or max(used) >= 0.1 or len(known) < 4 or history.step < _ENOUGH or not long:
        return False
    return 0.95 < chance(history) < 1.0 and all(0.9 < each.surprise / math.log(2) < 1.1 for each in known)


def _rare_ones_missed(history: History) -> dict[str, float] | None:
    """How often held-out examples are told right of classes that are rare in training, and of the others.

    None unless the rare ones, a tenth of the largest and less, are several times as common there, and do far worse.
    """
    known = [each.counts for each in losses(history) if each.kind == "classes" and each.counts]
    held_out = [each for each in scored(history) if each.counts and each.examples >= _ENOUGH][-1:]
    # Until the program ends, classes may be still to come.
    if not history.ended or not held_out or len(known) < 4 or not supervised(history) or not alike(known):
        return None
    taught = [sum(column) for column in zip(*known, strict=False)]
    rare = [label for label, count in enumerate(taught) if 10 * count <= max(taught)]
    (every, whole), (right, of_rare), (known_right, of_known) = (
        _right_of(held_out[0], labels)
        for labels in (range(len(taught)), rare, [label for label in rare if taught[label]])
    )
    apart = of_rare / max(1, whole) - sum(taught[label] for label in rare) / sum(taught)
    # Of those that were never seen alone there is no telling: they may be another task's.
    if min(of_known, whole - of_rare) < _FEW or apart < 0.15:
        return None
    rarely, mostly = right / of_rare, (every - right) / (whole - of_rare)
    worse = rarely < mostly - 0.3 and known_right / of_known < mostly - 0.1
    return {"share": chance(history), "rare": rarely, "others": mostly} if worse else None


def _right_of(held_out: Evaluation, labels: Iterable[int]) -> tuple[int, int]:
    """How many examples of these classes were told right, and how many there are."""
    every = [label for label in labels if label < len(held_out.counts)]
    return sum(held_out.right[label] for label in every), sum(held_out.counts[label] for label in every)


def alike(known: Sequence[Sequence[int]]) -> bool:
    """Whether batches had about the same share of each class early and late: none is still to come."""
    half = len(known) // 2
    parts = [[sum(column) for column in zip(*part, strict=False)] for part in (known[:half], known[half:])]
    one, other = ([count / max(1, sum(part)) for count in part] for part in parts)
    return 0.5 * sum(abs(a - b) for a, b in zip(one, other, strict=False)) < _CHANGED and sum(map(sum, parts)) > 100


def _ranks(known: Sequence[LossSigns]) -> bool:
    """Whether the loss lies well below that of saying every class's share: rare examples get larger probabilities."""
    latest = known[-5:]
    value = statistics.fmean(each.value for each in latest)
    return not any(each.summed for each in latest) and value < 0.8 * saying_shares(known)
