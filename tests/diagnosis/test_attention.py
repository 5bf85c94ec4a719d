"""Over which axis the weights of an attention add up to 1, and over which one they are summed."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradus.diagnosis.attention import crossed
from gradus.diagnosis.graph import walk

B, Q, K, D, H = 4, 5, 6, 8, 2

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


def read(attend: Attend) -> tuple[int, int, int] | None:
    """Of three layers' outputs: queries (B, Q, D), keys and values (B, K, D)."""
    layers = [nn.Linear(D, D) for _ in range(3)]
    given = (torch.randn(B, n, D) for n in (Q, K, K))
    return crossed(walk(attend(*(layer(each) for layer, each in zip(layers, given, strict=True))).sum()).products)


def heads(x: Tensor) -> Tensor:
    return x.view(B, -1, H, D // H).transpose(1, 2)


def of_heads(q: Tensor, k: Tensor, v: Tensor, axis: int) -> Tensor:
    weights = (heads(q) @ heads(k).transpose(-1, -2) / 2).masked_fill(torch.eye(Q, K) > 0, -1e9).softmax(axis)
    return (F.dropout(weights, 0.1) @ heads(v)).transpose(1, 2).reshape(B, Q, D)


def by_einsum(q: Tensor, k: Tensor, v: Tensor, axis: int) -> Tensor:
    scores = torch.einsum("bqhd,bkhd->bhqk", *(each.view(B, -1, H, D // H) for each in (q, k)))
    return torch.einsum("bhqk,bkhd->bqhd", scores.softmax(axis), v.view(B, K, H, D // H))


@pytest.mark.parametrize("attend", [of_heads, by_einsum])
@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2])
def test_of_heads(attend: Callable[..., Tensor], axis: int) -> None:
    expected = None if axis in {3, -1} else (axis % 4, 3, 4)
    assert read(lambda q, k, v: attend(q, k, v, axis)) == expected


@pytest.mark.parametrize(("axis", "expected"), [(1, (1, 2, 3)), (2, None)])
def test_weights_on_either_side(axis: int, expected: tuple[int, int, int] | None) -> None:
    assert read(lambda q, k, v: (q @ k.mT).softmax(axis) @ v) == expected
    assert read(lambda q, k, v: v.mT @ (q @ k.mT).softmax(axis).mT) == expected


def slots(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Slots compete for inputs, and each takes the mean of those it won (Locatello et al., 2020)."""
    shares = (q @ k.mT).softmax(1) + 1e-8
    return shares / shares.sum(-1, keepdim=True) @ v


def matching(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Marks of one graph's nodes, handed on to those they match (Fey et al., 2020)."""
    return (q @ k.mT).softmax(-1).mT @ torch.randn(B, Q, D) + k + v


def both_ways(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """To the question, and by way of it back to the passage (Yu et al., 2018)."""
    scores = q @ k.mT
    return scores.softmax(2) @ v + scores.softmax(2) @ scores.softmax(1).mT @ q


def clusters(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """What the members of a cluster add up to."""
    return q[..., :3].softmax(-1).mT @ q + (k + v).sum()


def back_again(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """What was looked up, and what is handed back to where it came from, by the same weights."""
    weights = (q @ k.mT).softmax(2)
    return (weights @ v).sum() + (weights.mT @ q).sum()


@pytest.mark.parametrize("attend", [slots, matching, both_ways, clusters, back_again])
def test_what_adds_up_over_another_axis_on_purpose(attend: Attend) -> None:
    assert read(attend) is None
