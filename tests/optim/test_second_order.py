"""Second-order optimizers against closed forms, SciPy, and the counts of the literature on two hard valleys."""

import math
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy import optimize
from torch import Tensor, nn
from torch.nn.functional import mse_loss

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
from gradus.optim.second_order.jacobian import jacobian
from gradus.optim.second_order.line_search import Trial, strong_wolfe
from gradus.optim.second_order.newton_cg import Segment, conjugate_gradients, first_radius, within

ALL = [BFGS, NewtonCG, GaussNewton, LevenbergMarquardt]
NAMES = {"bfgs": BFGS, "newton_cg": NewtonCG, "gauss_newton": GaussNewton, "levenberg_marquardt": LevenbergMarquardt}
NEVER_WORSE = [BFGS, NewtonCG, LevenbergMarquardt]
Residuals = Callable[[], Tensor]


def rosenbrock(p: Tensor) -> Tensor:
    return torch.stack([10 * (p[1] - p[0] ** 2), 1 - p[0]])


def beale(p: Tensor) -> Tensor:
    powers = torch.stack([p[1], p[1] ** 2, p[1] ** 3])
    return torch.tensor([1.5, 2.25, 2.625], dtype=p.dtype) - p[0] * (1 - powers)


VALLEYS = {"rosenbrock": (rosenbrock, [-1.2, 1.0], [1.0, 1.0]), "beale": (beale, [1.0, 1.0], [3.0, 0.5])}


def parameter(values: Any, dtype: torch.dtype = torch.float64) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values, dtype=dtype))


def closure_for(optimizer: torch.optim.Optimizer, residuals: Residuals) -> Callable[[], Tensor]:
    """What the optimizer wants of the sum of squares."""
    wants = getattr(optimizer, "wants", "gradients")
    if wants == "residuals":
        return residuals
    if wants == "loss":
        return lambda: residuals().square().sum()

    def with_backward() -> Tensor:
        optimizer.zero_grad()
        loss = residuals().square().sum()
        loss.backward()
        return loss

    return with_backward


def evaluations(optimizer: SecondOrder) -> int:
    return int(next(iter(optimizer.state.values()))["func_evals"])


def iterations(optimizer: SecondOrder) -> int:
    return int(next(iter(optimizer.state.values()))["n_iter"])


def network(dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)).to(dtype)


def sine(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    x = torch.linspace(-2, 2, 40, dtype=dtype)[:, None]
    return x, torch.sin(2 * x)


# ---- minima and counts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "valley", "most", "below"),
    [
        (BFGS, "rosenbrock", 50, 1e-8),
        (BFGS, "beale", 25, 1e-8),
        (NewtonCG, "rosenbrock", 30, 1e-8),
        (NewtonCG, "beale", 15, 1e-8),
        (LevenbergMarquardt, "rosenbrock", 30, 1e-12),
        (LevenbergMarquardt, "beale", 15, 1e-12),
        (GaussNewton, "rosenbrock", 3, 1e-20),  # the third evaluation finds the gradient to be zero
    ],
)
def test_evaluations_to_the_bottom_of_a_valley(kind: type[SecondOrder], valley: str, most: int, below: float) -> None:
    """Evaluations, of which an iteration makes at least one; at most 50 or 30 iterations in one step."""
    residuals, start, bottom = VALLEYS[valley]
    point = parameter(start)
    optimizer = kind([point], max_iter=50)
    before = residuals(point).square().sum().item()
    first = optimizer.step(closure_for(optimizer, lambda: residuals(point)))
    assert first.item() == pytest.approx(before, rel=1e-15)
    assert residuals(point).square().sum() < below
    assert evaluations(optimizer) <= most
    assert iterations(optimizer) <= most
    torch.testing.assert_close(point.detach(), torch.tensor(bottom, dtype=torch.float64), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("valley", "most"), [("rosenbrock", 50), ("beale", 25)])
def test_lbfgs_is_torchs_and_needs_no_more(valley: str, most: int) -> None:
    residuals, start, _ = VALLEYS[valley]
    point = parameter(start)
    optimizer = optimizers.get("lbfgs").build([point], max_iter=most)
    optimizer.step(closure_for(optimizer, lambda: residuals(point)))
    assert residuals(point).square().sum() < 1e-8
    assert optimizer.state[point]["n_iter"] <= most


