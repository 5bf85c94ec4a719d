"""From a recipe to a run folder with a trained network in it."""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from gradus.core.errors import InputError, nearest
from gradus.core.faults import reach
from gradus.core.text import current_language
from gradus.data.preprocessing import Preprocessing
from gradus.data.raw import RawData
from gradus.data.sources import is_path
from gradus.optim.range_test import RangeTest
from gradus.training import environment, folder
from gradus.training.attempt import Attempt, make_attempt, measure_finally, settle
from gradus.training.callbacks import Callback
from gradus.training.checkpoint import read_checkpoint, save_tensors, write_atomically
from gradus.training.doctoring import doctoring
from gradus.training.encoding import RunEncoder
from gradus.training.interruption import INTERRUPTED, Interruption
from gradus.training.learning_rate import try_rates, wants_rate, without_rate
from gradus.training.prepare import Prepared, data_fingerprint, load_data, prepare, resolve
from gradus.training.recipe import Recipe, anchored, override, read_toml, shipped_recipes
from gradus.training.recorder import Checkpointer, Recorder, non_finite
from gradus.training.repair.case import Case, recipe_in_force
from gradus.training.repair.controller import repair as repair_run
from gradus.training.run import DATA_FORMAT, Run, keep_user_code, load_run
from gradus.training.store import RunStore
from gradus.training.trainer import NON_FINITE, Trainer

DEFAULT_RECIPE = "digits-lenet"
FINISHED = "finished"


def train(
    recipe: Recipe | Mapping[str, Any] | str | Path = DEFAULT_RECIPE,
    *,
    run: str | Path | None = None,
    data: RawData | None = None,
    callbacks: Sequence[Callback] = (),
    repair: bool = False,
) -> Run:
    """Train what a recipe names.

    Ctrl-C or SIGTERM ends the run after the step in progress, with a checkpoint: `Run.outcome` is then "interrupted",
    and `resume` goes on from there.

    Args:
        recipe: a Recipe, the same as nested dicts, a TOML file, or the name of a shipped recipe.
        run: the folder to make; by default the first free ``runs/<model>-<data>-<n>``.
        data: examples in memory, in place of those the recipe names.
        callbacks: look on, beside those of gradus.
        repair: treat what the doctor finds, and keep what helps; as ``[doctor] repair = true`` does.
    Raises:
        InputError: before anything is written, if anything about the recipe, the data or their fit is wrong.
        ResourceError: if the run folder cannot be written; what was saved before is whole.
    Example:
        >>> from tempfile import mkdtemp
        >>> run = train("linear-walkthrough", run=f"{mkdtemp()}/line")
        >>> round(run.model()(torch.tensor([[4.0]])).item())
        8
    """
    current_language()  # a GRADUS_LANG that is no language is told before anything is done
    recipe = resolve(read_recipe(recipe))
    if repair:
        recipe = Recipe.from_dict(override(recipe.to_dict(), "doctor.repair", True))
    if recipe.doctor.repair and recipe.ensemble is not None:
        advice = "Repair one network, and train the ensemble from its repaired recipe."
        raise InputError("doctor.repair", "is for one network, not for an ensemble", repair=advice)
    with arithmetic(recipe):
        raw = load_data(recipe.data, data)
        place = None if run is None else Path(run)
        if recipe.ensemble is not None:
            from gradus.training.ensemble import train_ensemble

            return train_ensemble(recipe, raw, place, callbacks)
        return train_one(recipe, raw, place, callbacks)


def find_rate(recipe: Recipe | Mapping[str, Any] | str | Path = DEFAULT_RECIPE) -> RangeTest:
    """A learning-rate range test of what a recipe names; no run is made.

    Raises:
        InputError: as `train` does.
    """
    recipe = resolve(read_recipe(recipe))
    if wants_rate(recipe.optimizer):
        recipe = recipe.model_copy(update={"optimizer": without_rate(recipe.optimizer)})
    with arithmetic(recipe):
        prepared = prepare(recipe, load_data(recipe.data))
        recipe = prepared.recipe
        torch.set_num_threads(int(recipe.training.threads))
        return try_rates(prepared.objective, prepared.loader, recipe.training, seed=recipe.seed, device=prepared.device)


