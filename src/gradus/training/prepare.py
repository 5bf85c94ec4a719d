"""From a recipe to the parts it names, checked against each other."""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError, nearest
from gradus.core.randomness import Stream, derive_seed
from gradus.core.spec import DataSpec, Task
from gradus.core.usercode import UserCode
from gradus.data.arrays import from_arrays
from gradus.data.augmentation import Augmentation
from gradus.data.batching import Loader, Store, make_store
from gradus.data.lazy import LazyRows, lazy_rows
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import Examples, RawData
from gradus.data.sources import open_data
from gradus.data.splits import Split, Splits, bootstrap, split
from gradus.losses import criteria
from gradus.losses.penalties import WeightPenalty, penalized, penalties
from gradus.losses.residuals import RESIDUALS
from gradus.models import build, models
from gradus.nn import initializers
from gradus.nn.initialization import initialize
from gradus.nn.statistics import has_statistics
from gradus.optim import optimizers, schedules
from gradus.training.compatibility import check_fit
from gradus.training.encoding import open_encoder
from gradus.training.learning_rate import try_rates, wants_rate, with_rate, without_rate
from gradus.training.metrics import NAMES
from gradus.training.objective import Supervised
from gradus.training.recipe import Data, Part, Penalty, Recipe, Training
from gradus.training.settings import choose_arithmetic, choose_stream

EVALUATION_BATCH = 256
Criterion = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Prepared:
    """All that training needs, built and checked.

    Attributes:
        evaluation: batches of the other splits, by name.
        population: of the training split, all of it and as evaluation sees it: in order, nothing changed.
    """

    recipe: Recipe
    raw: RawData
    device: torch.device
    spec: DataSpec
    splits: Splits
    preprocessing: Preprocessing
    model: nn.Module
    criterion: Criterion
    objective: Supervised
    loader: Loader
    evaluation: dict[str, Loader]
    population: Loader


def resolve(recipe: Recipe) -> Recipe:
    """`recipe` with every "auto" decided for this machine that does not depend on the model; `prepare` does the rest.

    Raises:
        InputError: for a device this machine does not have.
    """
    training = recipe.training
    cuda = torch.cuda.is_available()
    device = ("cuda" if cuda else "cpu") if training.device == "auto" else training.device
    if device.startswith("cuda") and (
        not cuda or torch.device(device).index not in (None, *range(torch.cuda.device_count()))
    ):
        raise InputError("training.device", "must be a device of this machine", device, "Use `cpu` or `auto`.")
    # Compiling costs from seconds to half a minute before the first step; it has to be asked for.
    chosen = {"device": device, "compile": training.compile is True}
    data = recipe.data
    if data.preprocess_target == "auto":
        data = data.model_copy(update={"preprocess_target": "none" if data.preprocess == "none" else "standard"})
    return recipe.model_copy(update={"data": data, "training": training.model_copy(update=chosen)})


def load_data(section: Data, data: RawData | None = None) -> RawData:
    """The examples a recipe names, or `data` where it was handed in."""
    if data is not None:
        return data
    if section.module is None:
        assert section.name is not None
        return open_data(section.name, section.options)
    owner = f"data {section.module}"
    made = _call(UserCode.parse(section.module, Path(), "data.module").load(), section.options, owner)
    if isinstance(made, RawData):
        return made
    if isinstance(made, tuple) and len(made) == 2:
        return from_arrays(*made, owner=owner)
    if isinstance(made, dict) and {"x", "y"} <= made.keys() <= {"x", "y", "test", "task", "classes"}:
        return from_arrays(**made, owner=owner)
    raise InputError(
        owner, "must return (x, y), a dict with x, y and perhaps test, task, classes, or RawData", type(made).__name__
    )