@pytest.mark.parametrize("kind", ALL)
def test_iteration_by_iteration_it_is_the_same_descent(kind: type[SecondOrder]) -> None:
    once, by_steps = parameter([-1.2, 1.0]), parameter([-1.2, 1.0])
    together, apart = kind([once], max_iter=6), kind([by_steps])
    together.step(closure_for(together, lambda: rosenbrock(once)))
    for _ in range(6):
        apart.step(closure_for(apart, lambda: rosenbrock(by_steps)))
    assert torch.equal(once, by_steps)
    assert iterations(together) == iterations(apart)


@pytest.mark.parametrize("kind", ALL)
def test_scipy_finds_the_same_minimum_where_residuals_remain(kind: type[SecondOrder]) -> None:
    rng = np.random.default_rng(0)
    t = np.linspace(0, 3, 30)
    y = 2.5 * np.exp(-1.3 * t) + 0.5 + 0.1 * rng.normal(size=30)
    expected = optimize.least_squares(
        lambda p: p[0] * np.exp(-p[1] * t) + p[2] - y, [1.0, 1.0, 0.0], method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    time, values, point = torch.tensor(t), torch.tensor(y), parameter([1.0, 1.0, 0.0])
    optimizer = kind([point], max_iter=40, tolerance=1e-9)
    optimizer.step(closure_for(optimizer, lambda: point[0] * torch.exp(-point[1] * time) + point[2] - values))
    np.testing.assert_allclose(point.detach(), expected.x, rtol=1e-7)
    assert evaluations(optimizer) <= 3 * expected.nfev


def test_bfgs_needs_about_as_many_iterations_as_scipys() -> None:
    start = np.zeros(10)
    scipy = optimize.minimize(optimize.rosen, start, jac=optimize.rosen_der, method="BFGS", options={"gtol": 1e-7})
    point = parameter(start)
    optimizer = BFGS([point], max_iter=500)

    def residuals() -> Tensor:
        return torch.cat([10 * (point[1:] - point[:-1] ** 2), 1 - point[:-1]])

    optimizer.step(closure_for(optimizer, residuals))
    np.testing.assert_allclose(point.detach(), scipy.x, atol=1e-6)
    assert iterations(optimizer) <= 1.5 * scipy.nit


# ---- the line search ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 10.0, 1e3])
@pytest.mark.parametrize(
    "function",
    [
        lambda t: -t / (t**2 + 2),  # More & Thuente (1994), equation 5.1
        lambda t: (t + 0.4) ** 5 - 2 * (t + 0.4) ** 4,  # 5.2, steeper at the start
        lambda t: (t - 3) ** 2 + 3 * torch.cos(4 * t),  # many valleys
        lambda t: t - 4 * torch.log1p(t) - torch.log(5 - t),  # not a number beyond 5
    ],
)
def test_the_line_search_meets_both_conditions(function: Callable[[Tensor], Tensor], first: float) -> None:
    evaluate = along(function)
    start = evaluate(0.0)
    found = strong_wolfe(evaluate, start, first=first, flattening=0.1)
    assert found.value <= start.value + 1e-4 * found.length * start.slope
    assert abs(found.slope) <= 0.1 * abs(start.slope)


@pytest.mark.parametrize("first", [0.1, 10.0])
def test_where_rounding_hides_the_conditions_the_line_search_still_descends(first: float) -> None:
    evaluate = along(lambda t: (t + 0.004) ** 5 - 2 * (t + 0.004) ** 4)  # 5.2, whose slope at 0 is -5e-7
    found = strong_wolfe(evaluate, evaluate(0.0), first=first, flattening=0.1)
    assert found.value == pytest.approx(1.6**5 - 2 * 1.6**4, rel=1e-12)


def along(function: Callable[[Tensor], Tensor]) -> Callable[[float], Trial]:
    def evaluate(length: float) -> Trial:
        t = torch.tensor(length, dtype=torch.float64, requires_grad=True)
        value = function(t)
        (slope,) = torch.autograd.grad(value, t)
        shown = value.item() if value.isfinite() else math.inf
        return Trial(length, shown, slope.item(), slope[None])

    return evaluate


# ---- BFGS -----------------------------------------------------------------------------------------------------------


def test_bfgs_learns_the_inverse_hessian_by_equations_6_17_and_6_20() -> None:
    (x, y), model = sine(), network()
    optimizer = BFGS(model.parameters(), lr=0.7)
    closure = closure_for(optimizer, lambda: model(x) - y)
    points, gradients = [], []
    for _ in range(5):
        closure()
        points.append(torch.cat([each.detach().flatten() for each in model.parameters()]).numpy())
        gradients.append(
            torch.cat([each.grad.flatten() for each in model.parameters() if each.grad is not None]).numpy()
        )
        optimizer.step(closure)
    first = points[1] - points[0], gradients[1] - gradients[0]
    identity = np.eye(len(points[0]))
    inverse = identity * (first[0] @ first[1]) / (first[1] @ first[1])
    for before in range(3):
        s, change = points[before + 1] - points[before], gradients[before + 1] - gradients[before]
        rho = 1 / (change @ s)
        left = identity - rho * np.outer(s, change)
        inverse = left @ inverse @ left.T + rho * np.outer(s, s)
        step, expected = points[before + 2] - points[before + 1], -inverse @ gradients[before + 1]
        np.testing.assert_allclose(step / np.linalg.norm(step), expected / np.linalg.norm(expected), rtol=1e-6)


def test_bfgs_first_tries_to_move_by_one_in_all() -> None:
    point, seen = parameter([3.0, -4.0]), []

    def residuals() -> Tensor:
        seen.append(point.detach().clone())
        return 1e4 * point

    optimizer = BFGS([point])
    optimizer.step(closure_for(optimizer, residuals))
    assert float((seen[1] - seen[0]).abs().sum()) == pytest.approx(1.0)


def test_bfgs_learns_nothing_where_the_gradient_does_not_change() -> None:
    point = parameter([1.0, 2.0])
    optimizer = BFGS([point])

    def closure() -> Tensor:
        point.grad = torch.ones_like(point)
        return point.detach().sum()

    before = closure().item()
    optimizer.step(closure)
    assert closure().item() < before
    assert "inverse" not in optimizer.state[point]


def test_bfgs_shuns_points_without_a_gradient() -> None:
    """The first trial ends where the loss is least but has no slope."""
    point = parameter([1.0])
    optimizer = BFGS([point])

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (point * point).sqrt().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert 0 < point.item() < 1
    assert point.grad is not None
    assert point.grad.isfinite().all()


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


def test_bfgs_takes_sparse_gradients() -> None:
    table = nn.Embedding(5, 2, sparse=True, dtype=torch.float64)
    before = table.weight.detach().clone()
    optimizer = BFGS(table.parameters(), max_iter=10)
    optimizer.step(closure_for(optimizer, lambda: table(torch.tensor([1, 3])) - 5))
    expected = before.clone()
    expected[[1, 3]] = 5.0
    torch.testing.assert_close(table.weight.detach(), expected)


# ---- on quadratics --------------------------------------------------------------------------------------------------


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


def test_a_small_trust_region_bounds_the_step_and_grows_where_the_model_is_right() -> None:
    point = parameter([3.0, 4.0])
    optimizer = NewtonCG([point], radius=1.0)
    lengths = []
    for _ in range(4):
        before = point.detach().clone()
        optimizer.step(lambda: point.square().sum())
        lengths.append(float((point.detach() - before).norm()))
    np.testing.assert_allclose(lengths, [1.0, 2.0, 2.0, 0.0], atol=1e-12)


def test_steihaugs_path_ends_on_the_boundary_or_at_the_newton_step() -> None:
    torch.manual_seed(0)
    half = torch.randn(7, 7, dtype=torch.float64)
    hessian, gradient = half @ half.T + torch.eye(7), torch.randn(7, dtype=torch.float64)
    newton = -torch.linalg.solve(hessian, gradient)

    def model(step: Tensor) -> float:
        return float(gradient @ step + 0.5 * step @ hessian @ step)

    whole = conjugate_gradients(lambda v: hessian @ v, gradient, math.inf, 1e-12, 20)
    step, fallen, bounded = within(whole, math.inf)
    torch.testing.assert_close(step, newton, rtol=1e-10, atol=1e-12)
    assert not bounded
    assert fallen == pytest.approx(-model(newton), rel=1e-10)
    for share in (0.9, 0.3, 1e-3):
        radius = share * float(newton.norm())
        fresh = within(conjugate_gradients(lambda v: hessian @ v, gradient, radius, 1e-12, 20), radius)
        cut = within(whole, radius)
        assert cut[2]
        assert float(cut[0].norm()) == pytest.approx(radius, rel=1e-10)
        assert cut[1] == pytest.approx(-model(cut[0]), rel=1e-8)
        torch.testing.assert_close(cut[0], fresh[0])
        # At least as good as the best step down the gradient, Nocedal & Wright theorem 4.4's Cauchy point.
        down = -gradient * min(float(gradient @ gradient / (gradient @ hessian @ gradient)), radius / gradient.norm())
        assert model(cut[0]) <= model(down) + 1e-12


@pytest.mark.parametrize("radius", [math.inf, 0.5])
def test_newton_leaves_a_saddle_where_the_plain_method_would_stay(radius: float) -> None:
    point = parameter([1.0, 1e-3])
    optimizer = NewtonCG([point], radius=radius, max_iter=30)
    optimizer.step(lambda: point[0] ** 2 - point[1] ** 2 + point[1] ** 4 / 4)  # bottoms at (0, +-sqrt 2)
    np.testing.assert_allclose(point.detach().abs(), [0.0, math.sqrt(2)], atol=1e-6)


@pytest.mark.parametrize("start", [[1.0, 1e-3], [0.0, 1e-3]])
def test_newton_walks_off_a_shallow_saddle_in_steps_that_double(start: list[float]) -> None:
    """Along y the loss is a hundred times as shallow as along x; a gradient step there is a fiftieth of y."""
    point = parameter(start)
    optimizer, heights = NewtonCG([point]), []
    for _ in range(25):
        optimizer.step(lambda: point[0] ** 2 - (point[1] / 10) ** 2 + (point[1] / 10) ** 4 / 2)
        heights.append(float(point.detach()[1].abs()))
    assert heights[-1] == pytest.approx(10.0, rel=1e-6)
    assert max(b / a for a, b in pairwise(heights)) > 1.9


def test_rounding_is_taken_for_no_saddle() -> None:
    """Of a singular Hessian, such as that of softmax and cross-entropy, rounding may leave a downward curve."""
    east, north = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    walked = Segment(east, slope=-1.0, curvature=0.5, length=2.0)
    assert first_radius([walked], least=1e-7) == math.inf
    assert first_radius([walked, Segment(north, -1e-3, -1e-6, math.inf)], least=1e-7) == 2.0
    assert first_radius([walked, Segment(north, -1e-9, -1e-12, math.inf)], least=1e-7) == math.inf
    assert first_radius([Segment(-3 * north, -9.0, -1e-12, math.inf)], least=1e-7) == 3.0


def test_newton_of_a_linear_loss_steps_down_the_gradient() -> None:
    point = parameter([1.0, 2.0])
    NewtonCG([point]).step(lambda: point.sum() * 3)
    assert point.tolist() == [-2.0, -1.0]


# ---- residuals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("examples", "chunk"), [(4, 3), (40, 7), (40, 1), (200, 64)])
def test_the_jacobian_by_rows_and_by_columns_is_torchs(
    examples: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network()
    x = torch.randn(examples, 1, dtype=torch.float64)
    names = [name for name, _ in model.named_parameters()]

    def outputs(*values: Tensor) -> Tensor:
        output: Tensor = torch.func.functional_call(model, dict(zip(names, values, strict=True)), (x,))
        return output.flatten()

    values = tuple(each.detach() for each in model.parameters())
    pieces = torch.autograd.functional.jacobian(outputs, values)
    expected = torch.cat([each.reshape(examples, -1) for each in pieces], dim=1)
    grad, calls = torch.autograd.grad, 0

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return grad(*args, **options)

    monkeypatch.setattr(torch.autograd, "grad", counted)
    found = jacobian(model(x).flatten(), list(model.parameters()), chunk)
    assert calls <= -(-min(examples, 2 * 25) // chunk) + 1  # of the 25 parameters
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", [GaussNewton, LevenbergMarquardt])
@pytest.mark.parametrize("columns", [9, 40])
def test_a_step_of_linear_residuals_is_in_closed_form(kind: type[SecondOrder], columns: int) -> None:
    """Fewer parameters than residuals, and more; Levenberg-Marquardt with its scaled damping."""
    torch.manual_seed(0)
    matrix, right = torch.randn(20, columns, dtype=torch.float64), torch.randn(20, dtype=torch.float64)
    point = parameter([0.0] * columns)
    options = {"damping": 0.5} if kind is LevenbergMarquardt else {}
    kind([point], **options).step(lambda: matrix @ point - right)
    if kind is GaussNewton:
        expected = np.linalg.lstsq(matrix, right, rcond=None)[0]
    else:
        scale = torch.diag(matrix.square().sum(dim=0))
        expected = torch.linalg.solve(matrix.T @ matrix + 0.5 * scale, matrix.T @ right).numpy()
    np.testing.assert_allclose(point.detach(), expected, rtol=1e-9, atol=1e-11)


def test_parameters_that_change_nothing_stay() -> None:
    used, unused = parameter([1.0, 2.0]), parameter([3.0])
    for kind in ALL:
        optimizer = kind([used, unused], max_iter=3)
        optimizer.step(closure_for(optimizer, lambda: used - 5))
        assert unused.item() == 3.0
        torch.testing.assert_close(used.detach(), torch.tensor([5.0, 5.0], dtype=torch.float64))
        with torch.no_grad():
            used.copy_(torch.tensor([1.0, 2.0]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_levenberg_marquardt_fits_a_network_in_far_fewer_steps_than_adam(dtype: torch.dtype) -> None:
    (x, y), fitted, slow = sine(dtype), network(dtype), network(dtype)
    optimizer = LevenbergMarquardt(fitted.parameters())
    for _ in range(40):
        optimizer.step(lambda: (fitted(x) - y) / math.sqrt(len(x)))
    adam = torch.optim.Adam(slow.parameters(), lr=0.02)
    for _ in range(400):
        adam.zero_grad()
        mse_loss(slow(x), y).backward()
        adam.step()
    assert mse_loss(fitted(x), y) < 0.1 * mse_loss(slow(x), y)


# ---- what always holds ----------------------------------------------------------------------------------------------


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


def test_a_failed_line_search_falls_back_to_descent_and_else_stays() -> None:
    point = parameter([1.0, 1.0])
    optimizer = BFGS([point])
    closure = closure_for(optimizer, lambda: point * torch.tensor([1.0, 3.0], dtype=torch.float64))
    optimizer.step(closure)
    state = optimizer.state[point]
    before = closure().item()
    for wrong in (-1.0, 1e40):  # uphill; so far that no trial comes near enough
        state["inverse"] = wrong * torch.eye(2, dtype=torch.float64)
        optimizer.step(closure)
        assert closure().item() < before
        before = closure().item()
        assert 0 < state["inverse"].diagonal().max() < 1  # learnt anew from the step down

    stuck = parameter([1.0, 1.0])
    optimizer = BFGS([stuck])

    def rising() -> Tensor:  # a gradient that points the wrong way: no point along it is lower
        stuck.grad = -2 * stuck.detach()
        return stuck.detach().square().sum()

    optimizer.step(rising)
    assert stuck.tolist() == [1.0, 1.0]


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


# ---- as parts -------------------------------------------------------------------------------------------------------


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


def test_bfgs_refuses_a_matrix_that_does_not_fit() -> None:
    with pytest.raises(InputError, match=r"at most, got 30000. Use `lbfgs`"):
        BFGS([nn.Parameter(torch.zeros(30_000))])


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
