"""A normalising flow (RealNVP, six affine couplings) fitted to the two moons by maximum likelihood. The score is
the mean log density of unseen points; a single Gaussian would get about -2.7.
"""

import math
import sys

import torch
from sklearn.datasets import make_moons
from torch import nn

torch.set_num_threads(1)


class Coupling(nn.Module):
    def __init__(self, mask, hidden=32):
        super().__init__()
        self.register_buffer("mask", mask)
        self.net = nn.Sequential(nn.Linear(2, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.out = nn.Linear(hidden, 4)
        nn.init.zeros_(self.out.weight)  # each coupling starts as the identity
        nn.init.zeros_(self.out.bias)

    def forward(self, x):
        kept = x * self.mask
        s, t = self.out(self.net(kept)).chunk(2, dim=1)
        s = 2 * torch.tanh(s) * (1 - self.mask)
        return kept + (1 - self.mask) * (x * s.exp() + t), s.sum(dim=1)


class RealNVP(nn.Module):
    def __init__(self, depth=6):
        super().__init__()
        masks = [torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])]
        self.layers = nn.ModuleList(Coupling(masks[i % 2]) for i in range(depth))

    def log_prob(self, x):
        total = torch.zeros(len(x))
        for layer in self.layers:
            x, logdet = layer(x)
            total = total + logdet
        return total - 0.5 * x.square().sum(dim=1) - math.log(2 * math.pi)


def moons(n, random_state):
    x, _ = make_moons(n, noise=0.08, random_state=random_state)
    return torch.tensor((x - [0.5, 0.25]) / [0.87, 0.5], dtype=torch.float32)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    torch.manual_seed(seed)
    train, test = moons(2000, 2 * seed), moons(1000, 2 * seed + 1)
    flow = RealNVP()
    optimizer = torch.optim.Adam(flow.parameters(), lr=8e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.93)
    for epoch in range(36):
        flow.train()
        nlls = []
        for batch in train[torch.randperm(len(train))].split(200):
            optimizer.zero_grad()
            nll = -flow.log_prob(batch).mean()
            nll.backward()
            nn.utils.clip_grad_value_(flow.parameters(), 1.0)
            optimizer.step()
            nlls.append(nll.item())
        scheduler.step()
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1:2d}: negative log likelihood {sum(nlls) / len(nlls):.4f}")
    flow.eval()
    with torch.no_grad():
        print(f"score: {flow.log_prob(test).mean().item():.4f}")


if __name__ == "__main__":
    main()
