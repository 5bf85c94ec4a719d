"""What to do about each symptom and cause, cheapest first.

Signal flow comes before the rate, since no rate mends what does not reach a layer; clipping stands only where the
gradient explodes through time, since elsewhere it was measured not to help.
"""

from gradus.core.findings import Remedy
from gradus.diagnosis.remedy_cards.card import RemedyCard
from gradus.diagnosis.remedy_cards.data import DATA
from gradus.diagnosis.remedy_cards.layers import LAYERS
from gradus.diagnosis.remedy_cards.loop import LOOP
from gradus.diagnosis.remedy_cards.outputs import OUTPUTS
from gradus.diagnosis.remedy_cards.training import TRAINING

CARDS: dict[str, RemedyCard] = {each.id: each for each in (*LAYERS, *TRAINING, *OUTPUTS, *DATA, *LOOP)}

BY_ID: dict[str, tuple[str, ...]] = {
    "vanishing-gradient": ("initialize", "swap-activation", "normalize-layers", "add-residual"),
    "exploding-gradient": ("initialize", "normalize-layers", "range-test"),
    "vanishing-signal": ("initialize", "swap-activation", "normalize-layers", "add-residual"),
    "exploding-signal": ("initialize", "scale-inputs", "normalize-layers", "range-test"),
    "dead-units": (
        "initialize",
        "reset-biases",
        "revive-units",
        "lower-learning-rate",
        "leaky",
        "normalize-layers",
        "range-test",
    ),
    "saturated-units": ("initialize", "scale-inputs", "normalize-layers", "swap-activation", "range-test"),
    "bad-initialization": ("initialize", "normalize-layers", "range-test"),
    "initial-loss": ("initialize", "scale-inputs"),
    "symmetric-initialization": ("initialize",),
    "missing-nonlinearity": ("add-nonlinearity",),
    "vanishing-through-time": ("initialize", "pool-over-time", "gated"),
    "exploding-through-time": ("clip-gradient", "initialize", "gated"),
    "learning-rate-too-high": ("lower-learning-rate", "range-test", "schedule"),
    "learning-rate-too-low": ("raise-learning-rate", "range-test", "switch-optimizer"),
    "large-updates": ("lower-learning-rate", "range-test"),
    "small-updates": ("raise-learning-rate", "range-test", "switch-optimizer"),
    "divergence": ("lower-learning-rate", "range-test", "schedule", "read-causes"),
    "oscillation": ("lower-learning-rate", "schedule", "shuffle"),
    "optimizer-epsilon-too-large": ("default-epsilon",),
    "under-trained": ("train-longer", "raise-learning-rate", "range-test"),
    "summed-loss": ("mean-loss", "lower-learning-rate"),
    "loss-sign": ("flip-sign",),
    "non-finite": ("lower-learning-rate", "clean-data", "stable-loss"),
    "non-finite-input": ("clean-data",),
    "unstable-loss": ("stable-loss",),
    "overflow": ("bound-exponent",),
    "softmax-twice": ("return-logits",),
    "softmax-wrong-axis": ("class-axis",),
    "softmax-single-unit": ("sigmoid-output", "class-axis"),
    "missing-log": ("add-log",),
    "loss-output-mismatch": ("fit-loss",),
    "output-range": ("linear-output",),
    "nonlinear-logits": ("return-logits",),
    "broadcast-loss": ("match-shapes",),
    "unscaled-inputs": ("scale-inputs",),
    "unscaled-targets": ("scale-targets",),
    "feature-scale": ("scale-inputs",),
    "constant-inputs": ("drop-constants",),
    "train-validation-mismatch": ("same-transform",),
    "leakage": ("split-again", "look-back"),
    "labels-unrelated": ("check-labels", "same-transform"),
    "noisy-labels": ("clean-labels", "early-stopping"),
    "class-imbalance": ("balance",),
    "unshuffled-data": ("shuffle",),
    "duplicate-augmentation": ("seed-once",),
    "batch-mixing": ("keep-batch-axis",),
    "missing-zero-grad": ("zero-grad",),
    "missing-step": ("call-step",),
    "stale-optimizer": ("remake-optimizer",),
    "parameters-not-in-optimizer": ("hold-all",),
    "unregistered-parameters": ("register",),
    "frozen-parameters": ("unfreeze",),
    "detached-graph": ("keep-graph",),
    "training-in-eval-mode": ("train-mode",),
    "evaluation-in-train-mode": ("eval-mode",),
    "dropout-in-evaluation": ("pass-training",),
    "batch-norm-drift": ("freeze-statistics",),
    "batch-norm-tiny-batch": ("group-norm",),
    "generalization-gap": ("early-stopping", "weight-decay", "dropout", "augment"),
    "validation-rising": ("early-stopping", "weight-decay", "dropout", "augment"),
    "overfitting": ("early-stopping", "weight-decay", "dropout", "augment"),
    "underfitting": ("enlarge", "train-longer"),
    "over-regularization": ("regularize-less",),
    "plateau": ("lower-learning-rate", "schedule", "enlarge"),
    "no-learning": ("read-causes",),
    "constant-prediction": ("read-causes",),
    "curve-reading": ("early-stopping",),
    "mode-collapse": ("diversity", "damp-players"),
    "oscillating-players": ("damp-players", "diversity"),
    "discriminator-dominates": ("slow-discriminator",),
    "generator-dominates": ("fast-discriminator",),
    "posterior-collapse": ("warm-up-kl",),
    "checkerboard": ("even-kernel",),
    "desynchronised-rank": ("broadcast-start",),
    "straggler": ("even-load",),
}


def remedies_for(identity: str) -> tuple[Remedy, ...]:
    """What to do about a symptom or cause, in order, in the current language."""
    return tuple(map(remedy_called, BY_ID[identity]))


def remedy_called(identity: str) -> Remedy:
    """The remedy of that id, in the current language."""
    card = CARDS[identity]
    return Remedy(id=card.id, text=card.text.say(), why=card.why.say(), source=card.source)
