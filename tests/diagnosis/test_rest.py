"""Steps that are not looked at: nothing of them is lost."""

import math

import pytest
import torch
from torch import Tensor, nn

import gradus
from gradus.diagnosis.history import History
from gradus.diagnosis.rest import Rest, spike_above
from gradus.diagnosis.series import Series


def test_what_passed_while_it_lasted_is_told_once() -> None:
    history, rest = History(), Rest()
    rest.begin(history, 8, guarding=False)
    for loss in (2.0, 1.0, None):
        assert not rest.step(loss, 0.1)
    assert not len(history.losses)
    assert rest.tell(history) == 3
    assert (list(history.losses.recent), list(history.rates.recent)) == ([2.0, 1.0], [0.1, 0.1, 0.1])
    assert rest.tell(history) == 0


def test_a_spike_is_three_times_the_latest_losses_and_something_beside_the_first() -> None:
    losses = Series()
    losses.extend([1.0] * 20)
    assert spike_above(losses) == math.inf  # too few are known
    losses.append(1.0)
    assert spike_above(losses) == pytest.approx(3.1)
    losses.extend([0.01] * 100)
    assert spike_above(losses) == pytest.approx(0.13)
    history = History(losses=losses)
    rest = Rest()
    rest.begin(history, 8, guarding=False)
    assert [rest.step(loss, 0.1) for loss in (0.12, 0.14)] == [False, True]


class Scaled(nn.Module):
    """The mean of a weight times what is given, so that a test chooses the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x


def test_every_loss_and_rate_of_a_run_is_in_its_history_and_a_spike_is_looked_at() -> None:
    model = Scaled()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    losses = [1.0] * 2000
    losses[1201] = 5.0
    with gradus.watch(model, optimizer, quiet=True) as doctor:
        for loss in losses:
            optimizer.zero_grad()
            model(torch.full((4,), loss)).mean().backward()
            optimizer.step()
    history = doctor.history
    assert (history.step, len(history.losses), len(history.rates)) == (2000, 2000, 2000)
    assert sum(history.losses.bins) / len(history.losses.bins) == pytest.approx(sum(losses) / 2000, rel=1e-3)
    assert 1202 in [each.step for each in history.examinations]
    assert sum(each.step > 1202 for each in history.examinations) < 5