def train_one(recipe: Recipe, raw: RawData, place: Path | None, callbacks: Sequence[Callback]) -> Run:
    """Train the network of a resolved recipe in a new folder."""
    prepared = prepare(recipe, raw)
    torch.set_num_threads(int(prepared.recipe.training.threads))
    case = Case(prepared.recipe, callbacks) if recipe.doctor.repair else None
    attempt = make_attempt(prepared, callbacks if case is None else [*callbacks, case])
    place = folder.create_run_folder(place, f"{recipe.model.label}-{recipe.data.label}")
    with folder.RunLock(place):
        folder.refuse_run(place)  # another process may have been faster
        try:
            write_head(place, prepared, raw)
        except BaseException:
            folder.remove(place)
            raise
        return _run(place, attempt, case, callbacks)


def resume(
    run: str | Path,
    *,
    data: RawData | None = None,
    trust: bool = False,
    callbacks: Sequence[Callback] = (),
    warn: Callable[[str], None] = warnings.warn,
) -> Run:
    """Go on with a run from its last whole checkpoint, to the same bits as if it had never stopped.

    Args:
        run: the folder of a run that `train` began.
        data: examples in memory, as they were given to `train`.
        trust: allow code of the user's own that the run names to be executed.
        callbacks: look on, beside those of gradus.
        warn: told before training what differs from the environment it began in, and of checkpoints found broken.
    Raises:
        InputError: if `run` is no run folder, its data have changed, or it holds code and `trust` is not given.
        ResourceError: if another process is at work in it.
    """
    current_language()
    place = folder.existing_run(Path(run))
    with folder.RunLock(place):
        before = load_run(place)
        if before.outcome == FINISHED:
            warn(f"run {place} was already finished")
            return before
        recipe = resolve(before.trusted_recipe(trust=trust))
        with arithmetic(recipe):
            raw = load_data(recipe.data, data)
            if data_fingerprint(raw) != before.data_fingerprint:
                raise InputError(f"run {place}", "its data have changed since it began", repair="Start a new run.")
            if recipe.ensemble is not None:
                from gradus.training.ensemble import resume_ensemble

                return resume_ensemble(place, recipe, raw, callbacks, warn, trust=trust)
            found = read_checkpoint(place / folder.CHECKPOINTS, warn)
            preprocessing: Preprocessing | None = before.preprocessing
            amended = None if found is None else recipe_in_force(found[0])
            if amended is not None:
                amended = before.trusted_recipe(trust=trust, recipe=amended)
                preprocessing = preprocessing if amended.data == recipe.data else None
            prepared = prepare(amended or recipe, raw, preprocessing, loaded=found is not None)
            torch.set_num_threads(int(prepared.recipe.training.threads))
            now = environment.describe_environment(prepared.device)
            for each in environment.differences(before.environment, now):
                warn(f"not as when the run began: {each}")
            case = Case(prepared.recipe, callbacks) if prepared.recipe.doctor.repair else None
            attempt = make_attempt(prepared, callbacks if case is None else [*callbacks, case])
            if found is not None:
                _load(attempt.trainer, found[0], place)
            return _run(place, attempt, case, callbacks)


def _run(place: Path, attempt: Attempt, case: Case | None, callbacks: Sequence[Callback]) -> Run:
    """Train from where the attempt stands, and leave the results in `place`."""
    trainer, began = attempt.trainer, attempt.prepared.recipe
    with (
        RunStore(place / folder.DATABASE, from_step=trainer.step, from_epoch=trainer.epoch) as store,
        Interruption() as interruption,
    ):
        checkpointer = Checkpointer(place / folder.CHECKPOINTS, store, began.training.checkpoint_every)
        trainer.callbacks += (Recorder(store), checkpointer, interruption)
        if case is None:
            with doctoring(store, trainer, began) as doctor:
                trainer.fit()
            interrupted = trainer.stopped == INTERRUPTED
        else:
            attempt, doctor, interrupted = repair_run(attempt, case, store, checkpointer, interruption, callbacks)
            trainer = attempt.trainer
        prepared = attempt.prepared
        seconds = trainer.seconds
        metrics = store.latest("train_loss") | store.latest("train_penalty") | store.latest("train_auxiliary")
        if trainer.stopped == NON_FINITE:
            store.finding(trainer.step, trainer.epoch, non_finite(trainer))
        else:
            checkpointer.write(trainer)
        if case is not None and any(each["kept"] for each in case.tries) and not interrupted:
            _write_repaired(place, prepared)
        if trainer.stopped != NON_FINITE and not interrupted:
            reach("export.begin")
            model = settle(attempt)
            write_atomically(place / folder.WEIGHTS, lambda path: save_tensors(path, model.state_dict()))
            metrics |= measure_finally(place, prepared, model)
            reach("export.end")
        result = {
            "run": str(place),
            "model": prepared.recipe.model.label,
            "data": prepared.recipe.data.label,
            "epochs": trainer.epoch,
            "steps": trainer.step,
            "seconds": round(seconds, 3),
            "steps_per_second": round(trainer.step / seconds, 3),
            "parameters": sum(each.numel() for each in prepared.model.parameters()),
            "metrics": metrics,
            "causes": doctor.get("causes", []),
        }
        if case is not None:
            result["repairs"] = case.tries
        store.event(trainer.step, trainer.epoch, "result", result)
        store.finish(INTERRUPTED if interrupted else NON_FINITE if trainer.stopped == NON_FINITE else FINISHED)
    return load_run(place)


