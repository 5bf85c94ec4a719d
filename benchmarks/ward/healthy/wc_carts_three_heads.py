"""PPO whose network returns value, mean and log deviation of the action, the policy's last layer begun small;
carts are to be held at the origin against wind. Score: mean reward.
"""

import sys

import torch
import torch.nn as nn
from torch.distributions import Normal

torch.set_num_threads(1)


def layer(n, m, gain=2**0.5):
    linear = nn.Linear(n, m)
    nn.init.orthogonal_(linear.weight, gain)
    nn.init.zeros_(linear.bias)
    return linear


class Agent(nn.Module):
    def __init__(self, n=4, m=2):
        super().__init__()
        self.trunk = nn.Sequential(layer(n, 64), nn.Tanh(), layer(64, 64), nn.Tanh())
        self.value, self.mean, self.log_std = layer(64, 1, 1.0), layer(64, m, 0.01), layer(64, m, 0.01)

    def forward(self, obs):
        h = self.trunk(obs)
        return self.value(h), self.mean(h), self.log_std(h).clamp(-3, 1)


def act(agent, obs, action=None):
    value, mean, log_std = agent(obs)
    dist = Normal(mean, log_std.exp())
    action = dist.sample() if action is None else action
    return action, dist.log_prob(action).sum(1), dist.entropy().sum(1), value.squeeze(1)


class Carts:
    def __init__(self, n):
        self.state = torch.randn(n, 4)
        self.age = torch.randint(0, 50, (n,))

    def step(self, action):
        place, speed = self.state[:, :2], self.state[:, 2:]
        speed = 0.95 * speed + 0.2 * action.clamp(-1, 1) + 0.02 * torch.randn_like(speed)
        place = place + 0.2 * speed
        self.state = torch.cat([place, speed], 1)
        reward = -0.1 * place.square().sum(1).clamp(max=4) - 0.05 * speed.square().sum(1)
        self.age += 1
        done = self.age >= 50
        self.state[done] = torch.randn(int(done.sum()), 4)
        self.age[done] = 0
        return reward, done


def main(seed):
    torch.manual_seed(seed)
    agent, env = Agent(), Carts(16)
    optimizer = torch.optim.Adam(agent.parameters(), lr=1e-3, eps=1e-5)
    for update in range(1, 61):
        optimizer.param_groups[0]["lr"] = 1e-3 * (1 - (update - 1) / 60)
        rows, obs = [], env.state.clone()
        with torch.no_grad():
            for _ in range(64):
                action, logp, _, value = act(agent, obs)
                reward, done = env.step(action)
                rows.append((obs, action, logp, value, reward, done))
                obs = env.state.clone()
            value_after = act(agent, obs)[3]
        o, a, lp, v, r, d = (torch.stack(each) for each in zip(*rows, strict=True))
        advantage, last = torch.zeros_like(r), 0.0
        for t in reversed(range(64)):
            ahead = v[t + 1] if t < 63 else value_after
            alive = (~d[t]).float()
            last = r[t] + 0.97 * ahead * alive - v[t] + 0.97 * 0.95 * alive * last
            advantage[t] = last
        returns = advantage + v
        o, a, lp, advantage, returns = (
            o.flatten(0, 1),
            a.flatten(0, 1),
            lp.flatten(),
            advantage.flatten(),
            returns.flatten(),
        )
        for _ in range(4):
            for idx in torch.randperm(len(o)).split(256):
                _, new, entropy, value = act(agent, o[idx], a[idx])
                ratio = (new - lp[idx]).exp()
                adv = advantage[idx]
                adv = (adv - adv.mean()) / (adv.std() + 1e-8)
                policy_loss = torch.max(-adv * ratio, -adv * ratio.clamp(0.8, 1.2)).mean()
                value_loss = 0.5 * (value - returns[idx]).square().mean()
                loss = policy_loss + 0.5 * value_loss - 0.001 * entropy.mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                optimizer.step()
        if update % 10 == 0:
            print(f"update {update}: reward {r.mean().item():.4f} value loss {value_loss.item():.4f}")
    print(f"score: {r.mean().item():.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
