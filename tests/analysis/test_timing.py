"""Timing changes nothing, and refuses where others work. No test here depends on how long anything takes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

from gradus.analysis.timing import Measured, Reading, processors, quiet, read, time_network, using
from gradus.core.errors import InputError, ResourceError
from gradus.core.graph import trace


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Sequential(nn.ReLU(), nn.Dropout()))


def timed(model: nn.Module, *inputs: Tensor, threads: int | None = None) -> Measured:
    return time_network(model, inputs, threads=threads, seconds=0.01, loaded=True)


def test_median_and_quartiles_of_a_network_and_of_its_calls() -> None:
    model, x = network(), torch.randn(3, 4)
    found = timed(model, x)
    assert 0 < found.low <= found.seconds <= found.high
    assert found.passes >= 5
    assert [each.place for each in found.layers] == [each.place for each in trace(model, (x,)).calls]
    assert all(each.seconds > 0 for each in found.layers)
    assert found.layers[0].seconds > found.layers[3].seconds > found.layers[4].seconds  # each is within the one before


class Draws(nn.Module):
    """Uses random numbers in evaluation mode too."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.rand_like(x)


def test_everything_comes_out_as_it_went_in() -> None:
    inner, x = network(), torch.randn(3, 4)
    inner[2].eval()
    model = nn.Sequential(inner, Draws())
    before = {name: each.clone() for name, each in model.state_dict().items()}
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    assert timed(model, x, threads=1).threads == 1
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert [name for name, each in model.named_modules() if not each.training] == ["0.2", "0.2.0", "0.2.1"]
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in model.modules())
    assert all(each.grad is None for each in model.parameters())


def test_threads_and_modes_are_restored_after_an_error() -> None:
    model, threads = network(), torch.get_num_threads()
    with pytest.raises(InputError, match=r"Sequential: cannot run: .*3x5 and 4x4"):
        timed(model, torch.randn(3, 5), threads=1)
    assert torch.get_num_threads() == threads
    assert model.training


def test_what_cannot_be_timed() -> None:
    with pytest.raises(InputError, match=r"model: must be a torch.nn.Module, got `function`"):
        time_network(lambda x: x, ())  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"model: must be on the CPU to be timed, got `meta`"):
        timed(nn.Linear(4, 4, device="meta"), torch.empty(1, 4))
    with pytest.raises(InputError, match="seconds: must be above 0, got -1"):
        time_network(network(), (torch.empty(1, 4),), seconds=-1)


@pytest.mark.parametrize("threads", [0, -1, True, 2.0, 10**6])
def test_threads_that_there_are_not(threads: int) -> None:
    with pytest.raises(InputError, match="threads: must be a whole number from 1 to"), using(threads):
        pass


def test_what_others_take() -> None:
    before = Reading(clock=100.0, busy=50.0, own=5.0, processors=4)
    assert Reading(clock=102.0, busy=52.0, own=7.0, processors=4).others(before) == 0  # all of it was this process
    assert Reading(clock=102.0, busy=54.0, own=7.0, processors=4).others(before) == 0.25
    assert Reading(clock=102.0, busy=50.0, own=5.1, processors=4).others(before) == 0  # counters that lag


def readings(*busy: float) -> Iterator[Reading]:
    return (Reading(clock=float(number), busy=each, own=0.0, processors=1) for number, each in enumerate(busy))


def test_a_machine_that_does_little_else_is_quiet() -> None:
    seen = readings(0.0, 0.01, 0.02)
    with quiet("here", lambda: next(seen)):
        pass


@pytest.mark.parametrize("busy", [(0.0, 0.2, 0.2), (0.0, 0.01, 0.3)], ids=["before", "meanwhile"])
def test_a_loaded_machine_is_refused(busy: tuple[float, ...]) -> None:
    seen = readings(*busy)
    said = r"here: needs a machine that does little else, and others take \d+% of its \d+ processors\. Try again when"
    with pytest.raises(ResourceError, match=said) as caught, quiet("here", lambda: next(seen)):
        pass
    assert caught.value.exit_code == 2


@contextmanager
def busy_process() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


NOTICEABLE = pytest.mark.skipif(read() is None or processors() > 16, reason="one busy process is not much here")


@NOTICEABLE
def test_a_real_busy_process_is_noticed() -> None:
    with busy_process(), pytest.raises(ResourceError, match="others take"):
        time_network(network(), (torch.empty(1, 4),))
