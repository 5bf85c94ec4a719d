"""Training against held-out examples, and what keeps a model from fitting."""

import itertools
import math
import statistics
from collections.abc import Iterator

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, rules
from gradus.diagnosis.rules.common import (
    accuracy,
    accuracy_at,
    among_candidates,
    chance,
    improvement,
    losses,
    supervised,
    thriving,
    too_few,
)
from gradus.diagnosis.rules.rate import times_as_large
from gradus.diagnosis.signs import Evaluation, Examination, ParameterSigns

_CUSTOMARY_DECAY = 0.01
"""Of AdamW, where nothing else is given."""
_FEW_WEIGHTS = 32
_SHRUNK = 0.75
_SUMS = ("Sum", "Mean")


def _rightly(history: History) -> list[Evaluation]:
    """Evaluations on held-out examples, in evaluation mode."""
    return [each for each in history.held_out() if not each.training and not each.dropped]


@rules.register(
    "generalization-gap",
    source="AutoTrainer: training accuracy 0.10 above held-out accuracy; our prototype needs 0.2 for no false alarm",
    not_fooled_by="small evaluations, whose accuracy scatters; gaps that close again; classes that are still to come; "
    "candidates, of which held-out examples may be given more",
    says=Message(
        en="The network does well on training examples ({train:.1%} right or explained) and much worse on others "
        "({held_out:.1%}).",
        zh="网络在训练样本上表现好（{train:.1%} 正确或得到解释），在其他样本上差得多（{held_out:.1%}）。",
    ),
)
def generalization_gap(history: History) -> Iterator[Sighting]:
    """Accuracy on the latest training batches lies far above that of the latest evaluations."""
    scores = [each for each in _rightly(history) if each.accuracy is not None and each.examples >= 16]
    yield from _of_values(history)
    enough = 1 if too_few(history) else 2  # one look tells where there is little to learn from
    if (
        len(scores) < (enough if history.ended else 3)
        or not supervised(history)
        or history.step < 20
        or _classes_to_come(history)
        or among_candidates(history)
    ):
        return
    if history.step > scores[-1].step + 1 and not history.ended:
        return  # what is trained on may have changed since
    # Each beside the training batches just before it: early on, what is right changes from step to step.
    pairs = [(accuracy_at(history, each.step), each.accuracy or 0.0) for each in scores[-2:]]
    gaps = [right - held_out for right, held_out in pairs if right is not None]
    wide = 0.2 + 1 / math.sqrt(scores[-1].examples)
    # What generalized an evaluation or two before is shaken, as by batch norm's averages, and has not overfitted.
    before = max((each.accuracy or 0.0 for each in scores[-5:-2]), default=0.0)
    if len(gaps) == len(pairs) and min(gaps) > wide and (history.ended or (pairs[-1][0] or 0.0) - before > wide / 2):
        evidence = {"train": pairs[-1][0] or 0.0, "held_out": pairs[-1][1]}
        yield Sighting(since=scores[-2:][0].step, evidence=evidence, worse=gaps[-1])


def _classes_to_come(history: History) -> bool:
    """Whether many classes have not turned up in training so far, as where tasks are learned one after the other."""
    pooled = [sum(column) for column in zip(*[each.counts for each in losses(history) if each.counts], strict=False)]
    missing = sum(not count for count in pooled)
    return not history.ended and sum(pooled) > 20 * len(pooled) and missing > 0.2 * len(pooled)


def _of_values(history: History) -> Iterator[Sighting]:
    """The same of a squared error: shares of the targets' variance that are explained."""
    known = [each for each in losses(history)[-5:] if each.kind == "values" and each.target_std > 0]
    errors = [each.loss for each in _rightly(history) if each.loss is not None]
    train = history.losses.end(20)
    if (
        len(errors) < (1 if history.ended and too_few(history) else 3)
        or not known
        or not supervised(history)
        or not math.isfinite(train)
        or improvement(history) < 0.5
    ):
        return
    variance = statistics.fmean(each.target_std * each.target_std for each in known)
    # The program may measure errors in the targets' own units.
    others = [each.variance for each in _rightly(history) if each.loss is not None and each.variance]
    missed = min(errors[-3:]) / (statistics.fmean(others[-3:]) if others else variance)
    if missed > 0.2 and train / variance < 0.1 * missed:
        yield Sighting(evidence={"train": 1 - train / variance, "held_out": 1 - missed}, worse=1.0)


