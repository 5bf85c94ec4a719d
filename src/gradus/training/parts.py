"""The model, criterion, penalties and optimizer that a recipe names."""

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from gradus.core.errors import InputError
from gradus.core.randomness import Stream, derive_seed
from gradus.core.spec import DataSpec
from gradus.core.usercode import UserCode
from gradus.data.batching import Loader
from gradus.data.splits import Split
from gradus.diagnosis.treatments.treat import Patient, treat, treatment_card
from gradus.losses import criteria
from gradus.losses.every_step import EveryStep
from gradus.losses.penalties import WeightPenalty, penalized, penalties
from gradus.losses.residuals import RESIDUALS
from gradus.models import build, models
from gradus.nn import initializers
from gradus.nn.initialization import initialize
from gradus.optim import optimizers, schedules
from gradus.training.evaluation import EVALUATION_BATCH
from gradus.training.recipe import Part, Penalty, Recipe, Schedule

_LARGE = 1024
"""Stands for a batch of all examples, however many these are."""
Criterion = Callable[[Tensor, Tensor], Tensor]


def build_model(recipe: Recipe, spec: DataSpec) -> nn.Module:
    """The network a recipe names, as it is before [initialization]; all depends on the recipe's seed alone."""
    with torch.random.fork_rng():
        torch.manual_seed(derive_seed(recipe.seed, Stream.MODEL))
        if recipe.model.module is None:
            assert recipe.model.name is not None
            return build(models.get(recipe.model.name, "model"), spec, recipe.model.options)
        make = UserCode.parse(recipe.model.module, Path(), "model.module").load()
        options = recipe.model.options
        if "spec" in inspect.signature(make).parameters:
            options["spec"] = spec
        model = call(make, options, f"model {recipe.model.module}")
    if not isinstance(model, nn.Module):
        raise InputError(f"model {recipe.model.module}", "must make a torch.nn.Module", type(model).__name__)
    return model


def draw_weights(recipe: Recipe, model: nn.Module, spec: DataSpec, loader: Loader) -> None:
    """First weights as the recipe's [initialization] says; those that are scaled on data see the first batch."""
    assert recipe.initialization is not None
    card = initializers.get(recipe.initialization.name or "", "initialization")
    options = card.validate(recipe.initialization.options)
    example = spec.example()
    if card.name == "lsuv":
        example = [each[:EVALUATION_BATCH].cpu() for each in next(loader.batches(epoch=0)).inputs]
    generator = torch.Generator().manual_seed(derive_seed(recipe.seed, Stream.MODEL, 1))
    initialize(model, card.name, example=example, generator=generator, **options)


def apply_treatments(recipe: Recipe, model: nn.Module, spec: DataSpec, *, loaded: bool = False) -> None:
    """What a recipe's [[treatments]] make of its model, in their order; all depends on the recipe alone.

    Args:
        loaded: weights are loaded afterwards, so that only layers are of interest.
    Raises:
        InputError: if one is unknown, has wrong options, or does not fit this model.
    """
    size = recipe.training.batch_size
    for number, section in enumerate(recipe.treatments):
        card = treatment_card(section.name or "")
        if card.changes == "optimizer":
            rule = "changes the optimizer or its rate"
            raise InputError(f"treatments.{number} `{card.name}`", rule, repair="Set it in [optimizer] or [schedule].")
        if card.live:
            raise InputError(f"treatments.{number} `{card.name}`", "is for a network in training, and this one is new")
        if loaded and card.changes == "weights":
            continue
        options = dict(section.options)
        if card.name == "normalize-layers":  # an example is one row, and says nothing of the batch
            options.setdefault("batch", _LARGE if size == "full" else size)
        example = spec.example(next((each.device for each in model.parameters()), "cpu"))
        try:
            treat(
                Patient(model, example=example),
                card.name,
                seed=derive_seed(recipe.seed, Stream.MODEL, 2 + number),
                **options,
            )
        except InputError as error:
            raise InputError(f"treatments.{number}", str(error)) from error


def build_criterion(section: Part, spec: DataSpec, train: Split) -> Criterion:
    """The loss; where it weighs classes, by how many examples of each `train` has.

    Where every step has a class, each is to the loss an example of its own.
    """
    made = _criterion(section, spec, train)
    return made if spec.steps is None else EveryStep(made)


