"""Criteria against values worked by hand, and their gradients against finite differences."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from gradus.core.errors import InputError
from gradus.losses import criteria


def test_cross_entropy_of_two_examples_by_hand() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)], [math.log(4.0), 0.0]])
    loss = criteria.get("cross_entropy").build()(logits, torch.tensor([1, 1]))
    # probabilities of the right class: 3/4 and 1/5
    assert loss.item() == pytest.approx(-(math.log(3 / 4) + math.log(1 / 5)) / 2)


def test_label_smoothing_mixes_in_the_uniform_distribution() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)]])
    loss = criteria.get("cross_entropy").build(label_smoothing=0.2)(logits, torch.tensor([1]))
    assert loss.item() == pytest.approx(-(0.9 * math.log(3 / 4) + 0.1 * math.log(1 / 4)))


def test_squared_and_absolute_error_by_hand() -> None:
    output, target = torch.tensor([[1.0, 2.0], [0.0, -1.0]]), torch.tensor([[0.0, 2.0], [3.0, 1.0]])
    assert criteria.get("mse").build()(output, target).item() == pytest.approx((1 + 0 + 9 + 4) / 4)
    assert criteria.get("mae").build()(output, target).item() == pytest.approx((1 + 0 + 3 + 2) / 4)


@pytest.mark.parametrize("card", criteria.cards(), ids=lambda card: card.name)
def test_gradient_equals_finite_differences(card) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    output = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    target = torch.randint(3, (4,)) if "classification" in card.tasks else torch.randn(4, 3, dtype=torch.float64)
    assert gradcheck(lambda given: card.build()(given, target), (output,))


def test_options_are_checked() -> None:
    with pytest.raises(InputError, match="`label_smoothing` should be less than 1"):
        criteria.get("cross_entropy").validate({"label_smoothing": 1.5})