@rules.register(
    "validation-rising",
    source="AutoTrainer, UMLAUT: training falls while validation rises; here by 30 % over its best, for three "
    "evaluations",
    not_fooled_by="one bad evaluation; a loss that rises while accuracy does not fall and hardly differs from "
    "training's; a program that kept its weights when they were best",
    says=Message(
        en="The held-out loss rises while the training loss falls: {best:.4g} at its best (step {step:.0f}), "
        "{last:.4g} now.",
        zh="验证损失上升而训练损失下降：最好时 {best:.4g}（第 {step:.0f} 步），现在 {last:.4g}。",
    ),
)
def validation_rising(history: History) -> Iterator[Sighting]:
    """Three evaluations in a row lie well above the best, which lies well back."""
    known = [each for each in _rightly(history) if each.loss is not None and math.isfinite(each.loss)]
    if len(known) < 6 or not supervised(history):
        return
    values = [each.loss or 0.0 for each in known]
    best = min(values)
    at = values.index(best)
    right = accuracy(history)
    scores = [each.accuracy for each in known if each.accuracy is not None]
    apart = right is None or not scores or right - scores[-1] > 0.08
    train = history.losses.end(20)
    wide = math.isfinite(train) and values[-1] > 2 * abs(train)
    if history.saved == known[at].step:
        return
    if at <= len(values) - 4 and min(values[-3:]) > 1.3 * best > 0 and improvement(history) > 0.3 and apart and wide:
        evidence = {"best": best, "last": values[-1], "step": known[at].step}
        yield Sighting(since=known[at].step, evidence=evidence, worse=values[-1] / best)


@rules.register(
    "over-regularization",
    source="UMLAUT: dropout of 0.5 and more is unusual; a decay term above the gradient pulls weights to zero",
    not_fooled_by="dropout 0.5; AdamW's decay, which does not enter the gradient; models that learn all the same",
    says=Message(
        en="Regularization is too strong: {what}, and the training loss stays high.",
        zh="正则化过强：{what}，而训练损失居高不下。",
    ),
    words={
        "dropout": Message(en="dropout leaves hardly anything", zh="dropout 几乎不留下任何单元"),
        "decay": Message(en="weight decay pulls as hard as the gradient", zh="权重衰减的拉力与梯度相当"),
        "withering": Message(
            en="a penalty has shrunk the weights to less than half", zh="惩罚项已使权重缩小到一半以下"
        ),
    },
)
def over_regularization(history: History) -> Iterator[Sighting]:
    """Very strong dropout or decay, or weights that wither; and a model that does not fit its training examples."""
    if history.step < 60 or history.adversarial or thriving(history):
        return
    badly, left = _fits_badly(history), _left(history)
    dropout = max((each.dropout for each in history.models.values()), default=0.0)
    decay = max((each.decay_over_gradient for each in history.optimizers.values()), default=0.0)
    strong = max((each.decay for each in history.optimizers.values()), default=0.0)
    decoupled = max((each.decay * each.rate for each in history.optimizers.values() if not each.coupled), default=0.0)
    evidence = {"dropout": dropout, "decay": max(decay, 0.0), "growth": left}
    # Too few units are too few whatever the loss compares; what decay does is told by losses that ought to fall.
    told = supervised(history)
    for reading, strongly in (
        ("dropout", dropout >= 0.8 and badly),
        ("decay", ((decay > 0.8 and strong > 0.02) or decoupled > 0.01) and (badly or left < 0.5)),
        ("decay", _decay_moves(history) and badly),
        ("withering", _withered(history) or (badly and _weighed_down(history))),
    ):
        if strongly and (told or reading == "dropout"):
            yield Sighting(confidence=0.85, evidence=evidence, reading=reading)
            return


def _decay_moves(history: History) -> bool:
    """Whether most of each step is a decay that is not part of the gradient.

    A matrix that no gradient reaches moves by its decay alone, however weak: that tells of what cuts it off. So does
    one that hardly any reaches, of what torch decays by unless told otherwise.
    """
    decays = [each.decay for each in history.optimizers.values() if not each.coupled and each.decay > _CUSTOMARY_DECAY]
    shares = [
        examination.rates[0] * decays[0] * each.weight / each.update
        for examination in history.latest(5)
        for _, each in history.weights(examination)
        if decays and examination.rates and each.update and each.gradient
    ]
    return bool(shares) and statistics.median(shares) > 0.5


def _withered(history: History) -> bool:
    """Whether weights have shrunk to less than half, and outputs fall short of targets: only a penalty does that.

    The weights of a line, a plane or a few units shrink by themselves on their way to where the data have them.
    """
    known = [each for each in losses(history)[-5:] if each.kind == "values"]
    short = statistics.fmean(each.output_std < 0.9 * each.target_std for each in known) > 0.5 if known else True
    weights = [each.elements for _, each in _weights(history, history.first)]
    few = (len(weights) < 2 or sum(weights) < _FEW_WEIGHTS) and not _penalizes(history)
    normalized = any(facts.normalizations for facts in history.models.values())
    return _left(history) < 0.5 and short and not few and not normalized


