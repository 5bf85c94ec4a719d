"""How far a step goes."""

import itertools
import math
import statistics
from collections.abc import Iterable, Iterator

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, asked_once, rules
from gradus.diagnosis.rules.common import (
    accuracy,
    chance,
    falling,
    improvement,
    kind,
    knowing_nothing,
    learned,
    losses,
    settled,
    stationary,
    struggling,
    supervised,
    thriving,
    update_ratio,
    warming_up,
)
from gradus.diagnosis.signs import Op, OptimizerFacts, ParameterSigns

Weights = Iterable[tuple[str, ParameterSigns]]

SMALL, LARGE, STILL_LARGE = 1e-4, 0.5, 0.3
CREEPING = 5e-4
_HARDLY = 0.1
_CUT_OFF = 0.1
_FEW_BINS = 20
_SCALE_FREE = ("Lion", "Rprop", "Muon", "LBFGS", "Adafactor")
"""Optimizers without an epsilon that go no farther where the gradient is larger."""
_MEANT, _ROUNDED, _STEADY = 0.2, 1.5, 2e-3
_NEAR_ZERO = 0.1
_A_WHILE = 20
_BEYOND = 0.01
_SHORTENED = 6.0
_MAKES_UP = 0.03


@rules.register(
    "small-updates",
    source="Karpathy (cs231n): about 1e-3 is right; below 1e-4 for several examinations; healthy runs stay above 9e-4",
    not_fooled_by="a warm-up; fine-tuning and the end of a schedule, where the loss is low already; a schedule that is "
    "over too soon; gradients that vanish",
    says=Message(
        en="Steps are tiny: a step changes the weights by {ratio:.1e} of their size, where about 1e-3 is usual.",
        zh="每步的变化极小：一步只改变权重的 {ratio:.1e}，通常约为 1e-3。",
    ),
)
def small_updates(history: History) -> Iterator[Sighting]:
    """Update over weight is below 1e-4 and the loss does not fall, or it falls as slowly as at first to the end.

    Or a schedule never lets the rate come near what the optimizer was given.
    """
    latest = history.latest(3)
    if cut_off(history):
        return
    if _creeps(history) or (latest and _held_down(history)):
        ratio = update_ratio(latest[-1]) or SMALL
        yield Sighting(since=latest[0].step, evidence={"ratio": ratio}, worse=1 / ratio)
        return
    ratios = [update_ratio(each) for each in latest]
    if not latest or warming_up(history) or not struggling(history):
        return
    known = [each for each in ratios if each is not None and 0 < each < SMALL]
    if len(known) == len(ratios):
        yield Sighting(since=latest[0].step, evidence={"ratio": known[-1]}, worse=1 / known[-1])


def _creeps(history: History) -> bool:
    """Whether a run ended on a straight way down, or nowhere, and all its many steps left weights where they were.

    Steps change weights by less than a twentieth of a percent, and all together by less than a third; by less than a
    tenth the way may be bent, as by a schedule. Of a loss that does not fall that tells where the rate alone says how
    far a step goes; else it may be gradients that are small. One of a kind that is not known, as a flow's, has to come
    down from quarter to quarter, or it may be one that does not tell.
    """
    ratios = [each for each in map(update_ratio, history.examinations) if each]  # 0 while gradients are added up
    if not history.ended or history.step < 100 or history.adversarial or len(ratios) < 8:
        return False
    adaptive = bool(history.optimizers) and all(each.epsilon > 0 for each in history.optimizers.values())
    right = accuracy(history)
    if history.earlier and (right is None or right > chance(history) + 0.05):
        return False  # what was trained before may move little, once it tells anything
    moved = statistics.fmean(ratios) * history.step
    hardly = moved < _HARDLY
    bent = hardly if learned(history) else adaptive
    down = all(one > two for one, two in itertools.pairwise(history.losses.quarters()))
    return (
        statistics.median(ratios) < CREEPING
        and moved < 1 / 3
        and (falling(history) or (bent and (supervised(history) or (hardly and down and not kind(history)))))
        and (right is None or right < 0.8)
        and not thriving(history)
    )


def _held_down(history: History) -> bool:
    """Whether a schedule gave the rate itself, which the optimizer multiplies its own by: it never came to more.

    A rate of 1 and the like is given where that is meant.
    """
    highest = max(history.rates.bins, default=0.0)
    given = max((each.given for each in history.optimizers.values() if each.given < _MEANT), default=math.nan)
    ratios = [each for each in map(update_ratio, history.examinations) if each]
    return (
        history.ended
        and history.step >= _A_WHILE
        and highest <= _ROUNDED * given * given
        and (not ratios or statistics.median(ratios) < _STEADY)
        and not thriving(history)
    )


