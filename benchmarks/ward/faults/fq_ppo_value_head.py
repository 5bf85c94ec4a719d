"""PPO with a value head and value clipping on a point that has to be steered to the origin; the score is how much of
the returns of fresh episodes the critic explains.

After https://github.com/RLinf/RLinf/issues/1568
"""
# cause: broadcast-loss
# kind: dynamic

import sys

import numpy as np
import torch
import torch.nn as nn

GAMMA, HORIZON, N_ENVS, CLIP = 0.9, 16, 64, 0.2
MOVES = torch.tensor([[0.15, 0.0], [-0.15, 0.0], [0.0, 0.15], [0.0, -0.15]])


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.policy = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 4))
        self.value_head = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 1))

    def distribution(self, obs):
        return torch.distributions.Categorical(logits=self.policy(obs))

    def forward(self, obs, actions):
        """Recompute log-probabilities, entropy and values for the update."""
        dist = self.distribution(obs)
        values = self.value_head(obs).squeeze(-1)  # FAULT
        # TWIN: values = self.value_head(obs)
        return dist.log_prob(actions), dist.entropy(), values


def rollout(model):
    """Collect [T * B] transitions; values and returns are [T * B, 1]."""
    position = torch.rand(N_ENVS, 2) * 2 - 1
    obs, actions, logprobs, rewards, values = [], [], [], [], []
    with torch.no_grad():
        for _ in range(HORIZON):
            dist = model.distribution(position)
            action = dist.sample()
            obs.append(position)
            actions.append(action)
            logprobs.append(dist.log_prob(action))
            values.append(model.value_head(position))
            position = position + MOVES[action]
            rewards.append(-position.norm(dim=1, keepdim=True))
        running = model.value_head(position)
        returns = []
        for reward in reversed(rewards):
            running = reward + GAMMA * running
            returns.insert(0, running)
    return [torch.cat(x) for x in (obs, actions, logprobs, values, returns)], torch.stack(rewards)


def update(model, optimizer, batch, epochs=3, minibatch=256):
    obs, actions, old_logprobs, prev_values, returns = batch
    advantages = (returns - prev_values).flatten()
    advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    for _ in range(epochs):
        for idx in torch.randperm(len(obs)).split(minibatch):
            logprobs, entropy, values = model(obs[idx], actions[idx])
            ratio = torch.exp(logprobs - old_logprobs[idx])
            policy_loss = -torch.min(ratio * advantages[idx], ratio.clamp(1 - CLIP, 1 + CLIP) * advantages[idx]).mean()
            clipped = prev_values[idx] + (values - prev_values[idx]).clamp(-0.5, 0.5)
            value_loss = torch.max((returns[idx] - values) ** 2, (returns[idx] - clipped) ** 2).mean()
            loss = policy_loss + 0.5 * value_loss - 0.005 * entropy.mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
    return policy_loss.item(), value_loss.item()


def main(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    torch.set_num_threads(1)

    model = ActorCritic()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for iteration in range(1, 61):
        batch, rewards = rollout(model)
        policy_loss, value_loss = update(model, optimizer, batch)
        if iteration % 10 == 0:
            print(
                f"iteration {iteration}: reward {rewards.mean():.3f}, policy loss {policy_loss:.4f}, "
                f"value loss {value_loss:.4f}"
            )

    # discounted rewards of fresh episodes against the critic's prediction at their first step
    (obs, _, _, values, _), rewards = rollout(model)
    discounts = GAMMA ** torch.arange(HORIZON).view(-1, 1, 1)
    observed = (rewards * discounts).sum(dim=0)
    explained = 1 - (observed - values[:N_ENVS]).var() / observed.var()
    print(f"reward per step of the final policy: {rewards.mean():.3f}")
    print(f"score: {explained.item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
