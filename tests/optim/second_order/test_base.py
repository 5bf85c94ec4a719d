"""What holds of every second-order optimizer."""

import math
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gradus.core.errors import InputError
from gradus.optim import optimizers
from gradus.optim.second_order import (
    BFGS,
    GaussNewton,
    LevenbergMarquardt,
    NewtonCG,
    NonFiniteError,
    SecondOrder,
)
from tests.optim.second_order.problems import ALL, NAMES, NEVER_WORSE, closure_for, network, parameter, rosenbrock, sine


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ALL)
def test_at_the_very_bottom_squares_of_small_numbers_are_zero_and_it_stays(
    kind: type[SecondOrder], dtype: torch.dtype
) -> None:
    weights, point = torch.tensor([1.0, 30.0], dtype=dtype), parameter([1.0, 2.0], dtype)
    optimizer = kind([point], tolerance=0.0)
    for _ in range(40):
        optimizer.step(closure_for(optimizer, lambda: point * weights))
    torch.testing.assert_close(point.detach(), torch.zeros_like(point), atol=1e-9, rtol=0)
    small = 1e-28 if dtype == torch.float32 else 1e-170
    point.data.fill_(small)
    optimizer = kind([point], tolerance=0.0)
    optimizer.step(closure_for(optimizer, lambda: point * weights))
    assert point.abs().max() <= small


@pytest.mark.parametrize("kind", [NewtonCG, GaussNewton])
def test_linear_least_squares_take_one_step(kind: type[SecondOrder]) -> None:
    torch.manual_seed(0)
    model = nn.Linear(6, 2).double()
    x, y = torch.randn(50, 6, dtype=torch.float64), torch.randn(50, 2, dtype=torch.float64)
    optimizer = kind(model.parameters())
    optimizer.step(closure_for(optimizer, lambda: model(x) - y))
    design = np.column_stack([x, np.ones(50)])
    expected = np.linalg.lstsq(design, y.numpy(), rcond=None)[0]
    np.testing.assert_allclose(model.weight.detach().T, expected[:-1], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.bias.detach(), expected[-1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", NEVER_WORSE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_step_ends_higher_than_it_began(kind: type[SecondOrder], dtype: torch.dtype) -> None:
    (x, y), model = sine(dtype), network(dtype)
    optimizer = kind(model.parameters())
    closure = closure_for(optimizer, lambda: model(x) - y)
    losses = [float(optimizer.step(closure)) for _ in range(60)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("kind", NEVER_WORSE)
def test_where_a_trial_is_not_finite_a_shorter_step_is_found(kind: type[SecondOrder]) -> None:
    # Newton's model has a minimum, beyond 0, only from below e^2.
    point = parameter([6.0 if kind is NewtonCG else 10.0])
    optimizer = kind([point], max_iter=60)
    seen = []

    def residuals() -> Tensor:  # not a number below 0, where the first full step ends
        seen.append(point.item())
        return point.log() - 1

    optimizer.step(closure_for(optimizer, residuals))
    assert min(seen) < 0
    assert point.item() == pytest.approx(math.e, rel=1e-6)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("healthy", [0, 3])
def test_a_loss_that_is_not_finite_is_refused_and_nothing_moves(
    kind: type[SecondOrder], bad: float, healthy: int
) -> None:
    (x, y), model = sine(), network()
    optimizer = kind(model.parameters())
    factor = 1.0
    closure = closure_for(optimizer, lambda: factor * (model(x) - y))
    for _ in range(healthy):
        optimizer.step(closure)
    before = deepcopy(model.state_dict())
    factor = bad
    says = f"optimizer `{kind.__name__}`: the (loss|sum of squares) must be finite at iteration {healthy + 1}, got"
    with pytest.raises(NonFiniteError, match=says):
        optimizer.step(closure)
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    factor = 1.0
    optimizer.step(closure)  # and it can go on


@pytest.mark.parametrize("kind", ALL)
def test_a_gradient_that_is_not_finite_is_refused(kind: type[SecondOrder]) -> None:
    point = parameter([0.0, 1.0])  # the root's slope at 0 is infinite
    optimizer = kind([point])
    with pytest.raises(NonFiniteError, match=r"(gradient of the loss|derivative of the residuals) must be finite"):
        optimizer.step(closure_for(optimizer, lambda: point.sqrt() + 1))
    assert point.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("kind", ALL)
def test_an_error_of_the_closure_passes_and_nothing_moves(kind: type[SecondOrder]) -> None:
    point, calls = parameter([-1.2, 1.0]), 0

    def failing() -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyError("mine")
        return rosenbrock(point)

    optimizer = kind([point], max_iter=5)
    with pytest.raises(KeyError, match="mine"):
        optimizer.step(closure_for(optimizer, failing))
    assert point.tolist() == [-1.2, 1.0]


@pytest.mark.parametrize("kind", ALL)
def test_gradients_are_left_where_others_look_for_them(kind: type[SecondOrder]) -> None:
    (x, y), model, other = sine(), network(), network()
    optimizer = kind(model.parameters(), tolerance=1e9)  # so that it looks, and does not move
    optimizer.step(closure_for(optimizer, lambda: model(x) - y))
    (other(x) - y).square().sum().backward()
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_cards_are_complete_and_build(name: str) -> None:
    card = optimizers.get(name)
    assert card.build is NAMES[name]
    assert card.closure
    assert card.formula
    assert card.source
    assert card.summary.endswith(".")
    built = card.build([parameter([1.0])], **card.validate({"max_iter": 3}))
    assert built.param_groups[0]["max_iter"] == 3
    assert optimizers.get({"newton_cg": "newton", "levenberg_marquardt": "lm"}.get(name, name)) is card


@pytest.mark.parametrize("kind", ALL)
def test_state_goes_on_where_it_was_saved(kind: type[SecondOrder]) -> None:
    (x, y), model = sine(), network()
    optimizer = kind(model.parameters())

    def steps(net: nn.Module, by: SecondOrder, number: int) -> None:
        for _ in range(number):
            by.step(closure_for(by, lambda: net(x) - y))

    steps(model, optimizer, 4)
    twin, saved = deepcopy(model), deepcopy(optimizer.state_dict())
    resumed = kind(twin.parameters())
    resumed.load_state_dict(saved)
    steps(model, optimizer, 4)
    steps(twin, resumed, 4)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))
    before, after = (each.state_dict()["state"][0] for each in (optimizer, resumed))
    assert before.keys() == after.keys()
    assert all(torch.equal(torch.as_tensor(before[name]), torch.as_tensor(after[name])) for name in before)


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        (BFGS, {"lr": 0.0}, "`lr` should be greater than 0, got 0.0"),
        (BFGS, {"max_iter": 0}, "`max_iter` should be greater than or equal to 1"),
        (NewtonCG, {"cg_tolerance": 1.0}, "`cg_tolerance` should be less than 1"),
        (NewtonCG, {"radius": -1.0}, "`radius` should be greater than 0"),
        (GaussNewton, {"lr": 1.5}, "`lr` should be less than or equal to 1"),
        (LevenbergMarquardt, {"damping": 0.0}, "`damping` should be greater than 0"),
        (LevenbergMarquardt, {"tolerance": "small"}, "`tolerance` should be a valid number"),
    ],
)
def test_options_are_checked_by_name(kind: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=f"optimizer `{kind.__name__}`: {says}"):
        kind([parameter([1.0])], **options)


