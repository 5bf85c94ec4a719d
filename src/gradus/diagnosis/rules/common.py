"""Questions that several rules ask of a history."""

import math
import statistics
from collections.abc import Sequence

from gradus.diagnosis.history import History
from gradus.diagnosis.rules import asked_once
from gradus.diagnosis.signs import Evaluation, Examination, LossSigns

_UNDER_WAY = 0.9
_CLEAR = 2.5
"""Standard errors: one slope in 160 comes so far down by chance."""
_FEW, _NEARLY_ALL = 100, 0.85
"""Training examples, and the share of all from which on those that are known are about all there are."""

LONG_PLATEAU = 1000
"""Steps that a network may say the mean before it finds what to tell apart, or to keep."""
WEIGHTED = ("Linear", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")


def kind(history: History) -> str:
    """What the loss compares: "classes", "binary", "values", or ""."""
    kinds = [each.loss.kind for each in history.examinations[-5:] if each.loss is not None and each.loss.kind]
    return kinds[-1] if kinds else ""


@asked_once
def losses(history: History) -> list[LossSigns]:
    """The loss of each examination that has one of a known kind, in order."""
    return [each.loss for each in history.examinations if each.loss is not None and each.loss.kind]


@asked_once
def chance(history: History) -> float:
    """Accuracy of always saying the commonest class, from the batches seen so far; 1 if there are no classes."""
    pooled = _pooled(losses(history))
    return max(pooled) / max(1, sum(pooled)) if pooled else 1.0


def _pooled(known: Sequence[LossSigns]) -> list[int]:
    """How many of each class they have together."""
    return [sum(column) for column in zip(*[each.counts for each in known if each.counts], strict=False)]


@asked_once
def accuracy(history: History) -> float | None:
    """Share of right classes in training batches, over the last quarter of the run so far; None if it is unknown."""
    return accuracy_at(history, history.step)


def accuracy_at(history: History, now: int) -> float | None:
    """Share of right classes in training batches as it was at step `now`, over the quarter of the run before it."""
    values = [(each.step, each.loss.accuracy) for each in history.examinations if each.loss is not None]
    recent = [right for step, right in (*values, *history.right) if 0.75 * now <= step <= now]
    known = [right for right in recent if right is not None and math.isfinite(right)]
    return statistics.fmean(known) if len(known) >= 2 and now >= 10 else None


def stationary(history: History) -> bool:
    """Whether targets stay what they are, as data do and targets that a program makes for itself do not."""
    known = [each for each in losses(history) if each.kind == "values"]
    known = [each for each in known if math.isfinite(each.target_mean) and math.isfinite(each.target_std)]
    if len(known) < 3:
        return True
    first, last = known[: len(known) // 2], known[len(known) // 2 :]
    means = [statistics.fmean(each.target_mean for each in part) for part in (first, last)]
    stds = [statistics.fmean(each.target_std for each in part) for part in (first, last)]
    return abs(means[1] - means[0]) <= max(stds[0], 1e-12) and 0.4 <= (stds[1] + 1e-12) / (stds[0] + 1e-12) <= 2.5


@asked_once
def supervised(history: History) -> bool:
    """Whether a model learns given targets, so that its loss ought to fall."""
    return not history.adversarial and kind(history) != "" and stationary(history)


def improvement(history: History, number: int = 10) -> float:
    """Share of the first losses that is gone by now; negative if the loss has risen; NaN if it cannot be told."""
    start, end = history.losses.start(number), history.losses.end(number)
    if not (math.isfinite(start) and math.isfinite(end)) or start == 0:
        return math.nan
    return (start - end) / abs(start)


def progress(history: History) -> float:
    """The same, but of classes of the loss of knowing nothing, where the first losses lie above that."""
    start, end, nothing = history.losses.start(), history.losses.end(), knowing_nothing(history)
    plain = all(map(_is_plain, losses(history)[-3:]))
    return (nothing - end) / nothing if plain and start > nothing > 0 else improvement(history)


def _is_plain(loss: LossSigns) -> bool:
    """Whether a loss is how surprising the right classes are, without weights or smoothing."""
    return abs(loss.value - loss.terms * loss.surprise) < 0.05 * loss.value


@asked_once
def learned(history: History) -> bool:
    """Whether the run has plainly got somewhere: its loss has fallen, or it says more than the commonest class.

    A loss that has fallen and is still far above that of knowing nothing began too high, which is no progress; nor is
    it to have come down to about that, from nearby or, of given values, from ten times as far away.
    """
    gain = progress(history)
    known = losses(history)[-1:]
    worse = any(
        each.kind == "classes"
        and not (each.summed or each.not_log)
        and history.losses.end(10) > 2 * knowing_nothing(history)
        for each in known
    )
    lost = worse or any(
        each.kind == "values" and each.target_std > 0 and each.error > 3 * each.target_square for each in known
    )
    lost |= _came_down_to_nothing(losses(history))
    if math.isfinite(gain) and gain > 0.15 and not lost:
        return True
    right = accuracy(history)
    return right is not None and chance(history) < 0.9 and right > chance(history) + 0.15


def _came_down_to_nothing(known: Sequence[LossSigns]) -> bool:
    """Whether outputs began far from the targets and still explain less than a fifth of their variance."""
    if len(known) < 6 or not all(each.target_std > 0 for each in known):  # of classes there is none
        return False
    first, latest = known[0], known[-5:]
    far = first.error > 100 * first.target_square
    return far and statistics.fmean(each.error / (each.target_std * each.target_std) for each in latest) > 0.8


@asked_once
def explains_nothing(history: History) -> bool:
    """Whether outputs are no nearer to given values than the mean of each batch is, however far away they began."""
    return _missed(history) > 0.98


def explains_little(history: History) -> bool:
    """Whether they are hardly nearer."""
    return _missed(history) > 0.8


def _missed(history: History) -> float:
    """Of the variance of given values, the share that is not explained; 0 where too little is known."""
    known = [each for each in losses(history)[-5:] if each.kind == "values" and each.target_std > 0]
    if len(known) < 5:
        return 0.0
    return statistics.fmean(each.error / (each.target_std * each.target_std) for each in known)


@asked_once
def scored(history: History) -> list[Evaluation]:
    """Evaluations of held-out examples, in evaluation mode, whose accuracy is known."""
    return [each for each in history.held_out() if each.accuracy is not None and not each.training]


def too_few(history: History) -> bool:
    """Whether training examples are so few that they are known by heart before anything carries over to others."""
    looks = [each for each in history.held_out() if each.known]
    return bool(looks) and looks[-1].known < _FEW and looks[-1].share_known > _NEARLY_ALL


def of_a_layer(loss: LossSigns) -> bool:
    """Whether classes are a layer's units, rather than places in a list of candidates of which the first is right."""
    shapes = [head[-1].shape for head in loss.heads if head]
    return any(len(shape) > 1 and shape[1 if len(shape) > 3 else -1] == loss.classes for shape in shapes)


def among_candidates(history: History) -> bool:
    """Whether training asks which of a few candidates belongs to an example: the fewer, the more are right.

    Those of a batch, each of which is right for one example; or a list of which the first is always right.
    """
    known = [each for each in losses(history)[-3:] if each.kind == "classes" and each.counts]
    within = all(set(each.counts) == {1} for each in known)
    first = all(each.counts[0] == sum(each.counts) and not of_a_layer(each) for each in known)
    return bool(known) and (within or first)


def says_no(history: History) -> bool:
    """Whether each example belongs to one of several classes, and a loss of yes or no for each class by itself has so
    far led to the answer no for most examples.
    """
    known = [each for each in losses(history) if each.kind == "binary" and each.said is not None]
    early = history.step < 60 and not history.ended
    if len(known) < 5 or early or not all(each.one_class > 0.99 for each in known):
        return False
    yes = 1 - chance(history)  # of all answers, one for each example
    return yes < 0.4 and max(1 - (each.said or 0.0) for each in known[-3:]) < 0.5 * yes


def knowing_nothing(history: History) -> float:
    """The loss of knowing nothing: ln K of cross-entropy, the variance of a squared error; NaN if it cannot be told."""
    known = losses(history)[-1:]
    if not known:
        return math.nan
    if known[0].kind == "values":
        return known[0].target_std * known[0].target_std
    return known[0].even_odds


def saying_shares(known: Sequence[LossSigns]) -> float:
    """The loss of saying of each class how often it comes: the entropy of its share."""
    pooled = _pooled(known)
    shares = [count / sum(pooled) for count in pooled if count]
    return -math.fsum(share * math.log(share) for share in shares)


def falling(history: History) -> bool:
    """Whether the loss fell at the end nearly as fast as before: no more than one time constant of its fall has passed.

    Of what is lost between the first quarter and the last, the last brings a quarter where an exponential has fallen
    for one time constant, and a third of a straight line. It has to stand out from the scatter of the second half.
    """
    quarters = history.losses.quarters()
    if not quarters or not all(map(math.isfinite, quarters)):
        return False
    whole, last = quarters[0] - quarters[3], quarters[2] - quarters[3]
    bins = history.losses.bins
    return whole > 0 and last > 0.25 * whole and slope(bins[len(bins) // 2 :]) < -_CLEAR


def under_way(history: History) -> bool:
    """Whether the program goes on and its loss still falls: by a tenth and more from the third quarter to the last."""
    quarters = history.losses.quarters()
    return not history.ended and bool(quarters) and quarters[3] < _UNDER_WAY * quarters[2]


def slope(values: Sequence[float]) -> float:
    """The slope of a line through equally spaced values, in its own standard errors; 0 of fewer than four."""
    if len(values) < 4 or not all(map(math.isfinite, values)):
        return 0.0
    rise, start = statistics.linear_regression(range(len(values)), values)
    scatter = math.fsum((value - start - rise * at) ** 2 for at, value in enumerate(values)) / (len(values) - 2)
    error = math.sqrt(12 * scatter / (len(values) ** 3 - len(values)))
    return rise / error if error else math.copysign(math.inf, rise) if rise else 0.0


def settled(history: History) -> bool:
    """Whether the first steps are over, in which much comes right by itself, or all is."""
    return history.step >= 20 or history.ended or history.non_finite is not None


def struggling(history: History) -> bool:
    """Whether the run has had the time to get somewhere, if slowly, and has not: there is harm to be explained."""
    return (history.step >= 50 or history.ended or history.non_finite is not None) and not learned(history)


@asked_once
def thriving(history: History) -> bool:
    """Whether nearly all is right, or nearly all of the targets' variance explained: nothing is lost."""
    known = [each for each in losses(history)[-5:] if each.kind == "values" and each.target_std > 0]
    if known:
        missed = statistics.fmean(each.error / (each.target_std * each.target_std) for each in known)
        return len(known) >= 2 and missed < 0.2
    right = accuracy(history)
    return right is not None and chance(history) < 0.9 and right > max(0.9, chance(history) + 0.1)


def update_ratio(examination: Examination) -> float | None:
    """Median over matrices of update over weight; None where nothing learned."""
    ratios = [
        each.ratio
        for each in examination.parameters.values()
        if each.matrix
        and each.elements >= 8
        and each.ratio is not None
        and each.gradient is not None
        and not each.embedding
    ]
    return statistics.median(ratios) if ratios else None


def warming_up(history: History) -> bool:
    """Whether the learning rate is still rising, and there are steps to come for which it does."""
    rates = history.rates
    return (
        not history.ended
        and len(rates.first) > 1
        and rates.recent[-1] > 1.2 * max(rates.first[0], 1e-30)
        and rates.recent[-1] > rates.recent[0]
    )


def weighted_layers(examination: Examination) -> list[tuple[str, float, float]]:
    """Places, deviations and variations over the batch of the layers with matrices, in order, outputs left out.

    Those, of which the last is one in any case, may begin at zero.
    """
    found = [
        (place, each)
        for place, each in examination.layers.items()
        if each.type in WEIGHTED and each.finite and each.peak > 0  # some begin at zero, and will not stay there
    ]
    return [(place, each.std, each.varied) for place, each in found[:-1] if not each.output]


def clip(value: float) -> float:
    """A confidence or share between 0 and 1."""
    return min(1.0, max(0.0, value))
