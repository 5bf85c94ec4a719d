"""Detector hits of a ring-shaped decay: RealNVP of eight couplings whose last layers start at zero, AdamW with
gradient clipping. Score: 1 - total variation between histograms of its samples and fresh hits.
"""

import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def hits(n):
    phi = 2 * torch.pi * torch.rand(n)
    r = 1.8 + 0.3 * torch.randn(n)
    return torch.stack([r * phi.cos(), r * phi.sin()], 1)


class Coupling(nn.Module):
    def __init__(self, keep):
        super().__init__()
        self.keep, self.change = keep, 1 - keep
        self.net = nn.Sequential(nn.Linear(1, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 2))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def parts(self, x):
        s, t = self.net(x[:, self.keep, None]).unbind(1)
        return 2 * torch.tanh(s / 2), t

    def forward(self, x):
        s, t = self.parts(x)
        y = x.clone()
        y[:, self.change] = x[:, self.change] * s.exp() + t
        return y, s

    def inverse(self, y):
        s, t = self.parts(y)
        x = y.clone()
        x[:, self.change] = (y[:, self.change] - t) * (-s).exp()
        return x


class RealNVP(nn.Module):
    def __init__(self, depth=8):
        super().__init__()
        self.layers = nn.ModuleList(Coupling(i % 2) for i in range(depth))
        self.base = torch.distributions.Normal(0.0, 1.0)

    def log_prob(self, x):
        total = 0.0
        for layer in self.layers:
            x, s = layer(x)
            total = total + s
        return self.base.log_prob(x).sum(1) + total

    @torch.no_grad()
    def sample(self, n):
        z = self.base.sample((n, 2))
        for layer in reversed(self.layers):
            z = layer.inverse(z)
        return z


def histogram(x, bins=12):
    idx = ((x.clamp(-2.99, 2.99) + 3) / 6 * bins).long()
    return torch.bincount(idx[:, 0] * bins + idx[:, 1], minlength=bins**2) / len(x)


def main(seed):
    torch.manual_seed(seed)
    train, fresh = hits(8000), hits(8000)
    scale = train.std()
    loader = DataLoader(TensorDataset(train / scale), batch_size=200, shuffle=True)
    flow = RealNVP()
    opt = torch.optim.AdamW(flow.parameters(), lr=4e-3, weight_decay=1e-4)
    epochs = 14
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs * len(loader), eta_min=1e-5)
    for epoch in range(1, epochs + 1):
        flow.train()
        for (x,) in loader:
            loss = -flow.log_prob(x).mean()
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(flow.parameters(), 2.0)
            opt.step()
            sched.step()
        flow.eval()
        with torch.no_grad():
            held = -flow.log_prob(fresh / scale).mean().item()
        if epoch % 2 == 0:
            score = 1 - (histogram(flow.sample(8000) * scale) - histogram(fresh)).abs().sum().item() / 2
            print(f"epoch {epoch}: train {loss.item():.4f} held out {held:.4f} overlap {score:.4f}")
    print(f"score: {score:.4f}")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
