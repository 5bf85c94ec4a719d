"""Which losses are likenesses, of real graphs."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gradus.diagnosis.similarity import blind_to_size, is_likeness

WEIGHT = torch.linspace(-1, 1, 24).reshape(6, 4).requires_grad_()
INPUT = torch.linspace(-2, 2, 48).reshape(8, 6).sin()
MASK = (torch.arange(32).reshape(8, 4) % 3 == 0).float()
VALUES = torch.arange(32.0).reshape(8, 4).cos()


def outputs() -> Tensor:
    return INPUT @ WEIGHT


def dice(target: Tensor) -> Tensor:
    said = outputs().sigmoid()
    return ((2 * (said * target).sum(1) + 1) / (said.sum(1) + target.sum(1) + 1)).mean()


def overlap(target: Tensor) -> Tensor:
    said = outputs().sigmoid()
    both = (said * target).sum(1)
    return (both / (said.sum(1) + target.sum(1) - both + 1e-6)).mean()


def correlation(target: Tensor) -> Tensor:
    said, target = outputs() - outputs().mean(), target - target.mean()
    both: Tensor = (said * target).sum()
    lengths: Tensor = said.norm() * target.norm()
    return both.div(lengths)


def cosine(target: Tensor) -> Tensor:
    return F.cosine_similarity(outputs(), target, dim=1).mean()


@pytest.mark.parametrize(
    ("likeness", "target"), [(dice, MASK), (overlap, MASK), (correlation, VALUES), (cosine, VALUES)]
)
def test_a_likeness_grows_unless_it_is_negated(likeness: Callable[[Tensor], Tensor], target: Tensor) -> None:
    value = likeness(target)
    assert is_likeness(value.grad_fn)
    assert is_likeness((0.5 * value + 0.5 * value).grad_fn)
    assert not is_likeness((1 - value).grad_fn)
    assert not is_likeness((-value).grad_fn)
    assert not is_likeness((value + F.mse_loss(outputs(), target)).grad_fn)


@pytest.mark.parametrize(
    "loss",
    [
        lambda: F.mse_loss(outputs(), VALUES),
        lambda: ((outputs() - VALUES) ** 2 * MASK).sum() / MASK.sum(),  # the mean where the mask is
        lambda: ((outputs() - VALUES).abs() * MASK).sum() / outputs().exp().sum(),  # what is weighed is an error
        lambda: (outputs().exp() * (VALUES + 3)).sum() / outputs().exp().sum(),  # an expected cost
        lambda: -(outputs().exp() / outputs().exp().sum()).log().mean(),
    ],
)
def test_other_quotients_are_none(loss: Callable[[], Tensor]) -> None:
    assert not is_likeness(loss().grad_fn)
    assert not is_likeness(None)


RETURNS = VALUES[:, :1] + 0.1


def one_each() -> Tensor:
    return INPUT @ WEIGHT[:, :1]


@pytest.mark.parametrize(
    ("loss", "caught"),
    [
        (lambda: 1 - F.cosine_similarity(one_each().flatten(), VALUES[:, 0], dim=0), True),
        (lambda: -F.cosine_similarity(one_each(), VALUES[:, :1], dim=0).mean(), True),
        (lambda: 1 - F.cosine_similarity(one_each(), VALUES[:, :1]).mean(), True),  # each number by itself
        (lambda: F.cosine_embedding_loss(one_each(), VALUES[:, :1], torch.ones(8)), True),
        (lambda: 1 - (one_each() * RETURNS).sum() / (one_each().norm() * RETURNS.norm()), True),
        (lambda: 1 - correlation(VALUES), False),  # it may be what is wanted
        (lambda: F.mse_loss(F.normalize(outputs(), dim=0), F.normalize(VALUES, dim=0)), True),
        (lambda: 1 - F.cosine_similarity(outputs(), VALUES, dim=0).mean() + outputs().square().mean(), False),
        (lambda: 1 - cosine(VALUES), False),  # directions are what there is to tell
        (lambda: F.cosine_embedding_loss(outputs(), VALUES, torch.ones(8)), False),
        (lambda: F.mse_loss(F.normalize(outputs(), dim=1), F.normalize(VALUES, dim=1)), False),
        (lambda: -(one_each() * RETURNS).mean() / (one_each() * RETURNS).std(), False),  # returns over their deviation
        (lambda: -((one_each() * RETURNS).mean() / (one_each() * RETURNS).std()), False),
        (lambda: 1 - dice(MASK), False),
        (lambda: F.mse_loss(outputs(), VALUES), False),
    ],
)
def test_a_cosine_over_examples_is_blind_to_the_size_of_outputs(loss: Callable[[], Tensor], caught: bool) -> None:
    assert blind_to_size(loss().grad_fn, None) == caught
    assert not blind_to_size(loss().grad_fn, torch.zeros(8, 9))  # what is compared is no output
