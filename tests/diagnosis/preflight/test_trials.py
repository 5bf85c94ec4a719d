"""What trials with one step tell, and that they change nothing."""

import time

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, Optimizer

from gradus.diagnosis.preflight.tape import Step, Tape
from gradus.diagnosis.preflight.trials import Fit, Trials, make_trials


class Deaf(nn.Module):
    """Multiplies its inputs by nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layer(0 * x)
        return result


def step_of(model: nn.Module) -> Step:
    torch.manual_seed(0)
    x = torch.randn(30, 6)
    y = x[:, :3].argmax(dim=1)
    tape = Tape()
    tape.start()
    tape.given(x)
    step = tape.stop(functional.cross_entropy(model(x), y))
    assert step is not None
    return step


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 3))


def test_a_batch_is_fitted_and_its_control_is_not() -> None:
    trials = make_trials(step_of(network()), None, seconds=60)
    assert trials.fit is not None
    assert trials.zeroed is not None
    assert trials.fit.best < 0.3
    assert 0.9 < trials.zeroed.best < 1.1  # about ln 3, less what the classes differ in number
    assert not trials.ignores_inputs(0.001)
    assert not trials.fits_without_inputs
    assert trials.rates is None


def test_a_network_that_makes_nothing_of_its_inputs_is_told() -> None:
    assert make_trials(step_of(Deaf()), None, seconds=60).ignores_inputs(0.001)


@pytest.mark.parametrize(("rate", "share"), [(1e-2, (0.01, 10)), (1e-7, (0, 3e-3)), (20.0, (30, 1e9))])
def test_the_range_test_places_the_rate(rate: float, share: tuple[float, float]) -> None:
    model = network()
    trials = make_trials(step_of(model), Adam(model.parameters(), lr=rate), seconds=60)
    assert trials.rates is not None
    assert share[0] <= rate / trials.rates.suggested <= share[1]


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_nothing_is_changed(kind: type[Optimizer]) -> None:
    model = network()
    optimizer = kind(model.parameters(), lr=0.01)  # type: ignore[call-arg]
    step = step_of(model)
    step.loss.backward()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    gradients = [(each, each.grad) for each in model.parameters()]
    kept = [each.clone() for _, each in gradients if each is not None]
    state = torch.get_rng_state()
    make_trials(step, optimizer, seconds=60)
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert all(each.grad is gradient for each, gradient in gradients)
    assert all(
        torch.equal(*pair) for pair in zip(kept, (each for _, each in gradients if each is not None), strict=True)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert not optimizer.state


def test_memory_counts_parameters_moments_and_what_is_kept() -> None:
    model = nn.Linear(6, 3)
    memory = make_trials(step_of(model), Adam(model.parameters()), seconds=60).memory
    assert memory is not None
    assert memory.parameters == 4 * (18 + 3)
    assert memory.state == 2 * memory.parameters
    # The inputs, the log-probabilities and the classes, which are int64; and a number for the total weight.
    assert 4 * 30 * (6 + 3) + 8 * 30 <= memory.kept <= 4 * 30 * (6 + 3) + 8 * 30 + 16
    assert memory.needed == 4 * memory.parameters + memory.kept
    assert memory.available > 2**28


def test_no_time_is_no_trial_and_no_opinion() -> None:
    began = time.monotonic()
    trials = make_trials(step_of(network()), None, seconds=0.0)
    assert trials.fit is None
    assert not trials.ignores_inputs(0.001)
    assert time.monotonic() - began < 30


def test_a_batch_that_needs_no_inputs_says_nothing() -> None:
    trials = Trials(fit=Fit(2.0, 0.01, 40), zeroed=Fit(2.0, 0.01, 40))
    assert trials.fits_without_inputs
    assert not trials.ignores_inputs(0.001)
