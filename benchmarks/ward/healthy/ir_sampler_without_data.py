"""Learning to draw from a Boltzmann density known only up to its constant (a particle in a bent, asymmetric double
well): there are no data at all, only noise. A coupling flow minimizes the reverse KL, so the loss is minus a bound
(negative from early on). The walls are softened first and let in step by step. Score: effective sample size.
"""

import math
import sys

import torch
import torch.nn as nn

torch.set_num_threads(1)


def energy(x):
    a, b = x[:, 0], x[:, 1]
    well = 0.6 * (a**2 - 1.5) ** 2 + 0.25 * a
    return well + 1.5 * (b - 0.5 * a**2 + 0.5) ** 2 - 4.0


class Coupling(nn.Module):
    def __init__(self, keep, width=48):
        super().__init__()
        self.keep = keep
        self.net = nn.Sequential(nn.Linear(1, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.out = nn.Linear(width, 2)
        nn.init.zeros_(self.out.weight)  # begins as the identity
        nn.init.zeros_(self.out.bias)

    def forward(self, x):
        held, moved = x[:, self.keep], x[:, 1 - self.keep]
        scale, shift = self.out(self.net(held[:, None])).unbind(1)
        scale = 1.5 * torch.tanh(scale / 1.5)
        moved = moved * scale.exp() + shift
        return torch.stack([held, moved] if self.keep == 0 else [moved, held], 1), scale


def draw(flow, n):
    z = torch.randn(n, 2)
    logq = -0.5 * z.pow(2).sum(1) - math.log(2 * math.pi)
    for layer in flow:
        z, logdet = layer(z)
        logq = logq - logdet
    return z, logq


def log_constant():
    grid = torch.linspace(-6, 6, 1201)
    points = torch.cartesian_prod(grid, grid)
    return (torch.logsumexp(-energy(points), 0) + 2 * math.log(12 / 1200)).item()


if __name__ == "__main__":
    torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    flow = nn.ModuleList(Coupling(i % 2) for i in range(6))
    optimizer = torch.optim.Adam(flow.parameters(), lr=3e-3)
    steps = 800
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for step in range(1, steps + 1):
        temper = min(1.0, 0.3 + step / 350)
        x, logq = draw(flow, 256)
        loss = (logq + temper * energy(x)).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
        optimizer.step()
        scheduler.step()
        if step % 100 == 0:
            with torch.no_grad():
                x, logq = draw(flow, 5000)
                logw = -energy(x) - logq
            ess = torch.exp(2 * torch.logsumexp(logw, 0) - torch.logsumexp(2 * logw, 0)).item() / len(x)
            left = (x[:, 0] < 0).float().mean().item()
            print(f"step {step}: loss {loss.item():.4f} bound {logw.mean():.4f} ESS {ess:.3f} left well {left:.3f}")
    print(f"true log constant {log_constant():.4f}")
    print(f"score: {ess:.4f}")
