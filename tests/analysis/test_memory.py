"""Influence by lag against closed forms, and against Jacobians taken one by one."""

import math

import pytest
import torch
from torch import Tensor, nn

from gradus.analysis.memory import Memory, gate_shares, memory
from gradus.core.errors import InputError

T = 12


class Linear(nn.Module):
    """h_t = W h_{t-1} + x_t: the influence of lag k is the norm of W^k."""

    def __init__(self, matrix: Tensor, *, every_step: bool) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix)
        self.every_step = every_step

    def forward(self, x: Tensor) -> Tensor:
        h, steps = torch.zeros_like(x[:, 0]), []
        for each in x.unbind(1):
            h = h @ self.matrix.T + each
            steps.append(h)
        return torch.stack(steps, 1) if self.every_step else h


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5])
def test_a_multiple_of_a_rotation_changes_influence_by_its_factor(factor: float, every_step: bool) -> None:
    angle = 0.7
    rotation = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    model = Linear((factor * rotation).double(), every_step=every_step)
    found = memory(model, torch.randn(3, T, 2, dtype=torch.float64), probes=100)
    expected = math.sqrt(2) * factor ** torch.arange(T, dtype=torch.float64)
    torch.testing.assert_close(found.norms, expected, rtol=0.25, atol=0)
    assert found.rate == pytest.approx(factor, rel=0.02)
    if factor < 1:
        assert found.time_constant == pytest.approx(-1 / math.log(factor), rel=0.05)
        assert found.length == 10  # 0.5^10 is the first power below a thousandth
    elif factor > 1:
        assert found.time_constant == math.inf
        assert found.length == T


@pytest.mark.parametrize(
    ("norms", "rate"),
    [([1.0, 0.5], 0.5), ([1.0], math.nan), ([0.0, 2.0, 0.0], math.nan), ([1.0, math.inf, 4.0], 2.0)],
)
def test_a_rate_needs_two_lags_that_are_heard(norms: list[float], rate: float) -> None:
    found = Memory(torch.tensor(norms, dtype=torch.float64))
    assert found.rate == pytest.approx(rate, nan_ok=True)


def test_norms_are_those_of_jacobians() -> None:
    torch.manual_seed(0)
    model, x = nn.GRU(3, 4, batch_first=True).double(), torch.randn(2, T, 3, dtype=torch.float64)
    found = memory(model, x, probes=300)

    def last(given: Tensor) -> Tensor:
        end: Tensor = model(given)[0][:, -1]
        return end

    jacobian = torch.autograd.functional.jacobian(last, x)  # (N, H, N, T, F)
    own = torch.stack([jacobian[n, :, n] for n in range(2)])  # (N, H, T, F)
    expected = own.square().sum((1, 3)).mean(0).sqrt().flip(0)
    torch.testing.assert_close(found.norms, expected, rtol=0.2, atol=0)


def test_codes_are_followed_to_what_is_looked_up() -> None:
    torch.manual_seed(0)
    embedding, weight = nn.Embedding(5, 2), torch.randn(2)

    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = embedding

        def forward(self, codes: Tensor) -> Tensor:
            decay = 0.5 ** torch.arange(T - 1.0, -1, -1)
            said: Tensor = self.embedding(codes) @ weight
            return (said * decay).sum(1, keepdim=True)

    found = memory(Sum(), torch.randint(5, (4, T)))
    expected = weight.norm().double() * 0.5 ** torch.arange(T, dtype=torch.float64)
    torch.testing.assert_close(found.norms, expected)


def test_the_model_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(T, T, 1), nn.BatchNorm1d(T), nn.Dropout(0.5))
    before = {name: each.clone() for name, each in model.state_dict().items()}
    x, state = torch.randn(4, T, 2), torch.get_rng_state()
    memory(model, x)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert all(each.grad is None for each in model.parameters())


class Constant(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), 1)


@pytest.mark.parametrize(
    ("model", "given", "probes", "words"),
    [
        (nn.Identity(), torch.zeros(3), 1, "must be sequences"),
        (nn.Identity(), torch.zeros(3, 4), 1, "takes codes as whole numbers"),
        (nn.Identity(), torch.zeros(3, 4, 2, dtype=torch.int64), 1, "takes codes as whole numbers"),
        (nn.Identity(), torch.zeros(3, 4, 2), 0, "`probes` must be 1 or more, got 0"),
        (nn.Identity(), torch.zeros(3, 4, dtype=torch.int64), 1, "looked up in an nn.Embedding"),
        (Constant(), torch.zeros(3, 4, 2), 1, "depends on its input"),
    ],
)
def test_what_is_no_model_of_sequences_is_refused(model: nn.Module, given: Tensor, probes: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        memory(model, given, probes=probes)


def test_gates_are_counted_where_they_are_open_and_shut() -> None:
    shares = gate_shares({"forget": torch.tensor([0.95, 0.99, 0.5, 0.05]), "input": torch.tensor([[0.0, 1.0]])})
    assert (shares["forget"].open, shares["forget"].shut) == (0.5, 0.25)
    assert shares["forget"].mean == pytest.approx(0.6225)
    assert (shares["input"].mean, shares["input"].open, shares["input"].shut) == (0.5, 0.5, 0.5)
    with pytest.raises(InputError, match="gate `cell`: must be numbers between 0 and 1"):
        gate_shares({"cell": torch.tensor([-0.5])})


def test_what_does_not_read_its_input_remembers_nothing() -> None:
    silent = nn.Linear(2 * T, 1)
    nn.init.zeros_(silent.weight)
    assert memory(nn.Sequential(nn.Flatten(), silent), torch.randn(3, T, 2)).length == 0
