"""Generators: two players that must keep pace, latents that must be used, outputs that must be even."""

import statistics
from collections.abc import Iterator, Sequence

from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules import Sighting, lasting, rules
from gradus.diagnosis.signs import PlayersSigns

_LATE = 150
_LONG = 3
"""Times as many steps: what has not changed over them is at rest."""
_WIDENS = 1.25
"""Times as wide within four looks: samples that spread so are on their way."""
_MAY_WAKE = 200
"""Steps in which latents may come to use although the loss rests."""
_ALIKE = 1e-3
_STILL_FALLING = 0.02
"""Of a loss, from its third quarter to its last."""
_OUTRUN = 10
"""How far one player goes for each step of the other's; a critic is given five steps, or four times the rate."""


@rules.register(
    "mode-collapse",
    source="our prototype: distances between samples 0.00 to 0.03 of the data's, healthy ones 0.92 and more; partial: "
    "coverage (Naeem et al. 2020) below a half though samples are real enough, or modes never visited (Metz et al. "
    "2017 count those of a ring of eight)",
    not_fooled_by="a generator that has only begun, whose samples lie close together far from the data; one on its "
    "way, whose samples spread or move on from look to look; answers that are only compared by distances",
    says=Message(
        en="The generator has collapsed: its samples differ {spread:.2g} times as much as real ones do, and cover "
        "{coverage:.0%} of them.",
        zh="生成器发生模式坍塌：样本间的差异是真实数据的 {spread:.2g} 倍，只覆盖其中的 {coverage:.0%}。",
    ),
)
def mode_collapse(history: History) -> Iterator[Sighting]:
    """Generated examples are all alike, cover a part of the data only, now this part and now that, or lie between."""
    latest = [each.players for each in history.latest(4)]
    players = [each for each in latest if each is not None]
    if len(players) < 4 or history.step < _LATE:
        return
    # Samples of a generator that has only begun lie close together too, but never lay apart, and far from the data.
    widest = max(each.players.spread for each in history.examinations if each.players is not None)
    began = widest > 2 * players[-1].spread or min(each.precision for each in players) > 0.2
    total = all(each.spread < 0.05 for each in players) or (all(each.spread < 0.25 for each in players) and began)
    partial = all(each.coverage < 0.55 and each.precision > 0.6 and each.spread < 0.97 for each in players)
    partial = partial and players[-1].spread < _WIDENS * players[0].spread
    # What nobody judges may be told by what the model is given, and differ less for that.
    partial = partial and any(e.players.told_apart is not None for e in history.examinations if e.players is not None)
    missing = _modes_missing(players) if min(each.precision for each in players) > 0.5 else 0.0
    # One mode after another: samples are real enough, of a few modes at a time, and of others at the next look.
    hops = all(each.coverage < 0.3 and each.moved > 0.25 for each in players)
    hops = hops and max(each.precision for each in players) > 0.6
    if total or partial or missing or hops or _roams(history, players) or _rests_between(history):
        coverage = 1 - missing if missing else statistics.fmean(each.coverage for each in players)
        evidence = {"spread": players[-1].spread, "coverage": coverage}
        yield Sighting(since=history.latest(4)[0].step, confidence=0.9 if total else 0.75, evidence=evidence)


def _roams(history: History, players: Sequence[PlayersSigns]) -> bool:
    """Whether samples, however poor, are near few of the data's many modes at a time, and move on, never far ahead of
    the discriminator nor far behind it: what drives it back and forth is not that one of them is too weak.
    """
    few = all(each.modes >= 4 and 3 * len(each.covered) <= each.modes for each in players)
    apart = [each.told_apart for each in players if each.told_apart is not None]
    even = len(apart) == len(players) and 0.4 < statistics.fmean(apart) < 0.8
    long = history.ended or history.step >= _LONG * _MAY_WAKE  # before that samples are on their way
    return long and few and even and min(each.moved for each in players) > 0.2


def _rests_between(history: History) -> bool:
    """Whether samples came out of one place, and then stayed together between the data, where nothing of them lies.

    That is what a generator does that is paid to be close to all of the data at once. A discriminator that is always
    right stops it, too, but then it is that one which wins.
    """
    looks = [(each.step, each.players) for each in history.examinations if each.players is not None]
    long_ago = [number for number, (step, _) in enumerate(looks) if step <= looks[-1][0] / _LONG]
    players = [each for _, each in looks[min(long_ago[-1], len(looks) - 4) :]] if long_ago else []
    if len(players) < 4 or looks[-1][0] < _LATE:
        return False
    spreads = [each.spread for each in players]
    rests = max(spreads) < 1.5 * min(spreads) and spreads[-1] < 1.25 * spreads[0]
    rests = rests and statistics.fmean(each.moved for each in players) < 0.2
    between = max(spreads) < 0.6 and max(each.precision for each in players) < 0.1
    stopped = min(each.told_apart or 0.0 for each in players) > 0.995
    return rests and between and not stopped and min(spreads) > 2 * looks[0][1].spread


