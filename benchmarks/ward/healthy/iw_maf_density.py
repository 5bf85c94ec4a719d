"""Masked autoregressive flow (MADE blocks, orders reversed in between) fits a four-dimensional density; scored by the
held-out log likelihood per dimension, with a fitted Gaussian as the baseline.

After https://github.com/ikostrikov/pytorch-flows (Papamakarios et al. 2017), early stopping on the validation set.
"""

import copy
import math
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

DIM = 4


def make_data(rng, n):
    """Two moons bent into a further pair of dimensions that depend on them."""
    t, side = rng.uniform(0, np.pi, n), rng.integers(2, size=n)
    a = np.where(side, 1 - np.cos(t), np.cos(t)) + rng.normal(0, 0.1, n)
    b = np.where(side, 0.5 - np.sin(t), np.sin(t)) + rng.normal(0, 0.1, n)
    c = a**2 - b + rng.normal(0, 0.25, n)
    d = np.sin(2 * c) + rng.normal(0, 0.15 + 0.15 * side, n)
    return np.stack([a, b, c, d], 1)


class MaskedLinear(nn.Linear):
    def __init__(self, n_in, n_out, mask):
        super().__init__(n_in, n_out)
        self.register_buffer("mask", mask)

    def forward(self, x):
        return F.linear(x, self.weight * self.mask, self.bias)


class MADE(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        deg_in, deg_h = torch.arange(dim), torch.arange(hidden) % (dim - 1)
        mask_in = (deg_h[:, None] >= deg_in[None]).float()
        mask_h = (deg_h[:, None] >= deg_h[None]).float()
        mask_out = (deg_in[:, None] > deg_h[None]).float().repeat(2, 1)
        self.net = nn.Sequential(
            MaskedLinear(dim, hidden, mask_in),
            nn.ReLU(),
            MaskedLinear(hidden, hidden, mask_h),
            nn.ReLU(),
            MaskedLinear(hidden, 2 * dim, mask_out),
        )

    def forward(self, x):
        m, a = self.net(x).chunk(2, 1)
        a = 3 * torch.tanh(a / 3)
        return (x - m) * torch.exp(-a), -a.sum(1)


class MAF(nn.Module):
    def __init__(self, dim, hidden, blocks):
        super().__init__()
        self.blocks = nn.ModuleList(MADE(dim, hidden) for _ in range(blocks))

    def log_prob(self, x):
        logdet = 0
        for block in self.blocks:
            x, ld = block(x)
            logdet = logdet + ld
            x = x.flip(1)
        return -0.5 * (x**2).sum(1) - 0.5 * x.shape[1] * math.log(2 * math.pi) + logdet


def main(seed):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    train, val, test = make_data(rng, 6000), make_data(rng, 1000), make_data(rng, 2000)
    mean, std = train.mean(0), train.std(0)
    train, val, test = (torch.tensor((a - mean) / std, dtype=torch.float32) for a in (train, val, test))

    gauss = torch.distributions.MultivariateNormal(train.mean(0), torch.cov(train.T))
    print(f"Gaussian baseline: {gauss.log_prob(test).mean().item() / DIM:.3f} nats a dimension")

    flow = MAF(DIM, 64, 5)
    optimizer = torch.optim.Adam(flow.parameters(), lr=2e-3, weight_decay=1e-6)
    best, best_flow, waited = float("inf"), None, 0
    for epoch in range(30):
        flow.train()
        total = 0.0
        for idx in torch.randperm(len(train)).split(200):
            optimizer.zero_grad()
            loss = -flow.log_prob(train[idx]).mean()
            loss.backward()
            nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
            optimizer.step()
            total += loss.item() * len(idx)
        flow.eval()
        with torch.no_grad():
            val_nll = -flow.log_prob(val).mean().item()
        if epoch % 3 == 0:
            print(f"epoch {epoch}: train nll {total / len(train):.3f}, validation nll {val_nll:.3f}")
        if val_nll < best:
            best, best_flow, waited = val_nll, copy.deepcopy(flow), 0
        else:
            waited += 1
            if waited == 10:
                break

    with torch.no_grad():
        score = best_flow.log_prob(test).mean().item() / DIM
    print(f"score: {score:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
