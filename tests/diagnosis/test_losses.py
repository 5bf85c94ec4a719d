"""Losses of a step, read as they come."""

import math

import pytest
import torch

from gradus.diagnosis.losses import LossReader


def test_a_step_s_loss_is_the_mean_of_its_backward_passes() -> None:
    reader = LossReader()
    assert [reader.add(torch.tensor(each, requires_grad=True)) for each in (1.0, 2.0, 6.0)] == [1, 2, 6]
    assert reader.take(3) == [(3, 3.0)]
    assert reader.take(3) == []
    assert reader.add(torch.tensor([[2.5]], dtype=torch.float64)) == 2.5
    assert reader.take(0) == [(0, 2.5)]
    assert reader.rest() == []


def test_what_is_not_finite_stays_so() -> None:
    reader = LossReader()
    reader.add(torch.tensor(1.0))
    assert math.isnan(reader.add(torch.tensor(math.nan)))
    ((_, value),) = reader.take(0)
    assert math.isnan(value)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_from_a_gpu_losses_come_in_order_and_none_is_lost() -> None:
    reader = LossReader()
    found = []
    for step in range(50):
        for part in (0.0, 1.0):
            assert reader.add(torch.tensor(step + part, device="cuda")) == 0
        found += reader.take(step % 2)
    found += reader.rest()
    assert found == [(step % 2, step + 0.5) for step in range(50)]
    assert not reader.immediate
