"""Learning from a stream: the updates are those of RTRL, and memory does not grow."""

import gc
import os
from collections.abc import Iterator
from itertools import islice, repeat
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from gradus.core.errors import InputError
from gradus.nn.rtrl import ElementwiseRNNCell, rtrl
from gradus.training.online import learn_online


def echo(delay: int = 2, seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """An endless stream of signs; the target is the sign so many steps ago."""
    generator = torch.Generator().manual_seed(seed)
    past = [torch.zeros(1, 1)] * delay
    while True:
        past.append(2.0 * torch.randint(2, (1, 1), generator=generator) - 1)
        yield past[-1], past.pop(0)


def parts(cell: nn.Module) -> tuple[nn.Linear, torch.optim.Optimizer]:
    torch.manual_seed(0)
    readout = nn.Linear(8, 1)
    return readout, torch.optim.Adam([*cell.parameters(), *readout.parameters()], lr=0.01)


@pytest.mark.parametrize(("method", "every"), [("exact", 1), ("block", 8), ("tbptt", 4)])
def test_learns_to_remember(method: str, every: int) -> None:
    torch.manual_seed(0)
    cell = nn.GRUCell(1, 8)
    readout, optimizer = parts(cell)
    options = {"back": 8} if method == "tbptt" else {}
    learning = learn_online(cell, readout, echo(), mse_loss, optimizer, method=method, every=every, **options)
    losses = torch.stack(list(islice(learning, 1500)))
    assert losses[:100].mean() > 0.8  # a guess of 0 has 1
    assert losses[-100:].mean() < 0.2


def test_updates_are_those_of_the_method() -> None:
    torch.manual_seed(0)
    cell, twin = nn.RNNCell(1, 8), nn.RNNCell(1, 8)
    twin.load_state_dict(cell.state_dict())
    readout, optimizer = parts(cell)
    other = nn.Linear(8, 1)
    other.load_state_dict(readout.state_dict())
    plain = torch.optim.Adam([*twin.parameters(), *other.parameters()], lr=0.01)
    learner = rtrl("exact", twin)
    expected = []
    for at, (x, target) in enumerate(islice(echo(), 10), start=1):
        h = learner.step(x).requires_grad_()
        loss = mse_loss(other(h), target)
        loss.backward()
        assert h.grad is not None
        learner.credit(h.grad)
        expected.append(loss.detach())
        if at % 2 == 0:
            for name, each in learner.gradients().items():
                twin.get_parameter(name).grad = each
            plain.step()
            plain.zero_grad()
    found = list(islice(learn_online(cell, readout, echo(), mse_loss, optimizer, method="exact", every=2), 10))
    assert torch.equal(torch.stack(found), torch.stack(expected))
    assert all(torch.equal(one, other) for one, other in zip(cell.parameters(), twin.parameters(), strict=True))


def grown(method: str, cell: nn.Module, steps: int, **options: int) -> int:
    """Bytes that this process has more after so many steps, past the first 300."""
    readout, optimizer = parts(cell)
    stream = zip(repeat(torch.ones(1, 1)), repeat(torch.zeros(1, 1)), strict=True)
    learning = learn_online(cell, readout, stream, mse_loss, optimizer, method=method, **options)

    def held() -> int:
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    for _ in islice(learning, 300):
        pass
    before = held()
    for _ in islice(learning, steps):
        pass
    return held() - before


LINUX = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
# A tensor kept at every step is more than 500 bytes; 2,000 of them would not go unseen.
BOUND = 1_000_000


@LINUX
@pytest.mark.parametrize("method", ["block", "uoro"])
def test_memory_does_not_grow(method: str) -> None:
    torch.manual_seed(0)
    assert grown(method, nn.GRUCell(1, 8), 2000) < BOUND


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize("method", ["exact", "block", "diagonal", "snap1", "uoro", "tbptt"])
def test_memory_does_not_grow_over_100_000_steps(method: str) -> None:
    torch.manual_seed(0)
    cell = ElementwiseRNNCell(1, 8) if method == "diagonal" else nn.GRUCell(1, 8)
    options = {"tbptt": {"back": 8}, "block": {"every": 8}}.get(method, {})
    assert grown(method, cell, 100_000, **options) < BOUND


def test_bad_input_is_named() -> None:
    cell = nn.RNNCell(1, 8)
    readout, optimizer = parts(cell)
    with pytest.raises(InputError, match=r"`every` must be 1 step or more, got 0"):
        next(learn_online(cell, readout, echo(), mse_loss, optimizer, every=0))
    with pytest.raises(InputError, match=r"unknown method, got `backprop`"):
        next(learn_online(cell, readout, echo(), mse_loss, optimizer, method="backprop"))


def test_what_is_frozen_stays_and_a_step_may_say_nothing() -> None:
    torch.manual_seed(0)
    cell = nn.GRUCell(1, 8)
    readout, optimizer = parts(cell)
    cell.weight_hh.requires_grad = False
    before = {name: each.detach().clone() for name, each in cell.named_parameters()}

    def criterion(output: Tensor, target: Tensor) -> Tensor:
        return mse_loss(output, target) if target > 0 else readout.bias.square().sum()

    list(islice(learn_online(cell, readout, echo(), criterion, optimizer), 8))
    assert torch.equal(cell.weight_hh, before["weight_hh"])
    assert not torch.equal(cell.weight_ih, before["weight_ih"])
