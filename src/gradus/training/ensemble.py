"""Several networks that answer together: trained alike from other seeds, or on bootstrap samples (bagging).

Each member is a run of its own under `members/`. An ensemble is never worse than its members are on average, in
squared error or in log loss, since both are convex; how much better is how much they differ.

Sources: Hansen, Salamon (1990), Neural network ensembles, IEEE PAMI 12; Breiman (1996), Bagging predictors, Machine
    Learning 24; Krogh, Vedelsby (1995), Neural network ensembles, cross validation, and active learning, NIPS 7.
"""

import hashlib
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.core.spec import Task
from gradus.data.raw import RawData
from gradus.training import folder
from gradus.training.callbacks import Callback
from gradus.training.checkpoint import save_tensors, write_atomically
from gradus.training.combining import Combine, combine_classes, combine_values
from gradus.training.evaluation import evaluating
from gradus.training.metrics import metrics
from gradus.training.objective import output_of
from gradus.training.prepare import Prepared, prepare, split_of
from gradus.training.recipe import Recipe
from gradus.training.run import Run, load_run
from gradus.training.showcase import write_showcase
from gradus.training.store import RunStore
from gradus.training.train import FINISHED, resume, train_one, write_head

FORMAT = 1


def member_recipe(recipe: Recipe, member: int) -> Recipe:
    """What member `member` is trained from: the same splits, another seed and, for bagging, a sample of its own."""
    assert recipe.ensemble is not None
    split_seed = recipe.seed if recipe.data.split_seed is None else recipe.data.split_seed
    data = recipe.data.model_copy(update={"split_seed": split_seed, "bootstrap": recipe.ensemble.bagging})
    return recipe.model_copy(update={"seed": recipe.seed + member, "data": data, "ensemble": None})


def train_ensemble(recipe: Recipe, raw: RawData, place: Path | None, callbacks: Sequence[Callback]) -> Run:
    """Train every member of a resolved recipe's ensemble, one after the other.

    Raises:
        InputError: before anything is written, as `train` does; and for a vote on values.
    """
    assert recipe.ensemble is not None
    if recipe.data.reconstruct:
        raise InputError(
            "data.reconstruct",
            "an ensemble combines answers in the data's own units, which reconstructions are not in",
            repair="Train one network.",
        )
    if recipe.ensemble.combine == "vote" and raw.task == "regression":
        raise InputError("ensemble.combine", "values cannot be voted on", "vote", "Use `mean`.")
    prepared = prepare(recipe, raw)
    place = folder.create_run_folder(place, f"{recipe.model.label}-{recipe.data.label}-ensemble")
    with folder.RunLock(place):
        folder.refuse_run(place)
        try:
            write_head(place, prepared, raw)
            _record_samples(place, prepared.recipe, raw)
        except BaseException:
            folder.remove(place)
            raise
        return _train_members(place, prepared, raw, callbacks, warn=None)


def resume_ensemble(
    place: Path,
    recipe: Recipe,
    raw: RawData,
    callbacks: Sequence[Callback],
    warn: Callable[[str], None],
    *,
    trust: bool,
) -> Run:
    """Go on with the members that are not finished; the caller holds the folder's lock."""
    before = load_run(place)
    return _train_members(place, prepare(recipe, raw, before.preprocessing), raw, callbacks, warn, trust=trust)


def _train_members(
    place: Path,
    prepared: Prepared,
    raw: RawData,
    callbacks: Sequence[Callback],
    warn: Callable[[str], None] | None,
    *,
    trust: bool = False,
) -> Run:
    recipe = prepared.recipe
    assert recipe.ensemble is not None
    outcome, members = FINISHED, []
    folder.make(place / folder.MEMBERS)
    for number in range(recipe.ensemble.members):
        path = place / folder.MEMBERS / str(number)
        if folder.is_run(path) and load_run(path).outcome == FINISHED:
            members.append(load_run(path))
            continue
        if folder.is_run(path):
            member = resume(path, data=raw, trust=trust, callbacks=callbacks, warn=warn or (lambda text: None))
        else:
            member = train_one(member_recipe(recipe, number), raw, path, callbacks)
        members.append(member)
        outcome = member.outcome
        if outcome != FINISHED:
            break
    with RunStore(place / folder.DATABASE, from_step=0, from_epoch=0) as store:
        results = [each.result for each in members]
        seconds = sum(each["seconds"] for each in results)
        steps = sum(each["steps"] for each in results)
        result = {
            "run": str(place),
            "model": recipe.model.label,
            "data": recipe.data.label,
            "epochs": sum(each["epochs"] for each in results),
            "steps": steps,
            "seconds": round(seconds, 3),
            "steps_per_second": round(steps / seconds, 3),
            "parameters": sum(each["parameters"] for each in results),
            "metrics": _measure(place, members, prepared, raw, trust=trust) if outcome == FINISHED else {},
            "members": [{"run": str(each.path), "metrics": each.result["metrics"]} for each in members],
            "causes": [],
        }
        store.event(steps, 0, "result", result)
        store.finish(outcome)
    return load_run(place)


