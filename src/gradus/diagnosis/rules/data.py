"""What examples are: their labels, their order, and whether held-out ones are like them."""

import itertools
import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, lasting, rules
from gradus.diagnosis.rules.common import (
    accuracy,
    accuracy_at,
    chance,
    kind,
    knowing_nothing,
    losses,
    of_a_layer,
    saying_shares,
    says_no,
    scored,
    settled,
    supervised,
    thriving,
    under_way,
)
from gradus.diagnosis.signs import Evaluation, LossSigns

_ENOUGH = 50
"""Training examples to know before held-out ones are said to be unlike them."""
_SOON = 8
"""Steps in which passes that come at every step, as of a generator that stands still, cannot be told from others."""

_SEVERAL = 4
"""Examples of a batch: what is compared in fewer are their places or moments, which may well be of one class."""

_FEW = 16
"""Held-out examples of which a share that is told right says something."""

_LONG = 200
"""Steps after which a code that is not used will not be."""

_CHANGED = 0.25
"""Of the examples, those by which shares of classes may differ between two halves of what was looked at."""

_CHOICES = 8
"""Different numbers that examples are made of, up to which they may well be alike."""


@rules.register(
    "train-validation-mismatch",
    source="our prototype: means half a deviation apart or more; here one, or deviations 2.5-fold apart",
    not_fooled_by="noise and masks added in training; mixup, which narrows by a quarter; a later stretch of a series "
    "that a model which normalizes for itself does well on; a task of a few examples; a policy that comes into other "
    "states",
    says=Message(
        en="Held-out inputs are not prepared as the training inputs are: {what}.",
        zh="验证输入的处理与训练输入不一致：{what}。",
    ),
    words={
        "scaled otherwise": Message(en="they are scaled otherwise", zh="缩放不同"),
        "encoded otherwise": Message(
            en="the network soon did well on training examples it had not seen, and is at chance on these",
            zh="网络很快就能答对没有见过的训练样本，在这些样本上却只有猜测的水平",
        ),
        "of other classes": Message(
            en="most are of classes that were never trained on, as where data that lie class by class are cut in two",
            zh="其中大多数属于训练中从未出现的类别，例如按类别排列的数据被直接切成两段",
        ),
    },
)
def train_validation_mismatch(history: History) -> Iterator[Sighting]:
    """Inputs of an evaluation lie elsewhere than those of training, and it goes worse than training does."""
    for each in history.evaluations[-2:] if len(history.evaluations) <= 12 else ():
        if not each.passes or each.every_step or _does_as_well(history, each):
            continue
        if each.known < _ENOUGH or (each.step < _SOON and not each.measured):
            continue
        # Of passes of which nothing is measured, such as those of a policy that acts, only what is far off tells.
        sure = 1.0 if each.measured else 2.0
        if each.shift > sure or not 0.4**sure < each.scale < 2.5**sure:
            evidence = {"shift": each.shift, "scale": each.scale}
            yield Sighting(since=each.step, confidence=0.9, evidence=evidence, reading="scaled otherwise")
            return
    at_chance = _at_chance(history) or _explained_here_alone(history)
    if at_chance is not None and _of_other_classes(history):
        yield Sighting(confidence=0.95, evidence=at_chance, reading="of other classes")
    elif at_chance is not None and _learned_at_once(history):
        yield Sighting(confidence=0.8, evidence=at_chance, reading="encoded otherwise")


def _of_other_classes(history: History) -> bool:
    """Whether held-out examples are mostly of classes of which training had none, of the first that are counted."""
    pooled = zip(*[each.counts for each in losses(history) if each.counts], strict=False)
    taught = [sum(column) > 0 for column in pooled]
    latest = [each.labels for each in scored(history) if each.labels][-1:]
    known = [label for label in (latest[0] if latest else ()) if 0 <= label < len(taught)]
    return bool(known) and sum(not taught[label] for label in known) > 0.5 * len(known)


