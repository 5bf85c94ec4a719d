"""REINFORCE against hand-worked sums and exact expectations, and what becomes of it in a run."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gradus
from gradus.core.batch import Batch
from gradus.core.errors import InputError
from gradus.core.spec import DataSpec
from gradus.models import create_model
from gradus.models.recurrent_attention import Gaze, RecurrentAttention
from gradus.training.callbacks import Callback
from gradus.training.interruption import INTERRUPTED
from gradus.training.objectives import Parts, objectives
from gradus.training.objectives.reinforce import Reinforce, choices, policy_loss, rewards
from gradus.training.trainer import Trainer

SPEC = DataSpec(task="classification", inputs=((1, 6, 6),), input_dtypes=("float64",), outputs=3)


def make_model(**options: Any) -> RecurrentAttention:
    torch.manual_seed(0)
    options = {"glimpses": 2, "patch": 2, "hidden": 8, "glimpse_hidden": 6, "std": 0.3} | options
    model = create_model("recurrent_attention", spec=SPEC, **options).double()
    assert isinstance(model, RecurrentAttention)
    return model


def make_objective(model: nn.Module, spec: DataSpec = SPEC, **options: Any) -> Reinforce:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    parts = Parts(model=model, criterion=nn.functional.cross_entropy, optimizer=optimizer, spec=spec)
    card = objectives.get("reinforce")
    objective = card.build(parts, **card.validate(options))
    assert isinstance(objective, Reinforce)
    return objective


def make_batch(number: int = 5) -> Batch:
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(number, 1, 6, 6, generator=generator, dtype=torch.float64)
    return Batch((x,), torch.arange(number) % 3, torch.arange(number))


def test_the_policy_term_by_hand() -> None:
    log_probs = torch.tensor([[-1.0, -2.0], [-0.5, -3.0]], requires_grad=True)
    baselines = torch.tensor([[0.25, 0.5], [0.5, 0.75]], requires_grad=True)
    loss = policy_loss(log_probs, torch.tensor([1.0, 0.0]), baselines)
    # -(0.75 * -1 + 0.5 * -2 - 0.5 * -0.5 - 0.75 * -3) / 2
    assert loss.item() == pytest.approx((0.75 + 1.0 - 0.25 - 2.25) / 2)
    loss.backward()
    assert log_probs.grad is not None
    assert log_probs.grad.tolist() == [[-0.375, -0.25], [0.25, 0.375]]
    assert baselines.grad is None  # which learn by their own error


def test_reward_is_one_for_the_right_class_and_a_share_for_mixed_ones() -> None:
    output = torch.tensor([[0.1, 2.0], [3.0, 1.0], [0.0, 1.0]])
    assert rewards(output, torch.tensor([1, 1, 0])).tolist() == [1, 0, 0]
    assert rewards(output, torch.tensor([[0.25, 0.75], [0.5, 0.5], [1, 0]])).tolist() == [0.75, 0.5, 0]


@pytest.fixture(scope="module")
def expectation() -> tuple[RecurrentAttention, Tensor, int, Tensor]:
    """A model with one choice to make, an image, its class, and the exact slope of the expected reward.

    By quadrature: the reward at each of 201 x 201 places, weighed by the density of the place, whose derivative with
    respect to the bias of the places' layer is taken.
    """
    model = make_model()
    x = make_batch(1).inputs[0]
    with torch.no_grad():
        model.output.weight.mul_(40)  # so that the class depends on the place
        mean = model.location(first_state(model, x)).tanh()[0]
    axis = torch.linspace(-6, 6, 201, dtype=torch.float64) * model.std
    places = mean + torch.cartesian_prod(axis, axis)
    deviates = torch.zeros(len(places), 2, 2, dtype=torch.float64)
    deviates[:, 1] = (places - mean) / model.std
    with torch.no_grad():
        said = model.eval()._look(x.expand(len(places), -1, -1, -1), deviates).output.argmax(1)
    right = int(said.bincount(minlength=3).argmax())
    assert 0.2 < (said == right).double().mean() < 0.999
    bias = model.location.bias
    moved = (first_state(model, x) @ model.location.weight.T + bias).tanh()[0]
    density = (-0.5 * ((places - moved) / model.std).square().sum(1)).exp() / (2 * torch.pi * model.std**2)
    cell = (axis[1] - axis[0]) ** 2
    assert float(density.detach().sum() * cell) == pytest.approx(1, abs=1e-6)
    expected_reward = ((said == right) * density).sum() * cell
    (slope,) = torch.autograd.grad(expected_reward, bias)
    return model, x, right, slope


def first_state(model: RecurrentAttention, x: Tensor) -> Tensor:
    centre = torch.zeros(len(x), 2, dtype=x.dtype)
    state = model.core(model.glimpse(model.sensor(x, centre), centre))
    assert isinstance(state, Tensor)
    return state.detach()


@pytest.mark.parametrize("baseline", [0.0, 0.5, -0.5])
def test_the_estimate_is_the_exact_slope_on_average_whatever_the_baseline(
    baseline: float, expectation: tuple[RecurrentAttention, Tensor, int, Tensor]
) -> None:
    """The mean of 60,000 estimates lies within four standard errors of the slope, for each of its numbers."""
    model, x, right, slope = expectation
    number = 60_000
    gaze = look(model, x, number)
    log_probs, _ = choices(gaze)
    reward = rewards(gaze.output, torch.full((number,), right))
    one_by_one = slopes_of_each(model, x, gaze, reward - baseline)
    loss = policy_loss(log_probs, reward, torch.full_like(log_probs, baseline))
    (found,) = torch.autograd.grad(-loss, model.location.bias)
    assert torch.allclose(found, one_by_one.mean(0), rtol=1e-9)
    error = one_by_one.std(0) / number**0.5
    assert (slope.abs() > 3 * error).any(), "too little to tell from nothing"
    assert ((found - slope).abs() < 4 * error).all(), (found, slope, error)


def look(model: RecurrentAttention, x: Tensor, number: int) -> Gaze:
    """From the middle to a place drawn, again and again."""
    return model.train()._look(x.expand(number, -1, -1, -1), draws(number))


def draws(number: int) -> Tensor:
    deviates = torch.zeros(number, 2, 2, dtype=torch.float64)
    deviates[:, 1] = torch.randn(number, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return deviates


def slopes_of_each(model: RecurrentAttention, x: Tensor, gaze: Gaze, advantage: Tensor) -> Tensor:
    """(R - b) d log p / d bias of each draw, by hand: (l - m) / std^2 times the slope of tanh."""
    mean: Tensor = model.location(first_state(model, x)).tanh().detach()
    drawn = mean + model.std * draws(len(gaze.output))[:, 1]
    return advantage[:, None] * (drawn - mean) / model.std**2 * (1 - mean**2)


def test_a_good_baseline_lessens_the_variance(expectation: tuple[RecurrentAttention, Tensor, int, Tensor]) -> None:
    model, x, right, _ = expectation
    gaze = look(model, x, 5000)
    reward = rewards(gaze.output, torch.full((5000,), right))
    without, best, worse = (
        slopes_of_each(model, x, gaze, reward - each).var(0).sum() for each in (0.0, reward.mean(), -3.0)
    )
    assert best < without < worse


@pytest.mark.parametrize("samples", [1, 4])
def test_the_loss_is_the_sum_of_three(samples: int) -> None:
    model, batch = make_model(), make_batch()
    torch.manual_seed(3)
    gaze = model(batch.inputs[0].repeat_interleave(samples, 0))
    target = batch.target.repeat_interleave(samples, 0)
    log_probs, baselines = choices(gaze)
    reward = (gaze.output.argmax(1) == target).double()
    squares = (reward[:, None] - baselines) ** 2
    policy = -((reward[:, None] - baselines) * log_probs).sum(1).mean()
    expected = nn.functional.cross_entropy(gaze.output, target) + squares.mean() + 0.5 * policy

    objective = make_objective(model, samples=samples, weight=0.5)
    torch.manual_seed(3)
    loss, signs = objective.compute(objective.phases[0], batch)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    assert signs["reward"].item() == reward.mean().item()
    assert signs["baseline_error"].item() == pytest.approx(squares.mean().sqrt().item(), rel=1e-12)


def test_reward_teaches_the_choice_alone_and_classification_all_else() -> None:
    model, batch = make_model(glimpses=4), make_batch()
    objective = make_objective(model)
    torch.manual_seed(3)
    objective.compute(objective.phases[0], batch)[0].backward()
    found = {name: each.grad for name, each in model.named_parameters()}
    torch.manual_seed(3)
    loss = nn.functional.cross_entropy(model(batch.inputs[0]).output, batch.target)
    alone = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    for (name, gradient), other in zip(found.items(), alone, strict=True):
        assert gradient is not None
        if name.partition(".")[0] in {"location", "baseline"}:
            assert other is None
            assert gradient.any()
        else:
            assert other is not None
            assert torch.allclose(gradient, other, atol=1e-14), name


def test_penalties_are_added() -> None:
    model, batch = make_model(), make_batch()
    plain, priced = make_objective(model), make_objective(model)
    priced.penalties = (lambda: 0.1 * model.output.weight.square().sum(),)
    values = []
    for objective in (plain, priced):
        torch.manual_seed(3)
        values.append(objective.compute(objective.phases[0], batch))
    price = values[1][1]["penalty"].item()
    assert price == pytest.approx(0.1 * model.output.weight.square().sum().item())
    assert (values[1][0] - values[0][0]).item() == pytest.approx(price)


class _Drawing(nn.Module):
    def __init__(self, *given: Any) -> None:
        super().__init__()
        self.weight, self.given = nn.Parameter(torch.ones(1)), given

    def forward(self, x: Tensor) -> Any:
        return Gaze(x.flatten(1)[:, :3] * self.weight, *self.given)


@pytest.mark.parametrize(
    "model",
    [nn.Sequential(nn.Flatten(), nn.Linear(36, 3)).double(), make_model(glimpses=1), _Drawing(torch.zeros(2, 1, 2))],
    ids=["plain", "one glimpse", "without log_probs"],
)
def test_a_model_that_chooses_nothing_is_refused_in_a_line(model: nn.Module) -> None:
    with pytest.raises(
        InputError, match=r"^objective `reinforce`: needs a model that chooses where to look"
    ) as refused:
        make_objective(model)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("log_probs", "baselines"), [((2,), (2,)), ((2, 3), (2, 1)), ((2, 3), (2,)), ((1, 3), (2, 3))])
def test_choices_of_other_shapes_are_refused(log_probs: tuple[int, ...], baselines: tuple[int, ...]) -> None:
    """They would be spread over one another, and teach what nobody asked for."""
    model = _Drawing(torch.zeros(2, 1, 2), torch.zeros(log_probs), torch.zeros(baselines))
    with pytest.raises(InputError, match=r"needs `\w+` of shape \(examples, choices\), \(2, \d\), got"):
        make_objective(model)


def test_what_else_is_refused() -> None:
    with pytest.raises(InputError, match="rewards one right class for each example"):
        make_objective(make_model(), DataSpec(task="regression", inputs=((1, 6, 6),), outputs=3))
    with pytest.raises(InputError, match="rewards one right class for each example"):
        make_objective(make_model(), DataSpec(task="classification", inputs=((1, 6, 6),), outputs=3, steps=4))
    with pytest.raises(InputError, match="`samples`"):
        make_objective(make_model(), samples=0)


def test_asking_a_model_changes_nothing_about_it() -> None:
    model = make_model().eval()
    torch.manual_seed(5)
    make_objective(model)
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1))
    assert not model.training


RECIPE: dict[str, Any] = {
    "seed": 1,
    "data": {"name": "digits"},
    "model": {"name": "ram", "glimpses": 4, "patch": 5, "hidden": 64, "glimpse_hidden": 64, "std": 0.25},
    "criterion": {"name": "cross_entropy"},
    "objective": {"name": "reinforce"},
    "optimizer": {"name": "adamw", "lr": 3e-3},
    "schedule": {"name": "one_cycle"},
    "training": {"epochs": 20, "batch_size": 64, "threads": 1},
}


def test_it_learns_and_the_doctor_has_nothing_to_say(tmp_path: Path) -> None:
    run = gradus.train(RECIPE, run=tmp_path / "run")
    reward = [value for _, value in run.curves["train_reward"]]
    assert len(reward) == 20
    assert reward[-1] > 0.75 > 0.5 > reward[0]
    assert run.result["metrics"]["test_accuracy"] > 0.75  # a tenth by chance
    assert not run.findings
    assert run.result["causes"] == []


class _Stop(Callback):
    def step_ended(self, trainer: Trainer) -> None:
        if trainer.step == 30:
            trainer.stop(INTERRUPTED)


def test_a_resumed_run_comes_to_the_same_weights(tmp_path: Path) -> None:
    recipe = RECIPE | {"training": {"epochs": 3, "batch_size": 64, "threads": 1}}
    whole = gradus.train(recipe, run=tmp_path / "whole")
    gradus.train(recipe, run=tmp_path / "parts", callbacks=[_Stop()])
    parts = gradus.resume(tmp_path / "parts")
    assert parts.outcome == "finished"
    ours, theirs = whole.model().state_dict(), parts.model().state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert whole.curves["train_reward"] == parts.curves["train_reward"]
