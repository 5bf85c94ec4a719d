"""Losses of distances between what was made and real data."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gradus.diagnosis.matching import matched
from gradus.diagnosis.players import read_made
from tests.diagnosis.test_probe import probing

REAL = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))


def kernels(made: Tensor, real: Tensor) -> Tensor:
    return torch.exp(-torch.cdist(made, made)).mean() - 2 * torch.exp(-torch.cdist(made, real).pow(2)).mean()


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (lambda made, centres: kernels(made, REAL), True),
        (lambda made, centres: torch.cdist(REAL, made).mean(), True),
        (lambda made, centres: torch.cdist(REAL[:7], made[:7]).mean(), False),  # a part of it: a few prototypes
        (lambda made, centres: torch.cdist(made, centres).mean(), False),  # which are learned
        (lambda made, centres: torch.cdist(made, made).mean(), False),
        (lambda made, centres: (made - REAL).square().mean(), False),
    ],
)
def test_what_is_made_beside_what_is_real(loss: Callable[[Tensor, Tensor], Tensor], expected: bool) -> None:
    made = nn.Linear(3, 2)(torch.randn(40, 3))
    found = matched(loss(made, nn.Parameter(torch.randn(5, 2))).grad_fn, made)
    assert (found is not None) is expected
    if found is not None:
        assert torch.equal(found[0], REAL)
        assert torch.equal(found[1], made)


def test_of_a_constant_or_of_pictures_nothing_is_told() -> None:
    made = nn.Conv2d(1, 1, 1)(torch.randn(40, 1, 2, 2))
    assert matched(None, made[:, :, 0, 0]) is None
    assert matched(torch.cdist(made.flatten(2), made.flatten(2)).mean().grad_fn, made) is None
    assert read_made(REAL[:15], REAL, {}) is None


def test_a_run_of_a_generator_without_a_judge_tells_how_much_it_covers() -> None:
    model = nn.Linear(3, 2)
    sgd = torch.optim.SGD(model.parameters(), 0.1)
    with probing(model) as probe:
        for _ in range(2):
            sgd.zero_grad()
            kernels(model(torch.randn(40, 3)), REAL).backward()
            sgd.step()
    signs = probe.history.examinations[-1].players
    assert signs is not None
    assert signs.told_apart is None
    assert 0 < signs.spread < 2
    assert not probe.history.adversarial
