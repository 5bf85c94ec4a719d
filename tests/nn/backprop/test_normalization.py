from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.nn.backprop import batch_norm, group_norm, layer_norm
from tests.nn.backprop.against import equal_to_autograd, leaf

LAYOUTS = st.sampled_from(["contiguous", "transposed", "strided"])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 4), max_size=3), st.integers(2, 3), st.booleans(), st.booleans(), LAYOUTS)
def test_batch_norm(positions: list[int], examples: int, training: bool, affine: bool, layout: str) -> None:
    x = leaf(examples, 3, *positions, layout=layout)
    scale = [leaf(3, seed=1), leaf(3, seed=2)] if affine else []
    ours, theirs = ((torch.tensor([0.1, -0.2, 0.3]).double(), torch.tensor([0.5, 1.0, 2.0]).double()) for _ in "ab")
    equal_to_autograd(
        lambda x, w=None, b=None: batch_norm(x, *ours, w, b, training),
        lambda x, w=None, b=None: functional.batch_norm(x, *theirs, w, b, training),
        [x, *scale],
        second=not training or x.numel() > 12,  # of two numbers standardized, all derivatives are nearly 0
    )


def test_batch_norm_keeps_the_same_running_statistics() -> None:
    x = leaf(4, 3, 5)
    ours, theirs = ((torch.full((3,), 0.7).double(), torch.full((3,), 2.0).double()) for _ in "ab")
    batch_norm(x, *ours, training=True, momentum=0.3)
    functional.batch_norm(x, *theirs, training=True, momentum=0.3)
    torch.testing.assert_close(ours, theirs, rtol=1e-14, atol=0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 3), st.booleans(), LAYOUTS)
def test_layer_norm(shape: list[int], over: int, affine: bool, layout: str) -> None:
    wide = [*shape[:-1], shape[-1] + 2]  # of two numbers standardized, all derivatives are nearly 0
    axes = wide[-over:]
    scale = [leaf(*axes, seed=1), leaf(*axes, seed=2)] if affine else []
    equal_to_autograd(
        lambda *leaves: layer_norm(leaves[0], axes, *leaves[1:]),
        lambda *leaves: functional.layer_norm(leaves[0], axes, *leaves[1:]),
        [leaf(2, *wide, layout=layout), *scale],
    )


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_group_norm(groups: int) -> None:
    equal_to_autograd(
        lambda *leaves: group_norm(leaves[0], groups, *leaves[1:]),
        lambda *leaves: functional.group_norm(leaves[0], groups, *leaves[1:]),
        [leaf(2, 4, 3, 2), leaf(4, seed=1), leaf(4, seed=2)],
    )


def test_group_norm_of_no_examples() -> None:
    assert group_norm(torch.zeros(0, 4, 3), 2).shape == (0, 4, 3)


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: batch_norm(torch.zeros(1, 3), None, None, training=True), "more than one number for each channel"),
        (lambda: batch_norm(torch.zeros(2, 3), None, None), "running statistics"),
        (lambda: layer_norm(torch.zeros(2, 3), (4,)), r"last axes must be \(4,\)"),
        (lambda: group_norm(torch.zeros(2, 3), 2), "groups must divide"),
    ],
)
def test_what_cannot_be_standardized_is_refused(call: Any, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        call()
