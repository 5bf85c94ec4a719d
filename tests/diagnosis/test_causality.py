"""Models that are shown what comes next, those that are not, and targets that are the next step."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradus.diagnosis.causality import Shown, is_next, shown
from gradus.diagnosis.rules.data import leakage
from tests.diagnosis.test_probe import probing

N, T, V, D = 3, 7, 11, 8


class Language(nn.Module):
    """Embeds tokens, lets `mix` see all steps, and scores each word at each step."""

    def __init__(self, mix: nn.Module | Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.embed, self.mix, self.head = nn.Embedding(V, D), mix, nn.Linear(D, V)

    def forward(self, tokens: Tensor) -> Tensor:
        said: Tensor = self.head(self.mix(self.embed(tokens)))
        return said


class Recurrent(nn.Module):
    def __init__(self, *, both_ways: bool = False, batch_first: bool = True) -> None:
        super().__init__()
        self.gru = nn.GRU(D, D // 2 if both_ways else D, bidirectional=both_ways, batch_first=batch_first)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.gru(x)[0]
        return out


def attended(x: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(x, x, x)


def looking_back(x: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(x, x, x, is_causal=True)


def drawn(x: Tensor) -> Tensor:
    return attended(x) + torch.rand(1)


def padded(x: Tensor, left: int) -> Tensor:
    return F.avg_pool1d(F.pad(x.transpose(1, 2), (left, 2 - left)), 3, 1).transpose(1, 2)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def axes(model: nn.Module, given: Tensor) -> list[int]:
    return [each.axis for each in shown(model, (given,), {}, model(given))]


@pytest.mark.parametrize(
    ("mix", "expected"),
    [
        (attended, [1]),
        (looking_back, []),
        (Recurrent(), []),
        (Recurrent(both_ways=True), [1]),
        (Recurrent(both_ways=True, batch_first=False), [0]),
        (Recurrent(batch_first=False), []),
        (lambda x: padded(x, 1), [1]),
        (lambda x: padded(x, 2), []),
        (drawn, []),  # of answers that differ from one time to the next nothing can be told
    ],
)
def test_a_last_step_that_changes_earlier_answers_is_seen(mix: Callable[[Tensor], Tensor], expected: list[int]) -> None:
    assert axes(Language(mix), torch.randint(V, (5, T))) == expected


def test_answers_may_come_in_one_row_and_sequences_may_be_numbers() -> None:
    class Flat(Language):
        def forward(self, tokens: Tensor) -> Tensor:
            return super().forward(tokens).flatten(0, 1)

    assert axes(Flat(attended), torch.randint(V, (N, T))) == [1]
    model = nn.Sequential(Recurrent(both_ways=True), nn.Linear(D, 1))
    assert axes(model, torch.randn(N, T, D)) == [1]


def test_nothing_is_said_of_one_answer_for_a_sequence_of_few_steps_of_images_and_where_no_copy_runs() -> None:
    class Once(Language):
        def forward(self, tokens: Tensor) -> Tensor:
            assert not hasattr(self, "ran")
            self.ran = True
            return super().forward(tokens)

    tokens = torch.randint(V, (N, T))
    assert axes(Language(lambda x: attended(x).mean(1)), tokens) == []
    assert axes(Language(attended), tokens[:, :3]) == []
    assert axes(Once(attended), tokens) == []
    blur = nn.Conv2d(5, 5, 3, padding=1)
    assert axes(blur, torch.randn(N, 5, T, T)) == []


def test_random_numbers_that_a_copy_draws_are_given_back() -> None:
    model, tokens = Language(drawn), torch.randint(V, (N, T))
    result = model(tokens)
    state = torch.random.get_rng_state()
    shown(model, (tokens,), {}, result)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_look_leaves_no_trace() -> None:
    dropout = nn.Dropout(0.5)
    model = Language(nn.Sequential(Recurrent(both_ways=True), dropout)).train()
    tokens = torch.randint(V, (N, T))
    kept = tokens.clone()
    assert len(shown(model, (), {"tokens": tokens}, model(tokens))) == 1
    assert torch.equal(tokens, kept)
    assert model.training
    assert dropout.training


@pytest.mark.parametrize(
    ("aims", "expected"),
    [
        (lambda x: x[:, 1:], True),
        (lambda x: x[:, 1:].reshape(-1), True),
        (lambda x: torch.cat((x[:, 1:], x[:, :1]), 1), True),  # of as many steps; the last is not in the sequence
        (lambda x: x[:, 1:].where(x[:, 1:] > 2, -100).flatten(), True),  # losses pass over these
        (lambda x: x, False),
        (lambda x: x[:, :-1], False),
        (lambda x: x[:, :3], False),
        (lambda x: torch.cat((x[:, 1:-1], x[:, -1:] + 1), 1), False),
    ],
)
def test_targets_are_the_next_steps(aims: Callable[[Tensor], Tensor], expected: bool) -> None:
    tokens = torch.randint(V, (N, T))
    assert is_next(aims(tokens), Shown(tokens, 1)) is expected
    numbers = torch.rand(N, T, 1).add(3)
    assert is_next(numbers[:, 1:].flatten(), Shown(numbers, 1))


def test_steps_may_come_first_and_of_one_word_throughout_nothing_is_next() -> None:
    tokens = torch.randint(V, (T, N))
    assert is_next(tokens[1:], Shown(tokens, 0))
    assert not is_next(tokens[1:], Shown(tokens, 1))
    assert not is_next(torch.zeros(N, T - 1, dtype=torch.long), Shown(torch.zeros(N, T, dtype=torch.long), 1))


@pytest.mark.parametrize("mix", [attended, looking_back])
@pytest.mark.parametrize("aims", ["next", "own"])
def test_a_run_is_one_that_sees_ahead_where_it_is_to_tell_what_it_is_shown(
    mix: Callable[[Tensor], Tensor], aims: str
) -> None:
    model = Language(mix)
    sgd = torch.optim.SGD(model.parameters(), 0.1)
    with probing(model) as probe:
        for _ in range(3):
            tokens = torch.randint(V, (N, T))
            said, wanted = (model(tokens[:, :-1]), tokens[:, 1:]) if aims == "next" else (model(tokens), tokens)
            sgd.zero_grad()
            F.cross_entropy(said.flatten(0, 1), wanted.flatten()).backward()
            sgd.step()
    ahead = mix is attended and aims == "next"
    assert probe.history.loop.sees_ahead is ahead
    assert [each.reading for each in leakage(probe.history)] == ["what is to be told is shown"] * ahead
