"""Newton-CG: its trust region, and what it does where the Hessian is not positive."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from gradus.optim.second_order import (
    NewtonCG,
)
from gradus.optim.second_order.newton_cg import Segment, conjugate_gradients, first_radius, within
from tests.optim.second_order.problems import parameter


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