def cut_off(history: History) -> bool:
    """Whether a schedule brought the rate to almost nothing early, as one does that is meant to step once an epoch.

    From where it is highest on, rates add up to less than a tenth of what it alone would have; 0.4 and more is usual.
    """
    bins = history.rates.bins
    highest = max(bins, default=0.0)
    if not history.ended or len(bins) < _FEW_BINS or not highest > 0:
        return False
    since = bins[bins.index(highest) :]
    late = [update_ratio(each) for each in history.examinations if each.step > 0.5 * history.step]
    moved = [each for each in late if each is not None]  # a rate that was only tried out may have been the highest
    return (
        len(since) > 0.5 * len(bins)
        and statistics.fmean(since) < _CUT_OFF * highest
        and bool(moved)
        and statistics.median(moved) < CREEPING
        and not thriving(history)
    )


@rules.register(
    "large-updates",
    source="our prototype: the median matrix changes by more than half in a step, or 0.3 later; healthy runs stay "
    "below 0.23",
    not_fooled_by="single layers that begin at zero; the first steps, which may be large as long as the loss does not "
    "rise; an optimizer that searches how far to go; tables that begin near zero, and grow while the loss comes down",
    says=Message(
        en="Steps are huge: a step changes the weights by {ratio:.2g} of their size, where about 1e-3 is usual.",
        zh="每步的变化极大：一步改变权重的 {ratio:.2g}，通常约为 1e-3。",
    ),
)
def large_updates(history: History) -> Iterator[Sighting]:
    """Update over weight is far above usual at several examinations, and the run is the worse for it."""
    high = _too_large(history)
    if high:
        yield Sighting(since=high[0][0], evidence={"ratio": high[-1][1]}, worse=high[-1][1])


def _too_large(history: History) -> list[tuple[int, float]]:
    """Steps and ratios that are too large in one of three ways; none if they do no harm."""
    if any(each.searches for each in history.optimizers.values()):
        return []  # what it tried on the way is among the losses, and no sign of harm
    ratios = [(each.step, update_ratio(each)) for each in history.examinations[:12]]
    known = [(step, ratio) for step, ratio in ratios if ratio is not None and math.isfinite(ratio)]
    # The first steps may be large: what begins near zero grows by about 1 / t of its size in step t.
    high = [each for each in known if each[1] > LARGE or (each[1] > STILL_LARGE and each[0] >= 4)]
    if not _lost(history):  # large steps that do no harm are small ones soon, or must go on for a while
        high = [each for each in high if each in known[-3:]] if history.step >= _A_WHILE else []
    if len(high) >= 3 and not learned(history):
        return high
    right = accuracy(history)
    well = (right is not None and right > 0.9) or (_scale_free(history) and not _stuck(history))
    grown = [each for each in known if each[1] > 0.08]
    # A table of leaves or factors that begins near zero may well grow tenfold, as long as the loss comes down.
    if len(grown) >= 6 and growth(history) > (5 if _stuck(history) else 10) and not well and history.step >= 50:
        return grown
    if _runs_wild(history):
        return [(each.step, update_ratio(each) or 0.0) for each in history.latest(5)]
    return []


def _scale_free(history: History) -> bool:
    """Whether there are normalizations, under which weights may grow without harm."""
    return any(each.normalizations for each in history.models.values())


def _stuck(history: History) -> bool:
    """Whether little was learned, and no more is: the last quarter brought nothing."""
    quarters = history.losses.quarters()
    return (
        bool(quarters)
        and history.step >= 100
        and history.losses.end(20) > 0.6 * knowing_nothing(history)
        and quarters[3] > 0.95 * quarters[2]
    )


def _runs_wild(history: History) -> bool:
    """Whether weights are many times what they were, still move by a percent a step, and the loss stays where it is."""
    quarters = history.losses.quarters()
    ratios = [update_ratio(each) or 0.0 for each in history.latest(5)]
    return (
        history.step >= 100
        and kind(history) == "classes"
        and growth(history) > 5
        and statistics.median(ratios) > 0.01
        and min(quarters[2:]) > 0.97 * quarters[1]
        and history.losses.end(20) > 0.5 * math.log(max(2, losses(history)[-1].classes))
    )


