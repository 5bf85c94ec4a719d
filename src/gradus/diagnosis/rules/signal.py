"""Signals and gradients on their way through the layers."""

import math
import statistics
from collections.abc import Collection, Iterator, Sequence

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, rules
from gradus.diagnosis.rules.common import (
    WEIGHTED,
    explains_nothing,
    learned,
    settled,
    struggling,
    thriving,
    weighted_layers,
)
from gradus.diagnosis.signs import Examination, layer_of

VANISHED = 1e-3
EXPLODED = 100.0
_DEAD, _DEAD_THOUGH_LEARNING = 0.65, 0.9
_SATURATED, _SATURATED_ALL_OVER, _SATURATED_THROUGHOUT = 0.5, 0.7, 0.95
_LASTING = 3
_NEAR_ZERO = 0.02


@rules.register(
    "vanishing-gradient",
    source="AutoTrainer (Zhang et al. 2021) beta1 = 1e-3, on gradient over weight; healthy networks stay above 0.014",
    not_fooled_by="embeddings, of which a step uses few rows; layers with no gradient at all; residual networks; "
    "branches that begin shut, by a last matrix of zeros",
    says=Message(
        en="The gradient vanishes: relative to the weights it is {ratio:.1e} times as large in the first layer as in "
        "the "
        "last, so the first layers hardly learn.",
        zh="梯度消失：相对于权重，第一层的梯度只有最后一层的 {ratio:.1e} 倍，前面的层几乎学不到东西。",
    ),
)
def vanishing_gradient(history: History) -> Iterator[Sighting]:
    """Gradient over weight falls from the last layer to the first by more than a thousand."""
    ratios = [_at_first(each, history.first) for each in history.latest(_LASTING)]
    # A loss that only came down to that of the mean, from outputs that began beside it, tells of no progress.
    limit = VANISHED * (0.01 if learned(history) and not explains_nothing(history) else 1.0)
    early = history.step < 50 and not history.ended
    if ratios and not early and all(each is not None and 0 < each[1] < limit for each in ratios):
        assert ratios[-1] is not None
        place, ratio = ratios[-1]
        yield Sighting(
            where=place, since=history.latest(_LASTING)[0].step, evidence={"ratio": ratio}, worse=1 / max(ratio, 1e-30)
        )


@rules.register(
    "exploding-gradient",
    source="AutoTrainer beta3 = 70, on gradient over weight; taken as 100",
    not_fooled_by="a loss that is merely scaled; the first layer of a network whose last one starts at zero; a first "
    "matrix that begins near zero, as that of an IRNN, in proportion to which any gradient is large",
    says=Message(
        en="The gradient explodes: relative to the weights it is {ratio:.3g} times as large in the first layer as in "
        "the "
        "last, so no one learning rate suits both.",
        zh="梯度爆炸：相对于权重，第一层的梯度是最后一层的 {ratio:.3g} 倍，没有一个学习率能同时适合两者。",
    ),
)
def exploding_gradient(history: History) -> Iterator[Sighting]:
    """Gradient over weight grows from the last layer to the first by more than a hundred."""
    ratios = [first_over_last(each, history.first) for each in history.latest(_LASTING)]
    if not ratios or not settled(history) or thriving(history):
        return
    known = [each for each in ratios if each is not None and each[1] > EXPLODED]
    if len(known) == len(ratios) and not _begins_near_zero(history.first, known[-1][0]):
        place, ratio = known[-1]
        yield Sighting(where=place, since=history.latest(_LASTING)[0].step, evidence={"ratio": ratio}, worse=ratio)


def _begins_near_zero(first: Examination | None, layer: str) -> bool:
    """Whether the first matrix of a layer began far below what keeps a signal, 1 over the root of its inputs."""
    parameters = {} if first is None else first.parameters
    matrices = [each for place, each in parameters.items() if each.matrix and layer_of(place) == layer]
    return bool(matrices) and matrices[0].weight * math.sqrt(matrices[0].fan_in) < _NEAR_ZERO


def first_over_last(examination: Examination, first: Examination | None = None) -> tuple[str, float] | None:
    """Where the first matrix is, and its gradient over weight relative to the last; None of fewer than three.

    Args:
        first: of the run, which tells what began as one number throughout: gates, scales, an output's zeros.
    """
    one_number = {place for place, each in first.parameters.items() if each.constant} if first is not None else set()
    found = [
        (place, each.gradient / each.weight)
        for place, each in examination.parameters.items()
        if each.matrix and not each.embedding and each.gradient and each.weight and place not in one_number
    ]
    model = found[0][0].partition(":")[0] if found else ""
    found = [each for each in found if each[0].partition(":")[0] == model]
    # Tokens, positions and deviations, which multiply nothing, are parameters of no layer, and often begin at zero.
    of_layers = [each for each in found if layer_of(each[0]) in examination.layers]
    found = of_layers if len(of_layers) >= 3 else found
    shut = _branches_that_begin_shut(examination, one_number)
    beside = [each for each in found if not any(layer_of(each[0]).startswith(branch) for branch in shut)]
    found = beside if len(beside) >= 3 else found
    if len(found) < 3 or not all(math.isfinite(each[1]) for each in found) or not found[-1][1]:
        return None
    return layer_of(found[0][0]), found[0][1] / found[-1][1]


