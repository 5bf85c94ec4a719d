"""A recipe examined before it trains: the first steps of its loop, and no run."""

from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import torch

from gradus.core.untouched import untouched
from gradus.diagnosis.preflight.examiner import Examiner
from gradus.training.callbacks import Callback
from gradus.training.doctoring import meant
from gradus.training.prepare import load_data, prepare, resolve
from gradus.training.recipe import Recipe
from gradus.training.train import DEFAULT_RECIPE, arithmetic, read_recipe
from gradus.training.trainer import Trainer


def examine_recipe(
    recipe: Recipe | Mapping[str, Any] | str | Path = DEFAULT_RECIPE, *, budget: float = 10.0
) -> dict[str, Any]:
    """Examine the training that a recipe names; of an ensemble, that of one network.

    Args:
        budget: seconds, from when the data are there.
    Returns:
        `findings`, `causes`, `checks`, `steps_seen`, `overhead` and `program_exit`, as documents have them.
    Raises:
        InputError: as `train` does.
    """
    recipe = resolve(read_recipe(recipe))
    # Moving averages and what is compiled cost time, and tell nothing of the first steps.
    plain = recipe.training.model_copy(update={"ema": None, "compile": False})
    recipe = recipe.model_copy(update={"training": plain})
    with arithmetic(recipe):
        prepared = prepare(recipe, load_data(recipe.data))
        torch.set_num_threads(int(prepared.recipe.training.threads))
        deadline = monotonic() + budget
        trainer = Trainer(
            prepared.objective,
            prepared.loader,
            prepared.recipe.training,
            seed=prepared.recipe.seed,
            device=prepared.device,
            callbacks=[_Until(deadline)],
        )
        with untouched(prepared.model):
            examiner = Examiner(
                deadline=deadline, enough=lambda: trainer.stop("enough was seen"), silence=meant(recipe)
            )
            try:
                trainer.fit()
            finally:
                document = examiner.conclude(ended=not trainer.stopped)
    return document | {"program_exit": 0}


class _Until(Callback):
    """Stops at a time of `time.monotonic`."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def step_ended(self, trainer: Trainer) -> None:
        if monotonic() >= self._deadline:
            trainer.stop("the time is up")
