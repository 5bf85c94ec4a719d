"""Fused layers ask torch for what its own ask for."""

from functools import partial

import pytest
import torch

from benchmarks.aten import record
from benchmarks.recurrent import PAIRS, USES, F


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", PAIRS)
def test_operations_are_torchs_own(name: str, use: str) -> None:
    ours, theirs = PAIRS[name]
    x = torch.randn(2, 3, F)
    by_us, by_torch = (record(partial(USES[use], layer, x)) for layer in (ours, theirs))
    if name == "lstm, one bias" and use == "training":
        assert len(by_us) == len(by_torch) - 1  # the gradient of the bias that is not there
    else:
        assert by_us == by_torch
    assert len(by_us) > 5
