"""Element-wise operations that torch does not mark as such."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from gradus.analysis.inspect import inspect


@pytest.mark.parametrize(
    ("build", "elements"),
    [
        (nn.Hardswish, 48), (lambda: nn.Hardswish(inplace=True), 48), (nn.PReLU, 48), (nn.LogSigmoid, 48),
        (nn.RReLU, 48), (lambda: nn.RReLU(inplace=True), 48), (lambda: nn.GLU(1), 24), (nn.ReLU, 48),
    ],
)  # fmt: skip
def test_activations_cost_one_an_element_that_they_make(build: Callable[[], nn.Module], elements: int) -> None:
    found = inspect(build(), torch.empty(2, 4, 6))
    assert (found.cost.elementwise, found.macs, found.uncounted) == (elements, 0, {})
