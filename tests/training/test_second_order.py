"""Second-order optimizers under the Trainer and by name in a recipe."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

import gradus
from gradus.core.errors import InputError
from gradus.data.arrays import from_arrays
from gradus.losses.residuals import mse_residuals
from gradus.optim.second_order import BFGS, GaussNewton, LevenbergMarquardt, NewtonCG, SecondOrder
from gradus.training.callbacks import Callback
from gradus.training.interruption import INTERRUPTED
from gradus.training.objective import Supervised
from gradus.training.recipe import Training
from gradus.training.train import resume
from gradus.training.trainer import NON_FINITE, Trainer
from tests.training.test_trainer import Values, make_loader, make_network, same_weights

ALL = [BFGS, NewtonCG, GaussNewton, LevenbergMarquardt]
NAMES = ["bfgs", "newton_cg", "gauss_newton", "levenberg_marquardt"]


def supervised(network: nn.Module, kind: type[SecondOrder], **options: Any) -> Supervised:
    criterion = mse_residuals if kind.wants == "residuals" else mse_loss
    return Supervised(network, criterion, kind(network.parameters(), **options), closure=True)


def curve(count: int = 60) -> Any:
    x = np.linspace(-2, 2, count)[:, None]
    return from_arrays(x.astype(np.float32), np.sin(2 * x))


def recipe(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "data": {"name": "line", "validation": 0.2, "test": 0.0},
        "model": {"name": "mlp", "hidden": [6], "activation": "tanh"},
        "criterion": {"name": "mse"},
        "optimizer": {"name": name},
        "training": {"epochs": 8, "batch_size": "full"},
    } | changes


def test_residuals_are_those_of_the_mean_squared_error() -> None:
    torch.manual_seed(0)
    output, target = torch.randn(7, 3, dtype=torch.float64), torch.randn(7, 3, dtype=torch.float64)
    residuals = mse_residuals(output, target)
    assert residuals.shape == (21,)
    torch.testing.assert_close(residuals.square().sum(), mse_loss(output, target), rtol=1e-14, atol=0)


@pytest.mark.parametrize("kind", ALL)
def test_the_trainer_makes_the_steps_of_a_plain_loop(kind: type[SecondOrder]) -> None:
    ours, by_hand = make_network(), make_network()
    loader, seen = make_loader(batch_size=40, shuffle=False), Values()
    Trainer(supervised(ours, kind), loader, Training(epochs=5), callbacks=[seen]).fit()

    optimizer, batch = kind(by_hand.parameters()), next(loader.batches(0))

    def closure() -> Tensor:
        if kind.wants == "residuals":
            return mse_residuals(by_hand(*batch.inputs), batch.target)
        optimizer.zero_grad()
        loss = mse_loss(by_hand(*batch.inputs), batch.target)
        if kind.wants == "gradients":
            loss.backward()
        return loss

    losses = [float(optimizer.step(closure)) for _ in range(5)]
    assert same_weights(ours, by_hand)
    assert [each["train_loss"] for each in seen.epochs] == pytest.approx(losses, rel=1e-6)


@pytest.mark.parametrize("kind", ALL)
def test_every_evaluation_of_a_step_drops_the_same_units(kind: type[SecondOrder]) -> None:
    network, masks = make_network(dropout=0.5), []
    network[2].register_forward_hook(lambda module, given, output: masks.append(output.detach() == 0))
    loader = make_loader(batch_size=40, shuffle=False)
    Trainer(supervised(network, kind, max_iter=3), loader, Training(epochs=1)).fit()
    assert len(masks) > 1
    assert all(torch.equal(mask, masks[0]) for mask in masks)


@pytest.mark.parametrize("kind", [NewtonCG, GaussNewton, LevenbergMarquardt])
@pytest.mark.parametrize(
    "settings", [{"accumulate": 2}, {"clip_norm": 1.0}, {"clip_value": 1.0}, {"precision": "bf16"}, {"compile": True}]
)
def test_what_comes_between_forward_and_backward_is_refused(kind: type[SecondOrder], settings: dict[str, Any]) -> None:
    (name,) = settings
    with pytest.raises(InputError, match=f"training.{name}: cannot be had with {kind.__name__}"):
        Trainer(supervised(make_network(), kind), make_loader(), Training(**settings))


class Priced(nn.Module):
    """Hands back a penalty of its own."""

    class Result(NamedTuple):
        output: Tensor
        penalty: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.network = make_network()

    def forward(self, x: Tensor) -> Result:
        return self.Result(self.network(x), x.square().sum())


def test_residuals_take_no_penalty_of_a_model() -> None:
    trainer = Trainer(supervised(Priced(), LevenbergMarquardt), make_loader(), Training(epochs=1))
    with pytest.raises(
        InputError, match=r"to which the penalty of a model cannot be added.* Use `bfgs` or `newton_cg`"
    ):
        trainer.fit()


@pytest.mark.parametrize("kind", ALL)
def test_a_loss_that_is_not_finite_ends_training_as_any_other(kind: type[SecondOrder]) -> None:
    network = make_network()
    objective = supervised(network, kind)
    objective.criterion = lambda output, target: (output - target) * float("nan")
    if kind.wants != "residuals":
        objective.criterion = lambda output, target: (output - target).square().mean() * float("nan")
    trainer = Trainer(objective, make_loader(), Training(epochs=3))
    trainer.fit()
    assert (trainer.stopped, trainer.diverged_at, trainer.epoch) == (NON_FINITE, 1, 1)
    assert same_weights(network, make_network())


class Stop(Callback):
    """An interruption after three steps."""

    def step_ended(self, trainer: Trainer) -> None:
        if trainer.step == 3:
            trainer.stop(INTERRUPTED)


# ---- by name --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["newton", "gauss_newton"])
def test_a_recipe_solves_linear_regression_in_one_step(name: str, tmp_path: Path) -> None:
    """The notes' claim, which holds of quadratics only."""
    line = recipe(name, model={"name": "linear_regression"}, training={"epochs": 1, "batch_size": "full"})
    line["data"] |= {"points": 20, "slope": 2.0, "intercept": 1.0, "preprocess": "none"}
    run = gradus.train(line, run=tmp_path / "run")
    weight, bias = run.model().parameters()
    assert weight.item() == pytest.approx(2.0, abs=1e-4)
    assert bias.item() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("name", ["bfgs", "newton_cg", "levenberg_marquardt"])
