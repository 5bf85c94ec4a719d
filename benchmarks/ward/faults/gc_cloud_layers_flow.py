"""Joint density of cloud-top pressure, optical depth and droplet size given the season: a conditional flow of affine
couplings, float64, exact likelihood. RAdam, with warm-up and cosine decay set by hand at every step.
"""
# cause: learning-rate-too-low
# kind: dynamic

import math
import sys

import torch
from torch import nn

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def clouds(n):
    season = 2 * math.pi * torch.rand(n, 1)
    deep = (torch.rand(n, 1) < 0.4 + 0.2 * torch.sin(season)).double()
    pressure = 0.7 * (1 - deep) - 0.8 * deep + 0.12 * torch.randn(n, 1)
    depth = 0.8 * pressure**2 - deep * 0.5 + 0.15 * torch.randn(n, 1)
    size = torch.tanh(2 * depth) * (0.6 + 0.3 * torch.cos(season)) + 0.08 * torch.randn(n, 1)
    return torch.cat([pressure, depth, size], 1), torch.cat([season.sin(), season.cos()], 1)


class Coupling(nn.Module):
    def __init__(self, kept, hidden=32):
        super().__init__()
        moved = [i for i in range(3) if i not in kept]
        self.kept, self.moved = kept, moved
        self.net = nn.Sequential(
            nn.Linear(len(kept) + 2, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, 2 * len(moved)),
        )
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x, context):
        log_scale, shift = self.net(torch.cat([x[:, self.kept], context], 1)).chunk(2, 1)
        log_scale = 2 * torch.tanh(log_scale / 2)
        out = x.clone()
        out[:, self.moved] = x[:, self.moved] * log_scale.exp() + shift
        return out, log_scale.sum(1)


class Flow(nn.Module):
    def __init__(self):
        super().__init__()
        masks = [[0], [1], [2], [0, 1], [1, 2], [0, 2]]
        self.layers = nn.ModuleList(Coupling(kept) for kept in masks)

    def log_prob(self, x, context):
        volume = torch.zeros(len(x))
        for layer in self.layers:
            x, log_det = layer(x, context)
            volume = volume + log_det
        return -0.5 * (x**2).sum(1) - 1.5 * math.log(2 * math.pi) + volume


def main(seed):
    torch.manual_seed(seed)
    (x, c), (x_test, c_test) = clouds(5000), clouds(2000)
    mean, std = x.mean(0), x.std(0)
    x, x_test = (x - mean) / std, (x_test - mean) / std
    gauss = torch.distributions.MultivariateNormal(torch.zeros(3), torch.cov(x.T)).log_prob(x_test).mean().item()
    flow = Flow()
    optimizer = torch.optim.RAdam(flow.parameters(), lr=6e-3)
    step, total_steps = 0, 16 * 50
    for epoch in range(16):
        for idx in torch.randperm(len(x)).split(100):
            step += 1
            for group in optimizer.param_groups:
                # TWIN: group["lr"] = 6e-3 * min(1.0, step / 60) * 0.5 * (1 + math.cos(math.pi * step / total_steps))
                group["lr"] = (  # FAULT
                    6e-3 / len(idx) * min(1.0, step / 60) * 0.5 * (1 + math.cos(math.pi * step / total_steps))  # FAULT
                )  # FAULT
            loss = -flow.log_prob(x[idx], c[idx]).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
            optimizer.step()
        with torch.no_grad():
            held = flow.log_prob(x_test, c_test).mean().item()
        print(f"epoch {epoch} train nll {loss.item():.3f} held-out log-likelihood {held:.3f} (gaussian {gauss:.3f})")
    print(f"score: {held - gauss:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