def _does_as_well(history: History, held_out: Evaluation) -> bool:
    """Whether an evaluation that is just over came out as training does, as far as both are known."""
    right = accuracy(history)
    if held_out.accuracy is not None and right is not None:
        return held_out.accuracy > right - 0.1
    train = history.losses.end(20)
    return held_out.loss is not None and 0 < held_out.loss < 1.5 * train


@rules.register(
    "leakage",
    source="one column that gives the target away (|r| > 0.999, or 0.98 of one of two classes: a threshold on a normal "
    "column comes to 0.8; or one number for a class and never for the other), or held-out examples that were trained "
    "on; or a last step that changes what is said at those before, of a model that is to tell the next",
    not_fooled_by="evaluations of the training set itself beside one that is held out; passes of which nothing is "
    "measured, or at every step, such as a teacher's; one-column toy problems; short rows of yes or no, which come "
    "again by chance, as do those of few whole numbers; the last of several steps of a smooth series, which the step "
    "before tells nearly as much",
    says=Message(
        en="The held-out score is not to be trusted: {what}.",
        zh="验证得分不可信：{what}。",
    ),
    words={
        "a column gives the target away": Message(
            en="a column of the inputs gives the target away", zh="输入中有一列直接泄露了目标"
        ),
        "held-out examples were trained on": Message(
            en="some of its examples were trained on", zh="其中一部分样本在训练中出现过"
        ),
        "what is to be told is shown": Message(
            en="the model is to tell what comes next, and is shown it", zh="模型要预测下一步，而下一步已在其输入中可见"
        ),
    },
)
def leakage(history: History) -> Iterator[Sighting]:
    """A column of a table or a later step gives the target away, or evaluations are, in part, on training examples."""
    if history.loop.sees_ahead:
        yield Sighting(confidence=0.95, reading="what is to be told is shown")
        return
    telling = lasting(history, 3, lambda each: each.inputs[0].tells_target if each.inputs else None)
    wide = history.last is not None and history.last.inputs and history.last.inputs[0].columns >= 3
    others = lasting(history, 3, lambda each: each.inputs[0].also_tells if each.inputs else None)
    # Of a yes or no hardly a column tells so much but one that is made of it, with noise.
    most = 0.98 if kind(history) == "binary" else 0.999
    if telling and min(telling) > most and wide and 1 - max(others) > 20 * (1 - min(telling)):
        yield Sighting(confidence=0.9, evidence={"correlation": telling[-1]}, reading="a column gives the target away")
        return
    if _come_again(history):
        return
    # What comes at every step is there to be learned from: a teacher's answers, values of the next state.
    looks = [each for each in history.evaluations if not each.every_step]
    partly = [each for each in looks if each.passes and 0.1 < each.seen < 0.9 and not each.of_training]
    measured = any(each.measured for each in partly)
    if measured and len(partly) >= 3 and len(partly) == len(looks) and looks[-1].step - looks[0].step >= len(looks):
        share = statistics.fmean(each.seen for each in partly)
        yield Sighting(confidence=0.7, evidence={"seen": share}, reading="held-out examples were trained on")


def _come_again(history: History) -> bool:
    """Whether examples are made of so few different numbers that the same come again by chance.

    As many pairs of training examples are alike then as of a training and a held-out one. Copies of an example, which
    leak where they are split, are so too; but their numbers are as many as those of any others.
    """
    known = [each.inputs[0] for each in history.examinations if each.inputs]
    if not known or not known[-1].values:
        return False
    last, rows = known[-1], min(64, known[-1].shape[0])
    if last.values <= _CHOICES:
        return True
    alike = 2 * sum(each.repeated_rows for each in known) / len(known) / max(1, rows - 1)
    expected = alike * max((each.known for each in history.evaluations), default=0)
    seen = max((each.seen for each in history.evaluations), default=0.0)
    return last.values < 0.5 * rows * max(1, last.columns) and expected > 0.3 * seen


