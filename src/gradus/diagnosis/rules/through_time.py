"""Gradients on their way back through a sequence."""

import math
from collections.abc import Iterator, Sequence

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, rules
from gradus.diagnosis.rules.common import chance, explains_nothing, learned, struggling, thriving
from gradus.diagnosis.rules.initialization import initial_loss
from gradus.diagnosis.signs import Examination

VANISHED, EXPLODED = 1e-6, 1e4
_OUTGROWN = 100.0
_LATE = 1000


@rules.register(
    "vanishing-through-time",
    source="our prototype: the gradient at the first step below 1e-6 of that at the last; a healthy GRU has 1.6e-4",
    not_fooled_by="losses at every step; runs that learn, and so do not need the distant past; noisy targets, of which "
    "the recent past tells the little that can be known",
    says=Message(
        en="The gradient vanishes through time: at the first step of the sequence it is {ratio:.1e} times that at the "
        "last, "
        "so nothing is learned from the distant past.",
        zh="梯度随时间消失：序列第一步处的梯度只有最后一步的 {ratio:.1e} 倍，无法从久远的过去学习。",
    ),
)
def vanishing_through_time(history: History) -> Iterator[Sighting]:
    """Hardly any gradient arrives at the first step of a sequence, and the run does not learn, but for the mean."""
    if any(True for _ in exploding_through_time(history)):
        return  # what exploded may have died of it
    known = history.ended or history.step >= _LATE or len(history.held_out()) > 1
    if not known or _tells_something(history):
        return
    for place, ratio, since in _ratios(history.latest(2)):
        if 0 <= ratio < VANISHED and history.step >= 30 and (not learned(history) or explains_nothing(history)):
            yield Sighting(where=place, since=since, confidence=0.9, evidence={"ratio": ratio})
            return


def _tells_something(history: History) -> bool:
    """Whether held-out examples were ever told better than by knowing nothing, if little."""
    common = chance(history)
    for each in history.held_out():
        if each.loss is not None and each.variance is not None and each.loss < 0.99 * each.variance:
            return True
        if each.accuracy is not None and each.examples:
            deviation = math.sqrt(common * (1 - common) / each.examples)
            if each.accuracy > common + 3 * deviation:
                return True
    return False


@rules.register(
    "exploding-through-time",
    source="our prototype: the gradient at the first step above 1e4 of that at the last (Pascanu et al. 2013); above "
    "100 where the first outputs are ten times too large, which the growth of the state has made them; a state 100 "
    "times as large as any that the layer makes itself",
    not_fooled_by="sequences whose last steps matter little; clipped runs that learn; states without bounds, as ReLU's",
    says=Message(en="{what} {ratio:.1e}.", zh="{what} {ratio:.1e}。"),
    words={
        "gradient": Message(
            en="The gradient explodes through time: at the first step of the sequence, over that at the last, it is",
            zh="梯度随时间爆炸：序列第一步处的梯度与最后一步之比为",
        ),
        "state": Message(
            en="The state explodes through time: what the layer makes lies within 1, and it is given up to",
            zh="状态随时间爆炸：该层自身产生的状态在 1 以内，而传给它的状态达到",
        ),
    },
)
def exploding_through_time(history: History) -> Iterator[Sighting]:
    """The gradient grows on its way back through a sequence, or the state from step to step, be it cut from before.

    Now, or before the first large step put an end to it.
    """
    outgrown = _outgrown(history.first)
    begins = (history.examinations[:1], _OUTGROWN if outgrown else EXPLODED)
    looks = [(history.latest(2), EXPLODED), begins]
    if not struggling(history):
        if not outgrown or thriving(history) or not any(True for _ in initial_loss(history)):
            return
        looks = [begins]  # what began as far off as that may come down for long, and is no better for it
    for examinations, most in looks:
        for place, ratio, since in _ratios(examinations):
            if ratio > most:
                yield _exploded("gradient", place, since, ratio)
                return
    for each in history.examinations:
        for place, layer in each.layers.items():
            if _OUTGROWN < layer.state < math.inf:
                yield _exploded("state", place, each.step, layer.state)
                return


def _exploded(reading: str, place: str, since: int, ratio: float) -> Sighting:
    evidence = {"ratio": ratio}
    return Sighting(where=place, since=since, confidence=0.9, reading=reading, evidence=evidence, worse=ratio)


def _outgrown(first: Examination | None) -> bool:
    """Whether the first outputs are ten times as large as targets, or as surely wrong."""
    loss = first.loss if first is not None and not first.step else None
    if loss is None:
        return False
    if loss.kind == "values":
        return loss.error > 100 * loss.target_square > 0
    if loss.kind == "binary":
        return loss.surprise > 10 * loss.even_odds
    return loss.kind == "classes" and loss.value > 10 * loss.even_odds and not loss.summed


def _ratios(latest: Sequence[Examination]) -> Iterator[tuple[str, float, int]]:
    """Of each recurrent layer, the ratio at these examinations that lies nearest to 1; and since when."""
    for place in latest[-1].layers if latest else ():
        ratios = []
        for each in latest:
            layer = each.layers.get(place)
            if layer is not None and layer.earliest is not None and layer.latest:
                ratios.append(layer.earliest / layer.latest)
        if ratios and len(ratios) == len(latest):
            yield place, min(ratios, key=lambda ratio: abs(ratio - 1)), latest[0].step