def _weighed_down(history: History) -> bool:
    """Whether a sum over weights that a loss of classes has added to it has come to rest with it, and shrunk them."""
    known, quarters = losses(history), history.losses.quarters()
    sizes = {each.elements for _, each in _weights(history, history.last)}
    if not known or not quarters or _left(history) > _SHRUNK:
        return False
    summed = any(
        one.name in _SUMS and one.shape == () and math.prod(two.shape) in sizes
        for head in known[-1].heads
        for one, two in itertools.pairwise(head)
    )
    # At first or at last: one that has shrunk all weights is small itself.
    outweighs = any(
        all(each.kind == "classes" and each.value > 1.1 * each.terms * each.surprise for each in part)
        for part in (known[:5], known[-5:])
    )
    return summed and outweighs and quarters[3] > 0.98 * quarters[1]


def _left(history: History) -> float:
    """How many times as large the middle one of the matrices is as it was at first."""
    return times_as_large(_weights(history, history.first), _weights(history, history.last))


def _weights(history: History, examination: Examination | None) -> list[tuple[str, ParameterSigns]]:
    """The matrices that learned; of tables in which things are looked up, only what a penalty may have made small.

    Those may shrink by themselves, too, and what is looked up says the more for it.
    """
    if examination is None:
        return []
    coupled = any(each.coupled and each.decay for each in history.optimizers.values())
    tables = (coupled or _penalizes(history)) and _fits_badly(history)
    every = examination.parameters.items()
    learned = [(at, each) for at, each in every if each.matrix and each.gradient is not None]
    return [(at, each) for at, each in learned if tables or not each.embedding]


def _penalizes(history: History) -> bool:
    """Whether an optimizer decays weights by more than is customary, or a squared error has something added to it.

    At first or at last: a penalty that has shrunk all weights is small itself.
    """
    squares = [each for each in losses(history) if each.operation in ("MseLoss", "Pow") and not each.summed]
    added = any(
        squares and all(each.value > 1.05 * each.error for each in part) for part in (squares[:5], squares[-5:])
    )
    return added or any(each.decay > _CUSTOMARY_DECAY for each in history.optimizers.values())


def _fits_badly(history: History) -> bool:
    gain = improvement(history)
    right = accuracy(history)
    if _symbols(history):
        return _unfitted(history)
    if right is not None:
        return right < max(0.75, min(0.97, chance(history) + 0.1))
    return math.isfinite(gain) and gain < 0.5


@rules.register(
    "underfitting",
    source="information cannot pass a layer narrower than what it must tell apart (two numbers for many classes)",
    not_fooled_by="bottlenecks of autoencoders; runs that still improve, or that other findings explain",
    at_end=True,
    says=Message(
        en="The model is too small for its task: its narrowest layer has {narrowest:.0f} units, it has "
        "{parameters:.0f} "
        "parameters, and even training examples are fitted badly (loss {start:.3g} at first, {end:.3g} at the end).",
        zh="模型对任务来说太小：最窄的层只有 {narrowest:.0f} 个单元，共 {parameters:.0f} 个参数，连训练样本也拟合不好"
        "（损失最初 {start:.3g}，结束时 {end:.3g}）。",
    ),
)
def underfitting(history: History) -> Iterator[Sighting]:
    """A narrow model whose training loss stopped falling at a high level."""
    quarters = history.losses.quarters()
    known, symbols = losses(history), _symbols(history)
    if not quarters or not (supervised(history) or symbols) or history.step < 100:
        return
    flat = abs(quarters[2] - quarters[3]) < 0.08 * abs(quarters[0])
    classes = max(2, symbols, *(each.classes for each in known[-1:]))
    for facts in history.models.values():
        narrow = 0 < facts.narrowest <= max(2, int(math.log2(classes)))
        tiny = 0 < facts.narrowest <= 3 and facts.parameters <= 100
        if flat and ((narrow and _unfitted(history)) or (tiny and _unfitted(history, 0.12))):
            evidence = {
                "narrowest": facts.narrowest,
                "parameters": facts.parameters,
                "start": quarters[0],
                "end": quarters[3],
            }
            yield Sighting(confidence=0.75, evidence=evidence)
            return


def _symbols(history: History) -> int:
    """How many symbols outputs tell apart, of a loss of whole strings wherever they stand (CTC); 0 of any other."""
    for head in [head for each in history.latest(1) for loss in each.losses for head in loss.heads]:
        if head and head[0].name == "Mean" and any(op.name == "CtcLoss" for op in head):  # a mean over symbols, too
            return next((op.shape[op.axis] for op in head if op.name == "LogSoftmax" and op.axis is not None), 0)
    return 0


def _unfitted(history: History, unexplained: float = 0.35) -> bool:
    right, symbols = accuracy(history), _symbols(history)
    if symbols:
        return history.losses.end() > 0.5 * math.log(symbols)
    if right is not None:
        return right < 0.85
    known = [each for each in losses(history)[-4:] if each.kind == "values" and each.target_std > 0]
    missed = [each.error / (each.target_std * each.target_std) for each in known]
    return bool(missed) and math.isfinite(max(missed)) and statistics.fmean(missed) > unexplained