def prepare(recipe: Recipe, raw: RawData, preprocessing: Preprocessing | None = None) -> Prepared:
    """Build everything a resolved recipe names, and decide on how many threads to compute.

    Args:
        preprocessing: as fitted before; fitted to the training split if None.
    Raises:
        InputError: if a name, an option, or the fit of data, model and criterion is wrong.
    """
    training, device = recipe.training, torch.device(recipe.training.device)
    splits = split_of(recipe, raw)
    training = choose_stream(training, raw)
    if not training.stream:
        for each in lazy_rows(raw):
            each.keep()
    if preprocessing is None:
        preprocessing = _fit_preprocessing(recipe.data, raw, splits.train)
    spec = preprocessing.spec(raw.spec)
    augment = recipe.data.augment
    augmentation = Augmentation.fit(augment, raw, splits.train, preprocessing) if augment else None
    for each in lazy_rows(raw):
        each.check()  # the examples that nothing has read yet: a damaged one must not stop training halfway
    _check_monitor(training, spec.task, splits)
    recipe = recipe.model_copy(update={"training": training})
    loader, evaluation, population = _loaders(recipe, splits, preprocessing, augmentation, device)

    model = build_model(recipe, spec)
    if recipe.initialization is not None:
        _initialize(recipe, model, spec, loader)
    if training.recompute_statistics and not has_statistics(model):
        raise InputError(
            "training.recompute_statistics", "needs a network with batch normalization", recipe.model.label
        )
    model = model.to(device)
    criterion = _build_criterion(recipe.criterion, spec, splits.train)
    if isinstance(criterion, nn.Module):
        criterion.to(device)
    check_fit(
        spec,
        model,
        criterion,
        loader.sample(2),
        names=(recipe.model.label, recipe.criterion.label),
        smallest_batch=_smallest_batch(len(splits.train), training),
    )
    tentative = without_rate(recipe.optimizer) if wants_rate(recipe.optimizer) else recipe.optimizer
    optimizer, closure = _build_optimizer(tentative, model, criterion)
    size = min(len(splits.train), loader.batch_size)
    training = choose_arithmetic(training, model, spec, size, searches=closure)
    recipe = recipe.model_copy(update={"training": training})
    if training.memory_format == "channels_last":
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    learned = _build_residuals(recipe) if getattr(optimizer, "wants", "") == "residuals" else criterion
    prices = [_build_penalty(section, number, model) for number, section in enumerate(recipe.penalties)]
    if wants_rate(recipe.optimizer):
        trial = Supervised(model, learned, optimizer, closure=closure, penalties=prices)
        found = try_rates(trial, loader, training, seed=recipe.seed, device=device)
        recipe = recipe.model_copy(update={"optimizer": with_rate(recipe.optimizer, found)})
        optimizer, closure = _build_optimizer(recipe.optimizer, model, criterion)
    steps = len(loader) * training.epochs
    schedule = schedules.get(recipe.schedule.name or "", "schedule")
    if schedule.name != "constant" and "lr" not in optimizer.param_groups[0]:
        rule = f"changes the learning rate, of which optimizer `{recipe.optimizer.label}` has none"
        raise InputError(f"schedule `{schedule.name}`", rule, repair="Leave [schedule] out.")
    scheduler = schedule.build(optimizer, steps, **schedule.validate(recipe.schedule.options, "schedule"))
    if training.compile is True:
        model.compile()
    objective = Supervised(model, learned, optimizer, closure=closure, scheduler=scheduler, penalties=prices)
    return Prepared(
        recipe, raw, device, spec, splits, preprocessing, model, criterion, objective, loader, evaluation, population
    )


def split_of(recipe: Recipe, raw: RawData) -> Splits:
    """The splits of a recipe's data; of a member of an ensemble, with its own sample of the training split."""
    section = recipe.data
    seed = recipe.seed if section.split_seed is None else section.split_seed
    splits = split(raw, validation=section.validation, test=section.test, seed=seed)
    if section.bootstrap:
        return replace(splits, train=bootstrap(splits.train, recipe.seed))
    return splits


def _fit_preprocessing(section: Data, raw: RawData, train: Split) -> Preprocessing:
    """What a recipe's [data] asks for, in the order in which examples go through it."""
    made = Preprocessing.fit(
        raw,
        train,
        section.preprocess,
        components=section.components,
        missing=section.missing,
        target="none" if section.preprocess_target == "auto" else section.preprocess_target,
        encoder=None if section.encoder is None else open_encoder(section.encoder, raw),
    )
    if section.crosses is not None:
        made = made.crossed(raw, train, section.preprocess, section.crosses, interaction_only=section.interaction_only)
    return made.reconstructing(raw) if section.reconstruct else made


def build_model(recipe: Recipe, spec: DataSpec) -> nn.Module:
    """The network a recipe names, its first weights drawn from the recipe's seed alone."""
    with torch.random.fork_rng():
        torch.manual_seed(derive_seed(recipe.seed, Stream.MODEL))
        if recipe.model.module is None:
            assert recipe.model.name is not None
            return build(models.get(recipe.model.name, "model"), spec, recipe.model.options)
        make = UserCode.parse(recipe.model.module, Path(), "model.module").load()
        options = recipe.model.options
        if "spec" in inspect.signature(make).parameters:
            options["spec"] = spec
        model = _call(make, options, f"model {recipe.model.module}")
    if not isinstance(model, nn.Module):
        raise InputError(f"model {recipe.model.module}", "must make a torch.nn.Module", type(model).__name__)
    return model


def _initialize(recipe: Recipe, model: nn.Module, spec: DataSpec, loader: Loader) -> None:
    """First weights as the recipe's [initialization] says; those that are scaled on data see the first batch."""
    assert recipe.initialization is not None
    card = initializers.get(recipe.initialization.name or "", "initialization")
    options = card.validate(recipe.initialization.options)
    example = spec.example()
    if card.name == "lsuv":
        example = [each[:EVALUATION_BATCH].cpu() for each in next(loader.batches(epoch=0)).inputs]
    generator = torch.Generator().manual_seed(derive_seed(recipe.seed, Stream.MODEL, 1))
    initialize(model, card.name, example=example, generator=generator, **options)


def _build_criterion(section: Part, spec: DataSpec, train: Split) -> Criterion:
    if section.module is not None:
        made = UserCode.parse(section.module, Path(), "criterion.module").load()
        if inspect.isclass(made):
            module: Criterion = _call(made, section.options, f"criterion {section.module}")
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
    counts = [torch.from_numpy(np.bincount(train.target, minlength=spec.outputs))] if card.class_counts else []
    built: Criterion = card.build(*counts, **options)
    return built


