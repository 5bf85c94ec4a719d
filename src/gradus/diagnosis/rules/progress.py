"""How the loss goes: whether it falls, how steadily, and whether it was given the time."""

import itertools
import math
import statistics
from collections.abc import Iterator, Sequence

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, rules
from gradus.diagnosis.rules.common import (
    LONG_PLATEAU,
    accuracy,
    chance,
    explains_nothing,
    falling,
    improvement,
    kind,
    knowing_nothing,
    losses,
    progress,
    saying_shares,
    scored,
    settled,
    supervised,
    thriving,
    under_way,
    warming_up,
)
from gradus.diagnosis.rules.rate import cut_off
from gradus.diagnosis.signs import LossSigns

_MANY = 32
"""Steps of which the middle one tells where a loss that jumps up and down is."""
_REACHES = 1e-6
"""Of the gradient at the last step: with less at the first nothing distant is found."""


@rules.register(
    "no-learning",
    source="our prototype: less than 2 % of the loss gone after 300 steps, or when the program ends; of the loss of "
    "knowing nothing where it began above that",
    not_fooled_by="long plateaus before that; losses of players, of reinforcement, of targets that move",
    says=Message(
        en="After {steps:.0f} steps the loss has not fallen, or only to that of knowing nothing: {start:.4g} at first, "
        "{end:.4g} now.",
        zh="训练 {steps:.0f} 步后损失没有下降，或只降到一无所知时的水平：最初 {start:.4g}，现在 {end:.4g}。",
    ),
)
def no_learning(history: History) -> Iterator[Sighting]:
    """The training loss is where it began, and outputs say no more than the commonest answer."""
    enough = history.step >= 300 or (history.ended and history.step >= 30)
    gain = progress(history)
    if not enough or not supervised(history) or not math.isfinite(gain) or warming_up(history):
        return
    if history.earlier and kind(history) == "values":
        return  # of models that are trained one after the other, the later ones may be left what cannot be explained
    if gain < improvement(history) and falling(history):
        return  # it began above the loss of knowing nothing, and is on its way past it
    right = accuracy(history)
    knows = right is not None and right > chance(history) + 0.1
    if kind(history) == "values":
        knows = _explained(history) > 0.1
        low = False
    else:
        low = history.losses.start() < 0.3 * _ignorance(history)
    if gain < 0.02 and not knows and not low:
        start, end = history.losses.start(), history.losses.end()
        yield Sighting(evidence={"steps": history.step, "start": start, "end": end}, worse=1 + max(0.0, -gain))


def _ignorance(history: History) -> float:
    """Cross-entropy of saying every class is equally likely."""
    known = losses(history)
    return math.log(max(2, known[-1].classes)) if known else 1.0


def _explained(history: History) -> float:
    """Share of the targets' variance that outputs explain; 1 if it cannot be told."""
    known = losses(history)[-5:]
    errors = [
        1 - each.error / (each.target_std * each.target_std)
        for each in known
        if each.target_std > 0 and math.isfinite(each.error)
    ]
    return statistics.fmean(errors) if errors else 1.0


@rules.register(
    "divergence",
    source="TheDeepChecker takes twice the best loss; our prototype: the mean of five above 1.5 times the first ones; "
    "of classes the middle one of many a fifth above that of knowing nothing, which was as good at first",
    not_fooled_by="single spikes; losses below zero; players; targets that move, as in Q-learning; a penalty that "
    "grows while nearly all is right",
    severity="critical",
    says=Message(
        en="The loss grows: {start:.4g} at first, {end:.4g} now.",
        zh="损失在增大：最初 {start:.4g}，现在 {end:.4g}。",
    ),
)
def divergence(history: History) -> Iterator[Sighting]:
    """The training loss is well above where it began."""
    if not supervised(history) or history.step < 8 or thriving(history):
        return
    start, end = history.losses.start(3), history.losses.end(5)
    recent = list(history.losses.recent)[-5:]
    # Of a jump at the first update the first losses are part.
    above = max(history.losses.first[:5]) if end < 100 * start else start
    much = 1.5 if settled(history) else 5.0
    grew = start > 0 and math.isfinite(end) and end > much * start and min(recent) > above
    if (grew and not _with_targets(history)) or _knows_less_than_nothing(history):
        yield Sighting(evidence={"start": start, "end": end}, worse=end / start, since=max(0, history.step - 5))


