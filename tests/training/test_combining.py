"""What members say together, against the theorems about it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy, nll_loss

from gradus.training.combining import combine_classes, combine_values

CONVEX: dict[str, Callable[[Any], Any]] = {
    "squared": lambda error: error**2,
    "absolute": np.abs,
    "huber": lambda error: np.where(np.abs(error) < 1, error**2 / 2, np.abs(error) - 0.5),
    "quantile": lambda error: np.maximum(0.8 * error, -0.2 * error),
    "exponential": np.exp,
}
"""Losses of values, by their error."""


def logits(seed: int, members: int, scale: float) -> torch.Tensor:
    return scale * torch.randn(members, 20, 4, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 10_000), st.integers(1, 7), st.floats(0, 20))
def test_the_log_loss_is_never_above_the_members_mean(seed: int, members: int, scale: float) -> None:
    """Jensen's inequality, the logarithm being concave."""
    given_, target = logits(seed, members, scale), torch.arange(20) % 4
    together = nll_loss(combine_classes(given_, "mean").clamp_min(1e-30).log(), target)
    alone = torch.stack([cross_entropy(each, target) for each in given_]).mean()
    assert together <= alone + 1e-5


def test_the_squared_error_is_the_members_less_their_ambiguity() -> None:
    """Krogh, Vedelsby (1995), equation 6, exactly."""
    rng = np.random.default_rng(0)
    values, target = rng.normal(size=(5, 50, 2)), rng.normal(size=(50, 2))
    together = combine_values(torch.from_numpy(values)).numpy()
    error = ((together - target) ** 2).mean()
    alone = ((values - target) ** 2).mean()
    ambiguity = ((values - together) ** 2).mean()
    np.testing.assert_allclose(error, alone - ambiguity)
    assert ambiguity > 0.1


@given(st.integers(0, 10_000), st.integers(1, 9), st.floats(0, 5), st.sampled_from(sorted(CONVEX)))
def test_no_convex_loss_of_values_is_above_the_members_mean(seed: int, members: int, scale: float, name: str) -> None:
    """Jensen's inequality, example by example."""
    rng = np.random.default_rng(seed)
    values, target = scale * rng.normal(size=(members, 20, 2)), rng.normal(size=(20, 2))
    together = CONVEX[name](combine_values(torch.from_numpy(values)).numpy() - target)
    alone = CONVEX[name](values - target).mean(axis=0)
    assert (together <= alone + 1e-12 * np.maximum(alone, 1)).all()


def test_a_member_may_be_better_and_most_of_them_worse_together() -> None:
    """Of any member the claim is false, and of a loss that is not convex even of their mean."""
    target, values = 0.0, torch.tensor([[[0.1]], [[2.0]], [[3.0]]])
    errors = (values.flatten() - target) ** 2
    together = (combine_values(values).item() - target) ** 2
    assert errors.min() < together <= errors.mean()
    right, wrong = [2.0, 0.0], [0.0, 2.0]
    members = torch.tensor([[right, wrong, wrong], [wrong, right, wrong], [wrong, wrong, right]])  # all of class 0
    alone = (members.argmax(dim=2) != 0).float().mean()
    assert alone == pytest.approx(2 / 3)
    assert (combine_classes(members, "vote").argmax(dim=1) != 0).float().mean() == 1


def test_shares_sum_to_one_and_one_member_is_itself() -> None:
    given_ = logits(0, 3, 2.0)
    for how in ("mean", "vote"):
        torch.testing.assert_close(combine_classes(given_, how).sum(dim=1), torch.ones(20))
    torch.testing.assert_close(combine_classes(given_[:1], "mean"), given_[0].softmax(dim=1))


def test_the_majority_wins_a_vote_against_a_larger_probability() -> None:
    sure, mild = [9.0, 0.0, 0.0], [0.0, 0.3, 0.0]
    three = torch.tensor([[sure], [mild], [mild]])
    assert combine_classes(three, "vote").argmax() == 1
    assert combine_classes(three, "mean").argmax() == 0
    torch.testing.assert_close(combine_classes(three, "vote")[0], torch.tensor([1 / 3, 2 / 3, 0]), atol=1e-5, rtol=0)


def test_level_votes_go_to_the_larger_probability() -> None:
    two = torch.tensor([[[2.0, 0.0, 0.0]], [[0.0, 0.0, 2.5]]])
    assert combine_classes(two, "vote").argmax() == 2
    assert combine_classes(two.flip(0), "vote").argmax() == 2