def _build_penalty(section: Penalty, number: int, model: nn.Module) -> WeightPenalty:
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
            value = _call(partial(price, weight), {}, owner)
        if not isinstance(value, Tensor) or value.ndim != 0 or not value.isfinite():
            raise InputError(owner, f"must give one finite number for {name}, as a tensor", value)
    return WeightPenalty(price, tuple(weights.values()))


def _build_residuals(recipe: Recipe) -> Criterion:
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


def _build_optimizer(section: Part, model: nn.Module, criterion: Criterion) -> tuple[torch.optim.Optimizer, bool]:
    modules = [model, criterion] if isinstance(criterion, nn.Module) else [model]
    parameters = [each for module in modules for each in module.parameters() if each.requires_grad]
    if not parameters:
        raise InputError("optimizer", "needs a parameter to train, but the model has none that requires a gradient")
    if section.module is not None:
        make = UserCode.parse(section.module, Path(), "optimizer.module").load()
        optimizer = _call(partial(make, parameters), section.options, f"optimizer {section.module}")
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise InputError(f"optimizer {section.module}", "must make a torch Optimizer", type(optimizer).__name__)
        # One that evaluates the loss itself, as L-BFGS does, cannot step without a closure.
        closure = inspect.signature(optimizer.step).parameters.get("closure")
        return optimizer, closure is not None and closure.default is inspect.Parameter.empty
    card = optimizers.get(section.name or "", "optimizer")
    options = card.validate(section.options)
    return card.build(parameters, **options), card.closure


def _call(make: Callable[..., Any], options: dict[str, Any], owner: str) -> Any:
    """The user's factory, its own errors put on one line."""
    try:
        return make(**options)
    except Exception as error:
        raise InputError(owner, f"raises {type(error).__name__}: {error}") from error


def _loaders(
    recipe: Recipe,
    splits: Splits,
    preprocessing: Preprocessing,
    augmentation: Augmentation | None,
    device: torch.device,
) -> tuple[Loader, dict[str, Loader], Loader]:
    """Batches of the training split, of the others by name, and of the training split as if it were another."""
    training = recipe.training
    stores: dict[int, Store] = {}

    def store_of(examples: Examples) -> Store:
        if id(examples) not in stores:
            stores[id(examples)] = make_store(examples, preprocessing, stream=bool(training.stream), device=device)
        return stores[id(examples)]

    def loader_of(part: Split) -> Loader:
        return Loader(
            part, store_of(part.examples), batch_size=EVALUATION_BATCH, workers=training.workers, device=device
        )

    size = len(splits.train) if training.batch_size == "full" else training.batch_size
    loader = Loader(
        splits.train,
        store_of(splits.train.examples),
        batch_size=size,
        seed=recipe.seed,
        shuffle=True,
        augmentation=augmentation,
        drop_last=training.drop_last,
        workers=training.workers,
        device=device,
    )
    if len(loader) == 0:
        raise InputError(
            "training.batch_size",
            f"must not exceed the {len(splits.train)} training examples when drop_last is set",
            size,
        )
    others = {name: loader_of(part) for name, part in splits.named().items() if name != "train"}
    return loader, others, loader_of(splits.train)


def _check_monitor(training: Training, task: Task, splits: Splits) -> None:
    """Keeping the best weights needs something to judge them by."""
    if training.early_stopping is None and training.keep == "last":
        return
    if splits.validation is None:
        raise InputError(
            "training.keep" if training.early_stopping is None else "training.early_stopping",
            "needs a validation split to judge by",
            repair="Set data.validation, for instance to 0.1.",
        )
    known = [f"validation_{name}" for name in ("loss", *NAMES[task])]
    if training.early_stopping is not None and training.early_stopping.monitor not in known:
        monitor = training.early_stopping.monitor
        raise InputError("training.early_stopping.monitor", "no such value", monitor, nearest(monitor, known))


def _smallest_batch(examples: int, training: Training) -> int:
    size = examples if training.batch_size == "full" else min(training.batch_size, examples)
    rest = examples % size
    last = rest if rest and not training.drop_last else size
    smallest = []
    for batch in (size, last):
        piece = -(-batch // min(training.accumulate, batch))
        smallest.append(batch % piece or piece)
    return min(smallest)


def data_fingerprint(raw: RawData) -> dict[str, Any]:
    """Enough of the data to notice that they are not the same any more: counts, shapes and a hash.

    Of 1,024 examples, or of every file where examples are files.
    """
    digest = hashlib.sha256()
    for examples in raw.parts():
        some = np.unique(np.linspace(0, len(examples) - 1, 1024).astype(np.int64))
        digest.update(repr([len(examples), *(tuple(each.shape) for each in examples.inputs)]).encode())
        for each in (*examples.inputs, examples.target):
            digest.update(each.identity() if isinstance(each, LazyRows) else np.ascontiguousarray(each[some]).tobytes())
    return {"train": len(raw.train), "test": None if raw.test is None else len(raw.test), "sha256": digest.hexdigest()}
