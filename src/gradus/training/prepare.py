"""From a recipe to the parts it names, checked against each other."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from gradus.core.errors import InputError, nearest
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
from gradus.models.pretrained import Loaded, load_pretrained
from gradus.models.reuse import freeze
from gradus.nn.statistics import has_statistics
from gradus.training.compatibility import check_fit
from gradus.training.encoding import open_encoder
from gradus.training.evaluation import EVALUATION_BATCH
from gradus.training.learning_rate import try_rates, wants_rate, with_rate, without_rate
from gradus.training.metrics import NAMES
from gradus.training.objective import Objective
from gradus.training.objectives import Parts, build_objective
from gradus.training.parts import (
    Criterion,
    apply_treatments,
    build_criterion,
    build_model,
    build_optimizer,
    build_penalty,
    build_residuals,
    build_scheduler,
    call,
    draw_weights,
)
from gradus.training.recipe import Data, Recipe, Training
from gradus.training.settings import choose_arithmetic, choose_stream


@dataclass(frozen=True)
class Prepared:
    """All that training needs, built and checked.

    Attributes:
        evaluation: batches of the other splits, by name.
        population: of the training split, all of it and as evaluation sees it: in order, nothing changed.
        begun: what the network was given of a file of pretrained weights.
    """

    recipe: Recipe
    raw: RawData
    device: torch.device
    spec: DataSpec
    splits: Splits
    preprocessing: Preprocessing
    model: nn.Module
    criterion: Criterion
    objective: Objective
    loader: Loader
    evaluation: dict[str, Loader]
    population: Loader
    begun: Loaded | None


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
    made = call(UserCode.parse(section.module, Path(), "data.module").load(), section.options, owner)
    if isinstance(made, RawData):
        return made
    if isinstance(made, tuple) and len(made) == 2:
        return from_arrays(*made, owner=owner)
    if isinstance(made, dict) and {"x", "y"} <= made.keys() <= {"x", "y", "test", "task", "classes"}:
        return from_arrays(**made, owner=owner)
    raise InputError(
        owner, "must return (x, y), a dict with x, y and perhaps test, task, classes, or RawData", type(made).__name__
    )


def prepare(
    recipe: Recipe, raw: RawData, preprocessing: Preprocessing | None = None, *, loaded: bool = False
) -> Prepared:
    """Build everything a resolved recipe names, and decide on how many threads to compute.

    Args:
        preprocessing: as fitted before; fitted to the training split if None.
        loaded: weights are loaded afterwards, so that a file of pretrained ones is not asked for.
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
    begun = load_pretrained(model, recipe.model.pretrained) if recipe.model.pretrained and not loaded else None
    if recipe.initialization is not None:
        draw_weights(recipe, model, spec, loader)
    apply_treatments(recipe, model, spec)
    if recipe.model.freeze is not None:
        freeze(model, recipe.model.freeze)
    if training.recompute_statistics and not has_statistics(model):
        raise InputError(
            "training.recompute_statistics", "needs a network with batch normalization", recipe.model.label
        )
    model = model.to(device)
    criterion = build_criterion(recipe.criterion, spec, splits.train)
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
    optimizer, closure = build_optimizer(tentative, model, criterion)
    size = min(len(splits.train), loader.batch_size)
    training = choose_arithmetic(training, model, spec, size, searches=closure)
    recipe = recipe.model_copy(update={"training": training})
    if training.memory_format == "channels_last":
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    learned = build_residuals(recipe) if getattr(optimizer, "wants", "") == "residuals" else criterion
    prices = [build_penalty(section, number, model) for number, section in enumerate(recipe.penalties)]
    parts = Parts(model=model, criterion=learned, optimizer=optimizer, closure=closure, penalties=prices, spec=spec)
    if wants_rate(recipe.optimizer):
        trial = build_objective(recipe.objective, parts)
        found = try_rates(trial, loader, training, seed=recipe.seed, device=device)
        recipe = recipe.model_copy(update={"optimizer": with_rate(recipe.optimizer, found)})
        optimizer, closure = build_optimizer(recipe.optimizer, model, criterion)
        parts = replace(parts, optimizer=optimizer, closure=closure)
    scheduler = build_scheduler(recipe.schedule, optimizer, len(loader) * training.epochs)
    if training.compile is True:
        model.compile()
    objective = build_objective(recipe.objective, replace(parts, scheduler=scheduler))
    return Prepared(
        recipe,
        raw,
        device,
        spec,
        splits,
        preprocessing,
        model,
        criterion,
        objective,
        loader,
        evaluation,
        population,
        begun,
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