def _modes_missing(players: Sequence[PlayersSigns]) -> float:
    """The share of the data's modes that no examination found a sample near; 0 where that is chance, or none."""
    modes = players[-1].modes
    visited = {mode for each in players for mode in each.covered}
    missing = 1 - len(visited) / modes
    return missing if modes >= 3 and missing >= 0.25 else 0.0


@rules.register(
    "oscillating-players",
    source="Metz et al. (2017), arXiv 1611.02163, figure 2; Mescheder et al. (2018), arXiv 1801.04406: players that "
    "chase each other circle the equilibrium; our prototype: the mean sample moves by 0.3 of the data's spread from "
    "one examination to the next, in equilibrium by less than 0.1",
    not_fooled_by="the first steps, in which the generator is on its way; samples as wide as the data",
    says=Message(
        en="The players chase each other: what is generated ({spread:.2g} times as wide as the data) moves on by "
        "{moved:.2g} of their spread from one look to the next, without ever settling.",
        zh="两个参与者互相追逐：生成的样本（离散程度是真实数据的 {spread:.2g} 倍）每次检查又移动了数据离散程度的 "
        "{moved:.2g} 倍，始终不稳定。",
    ),
)
def oscillating_players(history: History) -> Iterator[Sighting]:
    """Generated examples lie together, each time somewhere else; or are thrown about, and never cover the data."""
    latest = [each.players for each in history.latest(5)]
    players = [each for each in latest if each is not None]
    if len(players) < 5 or history.latest(5)[0].step < 100:
        return
    if any(each.told_apart is None for each in players):  # they do not take turns: the generator runs ahead
        return
    together = 0.15 < min(each.spread for each in players) <= max(each.spread for each in players) < 0.75
    moved = [each.moved for each in players]
    # However wide, if they never cover the data; not one way, with nobody to stop them, nor where one gets no turn.
    judged = statistics.fmean(each.told_apart or 0.0 for each in players) > 0.4 and _pace(history) < _OUTRUN
    thrown = min(moved) > 0.4 and max(each.coverage for each in players) < 0.5 and judged
    # All alike they move as the one noise that they are made of does.
    thrown = thrown and max(each.spread for each in players) > _ALIKE
    if (together and min(moved) > 0.25) or thrown:
        evidence = {
            "spread": statistics.fmean(each.spread for each in players),
            "moved": statistics.fmean(each.moved for each in players),
        }
        yield Sighting(since=history.latest(5)[0].step, confidence=0.85, evidence=evidence)


