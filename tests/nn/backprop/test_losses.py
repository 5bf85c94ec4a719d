from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from gradus.core.errors import InputError
from gradus.nn.backprop import mean_squared_error, sigmoid_cross_entropy, softmax_cross_entropy
from tests.nn.backprop.against import equal_to_autograd, leaf

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


@settings(max_examples=60, deadline=None)
@given(st.data(), REDUCTIONS, st.booleans(), st.booleans(), st.sampled_from([0.0, 0.2]), st.booleans())
def test_softmax_cross_entropy(
    data: st.DataObject, reduction: str, weighted: bool, classes: bool, smoothing: float, positions: bool
) -> None:
    examples = data.draw(st.integers(1, 4))
    z = leaf(examples, 3, *([2] if positions else []))
    options: dict[str, Any] = {"reduction": reduction, "label_smoothing": smoothing}
    if weighted:
        options["weight"] = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)
    if classes:
        y = torch.randint(0, 3, (examples, *z.shape[2:]), generator=torch.Generator().manual_seed(examples))
        if examples > 1 and data.draw(st.booleans()):
            options["ignore_index"] = int(y.flatten()[0])
            y[-1] = (options["ignore_index"] + 1) % 3  # one that counts
    else:
        y = leaf(*z.shape, seed=3).detach().softmax(1)
    equal_to_autograd(
        lambda z: softmax_cross_entropy(z, y, **options), lambda z: functional.cross_entropy(z, y, **options), [z]
    )


def test_the_first_error_is_softmax_minus_target_over_examples() -> None:
    z = torch.tensor([[0.0, 0.0], [0.0, 0.0]], requires_grad=True)
    loss = softmax_cross_entropy(z, torch.tensor([0, 1]))
    (error,) = torch.autograd.grad(loss, z)
    assert error.tolist() == [[-0.25, 0.25], [0.25, -0.25]]


def test_one_example_without_a_batch() -> None:
    equal_to_autograd(
        lambda z: softmax_cross_entropy(z, torch.tensor(1)),
        lambda z: functional.cross_entropy(z, torch.tensor(1)),
        [leaf(3)],
    )


@pytest.mark.parametrize(
    ("z", "y", "options"),
    [
        (torch.zeros(2, 3), torch.tensor([0, 0]), {"ignore_index": 0}),
        (torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), {}),
        (torch.zeros(0, 3), torch.zeros(0, 3), {}),
        (torch.tensor([[float("-inf"), 1.0, 2.0]]), torch.tensor([1]), {}),
    ],
    ids=["all ignored", "no classes", "no probabilities", "a class shut out"],
)
def test_where_there_is_nothing_to_sum(z: torch.Tensor, y: torch.Tensor, options: dict[str, Any]) -> None:
    ours, theirs = (z.double().requires_grad_() for _ in "ab")
    losses = softmax_cross_entropy(ours, y, **options), functional.cross_entropy(theirs, y, **options)
    torch.testing.assert_close(*losses, equal_nan=True)
    torch.testing.assert_close(torch.autograd.grad(losses[0], ours), torch.autograd.grad(losses[1], theirs))


@pytest.mark.parametrize("ours", [mean_squared_error, sigmoid_cross_entropy])
def test_the_mean_of_nothing_is_nan(ours: Any) -> None:
    z = torch.zeros(0, 3, requires_grad=True)
    loss = ours(z, torch.zeros(0, 3))
    assert loss.isnan()
    assert torch.autograd.grad(loss, z)[0].shape == (0, 3)


@settings(max_examples=20, deadline=None)
@given(REDUCTIONS, st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_squared_error_to_output_and_target(reduction: str, shape: list[int]) -> None:
    equal_to_autograd(
        lambda a, y: mean_squared_error(a, y, reduction),
        lambda a, y: functional.mse_loss(a, y, reduction=reduction),
        [leaf(*shape), leaf(*shape, seed=1)],
    )


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("scale", [1.0, 100.0])  # where e^z would overflow in float32
def test_sigmoid_cross_entropy(reduction: str, scale: float) -> None:
    z = (leaf(4, 2).detach() * scale).requires_grad_()
    y = leaf(4, 2, seed=1).detach().sigmoid()
    equal_to_autograd(
        lambda z: sigmoid_cross_entropy(z, y, reduction),
        lambda z: functional.binary_cross_entropy_with_logits(z, y, reduction=reduction),
        [z],
        second=scale == 1,
    )


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: softmax_cross_entropy(torch.zeros(2, 3), torch.tensor([0, 3])), "classes must be from 0 to 2"),
        (lambda: softmax_cross_entropy(torch.zeros(2, 3), torch.tensor([0, 1]), reduction="total"), "reduction"),
        (lambda: softmax_cross_entropy(torch.zeros(2, 3), leaf(2, 3)), "to the target"),
        (lambda: mean_squared_error(torch.zeros(2, 3), torch.zeros(2)), "output's shape"),
        (lambda: sigmoid_cross_entropy(torch.zeros(2, 3), torch.zeros(2)), "constant targets"),
    ],
)
def test_bad_targets_are_refused(call: Any, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        call()