def _knows_less_than_nothing(history: History) -> bool:
    """Whether classes are told worse than by even odds, time and again, after they were told as well at first."""
    known = losses(history)
    recent = list(history.losses.recent)[-_MANY:]
    if len(recent) < _MANY or len(known) < 5 or any(each.kind != "classes" for each in known):
        return False
    if (accuracy(history) or 0.0) > chance(history) + 0.1:
        return False
    nothing = max(knowing_nothing(history), history.examinations[0].losses[0].value)
    # A loss with weights, of actions that were chosen say, may be anything: the surprise has to be great as well.
    surprise = statistics.fmean(each.surprise for each in known[-5:])
    return statistics.median(recent) > 1.2 * nothing and surprise > 1.2 * math.log(max(2, known[-1].classes))


def _with_targets(history: History) -> bool:
    """Whether errors grow because targets do, as a critic's of a policy that explores: as a share of them they fall."""
    known = [each for each in losses(history) if each.kind == "values" and each.target_square > 0]
    if not known:  # of classes there is none
        return False
    first, last = (
        statistics.fmean(each.error / each.target_square for each in part) for part in (known[:3], known[-3:])
    )
    return last < first


@rules.register(
    "oscillation",
    source="AutoTrainer: up and down by 3 % in a fifth of the epochs; here by half of the level, medians of 8 steps",
    not_fooled_by="the noise of small batches and examples far off, which medians leave out; a loss that is low, where "
    "half is little",
    says=Message(
        en="The loss goes up and down instead of falling: {swings:.0f} swings of more than half its level.",
        zh="损失上下波动而不下降：有 {swings:.0f} 次超过其水平一半的摆动。",
    ),
)
def oscillation(history: History) -> Iterator[Sighting]:
    """The smoothed loss keeps rising by half and falling again, on a level that is not low."""
    bins = history.losses.bins
    if not supervised(history) or len(bins) < 48 or not all(map(math.isfinite, bins)) or min(bins) < 0:
        return
    smooth = [statistics.median(bins[at : at + 8]) for at in range(0, len(bins) - 7, 8)]
    late = smooth[len(smooth) // 3 :]
    level = statistics.fmean(late)
    if level < 0.6 * smooth[0] or level < 0.2 * knowing_nothing(history) or len(late) < 4:
        return
    swings = sum(1 for one, two in itertools.pairwise(late) if two > 1.5 * one)
    if swings >= 3:
        yield Sighting(evidence={"swings": swings}, worse=swings)


@rules.register(
    "plateau",
    source="TheDeepChecker: less than 5 % over five windows; here less than 1 % over the second half of the run",
    not_fooled_by="a loss that has come down already; noise that no model could explain, of which held-out examples "
    "tell as much as those of training",
    at_end=True,
    says=Message(
        en="The loss stopped falling early and far from zero: {half:.4g} at half time, {end:.4g} at the end.",
        zh="损失过早停止下降，且离零还远：中途 {half:.4g}，结束时 {end:.4g}。",
    ),
)
def plateau(history: History) -> Iterator[Sighting]:
    """The second half of a run brought nothing, at a level where classes are still taken for one another."""
    quarters = history.losses.quarters()
    right = accuracy(history)
    if not quarters or not supervised(history) or history.step < 100 or right is None:
        return
    flat = abs(quarters[1] - quarters[3]) < 0.01 * abs(quarters[1])
    low = right < min(0.6, chance(history) + 0.25)
    if flat and low and not _all_there_is(history, right, quarters[3]):
        yield Sighting(evidence={"half": quarters[1], "end": quarters[3]}, confidence=0.7)


def _all_there_is(history: History, right: float, value: float) -> bool:
    """Whether held-out examples are told apart as well as those of training, and better than by chance.

    Then it is likely all that can be told: what keeps a network from learning keeps it from knowing anything.
    """
    guess, known = chance(history), losses(history)
    if any(each.summed for each in known[-1:]) or value > 0.99 * saying_shares(known):
        return False
    held_out = [each for each in scored(history) if each.step >= 0.5 * history.step]
    if not held_out:  # then by how surprising they are
        late = [each.loss for each in history.held_out() if each.loss is not None and each.step >= 0.5 * history.step]
        return bool(late) and statistics.fmean(late) < min(1.05 * value, 0.9 * saying_shares(known))
    score = statistics.fmean(each.accuracy or 0.0 for each in held_out)
    error = math.sqrt(guess * (1 - guess) / max(1, held_out[-1].examples))
    return score > max(guess + 3 * error, right - 0.05)


_UNFINISHED = 0.3
_PARTS = 1.25
"""Times as far apart at the third look as at the first."""
_SHORT = 250
_FEW = 50
"""Steps: customary warm-ups alone are longer."""


@rules.register(
    "under-trained",
    source="a tenth of all that was gained came in the last quarter and most of the loss is still there; or a quarter "
    "of it, with a third of the loss still there; or there were fewer than 50 steps, and they brought something; or a "
    "schedule cut off nine tenths of what its highest rate would have been",
    not_fooled_by="runs whose loss has come down, however it still falls, or that are mostly right, unless held-out "
    "examples still gain; more than 250 steps, unless the mean would still be nearer to the values; optimizers that "
    "search how far to go",
    at_end=True,
    severity="notice",
    says=Message(
        en="{what}: the loss was {start:.4g} at first, {end:.4g} at the end, after {steps:.0f} steps.",
        zh="{what}：损失最初为 {start:.4g}，结束时为 {end:.4g}，共 {steps:.0f} 步。",
    ),
    words={
        "falling": Message(
            en="Training ended while the loss was still falling fast", zh="训练在损失仍快速下降时就结束了"
        ),
        "schedule": Message(
            en="A schedule brought the learning rate to almost nothing early on, as if training had ended there",
            zh="学习率调度过早地把学习率降到几乎为零，训练等于在那时就结束了",
        ),
    },
)
def under_trained(history: History) -> Iterator[Sighting]:
    """The loss was falling as fast at the end as in the middle, or there was hardly a step, and it is high.

    Or steps went nowhere for most of the run, as of a schedule that was over long before.
    """
    right = accuracy(history)
    if cut_off(history):
        start, end = history.losses.start(3), history.losses.end(3)
        evidence = {"start": start, "end": end, "steps": history.step}
        yield Sighting(evidence=evidence, reading="schedule")
        return
    far = explains_nothing(history) and improvement(history) > 0.1 and falling(history)
    alone = min(len(history.optimizers), len(history.players)) < 2  # several may share one loss
    short = (history.step <= _SHORT or far) and not history.earlier and alone
    done = right is not None and right > (0.85 if _held_out_gains(history) else 0.7)
    if not supervised(history) or not short or history.losses.count < 8 or done:
        return
    # As many classes as examples: they are told apart within the batch, and change with it.
    if any(each.kind == "classes" and each.classes == each.batch for each in losses(history)[-1:]):
        return
    quarters = history.losses.quarters()
    if not quarters or not all(map(math.isfinite, quarters)):
        return
    start, end = history.losses.start(3), history.losses.end(3)
    fell, whole = quarters[2] - quarters[3], quarters[0] - quarters[3]
    high = end > 0.6 * start and fell > 0.12 * whole > 0 and quarters[0] > 1.01 * quarters[3]
    if start > 0 and (high or (end > _UNFINISHED * start and (falling(history) or _hardly_begun(history)))):
        evidence = {"start": start, "end": end, "steps": history.step}
        yield Sighting(evidence=evidence, confidence=0.8, reading="falling")


def _held_out_gains(history: History) -> bool:
    """Whether held-out accuracy has risen over the second half of the run, by more than chance brings."""
    late = [each for each in scored(history) if each.step >= 0.5 * history.step]
    if len(late) < 2:
        return False
    before, now = (each.accuracy or 0.0 for each in (late[0], late[-1]))
    return now - before > 3 * math.sqrt(before * (1 - before) / max(1, late[-1].examples))


def _hardly_begun(history: History) -> bool:
    """Whether so few steps were made that the noise of batches hides how the loss falls; one of LBFGS is many."""
    stepped = all(not each.searches and each.name != "LBFGS" for each in history.optimizers.values())
    return history.step < _FEW and stepped and improvement(history) > 0.1 and not thriving(history)


@rules.register(
    "constant-prediction",
    source="our prototype: an umbrella symptom, never a cause; 99 % of answers the same at three examinations in a row",
    not_fooled_by="batches that hold one class; a class that nearly all examples have; the first steps; odds that "
    "never come to one half, and differ all the same; a plateau at whose end outputs part from each other, or before a "
    "recurrent network finds what to keep",
    says=Message(
        en="The network says the same for every input.",
        zh="网络对所有输入都给出相同的输出。",
    ),
)
def constant_prediction(history: History) -> Iterator[Sighting]:
    """One class is said almost always though the batch has several; or values hardly differ between examples."""
    latest = [each for each in losses(history)[-3:] if each.batch >= 4]
    if len(latest) < 3 or history.step < 100 or history.adversarial or not supervised(history):
        return
    if under_way(history):
        return
    if not history.ended and latest[-1].output_varied > _PARTS * latest[0].output_varied > 0:
        return  # outputs part from each other, as at the end of a plateau
    if all(each.said is not None and each.counts for each in latest):
        same = min(each.said or 0.0 for each in latest)
        several = all(max(each.counts) < 0.9 * sum(each.counts) for each in latest)
        if same >= 0.99 and several and not _tells_odds(history, latest):
            yield Sighting(evidence={"share": same}, since=history.latest(3)[0].step)
    elif all(each.kind == "values" and each.target_std > 0 for each in latest):
        spread = max(each.output_varied / each.target_std for each in latest)
        if spread < 0.02 and not _may_yet_remember(history):
            yield Sighting(evidence={"spread": spread}, since=history.latest(3)[0].step)


def _may_yet_remember(history: History) -> bool:
    """Whether it is early, and the gradient reaches back through a sequence: such tasks begin on a long plateau."""
    if history.ended or history.step >= LONG_PLATEAU:
        return False
    layers = history.examinations[-1].layers.values() if history.examinations else ()
    ends = [(each.earliest, each.latest) for each in layers if each.earliest is not None and each.latest]
    return any(latest is not None and earliest > _REACHES * latest for earliest, latest in ends)


def _tells_odds(history: History, latest: Sequence[LossSigns]) -> bool:
    """Whether outputs differ between examples to some avail, though it is always the same class that is likeliest."""
    differ = min(each.output_std for each in latest) > 0.05 and not latest[-1].summed
    return differ and history.losses.end(64) < 0.97 * saying_shares(losses(history))


Trend = str
READINGS: dict[tuple[Trend, Trend], str] = {
    ("down", "down"): "still-learning",
    ("down", "flat"): "overfitting-begins",
    ("down", "up"): "overfitting",
    ("flat", "down"): "regularized-or-wrong-data",
    ("flat", "flat"): "bottleneck",
    ("flat", "up"): "overfitting-late",
    ("up", "down"): "mismatched-measures",
    ("up", "flat"): "unstable",
    ("up", "up"): "badly-set",
}
"""What (training, held-out) trends mean: the notes name five of the nine; ERRATA says which of theirs to correct."""

ADVICE: dict[str, Message] = {
    "still-learning": Message(en="Still learning: go on.", zh="仍在学习：继续训练。"),
    "overfitting-begins": Message(
        en="Overfitting begins: held-out loss no longer falls. Regularize, or stop soon.",
        zh="开始过拟合：验证损失不再下降。加强正则化，或尽早停止。",
    ),
    "overfitting": Message(
        en="Overfitting: stop where the held-out loss was lowest; more data, augmentation, dropout or weight decay.",
        zh="过拟合：在验证损失最低处停止；增加数据、数据增强、dropout 或权重衰减。",
    ),
    "regularized-or-wrong-data": Message(
        en="Held-out loss falls while training loss does not: strong dropout or augmentation, or the splits are not "
        "alike.",
        zh="训练损失不降而验证损失下降：可能 dropout 或数据增强很强，或两个数据集划分不同。",
    ),
    "bottleneck": Message(
        en="Nothing moves any more: lower the learning rate or the batch, or give the model more capacity.",
        zh="两者都不再变化：降低学习率或批大小，或增大模型容量。",
    ),
    "overfitting-late": Message(
        en="Training has converged and held-out loss rises: stop earlier, regularize more.",
        zh="训练已收敛而验证损失上升：应更早停止，加强正则化。",
    ),
    "mismatched-measures": Message(
        en="Training loss rises while held-out loss falls: the two are not measured alike; compare modes and losses.",
        zh="训练损失上升而验证损失下降：两者的度量方式不同；检查模式与损失函数。",
    ),
    "unstable": Message(
        en="Training loss rises: lower the learning rate.",
        zh="训练损失上升：降低学习率。",
    ),
    "badly-set": Message(
        en="Both rise: the structure, the settings or the data are wrong; begin with the learning rate.",
        zh="两者都上升：结构、设置或数据有误；先从学习率查起。",
    ),
}


def trend(values: Sequence[float], tolerance: float = 0.02) -> tuple[Trend, float]:
    """Whether smoothed values fall, rise or stay over their second half, and how sure that is.

    A line is fitted by least squares; its change over the window counts if it exceeds `tolerance` of the level, and
    is sure in so far as it exceeds the scatter around it.
    """
    half = list(values)[len(values) // 2 :] if len(values) >= 8 else list(values)
    if len(half) < 3 or not all(map(math.isfinite, half)):
        return "flat", 0.0
    slope, level = statistics.linear_regression(range(len(half)), half)
    change = slope * (len(half) - 1)
    scatter = statistics.pstdev([value - level - slope * at for at, value in enumerate(half)])
    typical = abs(statistics.fmean(half)) + 1e-12
    sure = min(1.0, abs(change) / (2 * scatter + tolerance * typical + 1e-12))
    if abs(change) < tolerance * typical or abs(change) < scatter:
        return "flat", 1 - min(1.0, abs(change) / (tolerance * typical + scatter))
    return ("down" if change < 0 else "up"), sure


def read_curves(train: Sequence[float], held_out: Sequence[float]) -> tuple[str, float]:
    """One of the nine readings of two curves, and how sure it is."""
    (one, sure), (two, also) = trend(train), trend(held_out)
    return READINGS[one, two], min(sure, also)


@rules.register(
    "curve-reading",
    source="the textbook's nine readings of (training, held-out) trends, as corrected",
    not_fooled_by="fewer than six evaluations; trends within the scatter of the curve",
    at_end=True,
    severity="notice",
    says=Message(en="The curves say: {what}", zh="曲线的解读：{what}"),
    words=ADVICE,
)
def curve_reading(history: History) -> Iterator[Sighting]:
    """Training and held-out loss read together, where the reading asks for something to be done."""
    held_out = [(each.step, each.loss) for each in history.held_out() if each.loss is not None]
    bins = history.losses.bins
    if len(held_out) < 6 or len(bins) < 12 or not supervised(history):
        return
    test = [value for _, value in held_out]
    best = min(test)
    reading, sure = read_curves(bins, test)
    bad = {"overfitting", "overfitting-late", "unstable", "badly-set"}
    if reading.startswith("overfitting") and history.saved == held_out[test.index(best)][0]:
        return  # the program kept its weights when they were best
    if len(test) >= 8 and reading in bad and sure > 0.6 and min(test[-3:]) > 1.25 * best:
        yield Sighting(confidence=sure, evidence={"best": best, "last": test[-1]}, reading=reading)