@rules.register(
    "discriminator-dominates",
    source="Arjovsky & Bottou (2017): a discriminator that is always right gives the generator no gradient",
    not_fooled_by="the first steps; critics, whose outputs are no probabilities, as long as samples come closer and "
    "the generator gets its turn",
    says=Message(
        en="The discriminator wins: it tells {apart:.0%} of real and generated examples apart, and the generator does "
        "not "
        "catch up.",
        zh="判别器占优：它能区分 {apart:.0%} 的真实与生成样本，生成器追不上。",
    ),
)
def discriminator_dominates(history: History) -> Iterator[Sighting]:
    """Real and generated examples are told apart almost without error for long, far away or with hardly a turn."""
    late = [each.players for each in history.examinations if each.players and 3 * each.step >= history.step]
    told = [each.told_apart or 0.0 for each in late]
    long = history.ended and history.step >= _LATE and len(told) >= 3 and max(each.coverage for each in late) < 0.2
    outrun = _pace(history) >= _OUTRUN
    # One that goes far for each step of the other's may be wrong now and then, and still never be caught.
    least, usual = (0.85, 0.93) if outrun else (0.9, 0.97)
    if long and min(told) > least and statistics.fmean(told) > usual:
        yield Sighting(since=history.step // 3, confidence=0.85, evidence={"apart": statistics.fmean(told)})
        return
    apart = lasting(history, 5, lambda each: each.players.told_apart if each.players is not None else None)
    far = lasting(history, 5, lambda each: each.players.precision if each.players is not None else None)
    if not apart or history.step < _LATE or min(apart) <= 0.97:
        return
    if outrun or max(far) < 0.3:
        confidence = 0.95 if outrun else 0.85
        evidence = {"apart": statistics.fmean(apart)}
        yield Sighting(since=history.latest(5)[0].step, confidence=confidence, evidence=evidence)


def _pace(history: History) -> float:
    """How far the player goes that goes farthest, for each step of the other's: steps times rates, of one method."""
    turns = {key: float(len(each)) for key, each in history.players.items() if len(each)}
    if len(turns) != 2:
        return 1.0
    facts = [history.optimizers.get(key) for key in turns]
    if len({each.name for each in facts if each is not None}) == 1 and all(each and each.rate for each in facts):
        turns = {key: steps * history.optimizers[key].rate for key, steps in turns.items()}
    return max(turns.values()) / min(turns.values())


@rules.register(
    "generator-dominates",
    source="Goodfellow et al. (2014): equilibrium has samples like the data; a fooled discriminator without that "
    "teaches nothing",
    not_fooled_by="equilibrium, where samples lie among the data; a discriminator that hardly gets a turn, as long as "
    "samples cover the data",
    says=Message(
        en="The generator wins against a discriminator that has learned nothing: it tells {apart:.0%} apart (half is "
        "guessing), "
        "although only {precision:.0%} of the samples look like data, and they cover {coverage:.0%} of them.",
        zh="判别器什么也没学到，生成器轻易取胜：它只能区分 {apart:.0%}（一半即为猜测），而只有 {precision:.0%} "
        "的样本像真实数据，只覆盖其中的 {coverage:.0%}。",
    ),
)
def generator_dominates(history: History) -> Iterator[Sighting]:
    """A discriminator cannot tell samples from data though they are far from it, or hardly gets its turn."""
    latest = [each.players for each in history.latest(5)]
    players = [each for each in latest if each is not None]
    if len(players) < 5 or history.step < _LATE:
        return
    apart = [each.told_apart for each in players if each.told_apart is not None]
    fooled = len(apart) == 5 and statistics.fmean(apart) < 0.6 and max(each.precision for each in players) < 0.4
    outrun = _outrun_judge(history, players) and max(each.coverage for each in players) < 0.5
    if fooled or outrun:
        last = players[-1]
        told = statistics.fmean(apart) if apart else 0.5
        evidence = {"apart": told, "precision": last.precision, "coverage": last.coverage}
        yield Sighting(since=history.latest(5)[0].step, confidence=0.95 if outrun else 0.8, evidence=evidence)


def _outrun_judge(history: History, players: Sequence[PlayersSigns]) -> bool:
    """Whether one player goes farthest, and not the discriminator: that one is fooled, if only now and then, or seldom
    seen at all.
    """
    apart = [each.told_apart for each in players if each.told_apart is not None]
    return _pace(history) >= _OUTRUN and (not apart or statistics.fmean(apart) < 0.6 or min(apart) < 0.3)


@rules.register(
    "posterior-collapse",
    source="Burda et al. (2015): a latent is active if its mean's variance exceeds 0.01; a tenth of them or fewer",
    not_fooled_by="the first epochs, in which the KL term and the mean picture are learned first, and the loss may "
    "rest before latents come to use; some unused latents among used ones",
    says=Message(
        en="The latents are not used: the means of {share:.0%} of them vary over the data, so the decoder ignores its "
        "input.",
        zh="潜变量没有被使用：只有 {share:.0%} 的维度的均值随数据变化，解码器忽略了输入。",
    ),
)
def posterior_collapse(history: History) -> Iterator[Sighting]:
    """Hardly any latent's mean depends on the input, and the loss has come to rest without."""
    used = lasting(history, 4, lambda each: each.latents)
    quarters = history.losses.quarters()
    falls = bool(quarters) and quarters[2] - quarters[3] > _STILL_FALLING * abs(quarters[2])
    rests = history.ended or (history.step >= _MAY_WAKE and not falls)
    if used and history.step >= 60 and max(used) < 0.1 and rests:
        yield Sighting(since=history.latest(4)[0].step, confidence=0.9, evidence={"share": used[-1]})


@rules.register(
    "checkerboard",
    source="Odena et al. (2016): a transposed convolution covers outputs evenly only if its stride divides its kernel",
    not_fooled_by="kernels that are multiples of the stride; pixel shuffle; layers far from the output",
    structural=True,
    severity="notice",
    says=Message(
        en="The output will show a checkerboard: the kernel of this transposed convolution is no multiple of its "
        "stride.",
        zh="输出会出现棋盘格伪影：这个转置卷积的核大小不是步幅的整数倍。",
    ),
)
def checkerboard(history: History) -> Iterator[Sighting]:
    """An uneven transposed convolution among the last two layers of a model that made an image."""
    for name, facts in history.models.items():
        for path in facts.uneven:
            if history.step >= 1:
                yield Sighting(where=f"{name}:{path}", confidence=0.85)
                return
