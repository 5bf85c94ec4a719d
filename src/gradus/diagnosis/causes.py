"""From symptoms to causes: what speaks for and against each, the runners-up, and what would tell them apart.

A symptom is not a cause: dead units follow from a rate too high, from weights that explode, from a constant column.
Evidence is named in `evidence`: every finding's symptom, and facts read off the history that no rule reports.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gradus.core.findings import Finding
from gradus.core.text import Message
from gradus.diagnosis.history import History
from gradus.diagnosis.rules.common import chance, losses, progress, scored, too_few, update_ratio
from gradus.diagnosis.rules.data import labels_kept
from gradus.diagnosis.rules.signal import EXPLODED, first_over_last, last_over_first, vanishes
from gradus.diagnosis.signs import Examination

Weights = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A row of the table: evidence by name, with its weight. What a rule establishes by itself counts 3 of its own."""

    id: str
    speaks_for: Weights = field(default_factory=dict)
    speaks_against: Weights = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A cause with how sure it is, what spoke for it, and what would tell it from the next."""

    id: str
    confidence: float
    because: tuple[str, ...]
    instead: str = ""
    tell_apart: str = ""


def _cause(identity: str, speaks_for: Weights | None = None, against: Weights | None = None) -> Cause:
    return Cause(id=identity, speaks_for=speaks_for or {}, speaks_against=against or {})


# Things that would explain a loss that does not fall: each speaks against "the data" and "the rate is too low".
_BLOCKED = {
    "vanishing-gradient": 2.0, "dead-units": 2.0, "saturated-units": 2.0, "vanishing-signal": 2.0,
    "large-updates": 2.0, "divergence": 2.0, "symmetric-initialization": 2.0, "constant-inputs": 2.0,
    "non-finite": 2.0, "vanishing-through-time": 2.0,
}  # fmt: skip
_LOOP = (
    "missing-zero-grad", "missing-step", "stale-optimizer", "parameters-not-in-optimizer", "unregistered-parameters",
    "frozen-parameters", "detached-graph", "training-in-eval-mode",
)  # fmt: skip
_OUTPUT = (
    "softmax-twice", "softmax-wrong-axis", "softmax-single-unit", "missing-log", "loss-output-mismatch", "output-range",
    "nonlinear-logits", "broadcast-loss", "loss-sign",
)  # fmt: skip
# Mistakes of a program, whatever its numbers are; evaluation mode is one only where something normalizes.
_MISTAKES = tuple(each for each in (*_LOOP, *_OUTPUT) if each != "training-in-eval-mode")

TABLE: tuple[Cause, ...] = (
    # signal
    _cause(
        "vanishing-gradient",
        {"vanishing-gradient": 2.5, "vanishing-signal": 1.2, "sigmoid-like": 0.8, "vanished-at-start": 1.5},
        {"weights-too-small": 2.5, "symmetric-initialization": 3, "dead-units": 1.5, "constant-inputs": 1,
         "high-rate": 1.5, "large-updates": 1.5, "saturated-later": 1.5, "vanished-later": 2, "unscaled-inputs": 1.5,
         "feature-scale": 1.5, "normalizes-nothing": 2.5},
    ),
    _cause(
        "exploding-gradient",
        {"exploding-gradient": 2.2, "exploding-signal": 1.5, "deep": 0.8, "non-finite": 0.5, "lost-at-start": 1.0,
         "exploded-at-start": 1.0},
        {"weights-too-large": 2.0, "non-finite-input": 3, "unstable-loss": 2, "unscaled-inputs": 1,
         "normalizes-nothing": 2.5, "exploded-later": 1.2},
    ),
    _cause(
        "dead-units",
        {"dead-units": 2.2, "dead-from-start": 1.2},
        {**dict.fromkeys(_OUTPUT, 3.0), "symmetric-initialization": 3, "large-updates": 2.0, "high-rate": 1.5,
         "exploding-signal": 1.5, "constant-inputs": 2, "unscaled-inputs": 1,
         "died-later": 1.2, "initial-loss": 1, "unusual-rate": 1.0, "vanished-at-start": 1.5},
    ),
    _cause(
        "saturated-units",
        {"saturated-units": 2.5},
        {"weights-too-large": 1.0, "saturated-later": 2.0, "high-rate": 1.0, "unscaled-inputs": 1.5,
         "feature-scale": 1.5, "large-updates": 1.5},
    ),
    _cause(
        "bad-initialization",
        {"weights-too-large": 1.5, "weights-too-small": 1.5, "initial-loss": 0.8, "non-finite": 0.4,
         "vanishing-signal": 0.5, "exploding-signal": 0.5},
        {"unscaled-inputs": 1.5, "symmetric-initialization": 2, "saturated-units": 0.7, "summed-loss": 0.5,
         "constant-inputs": 2.5},
    ),
    _cause("symmetric-initialization"),
    _cause("missing-nonlinearity", {"no-learning": 0.3, "plateau": 0.3}),
    _cause(
        "vanishing-through-time",
        {"no-learning": 0.5},
        # A network that is taught the mean forgets all else.
        {"unscaled-inputs": 2, "constant-inputs": 3, **dict.fromkeys(_MISTAKES, 2.0)},
    ),
    _cause("exploding-through-time", {"non-finite": 0.3, "divergence": 0.3, "large-updates": 0.2}),
    # optimization
    _cause(
        "learning-rate-too-high",
        {"large-updates": 2.0, "divergence": 1.5, "oscillation": 1.5, "high-rate": 1.2, "died-later": 1.0,
         "dead-units": 0.3, "vanishing-gradient": 0.3, "vanished-later": 1.5,
         "exploding-gradient": 0.3, "exploded-later": 1.0,
         "saturated-later": 1.5, "weights-lost": 1.2, "non-finite": 0.3, "lost-after-a-step": 0.5, "spiked": 0.7,
         "constant-prediction": 0.3, "unusual-rate": 1.5, "diverged-in-one-layer": 1.0},
        # A mistake in the program that is established comes before any judgement of a rate. Curvature goes with the
        # square of an input's size; at every change of class the loss jumps; weights grow without end where no output
        # can come to its target; batch norms in evaluation mode bound nothing.
        {**dict.fromkeys(_MISTAKES, 2.0), "weights-too-large": 2, "bad-initialization": 2,
         "symmetric-initialization": 2, "unscaled-inputs": 3.5, "unscaled-targets": 2, "feature-scale": 2,
         "summed-loss": 9,
         "loss-sign": 9, "missing-zero-grad": 8, "non-finite-input": 3, "unstable-loss": 4, "overflow": 2,
         "exploding-through-time": 1.5, "unshuffled-data": 5, "exploded-at-start": 4.5,
         "dead-from-start": 1, "over-regularization": 1, "batch-mixing": 2,
         "batch-norm-tiny-batch": 2, "normalizes-nothing": 2.5, "loss-output-mismatch": 3, "vanished-at-start": 2},
    ),
    _cause(
        "learning-rate-too-low",
        {"small-updates": 2.5, "creeping": 1.0, "no-learning": 0.3, "under-trained": 0.3},
        {**_BLOCKED, "bad-initialization": 2, "optimizer-epsilon-too-large": 3,
         "unscaled-targets": 1, "labels-unrelated": 1, **dict.fromkeys((*_LOOP, *_OUTPUT), 1.5)},
    ),
    _cause("optimizer-epsilon-too-large", {"small-updates": 0.5}),
    _cause(
        "under-trained",
        {"few-steps": 0.7},
        {**_BLOCKED, "small-updates": 2.5, "softmax-twice": 2, "held-out-at-chance": 1, "noisy-labels": 1.5,
         "optimizer-epsilon-too-large": 2,
         "over-regularization": 1.5, "unscaled-targets": 1.5, **dict.fromkeys(_LOOP, 1.5),
         **dict.fromkeys(_OUTPUT, 1.5)},
    ),
    _cause("summed-loss", {"large-updates": 0.5, "divergence": 0.5}, {"unscaled-inputs": 1, "unscaled-targets": 1}),
    _cause("loss-sign"),
    # numbers
    _cause("non-finite-input"),
    _cause("unstable-loss", {}, {"non-finite-input": 2, "constant-inputs": 2, "divergence": 1, "large-updates": 1.0}),
    _cause("overflow", {}, {"non-finite-input": 2, "unstable-loss": 0.5}),
    # output and loss
    *(_cause(each) for each in _OUTPUT if each != "loss-sign"),
    # data
    _cause("unscaled-inputs", {"exploding-signal": 0.3, "initial-loss": 0.5, "dead-units": 0.3}),
    # Of a single layer the targets' size does not change the curvature.
    _cause(
        "unscaled-targets", {"divergence": 0.5, "non-finite": 0.3}, {"broadcast-loss": 0.5, "diverged-in-one-layer": 2}
    ),
    _cause("feature-scale", {"initial-loss": 0.3, "oscillation": 0.3}, {"unscaled-inputs": 2}),
    _cause(
        "constant-inputs", {"constant-prediction": 0.5, "no-learning": 0.5, "dead-units": 0.5}, {"non-finite-input": 3}
    ),
    _cause(
        "train-validation-mismatch", {"generalization-gap": 0.7, "validation-rising": 0.3},
        # Where learning is slow, a later stretch of a series looks worse for long.
        {"optimizer-epsilon-too-large": 2, "batch-norm-drift": 3},
    ),
    _cause("leakage"),
    _cause(
        "labels-unrelated",
        {"no-learning": 1.0, "normal-updates": 0.5, "validation-rising": 0.5, "generalization-gap": 0.7,
         "held-out-at-chance": 1.2, "labels-drawn-anew": 3.0},
        {**_BLOCKED, "vanishing-through-time": 3, "small-updates": 2, "train-validation-mismatch": 3,
         "duplicate-augmentation": 3,
         "softmax-wrong-axis": 2, "batch-mixing": 2.5,
         "evaluation-in-train-mode": 1, "broadcast-loss": 3, "bad-initialization": 2,
         "over-regularization": 2, "unscaled-targets": 2, "class-imbalance": 2, "missing-nonlinearity": 1.5,
         "unscaled-inputs": 1.5, "feature-scale": 1.5, "underfitting": 1, "unshuffled-data": 3,
         **dict.fromkeys(_LOOP, 2.0), **dict.fromkeys(_OUTPUT, 2.0), "detached-graph": 3},
    ),
    _cause(
        "noisy-labels",
        {"validation-rising": 0.3, "generalization-gap": 0.3},
        {"labels-unrelated": 2, "unshuffled-data": 2},
    ),
    # Steps that far leave a network that says the same whatever it is shown, which of unequal classes is the largest.
    _cause("class-imbalance", {"constant-prediction": 0.5}, {"unusual-rate": 1.5}),
    _cause("unshuffled-data", {"oscillation": 0.5, "generalization-gap": 0.3}),
    _cause("duplicate-augmentation"),
    _cause("batch-mixing", {"no-learning": 0.5}, {"softmax-wrong-axis": 1}),
    # loop
    *(_cause(each) for each in _LOOP),
    _cause("evaluation-in-train-mode", {"generalization-gap": 0.5}),
    _cause("dropout-in-evaluation", {"generalization-gap": 0.3}),
    _cause("batch-norm-drift", {}, {"frozen-parameters": 1}),  # it comes with layers that were never meant to be frozen
    # fit
    _cause(
        "overfitting",
        {"generalization-gap": 1.8, "validation-rising": 2.2, "curve-reading": 0.8, "few-examples": 0.5},
        {"train-validation-mismatch": 3, "labels-unrelated": 2.5, "evaluation-in-train-mode": 2.5,
         "dropout-in-evaluation": 2, "batch-norm-tiny-batch": 1.5, "noisy-labels": 1.5, "unshuffled-data": 2,
         "training-in-eval-mode": 1.5, "batch-norm-drift": 1, "constant-inputs": 2, "batch-mixing": 2,
         "softmax-wrong-axis": 2, "duplicate-augmentation": 2.5, "large-updates": 1, "saturated-units": 1},
    ),
    _cause(
        "underfitting",
        {"plateau": 1.0},
        {**_BLOCKED, "small-updates": 2, "over-regularization": 2.5, "missing-nonlinearity": 3,
         "labels-unrelated": 1, **dict.fromkeys(_LOOP, 2.0), **dict.fromkeys(_OUTPUT, 2.0)},
    ),
    _cause(
        "over-regularization", {"no-learning": 0.4, "plateau": 0.4, "constant-prediction": 0.3},
        # Nothing but decay moves what no gradient reaches, and that withers, however weak the decay is.
        {"vanishing-gradient": 2.0, "dead-from-start": 2.0, **dict.fromkeys(_LOOP, 2.0), **dict.fromkeys(_OUTPUT, 2.0)},
    ),
    _cause("batch-norm-tiny-batch", {"generalization-gap": 0.3, "oscillation": 0.3}),
    # generative
    _cause("mode-collapse", {}, {"discriminator-dominates": 0.5, "oscillating-players": 1}),
    _cause("oscillating-players"),
    _cause("discriminator-dominates", {}, {"mode-collapse": 0.5, "generator-dominates": 1}),
    _cause("generator-dominates", {}, {"mode-collapse": 0.5}),
    _cause("posterior-collapse", {}, {"class-imbalance": 2, "small-updates": 1}),  # it may not have begun
    _cause("checkerboard"),
    # parallel
    _cause("desynchronised-rank"),
    _cause("straggler"),
)  # fmt: skip

_ADAPTIVE = {"Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Adamax"}
_CUSTOMARY = 1e-3
_ESTABLISHED = 3.0
_GROWN = 10.0
_VANISHED_SINCE = 100.0
_BY_EVIDENCE = {
    "vanishing-gradient", "exploding-gradient", "dead-units", "saturated-units", "bad-initialization",
    "labels-unrelated", "learning-rate-too-high", "learning-rate-too-low", "overfitting",
}  # fmt: skip
"""Causes that evidence alone can establish; any other needs the finding of its own rule."""
_ITS_OWN = {"vanishing-gradient", "exploding-gradient", "dead-units", "saturated-units"}
"""Symptoms that are causes only if nothing else explains them: their weight stands in the table."""

TELL_APART: dict[frozenset[str], Message] = {
    frozenset({"learning-rate-too-high", "dead-units"}): Message(
        en="Train a few steps at a tenth of the rate: if units stay alive, the rate was the cause.",
        zh="用十分之一的学习率训练几步：若单元不再死亡，原因就是学习率。",
    ),
    frozenset({"learning-rate-too-high", "bad-initialization"}): Message(
        en="Look at the first step, before any update: what is wrong there is the initialization's doing.",
        zh="看第一步更新之前：那时就有的问题来自初始化。",
    ),
    frozenset({"learning-rate-too-low", "labels-unrelated"}): Message(
        en="Train ten times as fast on one batch: labels of any kind can be memorized if the rate is high enough.",
        zh="用十倍的学习率在一个批次上训练：只要学习率够高，任何标签都能被记住。",
    ),
    frozenset({"learning-rate-too-low", "vanishing-gradient"}): Message(
        en="Compare update over weight between the first and the last layer: a low rate lowers both.",
        zh="比较第一层与最后一层的更新与权重之比：学习率过低会使两者都低。",
    ),
    frozenset({"overfitting", "noisy-labels"}): Message(
        en="Read the training examples with the highest loss by hand: wrong labels stand out there.",
        zh="人工检查损失最高的训练样本：错误的标签会集中在那里。",
    ),
    frozenset({"overfitting", "train-validation-mismatch"}): Message(
        en="Evaluate on training examples through the validation pipeline: a mismatch shows there too.",
        zh="让训练样本经过验证流程来评估：不一致也会在那里显现。",
    ),
    frozenset({"overfitting", "labels-unrelated"}): Message(
        en="Compare the best held-out accuracy with that of guessing.",
        zh="把最好的验证准确率与猜测的准确率相比较。",
    ),
}


def rank(history: History, findings: Sequence[Finding]) -> list[Ranked]:
    """Causes by how well the evidence speaks for them; those it does not are left out."""
    found = {each.symptom for each in findings}
    seen = evidence(history, findings)
    scored: list[tuple[float, Cause, tuple[str, ...]]] = []
    for cause in TABLE:
        weights = dict(cause.speaks_for)
        if cause.id not in _ITS_OWN:
            weights[cause.id] = weights.get(cause.id, 0.0) + _ESTABLISHED
        reasons = {name: weight * seen[name] for name, weight in weights.items() if name in seen}
        if cause.id not in _BY_EVIDENCE and cause.id not in found:
            continue
        if not reasons.keys() & found:  # facts alone make no cause: nothing has been seen to be wrong
            continue
        against = sum(weight * seen[name] for name, weight in cause.speaks_against.items() if name in seen)
        score = sum(reasons.values()) - against
        if score >= 0.6:
            because = sorted(reasons, key=lambda name: -reasons[name])
            scored.append((score, cause, tuple(because)))
    scored.sort(key=lambda each: -each[0])
    return [
        Ranked(
            id=cause.id,
            confidence=round(1 - math.exp(-score), 3),
            because=because,
            instead=scored[at + 1][1].id if at + 1 < len(scored) else "",
            tell_apart=_between(cause.id, [each.id for _, each, _ in scored[at + 1 : at + 2]]),
        )
        for at, (score, cause, because) in enumerate(scored)
    ]


def _between(one: str, others: Sequence[str]) -> str:
    for other in others:
        message = TELL_APART.get(frozenset({one, other}))
        if message is not None:
            return message.say()
    return ""


def evidence(history: History, findings: Iterable[Finding]) -> dict[str, float]:
    """How strongly each piece of evidence is there, 0 to 1."""
    seen: dict[str, float] = {}
    for each in findings:
        seen[each.symptom] = max(seen.get(each.symptom, 0.0), each.confidence)
    seen |= dict.fromkeys(_facts(history, seen), 1.0)
    return seen


def _facts(history: History, seen: Mapping[str, float]) -> Iterable[str]:
    first, last = history.first, history.last
    if first is None or last is None:
        return
    scales = [
        each.weight * math.sqrt(each.fan_in)
        for place, each in first.parameters.items()
        if each.matrix and not each.embedding and each.fan_in >= 8 and "weight_hh" not in place
    ]
    if scales and not first.step:
        if max(scales) > 3:
            yield "weights-too-large"
        if min(scales) < 0.3:
            yield "weights-too-small"
    if any(each.activation in ("sigmoid", "tanh") for each in first.layers.values()):
        yield "sigmoid-like"
    # In evaluation mode batch norm leaves signals as wide as they come.
    if "training-in-eval-mode" in seen and any(facts.normalizations for facts in history.models.values()):
        yield "normalizes-nothing"
    matrices = sum(each.matrix for each in first.parameters.values())
    if matrices >= 8:
        yield "deep"
    if matrices == 1 and not seen.keys().isdisjoint({"divergence", "non-finite"}):
        yield "diverged-in-one-layer"
    yield from _when_units_died(history, seen)
    saturated = [
        max((layer.saturated or 0.0 for layer in each.layers.values()), default=0.0) for each in history.examinations
    ]
    vanished = "vanishing-gradient" in seen
    vanished_later = vanished and _vanished_later(history, first, last)
    if vanished and not vanished_later and saturated[0] < 0.3 and vanishes(first):
        yield "vanished-at-start"  # what dies or withers after that is a consequence
    if vanished_later:
        yield "vanished-later"
    # Steps that no gradient guides may saturate units, too: where it had vanished before any, that comes first.
    if "saturated-units" in seen and saturated[0] < 0.3 and (vanished_later or "vanishing-gradient" not in seen):
        yield "saturated-later"
    if "exploding-gradient" in seen and _exploded_later(history):
        yield "exploded-later"
    ratios = [ratio for ratio in (update_ratio(each) for each in history.examinations) if ratio is not None]
    typical = sorted(ratios)[len(ratios) // 2] if ratios else math.nan
    if 2e-4 < typical < 0.1:
        yield "normal-updates"
    if ratios and max(ratios[:12]) > 0.3:
        yield "high-rate"
    start = history.losses.start(1)
    peak = max(history.losses.first[1:30], default=math.nan)
    if peak > 2 * start > 0:
        yield "spiked"
    if (
        history.non_finite is not None
        and history.non_finite.source in ("weight", "forward")
        and history.non_finite.step > 1
    ):
        yield "weights-lost"
    if history.non_finite is not None and history.non_finite.step >= 1:
        yield "lost-after-a-step"
    if history.non_finite is not None and history.non_finite.source == "forward" and history.non_finite.step == 0:
        yield "lost-at-start"
    outgrown = last_over_first(first, 1)
    # A first loss far above that of knowing nothing says the same of what is less than a hundredfold.
    limit = _GROWN if "initial-loss" in seen else EXPLODED
    if "exploding-signal" in seen and not first.step and outgrown is not None and outgrown[1] > limit:
        yield "exploded-at-start"
    if _is_far_from_customary(history):
        yield "unusual-rate"
    gain = progress(history)
    if 0 < gain < 0.1 and math.isfinite(gain):
        yield "creeping"
    if history.ended and history.step < 150:
        yield "few-steps"
    if "labels-unrelated" in seen and labels_kept(history) is not None:
        yield "labels-drawn-anew"
    held_out = [each.accuracy or 0.0 for each in scored(history)]
    if len(held_out) >= 2 and max(held_out) < chance(history) + 0.06 < 0.8 and not too_few(history):
        yield "held-out-at-chance"
    batches = {each.batch for each in losses(history)}
    if batches and history.losses.count > 3 and max(batches) < 150 and len(batches) == 1:
        yield "few-examples"


def _when_units_died(history: History, seen: Mapping[str, float]) -> Iterable[str]:
    if "dead-units" not in seen:
        return
    # What follows a layer is known from the second examination on, where it is no module.
    known = [[layer.dead for layer in each.layers.values() if layer.units >= 4] for each in history.examinations]
    shares = [max(dead for dead in each if dead is not None) for each in known if any(one is not None for one in each)]
    shares = shares or [0.0]
    cut = all(not each.gradient for each in history.examinations[0].parameters.values() if each.matrix)
    # Where the first step was not looked at, it may have killed them, if it went far.
    unseen = history.examinations[0].step > 0 and _is_far_from_customary(history)
    dead = shares[0] > 0.65 and not unseen
    yield "dead-from-start" if dead or (cut and not max(shares)) else "died-later"


def _vanished_later(history: History, first: Examination, last: Examination) -> bool:
    """Whether the gradient came through at first; or the first step was not looked at, and went far enough to tell."""
    if first.step:
        return _is_far_from_customary(history)
    before, now = first_over_last(first, first), first_over_last(last, first)
    return before is not None and now is not None and before[1] > _VANISHED_SINCE * now[1]


def _exploded_later(history: History) -> bool:
    """Whether the gradient was even at first, and steps made it what it is."""
    known = (first_over_last(each, history.first) for each in history.examinations)
    before = next((each for each in known if each is not None), None)
    return before is not None and before[1] < EXPLODED


def _is_far_from_customary(history: History) -> bool:
    """Whether an adaptive method's rate, which is how far a step goes, is 30 times what its papers and torch give."""
    return any(each.name in _ADAPTIVE and each.rate >= 30 * _CUSTOMARY for each in history.optimizers.values())
