"""A small diffusion model of three-armed spirals: the noise-prediction loss is flat from early on (its floor is far
from zero) though the samples keep getting better; an exponential average of the weights does the sampling. Score: minus
the energy distance between 2,000 samples and held-out points (that of two real sets is near 0.003).
"""

import copy
import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)
T = 60
BETA = torch.linspace(1e-3, 0.15, T)
ALPHA_BAR = torch.cumprod(1 - BETA, 0)


def spirals(n):
    r = torch.rand(n).sqrt()
    angle = 3.0 * r + torch.randint(3, (n,)) * 2 * math.pi / 3
    return (2 * r[:, None]) * torch.stack([angle.cos(), angle.sin()], 1) + 0.04 * torch.randn(n, 2)


class Denoiser(nn.Module):
    def __init__(self, h=96):
        super().__init__()
        self.register_buffer("freq", torch.exp(torch.linspace(0, math.log(30), 8)))
        self.net = nn.Sequential(
            nn.Linear(26, h), nn.SiLU(), nn.Linear(h, h), nn.SiLU(), nn.Linear(h, h), nn.SiLU(), nn.Linear(h, 2)
        )

    def forward(self, x, t):
        a = (t.float() / T)[:, None] * self.freq
        waves = torch.cat([2 * x, 4 * x], 1)
        return self.net(torch.cat([x, waves.sin(), waves.cos(), a.sin(), a.cos()], 1))


@torch.no_grad()
def sample(net, n):
    x = torch.randn(n, 2)
    for t in reversed(range(T)):
        eps = net(x, torch.full((n,), t))
        x = (x - BETA[t] / (1 - ALPHA_BAR[t]).sqrt() * eps) / (1 - BETA[t]).sqrt()
        if t:
            x = x + BETA[t].sqrt() * torch.randn_like(x)
    return x


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main(seed):
    torch.manual_seed(seed)
    data, held = spirals(8000), spirals(2000)
    scale = data.std()
    data, held = data / scale, held / scale
    net = Denoiser()
    average = copy.deepcopy(net).requires_grad_(False)
    optimizer = torch.optim.RAdam(net.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 2400, eta_min=1e-4)
    total = 0.0
    for step in range(1, 2401):
        x = data[torch.randint(len(data), (256,))]
        t, eps = torch.randint(T, (256,)), torch.randn(256, 2)
        noisy = ALPHA_BAR[t].sqrt()[:, None] * x + (1 - ALPHA_BAR[t]).sqrt()[:, None] * eps
        loss = (net(noisy, t) - eps).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        decay = min(0.995, step / (step + 10))
        for slow, fast in zip(average.parameters(), net.parameters()):
            slow.lerp_(fast.detach(), 1 - decay)
        total += loss.item()
        if step % 240 == 0:
            print(f"step {step}: loss {total / 240:.4f} distance {energy_distance(sample(average, 1000), held):.5f}")
            total = 0.0
    print(f"floor: {energy_distance(spirals(2000) / scale, held):.5f}")
    print(f"score: {-energy_distance(sample(average, 2000), held):.5f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