def _measure(place: Path, members: Sequence[Run], prepared: Prepared, raw: RawData, *, trust: bool) -> dict[str, float]:
    """The ensemble's scores on each split that it was not trained on, and beside its loss the members' mean.

    What it says of the last split is saved for the report.
    """
    assert prepared.recipe.ensemble is not None
    combine = prepared.recipe.ensemble.combine
    values: dict[str, float] = {}
    outputs: dict[str, list[Tensor]] = {}
    targets: dict[str, Tensor] = {}
    for member in members:
        own = prepare(member.trusted_recipe(trust=True), raw, member.preprocessing, loaded=True)
        model = member.model(trust=True).to(own.device)
        for name in own.evaluation:
            output, targets[name] = _outputs(model, own, name)
            outputs.setdefault(name, []).append(output)
    for name, each in outputs.items():
        scores = score(torch.stack(each), targets[name], prepared, combine)
        values |= {f"{name}_{key}": value for key, value in scores.items()}
    if outputs:
        split, each = list(outputs.items())[-1]
        both = torch.stack(each)
        shown = combine_classes(both, combine) if prepared.spec.task == "classification" else combine_values(both)
        part = prepared.splits.named()[split]
        write_showcase(place, raw, part.examples, split, shown, torch.from_numpy(part.index))
    return values


def score(outputs: Tensor, target: Tensor, prepared: Prepared, combine: Combine) -> dict[str, float]:
    """Loss and metrics of members' outputs together: logits (M, N, C), or values (M, N, K) in the data's own units.

    `members_loss` is the mean of what each of them has alone.
    """
    task: Task = prepared.spec.task
    if task == "classification":
        mean = combine_classes(outputs, "mean")
        # The logits of a probability are its logarithm, whatever constant is added to all of them.
        losses = [prepared.criterion(each, target) for each in outputs]
        loss = prepared.criterion(mean.clamp_min(torch.finfo(mean.dtype).tiny).log(), target)
        shown = combine_classes(outputs, combine)
    else:
        shown = combine_values(outputs)

        def scaled(values: Tensor) -> Tensor:
            return prepared.preprocessing.scaled_target(values.cpu().numpy())

        losses = [prepared.criterion(scaled(each), scaled(target)) for each in outputs]
        loss = prepared.criterion(scaled(shown), scaled(target))
    alone = statistics.fmean(float(each) for each in losses)
    return {"loss": float(loss), "members_loss": alone, **metrics(task, shown, target)}


def _outputs(model: nn.Module, prepared: Prepared, split: str) -> tuple[Tensor, Tensor]:
    """A member's logits or restored values on a split, and the targets as they are."""
    outputs, index = [], []
    with evaluating(model):
        for batch in prepared.evaluation[split].batches(0):
            outputs.append(output_of(model(*batch.inputs)).float().cpu())
            index.append(batch.index.cpu())
    part = prepared.splits.named()[split]
    target = torch.as_tensor(np.array(part.examples.target[torch.cat(index).numpy()]))
    output = torch.cat(outputs)
    return (output if prepared.spec.task == "classification" else prepared.preprocessing.restore(output)), target


def _record_samples(place: Path, recipe: Recipe, raw: RawData) -> None:
    """Which training examples each member sees, and how often: their numbers, and a summary for people."""
    assert recipe.ensemble is not None
    seen, members = {}, []
    for number in range(recipe.ensemble.members):
        own = member_recipe(recipe, number)
        index = split_of(own, raw).train.index
        distinct = len(np.unique(index))
        members.append(
            {
                "run": f"{folder.MEMBERS}/{number}",
                "seed": own.seed,
                "examples": len(index),
                "distinct": distinct,
                "share": distinct / len(index),
                "sha256": hashlib.sha256(index.astype("<i8").tobytes()).hexdigest(),
            }
        )
        seen[str(number)] = torch.from_numpy(index.copy())
    document: dict[str, Any] = {"format": FORMAT, **recipe.ensemble.model_dump(), "trained_on": members}
    write_atomically(place / folder.SAMPLES, lambda path: save_tensors(path, seen))
    folder.write_json(place / folder.ENSEMBLE, document)