def _lost(history: History) -> bool:
    """Whether the loss is well above where it began."""
    start, end = history.losses.start(1), history.losses.end(3)
    return not (math.isfinite(end) and end <= start + 0.3 * abs(start))


@asked_once
def growth(history: History) -> float:
    """How many times as large the middle one of the matrices is as it was at first; 1 if it cannot be told.

    What begins near zero has to grow, and does not count.
    """
    if history.first is None or history.last is None:
        return 1.0
    return times_as_large(history.weights(history.first), history.weights(history.last))


def times_as_large(first: Weights, last: Weights) -> float:
    """The same of these matrices, as they were and as they are."""
    before = dict(first)
    ratios = [
        each.weight / before[place].weight
        for place, each in last
        if place in before and before[place].weight * math.sqrt(before[place].fan_in) > _NEAR_ZERO
    ]
    return statistics.median(ratios) if ratios else 1.0


@rules.register(
    "optimizer-epsilon-too-large",
    source="Kingma & Ba (2015): epsilon only guards the division; drowned means the root of the second moment lies "
    "below it",
    not_fooled_by="1e-8, or 1e-3 and more where gradients are larger than that; a rate raised to make up for it, and "
    "targets that a program makes for itself, where 1e-2 is customary",
    says=Message(
        en="The optimizer's epsilon, {epsilon:.1e}, is larger than the gradients it is added to ({drowned:.0%} of "
        "them): "
        "steps shrink to nothing and are no longer adapted.",
        zh="优化器的 epsilon（{epsilon:.1e}）大于它所加到的梯度（占 {drowned:.0%}）：步长趋于零，也不再自适应。",
    ),
)
def optimizer_epsilon_too_large(history: History) -> Iterator[Sighting]:
    """Epsilon exceeds nearly all second moments' roots, and steps are small, or a sixth of what the rate says.

    Of the latter a loss that falls all the same does not clear it: each weight should move by about the rate.
    """
    last = history.last
    ratio = update_ratio(last) if last is not None else None
    if not settled(history) or thriving(history):
        return
    small = not learned(history) and ratio is not None and ratio < 1e-3
    for facts in history.optimizers.values():
        drowned = facts.epsilon >= 1e-4 and facts.drowned > 0.9
        if (drowned and small) or (_shortens(facts) and stationary(history)):
            yield Sighting(confidence=0.9, evidence={"epsilon": facts.epsilon, "drowned": facts.drowned})


def _shortens(facts: OptimizerFacts) -> bool:
    """Whether epsilon is beyond the customary and takes most of each step, and no rate makes up for it.

    Of steps that are not adapted any more the rate is that of plain descent, over epsilon: it is often 0.1 or so.
    """
    return facts.epsilon >= _BEYOND and facts.shortened > _SHORTENED and facts.rate < _MAKES_UP


@rules.register(
    "summed-loss",
    source="a sum over B examples makes every gradient B times that of the mean",
    not_fooled_by="a sum whose rate was chosen for it: it is only said where steps are too large",
    says=Message(
        en="The loss adds up the {batch:.0f} examples of a batch instead of averaging them, so steps are {batch:.0f} "
        "times as "
        "large, and they are too large.",
        zh="损失把一个批次的 {batch:.0f} 个样本相加而不是取平均，步长因此是 {batch:.0f} 倍，而且过大。",
    ),
)
def summed_loss(history: History) -> Iterator[Sighting]:
    """Examples are added up, and the run shows it."""
    known = losses(history)
    if not known or history.step < 5:
        return
    last = known[-1]
    summed = last.summed or (last.heads and all(_adds_examples(head, last.batch) for head in last.heads))
    # Where the gradient's size tells how far a step goes, be it in a class of one's own.
    plain = any(not each.epsilon and each.name not in _SCALE_FREE for each in history.optimizers.values())
    gain = improvement(history, 5)
    hurt = not math.isfinite(gain) or (gain < 0.05 and history.step >= 30) or history.non_finite is not None
    if (
        summed
        and last.batch > 1
        and (plain or not history.optimizers)
        and (hurt or next(large_updates(history), None) is not None)
    ):
        yield Sighting(confidence=0.8, evidence={"batch": last.batch})


def _adds_examples(head: tuple[Op, ...], batch: int) -> bool:
    """Whether a sum over the batch comes nearest to the loss, with no division after it; or the mean times its size."""
    for op in head:
        if (op.name == "Sum" and op.shape == ()) or (op.name == "Mul" and op.times == batch):
            return batch > 1
        if op.name not in ("Neg", "Add"):
            return False
    return False