def vanishes(first: Examination) -> bool:
    """Whether hardly any gradient comes through to the first matrix at the first step."""
    found = first_over_last(first, first)
    return found is not None and 0 < found[1] < VANISHED


def _at_first(examination: Examination, first: Examination | None) -> tuple[str, float] | None:
    """As `first_over_last`; but what came to the first matrix if hardly any ever did, and by now none at all does."""
    found = first_over_last(examination, first)
    if first is None or found is None or not vanishes(first):
        return found
    begun = first_over_last(first, first)
    matrices = [each for at, each in examination.parameters.items() if begun and layer_of(at) == begun[0]]
    return begun if matrices and all(not each.gradient for each in matrices if each.matrix) else found


def _branches_that_begin_shut(examination: Examination, one_number: set[str]) -> list[str]:
    """Parts of a network that end in a matrix of zeros, as the one of a spatial transformer that finds its map does.

    What comes before it has no gradient at first, by design, and little of it for a while.
    """
    matrices = [place for place, each in examination.parameters.items() if each.matrix]
    found = []
    for place in matrices:
        branch, dot, _ = layer_of(place).rpartition(".")
        if dot and place in one_number and [each for each in matrices if each.startswith(f"{branch}.")][-1] == place:
            found.append(f"{branch}.")
    return found


@rules.register(
    "vanishing-signal",
    source="our prototype: variation over the batch below 1e-3 of the first layer's; healthy networks stay above 0.08",
    not_fooled_by="an output layer that begins at zero, or the last one of any part; small outputs that still "
    "differ between examples",
    says=Message(
        en="The signal vanishes: what tells examples apart is {ratio:.1e} times as large in the last hidden layer as "
        "in "
        "the first, so the output hardly depends on the input.",
        zh="信号消失：区分样本的差异在最后一个隐藏层只有第一层的 {ratio:.1e} 倍，输出几乎不依赖于输入。",
    ),
)
def vanishing_signal(history: History) -> Iterator[Sighting]:
    """How much layers' outputs differ between examples falls by more than a thousand."""
    found = [last_over_first(each, 2, _zeros(history.first)) for each in history.latest(2)]
    if not struggling(history):
        return
    if found and all(each is not None and each[1] < VANISHED for each in found):
        assert found[-1] is not None
        yield Sighting(where=found[-1][0], since=history.latest(2)[0].step, evidence={"ratio": found[-1][1]})


@rules.register(
    "exploding-signal",
    source="our prototype: deviation above 100 times the first layer's",
    not_fooled_by="a final scaling of the output",
    says=Message(
        en="The signal explodes: the last hidden layer's outputs are {ratio:.3g} times as large as the first one's.",
        zh="信号爆炸：最后一个隐藏层的输出是第一层的 {ratio:.3g} 倍。",
    ),
)
def exploding_signal(history: History) -> Iterator[Sighting]:
    """Deviation of layers' outputs grows by more than a hundred."""
    if not settled(history) or thriving(history):
        return
    # What is not finite has no deviation: then one that was there before counts.
    for each in history.examinations if history.non_finite is not None else history.latest(1):
        found = last_over_first(each, 1)
        if found is not None and found[1] > EXPLODED:
            yield Sighting(where=found[0], since=each.step, evidence={"ratio": found[1]}, worse=found[1])
            return


def _zeros(first: Examination | None) -> frozenset[str]:
    """Layers whose matrix began at zero: they say little for as long as steps are small."""
    parameters = {} if first is None else first.parameters
    return frozenset(layer_of(place) for place, each in parameters.items() if each.matrix and each.constant)


def last_over_first(examination: Examination, which: int, besides: Collection[str] = ()) -> tuple[str, float] | None:
    """Of deviations (1) or of variations over the batch (2), within the model that ran first.

    Args:
        besides: layers that are left out.
    """
    layers = [each for each in weighted_layers(examination) if each[0] not in besides]
    model = layers[0][0].partition(":")[0] if layers else ""
    values = [(each[0], float(each[which])) for each in layers if each[0].partition(":")[0] == model]
    if len(values) < 3 or not values[0][1]:
        return None
    return values[-1][0], values[-1][1] / values[0][1]


