"""Whether labels belong to their inputs, and held-out examples are like those of training and none of them."""

import math
import statistics
from collections.abc import Iterator, Sequence

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, lasting, rules
from gradus.diagnosis.rules.balance import alike
from gradus.diagnosis.rules.common import (
    accuracy,
    accuracy_at,
    chance,
    explains_little,
    kind,
    knowing_nothing,
    losses,
    saying_shares,
    scored,
    supervised,
    too_few,
)
from gradus.diagnosis.signs import Evaluation, LossSigns

_ENOUGH = 50
"""Training examples to know before held-out ones are said to be unlike them."""
_SOON = 8
"""Steps in which passes that come at every step, as of a generator that stands still, cannot be told from others."""

_SOME = 32
"""Examples that came again, of which hardly any would have another label."""
_ENOUGH_RIGHT = 320
"""Training examples of which it is known whether they are right, where it was not often looked at."""
_SOME_DROPOUT = 0.2
_LITTLE_DROPOUT = 0.1
_CLEARLY_LESS = 0.1
"""Nats by which held-out labels surprise less than training's, beyond twice what of these is explained."""
_LITTLE = 0.4
"""Of what training had above guessing, what held-out examples may have that are read in another way."""
_NEAR_BY_CHANCE = 0.28
"""Of two values drawn from one bell curve, how often they lie within half a deviation."""
_KEPT = 0.2
"""Share of the examples that may keep their label, but for chance, where these are drawn anew."""

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
            en="the network soon did well on training examples it had not seen, and comes little above chance on these",
            zh="网络很快就能答对没有见过的训练样本，在这些样本上却只略好于猜测",
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
        if not each.passes or each.every_step or each.stirs or _does_as_well(history, each):
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
        return
    if at_chance is None or not _learned_at_once(history):
        at_chance = _far_below_the_unseen(history)
    if at_chance is not None:
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
    partly = [each for each in looks if each.passes and _in_part(each) and not each.of_training]
    measured = any(each.measured for each in partly)
    if measured and len(partly) >= 3 and len(partly) == len(looks) and looks[-1].step - looks[0].step >= len(looks):
        share = statistics.fmean(each.seen for each in partly)
        yield Sighting(confidence=0.7, evidence={"seen": share}, reading="held-out examples were trained on")


def _in_part(held_out: Evaluation) -> bool:
    """Whether examples of an evaluation were trained on, but not as good as all: of few known ones few can be seen."""
    return max(0.05, min(0.1, 0.5 * held_out.share_known)) < held_out.seen < 0.9


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
    "before which something carried over, or of fewer than a hundred examples; held-out inputs that lie elsewhere; "
    "pairs, of which one comes again with another; values of what is done in a state; labels that a program makes for "
    "itself, and learns",
    says=Message(
        en="Labels seem unrelated to inputs: {what}.",
        zh="标签似乎与输入无关：{what}。",
    ),
    words={
        "learned by heart": Message(
            en="training examples come to be right or explained, and held-out ones as by guessing",
            zh="训练样本逐渐正确或得到解释，而验证样本仍与猜测相当",
        ),
        "others each time": Message(
            en="training examples come again with other labels, as if these were drawn anew",
            zh="训练样本再次出现时带着别的标签，如同重新抽取",
        ),
    },
)
def labels_unrelated(history: History) -> Iterator[Sighting]:
    """What is learned from training examples says nothing about others; or these have other labels each time."""
    kept = labels_kept(history)
    if kept is not None:
        yield Sighting(confidence=0.95, evidence={"kept": kept}, reading="others each time")
        return
    at_chance = _at_chance(history) or _explained_here_alone(history)
    if at_chance is not None and not (too_few(history) or _learned_at_once(history) or _of_other_classes(history)):
        yield Sighting(confidence=0.8, evidence=at_chance, reading="learned by heart")


def labels_kept(history: History) -> float | None:
    """The share of examples that had the label of before when they came again, where that is as by chance."""
    again = [each for each in history.examinations if each.again]
    number, kept = sum(each.again or 0 for each in again), sum(each.kept for each in again)
    pooled = [sum(column) for column in zip(*[each.counts for each in losses(history) if each.counts], strict=False)]
    if number < _SOME or not supervised(history) or _answers_picked(history):
        return None
    by_chance = sum((each / sum(pooled)) ** 2 for each in pooled) if pooled else _NEAR_BY_CHANCE
    right = accuracy(history)
    little = explains_little(history) if kind(history) == "values" else right is None or right < chance(history) + 0.3
    return kept / number if little and kept / number < by_chance + _KEPT * (1 - by_chance) else None


def _answers_picked(history: History) -> bool:
    """Whether the model says several values of an example, one of which is compared: as of what is done in a state."""
    picked = any(op.name in ("Gather", "Index") for loss in losses(history)[-1:] for head in loss.heads for op in head)
    return kind(history) == "values" and picked


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
    # What was measured long ago tells nothing of now, unless it goes on to be so.
    held_out = [each.accuracy or 0.0 for each in scored(history) if each.step >= 0.4 * history.step]
    if held_out and len(held_out) < 3:
        held_out = [each.accuracy or 0.0 for each in scored(history)[-3:]]
    right = accuracy(history)
    known = losses(history)
    early = history.step < 100 and not history.ended
    if len(held_out) < 3 or early or right is None or not _one_answer_each(known) or not supervised(history):
        return None
    guess = chance(history)
    glances = sum(step > 0.75 * history.step for step, _ in history.right)
    clear = 0.12 if glances < 6 or len(held_out) < 4 else 0.06
    if max(held_out[-3:]) < guess + clear / 2 and right > guess + clear and guess < 0.8:
        return {"train": right, "held_out": held_out[-1]}
    return None


