"""Soft actor-critic for a buoyancy float that must hover at a depth asked for: two critics with slowly following
copies, a squashed Gaussian policy, and a temperature that tunes itself. Three losses, three optimizers; the actor's
follows the values up or down, the temperature's has no minimum to reach. Score: 1 - cost / that of a still float.
"""

import copy
import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class Floats:
    def __init__(self, n):
        self.depth, self.speed, self.wanted = 2 * torch.rand(n) - 1, 0.2 * torch.randn(n), 2 * torch.rand(n) - 1

    def observe(self):
        return torch.stack([self.depth, 2 * self.speed, self.wanted, self.depth - self.wanted], 1)

    def step(self, force):
        self.speed = 0.85 * self.speed + 0.12 * force + 0.01 * torch.randn_like(force)
        self.depth = (self.depth + 0.5 * self.speed).clamp(-1.5, 1.5)  # the surface and the bed
        self.speed = torch.where(self.depth.abs() == 1.5, 0.0, self.speed)
        return -((self.depth - self.wanted) ** 2) - 0.02 * force**2


def mlp(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, n_out))


def act(actor, obs):
    mean, log_std = actor(obs).unbind(1)
    std = log_std.clamp(-4, 1).exp()
    raw = mean + std * torch.randn_like(mean)
    logp = -0.5 * ((raw - mean) / std) ** 2 - std.log() - 0.5 * math.log(2 * math.pi)
    return torch.tanh(raw), logp - 2 * (math.log(2) - raw - F.softplus(-2 * raw))


def value(critic, obs, action):
    return critic(torch.cat([obs, action[:, None]], 1)).squeeze(1)


@torch.no_grad()
def cost(policy, n=300, steps=40):
    floats = Floats(n)
    return -torch.stack([floats.step(policy(floats.observe())) for _ in range(steps)]).mean().item()


def main(seed):
    torch.manual_seed(seed)
    actor, critics = mlp(4, 2), nn.ModuleList([mlp(5, 1), mlp(5, 1)])
    followers = copy.deepcopy(critics).requires_grad_(False)
    log_alpha = torch.tensor(-3.0, requires_grad=True)
    actor_opt = torch.optim.Adam(actor.parameters(), lr=2e-3)
    critic_opt = torch.optim.Adam(critics.parameters(), lr=2e-3)
    alpha_opt = torch.optim.Adam([log_alpha], lr=5e-3)
    still = cost(lambda obs: torch.zeros(len(obs)))
    floats, memory = Floats(32), []
    for step in range(1, 901):
        obs = floats.observe()
        with torch.no_grad():
            action, _ = act(actor, obs)
        reward = floats.step(action)
        memory.append((obs, action, reward, floats.observe()))
        if step % 40 == 0:
            floats = Floats(32)
        if step < 20:
            continue
        rows = [memory[i] for i in torch.randint(max(0, len(memory) - 600), len(memory), (8,))]
        obs, action, reward, nxt = (torch.cat(part)[::2] for part in zip(*rows, strict=True))
        alpha = log_alpha.exp().detach()
        with torch.no_grad():
            nxt_action, nxt_logp = act(actor, nxt)
            future = torch.minimum(*(value(c, nxt, nxt_action) for c in followers)) - alpha * nxt_logp
            goal = reward + 0.93 * future
        critic_loss = sum(F.mse_loss(value(c, obs, action), goal) for c in critics)
        critic_opt.zero_grad()
        critic_loss.backward()
        critic_opt.step()

        new_action, logp = act(actor, obs)
        actor_loss = (alpha * logp - torch.minimum(*(value(c, obs, new_action) for c in critics))).mean()
        actor_opt.zero_grad()
        actor_loss.backward()
        actor_opt.step()

        alpha_loss = -log_alpha * (logp.detach().mean() - 1.0)  # entropy wanted: -1
        alpha_opt.zero_grad()
        alpha_loss.backward()
        alpha_opt.step()
        with torch.no_grad():
            for slow, fast in zip(followers.parameters(), critics.parameters(), strict=True):
                slow.lerp_(fast, 0.02)
        if step % 100 == 0:
            score = 1 - cost(lambda obs: torch.tanh(actor(obs)[:, 0])) / still
            print(
                f"step {step}: critics {critic_loss.item():.4f} actor {actor_loss.item():+.4f} "
                f"alpha {log_alpha.exp().item():.4f} score {score:.4f}"
            )
    return score


if __name__ == "__main__":
    print(f"score: {main(int(sys.argv[1]) if len(sys.argv) > 1 else 0):.4f}")
