"""The test surfaces against closed forms, and against SciPy where it has them."""

import numpy as np
import pytest
import torch
from scipy.optimize import rosen, rosen_der, rosen_hess
from torch import Tensor
from torch.func import grad, hessian, vmap

from gradus.optim.surfaces import SurfaceCard, surfaces

CARDS = surfaces.cards()


def point(x: float, y: float) -> Tensor:
    return torch.tensor([x, y], dtype=torch.float64)


def grid(card: SurfaceCard, size: int = 201) -> Tensor:
    axes = [torch.linspace(*ends, size, dtype=torch.float64) for ends in card.domain]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_surface_is_lowest_at_its_minima_and_nowhere_else(card: SurfaceCard) -> None:
    minima = torch.tensor(card.minima, dtype=torch.float64)
    torch.testing.assert_close(card.build(minima), torch.full((len(minima),), card.lowest).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close(vmap(grad(card.build))(minima), torch.zeros_like(minima), rtol=0, atol=1e-12)
    assert (torch.linalg.eigvalsh(vmap(hessian(card.build))(minima)) > 0).all()
    points = grid(card)
    values = card.build(points)
    assert values.shape == (201, 201)
    below = points[values < card.target]  # the race's finish lies around the minima only
    assert values.min() >= card.lowest - 1e-12
    if card.name != "saddle":
        assert (torch.cdist(below, minima).min(dim=-1).values < 0.05).all()


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_card_says_what_a_race_needs(card: SurfaceCard) -> None:
    assert card.summary.endswith(".")
    assert card.formula
    assert card.source
    assert card.lowest < card.target < card.build(point(*card.start))
    for each in (card.start, *card.minima):
        assert all(low < value < high for value, (low, high) in zip(each, card.domain, strict=True))


# By hand, each term written out; gradients by the chain rule.
VALUES = [
    ("bowl", (-1.5, 1.0), 3.25, (-3.0, 2.0)),
    ("canyon", (-9.0, 1.0), 90.5, (-9.0, 100.0)),
    ("saddle", (-1.0, 5.0), 1 - 0.25 + 0.03125, (-2.0, -0.1 + 0.025)),
    ("beale", (1.0, 1.0), 1.5**2 + 2.25**2 + 2.625**2, (0.0, 2 * 1.5 + 4 * 2.25 + 6 * 2.625)),
    ("himmelblau", (0.0, 0.0), 170.0, (-14.0, -22.0)),
    ("himmelblau", (-0.5, -1.0), 11.75**2 + 6.5**2, (4 * 0.5 * 11.75 - 2 * 6.5, -2 * 11.75 + 4 * 6.5)),
]


@pytest.mark.parametrize(("name", "at", "value", "slope"), VALUES)
def test_values_and_gradients_by_hand(
    name: str, at: tuple[float, float], value: float, slope: tuple[float, float]
) -> None:
    build = surfaces.get(name).build
    assert build(point(*at)).item() == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(grad(build)(point(*at)).numpy(), slope, rtol=1e-13)


def test_rosenbrocks_is_scipys() -> None:
    build = surfaces.get("rosenbrock").build
    for row in grid(surfaces.get("rosenbrock"), 7).flatten(0, 1):
        at = row.numpy()
        np.testing.assert_allclose(build(row).numpy(), rosen(at), rtol=1e-12)
        np.testing.assert_allclose(grad(build)(row).numpy(), rosen_der(at), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(hessian(build)(row).numpy(), rosen_hess(at), rtol=1e-12, atol=1e-12)


def test_the_canyon_is_a_hundred_times_as_steep_across_as_along() -> None:
    low, high = torch.linalg.eigvalsh(hessian(surfaces.get("canyon").build)(point(-9.0, 1.0))).tolist()
    assert high / low == pytest.approx(100, rel=1e-13)


def test_the_saddle_rises_one_way_falls_the_other_and_has_nowhere_else_to_end() -> None:
    build = surfaces.get("saddle").build
    np.testing.assert_array_equal(hessian(build)(point(0, 0)).numpy(), [[2, 0], [0, -0.02]])
    # Left: |v| must exceed sqrt(1 - sqrt(1/2)) = 0.54 before f < -1/4 is possible at all.
    beside = grid(surfaces.get("saddle"))
    left = beside[build(beside) < surfaces.get("saddle").target]
    assert left[:, 1].abs().min() > 10 * (1 - 0.5**0.5) ** 0.5
