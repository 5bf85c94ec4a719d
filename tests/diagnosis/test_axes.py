"""Which of two axes holds examples."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from gradus.diagnosis.axes import examples_first
from tests.diagnosis.test_probe import probing

N, T = 9, 10
WORDS = torch.arange(N)[:, None] * 7 % 10 + torch.arange(T + 1) ** 2 % 11
FILLED = torch.where(torch.arange(T) < torch.tensor([4, 9, 6, 10, 5, 8, 4, 7, 6])[:, None], WORDS[:, :T] + 1, 0)

NOISE = torch.randn(N, 40, 8, generator=torch.Generator().manual_seed(0))
WALKS = NOISE.cumsum(1)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("given", "target", "expected"),
    [
        (torch.zeros(N, T, 2), torch.zeros(N), True),
        (torch.zeros(N, T, 2), torch.zeros(N, 3), True),
        (torch.zeros(N, T, 2), torch.zeros(N, T), False),
        (torch.zeros(N, N, 2), torch.zeros(N), False),  # one target for each of both
        (WORDS[:, :-1], WORDS[:, 1:], True),
        (WORDS[:, :-1], WORDS[:, :-1] % 2, False),
        (FILLED, None, True),
        (FILLED[:, :4], None, False),
        ((WORDS[:, :T] + 1) * (torch.arange(T) < torch.arange(N)[:, None] % 2 * 5 + 4), None, False),  # two lengths
        (WALKS, None, True),
        (NOISE, WALKS[..., 0], True),
        (NOISE, NOISE, False),
        (WALKS.cumsum(0), None, False),  # examples in order, too
        (WALKS[:, :8], None, False),
    ],
)
def test_examples_come_first(given: Tensor, target: Tensor | None, expected: bool, turned: bool) -> None:
    if turned:
        given = given.transpose(0, 1)
        target = target.transpose(0, 1) if target is not None and target.shape[:2] == given.shape[1::-1] else target
    for each in (given, given.contiguous()):
        assert examples_first(each, target) == (expected and not turned)


def test_what_a_program_has_turned_around_is_as_it_is_meant_to_be() -> None:
    assert not examples_first(FILLED.t().contiguous().t(), None)


class Tags(nn.Module):
    """A state for each step, of a recurrent layer to which steps come first."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.GRU(4, 4), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(self.rnn(x)[0])
        return out


@pytest.mark.parametrize("in_parts", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_layer_that_runs_along_examples_is_found_out_where_all_steps_are_answered(axis: int, in_parts: bool) -> None:
    model, (x, y) = Tags(), (WALKS if axis else WALKS.transpose(0, 1)).contiguous().split(4, 2)
    with probing() as probe:
        optimizer = SGD(model.parameters(), lr=0.01)
        for _ in range(2):
            answers = model.out(model.rnn(x)[0]) if in_parts else model(x)
            optimizer.zero_grad()
            nn.functional.mse_loss(answers, y[..., :1]).backward()
            optimizer.step()
    assert probe.history.loop.mixes == (axis == 1)
