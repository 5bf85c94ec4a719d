"""Any data, model, criterion and optimizer that fit together train from one recipe; what does not fit is refused."""

import math
from itertools import product
from pathlib import Path

import pytest

import gradus
from gradus.core.errors import InputError
from gradus.losses import criteria
from gradus.models import models
from gradus.optim import optimizers, schedules
from tests.contracts.counts import rows

DATA = {"digits": "classification", "line": "regression"}
TABLES = {"line"}  # no images: convolutional networks refuse them
SEQUENCES = {"neural_lm", "nlinear", "recurrent", "seq2seq", "tcn", "transformer"}  # families for text and series
DEEP = {name for name, options, parameters, _ in rows() if not options and parameters > 1_000_000}  # they take long
PLAIN = ("cross_entropy", "mse")  # every model with these; the other criteria with one model
COMBINATIONS = [
    (data, model, criterion)
    for data, model, criterion in product(DATA, sorted({*models.names()} - DEEP), criteria.names())
    if criterion in PLAIN or model == "mlp"
]


def fits(data: str, model: str, criterion: str) -> bool:
    task = DATA[data]
    card = models.get(model)
    if card.family in SEQUENCES:
        return False
    if card.reconstructs:  # a number from a number is one that it could give back, but for want of a smaller code
        return data == "line" and model != "autoencoder" and task in criteria.get(criterion).tasks
    if len(card.input) > 2 and card.input[-1] > 64:  # digits of 8 x 8 are too small for networks for photographs
        return False
    takes_shape = (
        data not in TABLES or len(card.input) == 1 or card.family in ("mlp", "linear", "factorization_machine")
    )
    return task in card.tasks and task in criteria.get(criterion).tasks and takes_shape


def recipe(data: str, model: str, criterion: str, optimizer: str, schedule: str) -> dict[str, object]:
    shares = {"validation": 0.0, "test": 0.0} if data in TABLES else {"validation": 0.1, "test": 0.8}
    return {
        "data": {"name": data, **shares},
        "model": {"name": model},
        "criterion": {"name": criterion},
        "optimizer": {"name": optimizer},
        "schedule": {"name": schedule},
        "training": {"epochs": 1, "batch_size": 64, "threads": 1},
    }


@pytest.mark.parametrize(("data", "model", "criterion"), COMBINATIONS)
def test_what_fits_trains_and_what_does_not_is_refused(data: str, model: str, criterion: str, tmp_path: Path) -> None:
    document = recipe(data, model, criterion, "adamw", "constant")
    if fits(data, model, criterion):
        run = gradus.train(document, run=tmp_path / "run")
        assert run.outcome == "finished"
        loss = run.result["metrics"]["train_loss"]
        assert math.isfinite(loss)
        assert loss > 0 or criterion == "mbe"  # which has a sign
    else:
        with pytest.raises(InputError) as caught:
            gradus.train(document, run=tmp_path / "run")
        assert model in str(caught.value) or criterion in str(caught.value)
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("optimizer", optimizers.names())
def test_every_optimizer_trains_and_its_rate_changes_if_it_has_one(optimizer: str, tmp_path: Path) -> None:
    rated = "lr" in {each.name for each in optimizers.get(optimizer).options}
    document = recipe("line", "linear_regression", "mse", optimizer, "cosine" if rated else "constant")
    run = gradus.train(document, run=tmp_path / "run")
    assert run.outcome == "finished"
    assert math.isfinite(run.result["metrics"]["train_loss"])


@pytest.mark.parametrize("schedule", schedules.names())
def test_every_schedule_goes_with_sgd_and_with_a_closure(schedule: str, tmp_path: Path) -> None:
    for optimizer in ("sgd", "lbfgs"):
        run = gradus.train(recipe("line", "linear_regression", "mse", optimizer, schedule), run=tmp_path / optimizer)
        assert run.outcome == "finished"


@pytest.mark.parametrize("optimizer", ["newton_cg", "levenberg_marquardt"])
def test_a_schedule_is_refused_where_there_is_no_rate(optimizer: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has none"):
        gradus.train(recipe("line", "linear_regression", "mse", optimizer, "cosine"), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
