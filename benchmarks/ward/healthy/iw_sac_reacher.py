"""Soft actor-critic with learned temperature: a point mass on a plane is pushed to the origin and held there.
Scored by the mean return of greedy episodes (0 would be perfect, about -60 for doing nothing).

After https://github.com/pranz24/pytorch-soft-actor-critic (Haarnoja et al. 2018, twin critics, target entropy -dim A).
"""

import copy
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class PointMass:
    """n point masses with friction; observation (position, velocity), action a force in [-1, 1]^2, 40 steps."""

    horizon = 40

    def __init__(self, n, rng):
        self.n, self.rng = n, rng
        self.reset()

    def reset(self):
        self.p = self.rng.uniform(-1.5, 1.5, (self.n, 2))
        self.v = np.zeros((self.n, 2))
        self.t = 0
        return self.obs()

    def obs(self):
        return np.concatenate([self.p, self.v], 1).astype(np.float32)

    def step(self, a):
        self.v = 0.9 * self.v + 0.15 * a
        self.p = np.clip(self.p + 0.3 * self.v, -2, 2)
        self.t += 1
        reward = -np.linalg.norm(self.p, axis=1) - 0.02 * (a**2).sum(1)
        return self.obs(), reward.astype(np.float32), self.t >= self.horizon


def mlp(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, n_out))


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = mlp(4, 4)

    def forward(self, s, deterministic=False):
        mean, log_std = self.net(s).chunk(2, dim=-1)
        if deterministic:
            return torch.tanh(mean)
        dist = torch.distributions.Normal(mean, log_std.clamp(-5, 2).exp())
        u = dist.rsample()
        log_prob = dist.log_prob(u) - 2 * (np.log(2) - u - F.softplus(-2 * u))  # log(1 - tanh(u)^2), stable
        return torch.tanh(u), log_prob.sum(-1)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.q1, self.q2 = mlp(6, 1), mlp(6, 1)

    def forward(self, s, a):
        x = torch.cat([s, a], -1)
        return self.q1(x).squeeze(-1), self.q2(x).squeeze(-1)


@torch.no_grad()
def evaluate(actor, seed, n=50):
    env, total, done = PointMass(n, np.random.default_rng(seed)), np.zeros(n), False
    s = env.obs()
    while not done:
        s, r, done = env.step(actor(torch.from_numpy(s), deterministic=True).numpy())
        total += r
    return total.mean()


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    env = PointMass(16, rng)
    actor, critic = Actor(), Critic()
    target = copy.deepcopy(critic).requires_grad_(False)
    log_alpha = torch.tensor(np.log(0.2), dtype=torch.float32, requires_grad=True)
    actor_opt = torch.optim.Adam(actor.parameters(), lr=1e-3)
    critic_opt = torch.optim.Adam(critic.parameters(), lr=1e-3)
    alpha_opt = torch.optim.Adam([log_alpha], lr=3e-3)
    gamma, tau, target_entropy, batch = 0.95, 0.01, -2.0, 128
    buf = {k: [] for k in ("s", "a", "r", "s2")}

    s = env.reset()
    for step in range(530):
        if step < 40:  # random exploration first
            a = rng.uniform(-1, 1, (16, 2)).astype(np.float32)
        else:
            with torch.no_grad():
                a = actor(torch.from_numpy(s))[0].numpy()
        s2, r, timeout = env.step(a)
        for k, v in zip(("s", "a", "r", "s2"), (s, a, r, s2)):
            buf[k].append(torch.from_numpy(v))
        s = env.reset() if timeout else s2  # only time runs out: every transition is bootstrapped
        if step < 40:
            continue

        t, e = rng.integers(len(buf["s"]), size=batch), rng.integers(16, size=batch)
        bs, ba, br, bs2 = (torch.stack([buf[k][i][j] for i, j in zip(t, e)]) for k in ("s", "a", "r", "s2"))
        alpha = log_alpha.exp().detach()
        with torch.no_grad():
            a2, logp2 = actor(bs2)
            y = br + gamma * (torch.min(*target(bs2, a2)) - alpha * logp2)
        q1, q2 = critic(bs, ba)
        critic_loss = F.mse_loss(q1, y) + F.mse_loss(q2, y)
        critic_opt.zero_grad()
        critic_loss.backward()
        critic_opt.step()

        pi, logp = actor(bs)
        critic.requires_grad_(False)
        actor_loss = (alpha * logp - torch.min(*critic(bs, pi))).mean()
        actor_opt.zero_grad()
        actor_loss.backward()
        actor_opt.step()
        critic.requires_grad_(True)

        alpha_loss = -(log_alpha * (logp.detach() + target_entropy)).mean()
        alpha_opt.zero_grad()
        alpha_loss.backward()
        alpha_opt.step()

        with torch.no_grad():
            for p, tp in zip(critic.parameters(), target.parameters()):
                tp.lerp_(p, tau)
        if step % 50 == 0:
            print(
                f"step {step}: critic loss {critic_loss.item():.3f}, alpha {alpha.item():.3f}, "
                f"return {evaluate(actor, seed + 500):.2f}"
            )
    print(f"score: {evaluate(actor, seed + 1000):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