@pytest.mark.parametrize("kind", ALL)
def test_parameters_must_make_one_vector_in_a_precision_that_linear_algebra_has(kind: type[SecondOrder]) -> None:
    one = parameter([1.0])
    with pytest.raises(InputError, match="takes one group of parameters"):
        kind([{"params": [one]}, {"params": [parameter([2.0])]}])
    for others in ([parameter([1.0], torch.bfloat16)], [one, parameter([1.0], torch.float32)]):
        with pytest.raises(InputError, match="needs parameters all float32 or all float64, on one device, got"):
            kind(others)
    with pytest.raises(InputError, match="needs a parameter that requires a gradient"):
        kind([nn.Parameter(torch.ones(1), requires_grad=False)])


@pytest.mark.parametrize(
    ("kind", "returned", "says"),
    [
        (NewtonCG, lambda p: p.detach().sum(), "must return the loss with the graph, and not call backward"),
        (NewtonCG, lambda p: p * 2, r"must return one number, got \(2,\)"),
        (GaussNewton, lambda p: (p * 2).sum(), "must return the residuals, a vector whose squares sum to the loss"),
        (
            LevenbergMarquardt,
            lambda p: p[:0],
            "must return the residuals, a vector whose squares sum to the loss, got `none`",
        ),
        (LevenbergMarquardt, lambda p: 1.0, "must return the residuals with the graph"),
        (LevenbergMarquardt, lambda p: p.float(), "in the precision of the parameters, torch.float64"),
        (BFGS, lambda p: p.sum(), "its closure must call backward"),
    ],
)
def test_closures_of_another_kind_are_told(kind: type[SecondOrder], returned: Any, says: str) -> None:
    point = parameter([1.0, 2.0])
    with pytest.raises(InputError, match=says):
        kind([point]).step(lambda: returned(point))


def test_frozen_parameters_are_left_out() -> None:
    model = network()
    weight = next(model.parameters())
    weight.requires_grad_(False)
    frozen = weight.clone()
    x, y = sine()
    for kind in ALL:
        optimizer = kind(model.parameters())
        optimizer.step(closure_for(optimizer, lambda: model(x) - y))
    assert torch.equal(weight, frozen)