@rules.register(
    "labels-unrelated",
    source="Zhang et al. (2017): random labels are memorized, and nothing carries over",
    not_fooled_by="slow starts: training must have got somewhere while held-out examples stay at chance; overfitting, "
    "before which something carried over; held-out inputs that lie elsewhere",
    says=Message(
        en="Labels seem unrelated to inputs: of training examples {train:.0%} is right or explained, and of held-out "
        "ones {held_out:.0%}, as by guessing.",
        zh="标签似乎与输入无关：训练样本中有 {train:.0%} 正确或得到解释，而验证样本中只有 {held_out:.0%}，与猜测相当。",
    ),
)
def labels_unrelated(history: History) -> Iterator[Sighting]:
    """What is learned from training examples says nothing about others."""
    at_chance = _at_chance(history) or _explained_here_alone(history)
    if at_chance is not None and not _learned_at_once(history) and not _of_other_classes(history):
        yield Sighting(confidence=0.8, evidence=at_chance)


def _explained_here_alone(history: History) -> dict[str, float] | None:
    """Shares of the variance of training and held-out values that are explained, where of the latter it never was."""
    known = [each for each in losses(history)[-5:] if each.kind == "values" and each.target_std > 0]
    held_out = [each for each in history.held_out() if each.loss is not None and not (each.training or each.dropped)]
    missed = [(each.loss or 0.0) / each.variance for each in held_out if each.variance]
    elsewhere = any(abs(each.shift) > 0.3 or not 0.7 < each.scale < 1.4 for each in held_out)
    if len(missed) < 3 or len(missed) < len(held_out) or len(known) < 5 or elsewhere or not supervised(history):
        return None
    # Losses are comparable with variances where they are mean squares.
    squared = all(math.isclose(each.value, each.error, rel_tol=0.05) for each in known)
    variance = statistics.fmean(each.target_std * each.target_std for each in known)
    explained = 1 - history.losses.end(20) / variance
    if squared and explained > 0.25 and min(missed) > 0.97:
        return {"train": explained, "held_out": max(0.0, 1 - missed[-1])}
    return None


def _at_chance(history: History) -> dict[str, float] | None:
    """Training and held-out accuracy, where the first has risen and the second is that of guessing."""
    # What was measured long ago tells nothing of now.
    held_out = [each.accuracy or 0.0 for each in scored(history) if each.step >= 0.4 * history.step]
    right = accuracy(history)
    known = losses(history)
    early = history.step < 100 and not history.ended
    if len(held_out) < 3 or early or right is None or not known or not supervised(history):
        return None
    guess = chance(history)
    glances = sum(step > 0.75 * history.step for step, _ in history.right)
    clear = 0.12 if glances < 6 or len(held_out) < 4 else 0.06
    if max(held_out[-3:]) < guess + clear / 2 and right > guess + clear and guess < 0.8:
        return {"train": right, "held_out": held_out[-1]}
    return None


def _learned_at_once(history: History) -> bool:
    """Whether training had got somewhere by the first evaluation, mostly after one pass over the examples.

    Then it was right of examples that it had not seen, and its labels have to do with its inputs.
    """
    if kind(history) == "values":
        return _explained_at_once(history)
    first = next((each.step for each in scored(history)), 0)
    right = accuracy_at(history, first)
    glances = sum(0.75 * first <= step <= first for step, _ in history.right)
    return right is not None and right > chance(history) + 0.12 and glances >= 2


