import logging
import random

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gradus.core.untouched import as_written, untouched


class Remembers(nn.Module):
    """Keeps what it sees in every kind of place."""

    def __init__(self) -> None:
        super().__init__()
        self.count = torch.tensor(0)
        self.seen: list[Tensor] = []
        self.named: dict[str, Tensor] = {}
        self.inner = nn.Dropout()

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        self.last = x
        self.seen.append(x)
        self.named["x"] = x
        self.register_buffer("late", x)
        self.train(not self.training)
        return x + random.random() + float(np.random.rand()) + torch.rand(())  # noqa: NPY002


def position() -> int:
    """Of NumPy's global generator."""
    return int(np.random.get_state(legacy=False)["state"]["pos"])  # noqa: NPY002


def test_attributes_and_random_numbers_are_as_before() -> None:
    model = Remembers()
    states = random.getstate(), position(), torch.get_rng_state().tolist()
    seen, named = model.seen, model.named
    with untouched(model, copied=True):
        model(torch.ones(2))
        assert model.count == 1
    assert int(model.count) == len(model.seen) == len(model.named) == 0
    assert model.seen is seen
    assert model.named is named
    assert not hasattr(model, "last")
    assert not list(model.buffers())
    assert model.training
    assert model.inner.training
    assert states == (random.getstate(), position(), torch.get_rng_state().tolist())


def test_also_when_the_call_fails() -> None:
    model = Remembers()
    with pytest.raises(TypeError), untouched(model):
        model("no tensor")
    assert not hasattr(model, "last")
    assert not model.seen


def test_settings_of_torch_are_put_back() -> None:
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    with as_written():
        assert logger.disabled
        assert not torch.backends.mha.get_fastpath_enabled()
    assert not logger.disabled
    assert torch.backends.mha.get_fastpath_enabled()
