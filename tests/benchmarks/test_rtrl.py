"""The benchmark of RTRL compares what is the same: its naive ways give the exact influence."""

from typing import Any

import pytest
import torch
from torch import nn

from benchmarks.rtrl import INPUTS, Naive, by_jacrev, by_rows, main, methods
from gradus.nn.rtrl import Exact, rtrl


@pytest.mark.parametrize("jacobians", [by_rows, by_jacrev])
def test_naive_rtrl_is_rtrl(jacobians: Any) -> None:
    torch.manual_seed(0)
    cell = nn.RNNCell(INPUTS, 5)
    naive = Naive(cell, jacobians)
    torch.manual_seed(1)
    naive(6)
    torch.manual_seed(1)
    learner = rtrl("exact", cell)
    for x in torch.randn(6, 1, INPUTS):
        learner.step(x)
    assert isinstance(learner, Exact)
    torch.testing.assert_close(naive.h, learner.state)
    for row, unit in zip(naive.influence, learner.influence[0, 0], strict=True):
        named = learner.recurrence.named(unit)
        expected = torch.cat([named[name].flatten() for name, _ in cell.named_parameters()])
        torch.testing.assert_close(row, expected, rtol=1e-4, atol=1e-6)


def test_every_method_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--units", "4"]) == 0
    printed = capsys.readouterr().out
    assert all(f"| {name} " in printed for name in methods(4))
