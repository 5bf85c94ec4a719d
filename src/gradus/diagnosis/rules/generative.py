"""Generators: two players that must keep pace, latents that must be used, outputs that must be even."""

import statistics
from collections.abc import Iterator

from gradus.core.text import Message
from gradus.diagnosis.rules import Sighting, lasting, rules
from gradus.diagnosis.signs import History

_LATE = 150


@rules.register(
    "mode-collapse",
    source="our prototype: distances between samples 0.00 to 0.03 of the data's, healthy ones 0.92 and more; partial: "
    "coverage (Naeem et al. 2020) below a half though samples are real enough",
    not_fooled_by="a generator that has only begun, whose samples lie close together far from the data",
    says=Message(
        en="The generator has collapsed: its samples differ {spread:.2g} times as much as real ones do, and cover "
        "{coverage:.0%} of them.",
        zh="生成器发生模式坍塌：样本间的差异是真实数据的 {spread:.2g} 倍，只覆盖其中的 {coverage:.0%}。",
    ),
)
def mode_collapse(history: History) -> Iterator[Sighting]:
    """Generated examples are all alike, or cover a part of the data only."""
    latest = [each.players for each in history.latest(4)]
    players = [each for each in latest if each is not None]
    if len(players) < 4 or history.step < _LATE:
        return
    # Samples of a generator that has only begun lie close together too, but never lay apart, and far from the data.
    widest = max(each.players.spread for each in history.examinations if each.players is not None)
    began = widest > 2 * players[-1].spread or min(each.precision for each in players) > 0.2
    total = all(each.spread < 0.05 for each in players) or (all(each.spread < 0.25 for each in players) and began)
    partial = all(each.coverage < 0.55 and each.precision > 0.6 and each.spread < 0.97 for each in players)
    if total or partial:
        evidence = {"spread": players[-1].spread, "coverage": statistics.fmean(each.coverage for each in players)}
        yield Sighting(since=history.latest(4)[0].step, confidence=0.9 if total else 0.75, evidence=evidence)


@rules.register(
    "discriminator-dominates",
    source="Arjovsky & Bottou (2017): a discriminator that is always right gives the generator no gradient",
    not_fooled_by="the first steps; critics, whose outputs are no probabilities, as long as samples come closer",
    says=Message(
        en="The discriminator wins: it tells {apart:.0%} of real and generated examples apart, and the generator does "
        "not "
        "catch up.",
        zh="判别器占优：它能区分 {apart:.0%} 的真实与生成样本，生成器追不上。",
    ),
)
def discriminator_dominates(history: History) -> Iterator[Sighting]:
    """Real and generated examples are told apart almost without error for long."""
    apart = lasting(history, 5, lambda each: each.players.told_apart if each.players is not None else None)
    far = lasting(history, 5, lambda each: each.players.precision if each.players is not None else None)
    if apart and history.step >= _LATE and min(apart) > 0.97 and max(far) < 0.3:
        yield Sighting(since=history.latest(5)[0].step, confidence=0.85, evidence={"apart": statistics.fmean(apart)})


@rules.register(
    "generator-dominates",
    source="Goodfellow et al. (2014): equilibrium has samples like the data; a fooled discriminator without that "
    "teaches nothing",
    not_fooled_by="equilibrium, where samples lie among the data",
    says=Message(
        en="The generator wins against a discriminator that has learned nothing: it tells {apart:.0%} apart (half is "
        "guessing), "
        "although only {precision:.0%} of the samples look like data.",
        zh="判别器什么也没学到，生成器轻易取胜：它只能区分 {apart:.0%}（一半即为猜测），而只有 {precision:.0%} "
        "的样本像真实数据。",
    ),
)
def generator_dominates(history: History) -> Iterator[Sighting]:
    """A discriminator cannot tell samples from data though they are far from it."""
    apart = lasting(history, 5, lambda each: each.players.told_apart if each.players is not None else None)
    near = lasting(history, 5, lambda each: each.players.precision if each.players is not None else None)
    if apart and history.step >= _LATE and statistics.fmean(apart) < 0.6 and max(near) < 0.4:
        evidence = {"apart": statistics.fmean(apart), "precision": near[-1]}
        yield Sighting(since=history.latest(5)[0].step, confidence=0.8, evidence=evidence)


@rules.register(
    "posterior-collapse",
    source="Burda et al. (2015): a latent is active if its mean's variance exceeds 0.01; a tenth of them or fewer",
    not_fooled_by="the first steps, in which the KL term is learned first; some unused latents among used ones",
    says=Message(
        en="The latents are not used: the means of {share:.0%} of them vary over the data, so the decoder ignores its "
        "input.",
        zh="潜变量没有被使用：只有 {share:.0%} 的维度的均值随数据变化，解码器忽略了输入。",
    ),
)
def posterior_collapse(history: History) -> Iterator[Sighting]:
    """Hardly any latent's mean depends on the input."""
    used = lasting(history, 4, lambda each: each.latents)
    if used and history.step >= 60 and max(used) < 0.1:
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