def _one_answer_each(known: Sequence[LossSigns]) -> bool:
    """Whether training is right or wrong of an example, as evaluations are, and not of several answers to it."""
    return bool(known) and all(sum(each.counts) <= each.batch for each in known)


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


def _far_below_the_unseen(history: History) -> dict[str, float] | None:
    """Accuracy on training examples before any came again, and on held-out ones since, which is far lower.

    It was right of the former as of any like them. None where none came again, as of those that a program makes or
    changes each time.
    """
    known = [each for each in history.examinations if each.again is not None]
    first = next((at for at, each in enumerate(known) if (each.again or 0) > 2), 0)
    until = known[first - 1].step if first else 0
    right = accuracy_at(history, until)
    held_out = [
        each for each in scored(history) if each.step >= max(until, 0.4 * history.step) and each.examples >= _ENOUGH
    ]
    counts = [each.counts for each in losses(history) if each.counts]
    if right is None or not held_out or not supervised(history):
        return None
    if not _one_answer_each(losses(history)) or not alike(counts):
        return None
    best, guess = max(each.accuracy or 0.0 for each in held_out), chance(history)
    least = 0.3 + 1 / math.sqrt(held_out[-1].examples)
    if right - best > least and best - guess < _LITTLE * (right - guess):
        return {"train": right, "held_out": best}
    return None


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
    if held_out[-1].step < 0.4 * history.step:  # long ago
        return
    scores = [each.accuracy or 0.0 for each in held_out]
    best, last = max(scores), statistics.fmean(scores[-2:])
    dropout = max((facts.dropout for facts in history.models.values()), default=0.0)
    scaled_alike = all(0.93 < each.scale < 1.07 for each in held_out)
    evidence = {"best": best, "train": right, "last": last}
    looks = _looks(history)
    if looks < 8 and (looks < 5 or looks * losses(history)[-1].batch < _ENOUGH_RIGHT):
        return
    # A loss that is low though many are wrong weighs the examples: the program knows.
    weighed = history.losses.end(20) < 0.2 * knowing_nothing(history)
    early = scores.index(best) < 0.6 * len(scores)
    # Wrong labels do no harm where nearly every held-out example is told right, as with dropout that is no module.
    more = last < 0.98 and _better(history, right, held_out, dropout)
    more |= dropout < _LITTLE_DROPOUT and _less_surprised(history)
    if more and scaled_alike and right < 0.8 and not weighed:
        yield Sighting(confidence=0.7, evidence=evidence)
    elif early and best - last > 0.08 and right > last + 0.1 and best < 0.95:
        yield Sighting(confidence=0.6, evidence=evidence)
    elif early and _unlearned(history, held_out[scores.index(best)], last) and last > right + 0.05 and right < 0.8:
        yield Sighting(confidence=0.7, evidence=evidence)


def _looks(history: History) -> int:
    """How often it was looked at what is right in training, of late."""
    steps = [step for step, _ in history.right] + [each.step for each in history.examinations]
    return sum(step > 0.75 * history.step for step in steps)


def _better(history: History, right: float, held_out: Sequence[Evaluation], dropout: float) -> bool:
    """Whether held-out accuracy lies above training's by a fifth.

    Or, of few classes, by a third of what it has above guessing, and by more than chance brings. With some dropout,
    by which training's is lowered, it must be by half of that.
    """
    scores = [each.accuracy or 0.0 for each in held_out[-3:]]
    counts = held_out[-1].counts
    above = min(scores) - (max(counts) / sum(counts) if sum(counts) else chance(history))
    looked_at = _looks(history) * losses(history)[-1].batch
    error = math.sqrt(0.25 / max(1, looked_at) + 0.25 / max(1, held_out[-1].examples))
    if dropout >= 0.1:
        return dropout <= _SOME_DROPOUT and above > right - chance(history) + max(3 * error, above / 2)
    clearly = above > right - chance(history) + max(3 * error, above / 3)
    return statistics.fmean(scores[-2:]) > right + 0.2 or clearly


def _less_surprised(history: History) -> bool:
    """Whether held-out labels surprise far less than training's: more than twice as much of them is explained.

    What is said of single examples may be right of hardly more, where labels were drawn from all at random.
    """
    known, held_out = losses(history), [each.loss for each in scored(history)[-3:] if each.loss is not None]
    plain = all(each.kind == "classes" and abs(each.value - each.surprise) < 0.02 * each.value for each in known)
    quarters = history.losses.quarters()
    if len(held_out) < 3 or len(known) < 10 or not (plain and quarters) or any(each.terms > 1 for each in known):
        return False
    nothing, train = saying_shares(known), quarters[3]
    return nothing - max(held_out) > 2 * max(0.0, nothing - train) + _CLEARLY_LESS


def _unlearned(history: History, best: Evaluation, last: float) -> bool:
    """Whether held-out accuracy has fallen since its best, by more than chance does, while training's has risen."""
    score, then, now = best.accuracy or 0.0, accuracy_at(history, best.step), accuracy(history)
    error = math.sqrt(score * (1 - score) / max(1, best.examples))
    return then is not None and now is not None and now > then + 0.03 and score - last > max(0.04, 3 * error)
