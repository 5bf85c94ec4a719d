"""The range test on losses whose stability bound is known, and that it leaves nothing behind."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn, optim

from gradus.core.errors import InputError
from gradus.optim.flat import Flat
from gradus.optim.range_test import RangeTest, batch_closure, range_test
from gradus.optim.second_order import LevenbergMarquardt


def on_a_bowl(curvature: float, **options: Any) -> RangeTest:
    """Of SGD on curvature / 2 |p|^2, which diverges from 2 / curvature on."""
    model = nn.Linear(4, 1, bias=False)

    def closure() -> Tensor:
        model.weight.grad = None
        loss = curvature / 2 * model.weight.square().sum()
        loss.backward()
        return loss

    return range_test(model, optim.SGD(model.parameters(), lr=0.1), closure, **options)


@pytest.mark.parametrize("curvature", [0.1, 1.0, 10.0, 100.0])
def test_finds_the_bound_of_stability_of_a_bowl(curvature: float) -> None:
    found = on_a_bowl(curvature, low=1e-6 / curvature, high=1e4 / curvature, steps=200, smoothing=0.5)
    assert found.diverged is not None
    assert 2 <= found.diverged * curvature <= 10  # it takes some steps to be four times as high
    assert 1e-3 < found.steepest * curvature < 1
    assert found.suggested == min(found.steepest, found.diverged / 10)
    assert found.reason in ("where the loss fell fastest", f"a tenth of {found.diverged:.2g}, where the loss diverged")


def test_rates_rise_by_the_same_factor_and_averages_are_corrected() -> None:
    found = on_a_bowl(1.0, low=1e-4, high=1e-2, steps=21, smoothing=0.8)
    np.testing.assert_allclose(found.rates, np.geomspace(1e-4, 1e-2, 21), rtol=1e-12)
    weights = 0.8 ** np.arange(21)[::-1]
    for number in (0, 5, 20):
        own = weights[20 - number :]
        expected = (own * np.array(found.losses[: number + 1])).sum() / own.sum()
        assert found.smoothed[number] == pytest.approx(expected, rel=1e-12)
    assert found.diverged is None
    assert found.suggested == found.steepest


@pytest.mark.parametrize("flat", [False, True])
def test_leaves_everything_as_it_was(flat: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer: optim.Optimizer = optim.Adam(model.parameters(), lr=0.01, fused=True)
    if flat:
        optimizer = Flat(optimizer)
    data = [(torch.randn(6, 3), torch.randn(6, 1)) for _ in range(3)]

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        random.random()
        np.random.rand()  # noqa: NPY002
        return iter(data)

    closure = batch_closure(model, optimizer, nn.functional.mse_loss, batches)
    for _ in range(4):
        optimizer.step(closure)  # type: ignore[arg-type]

    def everything() -> list[Any]:
        state = [value for each in optimizer.state_dict()["state"].values() for value in each.values()]
        gradients = [each.grad for each in model.parameters()]
        numpy: Any = np.random.get_state()  # noqa: NPY002
        randomness = [torch.get_rng_state(), torch.tensor(random.getstate()[1][:-1]), numpy[1]]
        return [
            torch.as_tensor(each).clone() for each in (*model.state_dict().values(), *state, *gradients, *randomness)
        ]

    before, groups = everything(), [dict(each) for each in optimizer.param_groups]
    range_test(model, optimizer, closure, steps=30)
    assert all(torch.equal(a, b) for a, b in zip(before, everything(), strict=True))
    assert [{k: v for k, v in each.items() if k != "params"} for each in optimizer.param_groups] == [
        {k: v for k, v in each.items() if k != "params"} for each in groups
    ]
    loss = optimizer.step(closure)  # type: ignore[arg-type]
    assert torch.as_tensor(loss).isfinite()


def test_groups_keep_their_proportions_within() -> None:
    first, second = nn.Linear(1, 1), nn.Linear(1, 1)
    optimizer = optim.SGD([{"params": first.parameters(), "lr": 0.1}, {"params": second.parameters(), "lr": 0.4}])
    seen = []

    def closure() -> Tensor:
        seen.append(optimizer.param_groups[1]["lr"] / optimizer.param_groups[0]["lr"])
        return torch.ones(())

    range_test(nn.ModuleList([first, second]), optimizer, closure, steps=5)
    assert seen == pytest.approx([4.0] * 5)
    assert [each["lr"] for each in optimizer.param_groups] == [0.1, 0.4]


def test_what_makes_no_test_is_refused() -> None:
    for wrong in ({"low": 1.0, "high": 0.1}, {"steps": 2}, {"low": 0.0}):
        with pytest.raises(InputError, match="needs 0 < low < high and at least 3 steps"):
            on_a_bowl(1.0, **wrong)
    with pytest.raises(InputError, match="must be finite before the first step"):
        on_a_bowl(float("nan"))


def test_an_optimizer_without_a_rate_is_refused() -> None:
    layer = torch.nn.Linear(1, 1)
    with pytest.raises(InputError, match="needs an optimizer with a rate `lr`"):
        range_test(layer, LevenbergMarquardt(layer.parameters()), lambda: layer(torch.ones(1, 1)).flatten())
