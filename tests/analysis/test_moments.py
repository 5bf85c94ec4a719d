import math

import numpy as np
import pytest
import torch
from torch import nn

from gradus.analysis.curve import Curve
from gradus.analysis.moments import SignalMap


def test_selu_has_the_fixed_point_and_the_jacobian_of_its_paper() -> None:
    (found,) = SignalMap(Curve(nn.SELU())).fixed_points
    assert found.mean == pytest.approx(0, abs=1e-14)
    assert found.variance == pytest.approx(1, rel=1e-13)
    # Klambauer et al. (2017), section 2: J(0, 1) = ((0, 0.088834), (0, 0.782648)), spectral norm 0.7877
    assert found.eigenvalue == pytest.approx(0.782648, abs=1e-6)
    assert math.sqrt(found.norm**2 - found.eigenvalue**2) == pytest.approx(0.088834, abs=1e-6)
    assert found.norm == pytest.approx(0.7877, abs=1e-4)
    assert found.stable


@pytest.mark.parametrize(
    ("power", "variance"),
    [(2, 1 / 2), (3, 15**-0.5)],  # Var z^2 = 2 v^2, Var z^3 = 15 v^3
)
def test_powers_have_an_unstable_one(power: int, variance: float) -> None:
    (found,) = SignalMap(Curve(lambda z: z**power)).fixed_points
    assert found.variance == pytest.approx(variance, rel=1e-12)
    assert found.eigenvalue == pytest.approx(power, rel=1e-12)
    assert not found.stable


def test_a_linear_function_has_none() -> None:
    assert SignalMap(Curve(lambda z: z)).fixed_points == ()
    assert SignalMap(Curve(lambda z: z)).depth_variance == 1.0


@pytest.mark.parametrize("function", [nn.SELU(), nn.ReLU6(), torch.exp])
def test_slopes_are_those_of_mean_and_variance(function: nn.Module) -> None:
    signal, h = SignalMap(Curve(function)), 1e-5
    low, here, high = (signal.at(each) for each in (0.7 - h, 0.7, 0.7 + h))
    assert here.mean_slope == pytest.approx((high.mean - low.mean) / (2 * h), rel=1e-8)
    assert here.variance_slope == pytest.approx((high.variance - low.variance) / (2 * h), rel=1e-8)


def test_a_wide_deep_network_does_as_the_map_says() -> None:
    generator = torch.Generator().manual_seed(0)
    width, curve = 1024, Curve(nn.Tanh())
    x = torch.randn(64, width, dtype=torch.float64, generator=generator) * 2
    for _ in range(3):
        weight = torch.randn(width, width, dtype=torch.float64, generator=generator) / width**0.5
        weight -= weight.mean(1, keepdim=True)
        expected = SignalMap(curve).at(float(x.var()))
        x = torch.tanh(x @ weight.T)
        assert float(x.var()) == pytest.approx(expected.variance, rel=0.02)


def test_several_pieces_are_independent() -> None:
    class Largest(nn.Module):
        pieces = 3

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return z.amax(1, keepdim=True)

    found = SignalMap(Curve(Largest())).at(4.0)
    assert found.mean == pytest.approx(2 * 3 / (2 * np.sqrt(np.pi)), abs=5e-3)  # of the largest of three normal numbers
