"""What each remedy changes in a recipe: one table, remedy by remedy.

An amendment is a pure function of the recipe and of what is known about its parts. It gives the fields to set, or
nothing where it does not apply: the model has no such option, or the remedy is in force already.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.diagnosis.remedies import BY_ID
from gradus.losses import criteria
from gradus.models import models
from gradus.optim import optimizers
from gradus.training.recipe import Part, Recipe, override

Fields = dict[str, Any]
"""Dotted fields of a recipe with their new values."""

_LEAST_BATCH = 16
"""Below which a batch's own mean and deviation are too noisy to normalize by (Wu, He 2018, figure 1)."""
_RECTIFIERS = ("relu", "leaky_relu", "gelu", "silu", "elu", "selu", "mish", "prelu")
_LIVE: dict[str, tuple[str, ...]] = {
    "normalize-layers": ("normalization", "layer_norm"),
    "group-norm": ("normalization",),
    "swap-activation": ("activation",),
    "leaky": ("activation",),
    "add-residual": ("residual",),
    "dropout": ("dropout",),
    "regularize-less": ("dropout",),
    "add-nonlinearity": (),
    "reset-biases": (),
    "gated": (),
}
"""What can be done to a network that is built, by the recipe's [[treatments]], where it has no option of that kind."""


@dataclass(frozen=True)
class Ground:
    """What amendments may know beside the recipe.

    Attributes:
        validates: whether there is a validation split.
        batch_size: examples per step.
        overshot: the rate that a range test found for this recipe and that did not help; None if there was none.
    """

    recipe: Recipe
    spec: DataSpec
    validates: bool
    batch_size: int
    overshot: float | None = None

    def has(self, option: str) -> bool:
        """Whether the model is one of the catalogue with this option."""
        name = self.recipe.model.name
        return name is not None and option in {each.name for each in models.get(name, "model").options}

    def model(self, option: str) -> Any:
        return _value(models, self.recipe.model, option)

    def optimizer(self, option: str) -> Any:
        """Its value; None where the optimizer has no such option or is the user's own."""
        return _value(optimizers, self.recipe.optimizer, option)


def _value(catalogue: Any, part: Part, option: str) -> Any:
    """What an option of a part is: given, else by default; None where it has none, or is the user's own."""
    if part.name is None:
        return None
    known = {each.name: each.default for each in catalogue.get(part.name, "part").options}
    return part.options.get(option, known[option]) if option in known else None


def amend(ground: Ground, remedy: str) -> tuple[Recipe, Fields] | None:
    """The recipe with a remedy in it, and the fields that changed; None where it does not apply.

    Where a model has no option for what is to be done to it, it is done after it is built, by the recipe's
    [[treatments]].
    """
    make = TABLE.get(remedy)
    fields = make(ground) if make is not None else None
    optional = any(ground.has(option) for option in _LIVE.get(remedy, ()))
    if fields is None and remedy in _LIVE and not optional and "treatments" in Recipe.model_fields:
        fields = _treat(ground, remedy)
    if not fields:
        return None
    document = ground.recipe.to_dict()
    for field, value in fields.items():
        document = override(document, field, value)
    try:
        return Recipe.from_dict(document), fields
    except InputError:
        return None


def order(cause: str) -> Sequence[str]:
    """Remedies to try for a cause, the first first."""
    found: dict[str, None] = {}
    for remedy in BY_ID.get(cause, ()):
        found |= dict.fromkeys(_IN_PLACE_OF.get(remedy, (remedy,)))
    return list(found)


_IN_PLACE_OF = {
    # Measured: a range test recovered what a tenth of the rate did and more, at the cost of a hundred steps.
    "lower-learning-rate": ("range-test", "lower-learning-rate", "schedule"),
    "raise-learning-rate": ("range-test", "raise-learning-rate"),
    "regularize": ("augment", "dropout", "weight-decay"),
    "group-norm": ("larger-batch", "group-norm"),
}