def _explained_at_once(history: History) -> bool:
    """The same of values: half of their variance was explained, which by heart takes longer."""
    first = next((each.step for each in history.held_out() if each.loss is not None), 0)
    known = [each.target_std * each.target_std for each in losses(history) if each.target_std > 0]
    bins = history.losses.bins
    until = len(bins) * first // max(1, history.losses.count)
    before = bins[until * 3 // 4 : until]
    return len(before) >= 2 and bool(known) and statistics.fmean(before) < 0.5 * statistics.fmean(known)


@rules.register(
    "noisy-labels",
    source="DeepCrime's label mutants: training stalls below what held-out examples reach, or memorizes and then "
    "forgets",
    not_fooled_by="dropout, mixup and augmentation, which lower training accuracy too, and not what held-out examples "
    "reach",
    says=Message(
        en="Many labels seem wrong: held-out accuracy reached {best:.0%}, training accuracy is {train:.0%}, held-out "
        "accuracy now {last:.0%}.",
        zh="许多标签似乎有误：验证准确率曾达到 {best:.0%}，训练准确率为 {train:.0%}，现在验证准确率为 {last:.0%}。",
    ),
)
def noisy_labels(history: History) -> Iterator[Sighting]:
    """Held-out accuracy lies well above training accuracy without reason; or falls back while training's rises."""
    held_out = scored(history)
    right = accuracy(history)
    if len(held_out) < 4 or right is None or history.step < 100 or not supervised(history):
        return
    scores = [each.accuracy or 0.0 for each in held_out]
    best, last = max(scores), statistics.fmean(scores[-2:])
    dropout = max((facts.dropout for facts in history.models.values()), default=0.0)
    alike = all(0.93 < each.scale < 1.07 for each in held_out)
    evidence = {"best": best, "train": right, "last": last}
    glances = sum(step > 0.75 * history.step for step, _ in history.right)
    if glances < 8:
        return
    # A loss that is low though many are wrong weighs the examples: the program knows.
    weighed = history.losses.end(20) < 0.2 * knowing_nothing(history)
    early = scores.index(best) < 0.6 * len(scores)
    # Wrong labels do no harm where nearly every held-out example is told right, as with dropout that is no module.
    if last < 0.98 and _better(history, right, held_out) and dropout < 0.1 and alike and right < 0.8 and not weighed:
        yield Sighting(confidence=0.7, evidence=evidence)
    elif early and best - last > 0.08 and right > last + 0.1 and best < 0.95:
        yield Sighting(confidence=0.6, evidence=evidence)
    elif early and _unlearned(history, held_out[scores.index(best)], last) and last > right + 0.05 and right < 0.8:
        yield Sighting(confidence=0.7, evidence=evidence)


def _better(history: History, right: float, held_out: Sequence[Evaluation]) -> bool:
    """Whether held-out accuracy lies above training's by a fifth.

    Or, of few classes, by a third of what it has above guessing, and by more than chance brings.
    """
    scores = [each.accuracy or 0.0 for each in held_out[-3:]]
    counts = held_out[-1].counts
    above = min(scores) - (max(counts) / sum(counts) if sum(counts) else chance(history))
    steps = [step for step, _ in history.right] + [each.step for each in history.examinations]
    looked_at = sum(step > 0.75 * history.step for step in steps) * losses(history)[-1].batch
    error = math.sqrt(0.25 / max(1, looked_at) + 0.25 / max(1, held_out[-1].examples))
    clearly = above > right - chance(history) + max(3 * error, above / 3)
    return statistics.fmean(scores[-2:]) > right + 0.2 or clearly


def _unlearned(history: History, best: Evaluation, last: float) -> bool:
    """Whether held-out accuracy has fallen since its best, by more than chance does, while training's has risen."""
    score, then, now = best.accuracy or 0.0, accuracy_at(history, best.step), accuracy(history)
    error = math.sqrt(score * (1 - score) / max(1, best.examples))
    return then is not None and now is not None and now > then + 0.03 and score - last > max(0.04, 3 * error)


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
    if not history.ended or not held_out or len(known) < 4 or not supervised(history) or not _alike(known):
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


def _alike(known: Sequence[Sequence[int]]) -> bool:
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
    known = [each for each in whole if each and each.counts and sum(each.counts) >= 6 and each.kind == "classes"]
    if len(known) < 4 or history.adversarial or len(history.optimizers) > 1 or not settled(history):
        return
    if any((each.accuracy or 0.0) > 0.8 for each in scored(history)[-3:]):
        return
    purity = statistics.fmean(max(each.counts) / sum(each.counts) for each in known)
    pooled = chance(history)
    several = pooled < 0.75 and purity > max(0.9, pooled + 0.2)
    only = pooled == 1.0 and known[0].classes >= 3 and len(known) >= 5 and of_a_layer(known[0])
    if several or only:
        yield Sighting(confidence=0.9 if several else 0.8, evidence={"share": purity}, reading="class")


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
    """A generator was set to a seed it had before, in several steps."""
    if history.loop.reseeded >= 3:
        yield Sighting(confidence=0.85, evidence={"steps": history.loop.reseeded})
