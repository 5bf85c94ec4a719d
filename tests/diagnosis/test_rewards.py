"""Whether a policy is taught to earn less."""

import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical

from gradus.diagnosis.graph import walk
from gradus.diagnosis.rewards import minimizes_reward, minimizes_value

SEEN = torch.linspace(-2, 2, 192).reshape(32, 6).sin()
EARNED = torch.arange(32.0).cos()


def minimized(loss: Callable[[Tensor, Tensor], Tensor], *, cost: bool = False) -> bool:
    """Of a loss of log-probabilities and what they are weighed with, which this function calls a reward or a cost."""
    policy = Categorical(logits=SEEN @ torch.linspace(-1, 1, 24).reshape(6, 4).requires_grad_())
    said = policy.log_prob(torch.arange(32) % 4)
    if cost:
        costs = EARNED.clone()
        return minimizes_reward(walk(loss(said, costs)), sys._getframe())
    rewards = EARNED.clone()
    return minimizes_reward(walk(loss(said, rewards)), sys._getframe())


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (lambda said, earned: (said * earned).mean(), True),
        (lambda said, earned: (said * (earned - 0.3) / 2).sum(), True),
        (lambda said, earned: -(said * earned).mean(), False),
        (lambda said, earned: (-said * earned).mean(), False),
        (lambda said, earned: (said * -earned).mean(), False),
        (lambda said, earned: (said * earned.flip(0)).mean(), False),  # another weight
        (lambda said, earned: (said.exp() * earned).mean(), False),
    ],
)
def test_the_sign_before_a_reward(loss: Callable[[Tensor, Tensor], Tensor], expected: bool) -> None:
    assert minimized(loss) == expected


def test_a_cost_is_made_small_rightly() -> None:
    assert not minimized(lambda said, costs: (said * costs).mean(), cost=True)


ACTOR, CRITIC = nn.Linear(6, 2), nn.Linear(8, 1)
PAIR = torch.ones(8, 2, requires_grad=True)
CRITICS = {id(each) for each in [*CRITIC.parameters(), PAIR]}


def judged(actions: Tensor) -> Tensor:
    said: Tensor = CRITIC(torch.cat([SEEN, actions], dim=1))
    return said


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (lambda: judged(ACTOR(SEEN)).mean(), True),
        (lambda: torch.minimum(judged(ACTOR(SEEN)), judged(ACTOR(SEEN))).squeeze(1).sum() / 32, True),
        (lambda: -judged(ACTOR(SEEN)).mean(), False),
        (lambda: 0.1 - judged(ACTOR(SEEN)).mean(), False),
        (lambda: judged(ACTOR(SEEN)).square().mean(), False),
        (lambda: judged(ACTOR(SEEN).detach()).mean(), False),  # no policy learns by it
        (lambda: nn.Linear(6, 1)(SEEN).mean(), False),  # no critic
        (lambda: judged(ACTOR(SEEN)).sum() / -32, False),
        (lambda: torch.cat([SEEN, ACTOR(SEEN)], dim=1).mm(PAIR).mean(), False),  # no score of each
    ],
)
def test_the_sign_before_what_a_critic_says(loss: Callable[[], Tensor], expected: bool) -> None:
    def looked_at(rewards: Tensor) -> bool:
        return minimizes_value(walk(loss()), sys._getframe(), CRITICS)

    assert looked_at(EARNED) == expected
    assert not minimizes_value(walk(loss()), sys._getframe(), CRITICS), "nothing is called a reward"