def _load(trainer: Trainer, state: dict[str, Any], place: Path) -> None:
    try:
        trainer.load_state_dict(state)
    except (KeyError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"run {place}", f"its checkpoint does not fit its recipe: {reason}") from error


def read_recipe(recipe: Recipe | Mapping[str, Any] | str | Path) -> Recipe:
    """The recipe with its paths absolute: a file's start where it lies, any other's in the working folder."""
    if isinstance(recipe, str | Path):
        path = find_recipe(str(recipe))
        return Recipe.from_dict(anchored(read_toml(path), path.parent), str(path))
    document = recipe.to_dict() if isinstance(recipe, Recipe) else recipe
    return Recipe.from_dict(anchored(document, Path()))


def find_recipe(name: str) -> Path:
    """The file of a recipe: `name` itself if it is a path, else the shipped recipe of that name.

    Raises:
        InputError: listing the nearest shipped names.
    """
    if is_path(name):
        return Path(name)
    shipped = shipped_recipes()
    if name not in shipped:
        raise InputError("recipe", "unknown name", name, nearest(name, shipped))
    return shipped[name]


def write_head(place: Path, prepared: Prepared, raw: RawData) -> None:
    """What the run is, before it begins; the recipe last, since its presence makes the folder a run."""
    surroundings = environment.describe_environment(prepared.device)
    surroundings["code"] = keep_user_code(place, prepared.recipe)
    if prepared.begun is not None:
        surroundings["pretrained"] = {
            "file": prepared.recipe.model.pretrained,
            "layers": len(prepared.begun.matched),
            "left": prepared.begun.left,
        }
    if isinstance(prepared.preprocessing.encoder, RunEncoder):
        prepared.preprocessing.encoder.keep(place / folder.ENCODER)
    data = {
        "format": DATA_FORMAT,
        "spec": prepared.spec.to_json(),
        "raw_spec": raw.spec.to_json(),
        "preprocessing": prepared.preprocessing.to_json(),
        "fingerprint": data_fingerprint(raw),
        "splits": {name: len(part) for name, part in prepared.splits.named().items()},
    }
    folder.write_json(place / folder.DATA, data)
    folder.write_json(place / folder.ENVIRONMENT, surroundings)
    folder.write_text(place / folder.RECIPE, prepared.recipe.to_toml())


def _write_repaired(place: Path, prepared: Prepared) -> None:
    """The recipe with what was kept in it, and the preprocessing that goes with it: what the weights are of."""
    document = folder.read_json(place / folder.DATA, DATA_FORMAT)
    document |= {"spec": prepared.spec.to_json(), "preprocessing": prepared.preprocessing.to_json()}
    folder.write_json(place / folder.DATA, document)
    folder.write_text(place / folder.REPAIRED, prepared.recipe.to_toml())


@contextmanager
def arithmetic(recipe: Recipe) -> Iterator[None]:
    """Algorithms as the recipe's device wants them; the caller's, its threads and random state back afterwards."""
    threads = torch.get_num_threads()
    algorithms, lenient = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    cuda = recipe.training.device.startswith("cuda")
    with torch.random.fork_rng(enabled=True):
        if cuda:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS wants for the same bits
            torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            if cuda:
                torch.use_deterministic_algorithms(algorithms, warn_only=lenient)
