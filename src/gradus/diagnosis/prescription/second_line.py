"""Second-line treatment: what to try where the causes that were named have too few remedies that find their place.

A named cause may be mistaken for another that looks the same from outside, or its own remedy may not be enough. For
each cause stand the suspects that come next, each with the remedy that would follow if it were the one.
"""

from collections.abc import Sequence
from dataclasses import replace

from gradus.core.findings import Remedy
from gradus.core.text import Message
from gradus.diagnosis.prescription.fixes import Case
from gradus.diagnosis.remedies import BY_ID, remedy_called

Treatment = tuple[str, str]
"""A suspect and a remedy against it, by their ids."""

_SAID = Message(
    en="If nothing else helps, try against {suspect}: {text}", zh="若其他修改均无效，可针对 {suspect} 尝试：{text}"
)

_LOWER = ("learning-rate-too-high", "lower-learning-rate")
_RAISE = ("learning-rate-too-low", "raise-learning-rate")
_ADAPT = ("learning-rate-too-low", "switch-optimizer")
_LONGER = ("under-trained", "train-longer")
_LARGER = ("underfitting", "enlarge")
_CLIP = ("exploding-gradient", "clip-gradient")
_START = ("bad-initialization", "initialize")
_NORMS = ("vanishing-signal", "normalize-layers")
_INPUTS = ("unscaled-inputs", "scale-inputs")
_TARGETS = ("unscaled-targets", "scale-targets")
_LOGITS = ("nonlinear-logits", "return-logits")
_ONCE = ("softmax-twice", "return-logits")
_LOG = ("missing-log", "add-log")
_LOSS = ("loss-output-mismatch", "fit-loss")
_LINEAR = ("output-range", "linear-output")
_STABLE = ("unstable-loss", "stable-loss")
_BOUND = ("overflow", "bound-exponent")
_CLEAN = ("non-finite-input", "clean-data")
_ALIKE = ("train-validation-mismatch", "same-transform")
_PAIRED = ("labels-unrelated", "check-labels")
_SHUFFLE = ("unshuffled-data", "shuffle")
_SEED = ("duplicate-augmentation", "seed-once")
_AXIS = ("batch-mixing", "keep-batch-axis")
_CLASSES = ("softmax-wrong-axis", "class-axis")
_EVALUATE = ("evaluation-in-train-mode", "eval-mode")
_PASS = ("dropout-in-evaluation", "pass-training")
_FREEZE = ("batch-norm-drift", "freeze-statistics")
_GROUPS = ("batch-norm-tiny-batch", "group-norm")
_STEP = ("missing-step", "call-step")
_ZERO = ("missing-zero-grad", "zero-grad")
_HOLD = ("parameters-not-in-optimizer", "hold-all")
_REMAKE = ("stale-optimizer", "remake-optimizer")
_REGISTER = ("unregistered-parameters", "register")
_UNFREEZE = ("frozen-parameters", "unfreeze")
_GRAPH = ("detached-graph", "keep-graph")
_DECAY = ("overfitting", "weight-decay")
_DROP = ("overfitting", "dropout")

