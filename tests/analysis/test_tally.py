"""The quick count against the one that follows every operation."""

import pytest
import torch
from torch import Tensor, nn

from gradus.analysis.formulas import total_macs
from gradus.analysis.tally import built, tally
from gradus.core.graph import trace
from gradus.models import models

FIRST = {card.family: card.name for card in reversed(models.cards())}.values()
"""One network of each family; the others in `make test-all`."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in FIRST else pytest.mark.slow) for name in models.names()]
)
def test_it_counts_what_a_trace_counts(name: str) -> None:
    card = models.get(name)
    model = built(lambda: card.build(card.spec, **card.validate({})))
    inputs = card.spec.example("meta")
    assert tally(model, inputs) == total_macs(trace(model, inputs)) > 0


class Mixed(nn.Module):
    """Broadcasts, comparisons, numbers of several types, functions in place."""

    def __init__(self) -> None:
        super().__init__()
        self.grow = nn.ConvTranspose2d(3, 4, 3, 2)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.recurrence = nn.GRU(4, 5, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.grow(x).relu_().clamp_(max=1.0)
        x = x * x.mean((2, 3), keepdim=True) + 1.0 / (x.exp() + 1)
        x = torch.where(x > x.mean(), x, -x).masked_fill(x.isnan(), 0.0)
        x = x.flatten(2).mT
        x, _ = self.attention(x, x, x)
        y: Tensor = self.recurrence(x)[0][:, -1] @ torch.ones(5, 2, device=x.device)
        return y


def test_odd_operations_keep_their_shapes() -> None:
    model, x = built(Mixed), torch.empty(2, 3, 4, 5, device="meta")
    assert tally(model, [x]) == total_macs(trace(model, [x]))


def test_numbers_that_a_builder_works_out_are_worked_out() -> None:
    class Tabled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rates = [float(each) for each in torch.arange(3.0, device="cpu").mul_(2).sqrt() + 1]

    assert built(Tabled).rates == pytest.approx([1, 1 + 2**0.5, 3])


def test_first_weights_are_asked_for_but_not_drawn() -> None:
    state = torch.get_rng_state()
    model = built(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 4), nn.LSTM(4, 4)))
    assert all(each.is_meta for each in model.state_dict().values())
    assert [tuple(each.shape) for each in model.get_submodule("0").parameters()] == [(4, 3, 3, 3), (4,)]
    assert torch.equal(torch.get_rng_state(), state)