def _initialize(ground: Ground) -> Fields | None:
    section = ground.recipe.initialization
    return None if section is not None and section.name == "auto" else {"initialization.name": "auto"}


def _normalize(ground: Ground) -> Fields | None:
    if ground.has("layer_norm"):
        return None if ground.model("layer_norm") else {"model.layer_norm": True}
    if not ground.has("normalization") or ground.model("normalization") != "none":
        return None
    return {"model.normalization": "batch" if ground.batch_size >= _LEAST_BATCH else "layer"}


def _group_norm(ground: Ground) -> Fields | None:
    if ground.has("normalization"):
        return {"model.normalization": "group"} if ground.model("normalization") == "batch" else None
    return None


def _larger_batch(ground: Ground) -> Fields | None:
    if ground.batch_size >= 2 * _LEAST_BATCH or ground.recipe.training.accumulate > 1:
        return None
    return {"training.batch_size": 2 * _LEAST_BATCH}


def _activate(ground: Ground, *, kind: str, unless: Sequence[str]) -> Fields | None:
    """Another activation, and weights drawn for it: without these it was measured to help half as often."""
    if not ground.has("activation"):
        return None
    given = ground.model("activation")
    name = given.get("name") if isinstance(given, Mapping) else given
    return None if name in unless else {"model.activation": kind, "initialization.name": "auto"}


def _residual(ground: Ground) -> Fields | None:
    return {"model.residual": True} if ground.has("residual") and not ground.model("residual") else None


def _rate(ground: Ground, *, factor: float) -> Fields | None:
    rate = ground.optimizer("lr")
    return {"optimizer.lr": float(f"{rate * factor:.3g}")} if isinstance(rate, int | float) else None


def _range_test(ground: Ground) -> Fields | None:
    """What a range test finds; and a tenth of it, since a hundred steps do not show what momentum adds up to."""
    if not isinstance(ground.optimizer("lr"), int | float):
        return None
    return {"optimizer.lr": "auto" if ground.overshot is None else float(f"{0.1 * ground.overshot:.3g}")}


def _schedule(ground: Ground) -> Fields | None:
    """A short warm-up, then down to nothing along a cosine; the present rate is its peak."""
    section = ground.recipe.schedule
    if (section.name == "cosine" and section.options.get("warmup")) or ground.optimizer("lr") is None:
        return None
    return {"schedule.name": "cosine", "schedule.warmup": 0.05}


def _epsilon(ground: Ground) -> Fields | None:
    eps = ground.optimizer("eps")
    return {"optimizer.eps": 1e-8} if isinstance(eps, float) and eps > 1e-8 else None


def _switch_optimizer(ground: Ground) -> Fields | None:
    return None if ground.recipe.optimizer.name in ("adamw", "adam") else {
        "optimizer.name": "adamw", "optimizer.lr": "auto"
    }  # fmt: skip


def _clip(ground: Ground) -> Fields | None:
    training = ground.recipe.training
    return {"training.clip_norm": 1.0} if training.clip_norm is None and training.clip_value is None else None


def _epochs(ground: Ground) -> Fields | None:
    return {"training.epochs": 3 * ground.recipe.training.epochs}


def _scale_inputs(ground: Ground) -> Fields | None:
    return {"data.preprocess": "standard"} if ground.recipe.data.preprocess in ("none", "minmax") else None


def _scale_targets(ground: Ground) -> Fields | None:
    wanted = ground.spec.task == "regression" and ground.recipe.data.preprocess_target == "none"
    return {"data.preprocess_target": "standard"} if wanted else None


def _balance(ground: Ground) -> Fields | None:
    section = ground.recipe.criterion
    weighs = section.name is not None and criteria.get(section.name, "criterion").class_counts
    return {"criterion.class_weights": "balanced"} if weighs and not section.options.get("class_weights") else None