SECOND_LINE: dict[str, tuple[Treatment, ...]] = {
    # What fades is lifted by norms and by steps that adapt; what explodes is bounded by clipping and small steps.
    "vanishing-gradient": (_RAISE, _ADAPT, _INPUTS, _LONGER),
    "exploding-gradient": (_CLIP, _LOWER, _INPUTS, _TARGETS),
    "dead-units": (_INPUTS, _LOGITS, _ADAPT),
    "saturated-units": (_LOWER, _INPUTS, _RAISE),
    "bad-initialization": (_LOWER, _CLIP, _INPUTS, _ADAPT),
    "symmetric-initialization": (_START, _NORMS, _RAISE),
    "missing-nonlinearity": (_LARGER, _RAISE, _LONGER),
    "vanishing-through-time": (_RAISE, _CLIP, _LONGER),
    "exploding-through-time": (_LOWER, ("exploding-gradient", "normalize-layers"), _INPUTS),
    # A rate is too high or too low for the scale of what goes in and comes out, too.
    "learning-rate-too-high": (_INPUTS, _TARGETS, _START, _NORMS, _CLIP),
    "learning-rate-too-low": (("optimizer-epsilon-too-large", "default-epsilon"), _LONGER, _NORMS),
    "optimizer-epsilon-too-large": (_RAISE, _ADAPT, _LONGER),
    "under-trained": (_ADAPT, _NORMS, _LARGER),
    "summed-loss": (_LOWER, _CLIP),
    "loss-sign": (_LOSS,),
    # A number that is no more one comes from the input, the loss or an exponential, or from steps that went too far.
    "non-finite-input": (_STABLE, _BOUND, _LOWER),
    "unstable-loss": (_BOUND, _CLEAN, _LOWER, _CLIP),
    "overflow": (_STABLE, _CLEAN, _LOWER, _CLIP),
    # Which of output and loss does not suit the other is a question of how they were meant.
    "softmax-twice": (_LOGITS, _LOG, _LOSS, _RAISE),
    "softmax-wrong-axis": (_ONCE, _AXIS, _LOSS),
    "softmax-single-unit": (_LOSS, _LOGITS),
    "missing-log": (_ONCE, _LOSS, _LOWER),
    "loss-output-mismatch": (_ONCE, _LOGITS, _LINEAR, _LOG, _TARGETS),
    "output-range": (_TARGETS, _LOSS, _LOGITS),
    "nonlinear-logits": (_ONCE, _LINEAR, _LOSS, _RAISE),
    "broadcast-loss": (_LOSS, _TARGETS),
    # Norms inside the model, and steps that adapt to each weight, make up for scales that nobody set right.
    "unscaled-inputs": (_NORMS, _ADAPT, _LOWER),
    "unscaled-targets": (_LINEAR, _ADAPT, _RAISE, _LONGER),
    "feature-scale": (_NORMS, _ADAPT, _LOWER),
    "constant-inputs": (_INPUTS, _NORMS, _LOWER),
    # Learned and yet wrong elsewhere: whatever is not done to held-out data, or to the examples, as was meant.
    "train-validation-mismatch": (_EVALUATE, _PASS, _FREEZE, _INPUTS, _PAIRED),
    "labels-unrelated": (_SEED, _AXIS, _SHUFFLE, _CLASSES, _EVALUATE),
    "noisy-labels": (_DECAY, _DROP, _LOWER),
    "class-imbalance": (_LOSS, _LONGER, _RAISE),
    "unshuffled-data": (_PAIRED, _GROUPS, _LOWER),
    "duplicate-augmentation": (_ALIKE, _DECAY, _DROP),
    "batch-mixing": (_CLASSES, _EVALUATE, _PAIRED),
    "overfitting": (_SEED, _EVALUATE, _ALIKE, _PASS, _LOWER),
    # The ways in which a weight is left out look alike: it does not move.
    "missing-zero-grad": (_STEP, _LOWER, _CLIP),
    "missing-step": (_HOLD, _REMAKE, _ZERO),
    "stale-optimizer": (_HOLD, _UNFREEZE, _STEP),
    "parameters-not-in-optimizer": (_REGISTER, _REMAKE, _UNFREEZE),
    "unregistered-parameters": (_HOLD, _REMAKE, _UNFREEZE),
    "frozen-parameters": (_HOLD, _REMAKE, _GRAPH),
    "detached-graph": (_UNFREEZE, _HOLD, _REGISTER),
    # So do the ways in which training and evaluation differ.
    "training-in-eval-mode": (_EVALUATE, _FREEZE, _PASS),
    "evaluation-in-train-mode": (_PASS, _FREEZE, _GROUPS),
    "dropout-in-evaluation": (_EVALUATE, _FREEZE),
    "batch-norm-drift": (_EVALUATE, _GROUPS, _ALIKE),
    "batch-norm-tiny-batch": (_EVALUATE, _FREEZE, _LOWER),
    # What fits too little wants freedom, strength or time.
    "underfitting": (("missing-nonlinearity", "add-nonlinearity"), _RAISE, _NORMS, _ADAPT),
    "over-regularization": (_LARGER, _RAISE, _LONGER),
    "posterior-collapse": (_LOWER, _LONGER),
    # Players out of balance show whichever of them looks worse.
    "mode-collapse": (("discriminator-dominates", "slow-discriminator"), ("oscillating-players", "damp-players")),
    "oscillating-players": (("discriminator-dominates", "slow-discriminator"), _LOWER),
    "discriminator-dominates": (("mode-collapse", "diversity"), ("oscillating-players", "damp-players")),
    "generator-dominates": (("mode-collapse", "diversity"), ("oscillating-players", "damp-players")),
}


_NOTHING_NAMED: tuple[Treatment, ...] = (
    _REGISTER, _LOGITS, _LOSS, _ZERO, _CLASSES, _SEED, ("missing-nonlinearity", "add-nonlinearity"), _STEP,
    ("softmax-single-unit", "sigmoid-output"), _FREEZE, _UNFREEZE, _LOG, _AXIS, _PAIRED, _ALIKE, _REMAKE, _SHUFFLE,
    ("over-regularization", "regularize-less"), _RAISE, _LONGER, _LOWER,
)  # fmt: skip
"""Where nothing was seen, by how seldom they find a place in healthy programs of the ward."""
HARDLY_EVER = frozenset(suspect for suspect, _ in _NOTHING_NAMED[: _NOTHING_NAMED.index(_AXIS)])
"""Of those, the suspects whose remedies do so in less than 5 of 100."""


def second_line(case: Case, causes: Sequence[str]) -> dict[str, list[Remedy]]:
    """Suspects in order, each with remedies whose texts say what they are for.

    First what was found, be it named or not, then the relatives of what was named, then what is only a symptom.
    """
    found = [(each.symptom, remedy) for each in case.findings for remedy in BY_ID.get(each.symptom, ())]
    runners_up = [each for each in found if each[0] in SECOND_LINE]
    relatives = [each for cause in causes for each in SECOND_LINE.get(cause, ())] or list(_NOTHING_NAMED)
    lines: dict[str, list[Remedy]] = {}
    for suspect, remedy in dict.fromkeys([*runners_up, *relatives, *found]):
        lines.setdefault(suspect, []).append(suspected(suspect, remedy))
    return lines


def suspected(suspect: str, remedy: str) -> Remedy:
    """A remedy whose text says against what it is."""
    known = remedy_called(remedy)
    return replace(known, text=_SAID.say(suspect=suspect, text=known.text))


def no_last_resort(suspect: str, remedy: Remedy) -> Remedy:
    """The remedy as of a named cause: what was suspected, and did good, is no last resort any more."""
    return remedy_called(remedy.id) if remedy == suspected(suspect, remedy.id) else remedy