@rules.register(
    "dead-units",
    source="our prototype: 0.65 of a layer's units silent over several batches; healthy networks reach 0.31",
    not_fooled_by="sparse activations: a unit is dead only if it is silent for every example of several batches",
    says=Message(
        en="{share:.0%} of the units are dead: they give zero for every example of the last batches, take part in "
        "nothing "
        "and receive no gradient.",
        zh="{share:.0%} 的单元已经死亡：对最近几个批次的所有样本都输出零，不起作用，也得不到梯度。",
    ),
)
def dead_units(history: History) -> Iterator[Sighting]:
    """Most of a rectified layer's units are silent for all examples of several examinations."""
    latest = history.latest(_LASTING)
    if not settled(history) or thriving(history):
        return
    limit = _DEAD_THOUGH_LEARNING if learned(history) else _DEAD
    worst: tuple[float, str] = (0.0, "")
    for place in latest[-1].layers if latest else ():
        shares = [each.layers[place].dead if place in each.layers else None for each in latest]
        known = [each for each in shares if each is not None and latest[-1].layers[place].units >= 4]
        if len(known) == _LASTING and min(known) > limit:
            worst = max(worst, (min(known), place))
    if worst[0]:
        since = next(
            each.step
            for each in history.examinations
            if worst[1] in each.layers and (each.layers[worst[1]].dead or 0) > _DEAD
        )
        yield Sighting(where=worst[1], since=since, evidence={"share": worst[0]}, worse=worst[0])
        return
    ran = {place for each in history.examinations for place in each.layers}
    cut = [_without_gradient(each, ran) for each in latest]
    if latest and history.step >= 10 and not learned(history) and all(cut):
        yield Sighting(where=layer_of(cut[-1][0]), since=latest[0].step, evidence={"share": 1.0})


def _without_gradient(examination: Examination, ran: Collection[str]) -> list[str]:
    """Matrices whose gradient is 0 throughout, of a network in which nothing saturates: half of all, or more.

    A layer that ran at other steps (`ran`) and not at this one has its turn then, as one of several tasks' has.
    """
    if any((each.saturated or 0.0) > _SATURATED for each in examination.layers.values()):
        return []
    matrices = [(place, each) for place, each in examination.parameters.items() if each.matrix and each.elements >= 8]
    still = [
        place
        for place, each in matrices
        if each.gradient == 0
        and each.weight > 0
        and not each.identical
        and not each.embedding
        and (layer_of(place) not in ran or layer_of(place) in examination.layers)
    ]
    return still if len(still) >= max(1, len(matrices) // 2) else []


@rules.register(
    "saturated-units",
    source="half of a layer's units beyond the limits of `measure.LIMITS` (UMLAUT and TheDeepChecker take 50 % too)",
    not_fooled_by="the output's own sigmoid or tanh, which may be sure; gates inside recurrent layers",
    says=Message(
        en="{share:.0%} of the units are saturated: their activation is flat where they are, so almost no gradient "
        "passes.",
        zh="{share:.0%} 的单元已饱和：激活函数在那里几乎是平的，梯度几乎无法通过。",
    ),
)
def saturated_units(history: History) -> Iterator[Sighting]:
    """Most of a hidden layer's units lie where their activation is flat.

    Of a run that gets somewhere, nearly all from its first step on: what it learns it learns in the other layers; or
    most in every other layer too.
    """
    latest = history.latest(_LASTING)
    if not latest or not (history.step >= 50 or history.ended or history.non_finite is not None):
        return
    limit = _SATURATED
    if not struggling(history):
        latest = [*history.examinations[:1], *latest[1 - _LASTING :]]
        limit = _SATURATED if _saturated_all_over(latest) else _SATURATED_THROUGHOUT
    hidden = list(latest[-1].layers)
    if hidden and latest[-1].layers[hidden[-1]].saturated is not None and len(hidden) > 1:
        # The output's activation, and the layer that goes into it, if it is a module.
        module = latest[-1].layers[hidden[-1]].type not in WEIGHTED and not hidden[-1].startswith(":")
        hidden = hidden[:-2] if module else hidden[:-1]
    worst: tuple[float, str] = (0.0, "")
    for place in [each for each in hidden if not latest[-1].layers[each].output]:  # of one model among several
        shares = [each.layers[place].saturated if place in each.layers else None for each in latest]
        known = [each for each in shares if each is not None]
        if len(known) == _LASTING and min(known) > limit:
            worst = max(worst, (min(known), place))
    if worst[0]:
        yield Sighting(where=worst[1], since=latest[0].step, evidence={"share": worst[0]}, worse=worst[0])


def _saturated_all_over(examinations: Sequence[Examination]) -> bool:
    """Whether units are saturated in all of several layers taken together."""
    shares = [[each.saturated for each in one.layers.values() if each.saturated is not None] for one in examinations]
    return all(len(each) > 2 and statistics.fmean(each) > _SATURATED_ALL_OVER for each in shares)