def test_a_recipe_trains_a_network_and_the_doctor_has_nothing_to_say(name: str, tmp_path: Path) -> None:
    run = gradus.train(recipe(name, training={"epochs": 60, "batch_size": "full"}), run=tmp_path / "run", data=curve())
    losses = [value for _, value in run.curves["train_loss"]]
    assert losses[-1] < 0.1 * losses[0]
    assert [each["symptom"] for each in run.findings] == []
    assert "learning_rate" not in run.curves or name == "bfgs"


@pytest.mark.parametrize("name", NAMES)
def test_an_interrupted_run_goes_on_to_the_same_bits(name: str, tmp_path: Path) -> None:
    straight = gradus.train(recipe(name), run=tmp_path / "straight", data=curve())
    gradus.train(recipe(name), run=tmp_path / "parts", data=curve(), callbacks=[Stop()])
    resumed = resume(tmp_path / "parts", data=curve())
    assert resumed.result["steps"] == 8
    assert same_weights(straight.model(), resumed.model())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"criterion": {"name": "mae"}},
            "criterion `mae`: optimizer `lm` needs a sum of squares, so it takes mse alone",
        ),
        (
            {"schedule": {"name": "cosine"}},
            "schedule `cosine`: changes the learning rate, of which LevenbergMarquardt has none",
        ),
        ({"training": {"accumulate": 2}}, "training.accumulate: cannot be had with LevenbergMarquardt"),
        (
            {"optimizer": {"name": "lm", "damping": -1.0}},
            "optimizer `levenberg_marquardt`: `damping` should be greater",
        ),
    ],
)
def test_recipes_that_cannot_be_are_refused_before_a_folder_is_made(
    changes: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=says):
        gradus.train(recipe("lm", **changes), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_newton_takes_any_criterion_with_two_derivatives(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3)).astype(np.float32)
    data = from_arrays(x, (x @ [1.0, -2.0, 0.5] + rng.logistic(size=80) > 0).astype(np.int64), task="classification")
    table = {"name": "line", "validation": 0.0, "test": 0.0, "preprocess": "none"}
    changes = {"data": table, "criterion": {"name": "cross_entropy"}, "model": {"name": "logistic_regression"}}
    run = gradus.train(recipe("newton", **changes), run=tmp_path / "run", data=data)
    model = run.model()
    loss = cross_entropy(model(torch.as_tensor(x)), torch.as_tensor(data.train.target))
    gradients = torch.autograd.grad(loss, tuple(model.parameters()))
    # Eight steps reach the minimum, as far as float32 tells one loss from another.
    assert max(float(each.abs().max()) for each in gradients) < 2e-5
