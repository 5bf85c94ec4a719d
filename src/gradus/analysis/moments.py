"""What an activation does to mean and variance from layer to layer.

The weights of a unit sum to 0 and their squares to 1, as they do on average if drawn with mean 0 and variance 1/n_in,
and layers are wide: then the sums that an activation is applied to are Gaussian of mean 0 and of the variance v of what
came before, and a layer takes v to Var f(z), z ~ N(0, v). A fixed point of this map is stable if its derivative is
below 1 there.

Source: Klambauer, Unterthiner, Mayr, Hochreiter (2017), Self-normalizing neural networks, arXiv:1706.02515, equations
3 to 6, with omega = 0 and tau = 1.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from gradus.analysis.curve import Curve

# N nodes, K pieces

_WIDE, _PANELS = 12.0, 48
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_VARIANCES = np.logspace(-3, 2, 40)
"""Between which fixed points are looked for; 1 is not among them, where SELU's is."""


@dataclass(frozen=True)
class Moments:
    """Of f(z) for z ~ N(0, v).

    Attributes:
        covariance: with z; over z's variance, the slope of the best straight line.
        mean_slope, variance_slope: derivatives of mean and variance with respect to v.
    """

    mean: float
    variance: float
    covariance: float
    mean_slope: float
    variance_slope: float


@dataclass(frozen=True)
class FixedPoint:
    """Mean and variance that a layer hands on as they are.

    Attributes:
        eigenvalue: of the map's Jacobian, the factor by which a small deviation of the variance changes in a layer.
        norm: the spectral norm of the Jacobian, whose other column is 0.
    """

    mean: float
    variance: float
    eigenvalue: float
    norm: float

    @property
    def stable(self) -> bool:
        return abs(self.eigenvalue) < 1


class SignalMap:
    """The map from the variance before a layer to mean and variance after it."""

    def __init__(self, curve: Curve) -> None:
        self._curve = curve

    def at(self, variance: float) -> Moments:
        """Mean and variance of f(z) and their derivatives, by Gauss-Legendre quadrature between the function's breaks.

        Of several pieces, which are independent, by 8,192 points of a Sobol sequence: to about three digits.
        """
        z_NK, weight = self._nodes(math.sqrt(variance))
        f = self._curve.of(z_NK)
        # How the density changes with its variance, relative to itself.
        score = (z_NK.square() / variance - 1).sum(1) / (2 * variance)
        mean = float(weight @ f)
        mean_slope = float(weight @ (f * score))
        return Moments(
            mean=mean,
            variance=float(weight @ (f - mean).square()),
            covariance=float((weight @ (f[:, None] * z_NK)).norm()),
            mean_slope=mean_slope,
            variance_slope=float(weight @ ((f - mean).square() * score)),
        )

    @cached_property
    def fixed_points(self) -> tuple[FixedPoint, ...]:
        """All with a variance from 0.001 to 100; none where every variance is handed on, as by the identity."""
        gains = [self._gain(each) for each in _VARIANCES]
        found = []
        for low, high, before, after in zip(_VARIANCES[:-1], _VARIANCES[1:], gains[:-1], gains[1:], strict=True):
            if before * after < 0 and max(abs(before), abs(after)) > 1e-9:
                found.append(self._fixed_point(low, high, before))
        return tuple(found)

    @cached_property
    def depth_variance(self) -> float:
        """Where the variance goes in a deep network whose input has variance 1: 0, infinity, or a fixed point's."""
        gain = self._gain(1.0)
        if abs(gain) < 1e-9:
            return 1.0
        ahead = [each.variance for each in self.fixed_points if (each.variance > 1) == (gain > 0)]
        if gain > 0:
            return min(ahead, default=math.inf)
        return max(ahead, default=0.0)

    def _gain(self, variance: float) -> float:
        """The logarithm of the factor by which a layer changes the variance."""
        after = self.at(variance).variance
        return math.log(after / variance) if 0 < after < math.inf else -math.inf if after == 0 else math.inf

    def _fixed_point(self, low: float, high: float, before: float) -> FixedPoint:
        for _ in range(60):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if self._gain(middle) * before > 0 else (low, middle)
        variance = math.sqrt(low * high)
        found = self.at(variance)
        norm = math.hypot(found.mean_slope, found.variance_slope)
        return FixedPoint(found.mean, variance, found.variance_slope, norm)

    def _nodes(self, deviation: float) -> tuple[Tensor, Tensor]:
        """Points (N, K) and weights (N,) that sum to 1, of a Gaussian."""
        if self._curve.pieces > 1:
            uniform = torch.quasirandom.SobolEngine(self._curve.pieces, scramble=True, seed=0).draw(
                2**13, dtype=torch.float64
            )
            return deviation * torch.special.ndtri(uniform), torch.full((2**13,), 2.0**-13, dtype=torch.float64)
        reach = _WIDE * deviation
        breaks = [each.at for each in self._curve.breaks if abs(each.at) < reach]
        edges = np.unique([*np.linspace(-reach, reach, _PANELS + 1), *breaks])
        half = np.diff(edges)[:, None] / 2
        z = torch.from_numpy((edges[:-1, None] + half + half * _NODES).ravel())
        density = torch.exp(-((z / deviation) ** 2) / 2) / (deviation * math.sqrt(2 * math.pi))
        weight = torch.from_numpy((half * _WEIGHTS).ravel()) * density
        return z[:, None], weight / weight.sum()