def _smooth_labels(ground: Ground) -> Fields | None:
    smoothing = _value(criteria, ground.recipe.criterion, "label_smoothing")
    return {"criterion.label_smoothing": 0.1} if smoothing == 0 else None


def _weight_decay(ground: Ground) -> Fields | None:
    """To the strength that is usual where a gap is to be closed: AdamW's is a share of the rate, others' a gradient."""
    now = ground.optimizer("weight_decay")
    strong = 0.5 if ground.recipe.optimizer.name == "adamw" else 1e-3
    return {"optimizer.weight_decay": strong} if isinstance(now, int | float) and now < strong else None


def _dropout(ground: Ground) -> Fields | None:
    if not ground.has("dropout") or ground.model("dropout") >= 0.3:
        return None
    return {"model.dropout": 0.3}


def _augment(ground: Ground) -> Fields | None:
    """Small movements, which nearly any image bears; what mirrors or recolours is left to who knows the images."""
    images = len(ground.spec.inputs) == 1 and len(ground.spec.inputs[0]) == 3 and not ground.spec.vocabulary
    return {"data.augment": ("shift", "rotate", "scale")} if images and not ground.recipe.data.augment else None


def _best(ground: Ground) -> Fields | None:
    training = ground.recipe.training
    kept = training.keep == "best" or training.early_stopping is not None
    return {"training.keep": "best"} if ground.validates and not kept else None


def _regularize_less(ground: Ground) -> Fields | None:
    """Without what holds the network back; a penalty among it, but not what the optimizer has by default."""
    fields: Fields = {}
    for option in ("dropout", "drop_path", "weight_drop"):
        if ground.has(option) and ground.model(option) > 0:
            fields[f"model.{option}"] = 0.0
    decay = ground.optimizer("weight_decay")
    usual = 0.01 if ground.recipe.optimizer.name == "adamw" else 0.0
    if isinstance(decay, int | float) and decay > usual:
        fields["optimizer.weight_decay"] = usual
    if ground.recipe.penalties:
        fields["penalties"] = ()
    return fields or None


def _enlarge(ground: Ground) -> Fields | None:
    if ground.has("hidden"):
        hidden = ground.model("hidden")
        wider = 2 * hidden if isinstance(hidden, int) else tuple(2 * each for each in hidden)
        return {"model.hidden": wider} if wider else None
    return {"model.width": min(512, 2 * ground.model("width"))} if ground.has("width") else None


def _treat(ground: Ground, remedy: str) -> Fields | None:
    """The network itself is treated after it is built."""
    there = ground.recipe.to_dict().get("treatments", [])
    if any(each["name"] == remedy for each in there):
        return None
    return {"treatments": (*there, {"name": remedy})}


TABLE: dict[str, Callable[[Ground], Fields | None]] = {
    "initialize": _initialize,
    "normalize-layers": _normalize,
    "group-norm": _group_norm,
    "larger-batch": _larger_batch,
    "swap-activation": partial(_activate, kind="relu", unless=_RECTIFIERS),
    "leaky": partial(_activate, kind="leaky_relu", unless=_RECTIFIERS[1:]),
    "add-residual": _residual,
    "range-test": _range_test,
    "lower-learning-rate": partial(_rate, factor=0.1),
    "raise-learning-rate": partial(_rate, factor=10.0),
    "schedule": _schedule,
    "default-epsilon": _epsilon,
    "switch-optimizer": _switch_optimizer,
    "clip-gradient": _clip,
    "train-longer": _epochs,
    "scale-inputs": _scale_inputs,
    "drop-constants": _scale_inputs,
    "scale-targets": _scale_targets,
    "balance": _balance,
    "clean-labels": _smooth_labels,
    "weight-decay": _weight_decay,
    "dropout": _dropout,
    "augment": _augment,
    "early-stopping": _best,
    "regularize-less": _regularize_less,
    "enlarge": _enlarge,
}