def _criterion(section: Part, spec: DataSpec, train: Split) -> Criterion:
    if section.module is not None:
        made = UserCode.parse(section.module, Path(), "criterion.module").load()
        if inspect.isclass(made):
            module: Criterion = call(made, section.options, f"criterion {section.module}")
            return module
        return partial(made, **section.options) if section.options else made
    card = criteria.get(section.name or "", "criterion")
    if spec.task not in card.tasks:
        fitting = [each.name for each in criteria.cards() if spec.task in each.tasks]
        raise InputError(
            f"criterion `{card.name}`",
            f"is for {' or '.join(card.tasks)}",
            f"data for {spec.task}",
            f"Use {' or '.join(f'`{name}`' for name in fitting)}.",
        )
    options = card.validate(section.options)
    counts = [torch.from_numpy(np.bincount(train.target.ravel(), minlength=spec.outputs))] if card.class_counts else []
    built: Criterion = card.build(*counts, **options)
    return built


def build_penalty(section: Penalty, number: int, model: nn.Module) -> WeightPenalty:
    """A price on the model's parameters, tried on them once."""
    owner = f"penalties.{number} `{section.label}`"
    if section.module is None:
        card = penalties.get(section.name or "", f"penalties.{number}")
        price = card.build(**card.validate(section.options))
    else:
        price = partial(UserCode.parse(section.module, Path(), f"penalties.{number}.module").load(), **section.options)
    weights = penalized(model, section.on, owner)
    for name, weight in weights.items():
        with torch.no_grad():
            value = call(partial(price, weight), {}, owner)
        if not isinstance(value, Tensor) or value.ndim != 0 or not value.isfinite():
            raise InputError(owner, f"must give one finite number for {name}, as a tensor", value)
    return WeightPenalty(price, tuple(weights.values()))


def build_residuals(recipe: Recipe) -> Criterion:
    """What an optimizer of squares is given in place of the criterion."""
    section = recipe.criterion
    name = criteria.get(section.name).name if section.name else ""
    if name not in RESIDUALS or section.options:
        rule = (
            f"optimizer `{recipe.optimizer.label}` needs a sum of squares, so it takes {' or '.join(RESIDUALS)} alone"
        )
        raise InputError(f"criterion `{section.label}`", rule, repair="Use `bfgs` or `newton_cg` for other criteria.")
    if recipe.penalties:
        rule = f"optimizer `{recipe.optimizer.label}` needs a sum of squares, to which no penalty can be added"
        raise InputError("penalties", rule, repair="Use `bfgs` or `newton_cg` with penalties.")
    return RESIDUALS[name]


def build_optimizer(section: Part, model: nn.Module, criterion: Criterion) -> tuple[Optimizer, bool]:
    """An optimizer of all that can be trained, and whether its step evaluates the loss itself."""
    modules = [model, criterion] if isinstance(criterion, nn.Module) else [model]
    parameters = [each for module in modules for each in module.parameters() if each.requires_grad]
    if not parameters:
        raise InputError("optimizer", "needs a parameter to train, but the model has none that requires a gradient")
    if section.module is not None:
        make = UserCode.parse(section.module, Path(), "optimizer.module").load()
        optimizer = call(partial(make, parameters), section.options, f"optimizer {section.module}")
        if not isinstance(optimizer, Optimizer):
            raise InputError(f"optimizer {section.module}", "must make a torch Optimizer", type(optimizer).__name__)
        # One that evaluates the loss itself, as L-BFGS does, cannot step without a closure.
        closure = inspect.signature(optimizer.step).parameters.get("closure")
        return optimizer, closure is not None and closure.default is inspect.Parameter.empty
    embeddings = [each for each in model.modules() if isinstance(each, nn.Embedding | nn.EmbeddingBag)]
    if any(each.sparse for each in embeddings):  # which few of the catalogue's take
        rule = "must have dense gradients, but it has an embedding whose gradients are sparse"
        raise InputError("model", rule, repair="Make it with sparse=False, or bring your own optimizer by `module`.")
    card = optimizers.get(section.name or "", "optimizer")
    options = card.validate(section.options)
    return card.build(parameters, **options), card.closure


def build_scheduler(section: Schedule, optimizer: Optimizer, steps: int) -> LRScheduler | None:
    """What changes the rate over `steps` steps."""
    card = schedules.get(section.name or "", "schedule")
    if card.name != "constant" and "lr" not in optimizer.param_groups[0]:
        rule = f"changes the learning rate, of which {type(optimizer).__name__} has none"
        raise InputError(f"schedule `{card.name}`", rule, repair='Leave [schedule] out, or name "constant".')
    scheduler: LRScheduler | None = card.build(optimizer, steps, **card.validate(section.options, "schedule"))
    return scheduler


def call(make: Callable[..., Any], options: dict[str, Any], owner: str) -> Any:
    """The user's factory, its own errors put on one line."""
    try:
        return make(**options)
    except Exception as error:
        raise InputError(owner, f"raises {type(error).__name__}: {error}") from error
